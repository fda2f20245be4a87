#if Server
import Foundation
import Raft
import RaftFiles
import RaftJournal
import RaftReplica
import TestPace
import Testing

@testable import RaftRuntime

/// Faults on purpose: what is on does what it says, and ends by itself.
@Suite(.serialized, .live) struct ChaosTests {
  private let n2 = NodeID(2)
  private let n3 = NodeID(3)

  @Test func `what is on is over when its time is, or when it is healed`() throws {
    let chaos = ChaosSwitch(seed: 1)
    let first = try #require(chaos.begin(.block([n2], .both), for: 3_600_000_000_000))
    _ = chaos.begin(.delay([], 7), for: 1_800_000_000_000)
    let now = first.end - 3_600_000_000_000
    #expect(chaos.fate(of: n2, at: now) == .lost)
    #expect(chaos.fate(of: n3, at: now) == .late(7))
    #expect(!chaos.isHeard(n2, at: now) && chaos.isHeard(n3, at: now))
    #expect(chaos.isCut(n2, at: now) && !chaos.isCut(n3, at: now))
    #expect(chaos.fate(of: n3, at: now + 1_900_000_000_000) == .sent)
    #expect(chaos.episodes.count == 1)
    #expect(chaos.heal(77) == 0 && chaos.heal(first.id) == 1)
    #expect(chaos.fate(of: n2, at: now) == .sent && chaos.isHeard(n2, at: now))
    let last = try #require(chaos.begin(.pause, for: 1_000))
    #expect(chaos.isHeard(n2, at: last.end) && chaos.heal() == 0)
  }

  @Test func `one way is one way`() {
    let chaos = ChaosSwitch(seed: 1)
    _ = chaos.begin(.block([n2], .outgoing), for: 1_000_000_000_000)
    _ = chaos.begin(.block([n3], .incoming), for: 1_000_000_000_000)
    #expect(chaos.fate(of: n2) == .lost && chaos.isHeard(n2) && !chaos.isCut(n2))
    #expect(chaos.fate(of: n3) == .sent && !chaos.isHeard(n3) && !chaos.isCut(n3))
  }

  @Test func `the same seed loses the same messages, about the share that was asked for`() {
    func fates(_ seed: UInt64) -> [ChaosSwitch.Fate] {
      let chaos = ChaosSwitch(seed: 9)
      _ = chaos.begin(.loss([], 250_000), for: 1_000_000_000_000, seed: seed)
      return (0..<2_000).map { _ in chaos.fate(of: n2) }
    }
    #expect(fates(4) == fates(4) && fates(4) != fates(5))
    #expect((400...600).contains(fates(4).count { $0 == .lost }))
  }

  @Test func `no more faults are on than can be listed`() {
    let chaos = ChaosSwitch(seed: 1)
    for _ in 0..<ChaosSwitch.maximumEpisodes {
      #expect(chaos.begin(.pause, for: 1_000_000_000_000) != nil)
    }
    #expect(chaos.begin(.pause, for: 1) == nil)
    #expect(chaos.heal() == ChaosSwitch.maximumEpisodes)
    #expect(chaos.begin(.pause, for: 1) != nil)
  }

  @Test func `a full disk has the room that was there, and a sync that fails says so`() throws {
    let path = FileManager.default.temporaryDirectory.path + "/flotilla-chaos-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let chaos = ChaosSwitch(seed: 1)
    var disk = ChaosDisk(try FileDisk(taking: path), chaos)
    let file = FileName.segment(1)
    try disk.create(file, bytes: 4_096)
    _ = chaos.begin(.disk(.full), for: 1_000_000_000_000)
    try disk.write([1, 2, 3], to: file, at: 4_000)
    try disk.sync(file)
    #expect(throws: DiskError(.write, file, .full)) { try disk.write([1], to: file, at: 4_096) }
    let other = FileName.segment(2)
    #expect(throws: DiskError(.create, other, .full)) { try disk.create(other, bytes: 1) }
    #expect(chaos.heal() == 1)
    try disk.write([1], to: file, at: 4_096)
    _ = chaos.begin(.disk(.syncError), for: 1_000_000_000_000)
    #expect(throws: DiskError.self) { try disk.sync(file) }
    #expect(throws: DiskError.self) { try disk.syncDirectory() }
  }

  @Test func `a clock that is off is off by so much, and never before its beginning`() {
    let before = HostClock.wall
    #expect(HostClock.wall(3_000_000_000) - before < 60_000_000_000)
    #expect(HostClock.wall(3_000_000_000) >= before + 3_000_000_000)
    #expect(HostClock.wall(-3_000_000_000) < before)
    #expect(HostClock.wall(.min) == 0)
  }

  // MARK: Real nodes

  private func chaosCluster() throws -> Cluster {
    let cluster = try Cluster()
    cluster.change = { $0.chaos = ChaosSwitch(seed: 1) }
    return cluster
  }

  private let long: UInt64 = 3_600_000_000_000

  @Test func `a leader that is cut off is replaced, and follows when it is healed`() async throws {
    let cluster = try chaosCluster()
    try await cluster.startAll()
    for _ in 1...5 { try await cluster.add(1) }
    let old = try await cluster.leader()
    _ = old.chaos?.begin(.block([], .both), for: long)
    try await eventually("another leads") {
      for (node, host) in cluster.hosts where node != old.settings.node {
        if await host.status().role == .leader { return true }
      }
      return false
    }
    try await eventually("the old leader steps down, and finds its peers gone") {
      let status = await old.status()
      return status.role != .leader && status.peers.allSatisfy { !$0.isReachable }
    }
    #expect(old.chaos?.heal() == 1)
    for _ in 1...5 { try await cluster.add(1) }
    try await cluster.waitUntilAll(have: 10)
    await cluster.stopAll()
  }

  @Test func `a leader that is paused is replaced, and follows when it goes on`() async throws {
    let cluster = try chaosCluster()
    try await cluster.startAll()
    for _ in 1...5 { try await cluster.add(1) }
    let old = try await cluster.leader()
    let node = old.settings.node
    _ = old.chaos?.begin(.pause, for: long)
    let others = cluster.hosts.filter { $0.key != node }
    try await eventually("another leads") {
      for (_, host) in others where await host.status().role == .leader { return true }
      return false
    }
    #expect(old.chaos?.heal() == 1)
    for _ in 1...5 { try await cluster.add(1) }
    try await cluster.waitUntilAll(have: 10)
    await cluster.stopAll()
  }

  @Test func `messages that are late or lost cost time and nothing else`() async throws {
    let cluster = try chaosCluster()
    try await cluster.startAll()
    for (_, host) in cluster.hosts {
      _ = host.chaos?.begin(.delay([], 5_000_000), for: long)
      _ = host.chaos?.begin(.loss([], 50_000), for: long)
      _ = host.chaos?.begin(.disk(.slow(2_000_000)), for: long)
    }
    for _ in 1...20 { try await cluster.add(1) }
    for (_, host) in cluster.hosts { #expect(host.chaos?.heal() == 3) }
    try await cluster.waitUntilAll(have: 20)
    await cluster.stopAll()
  }

  @Test func `a clock that is wrong is seen by the others, and nothing is lost`() async throws {
    let cluster = try chaosCluster()
    try await cluster.startAll()
    let leader = try await cluster.leader()
    let node = leader.settings.node
    let other = try #require(cluster.hosts.first { $0.key != node }?.value)
    _ = leader.chaos?.begin(.skew(90_000_000_000), for: long)
    try await eventually("another node sees it") {
      let peer = await other.status().peers.first { $0.node == node }
      return peer?.clockOffset.map { abs($0.nanoseconds) > 60_000_000_000 } ?? false
    }
    for _ in 1...5 { try await cluster.add(1) }
    try await cluster.waitUntilAll(have: 5)
    await cluster.stopAll()
  }

  @Test func `a clock that is ahead is told as ahead, and one that is behind as behind`()
    async throws
  {
    let cluster = try Cluster(2)
    cluster.change = { $0.chaos = ChaosSwitch(seed: 1) }
    try await cluster.startAll()
    let (node, other) = (cluster.nodes[0], cluster.nodes[1])
    let fast = try #require(cluster.hosts[node])
    let slow = try #require(cluster.hosts[other])
    _ = fast.chaos?.begin(.skew(90_000_000_000), for: long)
    var offsets: [Int64] = []
    try await eventually("each sees that the other's clock is not its own") {
      let ahead = await slow.status().peers.first { $0.node == node }?.clockOffset
      let behind = await fast.status().peers.first { $0.node == other }?.clockOffset
      offsets = [ahead?.nanoseconds ?? 0, behind?.nanoseconds ?? 0]
      return offsets.allSatisfy { abs($0) > 60_000_000_000 }
    }
    #expect(offsets[0] > 60_000_000_000 && offsets[1] < -60_000_000_000, "\(offsets)")
    await cluster.stopAll()
  }

  @Test func `a sync that fails ends its node, and the others go on`() async throws {
    let cluster = try chaosCluster()
    try await cluster.startAll()
    for _ in 1...5 { try await cluster.add(1) }
    let leader = try await cluster.leader()
    let follower = try #require(cluster.nodes.first { $0 != leader.settings.node })
    await cluster.kill(follower)
    // A host whose failure nobody takes ends the process, and with it the tests.
    var settings = try cluster.settings(follower)
    settings.beginning = .existing
    var hooks = HostHooks()
    hooks.failed = { _ in }
    let host = try await Cluster.Host.start(settings, hooks: hooks)
    _ = host.chaos?.begin(.disk(.syncError), for: long)
    var peers: [Peer] = []
    for (node, other) in cluster.hosts {
      peers.append(
        Peer(node, at: PeerAddress(host: "127.0.0.1", port: UInt16(other.address?.port ?? 0))))
    }
    await host.setPeers(peers)
    for _ in 1...5 { try await cluster.add(1) }
    await host.untilEnded()
    #expect(try await cluster.add(1) == 11)
    await cluster.stopAll()
  }
}
#endif

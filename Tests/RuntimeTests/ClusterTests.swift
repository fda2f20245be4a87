#if Server
import NIOCore
import Raft
import RaftJournal
import RaftReplica
import RaftRuntime
import TestPace
import Testing

/// Hosts with real files, sockets and clocks, in this process.
@Suite(.serialized, .live) struct ClusterTests {
  @Test func `three nodes elect a leader and apply the same commands`() async throws {
    let cluster = try Cluster()
    try await cluster.startAll()
    for step in 1...20 { try await cluster.add(Int64(step)) }
    try await cluster.waitUntilAll(have: 20)
    for (_, host) in cluster.hosts {
      #expect(await host.machine().total == 210)
      let status = await host.status()
      #expect(status.peers.allSatisfy { $0.isReachable && $0.lastHeardNanoseconds != nil })
    }
    let leader = try await cluster.leader()
    #expect(try await leader.query(.total) == 210)
    await cluster.stopAll()
  }

  @Test func `a leader that dies is replaced, and comes back from its files`() async throws {
    let cluster = try Cluster()
    try await cluster.startAll()
    for _ in 1...10 { try await cluster.add(1) }
    let leader = try await cluster.leader()
    let node = leader.settings.node
    await cluster.kill(node)
    for _ in 1...10 { try await cluster.add(1) }
    let again = try await cluster.start(node)
    try await cluster.waitUntilAll(have: 20)
    #expect(await again.status().identity.incarnation == 2)
    #expect(await again.machine().total == 20)
    await cluster.stopAll()
  }

  @Test func `a node that was away for long catches up by a snapshot`() async throws {
    let cluster = try Cluster()
    cluster.change = { settings in
      settings.replica.snapshotEntries = 40
      settings.replica.core.retainedEntries = 5
      settings.replica.core.snapshotChunkBytes = 4_096
    }
    try await cluster.startAll()
    try await cluster.add(-100_000)
    let leader = try await cluster.leader().settings.node
    let away = try #require(cluster.nodes.first { $0 != leader })
    await cluster.kill(away)
    for _ in 1...150 { try await cluster.add(2) }
    let host = try await cluster.start(away)
    try await cluster.waitUntilAll(have: 151)
    #expect(await host.machine().total == 300)
    #expect(await host.machine().ballast.count == 100_000)
    #expect(await host.status().counters.snapshotsInstalled > 0)
    await cluster.stopAll()
  }

  @Test func `a leader that stops hands over, and no request is lost from sight`() async throws {
    let cluster = try Cluster()
    try await cluster.startAll()
    let leader = try await cluster.leader()
    let done = try await withThrowingTaskGroup(of: Int64.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var done: Int64 = 0
          while true {
            switch await leader.ask(
              .command(Tally.encode(1), in: nil, copies: .majority), timeout: .seconds(30))
            {
            case .applied: done += 1
            case .notLeader, .unavailable: return done
            case .tooBusy: continue
            case let other: throw RigError("a request failed: \(other)")
            }
          }
        }
      }
      try await Task.sleep(for: .milliseconds(100))
      await cluster.stop(leader.settings.node)
      return try await group.reduce(0, +)
    }
    #expect(done > 0)
    let next = try await cluster.leader()
    #expect(next.settings.node != leader.settings.node)
    #expect(try await next.query(.total) == done)
    #expect(try await cluster.add(1) == done + 1)
    await cluster.stopAll()
  }

  @Test func `a member is added by its address and removed again`() async throws {
    let cluster = try Cluster(4)
    let first = Array(cluster.nodes.prefix(3))
    let fourth = try #require(cluster.nodes.last)
    for node in first { try await cluster.start(node, .new(Membership(voters: first))) }
    for _ in 1...20 { try await cluster.add(1) }
    try await cluster.start(fourth, .joining)
    let leader = try await cluster.leader()
    for step in [MembershipStep.addLearner(fourth), .addVoter(fourth)] {
      try await eventually("\(step)") {
        let reply = await leader.ask(.changeMembership(MembershipChange([step])))
        if case .membershipChanged = reply { return true }
        return false
      }
    }
    try await cluster.waitUntilAll(have: 20)
    #expect(await leader.status().membership.voters == cluster.nodes)
    try await eventually("removal") {
      let reply = await leader.ask(.changeMembership(MembershipChange([.remove(fourth)])))
      if case .membershipChanged = reply { return true }
      return false
    }
    #expect(await leader.status().membership.voters == first)
    await cluster.stopAll()
  }

  @Test func `a directory belongs to one process, one node and one cluster`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    var settings = try cluster.settings(cluster.nodes[0])
    await #expect(throws: HostError.self) { _ = try await Cluster.Host.start(settings) }
    await cluster.stopAll()
    settings.cluster = ClusterID(high: 7, low: 7)
    await #expect(throws: HostError.self) { _ = try await Cluster.Host.start(settings) }
    settings.cluster = cluster.id
    settings.beginning = .new(try Membership(voters: cluster.nodes))
    await #expect(throws: HostError.self) { _ = try await Cluster.Host.start(settings) }
    settings.beginning = .existing
    let host = try await Cluster.Host.start(settings)
    await host.stop()
  }

  @Test func `what a real node was given leads another to the same digest`() async throws {
    let cluster = try Cluster()
    try await cluster.startAll()
    for _ in 1...30 { try await cluster.add(1) }
    let node = try await cluster.leader().settings.node
    for (_, host) in cluster.hosts {
      let record = try IncidentRecord<Tally>(await host.incidentRecord())
      #expect(record.isWhole && record.inputs.count > 60)
      try record.replay()
    }
    await cluster.kill(node)
    let again = try await cluster.start(node)
    for _ in 1...10 { try await cluster.add(1) }
    try await cluster.waitUntilAll(have: 40)
    let record = try IncidentRecord<Tally>(await again.incidentRecord())
    #expect(try record.replay().replica.machine.machine.machine.total == 40)
    await cluster.stopAll()
  }
}
#endif

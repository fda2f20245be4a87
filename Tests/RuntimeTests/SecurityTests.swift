#if Server
import Foundation
import NIOCore
import NIOPosix
import Raft
import RaftJournal
import RaftReplica
import RaftRuntime
import TestPace
import Testing

/// Who may talk to a node, and what becomes of those who may not.
@Suite(.serialized, .live) struct SecurityTests {
  /// Files beside this one.
  private func certificates(_ node: String, authorities: String = "ca") -> PeerSecurity {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Certificates").path
    return .mutualTLS(
      CertificateFiles(
        certificate: "\(folder)/\(node).pem", key: "\(folder)/\(node).key",
        authorities: "\(folder)/\(authorities).pem"))
  }

  /// Starts a node that the others of a cluster refuse, and returns why, by its own words.
  private func problem(
    _ node: NodeID, of cluster: Cluster, _ change: (inout HostSettings) -> Void
  ) async throws -> String {
    var settings = try cluster.settings(node)
    settings.directory += "-stranger"
    settings.beginning = .joining
    change(&settings)
    for (other, host) in cluster.hosts where other != settings.node {
      let port = UInt16(host.address?.port ?? 0)
      settings.peers.append(Peer(other, at: PeerAddress(host: "127.0.0.1", port: port)))
    }
    let stranger = try await Cluster.Host.start(settings)
    var problem: String?
    try await eventually("the stranger is refused") {
      problem = await stranger.status().peers.compactMap { $0.problem }.first
      return problem != nil
    }
    #expect(await stranger.status().peers.allSatisfy { !$0.isReachable })
    await stranger.abandon()
    return problem ?? ""
  }

  @Test func `a node of another cluster is refused`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let problem = try await problem(NodeID(2), of: cluster) {
      $0.cluster = ClusterID(high: 5, low: 5)
    }
    #expect(problem.contains(LinkRefusal.cluster.description))
    await cluster.stopAll()
  }

  @Test func `a node with another key is refused`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let problem = try await problem(NodeID(2), of: cluster) {
      if let key = ClusterKey([UInt8](repeating: 8, count: 32)) { $0.security = .clusterKey(key) }
    }
    #expect(problem.contains(LinkRefusal.key.description))
    await cluster.stopAll()
  }

  @Test func `a node without protection is refused by one with a key`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let problem = try await problem(NodeID(2), of: cluster) { $0.security = .insecure() }
    #expect(problem.contains(LinkRefusal.security.description))
    await cluster.stopAll()
  }

  @Test func `nodes with certificates elect a leader`() async throws {
    let cluster = try Cluster()
    for node in cluster.nodes { cluster.security[node] = certificates("\(node)") }
    try await cluster.startAll()
    for _ in 1...10 { try await cluster.add(1) }
    try await cluster.waitUntilAll(have: 10)
    let leader = try await cluster.leader()
    #expect(await leader.status().certificateExpiry ?? 0 > 4_000_000_000)
    try await leader.reloadCertificates()
    #expect(try await cluster.add(1) == 11)
    await cluster.stopAll()
  }

  @Test func `a certificate of another node or of another authority is refused`() async throws {
    let cluster = try Cluster(1)
    cluster.security[cluster.nodes[0]] = certificates("n1")
    try await cluster.startAll()
    // The own certificate must name the node itself, so a node that says it is another is refused
    // before it calls anybody.
    var settings = try cluster.settings(NodeID(2))
    settings.security = certificates("n3")
    settings.beginning = .joining
    await #expect(throws: HostError.self) { _ = try await Cluster.Host.start(settings) }
    let problem = try await problem(NodeID(2), of: cluster) {
      $0.security = certificates("n2", authorities: "other")
    }
    #expect(problem.contains("TLS failed"))
    await cluster.stopAll()
  }

  @Test func `a node listens where others reach it only with protection`() async throws {
    let cluster = try Cluster(1)
    var settings = try cluster.settings(NodeID(1))
    settings.beginning = .new(try Membership(voters: [NodeID(1)]))
    settings.listen = try PeerAddress("0.0.0.0:0")
    settings.security = .insecure()
    await #expect(throws: HostError.self) { _ = try await Cluster.Host.start(settings) }
    settings.security = .insecure(isPublicAllowed: true)
    await (try await Cluster.Host.start(settings)).stop()
  }

  @Test func `garbage on the port changes nothing`() async throws {
    let cluster = try Cluster()
    try await cluster.startAll()
    let leader = try await cluster.leader()
    let port = try #require(leader.address?.port)
    var random = RandomSource(seed: 1)
    for number in 0..<40 {
      var bytes = (0..<random.draw(in: 1..<2_000)).map { _ in
        UInt8(truncatingIfNeeded: random.next())
      }
      // Some begin as a handshake does.
      if number % 2 == 0 { bytes = Array("FLTL".utf8) + [1, 60, 0] + bytes }
      let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: port).get()
      try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
      if number % 3 == 0 { try? await channel.close().get() }
    }
    for _ in 1...5 { try await cluster.add(1) }
    #expect(await leader.machine().total == 5)
    await cluster.stopAll()
  }
}
#endif

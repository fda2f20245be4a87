#if Server
import Foundation
import Logging
import NIOCore
import NIOPosix
import Raft
import RaftJournal
import RaftReplica
import TestPace
import Testing

@testable import RaftRuntime

/// The transport of a node, without the node.
private struct Caller {
  let transport: PeerTransport

  init(
    _ settings: HostSettings, incarnation: UInt64 = 1, certificates: PeerCertificates? = nil
  ) async throws {
    transport = PeerTransport(
      settings, incarnation: incarnation, certificates: certificates,
      on: MultiThreadedEventLoopGroup.singleton.next(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      outlets: TransportOutlets(deliver: { _ in }, reachable: { _, _ in }, serves: { _, _ in }))
    _ = try await transport.loop.flatSubmit { [transport] in transport.start() }.get()
  }

  /// Waits until the first peer has let it in or not: why it did not, or `nil` if it did.
  func untilDecided() async throws -> LinkError? {
    var error: LinkError?
    try await eventually("the connection is decided about") {
      let (found, isReachable) = try await transport.loop.submit { [transport] in
        (transport.peers.first?.error, transport.peers.first?.isReachable ?? false)
      }.get()
      error = found
      return found != nil || isReachable
    }
    return error
  }

  func stop() async throws {
    try await transport.loop.flatSubmit { [transport] in transport.stop() }.get()
  }
}

/// Who has a certificate of the cluster, and says that it is another node; and who was another one
/// than it is now.
@Suite(.serialized, .live) struct ImpostorTests {
  private func files(_ node: String) -> CertificateFiles {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Certificates").path
    return CertificateFiles(
      certificate: "\(folder)/\(node).pem", key: "\(folder)/\(node).key",
      authorities: "\(folder)/ca.pem")
  }

  /// A transport that says it is n2 and shows this node's certificate: why the other end refuses
  /// it, or `nil` if it does not.
  private func refusal(of shown: UInt64) async throws -> LinkError? {
    let cluster = try Cluster(1)
    cluster.security[cluster.nodes[0]] = .mutualTLS(files("n1"))
    try await cluster.startAll()
    let port = UInt16(cluster.hosts[cluster.nodes[0]]?.address?.port ?? 0)
    var settings = try cluster.settings(NodeID(2))
    settings.peers = [Peer(NodeID(1), at: PeerAddress(host: "127.0.0.1", port: port))]
    settings.security = .mutualTLS(files("n2"))
    // A node does not start with another's certificate; that stops nobody who wants to deceive.
    let certificates = try PeerCertificates(files("n\(shown)"), node: NodeID(shown))
    let caller = try await Caller(settings, certificates: certificates)
    let error = try await caller.untilDecided()
    try await caller.stop()
    await cluster.stopAll()
    return error
  }

  @Test func `a node with its own certificate is heard`() async throws {
    #expect(try await refusal(of: 2) == nil)
  }

  @Test func `a node that shows another node's certificate is refused`() async throws {
    #expect(try await refusal(of: 3) == .refused(.certificate))
  }

  /// The settings of a node that calls the only node of a cluster.
  private func settings(_ node: NodeID, calling host: Cluster.Host, of cluster: Cluster) throws
    -> HostSettings
  {
    var settings = try cluster.settings(node)
    let port = UInt16(host.address?.port ?? 0)
    settings.peers = [Peer(NodeID(1), at: PeerAddress(host: "127.0.0.1", port: port))]
    return settings
  }

  @Test func `an earlier life of a node is refused once a later one was there`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let host = try #require(cluster.hosts[cluster.nodes[0]])
    let settings = try settings(NodeID(2), calling: host, of: cluster)
    for (life, expected) in [(2, nil), (1, .refused(.earlierLife)), (2, nil), (3, nil)]
      as [(UInt64, LinkError?)]
    {
      let caller = try await Caller(settings, incarnation: life)
      #expect(try await caller.untilDecided() == expected, "life \(life)")
      // Who calls knows first; who is called knows when it has heard of the node.
      try await eventually("the node has heard of the other") {
        await host.status().peers.contains { $0.node == NodeID(2) }
      }
      try await caller.stop()
    }
    await cluster.stopAll()
  }

  @Test func `no more connections are taken than there may be, until one ends`() async throws {
    let cluster = try Cluster(1)
    cluster.change = { $0.maximumConnections = 1 }
    try await cluster.startAll()
    cluster.change = { _ in }
    let host = try #require(cluster.hosts[cluster.nodes[0]])
    let first = try await Caller(try settings(NodeID(2), calling: host, of: cluster))
    #expect(try await first.untilDecided() == nil)
    let second = try await Caller(try settings(NodeID(3), calling: host, of: cluster))
    let error = try await second.untilDecided()
    var isClosed = false
    if case .closed? = error { isClosed = true }
    #expect(isClosed, "\(error?.description ?? "taken")")
    try await first.stop()
    try await eventually("there is room again") {
      try await second.transport.loop.submit { [transport = second.transport] in
        transport.peers.first?.isReachable ?? false
      }.get()
    }
    try await second.stop()
    await cluster.stopAll()
  }
}
#endif

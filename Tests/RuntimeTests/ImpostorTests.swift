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

/// Who has a certificate of the cluster, and says that it is another node.
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
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    // A node does not start with another's certificate; that stops nobody who wants to deceive.
    let transport = PeerTransport(
      settings, incarnation: 1,
      certificates: try PeerCertificates(files("n\(shown)"), node: NodeID(shown)), on: loop,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      outlets: TransportOutlets(deliver: { _ in }, reachable: { _, _ in }, serves: { _, _ in }))
    _ = try await loop.flatSubmit { transport.start() }.get()
    var error: LinkError?
    try await eventually("the connection is decided about") {
      let (found, isReachable) = try await loop.submit {
        (transport.peers.first?.error, transport.peers.first?.isReachable ?? false)
      }.get()
      error = found
      return found != nil || isReachable
    }
    try await loop.flatSubmit { transport.stop() }.get()
    await cluster.stopAll()
    return error
  }

  @Test func `a node with its own certificate is heard`() async throws {
    #expect(try await refusal(of: 2) == nil)
  }

  @Test func `a node that shows another node's certificate is refused`() async throws {
    #expect(try await refusal(of: 3) == .refused(.certificate))
  }
}
#endif

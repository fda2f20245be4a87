#if Server
import Foundation
import Logging
import Raft
import RaftClient
import RaftRuntime
import TestPace
import Testing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

/// Sends pieces to a port of this machine, and returns all that comes until the other side ends.
///
/// It waits on a thread of its own: two that waited on the threads of tasks would leave none to the
/// node that they wait for.
///
/// - Parameters:
///   - pieces: what is sent.
///   - pause: how long is waited between two of them. Unit: milliseconds.
///   - port: where to.
func exchange(_ pieces: String..., pause: UInt32 = 0, port: UInt16) async -> String {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: exchanged(pieces, pause, port)) }
  }
}

private func exchanged(_ pieces: [String], _ pause: UInt32, _ port: UInt16) -> String {
  let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(handle) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  let isConnected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
  guard isConnected else { return "" }
  for (place, piece) in pieces.enumerated() {
    if place > 0 { usleep(pause * 1_000) }
    let bytes = Array(piece.utf8)
    _ = send(handle, bytes, bytes.count, 0)
  }
  var all: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4_096)
  while true {
    let count = recv(handle, &buffer, buffer.count, 0)
    guard count > 0 else { break }
    all += buffer[..<count]
  }
  return String(decoding: all, as: UTF8.self)
}

@Suite(.serialized, .live) struct ArrivalTests {
  /// One node with other limits than usual, which leads.
  private func start(
    _ change: (inout HTTPLimits) -> Void
  ) async throws -> (cluster: Cluster, port: UInt16) {
    let cluster = try Cluster(1)
    let node = cluster.config.nodes[0]
    var settings = try cluster.config.settings(of: node.id, data: cluster.data(node.id))
    change(&settings.limits)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let server = try await ServerNode(settings, logger: logger)
    let (running, onRunning) = AsyncStream<Void>.makeStream()
    cluster.tasks[node.id] = Task { try await server.run(signals: []) { _ in onRunning.finish() } }
    for await _ in running {}
    _ = try await ClientSession.open(try cluster.client())
    return (cluster, node.http.port)
  }

  @Test func `a client that does not finish its request is told so and let go`() async throws {
    let (cluster, port) = try await start { $0.arrivalSeconds = 1 }
    let request = "PUT /v1/kv/a HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc"
    let answer = await exchange(request, port: port)
    #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
    #expect(answer.contains("tooSlow"), "\(answer)")
    // One that comes whole is answered.
    let whole = "GET /v1/ping HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    let other = await exchange(whole, port: port)
    #expect(other.hasPrefix("HTTP/1.1 200"), "\(other)")
    await cluster.stopAll()
  }

  @Test func `a body that is too large is refused, whether or not its length was said before`()
    async throws
  {
    let (cluster, port) = try await start { $0.bodyBytes = 1_000 }
    for count in [900, 1_000, 1_100] {
      let body = String(repeating: "x", count: count)
      let size = String(count, radix: 16)
      for rest in [
        "content-length: \(count)\r\n\r\n\(body)",
        "transfer-encoding: chunked\r\n\r\n\(size)\r\n\(body)\r\n0\r\n\r\n",
      ] {
        let text = "PUT /v1/kv/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n" + rest
        let answer = await exchange(text, port: port)
        let isTooLarge = count > 1_000
        let status = isTooLarge ? "HTTP/1.1 413" : "HTTP/1.1 200"
        #expect(answer.hasPrefix(status), "\(count) bytes: \(answer)")
        #expect(answer.contains("tooLarge") == isTooLarge, "\(answer)")
      }
    }
    await cluster.stopAll()
  }
}
#endif

#if Server
import FlotillaTerminal
import Foundation
import Logging
import Raft
import RaftClient
import RaftInterface
import RaftJournal
import RaftRuntime
import TestPace
import Testing
import Tracing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

/// Ports that nobody listens on now.
func freePorts(_ count: Int) -> [UInt16] {
  var sockets: [Int32] = []
  var ports: [UInt16] = []
  for _ in 0..<count {
    let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        _ = bind(handle, pointer, length)
        _ = getsockname(handle, pointer, &length)
      }
    }
    sockets.append(handle)
    ports.append(UInt16(bigEndian: address.sin_port))
  }
  for handle in sockets { close(handle) }
  return ports
}

/// Nodes with their interfaces, in this process.
final class Cluster {
  let folder: String
  var config: ClusterConfig
  var tasks: [NodeID: Task<Void, any Error>] = [:]
  /// What the program has for a tracer when a node starts.
  var tracer: any Tracer = NoOpTracer()

  /// - Parameter firstMembers: how many of them are there from the start; the others may join.
  init(_ count: Int, firstMembers: Int? = nil) throws {
    folder = NSTemporaryDirectory() + "flotilla-server-tests-\(UUID().uuidString)"
    config = ClusterConfig(path: folder + "/cluster.yaml")
    config.cluster = "test"
    config.key = [UInt8](repeating: 7, count: 32)
    let ports = freePorts(3 * count)
    for number in 0..<count {
      config.nodes.append(
        NodeConfig(
          id: NodeID(UInt64(number + 1)),
          peer: PeerAddress(host: "127.0.0.1", port: ports[3 * number]),
          http: PeerAddress(host: "127.0.0.1", port: ports[3 * number + 1]),
          text: PeerAddress(host: "127.0.0.1", port: ports[3 * number + 2]), line: 1))
    }
    var first = config
    first.nodes.removeLast(count - (firstMembers ?? count))
    for node in config.nodes {
      let isJoining = !first.nodes.contains { $0.id == node.id }
      try NodeFolder.create(first, node.id, data(node.id), isJoining: isJoining)
    }
  }

  /// Nodes of this file, in a folder of their own; those that exist already are not made, the
  /// others may join.
  init(_ config: ClusterConfig, existing: [NodeID]) throws {
    folder = NSTemporaryDirectory() + "flotilla-server-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    self.config = config
    self.config.path = folder + "/cluster.yaml"
    for node in config.nodes where !existing.contains(node.id) {
      try NodeFolder.create(config, node.id, data(node.id), isJoining: true)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func data(_ node: NodeID) -> String { "\(folder)/\(node.description)" }

  /// - Parameter known: the nodes in its file; all of them, if nobody says.
  func start(_ node: NodeID, knowing known: [NodeID]? = nil) async throws {
    var config = config
    if let known { config.nodes.removeAll { !known.contains($0.id) } }
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let settings = try config.settings(of: node, data: data(node))
    let server = try await withTracer(tracer) { [logger] in
      try await ServerNode(settings, logger: logger)
    }
    tasks[node] = Task { try await server.run(signals: []) }
  }

  func startAll() async throws { for node in config.nodes { try await start(node.id) } }

  func stop(_ node: NodeID) async {
    tasks[node]?.cancel()
    _ = await tasks[node]?.result
    tasks[node] = nil
  }

  func stopAll() async { for node in config.nodes { await stop(node.id) } }

  func client() throws -> FlotillaClient {
    try FlotillaClient(
      endpoints: config.nodes.map { $0.http.description }, timeout: .seconds(30))
  }
}

@Suite(.serialized, .live) struct NodeTests {
  @Test func `one node keeps what it was given through a restart`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let client = try cluster.client()
    let session = try await ClientSession.open(client)
    let put = await session.put("greeting", Array("hello".utf8))
    #expect(put.ruling.outcome == .ok, "\(put.ruling)")
    await cluster.stopAll()
    try await cluster.startAll()
    let get = await client.send(
      ClientCall("GET", "/v1/kv/greeting", headers: [("accept", "*/*")]))
    #expect(String(decoding: get.body, as: UTF8.self) == "hello")
    await cluster.stopAll()
  }

  @Test func `three nodes go on without their leader, and nothing is paid twice`() async throws {
    let cluster = try Cluster(3)
    try await cluster.startAll()
    let client = try cluster.client()
    for account in [#"{"id":"world","overdraft":"unlimited"}"#, #"{"id":"alice"}"#] {
      let answer = await client.send(
        ClientCall(
          "POST", "/v1/ledger/accounts", body: Array(account.utf8), isRepeatable: true))
      #expect(answer.ruling.outcome == .ok, "\(answer.ruling)")
    }
    let key = PaymentKey.fresh().ulid
    let pay = ClientCall(
      "POST", "/v1/ledger/transfers", headers: [("idempotency-key", key)],
      body: Array(#"{"from":"world","to":"alice","amount":"100"}"#.utf8))
    #expect(await client.send(pay).ruling.outcome == .ok)

    let leader = await client.send(ClientCall("GET", "/v1/leader"))
    let name = leader.document?["leader"]?.string ?? "n0"
    let gone = NodeID(UInt64(name.dropFirst()) ?? 0)
    await cluster.stop(gone)

    #expect(await client.send(pay).ruling.outcome == .duplicate)
    let account = await client.send(ClientCall("GET", "/v1/ledger/accounts/alice"))
    #expect(account.document?["balance"]?.string == "100", "\(account.ruling)")
    let audit = await client.send(ClientCall("GET", "/v1/ledger/audit"))
    #expect(audit.document?["isBalanced"]?.bool == true)
    await cluster.stopAll()
  }

  @Test func `a page of a node is its own under the names of this machine, and under no other`()
    async throws
  {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let client = try cluster.client()
    _ = await client.send(ClientCall("GET", "/readyz"))
    let address = cluster.config.nodes[0].http
    for (name, status) in [("localhost", 200), ("rebound.example", 403)] {
      let host = "\(name):\(address.port)"
      let answer = await client.send(
        ClientCall(
          "PUT", "/v1/kv/a", headers: [("host", host), ("origin", "http://\(host)")],
          body: [0x31], isRepeatable: true))
      #expect(answer.status == status, "\(name)")
    }
    await cluster.stopAll()
  }

  @Test func `a node without data is not started, and one with data not made anew`() throws {
    let cluster = try Cluster(1)
    #expect(throws: Failure.self) {
      try NodeFolder.create(
        cluster.config, NodeID(1), cluster.data(NodeID(1)), isJoining: false)
    }
    #expect(NodeFolder.isEmpty(cluster.folder + "/nothing"))
  }
}
#endif

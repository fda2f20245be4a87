#if Server
import Foundation
import Logging
import Raft
import RaftClient
import RaftInterface
import TestPace
import Testing
import Tracing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

/// A span as a file has it.
private struct Told {
  var node: String
  var trace: String
  var id: String
  var parent: String?
  var name: String
  var kind: String
  var start: UInt64
  var end: UInt64
  var attributes: [String: String] = [:]

  init(_ span: JSONValue, node: String) {
    self.node = node
    trace = span["traceId"]?.string ?? ""
    id = span["spanId"]?.string ?? ""
    parent = span["parentSpanId"]?.string
    name = span["name"]?.string ?? ""
    kind = span["kind"].map { $0.line } ?? ""
    start = span["startTimeUnixNano"]?.unsigned ?? 0
    end = span["endTimeUnixNano"]?.unsigned ?? 0
    for attribute in span["attributes"]?.array ?? [] {
      guard let key = attribute["key"]?.string, let value = attribute["value"]?.object?.first
      else { continue }
      attributes[key] = value.value.string ?? value.value.line
    }
  }
}

/// The spans of requests, on nodes with real logs, links and clients.
@Suite(.serialized, .live) struct TracingTests {
  private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  private static let outside = "00f067aa0ba902b7"

  private func header(_ flags: String = "01") -> (name: String, value: String) {
    ("traceparent", "00-\(TracingTests.trace)-\(TracingTests.outside)-\(flags)")
  }

  private func cluster(_ count: Int, share: UInt64 = 0) throws -> Cluster {
    let cluster = try Cluster(count)
    cluster.config.tracing.isOn = true
    cluster.config.tracing.samplePerMillion = share
    cluster.config.tracing.file = "\(cluster.folder)/{node}.jsonl"
    return cluster
  }

  /// What the nodes wrote, which have ended.
  private func spans(_ cluster: Cluster) throws -> [Told] {
    try cluster.config.nodes.flatMap { node in
      let text = try String(
        contentsOfFile: "\(cluster.folder)/\(node.id.description).jsonl", encoding: .utf8)
      return try text.split(separator: "\n").flatMap { line in
        try JSONValue(parsing: Array(line.utf8))["resourceSpans"]?.array?.flatMap { part in
          part["scopeSpans"]?.array?.flatMap { $0["spans"]?.array ?? [] } ?? []
        } ?? []
      }.map { Told($0, node: node.id.description) }
    }
  }

  /// What the request of a span went through, in the order of a list of names.
  private func chain(of server: Told, in all: [Told]) throws -> [String: Told] {
    let children = all.filter { $0.parent == server.id }
    #expect(children.allSatisfy { $0.trace == server.trace && $0.node == server.node })
    #expect(children.allSatisfy { $0.kind == "1" })
    for name in ["propose", "persist", "commit", "apply", "answer"] {
      #expect(children.filter { $0.name == "raft.\(name)" }.count == 1, "\(name)")
    }
    return Dictionary(
      children.filter { $0.name != "raft.replicate" }.map { ($0.name, $0) },
      uniquingKeysWith: { first, _ in first })
  }

  /// That each moment of a write follows from those before it.
  private func checkOrder(_ server: Told, _ all: [Told], peers: [String]) throws {
    let chain = try chain(of: server, in: all)
    let propose = try #require(chain["raft.propose"])
    let persist = try #require(chain["raft.persist"])
    let commit = try #require(chain["raft.commit"])
    let apply = try #require(chain["raft.apply"])
    let answer = try #require(chain["raft.answer"])
    #expect(server.start <= propose.start && propose.start <= propose.end)
    #expect(persist.start == propose.end && commit.start == propose.end)
    #expect(commit.end == apply.start && apply.start < apply.end && apply.end == answer.start)
    #expect(answer.start < answer.end && answer.end <= server.end)
    #expect(propose.attributes["raft.index"] != nil && propose.attributes["raft.term"] != nil)
    #expect(propose.attributes["raft.outcome"] == "ok")
    let copies = all.filter { $0.parent == server.id && $0.name == "raft.replicate" }
    #expect(copies.map { $0.attributes["raft.peer"] ?? "" }.sorted() == peers)
    for copy in copies {
      #expect(copy.start >= propose.end && copy.end > copy.start)
      #expect(copy.attributes["raft.acknowledged"] == "true")
    }
    // A majority holds it before it is committed: this node and one more, or both of the others.
    let held = ([persist.end] + copies.map(\.end)).sorted()
    #expect(held[held.count / 2] <= commit.end)
  }

  @Test func `one put on three nodes is told from its arrival to its answer`() async throws {
    let cluster = try cluster(3)
    try await cluster.startAll()
    let client = try cluster.client()
    _ = try await ClientSession.open(client)
    let secret = "/v1/kv/secret-key"
    // The first goes the short way, and who announces a trailer the long one.
    for headers in [[header()], [header(), ("trailer", "x")]] {
      let put = await client.send(
        ClientCall("PUT", secret, headers: headers, body: Array("v".utf8)))
      #expect(put.ruling.outcome == .ok, "\(put.ruling)")
    }
    await cluster.stopAll()
    let all = try spans(cluster)
    #expect(all.allSatisfy { $0.trace == TracingTests.trace })
    #expect(Set(all.map(\.id)).count == all.count)
    let servers = all.filter { $0.parent == TracingTests.outside }
    #expect(servers.allSatisfy { $0.name == "PUT /v1/kv/{key}" && $0.kind == "2" })
    let done = servers.filter { $0.attributes["flotilla.outcome"] == "ok" }
    #expect(done.count == 2)
    for server in done {
      #expect(server.attributes["http.response.status_code"] == "200")
      let others = cluster.config.nodes.map { $0.id.description }.filter { $0 != server.node }
      try checkOrder(server, all, peers: others)
    }
    // Who does not lead proposes nothing, and nothing else is told of it.
    for server in servers where server.attributes["flotilla.outcome"] == "notLeader" {
      let children = all.filter { $0.parent == server.id }
      #expect(children.map(\.name) == ["raft.propose"])
      #expect(children.first?.attributes["raft.outcome"] == "notLeader")
    }
    #expect(!all.contains { "\($0)".contains("secret") })
  }

  @Test func `a read is told with how fresh it had to be`() async throws {
    let cluster = try cluster(1)
    try await cluster.startAll()
    let client = try cluster.client()
    _ = try await ClientSession.open(client)
    _ = await client.send(ClientCall("GET", "/v1/kv/a?read=lease", headers: [header()]))
    _ = await client.send(ClientCall("GET", "/v1/ledger/audit", headers: [header()]))
    await cluster.stopAll()
    let all = try spans(cluster)
    let servers = all.filter { $0.kind == "2" }
    #expect(servers.map(\.name) == ["GET /v1/kv/{key}", "GET /v1/ledger/audit"])
    for (server, kind) in zip(servers, ["lease", "linearizable"]) {
      let children = all.filter { $0.parent == server.id }
      #expect(children.map(\.name) == ["raft.read"])
      #expect(children.first?.attributes["raft.read.kind"] == kind)
    }
  }

  @Test func `what a sender wants is done, and of other requests the share`() async throws {
    for (share, flags, count) in [
      (0, nil, 0), (1_000_000, nil, 3), (1_000_000, "00", 0), (0, "01", 3),
    ] as [(UInt64, String?, Int)] {
      let cluster = try cluster(1, share: share)
      try await cluster.startAll()
      let client = try cluster.client()
      try await settled(client)
      for _ in 0..<3 {
        let headers = flags.map { [header($0)] } ?? []
        _ = await client.send(ClientCall("PUT", "/v1/kv/a", headers: headers, body: [1]))
      }
      // Nobody follows who asks how a node is.
      _ = await client.send(ClientCall("GET", "/readyz", headers: [header()]))
      await cluster.stopAll()
      let servers = try spans(cluster).filter { $0.name == "PUT /v1/kv/{key}" }
      #expect(servers.count == count, "\(share), \(flags ?? "none")")
      #expect(try spans(cluster).allSatisfy { !$0.name.contains("readyz") })
    }
  }

  /// Waits for a leader without a request that a share of all could take in.
  private func settled(_ client: FlotillaClient) async throws {
    for _ in 0..<2_000 {
      if await client.send(ClientCall("GET", "/readyz")).status == 200 { return }
      try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("nobody leads")
  }

  @Test func `where nobody traces there is no tracer, and no file`() async throws {
    let cluster = try Cluster(1)
    let node = cluster.config.nodes[0].id
    let settings = try cluster.config.settings(of: node, data: cluster.data(node))
    #expect(settings.tracing == nil)
    #expect(RequestTracing(nil) == nil)
    #expect(RequestTracing(InstrumentationSystem.tracer) == nil)
    try await cluster.startAll()
    let client = try cluster.client()
    _ = try await ClientSession.open(client)
    let put = await client.send(
      ClientCall("PUT", "/v1/kv/a", headers: [header()], body: Array("v".utf8)))
    #expect(put.ruling.outcome == .ok)
    let metrics = await client.send(ClientCall("GET", "/metrics"))
    #expect(!String(decoding: metrics.body, as: UTF8.self).contains("trace_spans"))
    await cluster.stopAll()
    let files = try FileManager.default.contentsOfDirectory(atPath: cluster.folder)
    #expect(!files.contains { $0.hasSuffix(".jsonl") })
  }

  @Test func `a tracer that the program has set is used by a node that has none of its own`()
    async throws
  {
    let cluster = try Cluster(1)
    let queue = SpanQueue(metrics: MetricsRegistry())
    let tracer = NodeTracer(samplePerMillion: 1_000_000, queue: queue)
    cluster.tracer = tracer
    try await cluster.startAll()
    _ = try await ClientSession.open(try cluster.client())
    await cluster.stopAll()
    let names = queue.takeAll().map(\.name)
    #expect(names.contains("POST /v1/sessions") && names.contains("raft.commit"), "\(names)")
  }
}
#endif

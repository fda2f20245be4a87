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

/// Responses as they came, one behind the other.
private struct Responses {
  var list: [(status: String, headers: [String: String], body: String)] = []

  init(_ text: String) {
    var rest = Substring(text)
    while let end = rest.range(of: "\r\n\r\n") {
      let lines = rest[..<end.lowerBound].components(separatedBy: "\r\n")
      var headers: [String: String] = [:]
      for line in lines.dropFirst() {
        let sides = line.split(separator: ":", maxSplits: 1)
        headers[sides[0].lowercased()] = sides[1].trimmingCharacters(in: .whitespaces)
      }
      let body = rest[end.upperBound...].utf8.prefix(Int(headers["content-length"] ?? "") ?? 0)
      list.append((lines[0], headers, String(Substring(body))))
      rest = rest[body.endIndex...]
    }
  }
}

/// Requests for one key are answered on the loop, all others by the long way.
@Suite(.serialized, .live) struct ShortWayTests {
  private func start(idleSeconds: Int64 = 120) async throws -> (cluster: Cluster, port: UInt16) {
    let cluster = try Cluster(1)
    let node = cluster.config.nodes[0]
    var settings = try cluster.config.settings(of: node.id, data: cluster.data(node.id))
    settings.limits.idleSeconds = idleSeconds
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let server = try await ServerNode(settings, logger: logger)
    let (running, onRunning) = AsyncStream<Void>.makeStream()
    cluster.tasks[node.id] = Task { try await server.run(signals: []) { _ in onRunning.finish() } }
    for await _ in running {}
    _ = try await ClientSession.open(try cluster.client())
    return (cluster, node.http.port)
  }

  private func request(
    _ method: String, _ target: String, _ headers: String = "", _ body: String? = nil
  ) -> String {
    let length = body.map { "content-length: \($0.utf8.count)\r\n" } ?? ""
    return "\(method) \(target) HTTP/1.1\r\nHost: a\r\n\(headers)\(length)\r\n\(body ?? "")"
  }

  private let farewell = "GET /v1/ping HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"

  @Test func `requests sent at once are answered in their order, whichever way they go`()
    async throws
  {
    let (cluster, port) = try await start()
    let text =
      request("PUT", "/v1/kv/a", "", "one") + request("GET", "/v1/kv/a")
      + request("GET", "/v1/ping") + request("PUT", "/v1/kv/a", "", "two")
      + request("GET", "/v1/kv/a") + farewell
    let answer = await exchange(text, port: port)
    let all = Responses(answer).list
    #expect(all.map(\.status) == [String](repeating: "HTTP/1.1 200 OK", count: 6), "\(answer)")
    #expect(all.count == 6 && all[1].body == "one" && all[4].body == "two", "\(answer)")
    await cluster.stopAll()
  }

  @Test func `more requests at once than are kept are all answered, and what comes later, too`()
    async throws
  {
    let (cluster, port) = try await start()
    let many = String(repeating: request("PUT", "/v1/kv/a", "", "x"), count: 100)
    let answer = await exchange(many, farewell, pause: 2_000, port: port)
    #expect(Responses(answer).list.count == 101, "\(answer.suffix(300))")
    await cluster.stopAll()
  }

  @Test func `a request that comes in pieces is answered, and one behind it, too`() async throws {
    let (cluster, port) = try await start()
    let first = request("PUT", "/v1/kv/b", "", "in pieces")
    let second = request("GET", "/v1/kv/b")
    let answer = await exchange(
      String(first.prefix(20)), String(first.dropFirst(20).dropLast(4)),
      String(first.suffix(4)) + String(second.prefix(30)), String(second.dropFirst(30)),
      farewell, pause: 60, port: port)
    let all = Responses(answer).list
    #expect(all.count == 3 && all[1].body == "in pieces", "\(answer)")
    await cluster.stopAll()
  }

  /// What is asked, with what headers and body.
  private static let table: [(String, String, String, String?)] = [
    ("PUT", "/v1/kv/a", "", "one"), ("PUT", "/v1/kv/a", "", ""), ("PUT", "/v1/kv/a", "", nil),
    ("PUT", "/v1/kv/a%2Fb/c", "", "x"), ("PUT", "/v1/kv/", "", "x"),
    ("GET", "/v1/kv/a", "", nil), ("GET", "/v1/kv/a", "Accept: application/json\r\n", nil),
    ("GET", "/v1/kv/none", "", nil), ("GET", "/v1/kv/a?read=stale", "", nil),
    ("GET", "/v1/kv/a?read=often", "", nil), ("GET", "/v1/kv/%zz", "", nil),
    ("GET", "/v1/kv/a?x=%zz", "", nil), ("GET", "/v1/kv/%ff", "", nil),
    ("PUT", "/v1/kv/a?acks=0", "", "x"), ("PUT", "/v1/kv/a?timeout=0", "", "x"),
    ("PUT", "/v1/kv/a?if=other", "", "x"), ("PUT", "/v1/kv/a?ifAbsent=", "", "x"),
    ("PUT", "/v1/kv/a", "Flotilla-Session: 1\r\n", "x"),
    ("PUT", "/v1/kv/a", "Flotilla-Session: 99999\r\nFlotilla-Sequence: 1\r\n", "x"),
    ("PUT", "/v1/kv/a", "Authorization: Basic x\r\n", "x"),
  ]

  @Test func `the short way says what the long way says`() async throws {
    let (cluster, port) = try await start()
    for (method, target, headers, body) in ShortWayTests.table {
      // Whoever announces a trailer goes the long way.
      let texts = ["", "Trailer: x\r\n"].map {
        request(method, target, headers + $0, body) + farewell
      }
      var answers: [(status: String, headers: [String: String], body: String)] = []
      for text in texts {
        let answer = await exchange(text, port: port)
        let first = try #require(Responses(answer).list.first, "\(method) \(target): \(answer)")
        answers.append(first)
      }
      // The number of an entry, and the time, are others each time.
      func masked(_ text: String) -> String { text.filter { !$0.isNumber } }
      #expect(answers[0].status == answers[1].status, "\(method) \(target)")
      #expect(masked(answers[0].body) == masked(answers[1].body), "\(method) \(target)")
      let names = answers.map { $0.headers.keys.filter { $0 != "connection" }.sorted() }
      #expect(names[0] == names[1], "\(method) \(target)")
      for name in names[0] where !["date", "content-length", "flotilla-index"].contains(name) {
        #expect(answers[0].headers[name] == answers[1].headers[name], "\(target): \(name)")
      }
    }
    await cluster.stopAll()
  }

  @Test func `a write that is sent again in its place of a session is done once`() async throws {
    let (cluster, port) = try await start()
    let session = try await ClientSession.open(try cluster.client()).number
    // Whoever announces a trailer goes the long way.
    let ways = ["", "Trailer: x\r\n"]
    for (sequence, order) in [[0, 1], [1, 0], [0, 0], [1, 1]].enumerated() {
      var answers: [(status: String, headers: [String: String], body: String)] = []
      for way in order {
        let headers =
          "Flotilla-Session: \(session)\r\nFlotilla-Sequence: \(sequence + 1)\r\n" + ways[way]
        let text = request("PUT", "/v1/kv/a", headers, "x") + farewell
        let answer = await exchange(text, port: port)
        answers.append(try #require(Responses(answer).list.first, "\(answer)"))
      }
      let outcomes = answers.map { $0.headers["flotilla-outcome"] }
      #expect(outcomes == ["ok", "duplicate"], "\(order)")
      let index = try #require(answers[0].headers["flotilla-index"])
      #expect(answers[1].headers["flotilla-index"] == index, "\(order)")
    }
    await cluster.stopAll()
  }

  @Test func `a connection lives as long as it is used, and no longer`() async throws {
    let (cluster, port) = try await start(idleSeconds: 1)
    let put = request("PUT", "/v1/kv/a", "", "x")
    let clock = ContinuousClock()
    let began = clock.now
    // Nobody but the node ends it.
    let answer = await exchange(put, put, put, pause: 600, port: port)
    #expect(Responses(answer).list.count == 3, "\(answer)")
    #expect(clock.now - began >= .milliseconds(2_200))
    await cluster.stopAll()
  }

  @Test func `dates are as HTTP wants them`() {
    #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    let date = HTTPDate()
    #expect(date.now.count == 29 && date.now.hasSuffix(" GMT"))
  }
}
#endif

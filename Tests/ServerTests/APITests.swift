#if Server
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import TestPace
import Testing

@testable import RaftServer

@Suite(.live) struct APITests {
  @Test func `a value goes in as bytes and comes out as bytes`() async {
    let bench = Bench()
    #expect(await bench.ask("GET", "/v1/kv/a%2Fb/c").status == 404)
    #expect(await bench.ask("PUT", "/v1/kv/a%2Fb/c", "x\u{0}y").status == 200)
    let response = await bench.ask("GET", "/v1/kv/a/b%2Fc")
    #expect(response.bytes == Array("x\u{0}y".utf8))
    #expect(response.header("flotilla-index") == "11")
    let list = await bench.ask("GET", "/v1/kv?prefix=a")
    #expect(list.document["pairs"]?.array?.first?["key"]?.string == "a/b/c")
    #expect(await bench.ask("DELETE", "/v1/kv/a%2Fb/c").status == 200)
    #expect(await bench.ask("GET", "/v1/kv/a%2Fb/c").status == 404)
  }

  @Test func `a hold is captured in part, and the rest is free again`() async {
    let bench = Bench()
    await bench.openTwo()
    let hold = await bench.ask(
      "POST", "/v1/ledger/transfers", #"{"kind":"hold","from":"alice","to":"bob","amount":"40"}"#)
    let number = hold.document["number"]?.string ?? "?"
    let held = await bench.ask("GET", "/v1/ledger/accounts/alice")
    #expect(held.document["pendingDebits"]?.string == "40")
    #expect(held.document["available"]?.string == "60")
    let capture = await bench.ask(
      "POST", "/v1/ledger/transfers", #"{"kind":"capture","of":"\#(number)","amount":"15"}"#)
    #expect(capture.status == 200, "\(capture.text)")
    let bob = await bench.ask("GET", "/v1/ledger/accounts/bob")
    #expect(bob.document["balance"]?.string == "15")
    let audit = await bench.ask("GET", "/v1/ledger/audit")
    #expect(audit.document["isBalanced"]?.bool == true)
    let history = await bench.ask("GET", "/v1/ledger/accounts/alice/history")
    #expect(history.document["transfers"]?.array?.count == 3)
  }

  @Test func `a batch tells of each of its transfers`() async {
    let bench = Bench()
    await bench.openTwo()
    let response = await bench.ask(
      "POST", "/v1/ledger/transfers/batch",
      #"{"transfers":[{"from":"alice","to":"bob","amount":"1"},"#
        + #"{"from":"bob","to":"bob","amount":1}]}"#
    )
    let results = response.document["results"]?.array ?? []
    #expect(results.map { $0["outcome"]?.string } == ["ok", "refused"])
    #expect(results.last?["reason"]?.string == "sameAccount")
  }

  @Test func `messages are numbered, listed and stored once`() async {
    let bench = Bench()
    let headers = [(name: "idempotency-key", value: InterfaceOutcomeTests.fresh)]
    for _ in 0..<2 {
      let response = await bench.ask(
        "POST", "/v1/topics/orders/messages", "one", headers: headers)
      #expect(response.document["offset"]?.string == "0", "\(response.text)")
    }
    #expect(await bench.ask("POST", "/v1/topics/orders/messages", "two").status == 200)
    let history = await bench.ask("GET", "/v1/topics/orders/messages?from=1")
    let messages = history.document["messages"]?.array ?? []
    #expect(messages.map { $0["payload"]?.string } == ["two"])
    #expect(history.document["next"]?.string == "2")
    #expect(await bench.ask("GET", "/v1/topics/nothing/messages").status == 404)
  }

  @Test func `a group that cannot be noted is told why`() async {
    let bench = Bench()
    let next = #"{"next":"7"}"#
    let groups = "/v1/topics/orders/groups/"
    let unknown = await bench.ask("PUT", groups + "g", next)
    #expect(unknown.status == 404 && unknown.text.contains("no topic"), "\(unknown.text)")
    _ = await bench.ask("POST", "/v1/topics/orders/messages", "one")
    #expect(await bench.ask("PUT", groups + "g", next).status == 200)
    for name in ["", String(repeating: "g", count: 256)] {
      for method in ["PUT", "GET"] {
        let answer = await bench.ask(method, groups + name, next)
        #expect(answer.status == 400, "\(method): \(answer.text)")
        #expect(answer.document["reason"]?.string == "group")
      }
    }
    // As a topic does that has as many groups as there can be.
    await bench.service.returnAlways(.second(.first(.refused)))
    let full = await bench.ask("PUT", groups + "h", next)
    #expect(full.status == 422, "\(full.text)")
    #expect(full.document["reason"]?.string == "tooManyGroups")
    #expect(await bench.ask("PUT", "/v1/topics/nothing/groups/h", next).status == 404)
  }

  @Test func `a value that is only for a new key is told that the key exists`() async {
    let bench = Bench()
    #expect(await bench.ask("PUT", "/v1/kv/a?ifAbsent=1", "1").status == 200)
    let second = await bench.ask("PUT", "/v1/kv/a?ifAbsent=1", "2")
    #expect(second.status == 409)
    #expect(second.document["detail"]?.string == "\"a\" exists already", "\(second.text)")
    let other = await bench.ask("PUT", "/v1/kv/a?if=3", "2")
    #expect(other.text.contains("does not have the value that was expected"), "\(other.text)")
  }

  @Test func `a stream goes on behind the last event that was seen`() async throws {
    let bench = Bench()
    for text in ["one", "two", "three"] {
      _ = await bench.ask("POST", "/v1/topics/t/messages", text)
    }
    let response = await bench.ask(
      "GET", "/v1/topics/t/subscribe", headers: [("last-event-id", "0")])
    #expect(await APITests.events(response, through: "2") == ["1", "2"])
  }

  @Test func `so does a watch of keys, and what it saw last comes before what it asks for`() async {
    let bench = Bench()
    for text in ["one", "two", "three"] { _ = await bench.ask("PUT", "/v1/kv/\(text)", "1") }
    let whole = await bench.ask("GET", "/v1/watch?after=10")
    #expect(await APITests.events(whole, through: "13") == ["11", "12", "13"])
    let last = [(name: "last-event-id", value: "11")]
    for target in ["/v1/watch", "/v1/watch?after=10", "/v1/watch?prefix=t"] {
      let resumed = await bench.ask("GET", target, headers: last)
      #expect(await APITests.events(resumed, through: "13") == ["12", "13"], "\(target)")
    }
  }

  /// The ids of the events of a response, through this one.
  private static func events(_ response: APIResponse, through last: String) async -> [String] {
    guard case .events(let send) = response.body else {
      Issue.record("a stream was expected: \(response.text)")
      return []
    }
    struct Enough: Error {}
    let seen = LockedBox<[String]>([])
    let reader = LockedBox(EventStreamReader())
    await #expect(throws: Enough.self) {
      try await send(
        EventSink { bytes in
          for event in reader.change({ $0.take(bytes) }) { seen.change { $0.append(event.id) } }
          if seen.read({ $0.last }) == last { throw Enough() }
        })
    }
    return seen.read { $0 }
  }

  @Test func `how long to try is passed on, whichever way a request goes`() async {
    for shortly in [false, true] {
      let bench = Bench()
      for (query, timeout) in [
        ("", .seconds(5)), ("?timeout=250ms", .milliseconds(250)), ("?timeout=3s", .seconds(3)),
        ("?timeout=60s", .seconds(60)), ("?timeout=1", .milliseconds(1)),
      ] as [(String, Duration)] {
        for method in ["PUT", "GET"] {
          let answer = await bench.ask(method, "/v1/kv/a" + query, "1", shortly: shortly)
          #expect(answer.status == 200)
          #expect(await bench.service.timeout == timeout, "\(method) \(query)")
        }
      }
      for query in ["?timeout=0", "?timeout=61s", "?timeout=soon"] {
        let answer = await bench.ask("PUT", "/v1/kv/a" + query, "1", shortly: shortly)
        #expect(answer.status == 400 && answer.document["reason"]?.string == "timeout")
      }
    }
  }

  @Test func `the place in a session is passed on, whichever way a write goes`() async {
    let place: [(name: String, value: String)] = [
      ("flotilla-session", "7"), ("flotilla-sequence", "3"), ("flotilla-acknowledged", "2"),
    ]
    let position = SessionPosition(
      session: SessionID(7), sequence: 3, acknowledgedThrough: 2)
    for (method, shortly) in [("PUT", false), ("PUT", true), ("DELETE", false)] {
      let bench = Bench()
      for (headers, expected) in [(place, position), ([], nil)]
        as [([(name: String, value: String)], SessionPosition?)]
      {
        let answer = await bench.ask(
          method, "/v1/kv/a?acks=all", "1", headers: headers, shortly: shortly)
        #expect(answer.status == 200)
        guard case .command(_, let session, let copies)? = await bench.service.asked else {
          Issue.record("a command was expected")
          continue
        }
        #expect(session == expected && copies == .all, "\(method)")
      }
    }
  }

  @Test func `every operation of the document is there`() async {
    let bench = Bench()
    for operation in OpenAPI.operations {
      var path = ""
      for part in operation.path.split(separator: "/") {
        path += "/" + (part.hasPrefix("{") ? "1" : String(part))
      }
      let response = await bench.ask(operation.method.uppercased(), path, "{}")
      #expect(response.document["reason"]?.string != "path", "\(operation.method) \(path)")
      #expect(response.document["reason"]?.string != "method", "\(operation.method) \(path)")
    }
    let document = await bench.ask("GET", "/openapi.json").document
    #expect(document["openapi"]?.string == "3.1.0")
  }

  @Test func `health answers three questions apart from each other`() async {
    let bench = Bench()
    for path in ["/livez", "/readyz", "/startupz"] {
      #expect(await bench.ask("GET", path).status == 200)
    }
    await bench.service.change { $0.leader = nil }
    #expect(await bench.ask("GET", "/livez").status == 200)
    #expect(await bench.ask("GET", "/readyz").status == 503)
    #expect(await bench.ask("GET", "/readyz").text == "leader: no leader is known\n")
    #expect(await bench.ask("GET", "/readyz?exclude=leader").status == 200)
    await bench.service.change { $0.tickAgeMilliseconds = 11_000 }
    #expect(await bench.ask("GET", "/livez").status == 503)
    await bench.service.change { $0.isReady = false }
    #expect(await bench.ask("GET", "/startupz").status == 503)
  }

  @Test func `a node that has not heard of its leader for long is not ready`() async {
    let bench = Bench()
    // Two of the shortest election timeouts.
    await bench.service.change { $0.leaderContactMilliseconds = 600 }
    #expect(await bench.ask("GET", "/readyz").status == 200)
    await bench.service.change { $0.leaderContactMilliseconds = 601 }
    let silent = await bench.ask("GET", "/readyz")
    #expect(silent.status == 503)
    #expect(silent.text == "leader: the leader was last heard of 601 ms ago\n")
    #expect(await bench.ask("GET", "/livez").status == 200)
  }

  @Test func `a node that leaves is ready no more`() async {
    let bench = Bench()
    bench.api.drain.drain()
    #expect(await bench.ask("GET", "/readyz").status == 503)
    #expect(await bench.ask("GET", "/livez").status == 200)
  }

  @Test func `a voter is not taken out if the others would wait for each other`() async {
    let bench = Bench()
    await bench.service.change { report in
      var there = PeerReport(node: NodeID(2), isReachable: true)
      there.matchIndex = 10
      report.peers = [there, PeerReport(node: NodeID(3), isReachable: false)]
    }
    #expect(await bench.ask("POST", "/v1/members", #"{"remove":"n2"}"#).status == 422)
    #expect(await bench.ask("POST", "/v1/members", #"{"remove":"n3"}"#).status == 200)
  }

  @Test func `metrics are lines that Prometheus reads`() async {
    let bench = Bench()
    _ = await bench.ask("PUT", "/v1/kv/a", "1")
    let text = await bench.ask("GET", "/metrics").text
    #expect(text.contains("raft_proposals_total{outcome=\"ok\"} 1\n"))
    #expect(text.contains("raft_role{role=\"leader\"} 1\n"))
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      #expect(line.split(separator: " ").count == 2, "\(line)")
    }
  }

  @Test func `a method that a path does not have is told so, with those that it has`() async {
    let bench = Bench()
    for (method, path, allowed) in [
      ("TRACE", "/livez", "GET"), ("PUT", "/v1/ping", "GET"), ("PATCH", "/v1/kv/a/b", "GET, PUT"),
      ("PUT", "/v1/sessions?timeout=", "POST"), ("PUT", "/v1/sessions/x", "POST, DELETE"),
      ("DELETE", "/v1/ledger/transfers/0", "GET"), ("GET", "/v1/ledger/transfers/batch", "POST"),
      ("OPTIONS", "/v1/topics/t/messages", "POST, GET"), ("PUT", "/v1/chaos", "GET, POST, DELETE"),
    ] {
      let answer = await bench.ask(method, path, "{}")
      #expect(answer.status == 405, "\(method) \(path): \(answer.text)")
      #expect(answer.header("allow")?.hasPrefix(allowed) ?? false, "\(method) \(path)")
    }
    #expect(await bench.ask("PUT", "/nowhere").status == 404)
  }

  @Test func `whatever is asked, there is an answer, and it is one of ours`() async {
    let bench = Bench()
    await bench.openTwo()
    var random = RandomSource(seed: 21)
    let targets = OpenAPI.operations.map { $0.path }
    let bodies = [
      #"{"kind":"hold","from":"alice","to":"bob","amount":"1","timeoutMs":"5"}"#, "{}", "[", "",
      #"{"id":"x","currency":"EUR","digits":"2"}"#, #"{"add":"n4"}"#, #"{"next":"1"}"#,
    ]
    let methods = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]
    let headers = [
      "idempotency-key", "flotilla-session", "flotilla-sequence", "flotilla-producer", "accept",
      "last-event-id", "authorization",
    ]
    func pick<T>(_ list: [T]) -> T { list[Int(random.draw(below: UInt64(list.count)))] }
    for _ in 0..<3_000 {
      var target = Array(pick(targets).utf8)
      for name in ["?read=stale", "?limit=1", "?timeout=1s", "?acks=x", ""].prefix(1) {
        if random.draw(below: 2) == 0 { target += Array(name.utf8) }
      }
      var body = Array(pick(bodies).utf8)
      for _ in 0..<random.draw(below: 4) {
        let place = Int(random.draw(below: UInt64(target.count)))
        if place > 0 { target[place] = UInt8(0x21 + random.draw(below: 94)) }
        if !body.isEmpty {
          body[Int(random.draw(below: UInt64(body.count)))] = UInt8(
            truncatingIfNeeded: random.next())
        }
      }
      let response = await bench.ask(
        pick(methods), String(decoding: target, as: UTF8.self),
        String(decoding: body, as: UTF8.self),
        headers: [(pick(headers), String(random.draw(below: 300)))])
      let known = Outcome.allCases.map { $0.httpStatus } + [201, 405, 409, 413]
      #expect(known.contains(response.status))
      #expect(response.status != 500, "\(response.text)")
      if response.status >= 400, response.header("content-type") == "application/problem+json" {
        #expect(Ruling(response.document) != nil)
      }
    }
  }
}
#endif

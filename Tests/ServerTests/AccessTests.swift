#if Server
import Raft
import RaftInterface
import Testing

@testable import RaftServer

@Suite struct AccessTests {
  private func token(_ name: String, _ role: Role) -> TokenRecord {
    TokenRecord(name: name, role: role, digest: TokenRecord.digest(of: "secret of \(name)"))
  }

  private var bench: Bench {
    Bench(AccessControl(tokens: Role.allCases.map { token($0.description, $0) }))
  }

  private func bearer(_ role: Role) -> [(name: String, value: String)] {
    [("authorization", "Bearer secret of \(role.description)")]
  }

  @Test func `each role may do what those before it may, and no more`() async {
    let bench = bench
    for role in Role.allCases {
      let read = await bench.ask("GET", "/v1/kv", headers: bearer(role))
      #expect(read.status == 200)
      let write = await bench.ask("PUT", "/v1/kv/a", "1", headers: bearer(role))
      #expect(write.status == (role >= .writer ? 200 : 403))
      let operate = await bench.ask("POST", "/v1/snapshot", headers: bearer(role))
      #expect(operate.status == (role >= .operator ? 200 : 403))
    }
  }

  @Test func `the short way wants a token of the same role`() async {
    let bench = bench
    var count = 0
    for role in Role.allCases {
      let write = await bench.ask("PUT", "/v1/kv/a", "1", headers: bearer(role), shortly: true)
      #expect(write.status == (role >= .writer ? 200 : 403), "\(role)")
      if role >= .writer { count += 1 }
      #expect(await bench.service.commands == count)
      let read = await bench.ask("GET", "/v1/kv/a", headers: bearer(role), shortly: true)
      #expect(read.status == (count > 0 ? 200 : 404), "\(role)")
    }
    for method in ["PUT", "GET"] {
      let nobody = await bench.ask(method, "/v1/kv/a", "2", shortly: true)
      #expect(nobody.status == 401 && nobody.header("www-authenticate") == "Bearer")
      let stranger = await bench.ask(
        method, "/v1/kv/a", "2", headers: [("authorization", "Bearer nonsense")], shortly: true)
      #expect(stranger.status == 401)
    }
    #expect(await bench.service.commands == count)
  }

  @Test func `every operation wants a token, but for health, metrics and the page`() async {
    let bench = bench
    let open = ["/livez", "/readyz", "/startupz", "/metrics", "/pay"]
    for operation in OpenAPI.operations {
      var path = ""
      for part in operation.path.split(separator: "/") {
        path += "/" + (part.hasPrefix("{") ? "1" : String(part))
      }
      let response = await bench.ask(operation.method.uppercased(), path, "{}")
      let expected = open.contains(operation.path) ? 200 : 401
      #expect(response.status == expected, "\(operation.method) \(path)")
    }
  }

  @Test func `a wrong token is no token`() async {
    let bench = bench
    for value in ["Bearer nonsense", "Bearer ", "Basic abc", "", "Bearer secret of operato"] {
      let response = await bench.ask("GET", "/v1/kv", headers: [("authorization", value)])
      #expect(response.status == 401)
      #expect(response.header("www-authenticate") == "Bearer")
    }
  }

  @Test func `the secret is kept nowhere`() {
    let record = token("ops", .operator)
    #expect(!"\(record)".contains("secret"))
    #expect(record.digest.count == 32)
  }

  @Test func `a bucket gives its burst at once and then its rate`() {
    let limit = RateLimit(perSecond: 10, burst: 5)
    var bucket = TokenBucket(limit, at: 0)
    for _ in 0..<5 { #expect(bucket.take(limit, at: 0) == nil) }
    #expect(bucket.take(limit, at: 0) == 101)
    #expect(bucket.take(limit, at: 100_000_000) == nil)
    #expect(bucket.take(limit, at: 100_000_000) != nil)
    // A long rest gives no more than the burst.
    for _ in 0..<5 { #expect(bucket.take(limit, at: .max) == nil) }
    #expect(bucket.take(limit, at: .max) != nil)
  }

  @Test func `a table of full buckets forgets those that are full, and no others`() {
    let limit = RateLimit(perSecond: 1, burst: 2)
    var table = BucketTable(limit)
    for number in 0..<BucketTable.maximumClients {
      _ = table.take("c\(number)", at: 0)
    }
    for _ in 0..<2 { _ = table.take("c7", at: 0) }
    // All are in use: who is new shares one bucket, and nobody gets a fresh one.
    #expect(table.take("new 1", at: 0) == nil)
    #expect(table.take("new 2", at: 0) == nil)
    #expect(table.take("new 3", at: 0) != nil)
    #expect(table.take("c7", at: 0) != nil)
    #expect(table.buckets.count == BucketTable.maximumClients)
    // Later most are full again.
    let later: UInt64 = 1_500_000_000
    #expect(table.take("new 4", at: later) == nil)
    #expect(table.buckets.count == 2)
    #expect(table.take("c7", at: later) == nil)
    #expect(table.take("c7", at: later) != nil)
  }

  @Test func `who is refused too often is put off, and nobody else is`() async {
    let bench = bench
    let wrong = [(name: "authorization", value: "Bearer nonsense")]
    var statuses: [Int] = []
    for _ in 0..<150 {
      statuses.append(await bench.ask("GET", "/v1/kv", headers: wrong).status)
    }
    #expect(statuses.first == 401)
    #expect(statuses.last == 429)
    #expect(statuses.allSatisfy { [401, 429].contains($0) })
    // The right one from the same address is served.
    #expect(await bench.ask("GET", "/v1/kv", headers: bearer(.reader)).status == 200)
    #expect(await bench.ask("GET", "/v1/kv", headers: wrong, client: "10.0.0.9").status == 401)
  }

  @Test func `who asks too often is told when to come again, and nothing is done`() async {
    let bench = Bench(AccessControl(limit: RateLimit(perSecond: 1, burst: 2)))
    for _ in 0..<2 { #expect(await bench.ask("PUT", "/v1/kv/a", "1").status == 200) }
    let response = await bench.ask("PUT", "/v1/kv/a", "1")
    #expect(response.status == 429)
    #expect(response.header("retry-after") == "1")
    #expect(await bench.service.commands == 2)
  }

  @Test func `who shows a token is counted by it, wherever the requests come from`() throws {
    let access = AccessControl(
      tokens: [token("one", .writer), token("two", .writer)],
      limit: RateLimit(perSecond: 1, burst: 2))
    try access.check(token: "secret of one", client: "10.0.0.1", .writer)
    try access.check(token: "secret of one", client: "10.0.0.2", .reader)
    let ruling = #expect(throws: Ruling.self) {
      try access.check(token: "secret of one", client: "10.0.0.3", .writer)
    }
    #expect(ruling?.httpStatus == 429 && ruling?.reason == "rateLimited")
    // Another token has its own count, also at an address that the first came from.
    try access.check(token: "secret of two", client: "10.0.0.1", .writer)
  }
}
#endif

#if Server
import Foundation
import Raft
import RaftClient
import RaftInterface
import TestPace
import Testing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

/// A server that accepts connections, and never says anything.
private final class SilentServer {
  private let handle: Int32
  let address: String

  init() {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        _ = bind(descriptor, pointer, length)
        _ = listen(descriptor, 64)
        _ = getsockname(descriptor, pointer, &length)
      }
    }
    handle = descriptor
    address = "127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
  }

  deinit { close(handle) }
}

/// A payment as its client saw it.
private struct Paid: Sendable {
  var key: String
  var account: String
  var amount: UInt64
  var outcome: Outcome
}

@Suite(.serialized, .live) struct FailoverTests {
  private static func transfer(_ key: String, to account: String, _ amount: UInt64) -> ClientCall {
    ClientCall(
      "POST", "/v1/ledger/transfers", headers: [("idempotency-key", key)],
      body: Array(#"{"from":"world","to":"\#(account)","amount":"\#(amount)"}"#.utf8))
  }

  private static func open(_ accounts: [String], _ client: FlotillaClient) async {
    let list = accounts.map { #"{"id":"\#($0)"}"# } + [#"{"id":"world","overdraft":"unlimited"}"#]
    let answer = await client.send(
      ClientCall(
        "POST", "/v1/ledger/accounts",
        body: Array(#"{"accounts":[\#(list.joined(separator: ","))]}"#.utf8), isRepeatable: true))
    #expect(answer.ruling.outcome == .ok, "\(answer.ruling)")
  }

  @Test func `the hint of a follower is followed, and remembered`() async throws {
    let cluster = try Cluster(3)
    try await cluster.startAll()
    let everybody = try cluster.client()
    await FailoverTests.open(["alice"], everybody)
    let leader = await everybody.send(ClientCall("GET", "/v1/leader"))
    let name = leader.document?["leader"]?.string ?? ""
    let address = leader.document?["address"]?.string ?? ""
    let follower = try #require(cluster.config.nodes.first { $0.id.description != name })
    let client = try FlotillaClient(
      endpoints: [follower.http.description], timeout: .seconds(30))
    let paid = await client.send(
      FailoverTests.transfer(PaymentKey.fresh().ulid, to: "alice", 1))
    #expect(paid.ruling.outcome == .ok, "\(paid.ruling)")
    // Unless it changed meanwhile, whom the follower named is who did it.
    #expect(paid.endpoint != follower.http.description)
    #expect(client.endpoints.contains(paid.endpoint ?? "") && client.endpoints.contains(address))
    await cluster.stopAll()
  }

  @Test func `nodes that accept and never answer are left for the others`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let silent = [SilentServer(), SilentServer()]
    await FailoverTests.open(["alice"], try cluster.client())
    let client = try FlotillaClient(
      endpoints: silent.map { $0.address } + [cluster.config.nodes[0].http.description],
      timeout: .seconds(60), patience: .milliseconds(100))
    let key = PaymentKey.fresh().ulid
    let paid = await client.send(FailoverTests.transfer(key, to: "alice", 5))
    // The silent ones may have done it, for all that anybody knows; the key says that they did not.
    // Where the third is slow to answer it is asked once more, and has done it already.
    #expect([.ok, .duplicate].contains(paid.ruling.outcome), "\(paid.ruling)")
    for node in silent {
      #expect(paid.attempts.contains { $0.hasPrefix(node.address) }, "\(paid.attempts)")
    }
    let account = await client.send(ClientCall("GET", "/v1/ledger/accounts/alice"))
    #expect(account.document?["balance"]?.string == "5")
    await cluster.stopAll()
    _ = silent
  }

  @Test func `at its deadline a client says what may be concluded, whoever is silent`() async throws
  {
    let silent = [SilentServer(), SilentServer()]
    let client = try FlotillaClient(
      endpoints: silent.map { $0.address }, patience: .milliseconds(20))
    let limit = Duration.milliseconds(200)
    let asked = await client.send(ClientCall("GET", "/v1/status"), within: limit)
    #expect(asked.ruling.outcome == .unavailable)
    let paid = await client.send(
      FailoverTests.transfer(PaymentKey.fresh().ulid, to: "alice", 5), within: limit)
    #expect(paid.ruling.outcome == .unknown)
    // Each was asked, and not only the first until the end.
    #expect(silent.allSatisfy { node in paid.attempts.contains { $0.hasPrefix(node.address) } })
    // What must not be sent twice is sent to one, and waited for.
    let put = await client.send(ClientCall("PUT", "/v1/kv/a"), within: limit)
    #expect(put.ruling.outcome == .unknown)
    #expect(put.attempts.count == 1)
    _ = silent
  }

  @Test(.timeLimit(.minutes(20)))
  func `leaders are killed under load, and every payment is what its client was told`()
    async throws
  {
    let cluster = try ProcessCluster()
    try cluster.startAll()
    let watcher = try cluster.base.client()
    try await cluster.untilWhole(watcher)
    let accounts = (0..<6).map { "client\($0)" }
    await FailoverTests.open(accounts, watcher)

    let isOver = LockedBox(false)
    let book = LockedBox<[Paid]>([])
    let endpoints = cluster.base.config.nodes.map { $0.http.description }
    let clients = accounts.enumerated().map { number, account in
      Task {
        let client = try FlotillaClient(
          endpoints: endpoints, timeout: .seconds(5), patience: .milliseconds(500))
        var count: UInt64 = 0
        while !isOver.read({ $0 }) {
          count += 1
          let call = FailoverTests.transfer(PaymentKey.fresh().ulid, to: account, count)
          // Some are in more of a hurry than a cluster without a leader can be.
          let limit = Duration.milliseconds(number % 2 == 0 ? 5_000 : 150)
          var outcome = await client.send(call, within: limit).ruling.outcome
          // Some get nervous, and pay again whatever they heard.
          if count % 5 == 0 {
            let again = await client.send(call, within: limit).ruling.outcome
            outcome = FailoverTests.together(outcome, again)
          }
          let key = call.headers[0].value
          let paid = Paid(key: key, account: account, amount: count, outcome: outcome)
          book.change { $0.append(paid) }
          try await Task.sleep(for: .milliseconds(10))
        }
      }
    }

    for _ in 0..<3 {
      let leader = try await cluster.leader(watcher)
      try await FailoverTests.until(book, hasMore: 30)
      cluster.kill9(leader)
      try await FailoverTests.until(book, hasMore: 30)
      try cluster.start(leader)
      try await cluster.untilWhole(watcher)
    }
    isOver.change { $0 = true }
    for client in clients { try await client.value }
    try await FailoverTests.audit(book.read { $0 }, accounts, watcher)
    cluster.killAll()
  }

  /// What is known of a payment that was sent two times.
  private static func together(_ first: Outcome, _ second: Outcome) -> Outcome {
    if first == .ok || second == .ok || second == .duplicate { return .ok }
    return first == .unknown || second == .unknown ? .unknown : second
  }

  /// Waits for so many more payments that were acknowledged.
  private static func until(_ book: LockedBox<[Paid]>, hasMore count: Int) async throws {
    func done() -> Int { book.read { list in list.filter { $0.outcome.isDone == true }.count } }
    let start = done()
    while done() < start + count { try await Task.sleep(for: .milliseconds(10)) }
  }

  private static func audit(
    _ book: [Paid], _ accounts: [String], _ client: FlotillaClient
  ) async throws {
    var found: [String: Int] = [:]
    var sums: [String: UInt64] = [:]
    var before: String? = nil
    while true {
      let target = "/v1/ledger/transfers?limit=1000" + (before.map { "&before=\($0)" } ?? "")
      let page = await client.send(ClientCall("GET", target)).document
      for transfer in try #require(page?["transfers"]?.array) {
        found[transfer["key"]?.string ?? "none", default: 0] += 1
        sums[transfer["to"]?.string ?? "", default: 0] += transfer["amount"]?.unsigned ?? 0
        before = transfer["number"]?.string
      }
      if page?["isComplete"]?.bool ?? true { break }
    }
    for paid in book {
      let count = found.removeValue(forKey: paid.key) ?? 0
      switch paid.outcome.isDone {
      case true?: #expect(count == 1, "acknowledged: \(paid)")
      case false?: #expect(count == 0, "surely not done: \(paid)")
      case nil: #expect(count <= 1, "unknown: \(paid)")
      }
    }
    #expect(found.isEmpty, "nobody has paid these: \(found)")
    #expect(book.contains { $0.outcome.isDone == true })
    for account in accounts {
      let answer = await client.send(ClientCall("GET", "/v1/ledger/accounts/\(account)"))
      #expect(answer.document?["balance"]?.string == String(sums[account] ?? 0))
    }
    let audit = await client.send(ClientCall("GET", "/v1/ledger/audit"))
    #expect(audit.document?["isBalanced"]?.bool == true)
  }
}
#endif

#if Server
import Foundation
import Metrics
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import Testing

@testable import RaftServer

@Suite("Metrics") struct MetricsTests {
  private func lines(_ bench: Bench) async -> [String] {
    let text = await bench.ask("GET", "/metrics").text
    return text.split(separator: "\n").map(String.init)
  }

  @Test func `what the runtime counts is shown, each name once and with what it means`() async {
    let bench = Bench()
    let registry = bench.api.registry
    Counter(label: "raft_elections_won_total", factory: registry).increment(by: 3)
    for peer in ["n2", "n3"] {
      Meter(
        label: "raft_peer_round_trip_seconds", dimensions: [("peer", peer)], factory: registry
      ).set(0.25)
    }
    // The interfaces say this one themselves.
    Meter(label: "raft_term", factory: registry).set(99)
    let lines = await lines(bench)
    #expect(lines.contains("raft_elections_won_total 3"))
    #expect(lines.contains("raft_peer_round_trip_seconds{peer=\"n2\"} 0.25"))
    #expect(lines.contains("raft_peer_round_trip_seconds{peer=\"n3\"} 0.25"))
    #expect(lines.contains("raft_term 3") && !lines.contains("raft_term 99"))
    let heads = lines.filter { $0.hasPrefix("# TYPE ") }
    #expect(Set(heads).count == heads.count)
    #expect(lines.contains("# TYPE raft_peer_round_trip_seconds gauge"))
    #expect(lines.contains("# HELP raft_elections_won_total Elections that this node won."))
  }

  @Test func `durations are counted in bounds that take in the smaller ones`() async {
    let bench = Bench()
    let sync = Timer(label: "raft_disk_sync_seconds", factory: bench.api.registry)
    for nanoseconds in [90_000, 100_000, 100_001, 3_000_000, 20_000_000_000] as [Int64] {
      sync.recordNanoseconds(nanoseconds)
    }
    let lines = await lines(bench)
    #expect(lines.contains("# TYPE raft_disk_sync_seconds histogram"))
    #expect(lines.contains("raft_disk_sync_seconds_bucket{le=\"0.0001\"} 2"))
    #expect(lines.contains("raft_disk_sync_seconds_bucket{le=\"0.00025\"} 3"))
    #expect(lines.contains("raft_disk_sync_seconds_bucket{le=\"0.005\"} 4"))
    #expect(lines.contains("raft_disk_sync_seconds_bucket{le=\"10\"} 4"))
    #expect(lines.contains("raft_disk_sync_seconds_bucket{le=\"+Inf\"} 5"))
    #expect(lines.contains("raft_disk_sync_seconds_count 5"))
    #expect(lines.contains { $0.hasPrefix("raft_disk_sync_seconds_sum 20.00329") })
  }

  @Test func `requests are timed by kind and outcome, and reads counted by freshness`() async {
    let bench = Bench()
    _ = await bench.ask("PUT", "/v1/kv/a", "1")
    _ = await bench.ask("GET", "/v1/kv/a")
    _ = await bench.ask("GET", "/v1/kv/a?read=stale")
    await bench.service.force(.unavailable(.noLeader))
    _ = await bench.ask("GET", "/v1/kv/a?read=follower")
    let lines = await lines(bench)
    #expect(lines.contains("raft_request_seconds_count{kind=\"command\",outcome=\"ok\"} 1"))
    #expect(
      lines.contains(
        "raft_request_seconds_count{kind=\"read\",read=\"stale\",outcome=\"ok\"} 1"))
    #expect(lines.contains("raft_reads_total{read=\"linearizable\",outcome=\"ok\"} 1"))
    #expect(lines.contains("raft_reads_total{read=\"stale\",outcome=\"ok\"} 1"))
    #expect(lines.contains("raft_reads_total{read=\"follower\",outcome=\"unavailable\"} 1"))
  }

  @Test func `the ledger says how much it holds and that it balances`() async {
    let bench = Bench()
    await bench.openTwo()
    let lines = await lines(bench)
    #expect(lines.contains { $0.hasPrefix("ledger_accounts ") && $0 != "ledger_accounts 0" })
    #expect(lines.contains("ledger_conservation_error 0"))
    #expect(lines.contains("# TYPE ledger_transfers_total counter"))
  }

  @Test func `hostile labels stay within their quotes, and odd numbers are numbers`() {
    var text = Exposition()
    text.add("x", [([("peer", "a\"b\\c\nd")], "1")])
    #expect(text.text == "# TYPE x untyped\nx{peer=\"a\\\"b\\\\c\\nd\"} 1\n")
    #expect(Exposition.text(.nan) == "NaN" && Exposition.text(-.infinity) == "-Inf")
    #expect(Exposition.text(12) == "12" && Exposition.text(0.5) == "0.5")
    #expect(Exposition.text(1e300) == "1e+300")
  }

  @Test func `counters never fall, and what is destroyed is shown no more`() {
    let registry = MetricsRegistry()
    let counter = registry.makeCounter(label: "c", dimensions: [])
    counter.increment(by: 2)
    counter.increment(by: -5)
    #expect(registry.makeCounter(label: "c", dimensions: []) === counter)
    guard case .counter(2)? = registry.list().first?.series.first?.value else {
      Issue.record("the counter is not 2")
      return
    }
    registry.destroyCounter(counter)
    #expect(registry.list().isEmpty)
  }

  @Test func `the page on metrics is the table of the code`() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Docs/Reference/metrics.md")
    let rows = try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
      .filter { $0.hasPrefix("| `") }.map(String.init)
    let table = MetricDescription.all.map { "| `\($0.name)` | \($0.kind) | \($0.help) |" }
    #expect(rows == table)
  }
}
#endif

import Foundation
import RaftSimulation
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct Campaigns {
  private func report(_ more: String...) throws -> URL {
    let arguments =
      [
        "simulate", "--scenario", Samples.calm, "--seed", "1", "--seeds", "5", "--keep", "none",
        "--no-corpus", "--format", "json",
      ] + more
    return try Scratch.file("report.json", try Tool.start(arguments).finish().out)
  }

  private func merged(_ files: URL...) throws -> [String: Any] {
    let result = try Tool.start(["merge", "--format", "json"] + files.map(\.path)).finish()
    let object = try JSONSerialization.jsonObject(with: Data(result.out.utf8))
    return try #require(object as? [String: Any], "\(result.err)")
  }

  @Test func `the reports of all shards are the report of one sweep`() throws {
    let whole = try merged(report())
    let parts = try merged(report("--shard", "2/2"), report("--shard", "1/2"))
    for key in ["runs", "failing"] { #expect(whole[key] as? Int == parts[key] as? Int) }
    for key in ["events", "verdict", "firstSeed"] {
      #expect(whole[key] as? String == parts[key] as? String)
    }
    let counts = whole["situationCounts"] as? [String: Int]
    #expect(counts == parts["situationCounts"] as? [String: Int])
    #expect(counts?.count == Situation.allCases.count)
    #expect(parts["shards"] as? [String] == ["1/2", "2/2"])
    #expect(parts["runs"] as? Int == 5)
  }

  @Test func `a shard is not counted twice, and what is no report is refused`() throws {
    let part = try report("--shard", "1/2")
    let twice = try Tool.run("merge", part.path, part.path)
    #expect(twice.code == 65)
    #expect(twice.err.contains("both of shard 1/2"))
    let other = try Tool.run("merge", Samples.calm)
    #expect(other.code == 65)
    #expect(other.err.contains("no report of a sweep"))
  }

  @Test func `failures of all shards are one table, and what was never reached comes first`() throws
  {
    func report(_ shard: String) throws -> String {
      let result = try Tool.run(
        "simulate", "--scenario", Samples.neverAnswered, "--seeds", "4", "--shard", shard,
        "--keep", "none", "--no-corpus", "--format", "json")
      #expect(result.code == 3)
      return try Scratch.file("report.json", result.out).path
    }
    let result = try Tool.run("merge", report("1/2"), report("2/2"))
    #expect(result.code == 3)
    #expect(result.out.contains("STALLED  0 of 4 seeds passed"))
    let lines = result.lines
    let first = try #require(lines.firstIndex(of: "situations"))
    #expect(lines[first + 1].contains("never"))
    let reached = lines[(first + 1)...].prefix { $0.hasPrefix("  ") }.map { $0.contains("never") }
    #expect(reached == reached.sorted { $0 && !$1 })
  }

  @Test func `a guided campaign is decided by its seeds and their number`() throws {
    func seeds(_ jobs: String) throws -> [String] {
      try Tool.run(
        "simulate", "--guided", "--seed", "1", "--seeds", "6", "--until", "200ms", "--operations",
        "5", "--jobs", jobs, "--format", "jsonl", "--keep", "none", "--no-corpus"
      ).lines.dropLast()
    }
    let alone = try seeds("1").map { $0.replacing(#/"seconds":[^,]*/#, with: "") }
    #expect(alone.count == 6)
    #expect(try seeds("3").map { $0.replacing(#/"seconds":[^,]*/#, with: "") } == alone)
    let wrong = try Tool.run("simulate", "--guided", "--seed", "1")
    #expect(wrong.code == 64)
  }

  @Test func `what reached something rare is chosen more often`() {
    var guide = Guide()
    func share(_ scenario: Scenario) -> Int {
      (0..<2_000).reduce(0) { $0 + (guide.choice(for: UInt64($1)).scenario == scenario ? 1 : 0) }
    }
    let before = share(.bridge)
    var rare = SituationCounts()
    rare.reach(.snapshotInJoint)
    let choice = Guide.Choice(scenario: .bridge, nodes: 5)
    guide.learn([(choice, rare), (choice, rare)])
    #expect(share(.bridge) > before + before / 2)
    // What was reached often is worth nothing any more, and is forgotten in the end.
    for _ in 0..<80 { guide.learn([(Guide.Choice(scenario: .chaos, nodes: nil), rare)]) }
    #expect(share(.bridge) <= before + before / 4)
  }
}

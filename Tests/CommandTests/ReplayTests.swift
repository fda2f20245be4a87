import Foundation
import TestPace
import Testing

@Suite(.computing) struct Replaying {
  @Test func `a run folder holds what its page says`() throws {
    let run = try Samples.recordedRun()
    let names = try FileManager.default.contentsOfDirectory(atPath: run).sorted()
    #expect(
      names.filter { !$0.hasPrefix("history-") }
        == [
          "history.jsonl", "report.html", "scenario.yaml", "seed.txt", "summary.json",
          "trace.jsonl",
        ])
    let trace = try lines(run, "trace.jsonl")
    let header = try decode(trace[0])
    for key in ["schema", "code", "swift", "platform", "seed", "machine", "scenarioDigest", "plan"]
    {
      #expect(header[key] is String, "\(key)")
    }
    let event = try decode(trace[1])
    for key in ["event", "time", "cause"] { #expect(event[key] is Int, "\(key)") }
    for key in ["kind", "text", "digest"] { #expect(event[key] is String, "\(key)") }
    let end = try decode(try #require(trace.last))
    let before = try decode(trace[trace.count - 2])
    #expect(end["digest"] as? String == before["digest"] as? String)
    let operation = try decode(try lines(run, "history.jsonl")[0])
    for key in ["client", "call", "return", "op", "result"] { #expect(operation[key] != nil) }
  }

  @Test func `what its clients saw can be checked again`() throws {
    let run = try Samples.recordedRun()
    let names = try FileManager.default.contentsOfDirectory(atPath: run)
    var checked = 0
    for model in ["kv", "ledger", "topics"] where names.contains("history-\(model).jsonl") {
      let result = try Tool.run("check", "--model", model, run + "/history-\(model).jsonl")
      #expect(result.code == 0, "\(result.out)\(result.err)")
      checked += 1
    }
    #expect(checked > 0)
  }

  @Test func `its scenario file gives the same run again`() throws {
    let run = try Samples.recordedRun()
    let summary = try decode(
      try String(contentsOfFile: run + "/summary.json", encoding: .utf8))
    let again = try Tool.run(
      "simulate", "--scenario", run + "/scenario.yaml", "--format", "json")
    #expect(try decode(again.out)["digest"] as? String == summary["digest"] as? String)
  }

  @Test func `a run in the form of text`() throws {
    let run = try Samples.recordedRun()
    let folder = URL(fileURLWithPath: run)
    let result = try Tool.run(
      "replay", folder.lastPathComponent, "--runs", folder.deletingLastPathComponent().path,
      "--only",
      "commit", "--last", "1")
    #expect(result.code == 0, "\(result.err)")
    #expect(result.out.contains("identical code: yes"))
    let heading = result.lines.first { $0.contains("commit") }
    #expect(
      heading?.split(separator: " ").map(String.init)
        == ["event", "t", "node", "role", "term", "last", "commit", "what"])
    #expect(result.lines.contains { $0.contains("commits ") })
  }

  @Test func `a condition ends the table where it first holds`() throws {
    let run = try Samples.recordedRun()
    let result = try Tool.run(
      "replay", run, "--break", "commit > 2", "--last", "1", "--format", "jsonl", "--state", "all")
    let event = try decode(try #require(result.lines.last))
    let state = try #require(event["state"] as? [String: Any])
    #expect(Int(try #require(state["commit"] as? String)).map { $0 > 2 } == true)
    let head = try decode(result.lines[0])
    #expect((head["states"] as? [Any])?.count == 3)
    #expect(head["stateAfterEvent"] as? Int == event["event"] as? Int)
    let never = try Tool.run("replay", run, "--break", "term > 1000000")
    #expect(never.code == 1)
    #expect(never.err.contains("never held"))
  }

  @Test func `a window is kept to`() throws {
    let run = try Samples.recordedRun()
    let result = try Tool.run(
      "replay", run, "--from", "20", "--until", "30", "--all", "--format", "jsonl")
    let events = try result.lines.dropFirst().map { try decode($0)["event"] as? Int ?? 0 }
    #expect(!events.isEmpty && events.allSatisfy { (20...30).contains($0) })
    let node = try Tool.run("replay", run, "--node", "n2", "--last", "5", "--format", "jsonl")
    for line in node.lines.dropFirst() { #expect(try decode(line)["node"] as? String == "n2") }
    let late = try Tool.run("replay", run, "--from", "t=300ms", "--last", "1", "--format", "jsonl")
    let event = try decode(try #require(late.lines.last))
    #expect(try #require(event["time"] as? Int) >= 300_000_000)
  }

  @Test func `a trace that ends early is read as far as it goes`() throws {
    let run = try Samples.recordedRun()
    let whole = try String(contentsOfFile: run + "/trace.jsonl", encoding: .utf8)
    let part = try Scratch.file("part.jsonl", String(whole.prefix(whole.count / 2)))
    let result = try Tool.run("replay", part.path, "--last", "2")
    #expect(result.code == 0, "\(result.err)")
    #expect(result.out.contains("broken off"))
    #expect(result.out.contains("identical code: yes"))
  }

  @Test func `as a test it is Swift that names the seed`() throws {
    let run = try Samples.recordedRun()
    let result = try Tool.run("replay", run, "--as-test")
    #expect(result.out.contains("@Test func `seed 0000000000000007 passes`()"))
    #expect(result.out.contains("plan.workload.operations = 10"))
    #expect(result.out.contains("simulate(plan)"))
  }

  private func lines(_ run: String, _ name: String) throws -> [String] {
    try String(contentsOfFile: run + "/" + name, encoding: .utf8).split(separator: "\n")
      .map(String.init)
  }

  private func decode(_ text: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }
}

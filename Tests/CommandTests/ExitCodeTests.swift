import Foundation
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct `Exit codes` {
  @Test func `the table of the help lists every code once`() throws {
    let result = try Tool.run("help", "exit-codes")
    #expect(result.code == 0)
    let codes = result.lines.compactMap { line in
      line.split(separator: " ").first.flatMap { Int32($0) }
    }
    #expect(codes == ExitCode.allCases.map(\.rawValue))
    try Golden.expect(result.out, "exit-codes")
  }

  @Test func `the documentation has the same table`() throws {
    let page = Golden.folder.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Docs/Reference/command-line.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    for code in ExitCode.allCases {
      let row = "| \(code.rawValue) | \(code.name) | \(code.meaning) |"
      #expect(text.contains(row), "missing: \(row)")
    }
  }

  @Test(arguments: ["simulate", "replay", "check", "bench"])
  func `the help of each command tells its codes`(command: String) throws {
    let result = try Tool.run("help", command)
    #expect(result.code == 0)
    #expect(result.out.contains("EXIT CODES:"))
    #expect(result.out.contains("64  usage"))
  }

  @Test func `0 for a run without a fault`() throws {
    let result = try Tool.run("simulate", "--scenario", Samples.calm)
    #expect(result.code == 0, "\(result.err)")
  }

  @Test func `1 for a check that failed`() throws {
    let one = try Samples.recordedRun()
    let two = try Samples.recordedRun("--seed", "8")
    let result = try Tool.run("replay", one, "--compare", two)
    #expect(result.code == 1)
    #expect(result.out.contains("differs in"))
    #expect(try Tool.run("replay", one, "--compare", one).code == 0)
  }

  @Test func `2 for a situation that was asked for and not reached`() throws {
    let result = try Tool.run("simulate", "--scenario", Samples.calm, "--require-coverage")
    #expect(result.code == 2)
    #expect(result.err.contains("not reached: "))
  }

  @Test func `3 for a cluster that came to no rest`() throws {
    let runs = try Scratch.folder()
    let result = try Tool.run(
      "simulate", "--scenario", Samples.neverAnswered, "--runs", runs.path)
    #expect(result.code == 3, "\(result.err)")
    #expect(result.out.contains("STALLED"))
  }

  @Test func `4 for a recording that this code does not repeat`() throws {
    let run = try Samples.recordedRun()
    #expect(try Tool.run("replay", run, "--verify").code == 0)
    let trace = URL(fileURLWithPath: run).appendingPathComponent("trace.jsonl")
    var lines = try String(contentsOf: trace, encoding: .utf8).split(separator: "\n")
    let digest = try #require(lines[40].range(of: "\"digest\":\""))
    lines[40].replaceSubrange(digest.upperBound..<lines[40].endIndex, with: "0123456789abcdef\"}")
    try lines.joined(separator: "\n").write(to: trace, atomically: true, encoding: .utf8)
    let result = try Tool.run("replay", run, "--verify")
    #expect(result.code == 4)
    #expect(result.out.contains("departs from the recording at event"))
  }

  @Test(arguments: [
    ["simulat"], ["simulate", "--sed", "1"], ["simulate", "--seed", "soon"],
    ["simulate", "--seeds", "0"], ["simulate", "--nodes", "10"],
    ["simulate", "--machine", "abacus"],
    ["simulate", "--scenario", "chaso"], ["simulate", "--set", "network.los=2%"],
    ["simulate", "--set", "network.loss=2"], ["simulate", "--shard", "3/2", "--seeds", "4"],
    ["simulate", "--only-property", "log-machting"], ["simulate", "--until", "soon"],
    ["replay", "nothing-like-it"], ["replay", "1", "--only", "elction"],
    ["bench", "--rounds", "0"],
    ["replay", "1", "--break", "commit"], ["replay", "1", "--state", "n99"],
    ["replay", "1", "--step"],
  ])
  func `64 for what cannot be meant, with a hint`(arguments: [String]) throws {
    let result = try Tool.start(arguments).finish()
    #expect(result.code == 64, "\(result.err)")
    #expect(result.out.isEmpty)
    #expect(result.err.hasPrefix("error: ") || result.err.contains("\nerror: "))
    #expect(result.err.contains("\nhint: ") || result.err.contains("Did you mean"))
  }

  @Test func `65 for a trace that is none`() throws {
    let nonsense = try Scratch.file("trace.jsonl", "{\"schema\":\"somebody-else/9\"}\n")
    let result = try Tool.run("replay", nonsense.path)
    #expect(result.code == 65)
    #expect(result.err.contains("somebody-else/9"))
    let noise = try Scratch.file("noise.jsonl", "no JSON at all\nnor here\n")
    #expect(try Tool.run("replay", noise.path).code == 65)
  }

  @Test func `73 for a folder that cannot be made`() throws {
    let result = try Tool.run(
      "simulate", "--scenario", Samples.calm, "--keep", "all", "--runs", "/dev/null/runs")
    #expect(result.code == 73)
    #expect(result.err.contains("--runs"))
  }

  @Test func `78 for a wrong scenario file or environment variable`() throws {
    #expect(try Tool.run("simulate", "--scenario", Samples.mistakes).code == 78)
    #expect(try Tool.run("simulate", "--scenario", "not/there.yaml").code == 78)
    let result = try Tool.run("simulate", environment: ["FLOTILLA_SEEDS": "many"])
    #expect(result.code == 78)
    #expect(result.err.contains("FLOTILLA_SEEDS=many"))
    #expect(try Tool.run("simulate", environment: ["FLOTILLA_FAIL_FAST": "perhaps"]).code == 78)
  }
}

/// Scenario files beside the tests, and runs of them.
enum Samples {
  private static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Scenarios/\(name).yaml").path
  }

  static let calm = path("calm")
  static let neverAnswered = path("never-answered")
  static let mistakes = path("full-of-mistakes")

  /// The folder of a new run of the calm scenario.
  static func recordedRun(_ more: String...) throws -> String {
    let runs = try Scratch.folder()
    let arguments = ["simulate", "--scenario", calm, "--keep", "all", "--runs", runs.path] + more
    let result = try Tool.start(arguments).finish()
    #expect(result.code == 0, "\(result.err)")
    return runs.appendingPathComponent("latest").resolvingSymlinksInPath().path
  }
}

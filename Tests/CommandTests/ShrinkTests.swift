import Foundation
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct `Shrinking a run` {
  /// A failing run with more in it than it takes.
  private func scenario() throws -> URL {
    let text = try String(contentsOfFile: Samples.neverAnswered, encoding: .utf8)
      .replacing("voters: 1", with: "voters: 2")
      .replacing("  - { tick: 1ms }", with: "  - { tick: 1ms }\n  - { tick: 1ms, offset: 300us }")
      .replacing("faults: []", with: "faults:\n  - { at: 10ms, for: 5ms, crash: n2 }")
    return try Scratch.file("noisy.yaml", text)
  }

  private func shrink(_ more: String...) throws -> (Tool.Result, URL) {
    let runs = try Scratch.folder()
    let arguments =
      ["shrink", try scenario().path, "--runs", runs.path, "--budget", "16"] + more
    return (try Tool.start(arguments).finish(), runs)
  }

  @Test func `it tells what it kept, what it left out, and what happens`() throws {
    let (result, runs) = try shrink("--jobs", "2")
    #expect(result.code == 0, "\(result.err)")
    #expect(result.out.contains("goal  still not at rest after the healing"))
    #expect(result.out.contains("drop client operations"))
    #expect(result.out.contains("A failing run in words:"))
    let folder = runs.appendingPathComponent("00000001/shrunk")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    for file in ["scenario.yaml", "trace.jsonl", "RegressionTest.swift", "summary.json"] {
      #expect(files.contains(file))
    }
    // What was written fails in the same way, and is what it says.
    let again = try Tool.run(
      "simulate", "--scenario", folder.appendingPathComponent("scenario.yaml").path, "--keep",
      "none")
    #expect(again.code == 3)
    let file = try ScenarioFile.read(path: folder.appendingPathComponent("scenario.yaml").path)
    #expect(file.faults == [])
    let test = try String(
      contentsOf: folder.appendingPathComponent("RegressionTest.swift"), encoding: .utf8)
    #expect(test.contains("Plan.plain(nodes: 1"))
    #expect(try Tool.run("replay", folder.path, "--verify").code == 0)
  }

  @Test func `the number of threads does not change what is left`() throws {
    func plan(_ jobs: String) throws -> String {
      let (result, runs) = try shrink("--jobs", jobs, "--format", "json")
      #expect(result.code == 0)
      #expect(result.out.contains("\"flotilla-sim.shrink/1\""))
      return try String(
        contentsOf: runs.appendingPathComponent("00000001/shrunk/scenario.yaml"), encoding: .utf8)
    }
    #expect(try plan("1") == plan("3"))
  }

  @Test func `a run that passes, an unknown fault and a wrong budget are told`() throws {
    let passing = try Tool.run("shrink", Samples.calm)
    #expect(passing.code == 64)
    #expect(passing.err.contains("there is no failure to keep"))
    let unknown = try Tool.run("shrink", Samples.neverAnswered, "--keep", "partitoin")
    #expect(unknown.code == 64)
    #expect(unknown.err.contains("Did you mean partition?"))
    #expect(try Tool.run("shrink", Samples.neverAnswered, "--budget", "soon").code == 64)
  }
}

import Foundation
import Raft
import RaftExploration
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct `Exploring from the command line` {
  private let small = ["explore", "--terms", "1", "--entries", "0", "--nodes", "2"]
  private var planted: [String] {
    [
      "explore", "--terms", "1", "--entries", "0", "--crashes", "1", "--host-fault",
      "forgets-vote",
    ]
  }

  @Test func `what holds is told with its bounds, and never called verified`() throws {
    let result = try Tool.start(small).finish()
    #expect(result.code == 0)
    #expect(result.lines.first?.hasPrefix("bounds      2 nodes   1 term   0 entries") == true)
    #expect(result.out.contains("complete within these bounds"))
    #expect(result.out.contains("HOLDS  within the bounds above, and only there"))
    #expect(result.out.contains("leader replaced in one term"))
    #expect(!result.out.lowercased().contains("verified"))
  }

  @Test func `a search that is broken off goes on to the same end, with any number of threads`()
    throws
  {
    let folder = Scratch.root
    let file = "half-\(UInt64.random(in: 0...UInt64.max)).checkpoint"
    let bounds = ["explore", "--terms", "1", "--format", "json"]
    let half = try Tool.start(
      bounds + ["--states", "2000", "--checkpoint", file, "--jobs", "1"], folder: folder
    ).finish()
    #expect(half.code == 2)
    let rest = try Tool.start(
      bounds + ["--resume", file, "--jobs", "2"], folder: folder
    ).finish()
    let whole = try Tool.start(bounds + ["--jobs", "3"], folder: folder).finish()
    #expect(rest.code == 0 && whole.code == 0)
    func figures(_ result: Tool.Result) -> [String] {
      result.lines.filter { line in
        ["\"states\"", "\"unique\"", "\"depth\"", "\"reached\"", "\"complete\""].contains {
          line.contains($0)
        }
      }
    }
    #expect(figures(rest) == figures(whole))
    #expect(figures(whole).count == 5)
    let other = try Tool.start(
      ["explore", "--terms", "1", "--crashes", "1", "--resume", file], folder: folder
    ).finish()
    #expect(other.code == 65)
    #expect(other.err.contains("the checkpoint is of other bounds or settings"))
  }

  @Test func `a counterexample is told, written, and followed again by two commands`() throws {
    let runs = "runs-\(UInt64.random(in: 0...UInt64.max))"
    let result = try Tool.start(planted + ["--runs", runs], folder: Scratch.root).finish()
    #expect(result.code == 1)
    #expect(result.out.contains("VIOLATED  Election Safety\n  n3 and n1 were both elected"))
    let file = try #require(
      result.lines.first { $0.hasPrefix("reproduce:") }?.split(separator: " ").last)
    for command in [["explore", "--replay"], ["replay"]] {
      let again = try Tool.start(command + [String(file)], folder: Scratch.root).finish()
      #expect(again.code == 1)
      #expect(again.out.contains("VIOLATED  n3 and n1 were both elected in term 1"))
    }
    let path = Scratch.root.appendingPathComponent(String(file))
    let text = try String(contentsOf: path, encoding: .utf8)
    #expect(try PathFile.read(path.path).text == text)
    let test = try String(
      contentsOf: path.deletingLastPathComponent().appendingPathComponent("RegressionTest.swift"),
      encoding: .utf8)
    #expect(test.contains("fault: .forgetsVote"))
    #expect(test.contains("PathChoice(action: .campaign, node: NodeID(1))"))
  }

  @Test func `its folder is a run like any other: shown, verified, stepped to, drawn, shrunk`()
    throws
  {
    let runs = try Scratch.folder().path
    let result = try Tool.run(
      "explore", "--terms", "1", "--entries", "0", "--crashes", "1", "--host-fault",
      "forgets-vote", "--search", "depth", "--runs", runs)
    #expect(result.code == 1, "\(result.err)")
    let name = try #require(
      FileManager.default.contentsOfDirectory(atPath: runs).first { $0.hasPrefix("explore-") })
    let folder = runs + "/" + name
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(files == ["RegressionTest.swift", "path.jsonl", "report.html", "trace.jsonl"])

    let shown = try Tool.run("replay", folder, "--last", "3")
    #expect(shown.code == 0, "\(shown.err)")
    #expect(shown.out.contains("identical code: yes"))
    #expect(shown.out.contains("Election Safety: "))
    #expect(try Tool.run("replay", folder, "--verify").code == 0)
    let state = try Tool.run("replay", folder, "--break", "role = L", "--state", "all")
    #expect(state.out.contains("leader   after event"))
    let test = try Tool.run("replay", folder, "--as-test")
    #expect(test.out.contains("PathChoice(action: .campaign"))

    let page = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
    #expect(page.contains("\"verdict\":\"VIOLATED\""))
    #expect(page.contains("Election Safety no longer holds: "))
    for format in ["shiviz", "perfetto"] {
      #expect(try Tool.run("report", folder, "--format", format, "--out", "-").code == 0)
    }

    let shrunk = try Tool.run("shrink", folder)
    #expect(shrunk.code == 0, "\(shrunk.err)")
    #expect(shrunk.out.contains("goal  still Election Safety"))
    let before = try PathFile.read(folder + "/path.jsonl")
    let after = try PathFile.read(folder + "/shrunk/path.jsonl")
    #expect(after.property == before.property)
    #expect(after.steps.count < before.steps.count)
    #expect(after.steps.count <= 12)
    #expect(try Tool.run("replay", folder + "/shrunk", "--verify").code == 0)
  }

  @Test func `its test compiles: it is one of ours, letter by letter`() throws {
    var bounds = Bounds()
    bounds.terms = 1
    bounds.entries = 0
    bounds.crashes = 1
    bounds.spares = 1
    bounds.changes = [
      MembershipChange([.remove(NodeID(3)), .addVoter(NodeID(4))], isJointForced: true)
    ]
    var explorer = try Explorer(bounds, fault: .forgetsVote)
    while explorer.step() {}
    let found = try #require(explorer.counterexamples.first)
    var file = PathFile(explorer, found.finding, explorer.story(of: found))
    // The core itself is right, so the test passes once nobody breaks the contract with it.
    file.fault = .none
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("ExplorationTests/WrittenTest.swift")
    if ProcessInfo.processInfo.environment["FLOTILLA_REWRITE"] != nil {
      try PathTest.text(file).write(to: path, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: path, encoding: .utf8) == PathTest.text(file))
  }

  @Test func `a checkpoint replaces files and nothing else`() throws {
    let folder = try Scratch.folder().path
    let result = try Tool.run(
      "explore", "--states", "1000", "--checkpoint", folder, "--format", "json")
    #expect(result.code == 73)
    #expect(result.err.contains("is no plain file, and is not replaced"))
  }

  @Test func `a path that is damaged is refused with its line`() throws {
    var bounds = Bounds()
    bounds.terms = 1
    bounds.entries = 0
    var explorer = try Explorer(bounds, fault: .saysDurableTooEarly)
    while explorer.step() {}
    let found = try #require(explorer.counterexamples.first)
    let file = PathFile(explorer, found.finding, explorer.story(of: found))
    let good = file.text
    func complaint(_ old: String, _ new: String) throws -> String? {
      let path = try Scratch.file("path.jsonl", good.replacing(old, with: new)).path
      do throws(Failure) {
        _ = try PathFile.read(path)
        return nil
      } catch { return "\(error.code.rawValue) " + error.what.replacing(path, with: "PATH") }
    }
    #expect(try complaint("", "") == nil)
    for (old, new, said) in [
      ("path/1", "path/9", "65 PATH:1: the schema is \"flotilla-sim.path/9\", not flotilla-"),
      ("\"terms\":1", "\"terms\":-2", "65 PATH:1: \"terms\" must be a whole number, not -2"),
      ("\"terms\":1,", "", "65 PATH:1: the key \"terms\" is missing"),
      ("\"terms\"", "\"terns\"", "65 PATH:1: the key \"terms\" is missing"),
      ("\"node\":1", "\"node\":1,\"nodes\":2", "65 PATH:2: the key \"nodes\" is not known"),
      ("campaign", "campain", "65 PATH:2: \"campain\" is nothing that can happen"),
      ("{\"do\"", "\"do\"", "65 PATH:2: this line is no JSON object"),
    ] {
      #expect(try complaint(old, new)?.hasPrefix(said) == true)
    }
  }

  @Test func `what cannot be explored is refused before anything is`() throws {
    let bounds = try Tool.start(["explore", "--nodes", "9", "--terms", "0"]).finish()
    #expect(bounds.code == 64)
    #expect(bounds.err.contains("nodes is 9; it must lie in 1...5"))
    #expect(bounds.err.contains("terms is 0; it must lie in 1...15"))
    let property = try Tool.start(["explore", "--only-property", "log-matchin"]).finish()
    #expect(property.code == 64)
    #expect(property.err.contains("hint: did you mean log-matching?"))
    let change = try Tool.start(["explore", "--change", "remove everything"]).finish()
    #expect(change.code == 64)
  }
}

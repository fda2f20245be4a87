import Foundation
import RaftSimulation
import TestPace
import Testing

@testable import flotilla_sim

enum NamedScenarios {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let files: [URL] = {
    let folder = root.appendingPathComponent("Simulations/Scenarios")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { folder.appendingPathComponent($0) }
  }()
}

/// The situations with a name, which continuous integration runs one by one.
@Suite(.computing) struct `Named scenarios` {
  @Test func `there are many, and between them they show every kind of fault`() throws {
    #expect(NamedScenarios.files.count >= 25)
    var kinds: Set<FaultKind> = []
    for file in NamedScenarios.files {
      for fault in try ScenarioFile.read(path: file.path).faults ?? [] { kinds.insert(fault.kind) }
    }
    let missing = FaultKind.allCases.filter { !kinds.contains($0) }
    #expect(missing.isEmpty, "\(missing)")
  }

  @Test(arguments: NamedScenarios.files)
  func `each says what it shows and what it expects, and leaves nothing to be drawn`(file: URL)
    throws
  {
    let scenario = try ScenarioFile.read(path: file.path)
    #expect(scenario.about?.hasSuffix(".") == true)
    #expect(!scenario.always.isEmpty && !scenario.eventually.isEmpty)
    let seed = try #require(scenario.seed)
    let plan = scenario.plan(seed: seed, options: PlanOptions())
    #expect(scenario.faults == plan.faults)
    #expect(scenario.clocks?.count == plan.cluster.count)
  }

  @Test func `one is run by its name`() throws {
    let result = try Tool.run(
      "simulate", "--scenario", "alone", "--keep", "none", folder: NamedScenarios.root)
    #expect(result.code == 0, "\(result.out) \(result.err)")
  }

  @Test func `what comes too late ends with 3, what is not reached with 2`() throws {
    let text = try String(
      contentsOf: NamedScenarios.root.appendingPathComponent("Simulations/Scenarios/alone.yaml"),
      encoding: .utf8)
    func code(_ expected: String, _ instead: String) throws -> Tool.Result {
      #expect(text.contains(expected))
      let file = try Scratch.file("alone.yaml", text.replacing(expected, with: instead))
      return try Tool.run("simulate", "--scenario", file.path, "--keep", "none")
    }
    let late = try code("caught-up within 20s", "caught-up within 1us")
    #expect(late.code == 3)
    #expect(late.err.contains("caught-up should have come within 1us"))
    #expect(try code("single-voter-committed", "snapshot-in-joint").code == 2)
    let wrong = try code("leader within 5s", "leader in 5s")
    #expect(wrong.code == 78)
    #expect(wrong.err.contains("\"leader in 5s\" is no deadline"))
  }

  @Test func `the schema for editors is that of the reader`() throws {
    let file = NamedScenarios.root.appendingPathComponent("Docs/Reference/scenario.schema.json")
    let page = ScenarioSchema.page
    if ProcessInfo.processInfo.environment["FLOTILLA_REWRITE"] != nil {
      try (page + "\n").write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == page + "\n")
    for setting in Setting.all { #expect(page.contains("\"\(setting.key)\"")) }
    for kind in FaultKind.allCases { #expect(page.contains("\"\(kind.rawValue)\"")) }
  }

  @Test func `operations are listed one by one`() throws {
    let file = try ScenarioFile.read(
      name: "operations",
      text: """
        nodes: 3
        workload: { clients: 2 }
        operations:
          - { at: 300ms, client: c1, number: 4 }
          - at: 200ms
        """)
    let plan = file.plan(seed: 1, options: PlanOptions())
    #expect(plan.operations?.map(\.start) == [200_000_000, 300_000_000])
    #expect(plan.operations?.map(\.number) == [1, 4])
    #expect(plan.workload.operations == 2)
    let again = try ScenarioFile.read(name: "again", text: ScenarioText.page(plan))
    #expect(again.plan(seed: 1, options: PlanOptions()) == plan)
    let wrong = #expect(throws: Failure.self) {
      try ScenarioFile.read(
        name: "wrong", text: "nodes: 3\noperations: [{ clint: c1, at: 1s }, { client: d7 }]")
    }
    #expect(wrong?.what.contains("Did you mean client?") == true)
  }
}

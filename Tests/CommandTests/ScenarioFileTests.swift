import Foundation
import RaftSimulation
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct `Scenario files` {
  @Test func `every problem of a file is told, with its line, its column and what was meant`()
    throws
  {
    let folder = URL(fileURLWithPath: Samples.mistakes).deletingLastPathComponent()
    let result = try Tool.run("simulate", "--scenario", "full-of-mistakes.yaml", folder: folder)
    #expect(result.code == 78)
    #expect(result.out.isEmpty)
    try Golden.expect(
      result.err.split(separator: "\n").filter { !$0.hasPrefix("debug build") }
        .joined(separator: "\n") + "\n", "scenario-mistakes")
  }

  @Test(arguments: 0..<60 as Range<UInt64>)
  func `a plan that is written is the plan that is read`(seed: UInt64) throws {
    let plan = Plan(seed: seed)
    let text = ScenarioText.page(plan)
    let file = try ScenarioFile.read(name: "plan", text: text)
    #expect(file.plan(seed: seed, options: PlanOptions()) == plan, "\(text)")
  }

  @Test func `every field of a plan's settings has a name`() {
    let plan = Plan(seed: 1)
    let groups: [(name: String, fields: [String])] = [
      ("cluster", fields(plan.cluster)), ("node", fields(plan.node)),
      ("network", fields(plan.network)), ("storage", fields(plan.storage)),
      (
        "workload",
        fields(plan.workload).filter { $0 != "mix" } + fields(plan.workload.mix).map { "mix.\($0)" }
      ),
    ]
    for (name, fields) in groups {
      let named = Setting.all.filter { $0.group == name }.flatMap(\.swift)
      #expect(named.sorted() == fields.map { "\(name).\($0)" }.sorted())
    }
    #expect(fields(ClockSettings()).sorted() == ["offset", "ratePerMillion", "tick"])
    #expect(
      fields(plan).sorted() == [
        "clocks", "cluster", "duration", "faults", "network", "node", "operations", "scenario",
        "seed", "storage", "workload",
      ])
  }

  private func fields(_ value: Any) -> [String] {
    Mirror(reflecting: value).children.compactMap(\.label)
  }

  @Test func `the same file may be written as JSON`() throws {
    let yaml = try ScenarioFile.read(path: Samples.calm)
    let json = try ScenarioFile.read(
      name: "calm.json",
      text: """
        { "about": "Three nodes on a good day.", "seed": "7", "machine": "kv",
          "cluster": { "voters": 3, "witnesses": 0, "learners": 0, "spares": 0 }, "until": "500ms",
          "network": { "loss": "0%", "duplicate": "0%", "delay": "1ms..2ms" },
          "storage": { "sync": "1ms..2ms" }, "node": { "snapshotThreshold": 20 },
          "workload": { "clients": 2, "operations": 10 }, "faults": [] }
        """)
    #expect(
      yaml.plan(seed: 7, options: PlanOptions()) == json.plan(seed: 7, options: PlanOptions()))
  }

  @Test func `faults are told in few words`() throws {
    let file = try ScenarioFile.read(
      name: "faults",
      text: """
        nodes: 5
        faults:
          - at: 3s
            for: 5s
            partition: [[leader], [others]]
          - { at: 1s, for: 1s, crash: n2 }
          - { at: 1s, pause: [n1, n3] }
          - at: 2s
            loss: { nodes: [n4], amount: 12.5%, id: 9 }
        """)
    let faults = try #require(file.faults)
    #expect(faults.map(\.kind) == [.crash, .pause, .loss, .partition])
    #expect(faults[0].nodes == [2] && faults[0].aim == .nodes)
    #expect(faults[1].nodes == [1, 3])
    #expect(faults[2].amount == 125_000 && faults[2].identity == 9)
    #expect(faults[3].aim == .leader && faults[3].peers.isEmpty)
    #expect(faults[3].start == 3_000_000_000 && faults[3].duration == 5_000_000_000)
  }

  @Test(arguments: [
    ("a: &x 1", "anchors"), ("a: !!int 1", "tags"), ("a: |", "block texts"),
    ("<<: {a: 1}", "merge"),
    ("a: [1, 2", "never closed"), ("a: \"open", "no closing quote"), ("\ta: 1", "a tab"),
    ("a: 1: 2", "second colon"), ("a: 1\n  b: 2", "indented further"), ("a: 1\na: 2", "twice"),
    ("a: yes", "could mean several things"), ("a:\n  - b\n c: 3", "indented further"),
    ("  a: 1\nb: 2", "check the indentation"),
  ])
  func `what is not supported is refused with a word why`(text: String, word: String) {
    let problems = DocumentParser.parse(text).problems
    #expect(problems.contains { $0.what.contains(word) }, "\(problems)")
  }

  @Test func `any text is read in time linear in its length, or refused`() {
    var random = SplitMix(state: 7)
    let alphabet = Array("abc:- #[]{},'\"\n\n  &1%.")
    for _ in 0..<600 {
      let text = String((0..<40).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
      let (root, problems) = DocumentParser.parse(text)
      let reader = Reader(name: "noise", text: text)
      reader.add(problems)
      _ = ScenarioFile(root, reader)
      _ = reader.report()
    }
  }

  private struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }
}

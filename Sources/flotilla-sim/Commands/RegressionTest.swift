// A run as a Swift test, to be put beside the tests of who found it.

import RaftSimulation

enum RegressionTest {
  static func text(_ recording: Recording) -> String {
    let plan = recording.plan
    var lines = [
      "import RaftSimulation", "import Testing", "",
      "@Test func `seed \(hex(plan.seed)) passes`() {",
    ]
    // A plan that lists its operations has little that is not plain.
    let isPlain = plan.operations != nil
    let base =
      isPlain
      ? Plan.plain(nodes: plan.cluster.voters, seed: plan.seed) : Plan(seed: plan.seed)
    let call =
      isPlain
      ? "Plan.plain(nodes: \(plan.cluster.voters), seed: 0x\(hex(plan.seed)))"
      : "Plan(seed: 0x\(hex(plan.seed)))"
    let changes = assignments(plan, to: base)
    lines.append("  \(changes.isEmpty ? "let" : "var") plan = \(call)")
    lines += changes.map { "  " + $0 }
    lines += ["", "  let summary = simulate(plan)", ""]
    lines += [
      "  guard case .passed = summary.verdict else {",
      "    Issue.record(\"\\(summary.verdict)\")",
      "    return",
      "  }",
      "}",
    ]
    return lines.joined(separator: "\n")
  }

  /// What makes another plan into this one.
  private static func assignments(_ plan: Plan, to drawn: Plan) -> [String] {
    guard drawn != plan else { return [] }
    var lines: [String] = []
    if drawn.scenario != plan.scenario {
      lines.append("plan.scenario = .\(plan.scenario.rawValue)")
    }
    for setting in Setting.all where setting.text(in: drawn) != setting.text(in: plan) {
      lines += setting.assignments(in: plan)
    }
    if drawn.clocks != plan.clocks {
      lines.append(
        "plan.clocks = [ClockSettings](repeating: ClockSettings(), count: \(plan.clocks.count))")
      for (position, clock) in plan.clocks.enumerated() {
        lines.append("plan.clocks[\(position)].tick = \(clock.tick)")
        lines.append("plan.clocks[\(position)].ratePerMillion = \(clock.ratePerMillion)")
        lines.append("plan.clocks[\(position)].offset = \(clock.offset)")
      }
    }
    if let operations = plan.operations, operations != drawn.operations {
      lines.append(operations.isEmpty ? "plan.operations = []" : "plan.operations = [")
      lines += operations.map {
        "  PlannedOperation(client: \($0.client), number: \($0.number), start: \($0.start)),"
      }
      if !operations.isEmpty { lines.append("]") }
    }
    if drawn.faults != plan.faults {
      lines.append("plan.faults = [")
      lines += plan.faults.map { "  " + literal($0) + "," }
      lines.append("]")
    }
    if drawn.duration != plan.duration { lines.append("plan.duration = \(plan.duration)") }
    return lines
  }

  private static func literal(_ fault: PlannedFault) -> String {
    var text = "PlannedFault(.\(fault.kind.rawValue), start: \(fault.start)"
    text += ", duration: \(fault.duration)"
    if fault.aim != .nodes { text += ", aim: .\(fault.aim.rawValue)" }
    if !fault.nodes.isEmpty { text += ", nodes: \(fault.nodes)" }
    if !fault.peers.isEmpty { text += ", peers: \(fault.peers)" }
    if fault.amount != 0 { text += ", amount: \(fault.amount)" }
    if fault.period != 0 { text += ", period: \(fault.period)" }
    if fault.keeps != .none { text += ", keeps: .\(fault.keeps.rawValue)" }
    return text + ", identity: \(fault.identity))"
  }
}

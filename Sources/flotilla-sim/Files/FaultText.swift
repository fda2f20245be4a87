// Faults in a scenario file. Each stands under the name of its kind, with whom it strikes.

import RaftSimulation

extension FaultKind {
  /// What `amount` counts.
  var amountUnit: SettingUnit {
    switch self {
    case .loss, .duplication: .share
    case .delay, .reordering, .slowNode, .slowDisk, .slowRead, .clockJump: .time
    case .oneWay, .partition, .partialPartition, .bridge, .isolation, .clog, .flapping, .crash,
      .crashBetweenActions, .restartStorm, .powerCut, .absence, .pause, .campaign, .diskStall,
      .diskFailure, .diskFull, .bitRot, .clockRate, .snapshot, .addLearner, .addVoter, .addWitness,
      .demote,
      .remove, .replace, .concurrentChanges, .transfer, .overload, .clientCrash, .limitSessions,
      .stop:
      .number
    }
  }
}

extension ScenarioFile {
  private static let kinds = FaultKind.allCases.map(\.rawValue)
  private static let faultKeys = ["aim", "nodes", "peers", "amount", "period", "keeps", "id"]

  static func faults(_ node: Node, _ reader: Reader) -> [PlannedFault]? {
    guard case .list(let items) = node.value else {
      if case .null = node.value { return [] }
      reader.complain(node.mark, "faults must be a list, not \(node.kind)")
      return nil
    }
    var faults: [PlannedFault] = []
    for (position, item) in items.enumerated() {
      guard var fault = fault(item, reader) else { continue }
      // A place in the list is as good a name as any, as long as nobody says another.
      if fault.identity == 0 { fault.identity = UInt64(position) + 1 }
      faults.append(fault)
    }
    return faults.sorted { ($0.start, $0.identity) < ($1.start, $1.identity) }
  }

  private static func fault(_ item: Node, _ reader: Reader) -> PlannedFault? {
    let problems = reader.problems.count
    var start: UInt64?
    var duration: UInt64 = 0
    var found: (kind: FaultKind, value: Node)?
    for (key, mark, value) in reader.keys(item, of: "a fault", known: ["at", "for"] + kinds) {
      switch key {
      case "at": start = reader.number(value, key, .time)
      case "for": duration = reader.number(value, key, .time) ?? 0
      default:
        if let first = found {
          reader.complain(mark, "one fault has one kind; this one is a \(first.kind.rawValue)")
        } else if let kind = FaultKind(rawValue: key) {
          found = (kind, value)
        }
      }
    }
    // Whoever misspelt a key knows that it was meant to be there.
    let isClean = reader.problems.count == problems
    if found == nil, isClean {
      reader.complain(item.mark, "what goes wrong? Add a kind, such as crash: leader")
    }
    if start == nil, isClean {
      reader.complain(item.mark, "when? Add at: with a time such as 3s")
    }
    guard let found else { return nil }
    var fault = PlannedFault(found.kind, start: start ?? 0, duration: duration)
    readTarget(found.value, &fault, reader)
    return fault
  }

  /// `leader`, `n2`, `[n1, n2]`, `[[leader], [others]]`, or a group of keys.
  private static func readTarget(_ node: Node, _ fault: inout PlannedFault, _ reader: Reader) {
    switch node.value {
    case .null: return
    case .scalar: readEnd(node, &fault, reader)
    case .list(let items):
      let isPair = items.contains { if case .list = $0.value { true } else { false } }
      guard isPair else { return readEnd(node, &fault, reader) }
      guard items.count == 2, case .list(let first) = items[0].value,
        case .list(let second) = items[1].value
      else {
        reader.complain(node.mark, "two lists are needed here, such as [[leader], [others]]")
        return
      }
      readEnd(first.count == 1 ? first[0] : items[0], &fault, reader)
      if second.count == 1, case .scalar("others", _) = second[0].value { return }
      fault.peers = reader.nodeNumbers(items[1])
    case .keys: readKeys(node, &fault, reader)
    }
  }

  /// Whom it strikes, in one word or by a list of nodes.
  private static func readEnd(_ node: Node, _ fault: inout PlannedFault, _ reader: Reader) {
    if case .scalar(let text, _) = node.value, let aim = FaultAim(rawValue: text), aim != .nodes {
      fault.aim = aim
    } else if case .scalar(let text, _) = node.value, Int(text.drop { $0 == "n" }) == nil {
      let known = FaultAim.allCases.filter { $0 != .nodes }.map(\.rawValue)
      let advice = nearest(to: text, among: known).map { "Did you mean \($0)?" }
      reader.complain(
        node.mark,
        "unknown target \"\(text)\". "
          + (advice ?? "Write a node such as n2, or one of \(known.joined(separator: ", "))."))
    } else {
      fault.nodes = reader.nodeNumbers(node)
    }
  }

  private static func readKeys(_ node: Node, _ fault: inout PlannedFault, _ reader: Reader) {
    for (key, _, value) in reader.keys(node, of: fault.kind.rawValue, known: faultKeys) {
      switch key {
      case "aim": fault.aim = reader.word(value, "aim", as: FaultAim.self) ?? fault.aim
      case "nodes": fault.nodes = reader.nodeNumbers(value)
      case "peers": fault.peers = reader.nodeNumbers(value)
      case "amount": fault.amount = reader.number(value, key, fault.kind.amountUnit) ?? 0
      case "period": fault.period = reader.number(value, key, .time) ?? 0
      case "keeps": fault.keeps = reader.word(value, "keeps", as: UnsyncedWrites.self) ?? .none
      default: fault.identity = reader.number(value, key) ?? 0
      }
    }
  }

  /// A fault as it is written.
  static func line(_ fault: PlannedFault) -> String {
    var parts: [String] = []
    if fault.aim != .nodes { parts.append("aim: \(fault.aim.rawValue)") }
    if !fault.nodes.isEmpty { parts.append("nodes: \(list(fault.nodes))") }
    if !fault.peers.isEmpty { parts.append("peers: \(list(fault.peers))") }
    if fault.amount != 0 { parts.append("amount: \(fault.kind.amountUnit.text(fault.amount))") }
    if fault.period != 0 { parts.append("period: \(timeText(nanoseconds: fault.period))") }
    if fault.keeps != .none { parts.append("keeps: \(fault.keeps.rawValue)") }
    parts.append("id: \(fault.identity)")
    let start = timeText(nanoseconds: fault.start)
    let duration = timeText(nanoseconds: fault.duration)
    return "{ at: \(start), for: \(duration), \(fault.kind.rawValue):"
      + " { \(parts.joined(separator: ", ")) } }"
  }

  private static func list(_ nodes: [UInt64]) -> String {
    "[" + nodes.map { "n\($0)" }.joined(separator: ", ") + "]"
  }
}

/// A plan as a scenario file that says everything.
enum ScenarioText {
  static func page(_ plan: Plan) -> String {
    var lines = [
      "# Everything that decides this run. Change what you like and run it again:",
      "#   flotilla-sim simulate --scenario THIS-FILE",
      "schema: \(ScenarioFile.schema)",
      // In quotes, because a seed of digits only would be read as a number elsewhere.
      "seed: \"\(hex(plan.seed))\"",
      "scenario: \(plan.scenario.rawValue)",
      "machine: \(MachineName(plan.workload.mix).rawValue)",
      "until: \(timeText(nanoseconds: plan.duration))",
    ]
    for group in Setting.groups {
      lines.append("\(group):")
      for setting in Setting.all where setting.group == group {
        lines.append("  \(setting.key): \(setting.text(in: plan))")
      }
    }
    lines.append("clocks:")
    for clock in plan.clocks {
      lines.append(
        "  - { tick: \(timeText(nanoseconds: clock.tick)), rate: \(clock.ratePerMillion), offset:"
          + " \(timeText(nanoseconds: clock.offset)) }")
    }
    if let operations = plan.operations {
      lines.append(operations.isEmpty ? "operations: []" : "operations:")
      lines += operations.map { "  - " + ScenarioFile.line($0) }
    }
    lines.append(plan.faults.isEmpty ? "faults: []" : "faults:")
    for fault in plan.faults { lines.append("  - " + ScenarioFile.line(fault)) }
    return lines.joined(separator: "\n") + "\n"
  }
}

// The options that decide a plan, and what they amount to.

import ArgumentParser
import Foundation
import RaftSimulation

/// What a seed is expanded to.
struct PlanArguments: ParsableArguments {
  @Option(
    help: .option(
      "scenario", "A named scenario (default: chaos) or a scenario file.", value: "name|file"))
  var scenario: String?

  @Option(help: .option("nodes", "How many nodes vote, 1 to 9; default: drawn.", value: "n"))
  var nodes: UInt64?

  @Option(
    help: .option(
      "machine", "The machine that clients ask: kv, ledger, topics, clock or all.", value: "name"))
  var machine: String = "all"

  @Option(
    help: .option(
      "until", "How long faults may strike in virtual time, such as 60s.", value: "time"))
  var until: TimeArgument?

  @Option(
    help: .option(
      "operations", "How many operations the clients begin; default: drawn.", value: "n"))
  var operations: UInt64?

  @Option(
    help: .option("set", "Overrule a setting of the plan, as network.loss=2%.", value: "name=value")
  )
  var set: [String] = []

  static let variableOptions = VariableOption.values(
    "scenario", "nodes", "machine", "until", "operations", "set")

  var choice: PlanChoice {
    PlanChoice(
      scenario: scenario, nodes: nodes, machine: machine, until: until?.nanoseconds,
      operations: operations, set: set)
  }
}

/// What was asked for, whichever command asked.
struct PlanChoice {
  var scenario: String?
  var nodes: UInt64?
  var machine = "all"
  var until: UInt64?
  var operations: UInt64?
  var set: [String] = []
}

/// What the options of `simulate` amount to, checked.
struct SimulationSetup: Sendable {
  var options = PlanOptions()
  var file: ScenarioFile?
  var scenarioName: String
  var settings: [(setting: Setting, text: String)] = []
  var only: [String] = []
  var firstSeed: UInt64
  var isSeedRandom: Bool
  /// The options that a repetition needs beside its seed, as they are typed.
  var repetition: [String] = []

  init(
    _ command: PlanChoice, seed: SeedArgument? = nil, onlyProperty: [String] = []
  ) throws(Failure) {
    guard let machine = MachineName(rawValue: command.machine) else {
      throw Failure(
        .usage, "there is no machine \"\(command.machine)\"; there is \(MachineName.list)",
        hint: "leave it out for all of them")
    }
    options.machine = machine.kind
    if machine != .all { repetition += ["--machine", machine.rawValue] }
    scenarioName = command.scenario ?? Scenario.chaos.rawValue
    file = try SimulationSetup.scenario(scenarioName, &options)
    if command.scenario != nil { repetition += ["--scenario", scenarioName] }
    if let nodes = command.nodes {
      guard (1...9).contains(nodes) else {
        throw Failure(
          .usage, "--nodes must be 1 to 9, not \(nodes)",
          hint: "learners and spares come on top: --set cluster.learners=2")
      }
      options.nodes = nodes
      repetition += ["--nodes", String(nodes)]
    }
    if let operations = command.operations {
      options.operations = operations
      repetition += ["--operations", String(operations)]
    }
    if let until = command.until {
      options.duration = until
      repetition += ["--until", timeText(nanoseconds: until)]
    }
    let fileSeed = file?.seed
    isSeedRandom = seed == nil && fileSeed == nil
    firstSeed = seed?.value ?? fileSeed ?? UInt64.random(in: 0...UInt64.max)
    try readSettings(command.set)
    try readProperties(onlyProperty)
    let problems = PlanCheck.problems(plan(seed: firstSeed))
    guard problems.isEmpty else {
      throw Failure(.usage, problems.map(\.sentence).joined(separator: "; "))
    }
  }

  private mutating func readSettings(_ given: [String]) throws(Failure) {
    for text in given.flatMap({ $0.split(separator: ",") }) {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw Failure(
          .usage, "--set needs a name and a value, not \"\(text)\"",
          hint: "for example --set network.loss=2%")
      }
      let setting = try SimulationSetup.setting(parts[0])
      var scratch = Plan(seed: 0)
      guard setting.set(parts[1], in: &scratch) else {
        throw Failure(
          .usage, "\(setting.name) must be \(setting.expectation), not \"\(parts[1])\"",
          hint: "for example --set \(setting.name)=\(setting.text(in: scratch))")
      }
      settings.append((setting, parts[1]))
      repetition += ["--set", "\(setting.name)=\(parts[1])"]
    }
  }

  private mutating func readProperties(_ given: [String]) throws(Failure) {
    let known = Property.allCases.map(\.name) + ["liveness"]
    for name in given.flatMap({ $0.split(separator: ",") }).map(String.init) {
      guard known.contains(name) else {
        throw Failure(
          .usage,
          "there is no property \"\(name)\"."
            + (nearest(to: name, among: known).map { " Did you mean \($0)?" } ?? ""),
          hint: "known are \(known.joined(separator: ", "))")
      }
      only.append(name)
    }
  }

  static func setting(_ name: String) throws(Failure) -> Setting {
    var name = name
    // The words of the faults that have a constant part in the plan.
    if name.hasPrefix("faults.") { name = "network." + name.dropFirst(7) }
    if let setting = Setting.named(name) { return setting }
    let known = Setting.all.map(\.name)
    throw Failure(
      .usage,
      "there is no setting \"\(name)\"."
        + (nearest(to: name, among: known).map { " Did you mean \($0)?" } ?? ""),
      hint: "a run folder's scenario.yaml shows them all")
  }

  /// A scenario by name, or the file that is meant.
  private static func scenario(
    _ name: String, _ options: inout PlanOptions
  ) throws(Failure) -> ScenarioFile? {
    let words = name.split(separator: "-").map(String.init)
    let camel =
      words.prefix(1) + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }
    if let known = Scenario(rawValue: camel.joined()) {
      options.scenario = known
      return nil
    }
    let candidates = [name, "Simulations/Scenarios/\(name).yaml"]
    for path in candidates where FileManager.default.fileExists(atPath: path) {
      return try ScenarioFile.read(path: path)
    }
    let known = Scenario.allCases.map(\.rawValue)
    if name.contains("/") || name.contains(".") {
      throw Failure(.badConfiguration, "there is no scenario file \(name)")
    }
    throw Failure(
      .usage,
      "there is no scenario \"\(name)\"."
        + (nearest(to: name, among: known).map { " Did you mean \($0)?" } ?? ""),
      hint: "known are \(known.joined(separator: ", ")), or a file")
  }

  /// The plan of one seed.
  func plan(seed: UInt64) -> Plan {
    var plan = file?.plan(seed: seed, options: options) ?? Plan(seed: seed, options: options)
    for (setting, text) in settings { _ = setting.set(text, in: &plan) }
    return plan
  }

  /// Whether a run counts as a failure.
  func isFailing(_ run: Run) -> Bool {
    guard run.isDeterministic else { return true }
    switch run.summary.verdict {
    case .passed: return false
    case .violated(let violation): return only.isEmpty || only.contains(violation.property.name)
    case .stalled: return only.isEmpty || only.contains("liveness")
    }
  }

  /// The command that runs a seed of this setup again.
  func command(seed: UInt64) -> String {
    (["flotilla-sim simulate --seed \(hex(seed))"] + repetition.map(quoted)).joined(separator: " ")
  }

  private func quoted(_ word: String) -> String {
    let plain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=%,:".contains($0) }
    if plain { return word }
    let parts = word.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.joined(separator: "'\\''") + "'"
  }
}

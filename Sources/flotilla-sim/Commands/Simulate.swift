import ArgumentParser
import Foundation
import RaftSimulation

/// Which runs are written to a folder.
enum KeepChoice: String, CaseIterable, ExpressibleByArgument {
  case all, failing, none
}

/// Runs one seed or many and says what broke.
struct Simulate: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run one seed, or many, and check every property after every event.",
    usage: """
      flotilla-sim simulate [--seed SEED] [--scenario NAME|FILE] [options]
      flotilla-sim simulate --seeds 1000 [--seed FIRST] [--jobs 4] [options]
      flotilla-sim simulate --for 10m [options]
      """,
    discussion: ExitCode.discussion([
      .ok, .violated, .undecided, .stalled, .nondeterministic, .usage, .internalError,
      .cannotCreate, .badConfiguration, .interrupted,
    ]))

  static let variableOptions =
    VariableOption.values(
      "seed", "seeds", "for", "jobs", "scenario", "nodes", "machine", "until", "operations", "keep",
      "runs", "only-property", "set", "junit", "shard")
    + VariableOption.flags(
      "fail-fast", "verify-determinism", "no-corpus", "list-situations", "require-coverage")
    + OutputOptions.variableOptions

  @Option(
    help: .option(
      "seed",
      "The seed, in decimal or as it is printed; of a sweep the first. Random if not given.",
      value: "seed"))
  var seed: SeedArgument?

  @Option(help: .option("seeds", "How many seeds to run, one after the other.", value: "count"))
  var seeds: Int?

  @Option(
    name: .customLong("for"),
    help: .option("for", "How long to go on with new seeds, such as 10m.", value: "time"))
  var span: TimeArgument?

  @Option(help: .option("jobs", "How many threads to use; default: one for each core.", value: "n"))
  var jobs: Int?

  @Option(
    help: .option(
      "scenario", "A named scenario (default: chaos) or a scenario file.", value: "name|file"))
  var scenario: String?

  @Option(help: .option("nodes", "How many nodes vote, 1 to 9; default: drawn.", value: "n"))
  var nodes: UInt64?

  @Option(help: .option("machine", "The state machine; there is only kv.", value: "name"))
  var machine: String = "kv"

  @Option(
    help: .option(
      "until", "How long faults may strike in virtual time, such as 60s.", value: "time")
  )
  var until: TimeArgument?

  @Option(
    help: .option(
      "operations", "How many operations the clients begin; default: drawn.", value: "n")
  )
  var operations: UInt64?

  @Flag(help: .option("fail-fast", "Stop at the first failing seed."))
  var failFast = false

  @Option(help: .option("keep", "Which runs to write: all, failing or none.", value: "which"))
  var keep: KeepChoice = .failing

  @Option(help: .option("runs", "The folder to write runs into.", value: "folder"))
  var runs: String = "runs"

  @Flag(help: .option("verify-determinism", "Run each seed twice; exit 4 if the runs differ."))
  var verifyDeterminism = false

  @Option(
    help: .option(
      "only-property", "Let only this property fail a run; may be repeated.", value: "p"))
  var onlyProperty: [String] = []

  @Option(
    help: .option("set", "Overrule a setting of the plan, as network.loss=2%.", value: "name=value")
  )
  var set: [String] = []

  @Option(help: .option("junit", "Also write the results as JUnit XML.", value: "file"))
  var junit: String?

  @Option(
    help: .option("shard", "Run only a part of a sweep's seeds, as 2/5.", value: "part/parts"))
  var shard: ShardArgument?

  @Flag(help: .option("no-corpus", "Leave out the seeds and scenarios in Simulations/Seeds."))
  var noCorpus = false

  @Flag(help: .option("list-situations", "List the situations to reach, and which were reached."))
  var listSituations = false

  @Flag(help: .option("require-coverage", "Exit 2 if a situation was not reached."))
  var requireCoverage = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let screen = output.screen
    let setup = try SimulationSetup(self)
    if listSituations, seed == nil, seeds == nil, span == nil {
      return SituationReport.list(screen, output.format)
    }
    Interrupt.shared.install(screen)
    if Version.isDebug {
      screen.note("debug build: about 20 times slower than swift build -c release")
    }
    let code: ExitCode
    if seeds == nil, span == nil {
      code = try SingleRun(self, setup, screen).run()
    } else {
      code = try SweepRun(self, setup, screen).run()
    }
    if code != .ok { throw Stop(code: code) }
  }
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

  init(_ command: Simulate) throws(Failure) {
    guard command.machine == "kv" else {
      throw Failure(
        .usage, "there is no machine \"\(command.machine)\" yet; there is: kv",
        hint: "--machine kv, or leave it out")
    }
    scenarioName = command.scenario ?? Scenario.chaos.rawValue
    file = try SimulationSetup.scenario(scenarioName, &options)
    if command.scenario != nil { repetition += ["--scenario", scenarioName] }
    if let nodes = command.nodes {
      guard (1...9).contains(nodes) else {
        throw Failure(.usage, "--nodes must be 1 to 9, not \(nodes)")
      }
      options.nodes = nodes
      repetition += ["--nodes", String(nodes)]
    }
    if let operations = command.operations {
      options.operations = operations
      repetition += ["--operations", String(operations)]
    }
    if let until = command.until {
      options.duration = until.nanoseconds
      repetition += ["--until", timeText(nanoseconds: until.nanoseconds)]
    }
    let fileSeed = file?.seed
    isSeedRandom = command.seed == nil && fileSeed == nil
    firstSeed = command.seed?.value ?? fileSeed ?? UInt64.random(in: 0...UInt64.max)
    try readSettings(command)
    try checkNumbers(command)
    let problems = PlanCheck.problems(plan(seed: firstSeed))
    guard problems.isEmpty else {
      throw Failure(.usage, problems.map(\.sentence).joined(separator: "; "))
    }
  }

  private mutating func readSettings(_ command: Simulate) throws(Failure) {
    for text in command.set.flatMap({ $0.split(separator: ",") }) {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw Failure(.usage, "--set needs a name and a value, as network.loss=2%; not \"\(text)\"")
      }
      let setting = try SimulationSetup.setting(parts[0])
      var scratch = Plan(seed: 0)
      guard setting.set(parts[1], in: &scratch) else {
        throw Failure(
          .usage, "\(setting.name) must be \(setting.expectation), not \"\(parts[1])\"")
      }
      settings.append((setting, parts[1]))
      repetition += ["--set", "\(setting.name)=\(parts[1])"]
    }
    let known = Property.allCases.map(\.name) + ["liveness"]
    for name in command.onlyProperty.flatMap({ $0.split(separator: ",") }).map(String.init) {
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

  private func checkNumbers(_ command: Simulate) throws(Failure) {
    if let seeds = command.seeds, seeds < 1 {
      throw Failure(.usage, "--seeds must be 1 or more, not \(seeds)")
    }
    if let jobs = command.jobs, !(1...1024).contains(jobs) {
      throw Failure(.usage, "--jobs must be 1 to 1024, not \(jobs)")
    }
    if command.shard != nil, command.seeds == nil, command.span == nil {
      throw Failure(.usage, "--shard divides a sweep", hint: "add --seeds or --for")
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

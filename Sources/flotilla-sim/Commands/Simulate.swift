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
      "seed", "seeds", "for", "jobs", "keep", "runs", "only-property", "junit", "shard")
    + VariableOption.flags(
      "fail-fast", "verify-determinism", "no-corpus", "list-situations", "require-coverage",
      "guided")
    + PlanArguments.variableOptions + OutputOptions.variableOptions

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

  @Flag(
    help: .option(
      "guided", "Prefer kinds of runs that reach what was hardly reached; seeds alone decide."))
  var guided = false

  @OptionGroup var planned: PlanArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let seeds, seeds < 1 { throw ValidationError("--seeds must be 1 or more, not \(seeds)") }
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs must be 1 to 1024, not \(jobs)")
    }
    if shard != nil, seeds == nil, span == nil {
      throw ValidationError("--shard divides a sweep; add --seeds or --for")
    }
    if guided, seeds == nil, span == nil {
      throw ValidationError("--guided is for sweeps; add --seeds or --for")
    }
    if guided, planned.scenario != nil {
      throw ValidationError("--guided chooses scenarios itself; leave --scenario out")
    }
  }

  func run() throws {
    let screen = output.screen
    let setup = try SimulationSetup(planned.choice, seed: seed, onlyProperty: onlyProperty)
    if listSituations, seed == nil, seeds == nil, span == nil, planned.scenario == nil {
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

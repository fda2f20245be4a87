import ArgumentParser
import Foundation
import RaftSimulation

/// Shows, steps through or verifies a run.
struct Replay: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show, step through or verify a recorded run.",
    usage: """
      flotilla-sim replay RUN|TRACE|SEED [--last 20] [--node n2] [--only election,log] [options]
      flotilla-sim replay RUN --break "commit > 118" --state all
      flotilla-sim replay RUN --compare OTHER
      flotilla-sim replay RUN --verify
      """,
    discussion: """
      RUN is a run folder or the beginning of its name; TRACE a trace.jsonl; SEED a seed, which \
      needs the options that it was run with. The run is executed again beside what was \
      recorded, and the first event at which the two depart is told.


      """
        + ExitCode.discussion([
          .ok, .violated, .nondeterministic, .usage, .badData, .badConfiguration, .interrupted,
        ]))

  static let variableOptions =
    VariableOption.values(
      "from", "until", "last", "node", "only", "state", "break", "compare", "runs")
    + VariableOption.flags("all", "verify", "as-test", "step")
    + ReplayPlanArguments.variableOptions + OutputOptions.variableOptions

  @Argument(help: "A run folder, a trace, a scenario file or a seed.")
  var target: String = "runs/latest"

  @Option(help: .option("from", "Begin at this event, or at a time such as t=18s.", value: "event"))
  var from: EventArgument?

  @Option(
    name: .customLong("until"),
    help: .option("until", "End at this event, or at a time such as t=18s.", value: "event"))
  var until: EventArgument?

  @Option(help: .option("last", "Show at most so many events; default: 20.", value: "n"))
  var last: Int?

  @Option(help: .option("node", "Only events of this node, as n2.", value: "node"))
  var node: NodeArgument?

  @Option(
    help: .option(
      "only", "Only events of these kinds, separated by commas: \(EventFilter.names).",
      value: "kinds"))
  var only: String?

  @Flag(help: .option("all", "Show ticks that changed nothing, too, and all events at once."))
  var all = false

  @Option(
    help: .option("state", "Figure 2's variables of a node, or of all, at the end.", value: "node"))
  var state: String?

  @Option(
    name: .customLong("break"),
    help: .option(
      "break", "End at the first event after which this holds, as \"commit > 118\".",
      value: "condition"))
  var breakAt: String?

  @Option(help: .option("compare", "Tell the first difference to another run.", value: "run"))
  var compare: String?

  @Flag(help: .option("verify", "Only compare digests; exit 4 if the runs differ."))
  var verify = false

  @Flag(help: .option("as-test", "Print a Swift test that repeats the run."))
  var asTest = false

  @Flag(help: .option("step", "Step through the events with keys; needs a terminal."))
  var step = false

  @Option(help: .option("runs", "The folder that runs are in.", value: "folder"))
  var runs: String = "runs"

  @OptionGroup var planned: ReplayPlanArguments
  @OptionGroup var output: OutputOptions

  func run() throws {
    let screen = output.screen
    if step, !StepThrough.isPossible {
      throw Failure(
        .usage, "--step needs a terminal for its keys, and this is none",
        hint: "--last 40, or --from and --until")
    }
    // A folder with a trace beside the path is shown as any other run.
    if let path = PathFile.path(at: target), path == target || !Replay.hasTrace(target) {
      return try PathReplay(PathFile.read(path), output.format).run(screen)
    }
    Interrupt.shared.install(screen)
    let session = try ReplaySession(target, command: self)
    if verify { return try session.verify(screen) }
    if asTest { return screen.print(try session.test()) }
    if let compare {
      let other = try ReplaySession(compare, command: self)
      return try ReplayComparison(session.shown, other.shown).print(screen, output.format)
    }
    let condition = try breakAt.map { text throws(Failure) in try BreakCondition(text) }
    let view = try ReplayView(session, self, condition)
    if step { return try StepThrough(view, screen).run() }
    try view.print(screen, output.format)
    if let condition, !view.isConditionMet {
      screen.note("\"\(condition.text)\" never held")
      throw Stop(code: .violated)
    }
  }
}

extension Replay {
  fileprivate static func hasTrace(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/trace.jsonl")
  }
}

/// The options that expand a seed; `--until` is taken by the window.
struct ReplayPlanArguments: ParsableArguments {
  @Option(help: .option("scenario", "For a seed: its scenario.", value: "name|file"))
  var scenario: String?

  @Option(help: .option("nodes", "For a seed: its number of voters.", value: "n"))
  var nodes: UInt64?

  @Option(help: .option("operations", "For a seed: its number of operations.", value: "n"))
  var operations: UInt64?

  @Option(help: .option("set", "For a seed: a setting that was overruled.", value: "name=value"))
  var set: [String] = []

  /// The plan of a seed.
  func setup() throws(Failure) -> SimulationSetup {
    let choice = PlanChoice(
      scenario: scenario, nodes: nodes, operations: operations, set: set)
    return try SimulationSetup(choice, seed: SeedArgument(argument: "1"))
  }

  static let variableOptions = VariableOption.values("scenario", "nodes", "operations", "set")
}

/// An event by its number, or the first one at a time.
struct EventArgument: ExpressibleByArgument {
  enum Place {
    case event(UInt64)
    case time(UInt64)
  }

  var place: Place

  init?(argument: String) {
    let digits = argument.filter { $0 != "," && $0 != "_" }
    if let number = UInt64(digits) {
      place = .event(number)
    } else if let time = TimeArgument(argument: argument) {
      place = .time(time.nanoseconds)
    } else {
      return nil
    }
  }

  func isReached(by event: TraceEvent) -> Bool {
    switch place {
    case .event(let number): event.event >= number
    case .time(let time): event.time >= time
    }
  }

  func isPassed(by event: TraceEvent) -> Bool {
    switch place {
    case .event(let number): event.event > number
    case .time(let time): event.time > time
    }
  }
}

/// A node on the command line, `n2` or `2`.
struct NodeArgument: ExpressibleByArgument {
  var number: UInt64

  init?(argument: String) {
    let digits = argument.hasPrefix("n") ? String(argument.dropFirst()) : argument
    guard let number = UInt64(digits), number > 0 else { return nil }
    self.number = number
  }
}

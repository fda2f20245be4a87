import ArgumentParser
import Foundation
import RaftSimulation

/// Makes a failing run small.
struct Shrink: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a failing run as small as it gets while it fails in the same way.",
    usage: """
      flotilla-sim shrink RUN|FILE|SEED [--budget 30s] [--keep partition] [options]
      flotilla-sim shrink --seed SEED [--scenario NAME|FILE] [options]
      """,
    discussion: """
      RUN is a run folder or the beginning of its name; FILE a trace.jsonl or a scenario file; \
      SEED a seed, which needs the options that it was run with. What is left is written to \
      shrunk/ in the run folder.


      """
        + ExitCode.discussion([
          .ok, .usage, .badData, .cannotCreate, .badConfiguration, .interrupted,
        ]))

  static let variableOptions =
    VariableOption.values("seed", "budget", "jobs", "keep", "runs")
    + ReplayPlanArguments.variableOptions + OutputOptions.variableOptions

  @Argument(help: "A run folder, a trace, a scenario file or a seed.")
  var target: String?

  @Option(help: .option("seed", "The seed, in decimal or as it is printed.", value: "seed"))
  var seed: SeedArgument?

  @Option(
    help: .option(
      "budget", "When to stop: a time such as 30s, or a number of runs.", value: "time|runs"))
  var budget: BudgetArgument = BudgetArgument(nanoseconds: 30_000_000_000)

  @Option(help: .option("jobs", "How many threads to use; default: one for each core.", value: "n"))
  var jobs: Int?

  @Option(
    help: .option(
      "keep", "A kind of fault of which none is left out; may be repeated.", value: "fault"))
  var keep: [String] = []

  @Option(help: .option("runs", "The folder that runs are in.", value: "folder"))
  var runs: String = "runs"

  @OptionGroup var planned: ReplayPlanArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs must be 1 to 1024, not \(jobs)")
    }
    if target != nil, seed != nil {
      throw ValidationError("a run and --seed say two things; leave one of them out")
    }
  }

  func run() throws {
    let screen = output.screen
    let setup = try planned.setup()
    let name = seed.map { hex($0.value) } ?? target ?? "runs/latest"
    if let path = PathFile.path(at: name) {
      let folder = path.hasSuffix("/path.jsonl") ? String(path.dropLast(11)) : name
      return try PathShrink(file: PathFile.read(path), folder: folder, format: output.format)
        .run(screen)
    }
    let found = try ReplayTarget.find(name, runs: runs) { setup.plan(seed: $0) }
    if case .recorded(let recording) = found, let origin = recording.origin {
      throw Failure(
        .usage, "\(recording.name) was made by a test; only the test has the machine to run again",
        hint: "let the check shrink it, with shrinking: in check(...)", origin.again)
    }
    let (plan, folder) = place(found)
    guard
      var shrinker = Shrinker(plan, keeping: try kinds(), mostRuns: budget.runs ?? 1_000_000)
    else {
      throw Failure(
        .usage, "\(name) passes with this code (\(Version.code)): there is no failure to keep",
        hint: "flotilla-sim replay \(name) --verify tells whether the code is the same")
    }
    Interrupt.shared.install(screen)
    if Version.isDebug {
      screen.note("debug build: about 20 times slower than swift build -c release")
    }
    let report = ShrinkReport(screen: screen, name: name, folder: folder)
    if output.format == .text { report.printHead(shrinker) }
    let start = Progress.now()
    let isOutOfTime = work(&shrinker, screen, since: start)
    let seconds = Progress.now() - start
    let run = Run(plan: shrinker.plan, summary: simulate(shrinker.plan), seconds: seconds)
    _ = try RunFolder(root: folder).write(run, as: "shrunk")
    try writeFile(
      RegressionTest.text(Recording(name: name, plan: shrinker.plan)),
      to: folder + "/shrunk/RegressionTest.swift")
    switch output.format {
    case .text: report.printEnd(shrinker, run, isOutOfTime: isOutOfTime)
    case .json: screen.print(report.json(shrinker, run, isOutOfTime: isOutOfTime).page)
    case .jsonl: screen.print(report.json(shrinker, run, isOutOfTime: isOutOfTime).line)
    }
    if Interrupt.shared.isRequested { throw Stop(code: .interrupted) }
  }

  /// Lets it shrink; says whether time ran out.
  private func work(_ shrinker: inout Shrinker, _ screen: Screen, since start: Double) -> Bool {
    var progress = Progress(screen, output.progress)
    let threads = jobs ?? ProcessInfo.processInfo.activeProcessorCount
    let deadline = budget.nanoseconds.map { start + Double($0) / 1e9 }
    defer { progress.clear() }
    while let batch = shrinker.propose() {
      if Interrupt.shared.isRequested { return true }
      if let deadline, Progress.now() >= deadline { return true }
      shrinker.learn(TrialWork(batch, shrinker.goal).results(threads: threads))
      progress.show(
        fraction: budget.nanoseconds.map { (Progress.now() - start) * 1e9 / Double($0) }
          ?? budget.runs.map { Double(shrinker.runs) / Double($0) }
      ) {
        "\(shrinker.plan.size)   \(grouped(shrinker.best.events)) events"
          + "   \(counted(shrinker.runs, "run"))"
      }
    }
    return shrinker.runs >= budget.runs ?? .max
  }

  /// The plan, and the folder that the shrunken one goes into.
  private func place(_ found: ReplayTarget) -> (Plan, folder: String) {
    switch found {
    case .recorded(let recording):
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(
        atPath: recording.name, isDirectory: &isFolder)
      let name = runs + "/" + RunFolder.name(recording.plan.seed)
      return (recording.plan, isThere && isFolder.boolValue ? recording.name : name)
    case .plan(let plan, _): return (plan, runs + "/" + RunFolder.name(plan.seed))
    }
  }

  /// The kinds of faults to keep, however they are written.
  private func kinds() throws(Failure) -> [FaultKind] {
    let known = FaultKind.allCases.map(\.rawValue)
    var kinds: [FaultKind] = []
    for name in keep.flatMap({ $0.split(separator: ",") }).map(String.init) {
      let word = name.lowercased().filter { $0.isLetter }
      guard let kind = FaultKind.allCases.first(where: { $0.rawValue.lowercased() == word }) else {
        throw Failure(
          .usage,
          "there is no fault \"\(name)\"."
            + (nearest(to: name, among: known).map { " Did you mean \($0)?" } ?? ""),
          hint: "known are \(known.joined(separator: ", "))")
      }
      kinds.append(kind)
    }
    return kinds
  }
}

/// When to stop: a span of time, or a number of runs.
struct BudgetArgument: ExpressibleByArgument {
  var nanoseconds: UInt64?
  var runs: Int?

  init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  init?(argument: String) {
    if let runs = Int(argument.filter { $0 != "," && $0 != "_" }), runs > 0 {
      self.runs = runs
    } else if let time = parseTime(argument) {
      nanoseconds = time
    } else {
      return nil
    }
  }

  var defaultValueDescription: String { "30s" }
}

/// Runs the plans of one proposal on several threads: all that come before the first that fails as
/// it should, and as few of the others as it can. The results do not depend on how many threads
/// there are.
final class TrialWork: @unchecked Sendable {
  private let batch: ShrinkBatch
  private let goal: ShrinkGoal
  private let lock = NSLock()
  private var next = 0
  private var end: Int
  private var results: [ShrinkTrial?]

  init(_ batch: ShrinkBatch, _ goal: ShrinkGoal) {
    self.batch = batch
    self.goal = goal
    end = batch.plans.count
    results = [ShrinkTrial?](repeating: nil, count: batch.plans.count)
  }

  func results(threads: Int) -> [ShrinkTrial] {
    let done = DispatchGroup()
    for _ in 1..<max(1, min(threads, batch.plans.count)) {
      done.enter()
      let thread = Thread { [self] in
        help()
        done.leave()
      }
      thread.stackSize = 16 << 20
      thread.start()
    }
    help()
    done.wait()
    return results.prefix(end).compactMap { $0 }
  }

  private func help() {
    while let place = take() {
      let trial = ShrinkTrial(batch.plans[place], mostEvents: batch.mostEvents)
      lock.lock()
      results[place] = trial
      if trial.goal == goal { end = min(end, place + 1) }
      lock.unlock()
    }
  }

  private func take() -> Int? {
    lock.lock()
    defer { lock.unlock() }
    guard next < end else { return nil }
    next += 1
    return next - 1
  }
}

import ArgumentParser
import Foundation
import Raft
import RaftSimulation

/// What to measure.
enum BenchSubject: String, CaseIterable, ExpressibleByArgument {
  case core, journal, replica, check, simulator, machines, picture, all
}

extension PayloadSource: ExpressibleByArgument {}

/// Measures the core, the journal, replicas, the simulator and the state machines.
struct Bench: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the core, the journal, replicas, the simulator and the state machines.",
    usage: """
      flotilla-sim bench [core|journal|replica|check|simulator|machines|picture|all]
      flotilla-sim bench all --compare OLD.json
      flotilla-sim bench check --write DIR                    (only the histories, as files)
      flotilla-sim bench core --batch 16 --entries 100000     (fixed work, no clock)
      flotilla-sim bench core --ticks 100000                  (fixed work, no clock)
      flotilla-sim bench replica --batch 16 --entries 100000  (fixed work, no clock)
      flotilla-sim bench simulator --runs-of 40 [--no-oracles] (fixed work, no clock)
      """,
    discussion: """
      All times are CPU time of this process, on one thread. The core is measured with three \
      replicas in one process, messages handed over directly, storage that answers at once. The \
      journal is measured on files in the temporary directory, beside a loop that only appends \
      and syncs; syncs are counted by the clock on the wall. Replicas are three in one process \
      with disks in memory, by the time that a command takes and by the memory that one replica \
      holds after a million entries. The simulator is measured with its \
      oracles and without, and by the memory that one world holds. With --entries, --ticks, \
      --forks or --runs-of a fixed amount of work is done and no clock is read: the difference \
      between two lengths under valgrind --tool=callgrind is what one of them costs \
      (Simulations/Bench/instructions does that). With --write the histories that the checker is \
      measured at are written, and nothing is measured (Simulations/Peers/porcupine/run hands them \
      to another checker).


      """ + ExitCode.discussion([.ok, .violated, .usage, .badData, .cannotCreate, .interrupted]))

  static let schema = "flotilla-sim.bench/1"

  static let variableOptions =
    VariableOption.values(
      "rounds", "compare", "batch", "payload", "source", "entries", "ticks", "forks", "seeds",
      "runs-of", "write")
    + VariableOption.flags("no-oracles") + OutputOptions.variableOptions

  @Argument(
    help: "What to measure: core, journal, replica, check, simulator, machines, picture or all.")
  var subject: BenchSubject = .all

  @Option(help: .option("rounds", "How many rounds of each measurement.", value: "n"))
  var rounds: Int = 20

  @Option(
    help: .option(
      "compare", "Compare with an earlier result; exit 1 if something got a tenth worse.",
      value: "file"))
  var compare: String?

  @Option(help: .option("batch", "Measure only this many entries per proposal.", value: "n"))
  var batch: Int?

  @Option(help: .option("payload", "With --entries: bytes in an entry.", value: "bytes"))
  var payload: Int = 128

  @Option(help: .option("source", "With --entries: given, fresh or packed.", value: "kind"))
  var source: PayloadSource = .given

  @Option(help: .option("entries", "Only replicate so many entries, without a clock.", value: "n"))
  var entries: Int?

  @Option(help: .option("ticks", "Only let so many ticks pass, without a clock.", value: "n"))
  var ticks: Int?

  @Option(help: .option("forks", "Only fork a node so often, without a clock.", value: "n"))
  var forks: Int?

  @Option(help: .option("seeds", "How many seeds a round of the simulator has.", value: "n"))
  var seeds: Int = 20

  @Option(
    help: .option(
      "runs-of", "Only run so many seeds of the simulator, without a clock.", value: "n"))
  var runsOf: Int?

  @Option(
    help: .option(
      "write", "With check: only write its histories, into a new folder.", value: "dir"))
  var write: String?

  @Flag(help: .option("no-oracles", "Leave out the oracles; the runs stay the same."))
  var noOracles = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    let counts = [
      ("rounds", rounds), ("seeds", seeds), ("batch", batch ?? 1), ("runs-of", runsOf ?? 1),
    ]
    for (name, value) in counts
    where value < 1 {
      throw ValidationError("--\(name) must be 1 or more, not \(value)")
    }
    guard write == nil || subject == .check else {
      throw ValidationError("--write is for the histories of the checker: bench check --write DIR")
    }
    guard (0...1 << 20).contains(payload) else {
      throw ValidationError("--payload must be 0 to 1048576 bytes, not \(payload)")
    }
  }

  func run() throws {
    let screen = output.screen
    if let write {
      for (folder, count) in try CheckBench.write(to: write) {
        screen.print("\(write)/\(folder): \(count) histories")
      }
      return
    }
    let earlier = try compare.map { path throws(Failure) in try BenchComparison.read(path) }
    if entries != nil || ticks != nil || forks != nil || runsOf != nil {
      return try runFixedWork(screen)
    }
    if Version.isDebug {
      screen.note("debug build: these figures say nothing; use swift run -c release")
    }
    Interrupt.shared.install(screen)
    var results: [BenchResult] = []
    var progress = Progress(screen, output.progress)
    let isSimulator = subject == .simulator || subject == .all
    if isSimulator, !noOracles { results.append(memoryResult(&progress)) }
    if subject == .core || subject == .all { results += try coreResults(&progress) }
    if subject == .journal || subject == .all { results += try journalResults(&progress) }
    if subject == .replica || subject == .all { results += try replicaResults(&progress) }
    if isSimulator { results += simulatorResults(&progress) }
    if subject == .picture || subject == .all { results += pictureResults(&progress) }
    if subject == .machines || subject == .all { results += try machineResults(&progress) }
    if subject == .check || subject == .all {
      results += CheckBench.results(rounds) { Interrupt.shared.isRequested }
    }
    progress.clear()
    let comparison = earlier?.compared(with: results)
    print(results, comparison, screen)
    if Interrupt.shared.isRequested { throw Stop(code: .interrupted) }
    if let comparison, !comparison.worse.isEmpty { throw Stop(code: .violated) }
  }

  /// A fixed amount of work for those who count instructions.
  private func runFixedWork(_ screen: Screen) throws {
    if let runsOf {
      let load = SimulatorBench.run(
        seeds: 1..<UInt64(runsOf) + 1, options: fiveNodes, isWatched: !noOracles)
      screen.print(
        "\(load.seeds) seeds, \(load.events) events, \(load.messages) messages, \(load.ticks) ticks"
      )
      return
    }
    if let entries, subject == .replica { return try runReplicas(entries, screen) }
    var host = try CoreBench.cluster()
    if let entries {
      let scenario = ReplicationCase(batch: batch ?? 1, payload: payload, source: source)
      let count = CoreBench.replicate(
        entries, BenchClient(scenario), batch: scenario.batch, on: &host)
      screen.print("\(count) entries, applied \(host.applied) times, checksum \(host.checksum)")
    }
    if let ticks {
      CoreBench.tick(ticks, on: &host)
      screen.print("\(ticks) ticks of three replicas, \(host.applied) entries applied")
    }
    if let forks {
      var node = try CoreBench.leader(entries: 10_000)
      var buffer = ActionBuffer(isObserving: false)
      CoreBench.fork(&node, times: forks, &buffer)
      screen.print("\(forks) forks of a node with \(node.log.lastIndex) entries")
    }
  }

  private func measure(
    _ name: String, _ progress: inout Progress, _ body: () throws -> Void
  ) rethrows -> Rounds {
    let rounds = try Rounds.measure(
      rounds, isStopped: { Interrupt.shared.isRequested }, body)
    progress.show(fraction: nil) { "measured \(name)" }
    return rounds
  }

  private func coreResults(_ progress: inout Progress) throws -> [BenchResult] {
    var results: [BenchResult] = []
    for scenario in ReplicationCase.all where batch == nil || batch == scenario.batch {
      guard !Interrupt.shared.isRequested else { return results }
      var host = try CoreBench.cluster()
      let client = BenchClient(scenario)
      var work = 0
      let rounds = measure(scenario.name, &progress) {
        work = CoreBench.replicate(
          scenario.entries, client, batch: scenario.batch, on: &host)
      }
      let alone = measure(scenario.name, &progress) {
        _ = CoreBench.clientAlone(scenario.entries, client, batch: scenario.batch)
      }
      let share = BenchResult.text(alone.best * 1e9 / Double(max(work, 1)))
      results.append(
        BenchResult(
          scenario.name, "entry", rounds, work: work, note: "client alone \(share)"))
    }
    guard batch == nil else { return results }
    var host = try CoreBench.cluster()
    let ticks = 100_000
    let idle = measure("core.idle-tick", &progress) { CoreBench.tick(ticks, on: &host) }
    results.append(BenchResult("core.idle-tick.three-replicas", "tick", idle, work: ticks))
    var node = try CoreBench.leader(entries: 10_000)
    var buffer = ActionBuffer(isObserving: false)
    let forks = 20_000
    let fork = measure("core.fork", &progress) { CoreBench.fork(&node, times: forks, &buffer) }
    results.append(BenchResult("core.fork-and-tick-both.entries-10000", "fork", fork, work: forks))
    let propose = measure("core.fork", &progress) {
      CoreBench.forkAndPropose(node, times: forks / 10, &buffer)
    }
    results.append(
      BenchResult("core.fork-and-propose.entries-10000", "fork", propose, work: forks / 10))
    return results
  }

  private func machineResults(_ progress: inout Progress) throws -> [BenchResult] {
    try MachineBench.results(
      { name, body in try measure(name, &progress, body) },
      isStopped: { Interrupt.shared.isRequested })
  }

  private var fiveNodes: PlanOptions {
    var options = PlanOptions()
    options.nodes = 5
    return options
  }

  private func memoryResult(_ progress: inout Progress) -> BenchResult {
    let worlds = min(64, 3 * seeds)
    progress.show(fraction: nil) { "measuring the memory of \(worlds) worlds" }
    let bytes = SimulatorBench.memory(seeds: 1..<UInt64(worlds) + 1, options: fiveNodes)
    return BenchResult(
      "simulator.memory.nodes-5", "bytes per world", figures: [Double(bytes)],
      note: "\(worlds) worlds kept at once")
  }

  private func simulatorResults(_ progress: inout Progress) -> [BenchResult] {
    var load = SimulatorBench.Load()
    let range = 1..<UInt64(seeds) + 1
    func timed(_ isWatched: Bool) -> Rounds {
      measure(isWatched ? "simulator" : "simulator without oracles", &progress) {
        load = SimulatorBench.run(seeds: range, options: fiveNodes, isWatched: isWatched)
      }
    }
    let bare = timed(false)
    let suffix = noOracles ? ".no-oracles" : ""
    let rounds = noOracles ? bare : timed(true)
    let note =
      "\(grouped(load.events)) events, \(grouped(load.messages)) messages,"
      + " \(grouped(load.ticks)) ticks in \(load.seeds) seeds"
    var results = [
      BenchResult(
        "simulator.events.nodes-5" + suffix, rate: "events", rounds, work: Double(load.events),
        note: note),
      BenchResult(
        "simulator.seeds.nodes-5" + suffix, rate: "seeds", rounds, work: Double(load.seeds)),
    ]
    guard !noOracles, !Interrupt.shared.isRequested else { return results }
    if rounds.best > 0, rounds.median > 0 {
      let shares = [1 - bare.best / rounds.best, 1 - bare.median / rounds.median]
      var share = BenchResult(
        "simulator.oracles.nodes-5", "percent of CPU time", figures: shares.map { $0 * 100 })
      share.best = shares[0] * 100
      share.median = shares[1] * 100
      share.rounds = rounds.seconds.count
      results.append(share)
    }
    return results
  }

  private func print(
    _ results: [BenchResult], _ comparison: BenchComparison?, _ screen: Screen
  ) {
    switch output.format {
    case .text: printText(results, comparison, screen)
    case .json:
      screen.print(
        JSON.object(head + [("results", .array(results.map(\.json)))] + tail(comparison)).page)
    case .jsonl:
      for result in results { screen.print(result.json.line) }
      screen.print(JSON.object(head + tail(comparison)).line)
    }
  }

  private var head: [(key: String, value: JSON)] {
    [
      ("schema", .string(Bench.schema)), ("code", .string(Version.code)),
      ("swift", .string(Version.swift)), ("platform", .string(Version.platform)),
      ("build", .string(Version.build)),
      ("processors", .count(ProcessInfo.processInfo.processorCount)),
      ("peakMemoryBytes", .number(UInt64(peakMemory()))),
    ]
  }

  private func tail(_ comparison: BenchComparison?) -> [(key: String, value: JSON)] {
    guard let comparison else { return [] }
    let lines = comparison.lines.map { line in
      JSON.object([
        ("name", .string(line.name)), ("old", .figure(line.old, digits: 2)),
        ("new", .figure(line.new, digits: 2)), ("factor", .figure(line.factor, digits: 3)),
      ])
    }
    return [
      ("comparison", .array(lines)),
      ("verdict", .string(comparison.worse.isEmpty ? "same or better" : "worse")),
    ]
  }

  private func printText(
    _ results: [BenchResult], _ comparison: BenchComparison?, _ screen: Screen
  ) {
    var table = Table(["what", ">best", ">median", "unit", ""])
    for result in results {
      table.rows.append([
        result.name, BenchResult.text(result.best), BenchResult.text(result.median), result.unit,
        result.note,
      ])
    }
    for line in table.lines(screen, indent: "") { screen.print(line) }
    screen.print()
    screen.print(
      "setup  \(Version.line), \(rounds) rounds, CPU time of one thread, peak memory"
        + " \(peakMemory() >> 20) MiB")
    guard let comparison else { return }
    screen.print()
    var lines = Table(["compared", ">old", ">new", ">factor", ""])
    for line in comparison.lines {
      let isWorse = line.factor > BenchComparison.tolerance
      lines.rows.append([
        line.name, BenchResult.text(line.old), BenchResult.text(line.new), fixed(line.factor, 2),
        isWorse ? "worse" : "",
      ])
    }
    for line in lines.lines(screen, indent: "") { screen.print(line) }
    screen.print()
    screen.print(
      comparison.worse.isEmpty
        ? screen.toned("same or better", .good)
        : screen.toned("worse: ", .bad) + comparison.worse.joined(separator: ", "))
  }
}

// Many seeds: a line for each failure as it happens, and at the end one table in which forty seeds
// of one bug are one line.

import Foundation
import RaftSimulation

/// Failures of the same kind.
struct FailureGroup {
  var name: String
  /// The kind of the event at which it showed; empty if it is no event's.
  var at: String
  var sentence: String
  var event: UInt64
  var seed: UInt64
  var folder: String?
  var count: Int

  /// The property of a failing run, and which of its checks noticed.
  static func name(_ run: Run) -> String {
    guard run.isDeterministic else { return "determinism" }
    guard case .violated(let violation) = run.summary.verdict else {
      return run.summary.verdict.property
    }
    let check = violation.breach.fingerprint.check
    return violation.property.name + (check == 0 ? "" : ".\(check)")
  }

  /// What happened in a failing run.
  static func sentence(_ run: Run) -> String {
    guard run.isDeterministic else { return "two runs of one plan differ" }
    switch run.summary.verdict {
    case .passed: return "passed"
    case .violated(let violation): return violation.breach.sentence
    case .stalled(let reason): return reason
    }
  }

  /// The order in which groups are told: the largest first.
  static func isTold(_ a: FailureGroup, before b: FailureGroup) -> Bool {
    (a.count, b.name, b.at) > (b.count, a.name, a.at)
  }

  static func add(_ run: Run, to groups: inout [FailureGroup]) {
    let name = name(run)
    let at = run.guiltyKind
    guard let position = groups.firstIndex(where: { $0.name == name && $0.at == at }) else {
      groups.append(
        FailureGroup(
          name: name, at: at, sentence: sentence(run), event: run.guiltyEvent, seed: run.plan.seed,
          folder: run.folder, count: 1))
      return
    }
    groups[position].count += 1
    guard run.guiltyEvent < groups[position].event else { return }
    groups[position].event = run.guiltyEvent
    groups[position].seed = run.plan.seed
    groups[position].sentence = sentence(run)
    groups[position].folder = run.folder
  }
}

/// What a sweep has found so far.
struct SweepTotals {
  var runs = 0
  var failures = 0
  var events: UInt64 = 0
  var situations = SituationCounts()
  var groups: [FailureGroup] = []
  var worst = ExitCode.ok
  var written = 0

  var reached: [String] {
    Situation.allCases.filter { situations[$0] > 0 }.map(\.description)
  }

  mutating func add(_ run: Run, isFailing: Bool) {
    runs += 1
    events += run.summary.events
    situations.add(run.summary.situations)
    guard isFailing else { return }
    failures += 1
    FailureGroup.add(run, to: &groups)
    worst = SweepTotals.worse(worst, run.exitCode)
  }

  /// Nondeterminism casts doubt on all the rest; a broken property is worse than a standstill.
  private static func worse(_ a: ExitCode, _ b: ExitCode) -> ExitCode {
    for code in [ExitCode.nondeterministic, .violated, .stalled] where a == code || b == code {
      return code
    }
    return .ok
  }
}

struct SweepRun {
  let command: Simulate
  let setup: SimulationSetup
  let screen: Screen
  /// More folders than this help nobody and fill disks.
  private let maximumFolders = 20

  init(_ command: Simulate, _ setup: SimulationSetup, _ screen: Screen) {
    self.command = command
    self.setup = setup
    self.screen = screen
  }

  private var format: Format { command.output.format }

  /// How many seeds there are, and which they are: every n-th of them in one of n shards.
  private var count: Int? {
    guard let seeds = command.seeds else { return nil }
    guard let shard = command.shard else { return seeds }
    let parts = Int(clamping: shard.count)
    return (seeds - Int(clamping: shard.number) + parts) / parts
  }

  private func seed(_ position: Int) -> UInt64 {
    guard let shard = command.shard else { return setup.firstSeed &+ UInt64(position) }
    return setup.firstSeed &+ (shard.number - 1) &+ UInt64(position) &* shard.count
  }

  func run() throws(Failure) -> ExitCode {
    let start = Progress.now()
    var totals = SweepTotals()
    var progress = Progress(screen, command.output.progress)
    var kept: [Run] = []
    let jobs = command.jobs ?? ProcessInfo.processInfo.activeProcessorCount
    if format == .text { printHead(jobs) }

    let corpus = command.noCorpus ? [] : try Corpus.load(setup)
    for entry in corpus where !isOver(totals) {
      let run = Runner.measured(entry.plan, isVerified: command.verifyDeterminism)
      try take(run, &totals, &progress, &kept, corpus: entry.name)
    }
    var guide = Guide()
    var done = 0
    let deadline = command.span.map { start + Double($0.nanoseconds) / 1e9 }
    while !isOver(totals), done < count ?? .max, Progress.now() < deadline ?? .infinity {
      let left = count.map { $0 - done }
      let portion = command.guided ? min(Guide.portion, left ?? .max) : left
      let queue = SweepQueue(
        count: portion, deadline: deadline,
        isVerified: command.verifyDeterminism, stopsAtFailure: command.failFast,
        isFailing: { [setup] in setup.isFailing($0) },
        plan: { [self, guide, done] in plan(done + $0, guide) })
      queue.start(jobs: min(jobs, portion ?? jobs))
      var reached: [(choice: Guide.Choice, reached: SituationCounts)] = []
      func show() {
        let elapsed = Progress.now() - start
        let fraction =
          count.map { Double(totals.runs - corpus.count) / Double(max($0, 1)) }
          ?? command.span.map { elapsed * 1e9 / Double($0.nanoseconds) }
        progress.show(fraction: fraction) { words(totals, elapsed) }
      }
      while let run = queue.take(whileWaiting: show) {
        done += 1
        if command.guided { reached.append((guide.choice(for: run.plan.seed), run.reached)) }
        try take(run, &totals, &progress, &kept, corpus: nil)
        show()
      }
      guide.learn(reached)
    }
    progress.clear()
    return try finish(totals, Progress.now() - start, kept)
  }

  /// The plan of the seed at a position, guided if that is asked for.
  private func plan(_ position: Int, _ guide: Guide) -> Plan {
    let seed = seed(position)
    guard command.guided else { return setup.plan(seed: seed) }
    var guided = setup
    let choice = guide.choice(for: seed)
    guided.options.scenario = choice.scenario
    if guided.options.nodes == nil { guided.options.nodes = choice.nodes }
    return guided.plan(seed: seed)
  }

  private func isOver(_ totals: SweepTotals) -> Bool {
    Interrupt.shared.isRequested || (command.failFast && totals.failures > 0)
  }

  private func words(_ totals: SweepTotals, _ elapsed: Double) -> String {
    let rate = elapsed > 0 ? Double(totals.runs) / elapsed : 0
    var text = grouped(totals.runs) + (count.map { " of \(grouped($0))" } ?? "") + " seeds"
    text += "   \(fixed(rate, 0)) per second   "
    text += totals.failures == 0 ? "no failures" : counted(totals.failures, "failure")
    return text
  }

  private func take(
    _ result: Run, _ totals: inout SweepTotals, _ progress: inout Progress, _ kept: inout [Run],
    corpus: String?
  ) throws(Failure) {
    var run = result
    let isFailing = setup.isFailing(run)
    let isKept = command.keep == .all || (command.keep == .failing && isFailing)
    if isKept, totals.written < maximumFolders || command.keep == .all {
      progress.clear()
      run.folder = try RunFolder(root: command.runs).write(run)
      totals.written += 1
    }
    totals.add(run, isFailing: isFailing)
    if command.junit != nil { kept.append(run) }
    if format == .json, isFailing, command.junit == nil { kept.append(run) }
    switch format {
    case .text where isFailing:
      progress.clear()
      printFailure(run, corpus)
    case .jsonl:
      progress.clear()
      var record = RunRecord.json(run)
      if let corpus, case .object(let pairs) = record {
        record = .object(pairs + [("corpus", .string(corpus))])
      }
      screen.print(record.line)
    case .text, .json: break
    }
  }

  private func finish(
    _ totals: SweepTotals, _ seconds: Double, _ kept: [Run]
  ) throws(Failure) -> ExitCode {
    if let path = command.junit { try JUnit.write(kept, setup, to: path) }
    let missing = SituationReport.missing(
      totals.reached, required: SituationReport.required(setup))
    var code = totals.worst
    let mustReach = command.requireCoverage || setup.file?.sometimes.isEmpty == false
    if code == .ok, mustReach, !missing.isEmpty { code = .undecided }
    if Interrupt.shared.isRequested { code = .interrupted }
    switch format {
    case .text: printEnd(totals, seconds, missing, code)
    case .json:
      let failures = kept.filter(setup.isFailing)
      screen.print(record(totals, seconds, missing, code, failures).page)
    case .jsonl: screen.print(record(totals, seconds, missing, code, nil).line)
    }
    return code
  }

  /// The whole sweep for programs.
  private func record(
    _ totals: SweepTotals, _ seconds: Double, _ missing: [String], _ code: ExitCode,
    _ failures: [Run]?
  ) -> JSON {
    var pairs: [(key: String, value: JSON)] = [
      ("schema", .string("flotilla-sim.sweep/1")),
      ("firstSeed", .hex(setup.firstSeed)),
      ("scenario", .string(setup.scenarioName)),
      ("verdict", .string(code.name)),
      ("runs", .count(totals.runs)),
      ("failing", .count(totals.failures)),
      ("events", .number(totals.events)),
      ("seconds", .figure(seconds, digits: 3)),
      ("code", .string(Version.code)),
      ("swift", .string(Version.swift)),
      ("build", .string(Version.build)),
      (
        "groups",
        .array(
          totals.groups.map {
            .object([
              ("property", .string($0.name)), ("at", .string($0.at)), ("count", .count($0.count)),
              ("seed", .hex($0.seed)), ("event", .count(Int(clamping: $0.event))),
              ("sentence", .string($0.sentence)),
              ("folder", $0.folder.map { .string($0) } ?? .null),
            ])
          })
      ),
      ("situationsReached", .strings(totals.reached)),
      ("situationsMissing", .strings(missing)),
      ("situationCounts", SituationReport.json(SituationReport.counts(totals.situations))),
      ("shards", .strings(command.shard.map { ["\($0.number)/\($0.count)"] } ?? [])),
      ("guided", .bool(command.guided)),
    ]
    if let failures { pairs.append(("failures", .array(failures.map(RunRecord.json)))) }
    return .object(pairs)
  }

  // MARK: For people

  private func printHead(_ jobs: Int) {
    let last = count.map { seed($0 - 1) }
    var line = "seeds      \(screen.toned(hex(seed(0)), .strong))"
    if let last, last != seed(0) { line += " to \(hex(last))" }
    if setup.isSeedRandom { line += "   (random; repeat with --seed)" }
    screen.print(line)
    var words = [setup.scenarioName]
    if let count { words.append(counted(count, "seed")) }
    if let span = command.span { words.append("for \(timeText(nanoseconds: span.nanoseconds))") }
    words.append(counted(jobs, "thread"))
    if command.verifyDeterminism { words.append("each seed twice") }
    screen.printWrapped("scenario   ", words)
    screen.print()
  }

  private func printFailure(_ run: Run, _ corpus: String?) {
    let word = run.isDeterministic ? run.summary.verdict.word : "NONDETERMINISTIC"
    let tail = (run.folder.map { "   \($0)" } ?? "") + (corpus.map { "   (\($0))" } ?? "")
    screen.print(
      "\(screen.toned(pad(word, to: 8), .bad))  \(hex(run.plan.seed))"
        + "   \(FailureGroup.name(run))   event \(grouped(run.guiltyEvent))\(tail)")
  }

  private func printEnd(
    _ totals: SweepTotals, _ seconds: Double, _ missing: [String], _ code: ExitCode
  ) {
    if !totals.groups.isEmpty { printGroups(totals) }
    let reached = Situation.allCases.count - missing.count
    if setup.file?.sometimes.isEmpty ?? true {
      var words = ["\(reached) of \(Situation.allCases.count) situations"]
      if !missing.isEmpty {
        let few = missing.prefix(2).joined(separator: ", ")
        words.append("missing: \(few)\(missing.count > 2 ? ", …" : "")")
      }
      screen.printWrapped("reached    ", words)
    }
    if command.listSituations {
      SituationReport.print(
        screen, SituationReport.counts(totals.situations),
        required: SituationReport.required(setup))
    }
    let rate = seconds > 0 ? Double(totals.runs) / seconds : 0
    let eventRate = seconds > 0 ? Double(totals.events) / seconds : 0
    screen.printWrapped(
      "ran        ",
      [
        counted(totals.runs, "seed"), "\(grouped(totals.events)) events",
        wallTime(seconds: seconds),
        "(\(fixed(rate, 1)) seeds and \(fixed(eventRate, 0)) events per second)",
      ])
    screen.print()
    printVerdict(totals, missing, code)
  }

  private func printGroups(_ totals: SweepTotals) {
    screen.print()
    var table = Table([">seeds", "property", "at", "earliest seed", ">event", "what happened"])
    for group in totals.groups.sorted(by: FailureGroup.isTold) {
      table.rows.append([
        grouped(group.count), group.name, group.at, hex(group.seed), grouped(group.event),
        group.sentence,
      ])
    }
    for line in table.lines(screen) { screen.print(line) }
    screen.print()
  }

  private func printVerdict(_ totals: SweepTotals, _ missing: [String], _ code: ExitCode) {
    let passed =
      "\(grouped(totals.runs - totals.failures)) of \(counted(totals.runs, "seed")) passed"
    switch code {
    case .ok: screen.print(screen.toned("PASS", .good) + "  \(counted(totals.runs, "seed"))")
    case .undecided:
      screen.print(
        screen.toned("UNDECIDED", .warning)
          + "  \(passed), but \(counted(missing.count, "situation was", "situations were")) never"
          + " reached")
      screen.printWrapped("  ", missing, separator: ", ")
    case .interrupted: screen.print("INTERRUPTED  \(passed)")
    case .nondeterministic:
      screen.print(screen.toned("NONDETERMINISTIC", .bad) + "  \(passed)")
    case .stalled: screen.print(screen.toned("STALLED", .bad) + "  \(passed)")
    default: screen.print(screen.toned("VIOLATED", .bad) + "  \(passed)")
    }
    guard let group = totals.groups.max(by: { ($0.count, $1.event) < ($1.count, $0.event) }) else {
      return
    }
    if totals.written < totals.failures, command.keep != .none {
      screen.print("  wrote the first \(totals.written) failing runs to \(command.runs)/")
    }
    screen.print()
    screen.print("reproduce:  \(setup.command(seed: group.seed))")
    if let folder = group.folder {
      screen.print("next:       flotilla-sim replay \(folder) --last 20")
    }
    screen.printWrapped(
      "",
      [
        "these seeds belong to \(Version.code), \(Version.swift);",
        "on other versions use a run folder",
      ], separator: " ")
  }
}

/// Past failures, which run before anything new does.
enum Corpus {
  struct Entry {
    var name: String
    var plan: Plan
  }

  static let folder = "Simulations/Seeds"

  /// The scenario files in `Simulations/Seeds`, and the `scenario.yaml` of each folder in it.
  static func load(_ setup: SimulationSetup) throws(Failure) -> [Entry] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    var entries: [Entry] = []
    for name in names.sorted() {
      var path = "\(folder)/\(name)"
      if !name.hasSuffix(".yaml") { path += "/scenario.yaml" }
      guard FileManager.default.fileExists(atPath: path) else { continue }
      let file = try ScenarioFile.read(path: path)
      entries.append(
        Entry(name: name, plan: file.plan(seed: file.seed ?? 1, options: PlanOptions())))
    }
    return entries
  }
}

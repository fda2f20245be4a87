// One seed: its plan, how far it came, what was found.

import RaftSimulation

struct SingleRun {
  let command: Simulate
  let setup: SimulationSetup
  let screen: Screen

  init(_ command: Simulate, _ setup: SimulationSetup, _ screen: Screen) {
    self.command = command
    self.setup = setup
    self.screen = screen
  }

  func run() throws(Failure) -> ExitCode {
    let plan = setup.plan(seed: setup.firstSeed)
    let isText = command.output.format == .text
    if isText { printHead(plan) }
    var progress = Progress(screen, command.output.progress)
    let start = Progress.now()
    let (world, isBrokenOff) = Runner.run(plan) { world in
      progress.show(fraction: Double(world.now) / Double(max(plan.duration, 1))) {
        "t=\(virtualTime(nanoseconds: world.now))  \(grouped(world.eventCount)) events"
      }
      return Interrupt.shared.isRequested
    }
    progress.clear()
    var run = Run(plan: plan, summary: world.summary, seconds: Progress.now() - start)
    if command.verifyDeterminism, !isBrokenOff { run.digestAgain = simulate(plan).digest }
    let isFailing = !isBrokenOff && setup.isFailing(run)
    if command.keep == .all || (command.keep == .failing && (isFailing || isBrokenOff)) {
      run.folder = try RunFolder(root: command.runs).write(run)
    }
    if isText {
      RunReport(run: run, setup: setup, screen: screen, isBrokenOff: isBrokenOff).print()
      if command.listSituations {
        SituationReport.print(
          screen, SituationReport.counts(run.summary.situations), required: required)
      }
    } else {
      screen.print(
        command.output.format == .json ? RunRecord.json(run).page : RunRecord.json(run).line)
    }
    if let path = command.junit { try JUnit.write([run], setup, to: path) }
    return code(run, isBrokenOff)
  }

  private var required: [String] { SituationReport.required(setup) }

  private func code(_ run: Run, _ isBrokenOff: Bool) -> ExitCode {
    if isBrokenOff { return .interrupted }
    if setup.isFailing(run) { return run.exitCode }
    if let late = setup.file?.late(run.summary), !late.isEmpty {
      screen.note(late.joined(separator: "; "))
      return .stalled
    }
    let missing = SituationReport.missing(run.summary.reachedSituations, required: required)
    if !missing.isEmpty, command.requireCoverage || setup.file?.sometimes.isEmpty == false {
      screen.note("not reached: \(missing.joined(separator: ", "))")
      return .undecided
    }
    return .ok
  }

  private func printHead(_ plan: Plan) {
    let seed = screen.toned(hex(plan.seed), .strong)
    screen.print(
      "seed       \(seed)" + (setup.isSeedRandom ? "   (random; repeat with --seed)" : ""))
    screen.printWrapped("scenario   ", [setup.scenarioName] + PlanWords.size(plan))
    screen.printWrapped("drawn      ", PlanWords.drawn(plan))
    screen.print()
  }
}

/// What was found in one run, for people.
struct RunReport {
  var run: Run
  var setup: SimulationSetup
  var screen: Screen
  var isBrokenOff = false

  func print() {
    let summary = run.summary
    screen.print(
      "safety     t=\(virtualTime(nanoseconds: summary.virtualTime))   "
        + "\(grouped(summary.events)) events   \(wallTime(seconds: run.seconds))")
    if !isBrokenOff { screen.printWrapped("liveness   ", liveness) }
    printProperties()
    printSituations()
    screen.printWrapped(
      "run        ", ["digest \(hex(summary.digest))", "last draw \(hex(summary.lastDraw))"])
    if let again = run.digestAgain {
      screen.print(
        run.isDeterministic
          ? "again      the same digest" : "again      digest \(hex(again)): not the same run")
    }
    screen.print()
    if isBrokenOff {
      screen.print("INTERRUPTED  \(hex(summary.seed))   nothing was found up to here")
    } else if !run.isDeterministic {
      screen.print(screen.toned("NONDETERMINISTIC", .bad) + "  \(hex(summary.seed))")
      screen.print("  Two runs of one plan differ. Something draws, reads a clock or hashes.")
    } else {
      printVerdict()
    }
    printNext()
  }

  private var liveness: [String] {
    let summary = run.summary
    if case .violated = summary.verdict { return ["not looked at: a property broke first"] }
    func moment(_ words: String, _ time: UInt64?) -> String {
      time.map { "\(words) t=\(virtualTime(nanoseconds: $0))" } ?? "\(words): never"
    }
    return [
      moment("healed", summary.healTime), moment("leader", summary.leaderTime),
      moment("all caught up", summary.caughtUpTime),
    ]
  }

  private func printProperties() {
    let properties = run.summary.properties
    guard !properties.isEmpty else { return }
    let steps = properties.map(\.steps).reduce(0, +)
    var verdict = screen.toned("ok", .good)
    if case .violated(let violation) = run.summary.verdict {
      verdict = screen.toned("\(violation.property.title) is false", .bad)
    }
    screen.print(
      "properties \(properties.count) always   \(grouped(steps)) checks   \(verdict)")
  }

  private func printSituations() {
    let reached = run.summary.reachedSituations
    let missing = SituationReport.missing(reached, required: SituationReport.required(setup))
    var words = ["\(reached.count) of \(Situation.allCases.count) situations"]
    if !missing.isEmpty {
      let few = missing.prefix(2).joined(separator: ", ")
      words.append("missing: \(few)\(missing.count > 2 ? ", …" : "")")
      words.append("(--list-situations)")
    }
    screen.printWrapped("reached    ", words)
  }

  private func printVerdict() {
    let summary = run.summary
    switch summary.verdict {
    case .passed:
      screen.print(
        screen.toned("PASS", .good) + "  \(hex(summary.seed))   \(wallTime(seconds: run.seconds))")
    case .violated(let violation):
      let title = "\(violation.property.title) (\(violation.property.section))"
      let moment =
        "event \(grouped(violation.moment.event))"
        + "   t=\(virtualTime(nanoseconds: violation.moment.time))"
      screen.print(screen.toned("VIOLATED", .bad) + "  \(title)   \(moment)")
      screen.print()
      let words = violation.breach.sentence.split(separator: " ").map(String.init)
      screen.printWrapped("  ", words, separator: " ")
      screen.print("  fingerprint \(violation.breach.fingerprint)")
      if !setup.isFailing(run) { screen.print("  Not one of --only-property: not counted.") }
    case .stalled(let reason):
      screen.print(
        screen.toned("STALLED", .bad) + "  \(hex(summary.seed))   no progress after the healing")
      screen.print()
      let words = reason.split(separator: " ").map(String.init)
      screen.printWrapped("  ", words, separator: " ")
    }
  }

  private func printNext() {
    guard isBrokenOff || run.folder != nil || setup.isFailing(run) else { return }
    if let folder = run.folder {
      screen.print()
      screen.print(
        "  wrote  \(folder)/  scenario.yaml  trace.jsonl  history.jsonl  summary.json"
          + "  report.html")
    }
    guard isBrokenOff || setup.isFailing(run) else { return }
    screen.print()
    if let folder = run.folder {
      screen.print("reproduce:  flotilla-sim replay \(folder) --last 20")
      screen.print("shrink:     flotilla-sim shrink \(folder)")
      screen.print("read:       \(folder)/report.html")
    }
    let again = run.folder == nil ? "reproduce: " : "again:     "
    screen.print("\(again) \(setup.command(seed: run.plan.seed))")
    screen.printWrapped(
      "",
      [
        "this seed belongs to \(Version.code), \(Version.swift);",
        "on other versions use the run folder",
      ], separator: " ")
  }
}

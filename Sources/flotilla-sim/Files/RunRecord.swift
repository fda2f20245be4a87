// What is written about a run: for programs, in the summary and on standard output.

import Raft
import RaftSimulation

extension Verdict {
  /// The word in reports.
  var word: String {
    switch self {
    case .passed: "PASS"
    case .violated: "VIOLATED"
    case .stalled: "STALLED"
    }
  }

  /// The word in JSON.
  var name: String { word == "PASS" ? "passed" : word.lowercased() }

  var exitCode: ExitCode {
    switch self {
    case .passed: .ok
    case .violated: .violated
    case .stalled: .stalled
    }
  }

  /// By what failures are grouped: the property, or that nothing went on.
  var property: String {
    switch self {
    case .passed: "none"
    case .violated(let violation): violation.property.name
    case .stalled: "liveness"
    }
  }
}

extension RunSummary {
  /// The names of the situations that were reached, in their fixed order.
  var reachedSituations: [String] {
    Situation.allCases.filter { situations[$0] > 0 }.map(\.description)
  }
}

/// One run of a sweep, or the only run.
struct Run: Sendable {
  var plan: Plan
  var summary: RunSummary
  /// The digest of a second run of the same plan, where one was asked for.
  var digestAgain: UInt64?
  /// Seconds of the wall, of this run alone.
  var seconds: Double
  /// Where it was written, if it was.
  var folder: String?
  /// What kind of event broke a property, where somebody has looked; see `kindOfGuiltyEvent()`.
  var guiltyKind = ""

  var reached: SituationCounts { summary.situations }

  var isDeterministic: Bool { digestAgain == nil || digestAgain == summary.digest }

  /// The event to look at first.
  var guiltyEvent: UInt64 {
    if case .violated(let violation) = summary.verdict { return violation.moment.event }
    return summary.events
  }

  /// What kind of event broke the property, for example a `deliver`; empty if none broke.
  ///
  /// - Complexity: as long as the run up to there: the run itself keeps no records.
  func kindOfGuiltyEvent() -> String {
    guard case .violated(let violation) = summary.verdict else { return "" }
    var world = World(plan)
    while world.eventCount + 1 < violation.moment.event, world.step() {}
    var sink = TraceCollector()
    _ = world.step(trace: &sink)
    return sink.events.last?.kind ?? ""
  }

  var exitCode: ExitCode {
    isDeterministic ? summary.verdict.exitCode : .nondeterministic
  }
}

enum RunRecord {
  static let schema = "flotilla-sim.run/1"

  /// A run for programs.
  static func json(_ run: Run) -> JSON {
    let summary = run.summary
    var pairs: [(key: String, value: JSON)] = [
      ("schema", .string(schema)),
      ("seed", .hex(summary.seed)),
      ("scenario", .string(run.plan.scenario.rawValue)),
      ("nodes", .count(run.plan.cluster.count)),
      ("verdict", .string(run.isDeterministic ? summary.verdict.name : "nondeterministic")),
    ]
    switch summary.verdict {
    case .passed: break
    case .violated(let violation): pairs.append(("violation", json(violation)))
    case .stalled(let reason): pairs.append(("stalled", .string(reason)))
    }
    pairs += [
      ("digest", .hex(summary.digest)),
      ("lastDraw", .hex(summary.lastDraw)),
      ("events", .count(Int(clamping: summary.events))),
      ("messages", .count(Int(clamping: summary.messages))),
      ("ticks", .count(Int(clamping: summary.ticks))),
      ("virtualNanoseconds", .number(summary.virtualTime)),
      ("healNanoseconds", .number(summary.healTime)),
      ("leaderNanoseconds", summary.leaderTime.map { .number($0) } ?? .null),
      ("caughtUpNanoseconds", summary.caughtUpTime.map { .number($0) } ?? .null),
      ("situations", .strings(summary.reachedSituations)),
    ]
    if let again = run.digestAgain { pairs.append(("digestAgain", .hex(again))) }
    if let folder = run.folder { pairs.append(("folder", .string(folder))) }
    return .object(pairs)
  }

  /// A run for its folder, with everything that was counted.
  static func summaryPage(_ run: Run) -> JSON {
    guard case .object(var pairs) = json(run) else { return .null }
    pairs[0].value = .string("flotilla-sim.summary/1")
    pairs += [
      ("code", .string(Version.code)),
      ("swift", .string(Version.swift)),
      ("platform", .string(Version.platform)),
      ("build", .string(Version.build)),
      ("milliseconds", .figure(run.seconds * 1000, digits: 3)),
      (
        "properties",
        .array(
          run.summary.properties.map {
            .object([
              ("property", .string($0.property.name)), ("id", .string($0.property.id)),
              ("title", .string($0.property.title)),
              ("steps", .count(Int(clamping: $0.steps))),
            ])
          })
      ),
      ("counters", counters(run.summary.counters)),
    ]
    return .object(pairs)
  }

  private static func json(_ violation: Violation) -> JSON {
    .object([
      ("property", .string(violation.property.name)),
      ("id", .string(violation.property.id)),
      ("title", .string(violation.property.title)),
      ("section", .string(violation.property.section)),
      ("sentence", .string(violation.breach.sentence)),
      ("fingerprint", .string(violation.breach.fingerprint.description)),
      ("event", .count(Int(clamping: violation.moment.event))),
      ("virtualNanoseconds", .number(violation.moment.time)),
    ])
  }

  /// The counters under their own names. A mirror, so that a new counter cannot be forgotten.
  static func counters(_ counters: Counters) -> JSON {
    .object(
      Mirror(reflecting: counters).children.compactMap { child in
        guard let name = child.label, let value = child.value as? UInt64 else { return nil }
        return (name, .count(Int(clamping: value)))
      })
  }
}

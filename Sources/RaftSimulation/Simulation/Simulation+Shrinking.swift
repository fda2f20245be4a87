// A failing check of somebody's own machine, made small: the same shrinker as for our own machines,
// with the guest in the world and the test's own rules as the judge.

import Raft
import RaftMachines
import RaftReplica

/// A smaller run that fails in the same way.
public struct ShrunkRun: Sendable, CustomStringConvertible {
  /// The plan: `Simulation(plan) { ... }.check { ... }` with the rules and the draws of the same
  /// test runs it again.
  public var plan: Plan
  /// How large the plan was before.
  public var before: PlanSize
  /// What happened in the end, in one sentence with nodes and entries.
  public var sentence: String
  /// How many events there are.
  public var events: UInt64
  /// How many runs it took to find it.
  public var runs: Int
  /// The events that tell how it came about, a sentence each; at most ``mostSentences``.
  public var story: [String]

  /// How long the story is at most.
  public static var mostSentences: Int { 12 }

  /// The sizes and the story, a line each.
  public var description: String {
    var text =
      "shrunk from \(before.description) to \(plan.size.description), \(events) events,"
      + " in \(runs) runs:"
    for (number, line) in story.enumerated() { text += "\n  \(number + 1). \(line)" }
    return text
  }
}

extension Simulation {
  /// Looks for a smaller run that fails in the same way, and puts it and its trace into the
  /// failure.
  func shrink(
    _ failure: inout SimulationFailure, _ plan: Plan, _ host: TypedHost<Machine>, runs: Int
  ) {
    // Two runs that differ are no property of one plan.
    guard failure.kind == .violated || failure.kind == .stalled else { return }
    var world = World(plan, guest: host)
    while world.step() {}
    guard self.failure(atEndOf: world).map({ isSame($0, failure) }) == true else { return }
    let goal: ShrinkGoal =
      failure.kind == .violated ? .violated(.machineInvariant, check: 0) : .withoutRest
    var shrinker = Shrinker(world, goal, mostRuns: runs)
    while let batch = shrinker.propose() {
      var trials: [ShrinkTrial] = []
      for plan in batch.plans {
        trials.append(trial(plan, host, batch.mostEvents, failure, goal))
        if trials.last?.goal != nil { break }
      }
      shrinker.learn(trials)
    }
    let files = self.files(shrinker.plan, host, like: failure)
    guard let (small, trace, story) = files else { return }
    failure.shrunk = ShrunkRun(
      plan: shrinker.plan, before: shrinker.original.size, sentence: small.sentence,
      events: small.event, runs: shrinker.runs, story: story)
    failure.files.append(.init("shrunk-trace.jsonl", trace))
  }

  private func isSame(_ one: SimulationFailure, _ other: SimulationFailure) -> Bool {
    one.kind == other.kind && one.property.utf8.elementsEqual(other.property.utf8)
  }

  private func trial(
    _ plan: Plan, _ host: TypedHost<Machine>, _ mostEvents: UInt64, _ failure: SimulationFailure,
    _ goal: ShrinkGoal
  ) -> ShrinkTrial {
    var world = World(plan, guest: host)
    while world.eventCount <= mostEvents, world.step() {}
    let isOver = world.verdict != nil
    let found = isOver ? self.failure(atEndOf: world) : nil
    return ShrinkTrial(
      goal: found.map { isSame($0, failure) } == true ? goal : nil, events: world.eventCount,
      time: world.now)
  }

  /// The failure of the small run, its trace and its story.
  private func files(
    _ plan: Plan, _ host: TypedHost<Machine>, like failure: SimulationFailure
  ) -> (SimulationFailure, String, [String])? {
    var world = World(plan, guest: host)
    var sink = StorySink()
    while world.step(trace: &sink) {}
    guard let small = self.failure(atEndOf: world), isSame(small, failure) else { return nil }
    let story = sink.lines.suffix(ShrunkRun.mostSentences - 1) + [small.sentence]
    return (small, sink.trace.page(small, nodes: world.slots.count), Array(story))
  }
}

/// Keeps the trace, and of it what is worth telling.
private struct StorySink: TraceSink {
  static var isRecording: Bool { true }
  var trace = TraceText()
  var lines: [String] = []

  private static let landmarks = [
    "leads term", "deletes ", "installed", "steps down", "is no member", "halts",
  ]

  mutating func record(_ record: TraceRecord) {
    trace.record(record)
    let isOfInterest: Bool
    switch record.kind {
    case .fault, .crash, .start, .heal, .request: isOfInterest = true
    case .tick, .deliver, .disk, .check:
      isOfInterest = StorySink.landmarks.contains { StorySink.holds(record.text, $0) }
    }
    guard isOfInterest else { return }
    var line = ""
    if let node = record.node { line += node.description + ": " }
    line += record.text.utf8.count > 160 ? StorySink.start(record.text) : record.text
    lines.append(line + " (event \(record.event))")
  }

  /// The first clauses of a long text.
  private static func start(_ text: String) -> String {
    String(decoding: text.utf8.prefix(157), as: UTF8.self) + "..."
  }

  /// Whether a text holds another. By bytes: the tables for more are not everywhere.
  private static func holds(_ text: String, _ part: String) -> Bool {
    let (text, part) = (Array(text.utf8), Array(part.utf8))
    guard text.count >= part.count else { return false }
    for start in 0...(text.count - part.count)
    where text[start..<start + part.count].elementsEqual(part) { return true }
    return false
  }
}

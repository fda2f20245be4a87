// What a smaller plan must still do: fail in the same way.

import Raft

/// A way to fail, as coarse as it must be to stay the same while a plan gets smaller: terms and
/// indexes change, the property and the check that noticed do not.
public enum ShrinkGoal: Hashable, Sendable, CustomStringConvertible {
  /// A property was false, seen by this one of its checks.
  case violated(Property, check: UInt8)
  /// After the healing there was no leader.
  case withoutLeader
  /// After the healing there was a leader, and the cluster did not come to rest.
  case withoutRest

  /// The way in which a run failed; `nil` if it passed.
  public init?(_ verdict: Verdict) {
    switch verdict {
    case .passed: return nil
    case .violated(let violation):
      let fingerprint = violation.breach.fingerprint
      self = .violated(fingerprint.property, check: fingerprint.check)
    case .stalled(let reason):
      self = reason.utf8.starts(with: "no leader".utf8) ? .withoutLeader : .withoutRest
    }
  }

  /// The failure in words.
  public var description: String {
    switch self {
    case .violated(let property, let check):
      "\(property.title) (\(property.section)) is false, by check \(property.id).\(check)"
    case .withoutLeader: "no leader after the healing"
    case .withoutRest: "not at rest after the healing"
    }
  }
}

/// What became of one plan.
public struct ShrinkTrial: Hashable, Sendable {
  /// How it failed; `nil` if it passed, or went on for longer than it was allowed to.
  public var goal: ShrinkGoal?
  /// How many events there were.
  public var events: UInt64
  /// How long it was. Unit: virtual nanoseconds.
  public var time: UInt64

  /// What a run came to.
  public init(goal: ShrinkGoal?, events: UInt64, time: UInt64) {
    self.goal = goal
    self.events = events
    self.time = time
  }

  /// Runs a plan, but not for longer than so many events.
  public init(_ plan: Plan, mostEvents: UInt64) {
    var world = World(plan)
    while world.eventCount <= mostEvents, world.step() {}
    self.init(
      goal: world.verdict.flatMap { ShrinkGoal($0) }, events: world.eventCount, time: world.now)
  }
}

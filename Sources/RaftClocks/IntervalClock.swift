// Corbett and others, Spanner (2012): a clock that says how wrong it may be. Two events whose
// intervals do not overlap happened in that order, wherever they happened.

/// A span of time in which the true time lies, in nanoseconds since 1970.
public struct TimeInterval: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The true time is not before this.
  public let earliest: UInt64
  /// The true time is not after this.
  public let latest: UInt64

  /// The span between two times.
  ///
  /// - Precondition: `earliest` is not after `latest`.
  public init(earliest: UInt64, latest: UInt64) {
    precondition(earliest <= latest, "an interval ends before it begins")
    self.earliest = earliest
    self.latest = latest
  }

  /// The span around a time, cut off at the ends of what 64 bits can say.
  public init(around time: UInt64, uncertainty: UInt64) {
    earliest = time - min(time, uncertainty)
    let (sum, overflow) = time.addingReportingOverflow(uncertainty)
    latest = overflow ? .max : sum
  }

  /// How long the span is.
  public var width: UInt64 { latest - earliest }

  /// Whether a time can be the true one.
  public func contains(_ time: UInt64) -> Bool { earliest <= time && time <= latest }

  /// How what happened in this span stands to what happened in another: `.concurrent` if the spans
  /// overlap, so that nobody can tell. No two spans are `.same`: even equal ones overlap.
  public func compared(to other: TimeInterval) -> Causality {
    if latest < other.earliest { return .before }
    return earliest > other.latest ? .after : .concurrent
  }

  /// What both allow; `nil` if one of them is wrong.
  public func intersection(_ other: TimeInterval) -> TimeInterval? {
    let start = max(earliest, other.earliest)
    let end = min(latest, other.latest)
    return start <= end ? TimeInterval(earliest: start, latest: end) : nil
  }

  /// For example `[100, 120]`.
  public var description: String { "[\(earliest), \(latest)]" }
}

/// A clock whose readings are intervals: what was learned when it was last set, widened by how much
/// it may have drifted since.
///
/// Invariant: as long as the offset that it was set by was within its error, and the own clock
/// drifts by no more than `driftPerMillion`, the true time is in every reading.
public struct IntervalClock: Hashable, Sendable, BitwiseCopyable {
  /// How much the own clock may gain or lose.
  ///
  /// - Unit: nanoseconds in a millisecond, which is parts per million. Quartz is good for 50 to
  ///   200; the default is 200.
  public var driftPerMillion: UInt64

  private var offset: Int64 = 0
  private var error: UInt64
  private var setAt: UInt64 = 0

  /// A clock that nobody has set: it may be wrong by `error` nanoseconds when its own clock shows
  /// zero.
  public init(driftPerMillion: UInt64 = 200, error: UInt64 = .max) {
    self.driftPerMillion = driftPerMillion
    self.error = error
  }

  /// Sets the clock: at this time of its own, another clock was `offset` nanoseconds ahead, give or
  /// take `error`.
  public mutating func set(offset: Int64, error: UInt64, at own: UInt64) {
    self.offset = offset
    self.error = error
    setAt = own
  }

  /// By how much the clock may be wrong at a time of its own.
  public func uncertainty(at own: UInt64) -> UInt64 {
    let age = own > setAt ? own - setAt : setAt - own
    return drift(in: age, perMillion: driftPerMillion, error)
  }

  /// The interval in which the true time lies when the own clock shows `own`.
  public func read(at own: UInt64) -> TimeInterval {
    let middle: UInt64
    if offset < 0 {
      let back = offset.magnitude
      middle = own - min(own, back)
    } else {
      let (sum, overflow) = own.addingReportingOverflow(UInt64(offset))
      middle = overflow ? .max : sum
    }
    return TimeInterval(around: middle, uncertainty: uncertainty(at: own))
  }

  /// Whether a time has surely passed: what was stamped with it may be shown to anybody, and nobody
  /// anywhere gets an earlier stamp any more.
  public func hasPassed(_ time: UInt64, at own: UInt64) -> Bool { read(at: own).earliest > time }
}

/// An error that has grown with its age, `UInt64.max` if it is without bound.
///
/// The age is told by the clock that drifts. If that is slow by d, more time has passed than it
/// says, by age · d / (1 - d) and not by age · d.
func drift(in age: UInt64, perMillion: UInt64, _ error: UInt64) -> UInt64 {
  guard perMillion < 1_000_000 else { return .max }
  // A part of a nanosecond counts as a whole one.
  let (drift, isHuge) = (age / (1_000_000 - perMillion) + 1)
    .multipliedReportingOverflow(by: perMillion)
  let (sum, overflow) = error.addingReportingOverflow(drift)
  return isHuge || overflow ? .max : sum
}

// Kulkarni, Demirbas, Madappa, Avva, Leone, Logical Physical Clocks (2014): close to the time on
// the wall, and never against causality.

/// A reading of a hybrid logical clock: a time, and a counter for events within the same time.
public struct HybridTime: Hashable, Comparable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// Before every event.
  public static let zero = HybridTime(nanoseconds: 0, logical: 0)

  /// No stamp is later: the year 2262. So every sum with a limit fits into 64 bits.
  public static let maximumNanoseconds = UInt64(1) << 63 - 1

  /// The largest physical time that the clock has seen, since the beginning of 1970.
  public let nanoseconds: UInt64
  /// Counts the events of one such time.
  public let logical: UInt32

  /// A reading of these two parts.
  @inlinable public init(nanoseconds: UInt64, logical: UInt32 = 0) {
    self.nanoseconds = nanoseconds
    self.logical = logical
  }

  /// Orders by time first and counter second.
  @inlinable public static func < (a: HybridTime, b: HybridTime) -> Bool {
    a.nanoseconds != b.nanoseconds ? a.nanoseconds < b.nanoseconds : a.logical < b.logical
  }

  /// The reading directly after this one.
  var successor: HybridTime {
    if logical < UInt32.max {
      return HybridTime(nanoseconds: nanoseconds, logical: logical + 1)
    }
    // Four thousand million events in one nanosecond: lend from the next.
    return HybridTime(nanoseconds: min(nanoseconds + 1, HybridTime.maximumNanoseconds))
  }

  /// Nanoseconds, `+`, counter: for example `1500+2`.
  public var description: String { "\(nanoseconds)+\(logical)" }
}

/// A clock whose readings grow with every event, follow what was received, and stay within a bound
/// of physical time. Only `forgetWrongTime(physical:)` lets them go back.
///
/// Invariant: a reading is ahead of the largest physical time given here by at most
/// `maximumAheadNanoseconds`, because a stamp that is further ahead is refused.
public struct HybridClock: Hashable, Sendable, BitwiseCopyable {
  /// The newest reading.
  public private(set) var latest: HybridTime

  /// How far a stamp received may be ahead of the own physical time.
  ///
  /// - Unit: nanoseconds.
  /// - Range: larger than the offset between two healthy clocks; the default is half a second.
  public var maximumAheadNanoseconds: UInt64

  /// A clock that continues from a reading, for example from the newest one on disk.
  public init(
    _ latest: HybridTime = .zero, maximumAheadNanoseconds: UInt64 = 500_000_000
  ) {
    self.latest = latest
    self.maximumAheadNanoseconds = maximumAheadNanoseconds
  }

  /// An event of our own at a physical time, which may have gone back since the last one.
  public mutating func tick(physical: UInt64) -> HybridTime {
    let physical = min(physical, HybridTime.maximumNanoseconds)
    latest = physical > latest.nanoseconds ? HybridTime(nanoseconds: physical) : latest.successor
    return latest
  }

  /// A stamp was received at a physical time: the receipt comes after it and after every event
  /// here.
  ///
  /// - Throws: `ClockError.tooFarAhead`; the clock is then as it was. The sender's clock is wrong,
  ///   or ours is: an operator should know.
  @discardableResult
  public mutating func receive(
    _ stamp: HybridTime, physical: UInt64
  ) throws(ClockError) -> HybridTime {
    try check(stamp, physical: physical)
    let physical = min(physical, HybridTime.maximumNanoseconds)
    let newest = max(latest, stamp)
    latest = physical > newest.nanoseconds ? HybridTime(nanoseconds: physical) : newest.successor
    return latest
  }

  /// Forgets a reading that is further ahead of the physical time than a stamp may be: the clock on
  /// the wall was wrong, and was set right.
  ///
  /// Nobody whose clock was right has taken such a reading. Kept, it would have its owner refused
  /// by all others for as long as it had been ahead: for an hour, if it was that for a second. So
  /// readings go back, this once; Lamport times and vectors still tell the order.
  public mutating func forgetWrongTime(physical: UInt64) {
    let physical = min(physical, HybridTime.maximumNanoseconds)
    guard latest.nanoseconds > physical,
      latest.nanoseconds - physical > maximumAheadNanoseconds
    else { return }
    latest = HybridTime(nanoseconds: physical)
  }

  /// Whether a stamp can be received at a physical time.
  func check(_ stamp: HybridTime, physical: UInt64) throws(ClockError) {
    let physical = min(physical, HybridTime.maximumNanoseconds)
    guard stamp.nanoseconds > physical else { return }
    let ahead = stamp.nanoseconds - physical
    guard ahead <= maximumAheadNanoseconds, stamp.nanoseconds <= HybridTime.maximumNanoseconds
    else { throw .tooFarAhead(nanoseconds: ahead, limit: maximumAheadNanoseconds) }
  }
}

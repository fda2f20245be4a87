// Lamport, Time, Clocks, and the Ordering of Events in a Distributed System (1978).

/// A reading of a Lamport clock: what happened before has the smaller one.
///
/// The reverse does not hold: of two readings the smaller one may belong to an event that neither
/// knew of. A vector clock tells that apart.
public struct LamportTime: Hashable, Comparable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// Before every event.
  public static let zero = LamportTime(0)

  /// No clock goes further, and no received stamp may. At a million events per second it takes
  /// 146,000 years to get there.
  public static let maximum = LamportTime(1 << 62)

  /// The reading as a number.
  public let rawValue: UInt64

  /// The reading with this number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders readings as numbers.
  @inlinable public static func < (a: LamportTime, b: LamportTime) -> Bool {
    a.rawValue < b.rawValue
  }

  /// The number, in decimal.
  public var description: String { "\(rawValue)" }
}

/// A counter that every event moves on, and every stamp received moves past itself.
public struct LamportClock: Hashable, Sendable, BitwiseCopyable {
  /// The reading of the newest event.
  public private(set) var time: LamportTime

  /// A clock that continues from a reading, for example from the newest one on disk.
  public init(_ time: LamportTime = .zero) { self.time = time }

  /// An event of our own: moves the clock on by one, and returns the event's reading.
  public mutating func tick() -> LamportTime {
    time = min(LamportTime(time.rawValue + 1), .maximum)
    return time
  }

  /// A stamp was received: the receipt comes after it and after every event here.
  ///
  /// - Throws: `ClockError.absurdCounter`; the clock is then as it was.
  @discardableResult
  public mutating func receive(_ stamp: LamportTime) throws(ClockError) -> LamportTime {
    try check(stamp)
    time = max(time, stamp)
    return tick()
  }

  /// Whether a stamp can be received.
  func check(_ stamp: LamportTime) throws(ClockError) {
    guard stamp < .maximum else { throw .absurdCounter(stamp.rawValue) }
  }
}

// The only time that a machine knows: what the leader wrote into the entry.

import Raft
import RaftClocks

/// A point of the log's own time.
///
/// The leader writes its clock's time into each entry; the log's time is the largest of those so
/// far. So it never goes back, all replicas agree on it at each entry, and nobody reads a clock to
/// know it. It stands still while nothing is written.
public struct LogTime: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Before the first entry.
  public static let zero = LogTime(nanoseconds: 0)
  /// After every entry.
  public static let never = LogTime(nanoseconds: .max)

  /// Since the beginning of 1970, as far as the leaders' clocks are right.
  public let nanoseconds: UInt64

  /// The point so many nanoseconds after the beginning of 1970.
  @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// The point so many seconds after the beginning of 1970; `never` if that is too large a number.
  public init(seconds: UInt64) {
    let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    self.nanoseconds = overflow ? .max : nanoseconds
  }

  /// Orders points as they came.
  @inlinable public static func < (a: LogTime, b: LogTime) -> Bool {
    a.nanoseconds < b.nanoseconds
  }

  /// The point so many nanoseconds later; `never` if there is none.
  @inlinable public func advanced(by nanoseconds: UInt64) -> LogTime {
    let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
    return LogTime(nanoseconds: overflow ? .max : sum)
  }

  /// How many nanoseconds lie between an earlier point and this one; 0 if it is not earlier.
  @inlinable public func since(_ earlier: LogTime) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
  }

  /// The nanoseconds, in decimal.
  public var description: String { "\(nanoseconds)" }
}

/// When and where a command takes effect: the same on every replica.
public struct Moment: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The place of the command's entry in the log.
  public var index: LogIndex
  /// The log's time at that entry.
  public var time: LogTime
  /// The leader's Lamport time.
  public var lamport: LamportTime
  /// The leader's hybrid time, as it was written; `time` never goes back, this might.
  public var hybrid: HybridTime

  /// A moment of these parts.
  public init(
    index: LogIndex, time: LogTime = .zero, lamport: LamportTime = .zero,
    hybrid: HybridTime = .zero
  ) {
    self.index = index
    self.time = time
    self.lamport = lamport
    self.hybrid = hybrid
  }

  /// For example `entry 7 at 1500 ns`.
  public var description: String { "entry \(index.description) at \(time.description) ns" }
}

// What is done once must be remembered for as long as it may be asked for again, and no longer.

import Raft

/// A name of 128 bits that knows when it was made: an idempotency key, or a producer.
///
/// The upper 48 bits are the milliseconds since 1970 at which its owner made it, as in a UUID of
/// version 7 and in a ULID; so a machine can tell a name that it has forgotten from one that it has
/// never seen, and does nothing twice for either.
public struct TimedID: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The time and 16 more bits.
  public var high: UInt64
  /// 64 more bits.
  public var low: UInt64

  /// None: what is asked for is done whenever it is asked for.
  public static let none = TimedID(high: 0, low: 0)

  /// A name of these two halves, for example those of a UUID of version 7.
  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A name from a time and 80 bits that tell it from others of that time.
  public init(milliseconds: UInt64, high: UInt16, low: UInt64) {
    self.init(high: (milliseconds & 0xffff_ffff_ffff) << 16 | UInt64(high), low: low)
  }

  /// A name from a text, by a digest of 80 bits, made at a time; the same text at the same time is
  /// the same name.
  public init(_ text: String, made time: LogTime) {
    var digest = Digest()
    digest.combine(bytes: Array(text.utf8))
    let low = digest.value
    digest.combine(low)
    self.init(
      milliseconds: max(1, time.nanoseconds / 1_000_000),
      high: UInt16(truncatingIfNeeded: digest.value), low: low)
  }

  /// When its owner made it; `never` if that is after the year 2554, as in names that are not made
  /// of a time at all.
  public var made: LogTime {
    let (nanoseconds, overflow) = (high >> 16).multipliedReportingOverflow(by: 1_000_000)
    return overflow ? .never : LogTime(nanoseconds: nanoseconds)
  }

  /// 32 hexadecimal digits.
  public var description: String { hexadecimal(high, low) }
}

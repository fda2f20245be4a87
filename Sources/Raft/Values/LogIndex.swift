// §5.3: each log entry has an integer index identifying its position in the log.

/// A position in the replicated log. The first entry has index 1; `.zero` means "before the first".
public struct LogIndex: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The position before the first entry.
  public static let zero = LogIndex(0)

  /// The position as a number.
  public let rawValue: UInt64

  /// Makes the position with this number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders positions from the beginning of the log to its end.
  @inlinable public static func < (a: LogIndex, b: LogIndex) -> Bool { a.rawValue < b.rawValue }

  /// The next index. Traps on overflow: 2^64 entries at a million per second is 584,000 years.
  @inlinable public var next: LogIndex { LogIndex(rawValue + 1) }

  /// The index before this one.
  ///
  /// - Precondition: the index is not `.zero`.
  @inlinable public var previous: LogIndex { LogIndex(rawValue - 1) }

  /// How many entries lie in `(self, other]`.
  ///
  /// - Precondition: `self <= other`.
  @inlinable public func distance(to other: LogIndex) -> UInt64 { other.rawValue - rawValue }

  /// The index `count` entries further on.
  @inlinable public func advanced(by count: UInt64) -> LogIndex { LogIndex(rawValue + count) }

  /// The number, in decimal.
  public var description: String { "\(rawValue)" }
}

/// Where an entry stands and in which term it was made: what Raft compares logs by (§5.3, §5.4.1).
///
/// Positions are ordered by term first and index second, which is the paper's "at least as
/// up-to-date".
public struct LogPosition: Hashable, Comparable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// The term of the entry.
  public var term: Term
  /// The index of the entry.
  public var index: LogIndex

  /// Makes a position from its two parts.
  @inlinable public init(term: Term, index: LogIndex) {
    self.term = term
    self.index = index
  }

  /// §5.4.1: the log with the later last term is more up-to-date; with equal terms, the longer one.
  @inlinable public static func < (a: LogPosition, b: LogPosition) -> Bool {
    a.term != b.term ? a.term < b.term : a.index < b.index
  }

  /// `index:term`, for example `7:3`.
  public var description: String { "\(index):\(term)" }
}

// §5.1: time is divided into terms of arbitrary length, numbered with consecutive integers.

/// A term: Raft's logical clock. Terms only grow, and each has at most one leader (§5.1, §5.2).
///
/// `.zero` is the term before the first election; no entry carries it.
public struct Term: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The term in which no election has happened yet.
  public static let zero = Term(0)

  /// The number of the term.
  public let rawValue: UInt64

  /// Makes the term with this number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders terms by their numbers.
  @inlinable public static func < (a: Term, b: Term) -> Bool { a.rawValue < b.rawValue }

  /// The term after this one. Traps on overflow, which takes 2^64 elections.
  @inlinable public var next: Term { Term(rawValue + 1) }

  /// The number, in decimal.
  public var description: String { "\(rawValue)" }
}

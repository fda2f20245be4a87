// Small numbers with names, so that none can stand where another is meant.

/// The identity of a node. Chosen by the host, never reused for another node, never zero.
public struct NodeID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The identity as a number; 1 or more.
  public let rawValue: UInt64

  /// Makes the identity with this number. Zero is refused where a node or a membership is made.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders nodes by their numbers.
  @inlinable public static func < (a: NodeID, b: NodeID) -> Bool { a.rawValue < b.rawValue }

  /// `n` and the number, for example `n3`.
  public var description: String { "n\(rawValue)" }
}

/// The name a host gives to one request, by which its outcomes come back.
///
/// The core only echoes it. A host that restarts may use the same numbers again: no request
/// outlives its node.
public struct RequestID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The name as a number; any value.
  public let rawValue: UInt64

  /// Makes the name with this number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders requests by their numbers.
  @inlinable public static func < (a: RequestID, b: RequestID) -> Bool {
    a.rawValue < b.rawValue
  }

  /// `r` and the number, for example `r12`.
  public var description: String { "r\(rawValue)" }
}

/// The number of one storage write, by which its receipt comes back.
///
/// Tickets count up by one from 1 for each life of a node and are never used twice in it.
public struct Ticket: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Before the first write.
  public static let zero = Ticket(0)

  /// The ticket as a number.
  public let rawValue: UInt64

  /// Makes the ticket with this number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders tickets as the writes were asked for.
  @inlinable public static func < (a: Ticket, b: Ticket) -> Bool { a.rawValue < b.rawValue }

  /// The ticket after this one.
  @inlinable public var next: Ticket { Ticket(rawValue + 1) }

  /// `#` and the number, for example `#4`.
  public var description: String { "#\(rawValue)" }
}

/// A span of the node's own time. The host decides how long a tick is, and gives one input for
/// each.
public struct Ticks: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// No time at all.
  public static let zero = Ticks(0)

  /// The number of ticks.
  public let rawValue: UInt64

  /// Makes a span of this many ticks.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders spans by length.
  @inlinable public static func < (a: Ticks, b: Ticks) -> Bool { a.rawValue < b.rawValue }

  /// The number, in decimal.
  public var description: String { "\(rawValue)" }
}

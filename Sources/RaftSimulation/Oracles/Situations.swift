// What a campaign should have met: a simulator that never reaches the rare situations proves
// little.

/// A situation worth reaching, and named so that one can say which were not.
public enum Situation: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// An uncommitted entry was deleted because the leader has another.
  case uncommittedEntryTruncated = 0

  /// The name in reports.
  public var description: String {
    switch self {
    case .uncommittedEntryTruncated: "uncommitted-entry-truncated"
    }
  }
}

/// How often each situation was reached.
public struct SituationCounts: Hashable, Sendable {
  /// One counter for each situation, by its number.
  public private(set) var counters: [UInt32]

  /// Nothing reached.
  public init() { counters = [UInt32](repeating: 0, count: Situation.allCases.count) }

  /// How often this one was reached.
  public subscript(situation: Situation) -> UInt32 { counters[Int(situation.rawValue)] }

  /// Counts one more.
  @inline(__always)
  public mutating func reach(_ situation: Situation) {
    counters[Int(situation.rawValue)] &+= 1
  }

  /// Adds the counts of another run.
  public mutating func add(_ other: SituationCounts) {
    for position in counters.indices { counters[position] &+= other.counters[position] }
  }
}

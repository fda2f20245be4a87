// The newest inputs of a replica: what an incident is told from.

import Raft
import RaftMachines
import RaftReplica

/// The newest inputs that a replica was given, oldest first.
///
/// An input is kept as the value that it is, which shares its memory with the log where it can.
public struct InputRing<Machine: StateMachine>: Sendable {
  /// How many are kept.
  public let capacity: Int
  /// How many there were.
  public private(set) var total: UInt64 = 0
  private var items: [ReplicaInput<Machine>] = []
  private var oldest = 0

  /// A ring for so many inputs; 0 for none.
  public init(capacity: Int) { self.capacity = max(capacity, 0) }

  /// How many there are.
  public var count: Int { items.count }

  /// Whether nothing was forgotten: then the inputs begin with the replica's start, and lead
  /// another replica that started from the same files to the same state.
  public var isWhole: Bool { total == UInt64(items.count) }

  /// Takes in an input, in the place of the oldest if all places are taken.
  public mutating func append(_ input: ReplicaInput<Machine>) {
    total += 1
    if items.count < capacity {
      items.append(input)
    } else if capacity > 0 {
      items[oldest] = input
      oldest = oldest + 1 == capacity ? 0 : oldest + 1
    }
  }

  /// All of them, oldest first.
  public var all: [ReplicaInput<Machine>] { Array(items[oldest...] + items[..<oldest]) }
}

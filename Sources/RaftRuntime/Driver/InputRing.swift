// The newest inputs of a replica: what an incident is told from.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// The newest inputs that a replica was given, oldest first.
///
/// An input is kept as the value that it is, which shares its memory with the log where it can. So
/// that it does not keep more of it than is worth it, the oldest go also when what is kept carries
/// too much.
public struct InputRing<Machine: StateMachine>: Sendable {
  /// How many are kept.
  public let capacity: Int
  /// How many bytes of commands, entries and snapshots those that are kept may carry.
  public let maximumBytes: Int
  /// How many there were.
  public private(set) var total: UInt64 = 0
  /// How many bytes those that are kept carry.
  public private(set) var carriedBytes = 0

  // Those in front of `head` are forgotten, and stand for nothing.
  private var items: [ReplicaInput<Machine>] = []
  private var head = 0

  /// A ring for so many inputs, 0 for none, that carry so many bytes.
  public init(capacity: Int, maximumBytes: Int = 64 << 20) {
    self.capacity = max(capacity, 0)
    self.maximumBytes = max(maximumBytes, 0)
  }

  /// How many there are.
  public var count: Int { items.count - head }

  /// Whether nothing was forgotten: then the inputs begin with the replica's start, and lead
  /// another replica that started from the same files to the same state.
  public var isWhole: Bool { total == UInt64(count) }

  /// Takes in an input, and lets go of the oldest if there are too many or they carry too much.
  ///
  /// - Complexity: O(1) amortised.
  public mutating func append(_ input: ReplicaInput<Machine>) {
    total += 1
    guard capacity > 0 else { return }
    items.append(input)
    carriedBytes += input.carriedBytes
    while count > capacity || carriedBytes > maximumBytes && count > 0 { forgetFirst() }
    guard head > items.count / 2 else { return }
    items.removeSubrange(..<head)
    head = 0
  }

  private mutating func forgetFirst() {
    carriedBytes -= items[head].carriedBytes
    items[head] = .campaign
    head += 1
  }

  /// All of them, oldest first.
  public var all: [ReplicaInput<Machine>] { Array(items[head...]) }
}

extension ReplicaInput {
  /// How many bytes of commands, entries and snapshots the input carries.
  var carriedBytes: Int {
    switch self {
    case .receive(let envelope):
      let message = envelope.message
      return message.entries.payloadBytes + (message.snapshot?.bytes.count ?? 0)
    case .request(_, .command(let command, _, _), _): return command.count
    case .finished(_, .done(let read)): return read.reduce(0) { $0 + $1.count }
    case .tick, .request, .administer, .finished, .peerUnreachable, .peerReachable, .campaign,
      .stop:
      return 0
    }
  }
}

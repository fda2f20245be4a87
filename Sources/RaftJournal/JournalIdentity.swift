// Whose journal it is. In the head of every file, so that none can be taken for another's.

import Raft

/// The identity of a cluster: 128 bits, drawn once when the cluster is made.
public struct ClusterID: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The first half.
  public let high: UInt64
  /// The second half.
  public let low: UInt64

  /// An identity of these two halves. Zero in both is refused where a journal is made.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// 32 hexadecimal digits.
  public var description: String { ClusterID.digits(high) + ClusterID.digits(low) }

  private static func digits(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.utf8.count) + text
  }
}

/// Whose journal it is, and in which of its lives.
public struct JournalIdentity: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The cluster.
  public var cluster: ClusterID
  /// The node in the cluster.
  public var node: NodeID
  /// How often the journal was opened, its making included: 1 in the first life. It never repeats,
  /// so it tells two lives of one node apart wherever it is sent along.
  public var incarnation: UInt64

  /// An identity of these parts.
  public init(cluster: ClusterID, node: NodeID, incarnation: UInt64 = 1) {
    self.cluster = cluster
    self.node = node
    self.incarnation = incarnation
  }

  /// For example `n2 of 00…01, life 3`.
  public var description: String {
    "\(node.description) of \(cluster.description), life \(incarnation)"
  }
}

/// What a node may do after what happened to its disk. Kept in the identity file, so that no
/// restart forgets it.
public enum Standing: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Everything that the node promised is on its disk.
  case member
  /// Something that the node may have promised is lost. It must not vote, nor count for any
  /// quorum, before it holds everything that a leader of a term after `floor.term` has committed;
  /// then `Journal.rejoin()` ends it.
  ///
  /// `floor` is the newest term and the greatest index of which there was still a trace. There may
  /// have been newer ones.
  case outUntilRepaired(floor: LogPosition)

  /// The standing in a word or two.
  public var description: String {
    switch self {
    case .member: "member"
    case .outUntilRepaired(let floor): "out until repaired, floor \(floor.description)"
    }
  }
}

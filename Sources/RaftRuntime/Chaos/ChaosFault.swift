// What a node does to itself when somebody wants to see how the cluster bears it. All of it lies
// around the replica, in links, disk, clock and process; the replica does not know.

import Raft

/// Which way between two nodes nothing gets through.
package enum ChaosDirection: String, Hashable, Sendable, CaseIterable {
  /// Neither way. The link is found to be silent, as one whose cable was pulled.
  case both
  /// What this node sends is lost.
  case outgoing
  /// What this node is sent is lost.
  case incoming
}

/// What is wrong with a disk.
package enum DiskChaos: Hashable, Sendable {
  /// There is no room for more than what is there already.
  case full
  /// Each sync takes so many nanoseconds longer.
  case slow(UInt64)
  /// The next sync fails, and with it the process ends.
  case syncError
}

/// Something that goes wrong at one node.
package enum ChaosFault: Hashable, Sendable {
  /// Nothing gets through between this node and these peers; all peers if there are none.
  case block([NodeID], ChaosDirection)
  /// What this node sends to these peers, or to all, leaves so many nanoseconds later.
  case delay([NodeID], UInt64)
  /// Of what this node sends to these peers, or to all, so many of a million are lost.
  case loss([NodeID], UInt64)
  /// The node does nothing.
  case pause
  /// The clock on the wall is so many nanoseconds ahead, or behind.
  case skew(Int64)
  /// The disk is not well.
  case disk(DiskChaos)
}

/// A fault that lasts for a while.
package struct ChaosEpisode: Hashable, Sendable {
  /// Its number at this node, from 1 on.
  package var id: UInt64
  /// What is wrong.
  package var fault: ChaosFault
  /// When it is over, by the steady clock. Unit: nanoseconds.
  var end: UInt64

  /// How long it lasts yet. Unit: milliseconds.
  package func leftMilliseconds() -> UInt64 {
    let now = HostClock.steady
    return end > now ? (end - now) / 1_000_000 : 0
  }
}

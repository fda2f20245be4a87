// What is true of a leader (§5.2, §5.3, thesis §6):
//
//   1. It was elected in `currentTerm` by a quorum, and nobody else was or will be.
//   2. Its log has an entry of its own term, at `termStart`; nothing of it is ever deleted.
//   3. For each other node there is one `Progress`, with `matchIndex < nextIndex <= lastIndex + 1`.
//   4. It counts itself only as far as its own disk does.
//
// Who may leave: to follower, by `becomeFollower` alone (a newer term, a lost quorum, a stalled
// disk, its own removal).

/// Figure 2's volatile state on leaders, and what else only a leader has. Empty in other roles.
struct LeaderState: Hashable, Sendable {
  /// The index of the entry that opened the term (§8).
  var termStart = LogIndex.zero
  /// The other nodes, ascending by id.
  var progress: [Progress] = []
  var isSelfIncoming = false
  var isSelfOutgoing = false
  var isSelfWitness = false
  /// Some other node is a witness.
  var hasWitnesses = false
  var incomingCount = 0
  var outgoingCount = 0
  /// When the leader was elected.
  var since: UInt64 = 0
  var heartbeatElapsed: UInt64 = 0
  /// From one heartbeat to the next.
  var heartbeatWait: UInt64 = 0
  /// When there was last something to do.
  var busyAt: UInt64 = 0
  /// Until when silence is not held against anybody, after the group awoke.
  var graceUntil: UInt64 = 0
  /// The snapshots that are being sent.
  var sending: [SnapshotMetadata] = []
  /// Which forwarded proposals were taken.
  var windows: [ForwardedWindow] = []
  /// The commit index moved and followers may not know.
  var isCommitNoticeDue = false
  var reads = LeaderReads()
  var transfer: Transfer?
  /// Committed proposals that wait for more copies.
  var concerned: [PendingProposal] = []

  /// The place of a node in `progress`. One after the other: there are few, and mostly two.
  @inline(__always)
  func position(of node: NodeID) -> Int? {
    for position in progress.indices where progress[position].id == node { return position }
    return nil
  }

  /// The greatest value that a majority of the voters have reached, and in a joint configuration a
  /// majority of both sets.
  ///
  /// - Parameters:
  ///   - own: the leader's own value, counted where it votes.
  ///   - value: that of another node.
  /// - Complexity: O(voters²), of which there are few.
  @inline(__always)
  func quorumValue(own: UInt64, _ value: (Progress) -> UInt64) -> UInt64 {
    if incomingCount == 3 && outgoingCount == 0 && isSelfIncoming && progress.count == 2 {
      // Three voters and nobody else, which is the usual cluster: the middle one of three values.
      let a = value(progress[0])
      let b = value(progress[1])
      return max(min(a, b), min(max(a, b), own))
    }
    let incoming = majorityValue(own: isSelfIncoming ? own : nil, of: incomingCount) {
      $0.isIncoming ? value($0) : nil
    }
    if outgoingCount == 0 { return incoming }
    let outgoing = majorityValue(own: isSelfOutgoing ? own : nil, of: outgoingCount) {
      $0.isOutgoing ? value($0) : nil
    }
    return min(incoming, outgoing)
  }

  /// The greatest value that more than half of `count` nodes have reached; 0 if there are none.
  @inline(__always)
  private func majorityValue(
    own: UInt64?, of count: Int, _ value: (Progress) -> UInt64?
  ) -> UInt64 {
    let needed = count / 2 + 1
    var best: UInt64 = 0
    var candidate = -1
    while candidate < progress.count {
      let reached = candidate < 0 ? own : value(progress[candidate])
      candidate += 1
      guard let reached, reached > best else { continue }
      var having = 0
      if let own, own >= reached { having += 1 }
      for peer in progress {
        if let theirs = value(peer), theirs >= reached { having += 1 }
      }
      if having >= needed { best = reached }
    }
    return best
  }
}

/// A transfer of leadership that is under way (thesis §3.10).
struct Transfer: Hashable, Sendable, BitwiseCopyable {
  var request: RequestID?
  var target: NodeID
  var deadline: UInt64
  var isTimeoutNowSent = false
}

/// An accepted proposal whose fate is not known yet.
struct PendingProposal: Hashable, Sendable, BitwiseCopyable {
  var request: RequestID
  var position: LogPosition
  var concern: WriteConcern
  /// After the commit: until when to wait for copies.
  var deadline: UInt64 = 0
}

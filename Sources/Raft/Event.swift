// What is worth telling. One enum feeds logs, metrics, traces, pictures and tests.

/// The name of a role, for those who look from outside.
public enum RoleName: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Answers to leaders and candidates (§5.2).
  case follower
  /// Asks whether an election could be won (thesis §9.6).
  case preCandidate
  /// Asks for votes (§5.2).
  case candidate
  /// Orders the log (§5.3).
  case leader

  /// The role in a word.
  public var description: String {
    switch self {
    case .follower: "follower"
    case .preCandidate: "preCandidate"
    case .candidate: "candidate"
    case .leader: "leader"
    }
  }
}

/// Why a leader or candidate became a follower.
public enum StepDownReason: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// A message of a newer term came (§5.1).
  case newerTerm
  /// Another leads this term (§5.2).
  case leaderFound
  /// A majority was not heard of for an election timeout (thesis §6.2).
  case quorumLost
  /// The node's own disk did not answer in time.
  case diskStalled
  /// The node is no longer a voter, and that is committed (§6).
  case removed
  /// The pre-vote or the vote was lost.
  case electionLost
}

/// Why a message or an input was put aside.
public enum DropReason: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// It is of an older term.
  case staleTerm
  /// It answers something that is over.
  case staleReply
  /// A vote was asked for while a leader is alive (thesis §4.2.3).
  case leaderIsAlive
  /// Votes are withheld after a restart, because a lease may have been promised (thesis §6.4.1).
  case votesWithheld
  /// It contradicts itself or the protocol.
  case malformed
  /// It is addressed to another node, or comes from this one.
  case misaddressed
  /// The receiver's role has no use for it.
  case notForThisRole
  /// A receipt, load or snapshot that this node did not ask for.
  case unexpected
  /// The node has halted.
  case halted
  /// A bounded queue of the core is full.
  case queueFull
}

/// What happened in a node, for logs, counters and pictures.
public enum Event: Hashable, Sendable {
  /// The node knows a newer term.
  case termAdvanced(from: Term, to: Term)
  /// The role changed.
  case roleChanged(from: RoleName, to: RoleName, term: Term)
  /// An election began; of the other kind if it only asks.
  case electionStarted(term: Term, isPreVote: Bool, isTransfer: Bool)
  /// A vote was cast for a candidate, and will be told when it is durable.
  case voteCast(term: Term, candidate: NodeID)
  /// The node leads, by these votes.
  case becameLeader(term: Term, votes: [NodeID])
  /// The node no longer leads or stands.
  case steppedDown(term: Term, reason: StepDownReason)
  /// The node learnt who leads.
  case leaderChanged(term: Term, leader: NodeID?)
  /// Entries were deleted because the leader has others.
  case logTruncated(from: LogIndex, through: LogIndex)
  /// A membership is in force from this entry on, or again after a truncation.
  case membershipChanged(at: LogIndex, Membership)
  /// The node is not in the committed membership.
  case removedFromMembership(at: LogIndex)
  /// The commit index moved.
  case committed(from: LogIndex, through: LogIndex)
  /// The leader probes, streams to, or sends a snapshot to a follower.
  case progressChanged(peer: NodeID, ProgressState)
  /// A follower was offered a snapshot.
  case snapshotOffered(to: NodeID, LogPosition)
  /// A snapshot replaced the log's beginning.
  case snapshotInstalled(LogPosition)
  /// The log was cut.
  case logCompacted(through: LogIndex)
  /// A transfer of leadership began.
  case transferStarted(to: NodeID)
  /// A transfer of leadership was given up.
  case transferAborted(to: NodeID)
  /// The group went idle, or awoke.
  case quiescenceChanged(Bool)
  /// Something was put aside.
  case dropped(from: NodeID?, DropReason)
  /// Storage failed; the node does nothing more.
  case halted
}

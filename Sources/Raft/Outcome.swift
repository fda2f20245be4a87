// §8: what a caller is told. Each request gets its answers exactly once, and each answer says what
// may be concluded from it.

/// Why a request was turned down. Nothing of a refused request has entered the log.
public enum Refusal: Error, Hashable, Sendable, BitwiseCopyable {
  /// This node does not lead; the leader it knows of, if any. Ask there.
  case notLeader(leader: NodeID?)
  /// Too many entries or bytes are not committed yet. Ask again later, here.
  case tooBusy
  /// One request is larger than the limit, in bytes. Make it smaller.
  case tooLarge(limit: UInt64)
  /// Leadership is being handed over. Ask the next leader.
  case transferring
  /// The node is stopping. Ask another.
  case stopping
  /// Storage failed or the node stopped; it will not come back in this life.
  case halted
  /// A proposal of no entries, or a change of no nodes.
  case nothingToDo
  /// Another change is not committed yet, or a joint configuration not left; the index of its
  /// entry.
  case changeInFlight(at: LogIndex)
  /// No entry of the leader's own term is committed yet. Ask again in a moment.
  case termNotEstablished
  /// The compare-and-set failed: the membership in force stands at this index.
  case membershipMoved(to: LogIndex)
  /// The node is a member already, in this or another role.
  case alreadyMember(NodeID)
  /// The node is not a member, or not of the kind that the step needs.
  case notMember(NodeID)
  /// The node is named twice in one change, or has no number.
  case invalidChange(NodeID)
  /// The learner still lacks this many entries. Ask again when it has caught up.
  case learnerBehind(NodeID, by: UInt64)
  /// The membership that would follow is not a possible one.
  case membership(MembershipError)
  /// Leadership can be given only to another voter that is no witness.
  case cannotLead(NodeID)
  /// A read could not be confirmed by a majority in time, or the leader was lost meanwhile.
  case notConfirmed(leader: NodeID?)
}

/// Why nothing more can be said of an entry.
public enum UnknownReason: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// The node lost leadership and did not learn the entry's fate in time.
  case leadershipLost
  /// The entry's place was overtaken by a snapshot, which does not tell.
  case compacted
  /// The request was handed to the leader and no answer came.
  case noAnswer
  /// The node's storage failed.
  case halted
}

/// What became of a request.
///
/// A proposal or a change is first `accepted` or `refused`. An accepted one is later `committed`,
/// `lost` or `unknown`. A read is `refused` or ready (an action of its own). A transfer is
/// `transferred`, `transferFailed` or `refused`. A stop is `stopped`.
public enum Outcome: Hashable, Sendable, BitwiseCopyable {
  /// The leader of this term put it into its log, the last entry at this index. Not yet a promise.
  case accepted(LogPosition)
  /// It is committed and will never be lost. `copies` nodes that hold commands are known to hold it
  /// durably; fewer than the write concern asked for if that was not met in its time.
  case committed(LogPosition, copies: UInt32)
  /// Another entry was committed in its place: it has not happened and never will.
  case lost(LogPosition)
  /// It may have happened or not. Only a repetition that can be recognised as one is safe.
  case unknown(LogPosition?, UnknownReason)
  /// It has not happened, and the reason tells what to do.
  case refused(Refusal)
  /// This node now leads.
  case transferred(to: NodeID, term: Term)
  /// Leadership stayed, or went elsewhere unseen; proposals are taken again.
  case transferFailed
  /// The node has handed over what it could and takes no more requests.
  case stopped
}

/// How many nodes must hold a proposal before its outcome says committed.
public struct WriteConcern: Hashable, Sendable, BitwiseCopyable {
  /// The number of nodes holding commands that must have it durably; 0 or 1 means no more than a
  /// majority of the voters, which every commit has.
  public var copies: UInt32
  /// How long to wait for them after the commit. Then the outcome tells how many there are.
  public var patience: Ticks

  /// A majority, as every commit has.
  public static let majority = WriteConcern(copies: 0, patience: .zero)

  /// So many nodes, waited for so long.
  public init(copies: UInt32, patience: Ticks) {
    self.copies = copies
    self.patience = patience
  }
}

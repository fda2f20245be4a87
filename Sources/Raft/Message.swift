// Figure 2 and Figure 13: the remote procedure calls, as messages. Everything of fixed size is in
// the body, which is plain bits; what varies travels beside it.

/// Invoked by candidates to gather votes (§5.2), and by pre-candidates to ask for them (thesis
/// §9.6).
public struct RequestVote: Hashable, Sendable, BitwiseCopyable {
  /// The term that the candidate wants to lead. For a real vote it is the message's term; for a
  /// pre-vote it is one more, and nobody adopts it.
  public var candidateTerm: Term
  /// The candidate's last log entry (§5.4.1).
  public var lastLog: LogPosition
  /// Whether the leader asked for this election (thesis §3.10), so that nobody protects that
  /// leader.
  public var isTransfer: Bool
}

/// The answer to a `RequestVote`, of either kind.
public struct RequestVoteReply: Hashable, Sendable, BitwiseCopyable {
  /// The term that was asked for. Tells an old answer from a new one.
  public var candidateTerm: Term
  /// True means candidate received vote.
  public var voteGranted: Bool

  /// An answer.
  @inline(__always)
  public init(candidateTerm: Term, voteGranted: Bool) {
    self.candidateTerm = candidateTerm
    self.voteGranted = voteGranted
  }
}

/// Invoked by leader to replicate log entries (§5.3); also used as heartbeat (§5.2).
///
/// The paper's `entries` travel beside the body, in `Message.entries`; none means heartbeat.
public struct AppendEntries: Hashable, Sendable, BitwiseCopyable {
  /// The entry immediately preceding the new ones.
  public var prevLog: LogPosition
  /// The leader's commit index.
  public var leaderCommit: LogIndex
  /// The newest read round that the leader had begun when it sent this.
  public var round: UInt64
  /// Whether the group is idle and clocks may be stretched.
  public var isQuiescing: Bool
}

/// The answer to an `AppendEntries`.
public struct AppendEntriesReply: Hashable, Sendable, BitwiseCopyable {
  /// True if follower contained an entry matching `prevLog`.
  public var success: Bool
  /// How far the follower's log is known to match the leader's and is durable.
  public var matchIndex: LogIndex
  /// How far it is known to match, durable or not.
  public var receivedIndex: LogIndex
  /// If not successful: the `prevLog` that was refused.
  public var rejectedIndex: LogIndex
  /// If not successful: the last entry of the follower that could match, judged by its term.
  public var hint: LogPosition
  /// The newest round that the follower had received when it sent this.
  public var round: UInt64
}

/// Invoked by leader to send chunks of a snapshot to a follower (§7). Chunks are always sent in
/// order.
///
/// The bytes and the membership travel beside the body, in `Message.snapshot`.
public struct InstallSnapshot: Hashable, Sendable, BitwiseCopyable {
  /// The snapshot replaces all entries up through and including this one.
  public var lastIncluded: LogPosition
  /// Byte offset where the chunk is positioned in the snapshot.
  public var offset: UInt64
  /// True if this is the last chunk.
  public var isDone: Bool
  /// The newest read round that the leader had begun when it sent this.
  public var round: UInt64
}

/// The answer to an `InstallSnapshot` that is not the last. Once the follower has what the snapshot
/// holds, it says so as after any append, by an `AppendEntriesReply`.
public struct InstallSnapshotReply: Hashable, Sendable, BitwiseCopyable {
  /// The snapshot that the answer is about.
  public var lastIncluded: LogPosition
  /// The byte from which on the follower wants more.
  public var nextOffset: UInt64
  /// The newest round that the follower had received when it sent this.
  public var round: UInt64
}

/// A follower's question for a read index (thesis §6.4).
public struct ReadIndexRequest: Hashable, Sendable, BitwiseCopyable {
  /// The follower's number for it, echoed in the reply.
  public var sequence: UInt64
}

/// The answer to a `ReadIndexRequest`.
public struct ReadIndexReply: Hashable, Sendable, BitwiseCopyable {
  /// The follower's number.
  public var sequence: UInt64
  /// The index that the follower must have applied.
  public var readIndex: LogIndex
}

/// A proposal that a follower hands to its leader. Its entries travel beside it, without an index.
public struct ForwardedProposal: Hashable, Sendable, BitwiseCopyable {
  /// The follower's number for it, echoed in the reply.
  public var sequence: UInt64
}

/// The answer to a `ForwardedProposal`.
public struct ForwardedProposalReply: Hashable, Sendable, BitwiseCopyable {
  /// The follower's number.
  public var sequence: UInt64
  /// Where the last entry stands in the leader's log, if it was accepted.
  public var accepted: LogPosition?
  /// Whether the leader turned it down because it had too much to do.
  public var isTooBusy: Bool
}

/// What varies in size in an `InstallSnapshot`.
public final class SnapshotPart: Sendable, Hashable {
  /// The bytes of the chunk.
  public let bytes: [UInt8]
  /// The membership at the snapshot's index, and the index of the entry that it came from.
  public let membership: Membership
  /// The index of the entry that the membership came from.
  public let membershipIndex: LogIndex

  /// A part with these bytes of a snapshot of this membership.
  public init(bytes: [UInt8], membership: Membership, membershipIndex: LogIndex) {
    self.bytes = bytes
    self.membership = membership
    self.membershipIndex = membershipIndex
  }

  /// Two parts are equal if their contents are.
  public static func == (a: SnapshotPart, b: SnapshotPart) -> Bool {
    a.bytes == b.bytes && a.membership == b.membership && a.membershipIndex == b.membershipIndex
  }

  /// Feeds the contents.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(bytes)
    hasher.combine(membership)
    hasher.combine(membershipIndex)
  }
}

/// What nodes say to each other.
public struct Message: Hashable, Sendable {
  /// The part of a message that is plain bits.
  public enum Body: Hashable, Sendable, BitwiseCopyable {
    /// Asks whether a vote would be given, without disturbing anybody (thesis §9.6).
    case requestPreVote(RequestVote)
    /// Answers `requestPreVote`.
    case requestPreVoteReply(RequestVoteReply)
    /// Asks for a vote (§5.2).
    case requestVote(RequestVote)
    /// Answers `requestVote`.
    case requestVoteReply(RequestVoteReply)
    /// Replicates entries; with none, a heartbeat (§5.3).
    case appendEntries(AppendEntries)
    /// Answers `appendEntries`.
    case appendEntriesReply(AppendEntriesReply)
    /// Brings a chunk of a snapshot (§7).
    case installSnapshot(InstallSnapshot)
    /// Answers `installSnapshot`.
    case installSnapshotReply(InstallSnapshotReply)
    /// Asks the receiver to start an election at once (thesis §3.10).
    case timeoutNow
    /// Asks the leader for a read index (thesis §6.4).
    case readIndex(ReadIndexRequest)
    /// Answers `readIndex`.
    case readIndexReply(ReadIndexReply)
    /// Hands a proposal to the leader.
    case forwardedProposal(ForwardedProposal)
    /// Answers `forwardedProposal`.
    case forwardedProposalReply(ForwardedProposalReply)
  }

  /// Who sends it.
  public let from: NodeID
  /// Who is to receive it.
  public let to: NodeID
  /// The sender's current term.
  public let term: Term
  /// What it says.
  public let body: Body
  /// The entries of an `appendEntries` or a `forwardedProposal`.
  public internal(set) var entries: Entries
  /// The bytes and membership of an `installSnapshot`.
  public let snapshot: SnapshotPart?

  /// Whether the message is all in its body, so that it holds no memory.
  @inlinable package var isBare: Bool {
    entries.head.storedCount == 0 && entries.series == nil && snapshot == nil
  }

  /// A message that is all in its body.
  @inline(__always)
  init(_ from: NodeID, to: NodeID, _ term: Term, _ body: Body) {
    self.from = from
    self.to = to
    self.term = term
    self.body = body
    entries = Entries(EntryRun.bare)
    snapshot = nil
  }

  /// A message. Only an `installSnapshot` has a snapshot part, and it has no entries.
  @inline(__always)
  public init(
    from: NodeID, to: NodeID, term: Term, body: Body, entries: Entries = .none,
    snapshot: SnapshotPart? = nil
  ) {
    self.from = from
    self.to = to
    self.term = term
    self.body = body
    self.entries = entries
    self.snapshot = snapshot
  }
}

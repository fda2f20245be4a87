// What a picture needs to know of an event beside its words: who sent what to whom and what became
// of it, what the disk was asked for, who wanted what.

import Raft
import RaftJournal

/// What became of a message when it was sent.
public enum MessageFate: Hashable, Sendable, BitwiseCopyable {
  /// It arrives at this time, if the receiver is up then. Unit: virtual nanoseconds.
  case arrives(at: UInt64)
  /// As `arrives`, and a link that holds messages holds it first.
  case isHeld(until: UInt64)
  /// A second copy of the message before it, which arrives at this time.
  case arrivesAgain(at: UInt64)
  /// The network has lost it.
  case lost
  /// The link is cut.
  case blocked
}

/// A detail of an event. Made only if somebody watches.
public enum TraceMark: Hashable, Sendable {
  /// The event is the arrival of a message: from whom, and which kind.
  case heard(from: NodeID, MessageKind)
  /// A node has sent a message.
  case sent(from: NodeID, to: NodeID, MessageKind, MessageFate, words: String)
  /// A disk was asked for a job.
  case jobAsked(NodeID, JobID, DiskLane)
  /// A disk has done a job, at this time: what it wrote is durable, if it says so.
  case jobDone(NodeID, JobID, isDurable: Bool, at: UInt64)
  /// A node died and its disk had not yet done these jobs.
  case jobsDropped(NodeID, [JobID])
  /// A client asked a node, by an operation's number; 0 for what is no operation.
  case asked(NodeID, request: UInt64, operation: UInt64)
  /// A node has replied to a request.
  case replied(NodeID, request: UInt64, operation: UInt64, words: String)
  /// An episode of the plan, by its position there, has begun and strikes these nodes.
  case struck(fault: Int, [NodeID])
}

/// The kinds of messages, as small as a picture wants them.
public enum MessageKind: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// Would you vote for me?
  case preVote
  /// The answer to it.
  case preVoteReply
  /// Vote for me.
  case vote
  /// The answer to it.
  case voteReply
  /// Entries to append.
  case append
  /// The same without entries.
  case heartbeat
  /// The answer to either.
  case appendReply
  /// A part of a snapshot.
  case snapshot
  /// The answer to it.
  case snapshotReply
  /// Stand for election now.
  case timeoutNow
  /// Which index may I read at?
  case readIndex
  /// The answer to it.
  case readIndexReply
  /// A proposal that was handed on.
  case proposal
  /// The answer to it.
  case proposalReply

  /// The kind in a word or two.
  public var description: String {
    switch self {
    case .preVote: "pre-vote"
    case .preVoteReply: "pre-vote reply"
    case .vote: "vote request"
    case .voteReply: "vote reply"
    case .append: "append"
    case .heartbeat: "heartbeat"
    case .appendReply: "append reply"
    case .snapshot: "snapshot"
    case .snapshotReply: "snapshot reply"
    case .timeoutNow: "timeout now"
    case .readIndex: "read index"
    case .readIndexReply: "read index reply"
    case .proposal: "proposal"
    case .proposalReply: "proposal reply"
    }
  }
}

extension Message {
  /// The kind.
  public var kind: MessageKind {
    switch body {
    case .requestPreVote: .preVote
    case .requestPreVoteReply: .preVoteReply
    case .requestVote: .vote
    case .requestVoteReply: .voteReply
    case .appendEntries: entries.isEmpty ? .heartbeat : .append
    case .appendEntriesReply: .appendReply
    case .installSnapshot: .snapshot
    case .installSnapshotReply: .snapshotReply
    case .timeoutNow: .timeoutNow
    case .readIndex: .readIndex
    case .readIndexReply: .readIndexReply
    case .forwardedProposal: .proposal
    case .forwardedProposalReply: .proposalReply
    }
  }
}

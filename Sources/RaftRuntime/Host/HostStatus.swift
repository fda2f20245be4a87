// What a node thinks of itself and its peers, at one moment.

import Raft
import RaftJournal
import RaftReplica

/// How far another clock is from ours.
public struct ClockOffset: Hashable, Sendable, BitwiseCopyable {
  /// By how much it is ahead; negative if it is behind. Unit: nanoseconds.
  public var nanoseconds: Int64
  /// By how much that may be wrong. Unit: nanoseconds.
  public var error: UInt64
}

/// What a node knows of another one.
public struct PeerStatus: Hashable, Sendable {
  /// The node.
  public var node: NodeID
  /// Where it is called; `nil` if nobody has said.
  public var address: PeerAddress?
  /// Whether it is a member, and what kind.
  public var isVoter: Bool
  /// Whether a connection to it is open.
  public var isReachable: Bool
  /// How long it has been so. Unit: nanoseconds.
  public var sinceNanoseconds: UInt64
  /// How long ago it was last heard; `nil` if never. Unit: nanoseconds.
  public var lastHeardNanoseconds: UInt64?
  /// How long the newest ping and its answer took together. Unit: nanoseconds.
  public var roundTripNanoseconds: UInt64?
  /// By how much its clock is ahead of ours; `nil` before the first answer.
  public var clockOffset: ClockOffset?
  /// Why there is no connection to it, if there is none.
  public var problem: String?
  /// How many bytes wait to be sent to it.
  public var waitingBytes: Int
  /// How many messages to it were dropped for lack of a connection or of room.
  public var droppedMessages: UInt64

  /// If this node leads: how far the peer's log is known to match, durably.
  public var matchIndex: LogIndex?
  /// If this node leads: how many entries the peer lacks.
  public var lag: UInt64?
  /// If this node leads: how it sends to the peer.
  public var progress: ProgressState?
}

/// What a node thinks, at one moment: Figure 2's variables and what an operator asks beyond them.
public struct HostStatus: Hashable, Sendable {
  /// The cluster, the node, and which life of it this is.
  public var identity: JournalIdentity
  /// The role.
  public var role: RoleName
  /// Latest term server has seen.
  public var term: Term
  /// The leader of that term, if the node knows it.
  public var leader: NodeID?
  /// The members in force here.
  public var membership: Membership
  /// The first entry that the log still has.
  public var firstIndex: LogIndex
  /// The last entry of the log.
  public var lastIndex: LogIndex
  /// The newest entry known to be committed.
  public var commitIndex: LogIndex
  /// The newest entry that the machine has applied.
  public var appliedIndex: LogIndex
  /// The newest entry that is durable here.
  public var durableIndex: LogIndex
  /// The newest snapshot's last entry; zero if there is none.
  public var snapshotIndex: LogIndex
  /// Whether the machine is there and not being read from a snapshot.
  public var isReady: Bool
  /// Whether the node is stopping.
  public var isStopping: Bool
  /// Whether the disk is nearly full.
  public var isSpaceLow: Bool
  /// Whether the journal was damaged and is not repaired yet.
  public var isOut: Bool
  /// Why the replica can go on no more, if it cannot.
  public var failure: ReplicaFailure?
  /// How old an answer from this node may be if nobody is asked.
  public var staleness: Freshness

  /// Ticks since the start, how long one lasts, and how many were left out after long pauses.
  public var ticks: Ticks
  /// How long a tick lasts. Unit: nanoseconds.
  public var tickNanoseconds: UInt64
  /// How many ticks were not made up for after long pauses.
  public var skippedTicks: UInt64
  /// How long ago the last tick was given. Unit: nanoseconds.
  public var lastTickNanoseconds: UInt64

  /// The peers, sorted by node.
  public var peers: [PeerStatus]
  /// How many requests wait for their reply.
  public var requestsUnderWay: Int

  /// What half of the newest 1,024 writes of the log took, write and sync. Unit: nanoseconds.
  public var syncMedianNanoseconds: UInt64?
  /// What 99 of 100 of them did not exceed. Unit: nanoseconds.
  public var sync99Nanoseconds: UInt64?
  /// How many writes of the log there were in this life.
  public var syncs: UInt64
  /// How many bytes were written in this life.
  public var writtenBytes: UInt64
  /// How many jobs of the disk failed in this life.
  public var diskErrors: UInt64
  /// When this node's certificate ends, in seconds since the beginning of 1970, if it has one.
  public var certificateExpiry: Int?
  /// What happened so far in this life, counted.
  public var counters: HostCounters
}

/// What happened in one life of a node, counted.
public struct HostCounters: Hashable, Sendable {
  /// Elections that this node began, asking first or not.
  public var electionsStarted: UInt64 = 0
  /// Elections that it won.
  public var electionsWon: UInt64 = 0
  /// Times that it learnt of another leader.
  public var leaderChanges: UInt64 = 0
  /// Times that its role changed.
  public var roleChanges: UInt64 = 0
  /// Entries that it learnt to be committed.
  public var entriesCommitted: UInt64 = 0
  /// Times that entries were deleted because the leader had others.
  public var truncations: UInt64 = 0
  /// Messages of peers that were taken in.
  public var messagesReceived: UInt64 = 0
  /// Messages that were sent, or dropped on the way to the network.
  public var messagesSent: UInt64 = 0
  /// Messages and inputs that were put aside.
  public var dropped: UInt64 = 0
  /// Snapshots of its own machine that are durable.
  public var snapshotsTaken: UInt64 = 0
  /// Snapshots that failed.
  public var snapshotsFailed: UInt64 = 0
  /// Snapshots that came from a leader.
  public var snapshotsInstalled: UInt64 = 0
  /// Places on the disk that could not be read.
  public var unreadable: UInt64 = 0
  /// Replies, by the row of the outcome table: see `OutcomeKind`.
  public var replies = [UInt64](repeating: 0, count: OutcomeKind.allCases.count)
}

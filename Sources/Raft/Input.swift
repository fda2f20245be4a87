// What can happen to a node. There is no other way in.

/// What a caller wants to be in the log.
public struct Proposal: Hashable, Sendable {
  /// The caller's name for it.
  public var request: RequestID
  /// The commands, at least one; they become consecutive entries, together or not at all.
  public var commands: EntryBlock
  /// How many nodes must hold it before the outcome says committed.
  public var writeConcern: WriteConcern

  /// A proposal of one or more commands.
  @inlinable
  public init(
    _ request: RequestID, _ commands: EntryBlock, writeConcern: WriteConcern = .majority
  ) {
    self.request = request
    self.commands = commands
    self.writeConcern = writeConcern
  }
}

/// How fresh a read must be.
public enum ReadConsistency: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// Not older than any write completed before: a round to a majority confirms the leader
  /// (thesis §6.4). On a follower the leader is asked.
  case linearizable
  /// The same, by the leader's lease where it holds one, without a round (thesis §6.4.1); falls
  /// back to a round where it does not.
  case lease
}

/// A request of the leader's for entries that it no longer has in memory.
public struct EntriesRequest: Hashable, Sendable, BitwiseCopyable {
  /// The follower that needs them.
  public var peer: NodeID
  /// The first entry wanted.
  public var first: LogIndex
  /// The last entry wanted.
  public var last: LogIndex

  /// A request for the entries from `first` through `last`.
  public init(peer: NodeID, first: LogIndex, last: LogIndex) {
    self.peer = peer
    self.first = first
    self.last = last
  }
}

/// A request for a piece of the leader's snapshot.
public struct SnapshotChunkRequest: Hashable, Sendable, BitwiseCopyable {
  /// The follower that needs it.
  public var peer: NodeID
  /// Which snapshot.
  public var lastIncluded: LogPosition
  /// The byte from which on.
  public var offset: UInt64
  /// How many bytes at the most.
  public var maximumBytes: UInt64

  /// A request for a piece of the snapshot through `lastIncluded`.
  public init(peer: NodeID, lastIncluded: LogPosition, offset: UInt64, maximumBytes: UInt64) {
    self.peer = peer
    self.lastIncluded = lastIncluded
    self.offset = offset
    self.maximumBytes = maximumBytes
  }
}

/// What happens to a node: the one parameter of `RaftNode.step`.
public enum Input: Hashable, Sendable {
  /// A tick of the host's clock has passed.
  case tick
  /// A peer's message arrived.
  case receive(Message)
  /// A caller wants commands in the log.
  case propose(Proposal)
  /// A caller wants to read the state machine.
  case read(RequestID, ReadConsistency)
  /// An operator wants other members (§6).
  case changeMembership(RequestID, MembershipChange)
  /// An operator wants another leader: this one, or the best (thesis §3.10).
  case transferLeadership(RequestID, to: NodeID?)
  /// The write with this ticket is durable. May come late, twice and in any order.
  case persisted(Ticket)
  /// The write with this ticket cannot be made durable. The node halts.
  case storageFailed(Ticket)
  /// The state machine has applied everything up to and including this entry.
  case applied(through: LogIndex)
  /// Entries asked for by `loadEntries`.
  case entriesLoaded(EntriesRequest, Entries)
  /// The entries asked for could not be read.
  case entriesNotLoaded(EntriesRequest)
  /// A snapshot of the state machine as of this entry is durable; the log may be cut, but for the
  /// tail that `Configuration.retainedEntries` wants kept. A host whose disk is nearly full has no
  /// tail kept, also behind a snapshot that it has told of before.
  case snapshotTaken(through: LogIndex, keepsTail: Bool = true)
  /// Bytes asked for by `loadSnapshotChunk`, and whether they are the last.
  case snapshotChunkLoaded(SnapshotChunkRequest, bytes: [UInt8], isLast: Bool)
  /// The bytes asked for could not be read.
  case snapshotChunkNotLoaded(SnapshotChunkRequest)
  /// A chunk given by `storeSnapshotChunk` is stored aside, up to this byte.
  case snapshotChunkStored(lastIncluded: LogPosition, through: UInt64)
  /// A chunk could not be stored; what there is of the snapshot is thrown away.
  case snapshotChunkNotStored(lastIncluded: LogPosition)
  /// The transport lost its connection to a peer.
  case peerUnreachable(NodeID)
  /// The transport has a connection to a peer again.
  case peerReachable(NodeID)
  /// A peer has begun another life. What it once acknowledged counts no more until it says so
  /// again: its disk may have lost it. Harmless if it has not, and if there was no restart.
  case peerRestarted(NodeID)
  /// An operator or a test wants an election now. Not heeded by a leader, by a node that cannot be
  /// elected, and, where leases are on, within an election timeout of hearing from a leader.
  case campaign
  /// The host wants to stop: hand over leadership and take no more requests.
  case stop(RequestID)
}

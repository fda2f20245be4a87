// What a journal has to say to the replica. All but the last three are inputs of the core under
// another name.

import Raft

/// A piece of a snapshot that somebody wants to read.
public struct SnapshotRead: Hashable, Sendable, BitwiseCopyable {
  /// Which snapshot.
  public var lastIncluded: LogPosition
  /// The byte from which on.
  public var offset: UInt64
  /// How many bytes at the most.
  public var maximumBytes: UInt64
  /// The follower that needs it; `nil` if it is for the node's own machine.
  public var peer: NodeID?

  /// A piece for the node's own machine.
  public init(
    lastIncluded: LogPosition, offset: UInt64, maximumBytes: UInt64, peer: NodeID? = nil
  ) {
    self.lastIncluded = lastIncluded
    self.offset = offset
    self.maximumBytes = maximumBytes
    self.peer = peer
  }

  /// A piece that the core asked for.
  public init(_ request: SnapshotChunkRequest) {
    self.init(
      lastIncluded: request.lastIncluded, offset: request.offset,
      maximumBytes: request.maximumBytes, peer: request.peer)
  }
}

/// Why something was not read.
public enum ReadProblem: Hashable, Sendable, CustomStringConvertible {
  /// It is not here: compacted, replaced, or never was.
  case notHere
  /// The disk failed.
  case disk(DiskError)
  /// It is there and spoilt. The node must get it from its peers.
  case damaged(Damage)

  /// The reason in a sentence.
  public var description: String {
    switch self {
    case .notHere: "it is not here"
    case .disk(let error): error.description
    case .damaged(let damage): damage.description
    }
  }
}

/// What has become of what a journal was given to do.
public enum JournalEvent: Hashable, Sendable {
  /// The writes with these tickets, one after the other, are durable, and so are all before them.
  case persisted(first: Ticket, last: Ticket)
  /// The writes from this ticket on will never be known to be durable: the disk failed, or a sync
  /// did. The journal takes nothing more; the process must end (and never sync again).
  case failed(first: Ticket, DiskError)
  /// Entries asked for by `load(_:)`.
  case entriesLoaded(EntriesRequest, Entries)
  /// The entries cannot be read.
  case entriesNotLoaded(EntriesRequest, ReadProblem)
  /// A snapshot of this node's own machine has come so far; more may be written.
  case snapshotWritten(LogPosition, through: UInt64)
  /// A snapshot of this node's own machine is durable under its name.
  case snapshotTaken(LogPosition)
  /// A snapshot of this node's own machine could not be kept; what there was of it is removed.
  case snapshotNotTaken(LogPosition, DiskError)
  /// A chunk from a leader is stored aside; with the last one, the whole is durable.
  case snapshotChunkStored(lastIncluded: LogPosition, through: UInt64)
  /// A chunk from a leader was not stored; what there was of the snapshot is removed.
  case snapshotChunkNotStored(lastIncluded: LogPosition, DiskError?)
  /// A piece of a snapshot, and whether the snapshot ends with it.
  case snapshotRead(SnapshotRead, bytes: [UInt8], isLast: Bool)
  /// The piece cannot be read.
  case snapshotNotRead(SnapshotRead, ReadProblem)
  /// Space runs out: what is under way still fits, take no more commands and take a snapshot.
  case spaceLow
  /// There is space again.
  case spaceBack
}

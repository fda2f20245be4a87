// What a node wants done. Nothing here is unsafe to do early: what depends on a write exists only
// after the write's receipt.

/// The part of a node's state that is one record: Figure 2's `currentTerm` and `votedFor`, and how
/// far the log was known to be committed.
public struct HardState: Hashable, Sendable, BitwiseCopyable {
  /// Latest term server has seen.
  public var currentTerm: Term
  /// Candidate that received vote in current term, or none.
  public var votedFor: NodeID?
  /// How far the log is committed, as far as this write knows. Never the reason for a write.
  public var commitIndex: LogIndex

  /// A record of these.
  public init(currentTerm: Term = .zero, votedFor: NodeID? = nil, commitIndex: LogIndex = .zero) {
    self.currentTerm = currentTerm
    self.votedFor = votedFor
    self.commitIndex = commitIndex
  }
}

/// What a snapshot stands for.
public struct SnapshotMetadata: Hashable, Sendable {
  /// The last entry that the snapshot replaces.
  public var lastIncluded: LogPosition
  /// The membership in force at that entry.
  public var membership: Membership
  /// The index of the entry that the membership came from.
  public var membershipIndex: LogIndex

  /// No snapshot: the beginning of a log of nobody.
  public static let none = SnapshotMetadata(
    lastIncluded: LogPosition(term: .zero, index: .zero), membership: .none, membershipIndex: .zero)

  /// A snapshot of everything through `lastIncluded`.
  public init(lastIncluded: LogPosition, membership: Membership, membershipIndex: LogIndex) {
    self.lastIncluded = lastIncluded
    self.membership = membership
    self.membershipIndex = membershipIndex
  }
}

/// A change of what a snapshot marker says of the log.
public struct SnapshotMarker: Hashable, Sendable {
  /// The snapshot from now on in force. Its bytes must be durable before this write is reported so.
  public var metadata: SnapshotMetadata
  /// The log keeps the entries after this one; the rest may be deleted.
  public var logStart: LogPosition
  /// Whether the log's entries are all void, also those after `logStart`: the snapshot came from
  /// the leader and the log does not continue it.
  public var isLogReset: Bool

  /// A change to this snapshot and this beginning of the log.
  public init(metadata: SnapshotMetadata, logStart: LogPosition, isLogReset: Bool) {
    self.metadata = metadata
    self.logStart = logStart
    self.isLogReset = isLogReset
  }
}

/// One atomic record for the one ordered stream of storage: all of it becomes durable, or none.
///
/// Apply the parts in this order: `snapshot`, `truncateFrom`, `entries`, `hardState`.
public struct StorageWrite: Hashable, Sendable {
  /// The name of the write, for its receipt.
  public var ticket: Ticket
  /// Whole and always there, so that a write can be understood alone.
  public var hardState: HardState
  /// Whether `currentTerm` or `votedFor` differ from the write before.
  public var isHardStateChanged: Bool
  /// Delete this entry and all that follow it, before `entries` are appended.
  public var truncateFrom: LogIndex?
  /// Entries to append.
  public var entries: Entries
  /// A new beginning of the log.
  public var snapshot: SnapshotMarker?
}

/// A storage write whose entries stand in the node's log: for hosts that read them there.
///
/// See `ActionBuffer.isReadingLog` and `RaftNode.entries(of:)`.
public struct LogWrite: Hashable, Sendable, BitwiseCopyable {
  /// The name of the write, for its receipt.
  public var ticket: Ticket
  /// Whole and always there, so that a write can be understood alone.
  public var hardState: HardState
  /// Delete this entry and all that follow it, before entries are appended.
  public var truncateFrom: LogIndex?
  /// The first entry to append.
  public var first: LogIndex
  /// The last entry to append; the one before `first` if there are none.
  public var last: LogPosition
  /// Whether `currentTerm` or `votedFor` differ from the write before.
  public var isHardStateChanged: Bool
  /// Whether the write brings a snapshot marker. Then it is in `ActionBuffer.stores` too, whole,
  /// and to be taken from there.
  public var isWhole: Bool
}

/// Entries to apply that stand in the node's log; see `RaftNode.forEachCommand(in:_:)`.
public struct LogRange: Hashable, Sendable, BitwiseCopyable {
  /// The first entry.
  public var first: LogIndex
  /// The last entry.
  public var last: LogIndex
}

extension StorageWrite {
  /// A write of these parts, as a node makes them; for storages and their tests.
  public init(
    ticket: Ticket, hardState: HardState, isHardStateChanged: Bool, entries: Entries,
    truncateFrom: LogIndex? = nil, snapshot: SnapshotMarker? = nil
  ) {
    self.init(
      ticket: ticket, hardState: hardState, isHardStateChanged: isHardStateChanged,
      truncateFrom: truncateFrom, entries: entries, snapshot: snapshot)
  }
}

/// A chunk of a snapshot to keep aside until the whole is there.
public struct SnapshotChunk: Hashable, Sendable {
  /// Which snapshot.
  public var metadata: SnapshotMetadata
  /// Where the bytes belong. Zero begins anew: what there was of another snapshot may be deleted.
  public var offset: UInt64
  /// The bytes.
  public var bytes: [UInt8]
  /// Whether the snapshot ends with them.
  public var isLast: Bool

  /// A chunk of these bytes.
  public init(metadata: SnapshotMetadata, offset: UInt64, bytes: [UInt8], isLast: Bool) {
    self.metadata = metadata
    self.offset = offset
    self.bytes = bytes
    self.isLast = isLast
  }
}

/// What the host is to do. See `RaftNode.step` for the host's three duties.
///
/// | action | may be late | may be reordered | may be lost | may be repeated |
/// |---|---|---|---|---|
/// | store | yes | no, one stream | no: report `storageFailed` | no |
/// | send | yes | yes | yes | yes |
/// | loads, chunks | yes | yes | yes, a timer asks again | yes |
/// | install, apply | yes | no, in the order given | no | no |
/// | ready, outcome | yes | yes | costs the caller its answer | no |
/// | observe | yes | yes | yes | yes |
public enum Action: Hashable, Sendable {
  /// Append this record to the one ordered storage stream, sync, then give back `persisted`.
  case store(StorageWrite)
  /// Safe to send at once, in any order, twice or never.
  case send(Message)
  /// Read entries that are no longer in memory, then give back `entriesLoaded`.
  case loadEntries(EntriesRequest)
  /// Read a piece of this node's snapshot, then give back `snapshotChunkLoaded`.
  case loadSnapshotChunk(SnapshotChunkRequest)
  /// Keep a piece of the leader's snapshot aside, then give back `snapshotChunkStored`.
  case storeSnapshotChunk(SnapshotChunk)
  /// Replace the state machine by this snapshot, then give back `applied` with its index.
  case installSnapshot(SnapshotMetadata)
  /// Committed and durable here, contiguous: apply in order, once each, then give back `applied`.
  case apply(Entries)
  /// Confirmed, and applied far enough: the state machine may be read.
  case readIsReady(RequestID, at: LogIndex)
  /// An answer to a request.
  case outcome(RequestID, Outcome)
  /// Something worth logging, counting or drawing. Never needed for correctness.
  case observe(Event)
}

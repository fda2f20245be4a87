import Raft

struct Scan: Sendable {}
enum FileHead { static let version: UInt8 = 1 }

/// The durable log of one node, and its snapshots.
///
/// A value without I/O: what it wants of its disk leaves it as `DiskJob`s, and what became of them
/// comes back by `finished`. Its host does three things:
///
/// 1. After every call, takes `nextJob()` until there is none, and has each job carried out by
///    `Disk.perform`: jobs of one lane in their order, those of different lanes as it likes.
/// 2. Gives each result back by `finished`, once, in any order.
/// 3. Ends the process at `JournalEvent.failed`. A failed sync is never tried again: the system may
///    have forgotten what it could not write.
///
/// All writes that are given while a sync is under way leave together with the next (group commit).
public struct Journal: Hashable, Sendable {
  /// Whose journal it is.
  public private(set) var identity: JournalIdentity
  /// What the node may do.
  public private(set) var standing = Standing.member
  /// How it uses its disk.
  public let settings: JournalSettings

  // MARK: Opening

  /// Makes a journal where there is none. The only way to a new node: nothing else takes an empty
  /// directory for one.
  ///
  /// - Parameter state: what the new node begins with, `DurableState(bootstrapping:)` or
  ///   `.joining`; it has no entries.
  /// - Throws: `JournalError`, with `.alreadyExists` if there is one.
  public static func create<D: Disk>(
    on disk: inout D, identity: JournalIdentity, state: DurableState,
    settings: JournalSettings = JournalSettings()
  ) throws(JournalError) -> RecoveredJournal {
    preconditionFailure("not yet")
  }

  /// Opens the journal of this node after a stop or a crash: reads and checks everything, discards
  /// a torn tail, begins a new incarnation and a new segment.
  ///
  /// - Parameter owner: whose journal it must be; its incarnation is not looked at.
  /// - Throws: `JournalError` if there is no journal or it is another's. Damage is no error but a
  ///   case of `Recovery`.
  /// - Complexity: O(bytes of the log); memory for the entries after the snapshot.
  public static func open<D: Disk>(
    on disk: inout D, owner: JournalIdentity, settings: JournalSettings = JournalSettings()
  ) throws(JournalError) -> Recovery {
    preconditionFailure("not yet")
  }

  // MARK: The log

  /// Takes the next write of the stream.
  ///
  /// - Precondition: the entries follow the log as all writes before left it.
  /// - Complexity: O(bytes).
  public mutating func append(_ write: StorageWrite) {
    preconditionFailure("not yet")
  }

  /// Reads entries back.
  public mutating func load(_ request: EntriesRequest, into events: inout [JournalEvent]) {
    preconditionFailure("not yet")
  }

  /// How many bytes of writes are not durable yet.
  public var waitingBytes: Int { 0 }

  /// Writes a record that vouches for all before it, if there is none yet: to be called when
  /// nothing has happened for a while, and before a stop. Damage to the newest records is then
  /// told from a torn write for sure.
  public mutating func vouch() {}

  // MARK: Snapshots of the node's own machine

  /// Begins a snapshot through this entry. One that was begun and not finished is dropped.
  ///
  /// - Parameter metadata: what it stands for.
  public mutating func beginSnapshot(_ metadata: SnapshotMetadata) {}

  /// Adds bytes to the snapshot. `snapshotWritten` tells how far they are with the disk: a machine
  /// of any size needs no more memory than what was added since.
  public mutating func writeSnapshot(_ bytes: [UInt8]) {}

  /// The snapshot is whole. `snapshotTaken` comes once it is durable.
  public mutating func finishSnapshot() {}

  /// Drops the snapshot that was begun.
  public mutating func abandonSnapshot() {}

  // MARK: Snapshots from a leader, and reading

  /// Keeps a piece of the leader's snapshot aside.
  public mutating func store(_ chunk: SnapshotChunk, into events: inout [JournalEvent]) {}

  /// Reads a piece of a whole snapshot: for a follower, or for this node's machine at the start and
  /// at `installSnapshot`.
  public mutating func load(_ request: SnapshotRead, into events: inout [JournalEvent]) {}

  /// How long the snapshot through this entry is, if it is here whole; in bytes.
  public func snapshotBytes(_ lastIncluded: LogPosition) -> UInt64? { nil }

  // MARK: Room

  /// Whether space runs out: take no more commands, take a snapshot. Between `spaceLow` and
  /// `spaceBack`.
  public var isSpaceLow: Bool { false }

  /// Tries again what a full disk stopped. To be called now and then while `isSpaceLow`.
  public mutating func spaceMayBeBack() {}

  // MARK: Repair

  /// The node holds again all that it may have promised: it is a member from now on.
  public mutating func rejoin() {}

  // MARK: Driving

  /// The next thing that the disk is to do, if there is one now.
  public mutating func nextJob() -> DiskJob? { nil }

  /// What became of a job.
  ///
  /// - Precondition: the job was given out by `nextJob` of this journal, or of the value that this
  ///   one is a copy of, and has not been finished.
  public mutating func finished(
    _ job: JobID, _ result: JobResult, into events: inout [JournalEvent]
  ) {}

  /// Feeds everything that decides what happens next.
  public func feed(_ digest: inout Digest) {}
}

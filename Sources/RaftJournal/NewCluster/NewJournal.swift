// A journal that is made with a snapshot and entries in it. It is written as any journal is, by
// chunks and storage writes, so there is no second way to write its format.

import Raft

/// A new journal on its way to its disk.
struct NewJournal {
  private var journal: Journal
  private let state: DurableState
  private var events: [JournalEvent] = []
  private var snapshotBytes: UInt64 = 0
  private var ticket = Ticket.zero

  /// How many bytes of entries may wait in memory.
  private static let maximumWaitingBytes = 4 << 20

  /// Makes the journal, which will hold this state.
  init<D: Disk>(
    _ owner: JournalIdentity, _ state: DurableState, _ settings: JournalSettings,
    on disk: inout D
  ) throws(JournalError) {
    self.state = state
    // What stands before a snapshot is the snapshot's to say.
    let first =
      state.snapshot.lastIncluded.index > .zero
      ? DurableState.joining : DurableState(bootstrapping: state.snapshot.membership)
    journal = try Journal.create(on: &disk, identity: owner, state: first, settings: settings)
      .journal
  }

  /// Adds bytes to the snapshot of the state.
  mutating func storeSnapshot<D: Disk>(
    _ bytes: [UInt8], isLast: Bool, on disk: inout D
  ) throws(JournalError) {
    let chunk = SnapshotChunk(
      metadata: state.snapshot, offset: snapshotBytes, bytes: bytes, isLast: isLast)
    snapshotBytes += UInt64(bytes.count)
    journal.store(chunk, into: &events)
    try settle(on: &disk)
  }

  /// Writes everything else. Then the journal is whole and durable.
  mutating func finish<D: Disk>(on disk: inout D) throws(JournalError) {
    let position = state.snapshot.lastIncluded
    if position.index > .zero {
      guard journal.snapshotBytes(position) != nil else {
        throw .disk(DiskError(.read, .snapshot(position), .notFound))
      }
      let marker = SnapshotMarker(
        metadata: state.snapshot, logStart: position, isLogReset: true)
      append(.none, marker)
    }
    for number in 0..<state.entries.runCount {
      append(Entries(state.entries.run(number)))
      if journal.waitingBytes > NewJournal.maximumWaitingBytes { try settle(on: &disk) }
    }
    if state.entries.isEmpty { append(.none) }
    try settle(on: &disk)
    journal.vouch()
    try settle(on: &disk)
  }

  private mutating func append(_ entries: Entries, _ marker: SnapshotMarker? = nil) {
    ticket = ticket.next
    journal.append(
      StorageWrite(
        ticket: ticket, hardState: state.hardState, isHardStateChanged: ticket == Ticket.zero.next,
        entries: entries, snapshot: marker))
  }

  /// Has everything done that is to be done.
  private mutating func settle<D: Disk>(on disk: inout D) throws(JournalError) {
    while let job = journal.nextJob() {
      let result = disk.perform(job)
      journal.finished(job.id, result, into: &events)
      // What is ahead of need may fail; whether the rest did is asked below.
      if case .failed(_, let error) = result, job.lane != .care { throw .disk(error) }
    }
    for event in events {
      switch event {
      case .failed(_, let error): throw .disk(error)
      case .snapshotChunkNotStored(let position, let error):
        throw .disk(error ?? DiskError(.write, .incoming(position), .notFound))
      case .persisted, .entriesLoaded, .entriesNotLoaded, .snapshotWritten, .snapshotTaken,
        .snapshotNotTaken, .snapshotChunkStored, .snapshotRead, .snapshotNotRead, .spaceLow,
        .spaceBack:
        continue
      }
    }
    events = []
    guard journal.isIdle else { throw .disk(DiskError(.write, nil, .full)) }
  }
}

// A simple disk: one ordered stream of writes of which a prefix is durable. It tears nothing and
// forgets nothing that was synced; that is another disk's part.

import Raft

/// What one node's storage holds.
struct Disk: Sendable {
  /// The outcome of all durable writes.
  private(set) var hardState = HardState()
  private(set) var snapshot: SnapshotMetadata
  private(set) var logStart = LogPosition(term: .zero, index: .zero)
  /// The durable entries after `logStart`.
  private(set) var runs: [EntryRun] = []

  /// The writes that are not durable yet, in their order.
  private(set) var pending: [StorageWrite] = []
  /// How many of them the sync under way is about; 0 if none is under way.
  var syncing = 0
  /// The last durable write of this life.
  private(set) var durableTicket = Ticket.zero

  /// Snapshots whose bytes are durable, oldest first; the newest may not be in force yet.
  private(set) var images: [Image] = []
  /// What was stored aside of a leader's snapshot.
  private(set) var staged: Staged?

  /// The bytes of a snapshot of the machine.
  struct Image: Sendable {
    var index: LogIndex
    var bytes: [UInt8]
  }

  /// A snapshot on its way in.
  struct Staged: Sendable {
    var metadata: SnapshotMetadata
    var bytes: [UInt8]
    /// How many of the bytes a crash leaves.
    var durable: UInt64
    /// How many bytes the whole has; 0 as long as its end has not come.
    var whole: UInt64 = 0
  }

  /// A disk of a node of this first membership.
  init(_ membership: Membership) {
    let state = DurableState(bootstrapping: membership)
    snapshot = state.snapshot
  }

  /// What a node finds when it is started now.
  var durableState: DurableState {
    var partial: PartialSnapshot?
    if let staged, staged.durable > 0 {
      partial = PartialSnapshot(metadata: staged.metadata, bytesStored: staged.durable)
    }
    return DurableState(
      hardState: hardState, snapshot: snapshot, logStart: logStart,
      entries: Entries(runs) ?? .none, partialSnapshot: partial)
  }

  // MARK: The stream of writes

  /// Adds a write to the stream. A received snapshot that it is about gets its name now: its bytes
  /// are durable, and the place aside may be wanted for the next one before this write is.
  mutating func write(_ write: StorageWrite) {
    pending.append(write)
    if let marker = write.snapshot, let partial = staged,
      partial.metadata.lastIncluded == marker.metadata.lastIncluded,
      partial.whole > 0, partial.durable == partial.whole
    {
      keepImage(partial.bytes, at: marker.metadata.lastIncluded.index)
    }
  }

  /// Makes the first `count` of the pending writes durable and returns the ticket of the last.
  mutating func makeDurable(_ count: Int) -> Ticket {
    for position in 0..<count {
      durableTicket = pending[position].ticket
      carryOut(pending[position])
    }
    if count == pending.count {
      pending.removeAll(keepingCapacity: true)
    } else {
      pending.removeFirst(count)
    }
    return durableTicket
  }

  private mutating func carryOut(_ write: StorageWrite) {
    if let marker = write.snapshot {
      snapshot = marker.metadata
      dropStaged(through: marker.metadata.lastIncluded.index)
      dropImages(before: marker.metadata.lastIncluded.index)
      if marker.isLogReset {
        runs.removeAll(keepingCapacity: true)
      } else {
        dropEntries(through: marker.logStart.index)
      }
      logStart = marker.logStart
    }
    if let first = write.truncateFrom { dropEntries(from: first) }
    for position in 0..<write.entries.runCount { runs.append(write.entries.run(position)) }
    hardState = write.hardState
  }

  private mutating func dropEntries(through index: LogIndex) {
    var whole = 0
    while whole < runs.count, runs[whole].lastIndex <= index { whole += 1 }
    if whole > 0 { runs.removeFirst(whole) }
    if let first = runs.first, first.firstIndex <= index {
      runs[0] = first.slice(from: index.next, through: first.lastIndex)
    }
  }

  private mutating func dropEntries(from index: LogIndex) {
    while let last = runs.last, last.firstIndex >= index { runs.removeLast() }
    if let last = runs.last, last.lastIndex >= index {
      runs[runs.count - 1] = last.slice(from: last.firstIndex, through: index.previous)
    }
  }

  /// The durable entries from `first` through `last`, or `nil` if not all are there with payloads.
  func entries(from first: LogIndex, through last: LogIndex) -> Entries? {
    var parts: [EntryRun] = []
    var next = first
    for run in runs where run.lastIndex >= first && run.firstIndex <= last {
      let start = max(run.firstIndex, first)
      guard start == next else { return nil }
      let end = min(run.lastIndex, last)
      parts.append(run.slice(from: start, through: end))
      next = end.next
    }
    return next == last.next && first <= last ? Entries(parts) : nil
  }

  // MARK: Crashes

  /// Forgets what is not durable but for the first `kept` pending writes. Returns the ticket of the
  /// last write that is left of this life, `.zero` if there is none.
  mutating func crash(keeping kept: Int) -> Ticket {
    let survivor = kept > 0 ? makeDurable(kept) : durableTicket
    pending.removeAll(keepingCapacity: true)
    syncing = 0
    durableTicket = .zero
    if var partial = staged {
      partial.bytes.removeLast(partial.bytes.count - Int(partial.durable))
      staged = partial.durable > 0 ? partial : nil
    }
    return survivor
  }

  // MARK: Snapshots

  /// The bytes of the machine as of `index`, if they are here.
  func image(at index: LogIndex) -> [UInt8]? {
    for image in images where image.index == index { return image.bytes }
    return nil
  }

  /// Keeps a snapshot of the node's own machine, durably.
  mutating func keepImage(_ bytes: [UInt8], at index: LogIndex) {
    images.removeAll { $0.index == index }
    images.append(Image(index: index, bytes: bytes))
  }

  private mutating func dropImages(before index: LogIndex) {
    images.removeAll { $0.index < index }
  }

  /// Writes a chunk aside, not durably yet. False if bytes before it are missing.
  mutating func stage(_ chunk: SnapshotChunk) -> Bool {
    if chunk.offset == 0 && staged?.metadata.lastIncluded != chunk.metadata.lastIncluded {
      staged = Staged(metadata: chunk.metadata, bytes: [], durable: 0)
    }
    guard var partial = staged, partial.metadata.lastIncluded == chunk.metadata.lastIncluded,
      chunk.offset <= UInt64(partial.bytes.count)
    else { return false }
    staged = nil
    let known = partial.bytes.count - Int(chunk.offset)
    if chunk.isLast { partial.whole = chunk.offset + UInt64(chunk.bytes.count) }
    if known < chunk.bytes.count { partial.bytes.append(contentsOf: chunk.bytes.dropFirst(known)) }
    staged = partial
    return true
  }

  /// Makes what was staged of this snapshot durable up to `end`.
  mutating func stagedIsDurable(_ lastIncluded: LogPosition, through end: UInt64) -> Bool {
    guard let metadata = staged?.metadata, metadata.lastIncluded == lastIncluded else {
      return false
    }
    if let durable = staged?.durable, durable < end { staged?.durable = end }
    return true
  }

  private mutating func dropStaged(through index: LogIndex) {
    if let partial = staged, partial.metadata.lastIncluded.index <= index { staged = nil }
  }
}

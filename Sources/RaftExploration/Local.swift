// One node with its disk, as a value: what a host of the core is, and nothing more. The very same
// `RaftNode` that production runs is stepped here.

import Raft

/// A node, what its disk holds, and the writes that are under way to it.
struct Local: Sendable {
  var node: RaftNode
  var disk: DurableState
  /// Not durable yet, oldest first. A crash keeps any number of them from the front.
  var pending: [StorageWrite] = []
  /// Crashed and not started again; only without reductions, see `Move.Kind.crash`.
  var isDown = false

  init(starting node: RaftNode, from disk: DurableState) {
    self.node = node
    self.disk = disk
  }

  /// A fingerprint under other names; not that of a `Message`, whose digest begins otherwise.
  func fingerprint(_ names: NodeRenaming, isTimeless: Bool = false) -> UInt64 {
    var digest = Digest(0x6c6f_6361_6c21_2121)
    digest.combine(names[node.id].rawValue)
    digest.combine(isDown ? 1 : 0)
    if !isDown {
      digest.combine(node.fingerprint(renaming: names, isTimeless: isTimeless))
    }
    digest.combine(disk.fingerprint(renaming: names))
    for write in pending { digest.combine(write.fingerprint(renaming: names)) }
    return digest.value
  }

  /// Whether the disk holds this entry, or a snapshot of it.
  func isDurable(_ position: LogPosition) -> Bool {
    if position.index <= disk.snapshot.lastIncluded.index { return true }
    return diskTerm(at: position.index) == position.term
  }

  func diskTerm(at index: LogIndex) -> Term? {
    if index == disk.logStart.index { return disk.logStart.term }
    for position in 0..<disk.entries.runCount {
      let run = disk.entries.run(position)
      if index >= run.firstIndex && index <= run.lastIndex { return run.term }
    }
    return nil
  }

  var lastDurable: LogIndex {
    disk.entries.isEmpty ? disk.logStart.index : disk.entries.lastIndex
  }

  /// The newest hard state that was asked to be stored.
  var askedHardState: HardState { pending.last?.hardState ?? disk.hardState }
}

extension DurableState {
  /// Carries out one write: snapshot, truncation, entries, hard state.
  mutating func carryOut(_ write: StorageWrite) {
    var runs: [EntryRun] = []
    for position in 0..<entries.runCount { runs.append(entries.run(position)) }
    if let marker = write.snapshot {
      snapshot = marker.metadata
      logStart = marker.logStart
      if marker.isLogReset { runs = [] }
      runs = DurableState.cut(runs, after: marker.logStart.index)
    }
    if let first = write.truncateFrom { runs = DurableState.cut(runs, before: first) }
    for position in 0..<write.entries.runCount {
      let run = write.entries.run(position)
      if run.lastIndex > logStart.index { runs.append(run) }
    }
    entries = Entries(runs) ?? write.entries
    hardState = write.hardState
  }

  static func cut(_ runs: [EntryRun], after index: LogIndex) -> [EntryRun] {
    var kept: [EntryRun] = []
    for run in runs where run.lastIndex > index {
      kept.append(
        run.firstIndex > index ? run : run.slice(from: index.next, through: run.lastIndex))
    }
    return kept
  }

  static func cut(_ runs: [EntryRun], before index: LogIndex) -> [EntryRun] {
    var kept: [EntryRun] = []
    for run in runs where run.firstIndex < index {
      kept.append(
        run.lastIndex < index ? run : run.slice(from: run.firstIndex, through: index.previous))
    }
    return kept
  }
}

/// What can happen to one node.
enum LocalInput {
  case receive(Message)
  case persist
  case campaign
  case heartbeat
  case propose(UInt64)
  case change(Int)
  case snapshot
  case read(UInt64)
  /// Crashes with so many of the pending writes on the disk; starts again unless `staysDown`.
  case crash(surviving: Int, staysDown: Bool)
  case restart
}

/// What one step of a node has done that the whole cluster's properties are about.
struct Effects: Sendable {
  /// The term in which the node was elected by this step.
  var elected: Term?
  /// Entries that the node newly takes for committed.
  var committed: [Entry] = []
  /// The leader's term, if it was a leader's commit.
  var committedIn: Term?
  /// A snapshot that stands for commits that the node did not see one by one.
  var installed: LogPosition?
  /// Reads that were asked and that became ready.
  var asked: RequestID?
  var ready: [LogRead] = []
  /// What callers were told is committed.
  var told: [LogPosition] = []

  var isEmpty: Bool {
    elected == nil && committed.isEmpty && installed == nil && asked == nil && ready.isEmpty
      && told.isEmpty
  }
}

/// A read that a node says may be answered from this index on.
struct LogRead: Sendable, BitwiseCopyable {
  var request: RequestID
  var index: LogIndex
}

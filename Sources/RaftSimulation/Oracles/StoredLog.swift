// Figure 2's persistent state, as the writes of one node's storage stream amount to it. The oracles
// keep two of them for each node: all writes asked for, and those that are on the disk.

import Raft

/// The terms of a log and where its memberships stand, and the hard state: no payloads.
struct StoredLog: Sendable {
  /// From `first` on the entries are of this term, until the next run begins.
  struct TermRun: BitwiseCopyable, Sendable {
    var first: UInt64
    var term: UInt64
  }

  private(set) var currentTerm: UInt64 = 0
  /// The candidate that has the vote in `currentTerm`; zero for none.
  private(set) var votedFor: UInt64 = 0
  /// The log's entries follow this index.
  private(set) var startIndex: UInt64 = 0
  private(set) var startTerm: UInt64 = 0
  private(set) var lastIndex: UInt64 = 0
  /// What the newest snapshot ends with.
  private(set) var snapshotIndex: UInt64 = 0
  private(set) var snapshotTerm: UInt64 = 0
  /// The entry that the snapshot's membership comes from.
  private(set) var snapshotMembershipIndex: UInt64 = 0
  private var runs: [TermRun] = []
  /// The indexes of the membership entries after the snapshot, in order.
  private(set) var memberships: [UInt64] = []

  init() {}

  /// What a node finds when it starts.
  init(_ state: DurableState) {
    currentTerm = state.hardState.currentTerm.rawValue
    votedFor = state.hardState.votedFor?.rawValue ?? 0
    startIndex = state.logStart.index.rawValue
    startTerm = state.logStart.term.rawValue
    lastIndex = startIndex
    snapshotIndex = state.snapshot.lastIncluded.index.rawValue
    snapshotTerm = state.snapshot.lastIncluded.term.rawValue
    snapshotMembershipIndex = state.snapshot.membershipIndex.rawValue
    append(state.entries)
  }

  /// Whether both amount to the same log and hard state, as far as they tell.
  func isSame(as other: StoredLog) -> Bool {
    currentTerm == other.currentTerm && votedFor == other.votedFor
      && lastIndex == other.lastIndex && lastTerm == other.lastTerm
      && snapshotIndex == other.snapshotIndex && startIndex == other.startIndex
      && membershipIndex == other.membershipIndex
  }

  /// The log and the hard state in a few words.
  var description: String {
    "term \(currentTerm), vote \(votedFor), a log after \(startIndex) to \(lastIndex) of term"
      + " \(lastTerm), snapshot \(snapshotIndex)"
  }

  /// The term of the last entry.
  var lastTerm: UInt64 { runs.last?.term ?? startTerm }

  /// The index of the newest membership.
  var membershipIndex: UInt64 { memberships.last ?? snapshotMembershipIndex }

  /// The index of the membership before the newest, or `nil` if that is in the snapshot or before.
  var previousMembershipIndex: UInt64? {
    guard memberships.count > 1 else {
      return memberships.isEmpty ? nil : snapshotMembershipIndex
    }
    return memberships[memberships.count - 2]
  }

  /// The term of the entry at `index`, of the log's start or of the snapshot's end, or zero if the
  /// log does not know it.
  ///
  /// - Complexity: O(1) near the end, O(log runs) elsewhere.
  func term(at index: UInt64) -> UInt64 {
    if index > lastIndex { return 0 }
    if index <= startIndex {
      if index == startIndex { return startTerm }
      return index == snapshotIndex ? snapshotTerm : 0
    }
    var low = 0
    var high = runs.count - 1
    if runs[high].first <= index { return runs[high].term }
    while low + 1 < high {
      let middle = (low + high) / 2
      if runs[middle].first <= index { low = middle } else { high = middle }
    }
    return runs[low].term
  }

  /// Whether the entry is in this log or in the snapshot before it.
  ///
  /// What a snapshot replaces was committed, so its terms need not be known here.
  func holds(_ index: UInt64, term: UInt64) -> Bool {
    index <= snapshotIndex && index < startIndex || self.term(at: index) == term
  }

  /// Carries out one write, in the order that `StorageWrite` prescribes.
  mutating func apply(_ write: StorageWrite) {
    applyAllButEntries(write)
    append(write.entries)
  }

  /// Carries out the parts of a write that come before its entries.
  mutating func applyAllButEntries(_ write: StorageWrite) {
    if let marker = write.snapshot { apply(marker) }
    if let from = write.truncateFrom { truncate(from: from.rawValue) }
    currentTerm = write.hardState.currentTerm.rawValue
    votedFor = write.hardState.votedFor?.rawValue ?? 0
  }

  private mutating func apply(_ marker: SnapshotMarker) {
    snapshotIndex = marker.metadata.lastIncluded.index.rawValue
    snapshotTerm = marker.metadata.lastIncluded.term.rawValue
    snapshotMembershipIndex = marker.metadata.membershipIndex.rawValue
    let start = marker.logStart.index.rawValue
    if marker.isLogReset || start >= lastIndex {
      lastIndex = start
      runs.removeAll(keepingCapacity: true)
    } else if start > startIndex {
      var gone = 0
      while gone + 1 < runs.count, runs[gone + 1].first <= start + 1 { gone += 1 }
      if gone > 0 { runs.removeFirst(gone) }
      if !runs.isEmpty, runs[0].first <= start { runs[0].first = start + 1 }
    }
    startIndex = start
    startTerm = marker.logStart.term.rawValue
    if marker.isLogReset {
      memberships.removeAll()
    } else {
      memberships.removeAll { $0 <= snapshotMembershipIndex }
    }
  }

  private mutating func truncate(from index: UInt64) {
    guard index <= lastIndex else { return }
    lastIndex = max(index, startIndex + 1) - 1
    while let last = runs.last, last.first > lastIndex { runs.removeLast() }
    while let last = memberships.last, last > lastIndex { memberships.removeLast() }
  }

  /// Carries out the rest.
  mutating func append(_ entries: Entries) {
    guard !entries.isEmpty else { return }
    if entries.runCount == 1 {
      // Mostly. The parts one by one: as a whole the run would be copied.
      append(
        entries.head.kind, from: entries.head.firstIndex.rawValue, entries.head.count,
        term: entries.head.term.rawValue)
    } else {
      for position in 0..<entries.runCount {
        let run = entries.run(position)
        append(run.kind, from: run.firstIndex.rawValue, run.count, term: run.term.rawValue)
      }
    }
    lastIndex = entries.lastIndex.rawValue
  }

  @inline(__always)
  private mutating func append(
    _ kind: EntryKind, from first: UInt64, _ count: Int, term: UInt64
  ) {
    if lastTerm != term || runs.isEmpty { runs.append(TermRun(first: first, term: term)) }
    guard kind == .membership else { return }
    for offset in 0..<count { memberships.append(first + UInt64(offset)) }
  }
}

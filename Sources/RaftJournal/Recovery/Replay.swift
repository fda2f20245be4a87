// What the records of a log amount to, one after the other: the same as a node's storage after the
// writes that they were made from.

import Raft

struct Replay: Sendable {
  var summary: LogSummary
  var extents: [Extent] = []
  /// The entries after `summary.logStart`, as far as segments that hold them are there.
  var runs: [EntryRun] = []
  /// Entries through this one were in segments that are deleted.
  var absentThrough: LogIndex
  var records: UInt64 = 0

  init(_ summary: LogSummary) {
    self.summary = summary
    absentThrough = summary.lastIndex
  }

  /// The last entry.
  var last: LogPosition {
    if let run = runs.last { return LogPosition(term: run.term, index: run.lastIndex) }
    if summary.lastIndex == summary.logStart.index { return summary.logStart }
    return LogPosition(term: .zero, index: summary.lastIndex)
  }

  /// Applies a record; false if it cannot follow those before.
  mutating func apply(
    _ head: RecordHead, _ body: RecordBody, segment: UInt64, record: Range<UInt64>,
    spacing: UInt64
  ) -> Bool {
    let logEnd = summary.lastIndex
    guard summary.lastIndex(after: body) == head.lastIndex else { return false }
    if let marker = body.snapshot {
      if marker.isLogReset {
        runs.removeAll()
        absentThrough = .zero
      } else {
        drop(through: marker.logStart.index)
      }
      evict(through: marker.metadata.lastIncluded.index)
    }
    if let first = body.truncateFrom {
      drop(from: first)
      absentThrough = min(absentThrough, first.previous)
    }
    for position in 0..<body.entries.runCount {
      let run = body.entries.run(position)
      if let newest = runs.last, newest.term > run.term { return false }
      runs.append(run)
    }
    extents.note(
      body, logEnd: logEnd, segment: segment, record: record, spacing: spacing)
    if let marker = body.snapshot {
      summary.snapshot = marker.metadata
      summary.logStart = marker.logStart
    }
    summary.lastIndex = head.lastIndex
    summary.hardState = head.hardState
    records += 1
    return true
  }

  private mutating func drop(from index: LogIndex) {
    while let newest = runs.last, newest.firstIndex >= index { runs.removeLast() }
    if let newest = runs.last, newest.lastIndex >= index {
      runs[runs.count - 1] = newest.slice(from: newest.firstIndex, through: index.previous)
    }
  }

  private mutating func drop(through index: LogIndex) {
    var gone = 0
    while gone < runs.count, runs[gone].lastIndex <= index { gone += 1 }
    runs.removeFirst(gone)
    if let oldest = runs.first, oldest.firstIndex <= index {
      runs[0] = oldest.slice(from: index.next, through: oldest.lastIndex)
    }
  }

  /// Drops the commands that a snapshot holds as well, and joins what is then alike.
  private mutating func evict(through index: LogIndex) {
    var kept: [EntryRun] = []
    kept.reserveCapacity(runs.count)
    for run in runs {
      guard run.lastIndex <= index, run.kind == .command, run.payloads != .elided else {
        kept.append(run)
        continue
      }
      var first = run.firstIndex
      var count = UInt64(run.count)
      if let newest = kept.last, newest.payloads == .evicted, newest.term == run.term,
        UInt64(newest.count) + count < UInt64(UInt32.max)
      {
        first = newest.firstIndex
        count += UInt64(newest.count)
        kept.removeLast()
      }
      kept.append(
        EntryRun(
          firstIndex: first, term: run.term, kind: .command,
          count: UInt32(truncatingIfNeeded: count), payloads: .evicted))
    }
    runs = kept
  }

  /// The state that a node is restored from.
  func durableState(_ partial: PartialSnapshot?) -> DurableState? {
    guard let entries = Entries(runs) else { return nil }
    if entries.isEmpty {
      guard summary.lastIndex == summary.logStart.index else { return nil }
    } else {
      guard entries.firstIndex == summary.logStart.index.next else { return nil }
    }
    return DurableState(
      hardState: summary.hardState, snapshot: summary.snapshot, logStart: summary.logStart,
      entries: entries, partialSnapshot: partial)
  }
}

// What a write does to a log, for the journal that writes it and for the scan that reads it.

import Raft

extension RecordBody {
  init(_ write: StorageWrite) {
    snapshot = write.snapshot
    truncateFrom = write.truncateFrom
    entries = write.entries
  }
}

extension LogSummary {
  /// Applies the parts of a write, in the order of `StorageWrite`; false if they cannot follow what
  /// there is.
  mutating func apply(_ body: RecordBody, _ hardState: HardState) -> Bool {
    if let marker = body.snapshot {
      guard marker.logStart.index <= marker.metadata.lastIncluded.index else { return false }
      if marker.isLogReset {
        lastIndex = marker.logStart.index
      } else if marker.logStart.index > lastIndex {
        return false
      }
      snapshot = marker.metadata
      logStart = marker.logStart
    }
    if let first = body.truncateFrom {
      guard first > logStart.index else { return false }
      lastIndex = min(lastIndex, first.previous)
    }
    if !body.entries.isEmpty {
      guard body.entries.firstIndex == lastIndex.next else { return false }
      lastIndex = body.entries.lastIndex
    }
    self.hardState = hardState
    return true
  }
}

extension [Extent] {
  /// Notes where a record lies whose write does this to the log, which ended at `logEnd`.
  mutating func note(
    _ body: RecordBody, logEnd: LogIndex, segment: UInt64, record: Range<UInt64>, spacing: UInt64
  ) {
    if let marker = body.snapshot {
      if marker.isLogReset || marker.logStart.index >= logEnd {
        removeAll()
      } else {
        var gone = 0
        while gone + 1 < count, self[gone + 1].first <= marker.logStart.index.next { gone += 1 }
        removeFirst(gone)
      }
    }
    if let first = body.truncateFrom {
      while let newest = last, newest.first >= first { removeLast() }
      if !isEmpty { self[count - 1].isClosed = true }
    }
    guard !body.entries.isEmpty else { return }
    if let newest = last, !newest.isClosed, newest.segment == segment,
      record.upperBound - newest.offset <= spacing
    {
      self[count - 1].end = record.upperBound
      return
    }
    append(
      Extent(
        first: body.entries.firstIndex, segment: segment, offset: record.lowerBound,
        end: record.upperBound))
  }
}

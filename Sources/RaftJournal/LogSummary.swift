// What a write does to a log, for the journal that writes it and for the scan that reads it.

import Raft

extension StorageWrite {
  /// Whether it does nothing to the log but to append entries, if any. Most writes are so.
  var isPlain: Bool {
    if case nil = truncateFrom, case nil = snapshot { return true }
    return false
  }
}

extension RecordBody {
  init(_ write: StorageWrite) {
    snapshot = write.snapshot
    truncateFrom = write.truncateFrom
    entries = write.entries
  }
}

extension LogSummary {
  func lastIndex(after write: StorageWrite) -> LogIndex? {
    guard write.isPlain else { return lastIndex(after: RecordBody(write)) }
    guard !write.entries.isEmpty else { return lastIndex }
    return write.entries.firstIndex == lastIndex.next ? write.entries.lastIndex : nil
  }

  /// Where the log ends after the parts of a write, in the order of `StorageWrite`; `nil` if they
  /// cannot follow what there is.
  func lastIndex(after body: RecordBody) -> LogIndex? {
    var lastIndex = lastIndex
    var start = logStart.index
    if let marker = body.snapshot {
      guard marker.logStart.index <= marker.metadata.lastIncluded.index else { return nil }
      if marker.isLogReset {
        lastIndex = marker.logStart.index
      } else if marker.logStart.index > lastIndex {
        return nil
      }
      start = marker.logStart.index
    }
    if let first = body.truncateFrom {
      guard first > start else { return nil }
      lastIndex = min(lastIndex, first.previous)
    }
    guard !body.entries.isEmpty else { return lastIndex }
    return body.entries.firstIndex == lastIndex.next ? body.entries.lastIndex : nil
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
    note(body.entries.firstIndex, segment: segment, record: record, spacing: spacing)
  }

  /// Notes where a record lies whose entries begin with this one and follow all before.
  mutating func note(
    _ first: LogIndex, segment: UInt64, record: Range<UInt64>, spacing: UInt64
  ) {
    if let newest = last, !newest.isClosed, newest.segment == segment,
      record.upperBound - newest.offset <= spacing
    {
      self[count - 1].end = record.upperBound
      return
    }
    append(
      Extent(first: first, segment: segment, offset: record.lowerBound, end: record.upperBound))
  }
}

// The log of a scan. Every segment but the newest must be whole up to where the next one says that
// it ends; how the newest one ends has to be judged.

import Raft

extension Scan {
  mutating func readLog<D: Disk>(_ disk: inout D, _ spacing: UInt64) throws(DiskError) {
    var numbers: [UInt64] = []
    for file in files {
      if case .segment(let number) = file { numbers.append(number) }
    }
    var heads: [SegmentHead] = []
    for position in numbers.indices {
      let file = FileName.segment(numbers[position])
      if position > 0 && numbers[position] != numbers[position - 1] + 1 {
        note(.segment(numbers[position - 1] + 1), at: 0, .missing)
        break
      }
      switch try readHead(of: file, &disk, SegmentHead.decode) {
      case .failure(let problem): note(file, at: 0, problem.kind)
      case .success(let head):
        if !owns(head.identity) || head.number != numbers[position] {
          note(file, at: 0, .foreign)
        } else {
          heads.append(head)
        }
      }
      if !damages.isEmpty { break }
    }
    if damages.isEmpty, (numbers.last ?? 0) < max(newestSegment, 1) {
      note(.segment(max(newestSegment, 1)), at: 0, .missing)
    }
    try traceBeyond(heads.count, numbers, &disk)
    for position in heads.indices {
      let next = position + 1 < heads.count ? heads[position + 1] : nil
      guard try readSegment(heads[position], next, &disk, spacing) else {
        // All that follows hides what this node has promised, not the next segment alone.
        for head in heads[(position + 1)...] { try traceAfter(head, &disk) }
        return
      }
    }
    guard damages.isEmpty, let first = numbers.first else { return }
    if replay.absentThrough > replay.summary.logStart.index {
      note(.segment(first - 1), at: 0, .missing)
    }
  }

  mutating func note(
    _ file: FileName, at offset: UInt64, _ kind: DamageKind, _ promise: Promise = .certain
  ) {
    damages.append(Damage(file: file, offset: offset, kind: kind, promise: promise))
  }

  private mutating func trace(_ term: Term, _ index: LogIndex) {
    floor.term = max(floor.term, term)
    floor.index = max(floor.index, index)
  }

  /// Looks at the heads of segments that come after a damaged one.
  private mutating func traceBeyond<D: Disk>(
    _ intact: Int, _ numbers: [UInt64], _ disk: inout D
  ) throws(DiskError) {
    guard intact < numbers.count else { return }
    for number in numbers[intact...] {
      if case .success(let head) = try readHead(
        of: .segment(number), &disk, SegmentHead.decode), owns(head.identity)
      {
        trace(head.summary.hardState.currentTerm, head.summary.lastIndex)
        var window = try FileWindow(.segment(number), on: &disk)
        let tail = try survey(&window, head, from: UInt64(head.bytes), &disk)
        trace(tail.floor.term, tail.floor.index)
      } else {
        try traceWithoutHead(number, &disk)
      }
    }
  }

  /// Looks for records in a segment of which the head is damaged. What their checksums begin with
  /// is the head's own: that which stands there, or if just that is damaged, that of the rest.
  private mutating func traceWithoutHead<D: Disk>(
    _ number: UInt64, _ disk: inout D
  ) throws(DiskError) {
    var window = try FileWindow(.segment(number), on: &disk)
    let bytes = try window.look(at: 0, count: UInt64(FileHead.maximumBytes), on: &disk)
    for salt in FileHead.possibleChecksums(bytes) {
      let head = SegmentHead(
        identity: identity, number: number, firstSequence: 1, previousEnd: 0,
        summary: Scan.nothing, bytes: 0, salt: salt)
      let found = try survey(&window, head, from: 0, &disk)
      trace(found.floor.term, found.floor.index)
    }
  }

  /// Replays a segment; false if it is damaged, and what follows it of no use.
  private mutating func readSegment<D: Disk>(
    _ head: SegmentHead, _ next: SegmentHead?, _ disk: inout D, _ spacing: UInt64
  ) throws(DiskError) -> Bool {
    let file = FileName.segment(head.number)
    if segments.isEmpty {
      replay = Replay(head.summary)
      nextSequence = head.firstSequence
    } else {
      guard head.firstSequence == nextSequence, head.summary.continues(replay.summary) else {
        note(file, at: 0, .malformed)
        return false
      }
      replay.summary.hardState = head.summary.hardState
    }
    var window = try FileWindow(file, on: &disk)
    let isSealed = next != nil
    let limit = next?.previousEnd ?? window.size
    let start = replay.records
    let (end, problem) = try readRecords(&window, head, to: limit, &disk, spacing)
    segments.append(
      ScannedSegment(
        head: head, fileBytes: window.size, end: end, records: replay.records - start))
    if isSealed {
      guard end != limit || problem != nil else { return true }
      note(file, at: end, problem ?? .tooShort)
      return false
    }
    if !damages.isEmpty {
      // A later segment is damaged: that it is there at all vouches for every record of this one.
      let rest = try survey(&window, head, from: end, &disk)
      if rest.lastNonzero != nil { note(file, at: end, problem ?? .checksum) }
      return true
    }
    try judgeTail(&window, head, from: end, problem, &disk)
    return damages.isEmpty
  }

  /// Looks at what a damaged segment hides: the newest state of which there is a trace.
  private mutating func traceAfter<D: Disk>(
    _ head: SegmentHead, _ disk: inout D
  ) throws(DiskError) {
    trace(head.summary.hardState.currentTerm, head.summary.lastIndex)
    var window = try FileWindow(.segment(head.number), on: &disk)
    let found = try survey(&window, head, from: UInt64(head.bytes), &disk)
    trace(found.floor.term, found.floor.index)
  }

  /// Replays records up to the limit or to the first that is not one.
  private mutating func readRecords<D: Disk>(
    _ window: inout FileWindow, _ head: SegmentHead, to limit: UInt64, _ disk: inout D,
    _ spacing: UInt64
  ) throws(DiskError) -> (end: UInt64, problem: DamageKind?) {
    var place = UInt64(head.bytes)
    unvouched = UnvouchedRecords()
    guard place <= limit else { return (place, .malformed) }
    while place + RecordHead.minimumBytes <= limit {
      let headBytes = try window.look(at: place, count: UInt64(RecordHead.bytes), on: &disk)
      guard
        let record = headBytes.withUnsafeBytes({
          RecordHead($0, salt: head.salt, offset: place)
        })
      else { return (place, window.kind(place..<place + 64)) }
      let end = place + record.totalBytes
      guard end <= limit else { return (place, .tooShort) }
      guard record.sequence == nextSequence else { return (place, .malformed) }
      let bytes = try window.look(at: place, count: record.totalBytes, on: &disk)
      do throws(FormatProblem) {
        let body = try RecordBody.read(bytes, after: record)
        guard
          replay.apply(
            record, body, segment: head.number, record: place..<end, spacing: spacing)
        else { return (place, .malformed) }
      } catch {
        return (place, window.isUnreadable(place..<end) ? .unreadable : error.kind)
      }
      nextSequence += 1
      unvouched.read(record, at: place)
      place = end
    }
    return (place, nil)
  }
}

extension LogSummary {
  /// Whether a segment may begin with this after another that ended with `earlier`. A repair moves
  /// the term on.
  fileprivate func continues(_ earlier: LogSummary) -> Bool {
    snapshot == earlier.snapshot && logStart == earlier.logStart
      && lastIndex == earlier.lastIndex
      && hardState.currentTerm >= earlier.hardState.currentTerm
  }
}

extension FileWindow {
  fileprivate func kind(_ range: Range<UInt64>) -> DamageKind {
    isUnreadable(range) ? .unreadable : .checksum
  }
}

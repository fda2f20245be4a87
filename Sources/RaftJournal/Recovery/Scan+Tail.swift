// How the newest segment ends. A crash leaves what was never synced whole, torn or not at all; a
// spoilt disk damages what was. The first must be discarded and the second must not, and both look
// alike to a checksum. Four things tell them apart:
//
// 1. Every record names the newest one that was durable when it was made. If a record is found
//    after the damage that vouches for the damaged one, that one was durable.
// 2. What a crash leaves out of a segment reads as zeros, since segments are made of zeros and
//    never used twice. A record ends with a byte that is not zero. So a torn record ends with a
//    zero, or has a sector of zeros within, or is too short for a record.
// 3. No segment is written to in a second life: nothing older lies behind the end.
// 4. A journal that has nothing to do vouches for its last record by an empty one.
//
// What is neither vouched for nor looks torn may be damage to something that was reported durable
// a moment before the crash. It is treated as damage.

import Raft

/// What lies behind the last good record.
struct TailSurvey {
  /// The last byte that is not zero.
  var lastNonzero: UInt64?
  /// The first place of a whole head of a record.
  var firstHead: UInt64?
  /// All records through this one were durable, as records behind the damage say.
  var durable: UInt64 = 0
  var floor = LogPosition(term: .zero, index: .zero)
  var isUnreadable = false
}

extension Scan {
  /// Looks at everything from `start`, which is a multiple of 8, to the end of the file.
  func survey<D: Disk>(
    _ window: inout FileWindow, _ head: SegmentHead, from start: UInt64, _ disk: inout D
  ) throws(DiskError) -> TailSurvey {
    var result = TailSurvey()
    var place = start
    while place < window.contentEnd {
      // Heads may lie across the edge of a window: look at a little more than is searched.
      let part = min(FileWindow.chunk, window.contentEnd - place)
      let bytes = try window.look(at: place, count: part + 64, on: &disk)
      guard !bytes.isEmpty else { break }
      let searched = min(Int(part), bytes.count)
      bytes.withUnsafeBytes { buffer in
        var offset = 0
        while offset < searched {
          // Nearly all are zeros.
          offset = skipZeros(buffer, from: offset, to: searched)
          guard offset < searched else { break }
          defer { offset += 8 }
          if offset + 8 <= buffer.count {
            let word = buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if word == 0 { continue }
          }
          for byte in offset..<min(offset + 8, buffer.count) where buffer[byte] != 0 {
            result.lastNonzero = place + UInt64(byte)
          }
          guard place + UInt64(offset) > start || start == UInt64(head.bytes) else { continue }
          let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
          guard
            let record = RecordHead(rest, salt: head.salt, offset: place + UInt64(offset)),
            record.sequence >= nextSequence
          else { continue }
          if result.firstHead == nil && place + UInt64(offset) > start {
            result.firstHead = place + UInt64(offset)
          }
          result.durable = max(result.durable, record.durable)
          result.floor.term = max(result.floor.term, record.hardState.currentTerm)
          result.floor.index = max(result.floor.index, record.lastIndex)
        }
      }
      place += UInt64(searched)
    }
    result.isUnreadable = window.isUnreadable(start..<max(window.size, start + 1))
    return result
  }

  /// The first place from `start` on at which 128 bytes are not all zeros, or are not there.
  @inline(__always)
  private func skipZeros(
    _ buffer: UnsafeRawBufferPointer, from start: Int, to end: Int
  ) -> Int {
    guard let base = buffer.baseAddress else { return start }
    var offset = start
    while offset + 128 <= end {
      var any: UInt64 = 0
      for word in 0..<16 {
        any |= (base + offset + 8 * word).loadUnaligned(as: UInt64.self)
      }
      if any != 0 { break }
      offset += 128
    }
    return offset
  }

  /// Judges the end of the newest segment, whose good records end at `end`.
  mutating func judgeTail<D: Disk>(
    _ window: inout FileWindow, _ head: SegmentHead, from end: UInt64, _ problem: DamageKind?,
    _ disk: inout D
  ) throws(DiskError) {
    let found = try survey(&window, head, from: end, &disk)
    guard let lastNonzero = found.lastNonzero else {
      if found.isUnreadable { note(.segment(head.number), at: end, .unreadable, .possible) }
      return
    }
    let file = FileName.segment(head.number)
    if found.durable < nextSequence {
      let isTorn = try looksTorn(&window, head, from: end, found, lastNonzero, &disk)
      if isTorn && problem != .malformed && !found.isUnreadable {
        tail = .torn(file, offset: end, bytes: lastNonzero + 1 - end)
        return
      }
    }
    floor.term = max(floor.term, found.floor.term)
    floor.index = max(floor.index, found.floor.index)
    let kind = found.isUnreadable ? DamageKind.unreadable : problem ?? .checksum
    note(file, at: end, kind, found.durable >= nextSequence ? .certain : .possible)
  }

  /// Whether the record at `start` can be one of which a part was never written.
  private func looksTorn<D: Disk>(
    _ window: inout FileWindow, _ head: SegmentHead, from start: UInt64, _ found: TailSurvey,
    _ lastNonzero: UInt64, _ disk: inout D
  ) throws(DiskError) -> Bool {
    let headBytes = try window.look(at: start, count: UInt64(RecordHead.bytes), on: &disk)
    let record = headBytes.withUnsafeBytes { RecordHead($0, salt: head.salt, offset: start) }
    let end: UInt64
    if let record {
      end = start + record.totalBytes
    } else {
      end = found.firstHead ?? (lastNonzero + 8) & ~7
    }
    // A file is as long as it will be before anything is written to it. So one that ends within a
    // record was cut off, and not by a crash.
    if end > window.size { return false }
    // A whole record is longer.
    if end - start < RecordHead.minimumBytes { return true }
    let final = try window.look(at: end - 1, count: 1, on: &disk)
    if final.first == 0 { return true }
    var place = start
    while place < end {
      let sectorEnd = min((place / 512 + 1) * 512, end)
      let sector = try window.look(at: place, count: sectorEnd - place, on: &disk)
      if sector.allSatisfy({ $0 == 0 }) { return true }
      place = sectorEnd
    }
    return false
  }
}

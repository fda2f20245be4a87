// A sync that failed leaves what it should have written in the system's cache, and no later sync of
// the file writes it: the system takes it for written. A process that begins again on the same
// machine reads it there. So what is only perhaps on the disk is written once more before a node
// relies on it. (What became known as fsyncgate: PostgreSQL and others, 2018.)

import Raft

/// The newest records of a segment, those that no later record has called durable.
struct UnvouchedRecords: Sendable {
  private struct Place: Sendable {
    var sequence: UInt64
    var offset: UInt64
  }

  private var places: [Place] = []
  private var first = 0

  /// Where the oldest of them begins; `nil` if there is none.
  var start: UInt64? { first < places.count ? places[first].offset : nil }

  /// Takes in the next record, which may vouch for some of the earlier ones.
  ///
  /// - Complexity: O(1), amortised.
  mutating func read(_ record: RecordHead, at offset: UInt64) {
    if places.isEmpty { places.reserveCapacity(32) }
    places.append(Place(sequence: record.sequence, offset: offset))
    while first < places.count, places[first].sequence <= record.durable { first += 1 }
    if first > 64, first * 2 > places.count {
      places.removeFirst(first)
      first = 0
    }
  }
}

extension Disk {
  /// Writes bytes of a file over themselves, so that the next sync has them to write.
  ///
  /// - Complexity: O(bytes); a megabyte of memory.
  mutating func rewrite(_ file: FileName, _ range: Range<UInt64>) throws(DiskError) {
    var place = range.lowerBound
    while place < range.upperBound {
      let count = min(range.upperBound - place, 1 << 20)
      let bytes = try read(file, at: place, count: Int(count))
      guard !bytes.isEmpty else { return }
      try carryOut([.write(file, at: place, bytes)])
      place += UInt64(bytes.count)
    }
  }
}

// The bytes of a simulated file. In blocks, so that a copy of a disk that is written to costs a
// block and not a file; a block of zeros costs nothing.

/// A file's content.
struct DiskBytes: Hashable, Sendable {
  static let blockBytes = 1_024

  private(set) var count: UInt64 = 0
  /// A block that is empty is all zeros.
  private var blocks: [[UInt8]] = []

  mutating func resize(to bytes: UInt64) {
    if bytes < count {
      let keep = Int((bytes + 1_023) / 1_024)
      if keep < blocks.count { blocks.removeLast(blocks.count - keep) }
      let rest = Int(bytes % 1_024)
      if rest > 0, keep <= blocks.count, keep > 0, !blocks[keep - 1].isEmpty {
        for position in rest..<DiskBytes.blockBytes { blocks[keep - 1][position] = 0 }
      }
    }
    count = bytes
    let needed = Int((bytes + 1_023) / 1_024)
    if blocks.count < needed {
      blocks.append(contentsOf: [[UInt8]](repeating: [], count: needed - blocks.count))
    }
  }

  mutating func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) {
    if offset + UInt64(bytes.count) > count { resize(to: offset + UInt64(bytes.count)) }
    var rest = bytes
    var place = offset
    while !rest.isEmpty {
      let block = Int(place / 1_024)
      let start = Int(place % 1_024)
      let part = rest.prefix(DiskBytes.blockBytes - start)
      if blocks[block].isEmpty {
        blocks[block] = [UInt8](repeating: 0, count: DiskBytes.blockBytes)
      }
      blocks[block].replaceSubrange(start..<start + part.count, with: part)
      rest = rest.dropFirst(part.count)
      place += UInt64(part.count)
    }
  }

  /// The bytes from `offset` on, at most so many.
  func read(at offset: UInt64, count wanted: Int) -> [UInt8] {
    guard offset < count else { return [] }
    var left = Int(min(UInt64(wanted), count - offset))
    var place = offset
    var result: [UInt8] = []
    result.reserveCapacity(left)
    while left > 0 {
      let block = Int(place / 1_024)
      let start = Int(place % 1_024)
      let part = min(left, DiskBytes.blockBytes - start)
      if blocks[block].isEmpty {
        result.append(contentsOf: repeatElement(0, count: part))
      } else {
        result.append(contentsOf: blocks[block][start..<start + part])
      }
      left -= part
      place += UInt64(part)
    }
    return result
  }

  /// Whether the 512 bytes of a sector hold anything but zeros.
  func isUsed(sector: UInt64) -> Bool {
    let block = Int(sector / 2)
    guard block < blocks.count, !blocks[block].isEmpty else { return false }
    let start = Int(sector % 2) * 512
    return blocks[block][start..<start + 512].contains { $0 != 0 }
  }
}

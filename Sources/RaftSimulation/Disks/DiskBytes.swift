// The bytes of a simulated file. In blocks, so that a copy of a disk that is written to costs a
// block and not a file; zeros that nobody wrote cost nothing.

import Raft

/// A file's content.
struct DiskBytes: Hashable, Sendable {
  private static let blockBytes = 1_024
  private static let wordsPerSector = 64

  private(set) var count: UInt64 = 0
  /// Up to the last one that was written. A block that is empty is all zeros.
  private var blocks: [[UInt8]] = []

  /// What a block begins with. Blocks of which nothing else is ever written share this one.
  private static let zeros = [UInt8](repeating: 0, count: blockBytes)

  mutating func resize(to bytes: UInt64) {
    if bytes < count {
      let keep = (bytes + 1_023) / 1_024
      if keep < UInt64(blocks.count) { blocks.removeLast(blocks.count - Int(keep)) }
      let rest = Int(bytes % 1_024)
      if rest > 0, keep <= UInt64(blocks.count), !blocks[Int(keep) - 1].isEmpty {
        for position in rest..<DiskBytes.blockBytes { blocks[Int(keep) - 1][position] = 0 }
      }
    }
    count = bytes
  }

  mutating func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) {
    bytes.withUnsafeBytes { write($0, at: offset) }
  }

  /// Writes bytes, and grows as far as they reach.
  ///
  /// - Complexity: O(bytes).
  mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {
    count = max(count, offset + UInt64(bytes.count))
    var done = 0
    while done < bytes.count {
      let place = offset + UInt64(done)
      let block = Int(place / 1_024)
      let start = Int(place % 1_024)
      let part = min(bytes.count - done, DiskBytes.blockBytes - start)
      while blocks.count <= block { blocks.append([]) }
      let source = UnsafeRawBufferPointer(rebasing: bytes[done..<done + part])
      done += part
      if blocks[block].isEmpty {
        blocks[block] = DiskBytes.zeros
        if DiskBytes.areZeros(source) { continue }
      }
      blocks[block].withUnsafeMutableBytes {
        UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + part]).copyMemory(from: source)
      }
    }
  }

  private static func areZeros(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    var place = 0
    while place + 64 <= bytes.count {
      var any: UInt64 = 0
      for word in 0..<8 { any |= (base + place + 8 * word).loadUnaligned(as: UInt64.self) }
      if any != 0 { return false }
      place += 64
    }
    while place < bytes.count {
      if bytes[place] != 0 { return false }
      place += 1
    }
    return true
  }

  /// Reads the bytes from `offset` on, as many as there are and fit; returns how many.
  ///
  /// - Complexity: O(bytes).
  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard offset < count else { return 0 }
    let wanted = Int(min(UInt64(buffer.count), count - offset))
    var done = 0
    while done < wanted {
      let place = offset + UInt64(done)
      let start = Int(place % 1_024)
      let part = min(wanted - done, DiskBytes.blockBytes - start)
      let target = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + part])
      if place / 1_024 < UInt64(blocks.count), !blocks[Int(place / 1_024)].isEmpty {
        blocks[Int(place / 1_024)].withUnsafeBytes {
          target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + part]))
        }
      } else {
        target.initializeMemory(as: UInt8.self, repeating: 0)
      }
      done += part
    }
    return wanted
  }

  /// Where the last block ends that was written to.
  ///
  /// - Complexity: O(blocks behind it).
  var contentEnd: UInt64 {
    let last = blocks.lastIndex { !$0.isEmpty }
    return last.map { min(count, UInt64($0 + 1) * 1_024) } ?? 0
  }

  /// The byte at `offset`, if the file is that long.
  func byte(at offset: UInt64) -> UInt8? {
    var byte: UInt8 = 0
    return withUnsafeMutableBytes(of: &byte) { read(at: offset, into: $0) } == 1 ? byte : nil
  }

  /// Whether the 512 bytes of a sector hold anything but zeros.
  func isUsed(sector: UInt64) -> Bool {
    guard sector / 2 < UInt64(blocks.count) else { return false }
    let first = Int(sector % 2) * DiskBytes.wordsPerSector
    return DiskBytes.isUsed(blocks[Int(sector / 2)], first..<first + DiskBytes.wordsPerSector)
  }

  private static func isUsed(_ block: [UInt8], _ words: Range<Int>) -> Bool {
    guard !block.isEmpty else { return false }
    return block.withUnsafeBytes { bytes in
      words.contains { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) != 0 }
    }
  }

  /// Feeds the length, and what is not zero.
  ///
  /// - Complexity: O(bytes that were written).
  func feed(_ digest: inout Digest) {
    digest.combine(count)
    let words = 0..<DiskBytes.blockBytes / 8
    for position in blocks.indices where DiskBytes.isUsed(blocks[position], words) {
      digest.combine(UInt64(position))
      blocks[position].withUnsafeBytes { bytes in
        for word in words {
          digest.combine(
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)))
        }
      }
    }
  }
}

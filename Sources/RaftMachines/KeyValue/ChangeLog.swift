// The newest changes of a store, for those who watch it. Bounded by bytes, so that all replicas
// forget the same.
//
//     change  index:8 isThere:1 key:4+ value:4+

import Raft

/// Changes in the order in which they happened, in blocks; the oldest block is forgotten first.
struct ChangeLog: Hashable, Sendable {
  struct Block: Hashable, Sendable {
    /// More than are used: they grow in steps, so that a change costs no call to grow by a few.
    var storage: [UInt8] = []
    var used = 0
    var last: UInt64 = 0

    var bytes: ArraySlice<UInt8> { storage[..<used] }

    mutating func makeRoom(for count: Int) {
      guard storage.count - used < count else { return }
      let size = max(storage.count * 2, used + count, 256)
      storage.append(contentsOf: repeatElement(0, count: size - storage.count))
    }

    static func == (a: Block, b: Block) -> Bool { a.last == b.last && a.bytes == b.bytes }

    func hash(into hasher: inout Hasher) {
      hasher.combine(last)
      hasher.combine(used)
    }
  }

  /// A block that has reached this takes no more.
  static var blockBytes: Int { 64 << 10 }
  /// How many blocks are kept: one MiB and a bit, more only if single changes are large.
  static var maximumBlocks: Int { 17 }

  private(set) var blocks: [Block] = []
  /// The newest change that was forgotten.
  private(set) var forgotten: UInt64 = 0
  /// The newest change.
  private(set) var newest: UInt64 = 0

  var isEmpty: Bool { newest == 0 }
  var digest: UInt64 { RandomSource.mix(newest ^ RandomSource.mix(forgotten)) }

  @inline(__always)
  mutating func append(
    _ index: LogIndex, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?
  ) {
    var position = blocks.count - 1
    if position < 0 || blocks[position].used >= ChangeLog.blockBytes {
      beginBlock()
      position = blocks.count - 1
    }
    newest = index.rawValue
    blocks[position].last = newest
    let size = 17 + key.count + (value?.count ?? 0)
    blocks[position].makeRoom(for: size)
    let used = blocks[position].used
    blocks[position].storage.withUnsafeMutableBytes { storage in
      let place = UnsafeMutableRawBufferPointer(rebasing: storage[used..<used + size])
      ChangeLog.write(index, key, value, into: place)
    }
    blocks[position].used = used + size
  }

  private mutating func beginBlock() {
    guard blocks.count == ChangeLog.maximumBlocks else { return blocks.append(Block()) }
    forgotten = blocks[0].last
    // The memory of the oldest becomes that of the newest, unless a copy shares it.
    var oldest = blocks.removeFirst()
    if oldest.storage.count > 2 * ChangeLog.blockBytes { oldest.storage = [] }
    oldest.used = 0
    blocks.append(oldest)
  }

  @inline(__always)
  private static func write(
    _ index: LogIndex, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?,
    into place: UnsafeMutableRawBufferPointer
  ) {
    place.storeBytes(of: index.rawValue.littleEndian, as: UInt64.self)
    place[8] = value == nil ? 0 : 1
    // A command's strings have lengths of 32 bits.
    let keyCount = UInt32(truncatingIfNeeded: key.count).littleEndian
    place.storeBytes(of: keyCount, toByteOffset: 9, as: UInt32.self)
    if key.count > 0 {
      UnsafeMutableRawBufferPointer(rebasing: place[13...]).copyMemory(from: key)
    }
    let valueCount = UInt32(truncatingIfNeeded: value?.count ?? 0).littleEndian
    place.storeBytes(of: valueCount, toByteOffset: 13 + key.count, as: UInt32.self)
    if let value, value.count > 0 {
      UnsafeMutableRawBufferPointer(rebasing: place[(17 + key.count)...]).copyMemory(from: value)
    }
  }

  /// The changes after an entry to keys with a prefix, at most so many.
  func changes(
    prefix: [UInt8], after index: UInt64, limit: Int
  ) -> (list: [KeyValue.Change], through: UInt64) {
    var list: [KeyValue.Change] = []
    var through = index
    for block in blocks where block.last > index {
      var reader = ByteReader(block.bytes)
      while !reader.isAtEnd {
        guard let change = ChangeLog.read(&reader) else { break }
        guard change.index > index else { continue }
        guard change.key.starts(with: prefix) else { continue }
        // An entry makes one change, so behind the last change all of its entry has been seen.
        if list.count >= limit { return (list, through) }
        list.append(
          KeyValue.Change(
            key: Array(change.key), value: change.value.map { Array($0) },
            index: LogIndex(change.index)))
        through = change.index
      }
    }
    return (list, max(newest, index))
  }

  private struct View {
    var index: UInt64
    var key: ArraySlice<UInt8>
    var value: ArraySlice<UInt8>?
  }

  private static func read(_ reader: inout ByteReader) -> View? {
    do throws(MachineDecodingError) {
      let index: UInt64 = try reader.read()
      let isThere = try Bool(from: &reader)
      let key = try reader.readString()
      let value = try reader.readString()
      guard isThere || value.isEmpty else { return nil }
      return View(index: index, key: key, value: isThere ? value : nil)
    } catch {
      return nil
    }
  }

  /// Writes the block at the cursor.
  ///
  /// - Returns: whether all are written.
  func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) -> Bool {
    if cursor.position == 0 { writer.write(forgotten) }
    if cursor.position < blocks.count {
      writer.write(bytes: blocks[cursor.position].bytes)
      cursor.position += 1
    }
    return cursor.position >= blocks.count
  }

  mutating func read(
    part reader: inout ByteReader, isFirst: Bool
  ) throws(MachineDecodingError) {
    if isFirst {
      forgotten = try reader.read()
      newest = forgotten
    }
    guard !reader.isAtEnd else { return }
    guard blocks.count < ChangeLog.maximumBlocks else { throw .outOfRange }
    var block = Block(storage: Array(reader.rest), used: reader.remaining)
    var inner = ByteReader(block.bytes)
    while !inner.isAtEnd {
      guard let change = ChangeLog.read(&inner) else { throw .truncated }
      guard change.index > newest else { throw .disordered }
      newest = change.index
    }
    block.last = newest
    blocks.append(block)
    _ = try reader.read(bytes: reader.remaining)
  }
}

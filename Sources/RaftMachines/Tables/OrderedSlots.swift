// The positions of records in the order of their keys. Only a new key or a removed one touches it.

/// Positions sorted by the keys of their records, in blocks of bounded size.
///
/// The first 8 bytes of a key lie beside the position, so that most comparisons look at no record.
struct OrderedSlots: Sendable {
  struct Item: Sendable, BitwiseCopyable {
    var prefix: UInt64
    var slot: UInt32
  }

  /// A block that would have more is split in two.
  private static var blockSize: Int { 256 }

  private(set) var blocks: [[Item]] = []
  private(set) var count = 0

  init() {}

  /// The first bytes of a key as a number that sorts as they do.
  static func prefix(_ key: UnsafeRawBufferPointer) -> UInt64 {
    if key.count >= 8 { return UInt64(bigEndian: key.loadUnaligned(as: UInt64.self)) }
    var value: UInt64 = 0
    for byte in key { value = value << 8 | UInt64(byte) }
    return key.isEmpty ? 0 : value << UInt64(8 * (8 - key.count))
  }

  /// Where the first key stands that is not before the one asked for. `isBefore` compares the rest
  /// of a key whose first bytes are equal.
  func lowerBound(
    _ prefix: UInt64, _ isBefore: (Int) -> Bool
  ) -> (block: Int, place: Int) {
    func precedes(_ item: Item) -> Bool {
      item.prefix != prefix ? item.prefix < prefix : isBefore(Int(item.slot))
    }
    // The last block whose first key is before the one asked for, or the first.
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) / 2
      if precedes(blocks[middle][0]) { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return (0, 0) }
    let block = low - 1
    low = 0
    high = blocks[block].count
    while low < high {
      let middle = (low + high) / 2
      if precedes(blocks[block][middle]) { low = middle + 1 } else { high = middle }
    }
    return low == blocks[block].count ? (block + 1, 0) : (block, low)
  }

  /// Inserts a position before the one that `lowerBound` found.
  mutating func insert(_ prefix: UInt64, slot: Int, at place: (block: Int, place: Int)) {
    let item = Item(prefix: prefix, slot: UInt32(truncatingIfNeeded: slot))
    count += 1
    guard !blocks.isEmpty else {
      blocks.append([item])
      return
    }
    // The end of a block takes it better than the beginning of the next.
    var (block, place) = place
    if place == 0, block > 0 {
      block -= 1
      place = blocks[block].count
    }
    blocks[block].insert(item, at: place)
    guard blocks[block].count > OrderedSlots.blockSize else { return }
    // Keys that come in order leave full blocks behind.
    let isLast = block == blocks.count - 1 && place == blocks[block].count - 1
    let cut = isLast ? OrderedSlots.blockSize : OrderedSlots.blockSize / 2
    let upper = Array(blocks[block][cut...])
    blocks[block].removeLast(upper.count)
    blocks.insert(upper, at: block + 1)
  }

  mutating func remove(at place: (block: Int, place: Int)) {
    blocks[place.block].remove(at: place.place)
    if blocks[place.block].isEmpty { blocks.remove(at: place.block) }
    count -= 1
  }

  /// The place after this one.
  func next(_ place: (block: Int, place: Int)) -> (block: Int, place: Int) {
    place.place + 1 < blocks[place.block].count
      ? (place.block, place.place + 1) : (place.block + 1, 0)
  }

  /// The position at a place; `nil` behind the last.
  subscript(place: (block: Int, place: Int)) -> Int? {
    place.block < blocks.count ? Int(blocks[place.block][place.place].slot) : nil
  }
}

// Finds records by key. The records lie elsewhere, in arrays in the order in which they came; this
// table only says where. Nobody ever walks through it, so its order cannot reach an output, and the
// key of its hash need not be the same on two replicas.

import Raft

/// An open-addressing hash table from the hash of a key to the position of its record.
///
/// Linear probing, removal by shifting back, at most three quarters full. A cell holds the position
/// and half of the hash, so that a miss and a growth look at no record.
struct SlotTable: Sendable {
  /// Position plus one in the lower half, tag in the upper; 0 is an empty cell.
  private var cells: [UInt64] = []
  private var mask: UInt64 = 0
  private(set) var count = 0

  init() {}

  /// A table with room for so many records without growing.
  init(reserving capacity: Int) {
    guard capacity > 0 else { return }
    var size = 16
    while size * 3 < capacity * 4 { size *= 2 }
    cells = [UInt64](repeating: 0, count: size)
    mask = UInt64(size - 1)
  }

  /// How many bytes the table takes.
  var bytes: Int { cells.capacity * 8 }

  /// The position of the record with this hash for which `isMatch` is true.
  @inline(__always)
  func find(_ hash: UInt64, _ isMatch: (Int) -> Bool) -> Int? {
    guard count > 0 else { return nil }
    let tag = hash >> 32
    return cells.withUnsafeBufferPointer { cells -> Int? in
      var place = tag & mask
      while true {
        let cell = cells[Int(truncatingIfNeeded: place)]
        if cell == 0 { return nil }
        if cell >> 32 == tag {
          let position = Int(truncatingIfNeeded: (cell & 0xffff_ffff) - 1)
          if isMatch(position) { return position }
        }
        place = (place + 1) & mask
      }
    }
  }

  /// Notes a record. There must be none with the same key.
  @inline(__always)
  mutating func insert(_ hash: UInt64, position: Int) {
    precondition(UInt64(position) < UInt64(UInt32.max), "a table has fewer than 2^32 - 1 records")
    if (count + 1) * 4 > cells.count * 3 { grow() }
    let tag = hash >> 32
    put(tag << 32 | UInt64(position + 1))
    count += 1
  }

  @inline(__always)
  private mutating func put(_ cell: UInt64) {
    let mask = mask
    cells.withUnsafeMutableBufferPointer { cells in
      var place = (cell >> 32) & mask
      while cells[Int(truncatingIfNeeded: place)] != 0 { place = (place + 1) & mask }
      cells[Int(truncatingIfNeeded: place)] = cell
    }
  }

  /// Forgets the record at a position, which has this hash.
  mutating func remove(_ hash: UInt64, position: Int) {
    let wanted = (hash >> 32) << 32 | UInt64(position + 1)
    guard var hole = place(of: wanted) else { return }
    var next = hole
    while true {
      next = (next + 1) & mask
      let cell = cells[Int(truncatingIfNeeded: next)]
      if cell == 0 { break }
      let home = (cell >> 32) & mask
      // The cell may move into the hole if its home is not between the two.
      if (next &- home) & mask >= (next &- hole) & mask {
        cells[Int(truncatingIfNeeded: hole)] = cell
        hole = next
      }
    }
    cells[Int(truncatingIfNeeded: hole)] = 0
    count -= 1
  }

  /// Says that the record of this hash now lies elsewhere.
  mutating func move(_ hash: UInt64, from old: Int, to new: Int) {
    let tag = (hash >> 32) << 32
    guard let place = place(of: tag | UInt64(old + 1)) else { return }
    cells[Int(truncatingIfNeeded: place)] = tag | UInt64(new + 1)
  }

  private func place(of wanted: UInt64) -> UInt64? {
    guard count > 0 else { return nil }
    var place = (wanted >> 32) & mask
    while true {
      let cell = cells[Int(truncatingIfNeeded: place)]
      if cell == 0 { return nil }
      if cell == wanted { return place }
      place = (place + 1) & mask
    }
  }

  private mutating func grow() {
    let old = cells
    let size = max(16, old.count * 2)
    cells = [UInt64](repeating: 0, count: size)
    mask = UInt64(size - 1)
    for cell in old where cell != 0 { put(cell) }
  }

  mutating func removeAll() { self = SlotTable() }
}

/// The keyed hash of our tables: SplitMix64's finisher over words.
///
/// Not one that withstands somebody who knows the key and looks for collisions; a host whose
/// clients may do that gives each replica a key of its own.
struct TableHash: Hashable, Sendable, BitwiseCopyable {
  var key: UInt64 = 0x6b65_7965_6420_6861

  @inline(__always)
  func callAsFunction(_ word: UInt64) -> UInt64 { RandomSource.mix(word ^ key) }

  @inline(__always)
  func callAsFunction(_ high: UInt64, _ low: UInt64) -> UInt64 {
    RandomSource.mix(RandomSource.mix(high ^ key) ^ low)
  }

  /// Sixteen bytes at a time, each by one multiplication whose halves are folded (after wyhash).
  @inline(__always)
  func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    @inline(__always) func word(_ place: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
    @inline(__always) func half(_ place: Int) -> UInt64 {
      UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
    }
    let count = bytes.count
    var state = key
    var place = 0
    while count - place > 16 {
      state = TableHash.fold(word(place) ^ TableHash.constant, word(place + 8) ^ state)
      place += 16
    }
    // The last bytes are read as two numbers that may overlap.
    let rest = count - place
    var a: UInt64 = 0
    var b: UInt64 = 0
    if rest >= 8 {
      a = word(place)
      b = word(count - 8)
    } else if rest >= 4 {
      a = half(place)
      b = half(count - 4)
    } else if rest > 0 {
      a = UInt64(bytes[place]) << 16 | UInt64(bytes[place + rest / 2]) << 8
      a |= UInt64(bytes[count - 1])
    }
    return TableHash.fold(
      TableHash.constant ^ UInt64(count), TableHash.fold(a ^ TableHash.constant, b ^ state))
  }

  private static var constant: UInt64 { 0xa076_1d64_78bd_642f }

  @inline(__always)
  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}

// Which states were seen. Only their fingerprints are kept, and how each was reached first.

/// A set of 64-bit fingerprints, each with a link to the state it was reached from.
///
/// Open addressing at most four fifths full, growing by half: 20 to 30 bytes for each state, and
/// half of that where no links are kept. Places follow the order of the fingerprints.
public struct VisitedSet: Sendable {
  private var keys: [UInt64]
  /// The upper 48 bits of the fingerprint of the state before, then which of its moves; empty if
  /// links are not kept.
  private var links: [UInt64]
  private let keepsLinks: Bool
  /// How many there are.
  public private(set) var count = 0

  /// The link of the state that everything begins with.
  static let noLink = UInt64.max

  init(keepsLinks: Bool) {
    keys = Array(repeating: 0, count: 1_024)
    links = keepsLinks ? Array(repeating: 0, count: 1_024) : []
    self.keepsLinks = keepsLinks
  }

  /// How much memory is in use.
  public var bytes: Int { (keys.count + links.count) * 8 }

  /// Zero marks a free place.
  @inline(__always)
  static func key(_ fingerprint: UInt64) -> UInt64 { fingerprint == 0 ? 1 : fingerprint }

  @inline(__always)
  private static func home(_ key: UInt64, _ capacity: Int) -> Int {
    Int(truncatingIfNeeded: key.multipliedFullWidth(by: UInt64(capacity)).high)
  }

  @inline(__always)
  func contains(_ key: UInt64) -> Bool {
    keys.withUnsafeBufferPointer { keys in
      var place = VisitedSet.home(key, keys.count)
      while keys[place] != 0 {
        if keys[place] == key { return true }
        place += 1
        if place == keys.count { place = 0 }
      }
      return false
    }
  }

  /// Adds a fingerprint; the first link stays.
  ///
  /// - Returns: whether it is new.
  mutating func insert(_ key: UInt64, _ link: UInt64) -> Bool {
    if (count + 1) * 5 > keys.count * 4 { grow() }
    var place = VisitedSet.home(key, keys.count)
    while keys[place] != 0 {
      if keys[place] == key { return false }
      place += 1
      if place == keys.count { place = 0 }
    }
    keys[place] = key
    if keepsLinks { links[place] = link }
    count += 1
    return true
  }

  private mutating func grow() {
    let old = (keys, links)
    let capacity = keys.count + keys.count / 2
    keys = Array(repeating: 0, count: capacity)
    if keepsLinks { links = Array(repeating: 0, count: capacity) }
    for position in old.0.indices where old.0[position] != 0 {
      var place = VisitedSet.home(old.0[position], capacity)
      while keys[place] != 0 {
        place += 1
        if place == capacity { place = 0 }
      }
      keys[place] = old.0[position]
      if keepsLinks { links[place] = old.1[position] }
    }
  }

  static func link(from key: UInt64, move: Int) -> UInt64 {
    key & ~0xffff | UInt64(UInt16(truncatingIfNeeded: move))
  }

  /// The link of a fingerprint.
  func link(of key: UInt64) -> UInt64? {
    var place = VisitedSet.home(key, keys.count)
    while keys[place] != 0 {
      if keys[place] == key { return links[place] }
      place = place + 1 == keys.count ? 0 : place + 1
    }
    return nil
  }

  /// The fingerprints whose upper 48 bits are those of a link, nearly always one.
  func keys(before link: UInt64) -> [UInt64] {
    let prefix = link & ~0xffff
    var found: [UInt64] = []
    // Those that share 48 bits have one home, or two beside each other.
    let last = VisitedSet.home(prefix | 0xffff, keys.count)
    var place = VisitedSet.home(prefix, keys.count)
    var isPastLast = false
    while !isPastLast || keys[place] != 0 {
      if keys[place] != 0 && keys[place] & ~0xffff == prefix { found.append(keys[place]) }
      if place == last { isPastLast = true }
      place = place + 1 == keys.count ? 0 : place + 1
    }
    return found
  }

  /// Calls `body` with each fingerprint and its link (0 where none is kept), in the order of
  /// places.
  func forEachLink(_ body: (UInt64, UInt64) -> Void) {
    for position in keys.indices where keys[position] != 0 {
      body(keys[position], keepsLinks ? links[position] : 0)
    }
  }
}

import Raft

/// Bytes damaged at a few places by luck: for readers of files, which must tell an error of each.
struct Damage {
  private var random: RandomSource

  init(seed: UInt64) { random = RandomSource(seed: seed) }

  /// A copy with three bytes changed, removed or put in, or with its end cut off.
  mutating func damaged(_ good: [UInt8]) -> [UInt8] {
    var bytes = good
    for _ in 0..<3 where !bytes.isEmpty {
      let place = Int(random.draw(below: UInt64(bytes.count)))
      let byte = UInt8(truncatingIfNeeded: random.next())
      switch random.draw(below: 4) {
      case 0: bytes[place] = byte
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(byte, at: place)
      default: bytes.removeSubrange((place + 1)...)
      }
    }
    return bytes
  }
}

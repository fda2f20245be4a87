/// Random numbers for tests that may import nothing: SplitMix64.
struct Draws {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }

  /// A number that is often at an edge.
  mutating func edgy() -> UInt64 {
    let edges: [UInt64] = [0, 1, 1 << 62, 1 << 63 - 1, 1 << 63, .max - 1, .max]
    return below(2) == 0 ? edges[Int(below(7))] : next() >> below(64)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
}

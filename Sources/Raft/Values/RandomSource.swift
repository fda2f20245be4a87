// A generator of our own, with bounded draws of our own: what the standard library draws from a
// generator may change between versions and depends on the width of `Int`. This does neither.

/// A seeded generator of 64-bit numbers: SplitMix64 (Steele, Lea, Flood 2014).
///
/// It is part of the state of whoever holds it, so that copies, digests and replays agree.
public struct RandomSource: Hashable, Sendable, BitwiseCopyable {
  /// The whole state.
  public private(set) var state: UInt64

  /// Makes a generator from a seed; every seed is good, also zero.
  public init(seed: UInt64) { state = seed }

  /// The next number, uniform over all of `UInt64`.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return RandomSource.mix(state)
  }

  /// A number in `0..<bound`, uniform, by multiplication with rejection (Lemire 2019).
  ///
  /// - Precondition: `bound` is more than zero.
  public mutating func draw(below bound: UInt64) -> UInt64 {
    precondition(bound > 0, "draw(below: 0)")
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return product.high
  }

  /// The finishing function of SplitMix64: a bijection of 64-bit numbers in which each input bit
  /// moves each output bit.
  @inlinable public static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

// Randomness by identity: what happens to a message is a hash of the seed and of which message it
// is, never "the next number". So taking one fault out of a plan leaves all other chances alone.

import Raft

/// What a draw is about. Two concerns never share a draw.
enum Concern: UInt64 {
  case knob = 1
  case family
  case episode
  case network
  case sync
  case receipt
  case storage
  case crash
  case workload
  case client
  case clock
  case node
  case tie
  case disk
  case shrinking
  case guide
}

/// One drawn word, and what may be read from it.
struct Draw: BitwiseCopyable {
  var word: UInt64

  /// The draw of a concern of this seed, for the one that these three coordinates name.
  @inline(__always)
  init(_ seed: UInt64, _ concern: Concern, _ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0) {
    var word = RandomSource.mix(seed &+ concern.rawValue &* 0x9e37_79b9_7f4a_7c15)
    word = RandomSource.mix(word ^ (a &* 0xd6e8_feb8_6659_fd93 &+ b &+ 0x632b_e59b_d9b4_e019))
    self.word = RandomSource.mix(word &+ c &* 0x9e37_79b9_7f4a_7c15)
  }

  /// A number below `bound`; 0 if `bound` is 0. The bias is below `bound` / 2^64.
  @inline(__always)
  func below(_ bound: UInt64) -> UInt64 { word.multipliedFullWidth(by: bound).high }

  /// A number from `low` through `high`.
  @inline(__always)
  func between(_ low: UInt64, _ high: UInt64) -> UInt64 { low + below(high - low + 1) }

  /// True `share` times in a million.
  @inline(__always)
  func happens(_ share: UInt64) -> Bool { below(1_000_000) < share }

  /// Another word that depends on this one only.
  @inline(__always)
  func again() -> Draw { Draw(word: RandomSource.mix(word &+ 0x9e37_79b9_7f4a_7c15)) }

  @inline(__always)
  init(word: UInt64) { self.word = word }

  /// A number from `low` through `high` of which each doubling is as likely as any other.
  ///
  /// - Precondition: `low` is more than zero and at most `high`.
  func logarithmic(_ low: UInt64, _ high: UInt64) -> UInt64 {
    var doublings: UInt64 = 0
    while (low << (doublings + 1)) <= high { doublings += 1 }
    let base = low << below(doublings + 1)
    return min(high, base + again().below(base))
  }

  /// The position of one of these weights, each as likely as it weighs.
  func weighted(_ weights: [UInt64]) -> Int {
    var total: UInt64 = 0
    for weight in weights { total += weight }
    var rest = below(total)
    for position in weights.indices {
      if rest < weights[position] { return position }
      rest -= weights[position]
    }
    return weights.count - 1
  }
}

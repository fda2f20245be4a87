// The standard library's `Hasher` is seeded anew by each process. This is not, so its results may
// be written down.

/// A 64-bit digest that is the same in every process, on every platform, in every build mode.
///
/// Made for comparing states and traces, not against an adversary. Words are mixed one by one with
/// SplitMix64's finisher, so the order of what is fed matters.
public struct Digest: Hashable, Sendable, BitwiseCopyable {
  @usableFromInline internal var storage: UInt64

  /// The digest of all that was fed so far.
  @inlinable public var value: UInt64 { storage }

  /// A digest of nothing, or the continuation of an earlier one.
  @inlinable public init(_ value: UInt64 = 0x666c_6f74_696c_6c61) { storage = value }

  /// Feeds one word.
  @inlinable public mutating func combine(_ word: UInt64) {
    storage = RandomSource.mix((storage ^ word) &+ 0x9e37_79b9_7f4a_7c15)
  }

  /// Feeds a length and then the bytes, eight at a time, least significant first.
  ///
  /// - Complexity: O(bytes).
  public mutating func combine(bytes: [UInt8]) {
    combine(bytes: bytes[...])
  }

  /// Feeds a length and then the bytes, eight at a time, least significant first.
  ///
  /// - Complexity: O(bytes).
  public mutating func combine(bytes: ArraySlice<UInt8>) {
    combine(UInt64(bytes.count))
    bytes.withUnsafeBytes { bytes in
      var place = 0
      while place + 8 <= bytes.count {
        combine(
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
        place += 8
      }
      guard place < bytes.count else { return }
      var word: UInt64 = 0
      var shift: UInt64 = 0
      while place < bytes.count {
        word |= UInt64(bytes[place]) << shift
        shift += 8
        place += 1
      }
      combine(word)
    }
  }
}

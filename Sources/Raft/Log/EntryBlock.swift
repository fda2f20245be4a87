// Payloads travel, rest in memory and go to disk in blocks: one allocation for a whole batch,
// shared by every log, message and write that holds it, and never copied again.

/// An immutable batch of payloads in one array of bytes.
///
/// A block of one payload is that payload's array itself. A block of more is the payloads one after
/// the other, then for each the offset of its end as a little-endian `UInt32`. This is also its
/// form on the wire and on disk.
public struct EntryBlock: Sendable {
  /// The bytes: payloads, then (for two payloads or more) the table of their ends.
  public let bytes: [UInt8]

  @usableFromInline let storedCount: UInt32

  /// How many payloads the block holds.
  @inlinable public var count: Int { Int(storedCount) }

  /// A block of no payloads.
  public static let empty = EntryBlock(unchecked: [], count: 0)

  @inlinable init(unchecked bytes: [UInt8], count: UInt32) {
    self.bytes = bytes
    storedCount = count
  }

  /// A block of one payload, which is taken as it is, without a copy.
  @inlinable public init(_ payload: [UInt8]) {
    self.init(unchecked: payload, count: 1)
  }

  /// A block of these payloads, in this order.
  ///
  /// - Precondition: fewer than 2^32 bytes in all.
  /// - Complexity: O(bytes).
  public init(_ payloads: [[UInt8]]) {
    if payloads.count == 1 {
      self.init(payloads[0])
      return
    }
    var total = 0
    for payload in payloads { total += payload.count }
    precondition(
      UInt64(total) < UInt64(UInt32.max), "a block holds less than 4 GiB; this one has \(total)")
    let size = total + 4 * payloads.count
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      let whole = UnsafeMutableRawBufferPointer(buffer)
      var end = 0
      var entry = total
      for payload in payloads {
        payload.withUnsafeBytes { source in
          if source.count > 0 {
            UnsafeMutableRawBufferPointer(rebasing: whole[end...]).copyMemory(from: source)
          }
        }
        end += payload.count
        whole.storeBytes(of: UInt32(end).littleEndian, toByteOffset: entry, as: UInt32.self)
        entry += 4
      }
      initialized = size
    }
    self.init(unchecked: bytes, count: UInt32(payloads.count))
  }

  /// The block with these bytes, as they came from a disk or a network, or `nil` if the table of
  /// ends does not fit them.
  ///
  /// - Complexity: O(`count`), and O(1) for one payload.
  public init?(validating bytes: [UInt8], count: UInt32) {
    self.init(unchecked: bytes, count: count)
    guard count != 1 else { return }
    let (tableSize, overflow) = Int(count).multipliedReportingOverflow(by: 4)
    guard !overflow, tableSize <= bytes.count else { return nil }
    let payloadBytes = bytes.count - tableSize
    guard UInt64(payloadBytes) < UInt64(UInt32.max) else { return nil }
    if count == 0 {
      guard bytes.isEmpty else { return nil }
      return
    }
    var previous: UInt32 = 0
    for position in 0..<Int(count) {
      let end = endOffset(position)
      guard end >= previous, Int(end) <= payloadBytes else { return nil }
      previous = end
    }
    guard Int(previous) == payloadBytes else { return nil }
  }

  /// The offset just past the payload at `position`.
  ///
  /// - Precondition: `position` is in `0..<count`.
  @inlinable func endOffset(_ position: Int) -> UInt32 {
    if storedCount == 1 { return UInt32(truncatingIfNeeded: bytes.count) }
    let at = bytes.count - 4 * (Int(storedCount) - position)
    return bytes.withUnsafeBytes {
      UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }
  }

  /// Where the payload at `position` lies in `bytes`.
  ///
  /// - Precondition: `position` is in `0..<count`.
  @inlinable public func range(of position: Int) -> Range<Int> {
    precondition(position >= 0 && position < count, "no payload at this position of the block")
    let start = position == 0 ? 0 : Int(endOffset(position - 1))
    return start..<Int(endOffset(position))
  }

  /// The payload at `position`, sharing the block's memory.
  ///
  /// - Precondition: `position` is in `0..<count`.
  @inlinable public subscript(position: Int) -> ArraySlice<UInt8> { bytes[range(of: position)] }

  /// How many bytes of payload the block holds.
  @inlinable var payloadBytes: Int {
    EntryBlock.payloadBytes(inBytes: bytes.count, count: storedCount)
  }

  /// How many of a block's bytes are payload: all but the table of ends, where there is one.
  @inlinable
  @inline(__always)
  static func payloadBytes(inBytes size: Int, count: UInt32) -> Int {
    count > 1 ? size - 4 * Int(count) : size
  }

  /// How many bytes of payload lie in the `count` payloads from `position` on.
  @inlinable func payloadBytes(from position: Int, count: Int) -> Int {
    guard count > 0 else { return 0 }
    if count == self.count { return payloadBytes }
    let start = position == 0 ? 0 : Int(endOffset(position - 1))
    return Int(endOffset(position + count - 1)) - start
  }
}

extension EntryBlock: Hashable {
  /// Two blocks are equal if they hold the same payloads.
  public static func == (a: EntryBlock, b: EntryBlock) -> Bool {
    a.storedCount == b.storedCount && a.bytes == b.bytes
  }

  /// Feeds the payloads.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(storedCount)
    hasher.combine(bytes)
  }
}

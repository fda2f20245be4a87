// Writes what `ByteReader` reads.

/// Writes one value after the other into bytes that grow.
///
/// Numbers are little-endian. A writer that is emptied keeps its memory, so that one writer can
/// serve a whole run of commands without an allocation for each.
public struct ByteWriter: Sendable {
  /// What was written so far.
  public private(set) var bytes: [UInt8] = []

  /// A writer that has written nothing, with room for so many bytes.
  public init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// How many bytes were written.
  public var count: Int { bytes.count }

  /// Writes a number in the width of its type.
  public mutating func write<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number) {
    var rest = UInt64(truncatingIfNeeded: number)
    for _ in 0..<MemoryLayout<Number>.size {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  /// Writes bytes as they are.
  public mutating func write(bytes source: ArraySlice<UInt8>) {
    source.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  /// Writes bytes as they are.
  public mutating func write(bytes source: [UInt8]) {
    source.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  /// Writes a length of 4 bytes, and the bytes.
  ///
  /// - Precondition: fewer than 2^32 bytes.
  public mutating func write(string: ArraySlice<UInt8>) {
    precondition(UInt64(string.count) <= UInt64(UInt32.max), "a string has less than 4 GiB")
    write(UInt32(string.count))
    write(bytes: string)
  }

  /// Writes a length of 4 bytes, and the bytes.
  ///
  /// - Precondition: fewer than 2^32 bytes.
  public mutating func write(string: [UInt8]) { write(string: string[...]) }

  /// Writes how many values follow, in 4 bytes.
  ///
  /// - Precondition: fewer than 2^32.
  public mutating func write(count: Int) {
    precondition(UInt64(count) <= UInt64(UInt32.max), "a list has less than 2^32 values")
    write(UInt32(count))
  }

  /// Writes over a number that was written before, at an offset from the beginning.
  ///
  /// - Precondition: the number lies within what was written.
  public mutating func overwrite<Number: FixedWidthInteger & BitwiseCopyable>(
    _ number: Number, at offset: Int
  ) {
    precondition(
      offset >= 0 && offset + MemoryLayout<Number>.size <= bytes.count,
      "nothing was written there")
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }
  }

  /// Forgets what was written after the first so many bytes, and keeps the memory.
  public mutating func truncate(to count: Int) {
    precondition(count >= 0 && count <= bytes.count, "so much was not written")
    bytes.removeLast(bytes.count - count)
  }

  /// Forgets what was written, and keeps the memory.
  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
}

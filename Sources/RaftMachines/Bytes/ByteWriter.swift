// Writes what `ByteReader` reads.

/// Writes one value after the other into bytes that grow.
///
/// Numbers are little-endian. A writer that is emptied keeps its memory, so that one writer can
/// serve a whole run of commands without an allocation for each.
public struct ByteWriter: Sendable {
  @usableFromInline var storage: [UInt8] = []

  /// What was written so far.
  @inlinable public var bytes: [UInt8] { _read { yield storage } }

  /// A writer that has written nothing, with room for so many bytes.
  @inlinable
  public init(reserving capacity: Int = 0) { storage.reserveCapacity(capacity) }

  /// How many bytes were written.
  @inlinable public var count: Int { storage.count }

  /// Writes a number in the width of its type.
  @inlinable
  public mutating func write<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number) {
    var rest = UInt64(truncatingIfNeeded: number)
    for _ in 0..<MemoryLayout<Number>.size {
      storage.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  /// Writes bytes as they are.
  @inlinable
  public mutating func write(bytes source: ArraySlice<UInt8>) {
    source.withUnsafeBytes { storage.append(contentsOf: $0) }
  }

  /// Writes bytes as they are.
  @inlinable
  public mutating func write(bytes source: [UInt8]) {
    source.withUnsafeBytes { storage.append(contentsOf: $0) }
  }

  /// Writes a length of 4 bytes, and the bytes.
  ///
  /// - Precondition: fewer than 2^32 bytes.
  @inlinable
  public mutating func write(string: ArraySlice<UInt8>) {
    precondition(UInt64(string.count) <= UInt64(UInt32.max), "a string has less than 4 GiB")
    write(UInt32(string.count))
    write(bytes: string)
  }

  /// Writes a length of 4 bytes, and the bytes.
  ///
  /// - Precondition: fewer than 2^32 bytes.
  @inlinable
  public mutating func write(string: [UInt8]) { write(string: string[...]) }

  /// Writes how many values follow, in 4 bytes.
  ///
  /// - Precondition: fewer than 2^32.
  @inlinable
  public mutating func write(count: Int) {
    precondition(UInt64(count) <= UInt64(UInt32.max), "a list has less than 2^32 values")
    write(UInt32(count))
  }

  /// Writes over a number that was written before, at an offset from the beginning.
  ///
  /// - Precondition: the number lies within what was written.
  @inlinable
  public mutating func overwrite<Number: FixedWidthInteger & BitwiseCopyable>(
    _ number: Number, at offset: Int
  ) {
    precondition(
      offset >= 0 && offset + MemoryLayout<Number>.size <= storage.count,
      "nothing was written there")
    storage.withUnsafeMutableBytes {
      $0.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }
  }

  /// Forgets what was written after the first so many bytes, and keeps the memory.
  @inlinable
  public mutating func truncate(to count: Int) {
    precondition(count >= 0 && count <= storage.count, "so much was not written")
    storage.removeLast(storage.count - count)
  }

  /// Forgets what was written, and keeps the memory.
  @inlinable
  public mutating func removeAll() { storage.removeAll(keepingCapacity: true) }
}

// Reads what may come from anybody. A length is compared with the bytes that are left before
// anything is done with it, so that time and memory are linear in the bytes given.

/// Takes values from the front of bytes, and never reads past their end.
///
/// Numbers are little-endian. What is read is not copied, except where a function says so.
public struct ByteReader: Sendable {
  /// All the bytes.
  public let bytes: ArraySlice<UInt8>
  /// Where the next value begins: an index of `bytes`.
  public private(set) var position: Int

  /// A reader at the first of these bytes.
  @inlinable public init(_ bytes: ArraySlice<UInt8>) {
    self.init(bytes, at: bytes.startIndex)
  }

  @usableFromInline init(_ bytes: ArraySlice<UInt8>, at position: Int) {
    self.bytes = bytes
    self.position = position
  }

  /// How many bytes are left.
  public var remaining: Int { bytes.endIndex - position }

  /// Whether nothing is left.
  public var isAtEnd: Bool { position == bytes.endIndex }

  /// All that is left, without taking it.
  public var rest: ArraySlice<UInt8> { bytes[position...] }

  /// The next number, of the width of its type.
  ///
  /// - Throws: `.truncated` if fewer bytes are left.
  public mutating func read<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type = Number.self
  ) throws(MachineDecodingError) -> Number {
    let size = MemoryLayout<Number>.size
    guard remaining >= size else { throw .truncated }
    let offset = position - bytes.startIndex
    position += size
    return bytes.withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
  }

  /// The next so many bytes.
  ///
  /// - Throws: `.truncated` if fewer are left.
  public mutating func read(bytes count: Int) throws(MachineDecodingError) -> ArraySlice<UInt8> {
    guard count >= 0, remaining >= count else { throw .truncated }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// Passes over the next so many bytes.
  ///
  /// - Throws: `.truncated` if fewer are left.
  public mutating func skip(_ count: Int) throws(MachineDecodingError) {
    guard count >= 0, remaining >= count else { throw .truncated }
    position += count
  }

  /// A length of 4 bytes, and so many bytes.
  ///
  /// - Throws: `.truncated` if fewer are left.
  public mutating func readString() throws(MachineDecodingError) -> ArraySlice<UInt8> {
    let count: UInt32 = try read()
    guard UInt64(count) <= UInt64(remaining) else { throw .truncated }
    return try read(bytes: Int(count))
  }

  /// How many values follow, each of at least `size` bytes: a length of 4 bytes.
  ///
  /// - Throws: `.truncated` if so many cannot follow.
  public mutating func readCount(of size: Int) throws(MachineDecodingError) -> Int {
    let count: UInt32 = try read()
    guard UInt64(count) * UInt64(size) <= UInt64(remaining) else { throw .truncated }
    return Int(count)
  }

  /// The next byte as a version.
  ///
  /// - Throws: `.unknownVersion` if it is zero or larger than the newest.
  @discardableResult
  public mutating func readVersion(newest: UInt8) throws(MachineDecodingError) -> UInt8 {
    let version: UInt8 = try read()
    guard version > 0, version <= newest else { throw .unknownVersion(version) }
    return version
  }

  /// Refuses bytes after the value.
  ///
  /// - Throws: `.trailingBytes` if any are left.
  public func finish() throws(MachineDecodingError) {
    guard isAtEnd else { throw .trailingBytes }
  }
}

// Reads what may come from anybody. A length is compared with the bytes that are left before
// anything is done with it, so that time and memory are linear in the bytes given.

/// Takes values from the front of bytes, and never reads past their end.
///
/// Numbers are little-endian. What is read is not copied, except where a function says so.
public struct ByteReader: Sendable {
  /// All the bytes.
  public let bytes: ArraySlice<UInt8>
  @usableFromInline var place: Int

  /// Where the next value begins: an index of `bytes`.
  @inlinable public var position: Int { place }

  /// A reader at the first of these bytes.
  @inlinable public init(_ bytes: ArraySlice<UInt8>) {
    self.init(bytes, at: bytes.startIndex)
  }

  @inlinable init(_ bytes: ArraySlice<UInt8>, at position: Int) {
    self.bytes = bytes
    place = position
  }

  /// How many bytes are left.
  @inlinable public var remaining: Int { bytes.endIndex - place }

  /// Whether nothing is left.
  @inlinable public var isAtEnd: Bool { place == bytes.endIndex }

  /// All that is left, without taking it.
  @inlinable public var rest: ArraySlice<UInt8> { bytes[place...] }

  /// The next number, of the width of its type.
  ///
  /// - Throws: `.truncated` if fewer bytes are left.
  @inlinable
  public mutating func read<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type = Number.self
  ) throws(MachineDecodingError) -> Number {
    let size = MemoryLayout<Number>.size
    guard remaining >= size else { throw .truncated }
    let offset = place - bytes.startIndex
    place += size
    return bytes.withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
  }

  /// The next so many bytes.
  ///
  /// - Throws: `.truncated` if fewer are left.
  @inlinable
  public mutating func read(bytes count: Int) throws(MachineDecodingError) -> ArraySlice<UInt8> {
    guard count >= 0, remaining >= count else { throw .truncated }
    defer { place += count }
    return bytes[place..<place + count]
  }

  /// Passes over the next so many bytes.
  ///
  /// - Throws: `.truncated` if fewer are left.
  @inlinable
  public mutating func skip(_ count: Int) throws(MachineDecodingError) {
    guard count >= 0, remaining >= count else { throw .truncated }
    place += count
  }

  /// A length of 4 bytes, and so many bytes.
  ///
  /// - Throws: `.truncated` if fewer are left.
  @inlinable
  public mutating func readString() throws(MachineDecodingError) -> ArraySlice<UInt8> {
    let count: UInt32 = try read()
    guard UInt64(count) <= UInt64(remaining) else { throw .truncated }
    return try read(bytes: Int(count))
  }

  /// How many values follow, each of at least `size` bytes: a length of 4 bytes.
  ///
  /// - Throws: `.truncated` if so many cannot follow.
  @inlinable
  public mutating func readCount(of size: Int) throws(MachineDecodingError) -> Int {
    let count: UInt32 = try read()
    guard UInt64(count) * UInt64(size) <= UInt64(remaining) else { throw .truncated }
    return Int(count)
  }

  /// The next byte as a version.
  ///
  /// - Throws: `.unknownVersion` if it is zero or larger than the newest.
  @discardableResult
  @inlinable
  public mutating func readVersion(newest: UInt8) throws(MachineDecodingError) -> UInt8 {
    let version: UInt8 = try read()
    guard version > 0, version <= newest else { throw .unknownVersion(version) }
    return version
  }

  /// Refuses bytes after the value.
  ///
  /// - Throws: `.trailingBytes` if any are left.
  @inlinable
  public func finish() throws(MachineDecodingError) {
    guard isAtEnd else { throw .trailingBytes }
  }
}

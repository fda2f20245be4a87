// Values that stand in logs and snapshots for years. Each says itself which bytes it is; nothing is
// derived from how Swift lays it out.

/// A value with a binary encoding of its own.
///
/// What was written once must be readable for as long as a log or a backup holds it, so a type
/// whose fields may change begins with a version byte (`ByteReader.readVersion(newest:)`). One
/// value has one encoding.
public protocol BinaryValue: Sendable {
  /// Writes the value at the end of what was written before.
  func write(into writer: inout ByteWriter)

  /// Takes a value from the front of bytes.
  init(from reader: inout ByteReader) throws(MachineDecodingError)
}

extension BinaryValue {
  /// The bytes of the value.
  @inlinable
  public func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 32)
    write(into: &writer)
    return writer.bytes
  }

  /// The value that these bytes are, all of them.
  ///
  /// - Throws: `MachineDecodingError` if they are not the encoding of a value.
  @inlinable
  public init(encoded bytes: ArraySlice<UInt8>) throws(MachineDecodingError) {
    var reader = ByteReader(bytes)
    self = try Self(from: &reader)
    try reader.finish()
  }
}

extension BinaryValue where Self: FixedWidthInteger & BitwiseCopyable {
  /// Writes the number in the width of its type, little-endian.
  @inlinable
  public func write(into writer: inout ByteWriter) { writer.write(self) }

  /// Reads a number of the width of its type.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self = try reader.read(Self.self)
  }
}

extension UInt8: BinaryValue {}
extension UInt16: BinaryValue {}
extension UInt32: BinaryValue {}
extension UInt64: BinaryValue {}
extension Int8: BinaryValue {}
extension Int16: BinaryValue {}
extension Int32: BinaryValue {}
extension Int64: BinaryValue {}

extension Int: BinaryValue {
  /// Writes the number in 8 bytes, on every platform.
  @inlinable
  public func write(into writer: inout ByteWriter) { writer.write(Int64(self)) }

  /// Reads a number of 8 bytes.
  ///
  /// - Throws: `.outOfRange` where `Int` is narrower and the number does not fit.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    guard let number = Int(exactly: try reader.read(Int64.self)) else { throw .outOfRange }
    self = number
  }
}

extension Bool: BinaryValue {
  /// Writes one byte: 0 or 1.
  @inlinable
  public func write(into writer: inout ByteWriter) { writer.write(UInt8(self ? 1 : 0)) }

  /// Reads one byte.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self = false
    case 1: self = true
    case let byte: throw .unknownKind(byte)
    }
  }
}

extension String: BinaryValue {
  /// Writes the length of its UTF-8 in 4 bytes, and its UTF-8.
  @inlinable
  public func write(into writer: inout ByteWriter) { writer.write(string: Array(utf8)) }

  /// Reads a string.
  ///
  /// - Throws: `.notCanonical` if the bytes are not UTF-8.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let bytes = try reader.readString()
    let string = String(decoding: bytes, as: UTF8.self)
    // Decoding repairs what is wrong; what was right comes out as it went in.
    guard string.utf8.elementsEqual(bytes) else { throw .notCanonical }
    self = string
  }
}

extension Optional: BinaryValue where Wrapped: BinaryValue {
  /// Writes one byte, and the value if there is one.
  @inlinable
  public func write(into writer: inout ByteWriter) {
    writer.write(UInt8(self == nil ? 0 : 1))
    if let value = self { value.write(into: &writer) }
  }

  /// Reads one byte, and the value if there is one.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self = try Bool(from: &reader) ? try Wrapped(from: &reader) : nil
  }
}

extension Array: BinaryValue where Element: BinaryValue {
  /// Writes how many there are in 4 bytes, and each of them.
  @inlinable
  public func write(into writer: inout ByteWriter) {
    writer.write(count: count)
    for element in self { element.write(into: &writer) }
  }

  /// Reads how many there are, and each of them.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    // An element may take no bytes at all, but then so many of them are no use.
    let count = try reader.readCount(of: 1)
    var elements: [Element] = []
    // Not `count`: a large one may be a lie about large elements.
    elements.reserveCapacity(Swift.min(count, 1024))
    for _ in 0..<count { elements.append(try Element(from: &reader)) }
    self = elements
  }
}

extension Never: BinaryValue {
  /// There is no value to write.
  @inlinable
  public func write(into writer: inout ByteWriter) {}

  /// There is no value to read.
  ///
  /// - Throws: always.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) { throw .outOfRange }
}

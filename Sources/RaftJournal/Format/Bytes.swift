// Integers are written least significant byte first, in their full width, as in messages.

extension [UInt8] {
  mutating func put(_ value: UInt32) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  mutating func put(_ value: UInt64) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Writes a number over four bytes that are there.
  mutating func replace(at offset: Int, with value: UInt32) {
    withUnsafeMutableBytes {
      $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
    }
  }

  /// Appends a count of four bytes, and the field that `encode` appends, of so many bytes.
  @inline(__always)
  mutating func putCounted(_ encode: (inout [UInt8]) -> Void) {
    let start = count
    put(0 as UInt32)
    encode(&self)
    replace(at: start, with: UInt32(truncatingIfNeeded: count - start - 4))
  }

  /// Appends zeros until the length is a multiple of eight.
  mutating func padToEight() {
    while count % 8 != 0 { append(0) }
  }
}

/// Why bytes are not what was looked for.
enum FormatProblem: Error {
  case damaged(DamageKind)
  case unknownVersion(UInt8)
}

/// Takes fields from the front of bytes, of which none is trusted.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var remaining: Int { bytes.endIndex - position }

  mutating func take(_ count: UInt64) throws(FormatProblem) -> ArraySlice<UInt8> {
    guard count <= UInt64(remaining) else { throw FormatProblem.damaged(.malformed) }
    let start = position
    position += Int(count)
    return bytes[start..<position]
  }

  mutating func rest() -> ArraySlice<UInt8> {
    let start = position
    position = bytes.endIndex
    return bytes[start...]
  }

  private mutating func integer<Value: FixedWidthInteger>(
    _: Value.Type
  ) throws(FormatProblem) -> Value {
    let size = MemoryLayout<Value>.size
    guard size <= remaining else { throw FormatProblem.damaged(.malformed) }
    let offset = position - bytes.startIndex
    position += size
    return bytes.withUnsafeBytes {
      Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
  }

  mutating func byte() throws(FormatProblem) -> UInt8 { try integer(UInt8.self) }
  mutating func word() throws(FormatProblem) -> UInt32 { try integer(UInt32.self) }
  mutating func number() throws(FormatProblem) -> UInt64 { try integer(UInt64.self) }

  /// A number that is reckoned with: below 2^63, as in messages.
  mutating func bounded() throws(FormatProblem) -> UInt64 {
    let value = try number()
    guard value <= UInt64.max >> 1 else { throw FormatProblem.damaged(.malformed) }
    return value
  }
}

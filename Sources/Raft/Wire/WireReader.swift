// Reads what may come from anybody. No byte is trusted: a count is compared with the bytes that are
// left before anything is done with it, so that time and memory are linear in the bytes given.

/// Takes fields from the front of bytes.
struct WireReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int
  private(set) var version = WireVersion.newest

  /// No term, index or offset is larger. Leaves room above for every sum that the core forms, and
  /// no cluster gets near it: 2^63 entries at a million per second take 292,000 years.
  static let maximumNumber = UInt64.max >> 1

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// How many bytes were taken.
  var offset: Int { position - bytes.startIndex }

  /// How many bytes are left.
  var remaining: Int { bytes.endIndex - position }

  func error(
    _ expected: WireField, _ problem: WireProblem, at offset: Int? = nil
  ) -> WireDecodingError {
    WireDecodingError(offset: offset ?? self.offset, expected: expected, problem: problem)
  }

  /// The next `count` bytes, without a copy.
  mutating func take(
    _ count: UInt64, _ expected: WireField
  ) throws(WireDecodingError) -> ArraySlice<UInt8> {
    guard count <= UInt64(remaining) else {
      throw error(expected, .truncated(needed: count, available: UInt64(remaining)))
    }
    let start = position
    position += Int(count)
    return bytes[start..<position]
  }

  private mutating func readInteger<Value: FixedWidthInteger>(
    _ expected: WireField
  ) throws(WireDecodingError) -> Value {
    let size = MemoryLayout<Value>.size
    guard size <= remaining else {
      throw error(
        expected, .truncated(needed: UInt64(size), available: UInt64(remaining)))
    }
    let offset = offset
    position += size
    return bytes.withUnsafeBytes {
      Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
  }

  mutating func readByte(_ expected: WireField) throws(WireDecodingError) -> UInt8 {
    try readInteger(expected)
  }

  /// A number of 32 bits, not yet compared with anything.
  mutating func readCount(_ expected: WireField) throws(WireDecodingError) -> UInt32 {
    try readInteger(expected)
  }

  mutating func readNumber(_ expected: WireField) throws(WireDecodingError) -> UInt64 {
    try readInteger(expected)
  }

  /// A number that the core reckons with.
  mutating func readBoundedNumber(_ expected: WireField) throws(WireDecodingError) -> UInt64 {
    let start = offset
    let value = try readNumber(expected)
    guard value <= WireReader.maximumNumber else {
      throw error(expected, .tooLarge(value), at: start)
    }
    return value
  }

  mutating func readFlag() throws(WireDecodingError) -> Bool {
    let start = offset
    switch try readByte(.flag) {
    case 0: return false
    case 1: return true
    case let tag: throw error(.flag, .unknownTag(tag), at: start)
    }
  }

  mutating func readTerm() throws(WireDecodingError) -> Term {
    let number = try readBoundedNumber(.term)
    return Term(number)
  }

  mutating func readIndex() throws(WireDecodingError) -> LogIndex {
    let number = try readBoundedNumber(.index)
    return LogIndex(number)
  }

  mutating func readPosition() throws(WireDecodingError) -> LogPosition {
    let term = try readTerm()
    let index = try readIndex()
    return LogPosition(term: term, index: index)
  }

  mutating func readNode() throws(WireDecodingError) -> NodeID {
    let start = offset
    let value = try readNumber(.node)
    guard value > 0 else { throw error(.node, .zero, at: start) }
    return NodeID(value)
  }

  mutating func readVersion() throws(WireDecodingError) {
    let start = offset
    let found = try readByte(.version)
    guard let known = WireVersion(rawValue: found) else {
      throw error(.version, .unknownVersion(found: found, newest: .newest), at: start)
    }
    version = known
  }

  /// Refuses bytes after the end.
  func finish() throws(WireDecodingError) {
    guard remaining == 0 else { throw error(.end, .trailingBytes(UInt64(remaining))) }
  }
}

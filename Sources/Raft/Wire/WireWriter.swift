// Integers are written least significant byte first, in their full width: there is no choice.

/// A value that has a binary encoding.
protocol WireValue {
  /// Appends the encoding without its version byte.
  func write(to writer: inout WireWriter)
  /// Reads what `write` wrote.
  static func read(from reader: inout WireReader) throws(WireDecodingError) -> Self
}

extension WireValue {
  func appendWire(to bytes: inout [UInt8], version: WireVersion) {
    var writer = WireWriter(version: version)
    swap(&writer.bytes, &bytes)
    writer.put(version.rawValue)
    write(to: &writer)
    swap(&writer.bytes, &bytes)
  }

  static func readWhole(_ bytes: ArraySlice<UInt8>) throws(WireDecodingError) -> Self {
    var reader = WireReader(bytes)
    try reader.readVersion()
    let value = try read(from: &reader)
    try reader.finish()
    return value
  }
}

/// Appends fields to bytes.
struct WireWriter {
  let version: WireVersion
  var bytes: [UInt8] = []

  init(version: WireVersion) { self.version = version }

  mutating func put(_ value: UInt8) { bytes.append(value) }

  mutating func put(_ value: UInt32) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Writes the first `count` bytes of three numbers in one go; as many puts are slower.
  ///
  /// - Precondition: `count` is at most 24.
  mutating func put(_ a: UInt64, _ b: UInt64, _ c: UInt64 = 0, bytes count: Int) {
    withUnsafeBytes(of: (a.littleEndian, b.littleEndian, c.littleEndian)) {
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[..<count]))
    }
  }

  mutating func put(_ value: Bool) { put(value ? 1 as UInt8 : 0) }
  mutating func put(_ value: Term) { put(value.rawValue) }
  mutating func put(_ value: LogIndex) { put(value.rawValue) }
  mutating func put(_ value: NodeID) { put(value.rawValue) }

  mutating func put(_ value: LogPosition) {
    put(value.term)
    put(value.index)
  }

  /// Writes a count as 32 bits.
  ///
  /// - Precondition: it is less than 2^32 - 1. The limits of a `Configuration` keep messages far
  ///   below that.
  mutating func put(count: Int) { put(WireWriter.checked(count)) }

  static func checked(_ count: Int) -> UInt32 {
    precondition(UInt64(count) < UInt64(UInt32.max), "a message has less than 4 GiB: \(count)")
    return UInt32(truncatingIfNeeded: count)
  }
}

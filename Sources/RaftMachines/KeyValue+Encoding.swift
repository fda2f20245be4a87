// The bytes of commands and snapshots. A first byte tells the version, so that what was written
// once can always be read.
//
//     command   version(1) kind key [expected] [value]
//     snapshot  version(1) count { key value changedAt }
//     key, value, expected: a length of 4 bytes, then so many bytes; numbers are little-endian;
//     before `expected` one byte tells whether it is there

import Raft

/// Reads what is in front, and never past the end.
struct ByteReader {
  let bytes: ArraySlice<UInt8>
  var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var isAtEnd: Bool { position == bytes.endIndex }

  mutating func byte() throws(MachineDecodingError) -> UInt8 {
    guard position < bytes.endIndex else { throw .truncated }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func number(bytes count: Int) throws(MachineDecodingError) -> UInt64 {
    guard bytes.endIndex - position >= count else { throw .truncated }
    var value: UInt64 = 0
    for offset in 0..<count { value |= UInt64(bytes[position + offset]) << UInt64(8 * offset) }
    position += count
    return value
  }

  mutating func string() throws(MachineDecodingError) -> ArraySlice<UInt8> {
    let count = Int(try number(bytes: 4))
    guard bytes.endIndex - position >= count else { throw .truncated }
    defer { position += count }
    return bytes[position..<position + count]
  }
}

/// Writes one part after the other.
struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func number(_ value: UInt64, bytes count: Int) {
    for offset in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * offset))) }
  }

  mutating func string(_ string: [UInt8]) {
    number(UInt64(string.count), bytes: 4)
    bytes.append(contentsOf: string)
  }
}

extension KeyValue {
  static let version: UInt8 = 1

  enum CommandKind: UInt8 {
    case get = 0
    case put = 1
    case delete = 2
    case compareAndSet = 3
  }

  struct CommandParts {
    var kind: CommandKind
    var key: ArraySlice<UInt8>
    var expected: ArraySlice<UInt8>?
    var value: ArraySlice<UInt8> = []
  }

  static func read(_ bytes: ArraySlice<UInt8>) throws(MachineDecodingError) -> CommandParts {
    var reader = ByteReader(bytes)
    let version = try reader.byte()
    guard version == KeyValue.version else { throw .unknownVersion(version) }
    let code = try reader.byte()
    guard let kind = CommandKind(rawValue: code) else { throw .unknownKind(code) }
    var parts = CommandParts(kind: kind, key: try reader.string())
    switch kind {
    case .get, .delete: break
    case .put: parts.value = try reader.string()
    case .compareAndSet:
      if try reader.byte() != 0 { parts.expected = try reader.string() }
      parts.value = try reader.string()
    }
    guard reader.isAtEnd else { throw .trailingBytes }
    return parts
  }

  /// The bytes of a command, beginning with the version of the encoding.
  public static func encode(_ command: Command) -> [UInt8] {
    var writer = ByteWriter()
    writer.bytes.reserveCapacity(32)
    writer.bytes.append(version)
    switch command {
    case .get(let key):
      writer.bytes.append(CommandKind.get.rawValue)
      writer.string(key)
    case .put(let key, let value):
      writer.bytes.append(CommandKind.put.rawValue)
      writer.string(key)
      writer.string(value)
    case .delete(let key):
      writer.bytes.append(CommandKind.delete.rawValue)
      writer.string(key)
    case .compareAndSet(let key, let expected, let value):
      writer.bytes.append(CommandKind.compareAndSet.rawValue)
      writer.string(key)
      writer.bytes.append(expected == nil ? 0 : 1)
      if let expected { writer.string(expected) }
      writer.string(value)
    }
    return writer.bytes
  }

  /// The command that these bytes hold.
  public static func decode(
    _ bytes: ArraySlice<UInt8>
  ) throws(MachineDecodingError) -> Command {
    let parts = try read(bytes)
    let key = Array(parts.key)
    switch parts.kind {
    case .get: return .get(key: key)
    case .put: return .put(key: key, value: Array(parts.value))
    case .delete: return .delete(key: key)
    case .compareAndSet:
      return .compareAndSet(
        key: key, expected: parts.expected.map { Array($0) }, value: Array(parts.value))
    }
  }

  /// The whole store as bytes, the same bytes for the same store.
  ///
  /// - Complexity: O(bytes).
  public func snapshot() -> [UInt8] {
    var writer = ByteWriter()
    writer.bytes.append(KeyValue.version)
    writer.number(UInt64(records.count), bytes: 8)
    for record in records {
      writer.string(record.key)
      writer.string(record.value)
      writer.number(record.changedAt.rawValue, bytes: 8)
    }
    return writer.bytes
  }

  /// Replaces the store by the one that a snapshot holds; on an error it stays as it was.
  ///
  /// - Complexity: O(bytes).
  public mutating func restore(_ snapshot: [UInt8]) throws(MachineDecodingError) {
    var reader = ByteReader(snapshot[...])
    let version = try reader.byte()
    guard version == KeyValue.version else { throw .unknownVersion(version) }
    let count = try reader.number(bytes: 8)
    var restored: [Record] = []
    var remaining = count
    while remaining > 0 {
      remaining -= 1
      let key = Array(try reader.string())
      let value = Array(try reader.string())
      let changedAt = LogIndex(try reader.number(bytes: 8))
      if let last = restored.last, !last.key.lexicographicallyPrecedes(key) { throw .disordered }
      restored.append(Record(key: key, value: value, changedAt: changedAt))
    }
    guard reader.isAtEnd else { throw .trailingBytes }
    replace(by: restored)
  }
}

// The bytes of commands and snapshots. A first byte tells the version, so that what was written
// once can always be read.
//
//     command   version(1) kind key [expected] [value]
//     snapshot  version(1) count { key value changedAt }
//     key, value, expected: a length of 4 bytes, then so many bytes; numbers are little-endian;
//     before `expected` one byte tells whether it is there

import Raft

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
    let parts = try read(&reader)
    try reader.finish()
    return parts
  }

  static func read(_ reader: inout ByteReader) throws(MachineDecodingError) -> CommandParts {
    try reader.readVersion(newest: KeyValue.version)
    let code: UInt8 = try reader.read()
    guard let kind = CommandKind(rawValue: code) else { throw .unknownKind(code) }
    var parts = CommandParts(kind: kind, key: try reader.readString())
    switch kind {
    case .get, .delete: break
    case .put: parts.value = try reader.readString()
    case .compareAndSet:
      if try Bool(from: &reader) { parts.expected = try reader.readString() }
      parts.value = try reader.readString()
    }
    return parts
  }
}

extension KeyValue.Command: BinaryValue {
  /// Writes the version of the encoding, the kind, and its fields.
  public func write(into writer: inout ByteWriter) {
    writer.write(KeyValue.version)
    switch self {
    case .get(let key):
      writer.write(KeyValue.CommandKind.get.rawValue)
      writer.write(string: key)
    case .put(let key, let value):
      writer.write(KeyValue.CommandKind.put.rawValue)
      writer.write(string: key)
      writer.write(string: value)
    case .delete(let key):
      writer.write(KeyValue.CommandKind.delete.rawValue)
      writer.write(string: key)
    case .compareAndSet(let key, let expected, let value):
      writer.write(KeyValue.CommandKind.compareAndSet.rawValue)
      writer.write(string: key)
      (expected != nil).write(into: &writer)
      if let expected { writer.write(string: expected) }
      writer.write(string: value)
    }
  }

  /// Reads what `write(into:)` writes.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let parts = try KeyValue.read(&reader)
    let key = Array(parts.key)
    switch parts.kind {
    case .get: self = .get(key: key)
    case .put: self = .put(key: key, value: Array(parts.value))
    case .delete: self = .delete(key: key)
    case .compareAndSet:
      self = .compareAndSet(
        key: key, expected: parts.expected.map { Array($0) }, value: Array(parts.value))
    }
  }
}

extension KeyValue.Result: BinaryValue {
  /// Writes the kind and the value.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .value(nil): writer.write(UInt8(0))
    case .value(let value?):
      writer.write(UInt8(1))
      writer.write(string: value)
    case .done: writer.write(UInt8(2))
    case .mismatch: writer.write(UInt8(3))
    case .malformed(let error):
      writer.write(UInt8(4))
      error.write(into: &writer)
    }
  }

  /// Reads what `write(into:)` writes.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .value(nil)
    case 1: self = .value(Array(try reader.readString()))
    case 2: self = .done
    case 3: self = .mismatch
    case 4: self = .malformed(try MachineDecodingError(from: &reader))
    case let kind: throw .unknownKind(kind)
    }
  }
}

extension KeyValue {
  /// Writes the whole store.
  ///
  /// - Complexity: O(bytes).
  public func write(into writer: inout ByteWriter) {
    writer.write(KeyValue.version)
    writer.write(UInt64(records.count))
    for record in records {
      writer.write(string: record.key)
      writer.write(string: record.value)
      writer.write(record.changedAt.rawValue)
    }
  }

  /// Reads a whole store.
  ///
  /// - Complexity: O(bytes).
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init()
    try reader.readVersion(newest: KeyValue.version)
    let count: UInt64 = try reader.read()
    var restored: [Record] = []
    var remaining = count
    while remaining > 0 {
      remaining -= 1
      let key = Array(try reader.readString())
      let value = Array(try reader.readString())
      let changedAt = LogIndex(try reader.read())
      if let last = restored.last, !last.key.lexicographicallyPrecedes(key) { throw .disordered }
      restored.append(Record(key: key, value: value, changedAt: changedAt))
    }
    replace(by: restored)
  }
}

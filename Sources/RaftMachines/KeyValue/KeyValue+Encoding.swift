// The bytes of commands, results and snapshots. A first byte tells the version, so that what was
// written once can always be read.
//
//     command   version(1) kind key [expected] [value]
//     result    kind [value]
//     part      version(1) 0 { key value changedAt } | version(1) 1 isFirst changes
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

  enum ResultKind: UInt8 {
    case nothing = 0
    case value = 1
    case done = 2
    case mismatch = 3
    case malformed = 4
  }

  /// A command whose strings are left where they stand: offsets from its first byte.
  struct CommandParts {
    var kind: CommandKind
    var key: Range<Int>
    var expected: Range<Int>?
    var value: Range<Int> = 0..<0
  }

  @inline(__always)
  static func read(_ bytes: ArraySlice<UInt8>) throws(MachineDecodingError) -> CommandParts {
    var reader = ByteReader(bytes)
    let parts = try read(&reader)
    try reader.finish()
    return parts
  }

  @inline(__always)
  private static func string(
    _ reader: inout ByteReader, _ start: Int
  ) throws(MachineDecodingError) -> Range<Int> {
    let count: UInt32 = try reader.read()
    guard UInt64(count) <= UInt64(reader.remaining) else { throw .truncated }
    let first = reader.position - start
    try reader.skip(Int(count))
    return first..<first + Int(count)
  }

  @inline(__always)
  static func read(_ reader: inout ByteReader) throws(MachineDecodingError) -> CommandParts {
    let start = reader.position
    try reader.readVersion(newest: KeyValue.version)
    let code: UInt8 = try reader.read()
    guard let kind = CommandKind(rawValue: code) else { throw .unknownKind(code) }
    var parts = CommandParts(kind: kind, key: try string(&reader, start))
    switch kind {
    case .get, .delete: break
    case .put: parts.value = try string(&reader, start)
    case .compareAndSet:
      if try Bool(from: &reader) { parts.expected = try string(&reader, start) }
      parts.value = try string(&reader, start)
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
    let bytes = reader.rest
    let parts = try KeyValue.read(&reader)
    func string(_ range: Range<Int>) -> [UInt8] {
      Array(bytes[(bytes.startIndex + range.lowerBound)..<(bytes.startIndex + range.upperBound)])
    }
    let key = string(parts.key)
    switch parts.kind {
    case .get: self = .get(key: key)
    case .put: self = .put(key: key, value: string(parts.value))
    case .delete: self = .delete(key: key)
    case .compareAndSet:
      self = .compareAndSet(
        key: key, expected: parts.expected.map { string($0) }, value: string(parts.value))
    }
  }
}

extension KeyValue.Result: BinaryValue {
  /// Writes the kind and the value.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .value(nil): writer.write(KeyValue.ResultKind.nothing.rawValue)
    case .value(let value?):
      writer.write(KeyValue.ResultKind.value.rawValue)
      writer.write(string: value)
    case .done: writer.write(KeyValue.ResultKind.done.rawValue)
    case .mismatch: writer.write(KeyValue.ResultKind.mismatch.rawValue)
    case .malformed(let error):
      writer.write(KeyValue.ResultKind.malformed.rawValue)
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
  private enum Section: UInt8 {
    case records = 0
    case changes = 1
  }

  /// Writes the next keys in their order, then the changes.
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    let start = writer.count
    writer.write(KeyValue.version)
    writer.write(UInt8(truncatingIfNeeded: cursor.section))
    if cursor.section == 0 {
      // The position is that of a block of the order and, in its lower half, of a key in it. Where
      // a part ends depends on the keys alone, not on the blocks that they came to lie in.
      var place = (block: cursor.position >> 16, place: cursor.position & 0xffff)
      while writer.count - start < SnapshotCursor.partBytes, let slot = order[place] {
        writer.write(string: key(slot))
        writer.write(string: value(slot))
        writer.write(records[slot].changedAt)
        place = order.next(place)
      }
      cursor.position = place.block << 16 | place.place
      if order[place] == nil { cursor.nextSection() }
    } else {
      (cursor.position == 0).write(into: &writer)
      cursor.isAtEnd = changes.writePart(at: &cursor, into: &writer)
    }
  }

  /// Takes in the next keys or changes.
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    var reader = ByteReader(part)
    try reader.readVersion(newest: KeyValue.version)
    let code: UInt8 = try reader.read()
    guard let section = Section(rawValue: code) else { throw .unknownKind(code) }
    guard section == .records else {
      let isFirst = try Bool(from: &reader)
      return try changes.read(part: &reader, isFirst: isFirst)
    }
    while !reader.isAtEnd {
      let key = try reader.readString()
      let value = try reader.readString()
      let index = LogIndex(try reader.read())
      if let last = order.blocks.last?.last {
        guard self.key(Int(last.slot)).lexicographicallyPrecedes(key) else { throw .disordered }
      }
      restore(key, value, index)
    }
  }

  /// There is nothing left to build.
  public mutating func finishReading() throws(MachineDecodingError) {}

  /// Writes the whole store, as `snapshot()` does.
  public func write(into writer: inout ByteWriter) { writer.write(string: snapshot()) }

  /// Reads a whole store.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init()
    try restore(Array(try reader.readString()))
  }
}

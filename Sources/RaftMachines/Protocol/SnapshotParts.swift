// §7: snapshots. A large state is written and read in parts, so that a snapshot of any size takes
// no more memory than the state and one part.

import Raft

/// Where a snapshot is being written.
///
/// The machine alone knows what the fields mean; both begin at zero.
public struct SnapshotCursor: Hashable, Sendable {
  /// How many bytes a part should have at most. One value that is larger makes a larger part.
  public static let partBytes = 64 << 10

  /// Which of the machine's tables is being written.
  public var section: UInt32 = 0
  /// How far it is written.
  public var position: Int = 0
  /// Whether all is written.
  public var isAtEnd = false

  /// Where a part of the machine, which is a machine itself, is being written: none or one.
  @usableFromInline var inner: [SnapshotCursor] = []

  /// A cursor at the beginning.
  @inlinable public init() {}

  /// Goes to the next table.
  @inlinable
  public mutating func nextSection() {
    section += 1
    position = 0
    inner.removeAll()
  }

  /// Lets a machine inside of this one write its next part.
  ///
  /// - Returns: whether it has written all of its parts.
  @inlinable
  public mutating func write<Inner: SnapshotParts>(
    _ machine: Inner, into writer: inout ByteWriter
  ) -> Bool {
    if inner.isEmpty { inner.append(SnapshotCursor()) }
    machine.writePart(at: &inner[0], into: &writer)
    guard inner[0].isAtEnd else { return false }
    inner.removeLast()
    return true
  }
}

/// A state that can be written and read in parts.
public protocol SnapshotParts: Sendable {
  /// Writes the part of the snapshot at the cursor, and moves the cursor behind it.
  ///
  /// The same state is written as the same parts. Unless a machine has something better, all of it
  /// is one part.
  func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter)

  /// Takes in the next part that was written, beginning with the state before the first command.
  ///
  /// - Throws: `MachineDecodingError`; the state is then of no use.
  mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError)

  /// The last part was read: builds what is not written, and checks what can be checked.
  mutating func finishReading() throws(MachineDecodingError)

  /// A digest of the state that is the same in every process and on every platform.
  ///
  /// Unless a machine keeps it as it changes, it is computed from the bytes of the whole state.
  var digest: UInt64 { get }
}

extension SnapshotParts where Self: BinaryValue {
  /// Writes the whole state as one part.
  @inlinable
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    write(into: &writer)
    cursor.isAtEnd = true
  }

  /// Reads the whole state.
  @inlinable
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    self = try Self(encoded: part)
  }

  /// There is nothing left to do.
  @inlinable
  public mutating func finishReading() throws(MachineDecodingError) {}

  /// A digest of the bytes of the whole state.
  ///
  /// - Complexity: O(state).
  @inlinable public var digest: UInt64 {
    var digest = Digest()
    digest.combine(bytes: encoded())
    return digest.value
  }
}

/// Writes the snapshot of a state, a piece at a time.
///
/// The writer holds a copy of the state as it was, which shares memory with the machine until that
/// changes: the machine may go on applying.
///
///     snapshot  version(1) { length:4 part } 0xffff_ffff digest:8
public struct SnapshotWriter<State: SnapshotParts>: Sendable {
  @inlinable static var version: UInt8 { 1 }
  @inlinable static var endMark: UInt32 { .max }

  @usableFromInline let state: State
  @usableFromInline var cursor = SnapshotCursor()
  @usableFromInline var writer = ByteWriter()
  /// How much of what was written has been given out.
  @usableFromInline var given = 0
  @usableFromInline var isWritten = false

  /// A writer of this state's snapshot.
  ///
  /// - Complexity: O(1).
  @inlinable
  public init(_ state: State) {
    self.state = state
    writer.write(SnapshotWriter.version)
  }

  /// Whether all has been given out.
  @inlinable public var isAtEnd: Bool { isWritten && given == writer.count }

  /// The next piece: exactly so many bytes, and fewer only at the end. Empty after the end.
  ///
  /// - Precondition: `count` is more than zero.
  @inlinable
  public mutating func next(_ count: Int) -> [UInt8] {
    precondition(count > 0, "a piece has one byte or more")
    while writer.count - given < count, !isWritten { writePart() }
    let end = min(given + count, writer.count)
    let piece = Array(writer.bytes[given..<end])
    given = end
    return piece
  }

  /// All that is left.
  ///
  /// - Complexity: O(state), in time and memory.
  @inlinable
  public mutating func all() -> [UInt8] {
    while !isWritten { writePart() }
    defer { given = writer.count }
    return given == 0 ? writer.bytes : Array(writer.bytes[given...])
  }

  @inlinable
  mutating func writePart() {
    if given > SnapshotCursor.partBytes, given == writer.count {
      writer.removeAll()
      given = 0
    } else if given > 4 * SnapshotCursor.partBytes {
      let rest = Array(writer.bytes[given...])
      writer.removeAll()
      writer.write(bytes: rest)
      given = 0
    }
    guard !cursor.isAtEnd else {
      writer.write(SnapshotWriter.endMark)
      writer.write(state.digest)
      isWritten = true
      return
    }
    let start = writer.count
    writer.write(UInt32(0))
    state.writePart(at: &cursor, into: &writer)
    let length = writer.count - start - 4
    precondition(UInt64(length) < UInt64(UInt32.max), "a part of a snapshot has less than 4 GiB")
    writer.overwrite(UInt32(length), at: start)
  }
}

/// Reads a snapshot from pieces of any size.
public struct SnapshotReader<State: SnapshotParts>: Sendable {
  @usableFromInline var state: State
  /// What has come and is not read yet: less than one part.
  @usableFromInline var waiting: [UInt8] = []
  @usableFromInline var hasVersion = false
  @usableFromInline var isAtEnd = false

  /// A reader that will make a state from its beginning.
  @inlinable public init(into empty: State) { state = empty }

  /// Takes in the next piece.
  ///
  /// - Throws: `MachineDecodingError`; the reader is then of no use.
  @inlinable
  public mutating func read(_ piece: ArraySlice<UInt8>) throws(MachineDecodingError) {
    waiting.append(contentsOf: piece)
    var reader = ByteReader(waiting[...])
    // What is read must be released before `waiting` changes, or all of it would be copied.
    let used = try read(&reader)
    reader = ByteReader([])
    if used == waiting.count {
      waiting.removeAll(keepingCapacity: true)
    } else if used > 0 {
      waiting.removeFirst(used)
    }
  }

  /// Reads whole parts, and says how many bytes they took.
  @inlinable
  mutating func read(_ reader: inout ByteReader) throws(MachineDecodingError) -> Int {
    if !hasVersion, !reader.isAtEnd {
      try reader.readVersion(newest: SnapshotWriter<State>.version)
      hasVersion = true
    }
    while reader.remaining >= 4 {
      guard !isAtEnd else { throw .trailingBytes }
      var ahead = reader
      let length: UInt32 = try ahead.read()
      if length == SnapshotWriter<State>.endMark {
        guard ahead.remaining >= 8 else { break }
        let digest: UInt64 = try ahead.read()
        try state.finishReading()
        guard digest == state.digest else { throw .wrongDigest }
        isAtEnd = true
      } else {
        guard UInt64(length) <= UInt64(ahead.remaining) else { break }
        try state.read(part: try ahead.read(bytes: Int(length)))
      }
      reader = ahead
    }
    guard !isAtEnd || reader.isAtEnd else { throw .trailingBytes }
    return reader.position
  }

  /// The state, after the last piece.
  ///
  /// - Throws: `.truncated` if more was to come.
  @inlinable
  public func finish() throws(MachineDecodingError) -> State {
    guard isAtEnd, waiting.isEmpty else { throw .truncated }
    return state
  }
}

extension StateMachine {
  /// The whole state as bytes, the same bytes for the same state.
  ///
  /// - Complexity: O(state).
  @inlinable
  public func snapshot() -> [UInt8] {
    var writer = SnapshotWriter(self)
    return writer.all()
  }

  /// Replaces the state by the one that a snapshot holds; on an error it is as before.
  ///
  /// - Throws: `MachineDecodingError` if the bytes are not a snapshot of such a machine.
  /// - Complexity: O(state).
  @inlinable
  public mutating func restore(_ snapshot: [UInt8]) throws(MachineDecodingError) {
    var reader = SnapshotReader(into: beginning)
    try reader.read(snapshot[...])
    self = try reader.finish()
  }
}

// §5.3 and Figure 2: "log entries; each entry contains command for state machine, and term when
// entry was received by leader".

/// What an entry is for.
public enum EntryKind: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// A command for the state machine.
  case command = 0
  /// The empty entry by which a new leader commits what earlier terms left (§8).
  case noOperation = 1
  /// A membership, in force as soon as it is in the log (§6).
  case membership = 2

  /// The kind in a word.
  public var description: String {
    switch self {
    case .command: "command"
    case .noOperation: "noOperation"
    case .membership: "membership"
    }
  }
}

/// Where the payloads of a run are.
public enum PayloadState: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// In memory, in the run's block.
  case present = 0
  /// On this node's disk only: dropped from memory, to be loaded when somebody needs them.
  case evicted = 1
  /// Never here: a witness holds the terms of entries without their commands.
  case elided = 2
}

/// One entry of the log.
public struct Entry: Hashable, Sendable {
  /// Its position in the log.
  public let index: LogIndex
  /// The term in which its leader made it.
  public let term: Term
  /// What it is for.
  public let kind: EntryKind
  /// Its bytes, sharing memory with the batch it came in; empty if they are not in memory.
  public let payload: ArraySlice<UInt8>
}

/// Consecutive entries of one term and one kind whose payloads lie together in one block.
///
/// A run is one reference and a few numbers: logs, messages and writes that hold parts of a batch
/// share its bytes, and a copy costs one reference.
public struct EntryRun: Sendable {
  /// The block's bytes; see `EntryBlock`.
  @usableFromInline let bytes: [UInt8]
  /// The index of the first entry.
  public let firstIndex: LogIndex
  /// The term of all entries.
  public let term: Term
  /// How many payloads the block holds.
  @usableFromInline let blockCount: UInt32
  /// The place of the first entry in the block.
  @usableFromInline let blockOffset: UInt32
  @usableFromInline let storedCount: UInt32
  /// What the entries are for.
  public let kind: EntryKind
  /// Where the payloads are.
  public let payloads: PayloadState

  /// A run over a whole block.
  ///
  /// - Complexity: O(1), without an allocation.
  @inlinable
  public init(firstIndex: LogIndex, term: Term, kind: EntryKind = .command, block: EntryBlock) {
    bytes = block.bytes
    self.firstIndex = firstIndex
    self.term = term
    blockCount = block.storedCount
    blockOffset = 0
    storedCount = block.storedCount
    self.kind = kind
    payloads = .present
  }

  /// The same run, sharing its bytes. What a copy does too; field by field it is less work.
  @inline(__always)
  init(sharing run: borrowing EntryRun) {
    bytes = run.bytes
    firstIndex = run.firstIndex
    term = run.term
    blockCount = run.blockCount
    blockOffset = run.blockOffset
    storedCount = run.storedCount
    kind = run.kind
    payloads = run.payloads
  }

  /// A run of which only indexes, term and kind are known.
  public init(
    firstIndex: LogIndex, term: Term, kind: EntryKind, count: UInt32, payloads: PayloadState
  ) {
    bytes = []
    self.firstIndex = firstIndex
    self.term = term
    blockCount = 0
    blockOffset = 0
    storedCount = count
    self.kind = kind
    self.payloads = payloads
  }

  /// The run of no entries, made where it is needed.
  @inline(__always)
  static var bare: EntryRun {
    EntryRun(firstIndex: .zero, term: .zero, block: EntryBlock(unchecked: [], count: 0))
  }

  /// The run of no entries.
  static var none: EntryRun { bare }

  /// The block in which the payloads lie; `.empty` if they are not in memory.
  @inlinable public var block: EntryBlock { EntryBlock(unchecked: bytes, count: blockCount) }

  /// How many entries the run has.
  @inlinable public var count: Int { Int(storedCount) }

  /// The index of the last entry.
  ///
  /// - Precondition: the run is not empty.
  @inlinable public var lastIndex: LogIndex {
    LogIndex(firstIndex.rawValue &+ UInt64(storedCount) &- 1)
  }

  /// The bytes of all payloads of the run that are in memory.
  @inlinable public var payloadBytes: Int {
    guard payloads == .present else { return 0 }
    if storedCount == blockCount {
      return EntryBlock.payloadBytes(inBytes: bytes.count, count: blockCount)
    }
    return block.payloadBytes(from: Int(blockOffset), count: count)
  }

  /// The payload of the entry at `position`, counted from 0; empty if it is not in memory.
  ///
  /// - Precondition: `position` is in `0..<count`.
  @inlinable public func payload(_ position: Int) -> ArraySlice<UInt8> {
    guard payloads == .present else { return [] }
    precondition(position >= 0 && position < count, "no entry at this position of the run")
    return block[Int(blockOffset) + position]
  }

  /// Calls `body` with the bytes of each payload in order, without a copy; not at all if they are
  /// not in memory. The bytes are valid only during the call.
  @inlinable public func forEachPayload(_ body: (UnsafeRawBufferPointer) -> Void) {
    guard payloads == .present else { return }
    bytes.withUnsafeBytes {
      EntryRun.forEachPayload($0, of: blockCount, from: blockOffset, count: storedCount, body)
    }
  }

  /// Calls `body` with `count` payloads of the block with these bytes, from `offset` on.
  @inlinable
  @inline(__always)
  static func forEachPayload(
    _ bytes: UnsafeRawBufferPointer, of blockCount: UInt32, from offset: UInt32, count: UInt32,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    if blockCount == 1 {
      if count == 1 { body(bytes) }
      return
    }
    let table = bytes.count - 4 * Int(blockCount)
    var position = Int(offset)
    let end = position + Int(count)
    var start = 0
    if position > 0 {
      start = Int(
        UInt32(
          littleEndian: bytes.loadUnaligned(
            fromByteOffset: table + 4 * (position - 1), as: UInt32.self)))
    }
    while position < end {
      let stop = UInt32(
        littleEndian: bytes.loadUnaligned(
          fromByteOffset: table + 4 * position, as: UInt32.self))
      body(UnsafeRawBufferPointer(rebasing: bytes[start..<Int(stop)]))
      start = Int(stop)
      position += 1
    }
  }

  /// The entry at `position`, counted from 0.
  ///
  /// - Precondition: `position` is in `0..<count`.
  public func entry(_ position: Int) -> Entry {
    Entry(
      index: firstIndex.advanced(by: UInt64(position)), term: term, kind: kind,
      payload: payload(position))
  }

  /// The entries of the run from `first` through `last`.
  ///
  /// - Precondition: both lie in the run, in order.
  public func slice(from first: LogIndex, through last: LogIndex) -> EntryRun {
    EntryRun(
      cutting: self, from: first, skipping: UInt32(first.rawValue - firstIndex.rawValue),
      count: UInt32(last.rawValue - first.rawValue + 1))
  }

  private init(cutting run: EntryRun, from first: LogIndex, skipping: UInt32, count: UInt32) {
    bytes = run.bytes
    firstIndex = first
    term = run.term
    blockCount = run.blockCount
    blockOffset = run.blockOffset + skipping
    storedCount = count
    kind = run.kind
    payloads = run.payloads
  }

  /// The same entries without their payloads.
  func without(payloads state: PayloadState) -> EntryRun {
    guard payloads == .present else { return self }
    return EntryRun(
      firstIndex: firstIndex, term: term, kind: kind, count: storedCount, payloads: state)
  }
}

extension EntryRun: Hashable {
  /// Two runs are equal if they hold the same entries, however their blocks are cut.
  public static func == (a: EntryRun, b: EntryRun) -> Bool {
    guard a.storedCount == b.storedCount else { return false }
    guard a.firstIndex == b.firstIndex, a.term == b.term, a.kind == b.kind,
      a.payloads == b.payloads
    else { return false }
    if a.blockOffset == b.blockOffset && a.isSameMemory(as: b) { return true }
    for position in 0..<a.count where a.payload(position) != b.payload(position) { return false }
    return true
  }

  private func isSameMemory(as other: EntryRun) -> Bool {
    bytes.withUnsafeBytes { mine in
      other.bytes.withUnsafeBytes { $0.baseAddress == mine.baseAddress && $0.count == mine.count }
    }
  }

  /// Feeds the entries.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(firstIndex)
    hasher.combine(storedCount)
    hasher.combine(term)
    hasher.combine(kind)
    for position in 0..<count { hasher.combine(payload(position)) }
  }
}

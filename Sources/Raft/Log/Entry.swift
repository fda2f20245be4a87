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
/// A run is one reference and two numbers: logs, messages and writes that hold parts of a batch
/// share the batch, and a copy costs one reference.
public struct EntryRun: Sendable {
  /// What all runs cut out of one batch have in common.
  @usableFromInline
  final class Batch: Sendable {
    /// The index of the block's first payload.
    @usableFromInline let firstIndex: LogIndex
    @usableFromInline let term: Term
    @usableFromInline let block: EntryBlock
    @usableFromInline let kind: EntryKind
    @usableFromInline let payloads: PayloadState

    init(
      firstIndex: LogIndex, term: Term, kind: EntryKind, block: EntryBlock, payloads: PayloadState
    ) {
      self.firstIndex = firstIndex
      self.term = term
      self.block = block
      self.kind = kind
      self.payloads = payloads
    }
  }

  /// `nil` only in the run of no entries.
  @usableFromInline var batch: Batch?
  /// The place of the first entry in the batch.
  @usableFromInline var blockOffset: UInt32
  @usableFromInline var storedCount: UInt32

  /// A run over a whole block.
  ///
  /// - Complexity: O(1); one small allocation.
  public init(firstIndex: LogIndex, term: Term, kind: EntryKind = .command, block: EntryBlock) {
    batch = Batch(
      firstIndex: firstIndex, term: term, kind: kind, block: block, payloads: .present)
    blockOffset = 0
    storedCount = block.storedCount
  }

  /// A run of which only indexes, term and kind are known.
  public init(
    firstIndex: LogIndex, term: Term, kind: EntryKind, count: UInt32, payloads: PayloadState
  ) {
    batch = Batch(
      firstIndex: firstIndex, term: term, kind: kind, block: .empty, payloads: payloads)
    blockOffset = 0
    storedCount = count
  }

  private init() {
    batch = nil
    blockOffset = 0
    storedCount = 0
  }

  /// The run of no entries.
  static var none: EntryRun { EntryRun() }

  /// The index of the first entry.
  @inlinable public var firstIndex: LogIndex {
    guard let batch else { return .zero }
    return LogIndex(batch.firstIndex.rawValue &+ UInt64(blockOffset))
  }

  /// The term of all entries.
  @inlinable public var term: Term { batch?.term ?? .zero }

  /// The block in which the payloads lie; `.empty` if they are not in memory.
  @inlinable public var block: EntryBlock { batch?.block ?? .empty }

  /// What the entries are for.
  @inlinable public var kind: EntryKind { batch?.kind ?? .command }

  /// Where the payloads are.
  @inlinable public var payloads: PayloadState { batch?.payloads ?? .present }

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
    guard let batch, batch.payloads == .present else { return 0 }
    return batch.block.payloadBytes(from: Int(blockOffset), count: count)
  }

  /// The payload of the entry at `position`, counted from 0; empty if it is not in memory.
  ///
  /// - Precondition: `position` is in `0..<count`.
  @inlinable public func payload(_ position: Int) -> ArraySlice<UInt8> {
    guard let batch, batch.payloads == .present else { return [] }
    precondition(position >= 0 && position < count, "no entry at this position of the run")
    return batch.block[Int(blockOffset) + position]
  }

  /// Calls `body` with the bytes of each payload in order, without a copy; not at all if they are
  /// not in memory. The bytes are valid only during the call.
  @inlinable public func forEachPayload(_ body: (UnsafeRawBufferPointer) -> Void) {
    guard let batch, batch.payloads == .present else { return }
    batch.block.bytes.withUnsafeBytes { bytes in
      if batch.block.storedCount == 1 {
        body(bytes)
        return
      }
      let table = bytes.count - 4 * batch.block.count
      var position = Int(blockOffset)
      let end = position + count
      var start = position == 0 ? 0 : Int(batch.block.endOffset(position - 1))
      while position < end {
        let stop = UInt32(
          littleEndian: bytes.loadUnaligned(
            fromByteOffset: table + 4 * position, as: UInt32.self))
        body(UnsafeRawBufferPointer(rebasing: bytes[start..<Int(stop)]))
        start = Int(stop)
        position += 1
      }
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
    var part = self
    part.blockOffset += UInt32(first.rawValue - firstIndex.rawValue)
    part.storedCount = UInt32(last.rawValue - first.rawValue + 1)
    return part
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
    if a.batch === b.batch { return a.blockOffset == b.blockOffset }
    guard a.firstIndex == b.firstIndex, a.term == b.term, a.kind == b.kind,
      a.payloads == b.payloads
    else { return false }
    for position in 0..<a.count where a.payload(position) != b.payload(position) { return false }
    return true
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

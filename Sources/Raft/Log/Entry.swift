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
public struct EntryRun: Sendable {
  /// The index of the first entry.
  public internal(set) var firstIndex: LogIndex
  /// The term of all entries.
  public internal(set) var term: Term
  /// The block in which the payloads lie; `.empty` if they are not in memory.
  public internal(set) var block: EntryBlock
  /// The place of the first entry's payload in the block.
  @usableFromInline var blockOffset: UInt32
  @usableFromInline var storedCount: UInt32
  /// What the entries are for.
  public internal(set) var kind: EntryKind
  /// Where the payloads are.
  public internal(set) var payloads: PayloadState

  /// A run over a whole block.
  public init(firstIndex: LogIndex, term: Term, kind: EntryKind = .command, block: EntryBlock) {
    self.firstIndex = firstIndex
    self.term = term
    self.block = block
    blockOffset = 0
    storedCount = block.storedCount
    self.kind = kind
    payloads = .present
  }

  /// A run of which only indexes, term and kind are known.
  public init(
    firstIndex: LogIndex, term: Term, kind: EntryKind, count: UInt32, payloads: PayloadState
  ) {
    self.firstIndex = firstIndex
    self.term = term
    block = .empty
    blockOffset = 0
    storedCount = count
    self.kind = kind
    self.payloads = payloads
  }

  static let none = EntryRun(
    firstIndex: .zero, term: .zero, kind: .command, count: 0, payloads: .present)

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
    payloads == .present ? block.payloadBytes(from: Int(blockOffset), count: count) : 0
  }

  /// The payload of the entry at `position`, counted from 0; empty if it is not in memory.
  ///
  /// - Precondition: `position` is in `0..<count`.
  @inlinable public func payload(_ position: Int) -> ArraySlice<UInt8> {
    guard payloads == .present else { return [] }
    precondition(position >= 0 && position < count, "no entry at this position of the run")
    return block[Int(blockOffset) + position]
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
    part.firstIndex = first
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
    guard a.firstIndex == b.firstIndex, a.storedCount == b.storedCount, a.term == b.term,
      a.kind == b.kind, a.payloads == b.payloads
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

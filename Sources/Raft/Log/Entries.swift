// The form in which entries leave the core and come into it: in messages, writes and applies.

/// Consecutive entries, as runs that share the log's memory.
///
/// The usual single run is held in place; more of them cost one array.
public struct Entries: Sendable {
  @usableFromInline
  final class Tail: Sendable {
    @usableFromInline let runs: [EntryRun]
    init(_ runs: [EntryRun]) { self.runs = runs }
  }

  /// The first run; its count is zero if there are no entries at all.
  public internal(set) var head: EntryRun
  @usableFromInline var tail: Tail?

  /// The runs after the first.
  public internal(set) var rest: [EntryRun] {
    @inlinable get { tail?.runs ?? [] }
    set { tail = newValue.isEmpty ? nil : Tail(newValue) }
  }

  /// No entries.
  public static var none: Entries { Entries(EntryRun.none) }

  /// The entries of one run.
  public init(_ run: EntryRun) {
    head = run
    tail = nil
  }

  /// The entries of these runs, or `nil` if they do not follow one another without a gap, with
  /// terms that never decrease.
  ///
  /// - Complexity: O(runs).
  public init?(_ runs: [EntryRun]) {
    guard let first = runs.first else {
      self = .none
      return
    }
    self.init(first)
    rest = Array(runs.dropFirst())
    guard isWellFormed else { return nil }
  }

  /// Whether there are no entries.
  @inlinable public var isEmpty: Bool { head.storedCount == 0 }

  /// The number of entries.
  ///
  /// - Complexity: O(1).
  @inlinable public var count: Int {
    if tail == nil { return head.count }
    return Int(lastIndex.rawValue - head.firstIndex.rawValue) + 1
  }

  /// The number of runs.
  @inlinable public var runCount: Int {
    if let tail { return 1 + tail.runs.count }
    return isEmpty ? 0 : 1
  }

  /// The run at `position`, counted from 0.
  ///
  /// - Precondition: `position` is in `0..<runCount`.
  @inlinable public func run(_ position: Int) -> EntryRun {
    position == 0 ? head : rest[position - 1]
  }

  /// The index of the first entry.
  ///
  /// - Precondition: there are entries.
  @inlinable public var firstIndex: LogIndex { head.firstIndex }

  /// The index of the last entry.
  ///
  /// - Precondition: there are entries.
  @inlinable public var lastIndex: LogIndex {
    tail?.runs.last?.lastIndex ?? head.lastIndex
  }

  /// The term of the last entry.
  ///
  /// - Precondition: there are entries.
  @inlinable public var lastTerm: Term { tail?.runs.last?.term ?? head.term }

  /// The bytes of the payloads that are in memory.
  ///
  /// - Complexity: O(runs).
  public var payloadBytes: Int {
    var total = head.payloadBytes
    for run in rest { total += run.payloadBytes }
    return total
  }

  /// Calls `body` for each entry in order.
  @inlinable public func forEach(_ body: (Entry) -> Void) {
    for position in 0..<runCount {
      let run = run(position)
      for offset in 0..<run.count { body(run.entry(offset)) }
    }
  }

  /// The term of the entry at `index`, if it is among these.
  ///
  /// - Complexity: O(runs).
  func term(at index: LogIndex) -> Term? {
    guard !isEmpty, index >= firstIndex, index <= lastIndex else { return nil }
    for run in rest.reversed() where run.firstIndex <= index { return run.term }
    return head.term
  }

  /// Every entry in an array, for tests and tools.
  ///
  /// - Complexity: O(entries).
  public func array() -> [Entry] {
    var all: [Entry] = []
    forEach { all.append($0) }
    return all
  }

  /// Whether the runs follow one another without a gap or an empty run, and terms never decrease.
  ///
  /// - Complexity: O(runs).
  public var isWellFormed: Bool {
    if isEmpty { return tail == nil }
    guard isSound(head) else { return false }
    guard let tail else { return true }
    var last = head.lastIndex
    var term = head.term
    for run in tail.runs {
      guard isSound(run), run.firstIndex.rawValue == last.rawValue &+ 1, run.term >= term
      else { return false }
      last = run.lastIndex
      term = run.term
    }
    return true
  }

  private func isSound(_ run: EntryRun) -> Bool {
    guard run.storedCount > 0, let batch = run.batch, run.firstIndex > .zero, run.term > .zero,
      run.firstIndex.rawValue <= UInt64.max >> 1
    else { return false }
    return batch.payloads != .present
      || UInt64(run.blockOffset) + UInt64(run.storedCount) <= UInt64(batch.block.storedCount)
  }

  mutating func append(_ run: EntryRun) {
    if isEmpty { head = run } else { rest.append(run) }
  }
}

extension Entries: Hashable {
  /// Two values are equal if they hold the same entries, however they are cut into runs.
  public static func == (a: Entries, b: Entries) -> Bool {
    if a.tail == nil && b.tail == nil { return a.head == b.head }
    guard a.count == b.count else { return false }
    return a.array() == b.array()
  }

  /// Feeds the entries.
  public func hash(into hasher: inout Hasher) {
    forEach { hasher.combine($0) }
  }
}

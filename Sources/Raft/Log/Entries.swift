// The form in which entries leave the core and come into it: in messages, writes and applies.

/// Consecutive entries, as runs that share the log's memory.
///
/// The usual single run is held in place; several of them cost one array.
public struct Entries: Sendable {
  /// Two runs or more.
  @usableFromInline
  final class Series: Sendable {
    @usableFromInline let runs: [EntryRun]
    init(_ runs: [EntryRun]) { self.runs = runs }

    @usableFromInline var lastIndex: LogIndex { runs[runs.count - 1].lastIndex }
    @usableFromInline var lastTerm: Term { runs[runs.count - 1].term }
  }

  /// The first run; its count is zero if there are no entries at all.
  public internal(set) var head: EntryRun
  /// All runs, if they are two or more.
  @usableFromInline let series: Series?

  /// No entries.
  public static var none: Entries { Entries(EntryRun.none) }

  /// The entries of one run.
  @inline(__always)
  public init(_ run: EntryRun) {
    head = run
    series = nil
  }

  /// The entries of these runs, which are known to follow one another.
  init(trusted runs: [EntryRun]) {
    head = runs.first ?? EntryRun.none
    series = runs.count > 1 ? Series(runs) : nil
  }

  /// The entries of these runs, or `nil` if they do not follow one another without a gap, with
  /// terms that never decrease.
  ///
  /// - Complexity: O(runs).
  public init?(_ runs: [EntryRun]) {
    self.init(trusted: runs)
    guard isWellFormed else { return nil }
  }

  /// Whether there are no entries.
  @inlinable public var isEmpty: Bool { head.storedCount == 0 }

  /// The number of entries.
  ///
  /// - Complexity: O(1).
  @inlinable public var count: Int {
    guard let series else { return head.count }
    return Int(series.runs[series.runs.count - 1].lastIndex.rawValue - firstIndex.rawValue) + 1
  }

  /// The number of runs.
  @inlinable public var runCount: Int {
    if let series { return series.runs.count }
    return isEmpty ? 0 : 1
  }

  /// The run at `position`, counted from 0.
  ///
  /// - Precondition: `position` is in `0..<runCount`.
  @inlinable public func run(_ position: Int) -> EntryRun {
    if let series { return series.runs[position] }
    return head
  }

  /// The index of the first entry.
  ///
  /// - Precondition: there are entries.
  @inlinable public var firstIndex: LogIndex { head.firstIndex }

  /// The index of the last entry.
  ///
  /// - Precondition: there are entries.
  @inlinable public var lastIndex: LogIndex {
    @inline(__always) get { series?.lastIndex ?? head.lastIndex }
  }

  /// The term of the last entry.
  ///
  /// - Precondition: there are entries.
  @inlinable public var lastTerm: Term {
    @inline(__always) get { series?.lastTerm ?? head.term }
  }

  /// The bytes of the payloads that are in memory.
  ///
  /// - Complexity: O(runs).
  public var payloadBytes: Int {
    guard let series else { return head.payloadBytes }
    var total = 0
    for run in series.runs { total += run.payloadBytes }
    return total
  }

  /// Calls `body` for each entry in order.
  @inlinable public func forEach(_ body: (Entry) -> Void) {
    for position in 0..<runCount {
      let run = run(position)
      for offset in 0..<run.count { body(run.entry(offset)) }
    }
  }

  /// Calls `body` with the bytes of each command in order, without a copy; they are valid only
  /// during the call. What has no commands here (a witness's entries) and what is no command is
  /// left out.
  @inlinable public func forEachCommand(_ body: (UnsafeRawBufferPointer) -> Void) {
    guard let series else {
      if head.kind == .command { head.forEachPayload(body) }
      return
    }
    for run in series.runs where run.kind == .command { run.forEachPayload(body) }
  }

  /// Takes the first run away, where it is the only one.
  @inline(__always)
  mutating func takeHead() -> EntryRun {
    var run = EntryRun.bare
    swap(&run, &head)
    return run
  }

  /// The term of the entry at `index`, if it is among these.
  ///
  /// - Complexity: O(runs).
  func term(at index: LogIndex) -> Term? {
    guard !isEmpty, index >= firstIndex, index <= lastIndex else { return nil }
    guard let series else { return head.term }
    for run in series.runs.reversed() where run.firstIndex <= index { return run.term }
    return nil
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
    series == nil ? isEmpty || head.isSound : isSeriesWellFormed
  }

  private var isSeriesWellFormed: Bool {
    guard let series else { return true }
    var last = LogIndex(firstIndex.rawValue &- 1)
    var term = Term.zero
    for run in series.runs {
      guard run.isSound, run.firstIndex.rawValue == last.rawValue &+ 1, run.term >= term
      else { return false }
      last = run.lastIndex
      term = run.term
    }
    return true
  }

  /// Whether this is one run and certainly without a membership.
  @inline(__always)
  var holdsCommandsOnly: Bool { series == nil && head.kind != .membership }

  /// Appends a run that follows.
  ///
  /// - Complexity: O(runs); where many are appended, gather them in an array first.
  mutating func append(_ run: EntryRun) {
    if isEmpty {
      self = Entries(run)
    } else {
      self = Entries(trusted: runs + [run])
    }
  }
}

extension Entries: Hashable {
  /// Two values are equal if they hold the same entries, however they are cut into runs.
  public static func == (a: Entries, b: Entries) -> Bool {
    if a.series == nil && b.series == nil { return a.head == b.head }
    return EntryRun.holdSameEntries(a.runs, b.runs)
  }

  fileprivate var runs: [EntryRun] { series?.runs ?? (isEmpty ? [] : [head]) }

  /// Feeds the entries.
  public func hash(into hasher: inout Hasher) {
    forEach { hasher.combine($0) }
  }
}

extension EntryRun {
  /// Whether the run agrees with itself.
  @inline(__always)
  var isSound: Bool {
    storedCount > 0 && firstIndex > .zero && term > .zero
      && firstIndex.rawValue <= UInt64.max >> 1
      && (payloads != .present
        || UInt64(blockOffset) + UInt64(storedCount) <= UInt64(blockCount))
  }

  /// Whether two lists of runs, which begin at the same index, hold the same entries, however these
  /// are cut into runs.
  ///
  /// - Complexity: O(entries and their bytes).
  static func holdSameEntries(_ left: [EntryRun], _ right: [EntryRun]) -> Bool {
    if left == right { return true }
    var i = 0
    var j = 0
    var p = 0
    var q = 0
    while i < left.count && j < right.count {
      let x = left[i]
      let y = right[j]
      guard x.firstIndex.advanced(by: UInt64(p)) == y.firstIndex.advanced(by: UInt64(q)),
        x.term == y.term, x.kind == y.kind, x.payloads == y.payloads,
        x.payload(p) == y.payload(q)
      else { return false }
      p += 1
      q += 1
      if p == x.count {
        i += 1
        p = 0
      }
      if q == y.count {
        j += 1
        q = 0
      }
    }
    return i == left.count && j == right.count
  }
}

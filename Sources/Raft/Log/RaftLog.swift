// §5.3: the replicated log, in memory. Entries stand in runs that share their blocks with messages
// and writes; runs stand in chunks, so that a copied node pays for one chunk when it goes on.

/// The entries after `base`, in order, without a gap.
///
/// Appending, reading the end and finding a term near the end take constant time; finding elsewhere
/// takes O(log runs). A copy shares everything; the first append to it copies at most one chunk.
public struct RaftLog: Sendable {
  /// One run and the bytes of all payloads from the log's first days through its end.
  @usableFromInline
  struct Segment: Sendable {
    @usableFromInline var run: EntryRun
    @usableFromInline var endBytes: UInt64
  }

  static let chunkSize = 128

  /// The entry just before the first one that is here: the end of what was compacted.
  public private(set) var base: LogPosition
  /// The last entry; `base` if there is none.
  public private(set) var last: LogPosition
  /// Full chunks, oldest first. The first may have lost its beginning.
  private var sealed: [[Segment]] = []
  /// The newest runs. Not empty unless the log is.
  @usableFromInline var tail: [Segment] = []
  private var totalBytes: UInt64 = 0
  private var baseBytes: UInt64 = 0
  private var evictedBytes: UInt64 = 0
  /// The end of the newest run whose payloads were dropped, so that none is looked at twice.
  private var evictedIndex = LogIndex.zero

  /// A log without entries that begins after this one.
  init(base: LogPosition) {
    self.base = base
    last = base
  }

  /// The index just before the first entry that is here.
  @inlinable public var baseIndex: LogIndex { base.index }
  /// The index of the last entry.
  @inlinable public var lastIndex: LogIndex { last.index }
  /// The term of the last entry.
  public var lastTerm: Term { last.term }
  /// The number of entries that are here.
  public var count: UInt64 { base.index.distance(to: last.index) }

  /// How many bytes of payload are in memory.
  public var bytesInMemory: UInt64 { totalBytes - max(baseBytes, evictedBytes) }

  // MARK: Finding

  struct Place {
    var chunk: Int
    var position: Int
  }

  /// The run that holds the entry.
  ///
  /// - Precondition: `base.index < index <= last.index`.
  private func place(of index: LogIndex) -> Place {
    if tail[0].run.firstIndex <= index {
      let newest = tail.count - 1
      if tail[newest].run.firstIndex <= index { return Place(chunk: -1, position: newest) }
      // The second newest exists, since the first begins at or before the index.
      if tail[newest - 1].run.firstIndex <= index {
        return Place(chunk: -1, position: newest - 1)
      }
      return Place(chunk: -1, position: RaftLog.search(tail, index))
    }
    var low = 0
    var high = sealed.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if sealed[middle][0].run.firstIndex <= index { low = middle } else { high = middle - 1 }
    }
    return Place(chunk: low, position: RaftLog.search(sealed[low], index))
  }

  private static func search(_ segments: [Segment], _ index: LogIndex) -> Int {
    segments.withUnsafeBufferPointer { segments in
      // Where each run has one entry, the index says which it is; else it says too much.
      let ahead = segments[0].run.firstIndex.distance(to: index)
      var high = Int(min(UInt64(segments.count - 1), ahead))
      if segments[high].run.firstIndex <= index { return high }
      var low = 0
      while low < high {
        let middle = (low + high + 1) / 2
        if segments[middle].run.firstIndex <= index { low = middle } else { high = middle - 1 }
      }
      return low
    }
  }

  private func run(at place: Place) -> EntryRun {
    place.chunk < 0 ? tail[place.position].run : sealed[place.chunk][place.position].run
  }

  /// The last entry of the run at a place, and the bytes through it. Asked for by themselves, so
  /// that the run is not copied.
  @inline(__always)
  private func end(of place: Place) -> (index: LogIndex, bytes: UInt64) {
    if place.chunk < 0 {
      return (tail[place.position].run.lastIndex, tail[place.position].endBytes)
    }
    return (
      sealed[place.chunk][place.position].run.lastIndex,
      sealed[place.chunk][place.position].endBytes
    )
  }

  @inline(__always)
  private func payloads(at place: Place) -> PayloadState {
    place.chunk < 0
      ? tail[place.position].run.payloads : sealed[place.chunk][place.position].run.payloads
  }

  @inline(__always)
  private func firstIndex(at place: Place) -> LogIndex {
    place.chunk < 0
      ? tail[place.position].run.firstIndex : sealed[place.chunk][place.position].run.firstIndex
  }

  private func after(_ place: Place) -> Place? {
    if place.chunk < 0 {
      return place.position + 1 < tail.count ? Place(chunk: -1, position: place.position + 1) : nil
    }
    if place.position + 1 < sealed[place.chunk].count {
      return Place(chunk: place.chunk, position: place.position + 1)
    }
    return Place(chunk: place.chunk + 1 < sealed.count ? place.chunk + 1 : -1, position: 0)
  }

  /// The term of the entry, also of `base`; `nil` for an entry that was compacted or is not there.
  ///
  /// - Complexity: O(1) near the end, else O(log runs).
  public func term(at index: LogIndex) -> Term? {
    if index == last.index { return last.term }
    if index == base.index { return base.term }
    guard index > base.index, index < last.index else { return nil }
    let place = place(of: index)
    return place.chunk < 0
      ? tail[place.position].run.term : sealed[place.chunk][place.position].run.term
  }

  /// Whether the log has this very entry, or begins right after it (§5.3).
  public func contains(_ position: LogPosition) -> Bool {
    term(at: position.index) == position.term
  }

  /// The entry at this index, if it is here.
  public func entry(at index: LogIndex) -> Entry? {
    guard index > base.index, index <= last.index else { return nil }
    let run = run(at: place(of: index))
    return run.entry(Int(run.firstIndex.distance(to: index)))
  }

  /// The last position at or before `limit` whose term is at most `term`; `base` if none is.
  ///
  /// Two logs agree on nothing after it, if one of them has an entry of `term` at `limit`: the
  /// search for a common prefix skips whole terms by it (end of §5.3).
  func lastPosition(upTo limit: LogIndex, termAtMost term: Term) -> LogPosition {
    var index = min(limit, last.index)
    while index > base.index {
      let run = run(at: place(of: index))
      if run.term <= term { return LogPosition(term: run.term, index: index) }
      index = run.firstIndex.previous
      if index <= base.index { break }
    }
    return base
  }

  /// The entries from `first` through `last`.
  ///
  /// - Precondition: `baseIndex < first` and `last <= lastIndex`; none if `last < first`.
  /// - Complexity: O(runs in the range + log runs).
  @inline(__always)
  public func entries(from first: LogIndex, through last: LogIndex) -> Entries {
    if last == self.last.index && !tail.isEmpty {
      // Mostly it is the newest run that is wanted, whole.
      return tail.withUnsafeBufferPointer {
        let newest = $0.baseAddress.unsafelyUnwrapped + ($0.count - 1)
        if newest.pointee.run.firstIndex == first {
          return Entries(EntryRun(sharing: newest.pointee.run))
        }
        return gather(from: first, through: last)
      }
    }
    if tail.count > 1 {
      // Or, on a follower, the one before it: the newest is not known to be committed.
      return tail.withUnsafeBufferPointer {
        let second = $0.baseAddress.unsafelyUnwrapped + ($0.count - 2)
        if second.pointee.run.firstIndex == first && second.pointee.run.lastIndex == last {
          return Entries(EntryRun(sharing: second.pointee.run))
        }
        return gather(from: first, through: last)
      }
    }
    return gather(from: first, through: last)
  }

  /// Calls `body` with the bytes of each command from `first` through `last`, in place where a run
  /// is wanted whole. Inlined, so that nothing is retained for the call.
  ///
  /// - Precondition: `baseIndex < first` and `last <= lastIndex`.
  @inlinable
  @inline(__always)
  func forEachCommand(
    from first: LogIndex, through last: LogIndex, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    // Mostly it is the newest run, or on a follower the one before it.
    if tail.count > 1 {
      let isInPlace = tail.withUnsafeBufferPointer {
        var place = $0.baseAddress.unsafelyUnwrapped + ($0.count - 1)
        if place.pointee.run.firstIndex > first { place -= 1 }
        guard place.pointee.run.firstIndex == first, place.pointee.run.lastIndex == last else {
          return false
        }
        guard place.pointee.run.kind == .command, place.pointee.run.payloads == .present else {
          return true
        }
        place.pointee.run.bytes.withUnsafeBytes {
          EntryRun.forEachPayload(
            $0, of: place.pointee.run.blockCount, from: place.pointee.run.blockOffset,
            count: place.pointee.run.storedCount, body)
        }
        return true
      }
      if isInPlace { return }
    }
    gather(from: first, through: last).forEachCommand(body)
  }

  @usableFromInline
  func gather(from first: LogIndex, through last: LogIndex) -> Entries {
    guard first <= last else { return .none }
    precondition(
      first > base.index && last <= self.last.index,
      "entries \(first)...\(last) of a log that has \(base.index.next)...\(self.last.index)")
    var place = place(of: first)
    var head = run(at: place)
    let end = head.lastIndex
    if head.firstIndex < first || end > last {
      head = head.slice(from: first, through: min(end, last))
    }
    if end >= last { return Entries(head) }
    var runs = [head]
    while let next = after(place) {
      place = next
      let run = run(at: place)
      if run.lastIndex >= last {
        runs.append(run.lastIndex == last ? run : run.slice(from: run.firstIndex, through: last))
        break
      }
      runs.append(run)
    }
    return Entries(trusted: runs)
  }

  /// As many entries from `first` on as fit one message: at least one, all with payloads or none.
  ///
  /// - Precondition: `baseIndex < first <= lastIndex`.
  func entries(from first: LogIndex, maximumCount: UInt64, maximumBytes: UInt64) -> Entries {
    let start = place(of: first)
    let state = payloads(at: start)
    let startBytes = byteOffset(through: first.previous)
    var place: Place? = start
    var end = first
    var isFirst = true
    let most = first.rawValue &- 1 &+ min(maximumCount, UInt64.max - first.rawValue)
    while let here = place {
      guard payloads(at: here) == state else { break }
      let runEnd = self.end(of: here)
      let runFirst = firstIndex(at: here)
      var through = min(runEnd.index, LogIndex(most))
      guard isFirst || through >= runFirst else { break }
      let bytes = through == runEnd.index ? runEnd.bytes : byteOffset(through: through)
      if bytes - startBytes > maximumBytes {
        through = fitting(run(at: here), from: max(first, runFirst), startBytes, maximumBytes)
        if through < runFirst && !isFirst { break }
        end = max(through, first)
        break
      }
      end = through
      if through < runEnd.index { break }
      isFirst = false
      place = after(here)
    }
    return entries(from: first, through: end)
  }

  /// The last entry of the run with which the bytes since `startBytes` stay within the limit; the
  /// one before `first` if none does.
  private func fitting(
    _ run: EntryRun, from first: LogIndex, _ startBytes: UInt64, _ maximumBytes: UInt64
  ) -> LogIndex {
    var low = first.previous
    var high = run.lastIndex
    while low < high {
      let middle = LogIndex(low.rawValue + (high.rawValue - low.rawValue + 1) / 2)
      if byteOffset(through: middle) - startBytes <= maximumBytes {
        low = middle
      } else {
        high = middle.previous
      }
    }
    return low
  }

  /// How many bytes of payload there are in all entries through this one, since the log's first
  /// days.
  ///
  /// In a run that is not in memory, all of its bytes count as those of its last entry.
  func byteOffset(through index: LogIndex) -> UInt64 {
    if index >= last.index { return totalBytes }
    if index <= base.index { return baseBytes }
    let place = place(of: index)
    let end = end(of: place)
    if end.index == index { return end.bytes }
    let inside = run(at: place).slice(from: index.next, through: end.index).payloadBytes
    return end.bytes - UInt64(inside)
  }

  /// The bytes of payload in the entries after `first` through `last`.
  func bytes(after first: LogIndex, through last: LogIndex) -> UInt64 {
    let end = byteOffset(through: last)
    let start = byteOffset(through: first)
    return end > start ? end - start : 0
  }

  /// The newest run's entries, sharing its bytes.
  ///
  /// - Precondition: the log is not empty.
  @inline(__always)
  var newest: Entries {
    tail.withUnsafeBufferPointer {
      let newest = $0.baseAddress.unsafelyUnwrapped + ($0.count - 1)
      return Entries(EntryRun(sharing: newest.pointee.run))
    }
  }

  // MARK: Changing

  /// Appends a run.
  ///
  /// - Precondition: it is not empty, follows the last entry, and is not of an older term.
  @inline(__always)
  mutating func append(_ run: __owned EntryRun) {
    precondition(
      run.storedCount > 0 && run.firstIndex.rawValue == last.index.rawValue &+ 1
        && run.term >= last.term,
      "a run at \(run.firstIndex) of term \(run.term) does not follow \(last)")
    if tail.count >= RaftLog.chunkSize { sealTail() }
    totalBytes += UInt64(run.payloadBytes)
    last = LogPosition(term: run.term, index: run.lastIndex)
    tail.append(Segment(run: run, endBytes: totalBytes))
  }

  private mutating func sealTail() {
    sealed.append(tail)
    tail = []
    tail.reserveCapacity(RaftLog.chunkSize)
  }

  /// Deletes this entry and all that follow it (§5.3).
  ///
  /// - Precondition: `index > baseIndex`.
  mutating func truncate(from index: LogIndex) {
    guard index <= last.index else { return }
    precondition(index > base.index, "truncating from \(index), which is compacted")
    while let segment = tail.last, segment.run.lastIndex >= index {
      tail.removeLast()
      if segment.run.firstIndex < index {
        let kept = segment.run.slice(from: segment.run.firstIndex, through: index.previous)
        let dropped = segment.run.slice(from: index, through: segment.run.lastIndex)
        let end = segment.endBytes - UInt64(dropped.payloadBytes)
        tail.append(Segment(run: kept, endBytes: end))
        break
      }
      if tail.isEmpty, let chunk = sealed.popLast() { tail = chunk }
    }
    if let segment = tail.last {
      last = LogPosition(term: segment.run.term, index: segment.run.lastIndex)
      totalBytes = segment.endBytes
    } else {
      last = base
      totalBytes = baseBytes
    }
    evictedIndex = min(evictedIndex, last.index)
    evictedBytes = min(evictedBytes, totalBytes)
  }

  /// Forgets the entries through this one, which a snapshot replaces (§7).
  ///
  /// - Precondition: `index <= lastIndex`.
  /// - Complexity: O(chunks).
  mutating func compact(through index: LogIndex) {
    guard index > base.index, let term = term(at: index) else { return }
    baseBytes = byteOffset(through: index)
    base = LogPosition(term: term, index: index)
    var chunks = 0
    while chunks < sealed.count, let end = sealed[chunks].last, end.run.lastIndex <= index {
      chunks += 1
    }
    sealed.removeFirst(chunks)
    if sealed.isEmpty {
      RaftLog.trim(&tail, through: index)
    } else {
      RaftLog.trim(&sealed[0], through: index)
    }
  }

  private static func trim(_ segments: inout [Segment], through index: LogIndex) {
    var gone = 0
    while gone < segments.count, segments[gone].run.lastIndex <= index { gone += 1 }
    segments.removeFirst(gone)
    if let first = segments.first?.run, first.firstIndex <= index {
      segments[0].run = first.slice(from: index.next, through: first.lastIndex)
    }
  }

  /// Forgets everything; the log begins after this entry (§7).
  mutating func reset(to position: LogPosition) {
    self = RaftLog(base: position)
  }

  /// Drops from memory the payloads of whole runs through this entry, oldest first, until at most
  /// `limit` bytes are in memory.
  ///
  /// - Complexity: O(runs dropped + log runs).
  mutating func evict(through index: LogIndex, keeping limit: UInt64) {
    let first = max(base.index, evictedIndex).next
    guard first <= min(index, last.index), bytesInMemory > limit else { return }
    var next: Place? = place(of: first)
    while let here = next, bytesInMemory > limit {
      let end = run(at: here).lastIndex
      guard end <= index else { return }
      next = after(here)
      evictedBytes =
        here.chunk < 0
        ? RaftLog.evict(&tail[here.position]) : RaftLog.evict(&sealed[here.chunk][here.position])
      evictedIndex = end
    }
  }

  /// Drops the payloads of a run of commands; returns where the run ends in bytes.
  private static func evict(_ segment: inout Segment) -> UInt64 {
    if segment.run.payloads == .present && segment.run.kind == .command {
      segment.run = segment.run.without(payloads: .evicted)
    }
    return segment.endBytes
  }

  /// Whether some entries came without their commands, as a witness gets them.
  ///
  /// - Complexity: O(runs).
  var holdsElided: Bool { runs.contains { $0.payloads == .elided } }

  /// Every run, in order.
  var runs: [EntryRun] {
    var all: [EntryRun] = []
    for chunk in sealed { for segment in chunk { all.append(segment.run) } }
    for segment in tail { all.append(segment.run) }
    return all
  }

  /// Calls `body` with each run in order, in its place, until it says false; whether it never did.
  @inline(__always)
  func allRuns(_ body: (borrowing EntryRun) -> Bool) -> Bool {
    for chunk in sealed.indices where !RaftLog.allRuns(sealed[chunk], body) { return false }
    return RaftLog.allRuns(tail, body)
  }

  @inline(__always)
  private static func allRuns(
    _ segments: [Segment], _ body: (borrowing EntryRun) -> Bool
  ) -> Bool {
    segments.withUnsafeBufferPointer { segments in
      for place in 0..<segments.count where !body(segments[place].run) { return false }
      return true
    }
  }

  /// Calls `body` with the index of each membership in order, until it says false; whether it never
  /// did. Other runs are only looked at, so that none is copied.
  ///
  /// - Complexity: O(runs).
  func allMemberships(_ body: (LogIndex) -> Bool) -> Bool {
    for chunk in sealed.indices where !RaftLog.allMemberships(sealed[chunk], body) { return false }
    return RaftLog.allMemberships(tail, body)
  }

  private static func allMemberships(_ segments: [Segment], _ body: (LogIndex) -> Bool) -> Bool {
    segments.withUnsafeBufferPointer { segments in
      for place in 0..<segments.count where segments[place].run.kind == .membership {
        let first = segments[place].run.firstIndex
        for offset in 0..<UInt64(segments[place].run.storedCount) {
          if !body(first.advanced(by: offset)) { return false }
        }
      }
      return true
    }
  }

  /// Feeds the entries, however they are cut into runs.
  ///
  /// - Complexity: O(entries and their bytes).
  func feed(_ digest: inout Digest) {
    digest.combine(base.term.rawValue)
    digest.combine(base.index.rawValue)
    digest.combine(last.index.rawValue)
    for run in runs {
      for position in 0..<run.count {
        digest.combine(run.term.rawValue)
        digest.combine(UInt64(run.kind.rawValue) << 8 | UInt64(run.payloads.rawValue))
        digest.combine(bytes: run.payload(position))
      }
    }
  }
}

extension RaftLog: Hashable {
  /// Two logs are equal if they hold the same entries, however these came in.
  ///
  /// - Complexity: O(entries and their bytes).
  public static func == (a: RaftLog, b: RaftLog) -> Bool {
    guard a.base == b.base, a.last == b.last else { return false }
    return EntryRun.holdSameEntries(a.runs, b.runs)
  }

  /// Feeds the entries.
  public func hash(into hasher: inout Hasher) {
    var digest = Digest()
    feed(&digest)
    hasher.combine(digest.value)
  }
}

import Raft
import RaftJournal
import RaftTestSupport

/// Makes writes as a node makes them, at random, and knows what a storage holds after each.
struct WriteMaker {
  var source: RandomSource
  private(set) var state: DurableState
  private(set) var ticket = Ticket.zero
  var maximumPayload: UInt64 = 40

  init(seed: UInt64, state: DurableState = WriteMaker.newborn) {
    source = RandomSource(seed: seed)
    self.state = state
  }

  static var newborn: DurableState {
    DurableState(bootstrapping: membership)
  }

  static var membership: Membership {
    do { return try Membership(voters: [1, 2, 3]) } catch { preconditionFailure("\(error)") }
  }

  var lastIndex: LogIndex {
    state.entries.isEmpty ? state.logStart.index : state.entries.lastIndex
  }

  mutating func draw(_ bound: UInt64) -> UInt64 { source.draw(below: bound) }

  mutating func bytes(_ count: UInt64) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: source.next()) }
  }

  /// Some write of any kind. `snapshots` are the positions at which the node could have one.
  mutating func next(withSnapshots: Bool = true) -> StorageWrite {
    var hardState = state.hardState
    let kind = draw(20)
    if kind == 0 || hardState.currentTerm == .zero {
      hardState.currentTerm = hardState.currentTerm.next
      hardState.votedFor = draw(2) == 0 ? nil : NodeID(1 + draw(3))
    }
    var truncateFrom: LogIndex?
    var entries = Entries.none
    var first = lastIndex.next
    let floor = max(state.logStart.index, state.snapshot.lastIncluded.index)
    if kind == 1 && lastIndex > floor {
      first = floor.advanced(by: 1 + draw(floor.distance(to: lastIndex)))
      truncateFrom = first
      if lastTerm(before: first) == hardState.currentTerm || draw(2) == 0 {
        hardState.currentTerm = hardState.currentTerm.next
      }
    }
    if kind > 1 || truncateFrom == nil || draw(2) == 0 {
      entries = commands(from: first, term: hardState.currentTerm)
    }
    hardState.commitIndex = max(hardState.commitIndex, floor)
    return finish(
      hardState, truncateFrom, entries, withSnapshots && kind == 2 ? marker() : nil)
  }

  /// A write of so many bytes of commands.
  mutating func commands(count: Int, bytes size: UInt64) -> StorageWrite {
    var hardState = state.hardState
    hardState.currentTerm = max(hardState.currentTerm, 1)
    let payloads = (0..<count).map { _ in bytes(size) }
    let run = EntryRun(
      firstIndex: lastIndex.next, term: hardState.currentTerm, block: EntryBlock(payloads))
    return finish(hardState, nil, Entries(run), nil)
  }

  /// A write of an entry that says who the members are.
  mutating func memberships() -> StorageWrite {
    var hardState = state.hardState
    hardState.currentTerm = max(hardState.currentTerm, 1)
    let run = EntryRun(
      firstIndex: lastIndex.next, term: hardState.currentTerm, kind: .membership,
      block: EntryBlock(WriteMaker.membership.encoded()))
    return finish(hardState, nil, Entries(run), nil)
  }

  /// A write that brings this snapshot of the node's own machine into force, and cuts the log.
  mutating func compact(through index: LogIndex, retaining retained: UInt64 = 0) -> StorageWrite {
    let position = LogPosition(term: term(at: index), index: index)
    let start = LogIndex(
      max(state.logStart.index.rawValue, index.rawValue - min(retained, index.rawValue)))
    let marker = SnapshotMarker(
      metadata: SnapshotMetadata(
        lastIncluded: position, membership: WriteMaker.membership, membershipIndex: .zero),
      logStart: LogPosition(term: term(at: start), index: start), isLogReset: false)
    return finish(state.hardState, nil, .none, marker)
  }

  /// A write that brings a leader's snapshot into force.
  mutating func install(_ metadata: SnapshotMetadata) -> StorageWrite {
    var hardState = state.hardState
    hardState.currentTerm = max(hardState.currentTerm, metadata.lastIncluded.term)
    hardState.commitIndex = metadata.lastIncluded.index
    let marker = SnapshotMarker(
      metadata: metadata, logStart: metadata.lastIncluded, isLogReset: true)
    return finish(hardState, nil, .none, marker)
  }

  private mutating func marker() -> SnapshotMarker? { nil }

  func term(at index: LogIndex) -> Term {
    if index == state.logStart.index { return state.logStart.term }
    for position in 0..<state.entries.runCount {
      let run = state.entries.run(position)
      if run.firstIndex <= index && index <= run.lastIndex { return run.term }
    }
    return state.snapshot.lastIncluded.term
  }

  private func lastTerm(before index: LogIndex) -> Term { term(at: index.previous) }

  private mutating func commands(from first: LogIndex, term: Term) -> Entries {
    var runs: [EntryRun] = []
    var next = first
    for _ in 0..<draw(3) {
      let kind: EntryKind = draw(6) == 0 ? .noOperation : .command
      let count = kind == .command ? 1 + draw(4) : 1
      let payloads = (0..<count).map { _ in kind == .command ? bytes(draw(maximumPayload)) : [] }
      runs.append(
        EntryRun(firstIndex: next, term: term, kind: kind, block: EntryBlock(payloads)))
      next = next.advanced(by: count)
    }
    return Entries(runs) ?? .none
  }

  private mutating func finish(
    _ hardState: HardState, _ truncateFrom: LogIndex?, _ entries: Entries,
    _ marker: SnapshotMarker?
  ) -> StorageWrite {
    ticket = ticket.next
    let write = StorageWrite(
      ticket: ticket, hardState: hardState,
      isHardStateChanged: hardState.currentTerm != state.hardState.currentTerm
        || hardState.votedFor != state.hardState.votedFor,
      entries: entries, truncateFrom: truncateFrom, snapshot: marker)
    state.carryOut(write)
    return write
  }

  /// Goes on after a restart with this state.
  mutating func restart(from state: DurableState) {
    self.state = state
    ticket = .zero
  }
}

extension DurableState {
  /// The plainest storage: what the documentation of `StorageWrite` says, and nothing else.
  mutating func carryOut(_ write: StorageWrite) {
    var all = entries.array()
    if let marker = write.snapshot {
      snapshot = marker.metadata
      logStart = marker.logStart
      all.removeAll { marker.isLogReset || $0.index <= marker.logStart.index }
    }
    if let first = write.truncateFrom { all.removeAll { $0.index >= first } }
    all.append(contentsOf: write.entries.array())
    entries =
      Entries(
        all.map {
          EntryRun(
            firstIndex: $0.index, term: $0.term, kind: $0.kind,
            block: EntryBlock(Array($0.payload)))
        }) ?? .none
    hardState = write.hardState
  }

  /// What is different in another state, but for payloads that are not in memory there; `nil` if
  /// nothing is.
  func difference(from found: DurableState) -> String? {
    if found.hardState != hardState { return "\(found.hardState), not \(hardState)" }
    if found.snapshot != snapshot { return "snapshot \(found.snapshot), not \(snapshot)" }
    if found.logStart != logStart { return "log from \(found.logStart), not \(logStart)" }
    if found.entries.count != entries.count {
      return "\(found.entries.count) entries, not \(entries.count)"
    }
    var present: Set<LogIndex> = []
    for position in 0..<found.entries.runCount {
      let run = found.entries.run(position)
      guard run.payloads == .present else { continue }
      for offset in 0..<run.count { present.insert(run.firstIndex.advanced(by: UInt64(offset))) }
    }
    for (mine, other) in zip(entries.array(), found.entries.array()) {
      let isSame =
        mine.index == other.index && mine.term == other.term && mine.kind == other.kind
        && (mine.payload == other.payload || !present.contains(other.index))
      if !isSame { return "entry \(other), not \(mine)" }
    }
    return nil
  }
}

@testable import Raft

/// What a host's storage holds: the fold of a prefix of the node's storage stream.
struct HostileDisk {
  var hardState: HardState
  var snapshot: SnapshotMetadata
  var logStart: LogPosition
  /// One run for each entry after `logStart`.
  var runs: [EntryRun] = []

  init(_ state: DurableState) {
    hardState = state.hardState
    snapshot = state.snapshot
    logStart = state.logStart
  }

  var last: LogPosition {
    runs.last.map { LogPosition(term: $0.term, index: $0.firstIndex) } ?? logStart
  }

  func term(at index: LogIndex) -> Term? {
    if index == logStart.index { return logStart.term }
    guard index > logStart.index, index <= last.index else { return nil }
    return runs[Int(logStart.index.distance(to: index)) - 1].term
  }

  /// Applies a write in the order that its documentation gives. False if its entries leave a gap.
  mutating func apply(_ write: StorageWrite) -> Bool {
    if let marker = write.snapshot {
      snapshot = marker.metadata
      if marker.isLogReset { runs = [] }
      runs.removeAll { $0.firstIndex <= marker.logStart.index }
      logStart = marker.logStart
    }
    if let index = write.truncateFrom { runs.removeAll { $0.firstIndex >= index } }
    var isContiguous = true
    for position in 0..<write.entries.runCount {
      let run = write.entries.run(position)
      for offset in 0..<UInt64(run.count) {
        let index = run.firstIndex.advanced(by: offset)
        if index != last.index.next { isContiguous = false }
        runs.append(run.slice(from: index, through: index))
      }
    }
    hardState = write.hardState
    return isContiguous
  }

  func entries(from first: LogIndex, through last: LogIndex) -> Entries? {
    guard first > logStart.index, first <= last, last <= self.last.index else { return nil }
    let start = Int(logStart.index.distance(to: first)) - 1
    return Entries(Array(runs[start...(start + Int(first.distance(to: last)))]))
  }

  func state(partial: PartialSnapshot?) -> DurableState {
    var entries = Entries.none
    for run in runs { entries.append(run) }
    return DurableState(
      hardState: hardState, snapshot: snapshot, logStart: logStart, entries: entries,
      partialSnapshot: partial)
  }
}

/// A state machine that remembers everything in one number.
struct HostileMachine: Equatable {
  var lastApplied = LogIndex.zero
  var chain: UInt64 = 0

  mutating func apply(_ print: Fingerprint) {
    lastApplied = LogIndex(lastApplied.rawValue + 1)
    chain = RandomSource.mix(chain ^ print.digest)
  }

  /// Forty bytes, so that it takes three chunks to send them.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for word in [lastApplied.rawValue, chain, ~chain, chain &+ 1, chain &+ 2] {
      for shift in stride(from: UInt64(0), to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    return bytes
  }

  init() {}

  init?(_ bytes: [UInt8]) {
    guard bytes.count == 40 else { return nil }
    var words: [UInt64] = []
    for start in stride(from: 0, to: 40, by: 8) {
      var word: UInt64 = 0
      for position in 0..<8 { word |= UInt64(bytes[start + position]) << (8 * UInt64(position)) }
      words.append(word)
    }
    guard words[2] == ~words[1] else { return nil }
    lastApplied = LogIndex(words[0])
    chain = words[1]
  }
}

/// What an entry is, in one number, and which request it came from.
struct Fingerprint: Equatable {
  var term: Term
  var kind: EntryKind
  var payload: UInt64
  /// The request whose command it is; 0 for none.
  var request: UInt64

  init(_ entry: Entry) {
    term = entry.term
    kind = entry.kind
    var digest = Digest()
    digest.combine(bytes: entry.payload)
    payload = digest.value
    var number: UInt64 = 0
    if entry.kind == .command {
      for (position, byte) in entry.payload.prefix(8).enumerated() {
        number |= UInt64(byte) << (8 * UInt64(position))
      }
    }
    request = number
  }

  var digest: UInt64 { payload ^ RandomSource.mix(term.rawValue << 2 | UInt64(kind.rawValue)) }
}

// A disk in memory: one ordered stream of atomic writes, of which a prefix is durable.

import Raft

/// What one node's storage holds.
public struct Disk: Sendable {
  /// What a crash leaves.
  public private(set) var durable: DurableState
  /// The writes that a crash would lose, in the order of the stream.
  public private(set) var pending: [StorageWrite] = []
  /// The node's own snapshots.
  public private(set) var snapshots: [LogPosition: [UInt8]] = [:]
  /// The pieces of the leader's snapshot that are kept aside, from byte 0 on.
  public private(set) var aside: (metadata: SnapshotMetadata, bytes: [UInt8], isWhole: Bool)?
  /// What the node did wrong with the disk, if anything.
  public private(set) var complaints: [String] = []
  /// The node that the disk belongs to.
  private let id: NodeID

  /// A disk that holds this.
  public init(of id: NodeID, _ state: DurableState) {
    self.id = id
    durable = state
  }

  mutating func append(_ write: StorageWrite) {
    if let last = pending.last, write.ticket <= last.ticket {
      complaints.append("ticket \(write.ticket) after \(last.ticket)")
    }
    pending.append(write)
  }

  /// Makes the first `count` pending writes durable, and gives their tickets.
  mutating func sync(_ count: Int) -> [Ticket] {
    let synced = pending.prefix(count)
    for write in synced { carryOut(write) }
    pending.removeFirst(synced.count)
    return synced.map(\.ticket)
  }

  /// Replaces what is durable; snapshots stay.
  mutating func replaceDurable(_ state: DurableState) {
    durable = state
    pending = []
  }

  mutating func crash() { pending = [] }

  mutating func keep(_ snapshot: [UInt8], at position: LogPosition) {
    snapshots[position] = snapshot
  }

  /// Keeps a chunk aside; gives the bytes from the beginning that are there.
  mutating func keepAside(_ chunk: SnapshotChunk) -> UInt64 {
    if chunk.offset == 0 { aside = (chunk.metadata, [], false) }
    guard var kept = aside, kept.metadata == chunk.metadata else {
      complaints.append("chunk of \(chunk.metadata.text) at \(chunk.offset), nothing before it")
      return 0
    }
    guard chunk.offset <= UInt64(kept.bytes.count) else {
      complaints.append("chunk at \(chunk.offset), but only \(kept.bytes.count) bytes are there")
      return UInt64(kept.bytes.count)
    }
    kept.bytes.removeSubrange(Int(chunk.offset)...)
    kept.bytes += chunk.bytes
    kept.isWhole = chunk.isLast
    aside = kept
    durable.partialSnapshot = PartialSnapshot(
      metadata: kept.metadata, bytesStored: UInt64(kept.bytes.count))
    return UInt64(kept.bytes.count)
  }

  private mutating func carryOut(_ write: StorageWrite) {
    var state = durable
    if let marker = write.snapshot { begin(marker, &state) }
    if let first = write.truncateFrom {
      if first <= state.logStart.index { complaints.append("truncates from \(first)") }
      state.entries = state.entries.kept { $0 < first }
    }
    if !write.entries.isEmpty {
      let last = state.entries.isEmpty ? state.logStart.index : state.entries.lastIndex
      if write.entries.firstIndex != last.next {
        complaints.append("appends \(write.entries.text) after \(last)")
      }
      state.entries = state.entries.followed(by: write.entries)
    }
    if write.hardState.currentTerm < state.hardState.currentTerm {
      complaints.append("term falls to \(write.hardState.currentTerm)")
    }
    state.hardState = write.hardState
    durable = state
  }

  private mutating func begin(_ marker: SnapshotMarker, _ state: inout DurableState) {
    let position = marker.metadata.lastIncluded
    if snapshots[position] == nil {
      if let aside, aside.metadata == marker.metadata, aside.isWhole {
        snapshots[position] = aside.bytes
      } else if !marker.metadata.membership.isWitness(id) {
        complaints.append("marker of \(marker.metadata.text) without the snapshot")
      }
    }
    if let aside, aside.metadata.lastIncluded.index <= position.index {
      self.aside = nil
      state.partialSnapshot = nil
    }
    state.snapshot = marker.metadata
    state.logStart = marker.logStart
    state.entries =
      marker.isLogReset ? .none : state.entries.kept { $0 > marker.logStart.index }
  }
}

extension DurableState {
  /// The last entry that a restart would find.
  public var lastPosition: LogPosition {
    entries.isEmpty
      ? logStart : LogPosition(term: entries.lastTerm, index: entries.lastIndex)
  }

  /// The term of the entry at `index`, if it is there.
  public func term(at index: LogIndex) -> Term? {
    if index == logStart.index { return logStart.term }
    var found: Term?
    for entry in entries.array() where entry.index == index { found = entry.term }
    return found
  }
}

extension Entries {
  /// The entries whose index is wanted; they must follow one another.
  func kept(_ isWanted: (LogIndex) -> Bool) -> Entries {
    var runs: [EntryRun] = []
    for position in 0..<runCount {
      let run = run(position)
      for offset in 0..<run.count {
        let index = run.firstIndex.advanced(by: UInt64(offset))
        guard isWanted(index) else { continue }
        if run.payloads == .present {
          let block = EntryBlock(Array(run.payload(offset)))
          runs.append(
            EntryRun(firstIndex: index, term: run.term, kind: run.kind, block: block))
        } else {
          runs.append(
            EntryRun(
              firstIndex: index, term: run.term, kind: run.kind, count: 1,
              payloads: run.payloads))
        }
      }
    }
    return Entries(runs) ?? .none
  }
}

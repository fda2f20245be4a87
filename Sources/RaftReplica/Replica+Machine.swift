// §2: applying. §7: snapshots of the machine, written and read in pieces, so that a state of any
// size takes no more memory than itself and one piece.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

/// A machine that is being read from a snapshot.
struct MachineLoading<Machine: StateMachine>: Sendable {
  var metadata: SnapshotMetadata
  var reader = SnapshotReader(into: ReplicatedMachine<Machine>())
  /// How many bytes were read.
  var offset: UInt64 = 0
  /// A piece was asked for.
  var isAsking = false

  init(_ metadata: SnapshotMetadata) { self.metadata = metadata }
}

/// A snapshot of the own machine that is being written.
struct SnapshotTaking<Machine: StateMachine>: Sendable {
  var position: LogPosition
  var writer: SnapshotWriter<ReplicatedMachine<Machine>>
  var isWhole = false
}

extension Replica {
  // MARK: Applying

  /// Applies entries, and replies to those who wait for them.
  mutating func apply(_ entries: Entries, _ actions: inout [ReplicaAction<Machine>]) {
    guard !entries.isEmpty else { return }
    for position in 0..<entries.runCount {
      let run = entries.run(position)
      noteMembership(run)
      replies.removeAll()
      machine.apply(run, into: &replies)
      if requests.hasPlaced(through: run.lastIndex) { settleApplied(run.term, &actions) }
    }
    bytesSinceSnapshot += UInt64(entries.payloadBytes)
    level.advance(machine.applied)
    node.step(.applied(through: entries.lastIndex), into: &coreActions)
  }

  private mutating func noteMembership(_ run: EntryRun) {
    guard run.kind == .membership, run.count > 0 else { return }
    do throws(WireDecodingError) {
      appliedMembership = try Membership.decode(run.payload(run.count - 1))
      appliedMembershipIndex = run.lastIndex
    } catch {
      // The core has read it before: it would not be in force.
    }
  }

  /// The entry in a request's place may be another's, of another term: then the core will say that
  /// the request's own is lost.
  private mutating func settleApplied(
    _ term: Term, _ actions: inout [ReplicaAction<Machine>]
  ) {
    for reply in replies.list {
      guard let id = requests.takePlaced(at: reply.index),
        requests[id]?.position?.term == term
      else { continue }
      let result = Array(replies.result(reply))
      requests.update(id) {
        $0.verdict = reply.verdict
        $0.result = result
      }
      replyIfComplete(id, &actions)
    }
  }

  // MARK: Reading a snapshot back

  /// The machine is to be that of this snapshot, whatever it is now.
  mutating func install(
    _ metadata: SnapshotMetadata, _ actions: inout [ReplicaAction<Machine>]
  ) {
    if taking != nil {
      taking = nil
      journal.abandonSnapshot()
      isSnapshotWanted = isSnapshotWanted || !snapshotRequests.isEmpty
    }
    backlog = []
    loading = MachineLoading(metadata)
    askForPiece()
  }

  /// Asks the journal for the next piece, if a machine is being read and none is on its way.
  mutating func askForPiece() {
    guard var load = loading, !load.isAsking, failure == nil else { return }
    load.isAsking = true
    let read = SnapshotRead(
      lastIncluded: load.metadata.lastIncluded, offset: load.offset,
      maximumBytes: UInt64(settings.pieceBytes))
    loading = load
    journal.load(read, into: &journalEvents)
  }

  mutating func snapshotRead(
    _ read: SnapshotRead, _ bytes: [UInt8], isLast: Bool,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    if let peer = read.peer {
      let request = SnapshotChunkRequest(
        peer: peer, lastIncluded: read.lastIncluded, offset: read.offset,
        maximumBytes: read.maximumBytes)
      node.step(
        .snapshotChunkLoaded(request, bytes: bytes, isLast: isLast), into: &coreActions)
      return
    }
    guard var load = loading, load.metadata.lastIncluded == read.lastIncluded,
      load.offset == read.offset
    else { return }
    // What the reader holds must have one owner, or it would be copied.
    loading = nil
    load.isAsking = false
    load.offset += UInt64(bytes.count)
    do throws(MachineDecodingError) {
      try load.reader.read(bytes[...])
      if isLast {
        let restored = try load.reader.finish()
        guard restored.applied == read.lastIncluded.index else { throw .inconsistent }
        restore(restored, load.metadata, &actions)
        return
      }
    } catch {
      fail(.snapshotMalformed(read.lastIncluded, error), nil, &actions)
      return
    }
    loading = load
    askForPiece()
  }

  mutating func snapshotNotRead(
    _ read: SnapshotRead, _ problem: ReadProblem, _ actions: inout [ReplicaAction<Machine>]
  ) {
    report(problem, &actions)
    if let peer = read.peer {
      let request = SnapshotChunkRequest(
        peer: peer, lastIncluded: read.lastIncluded, offset: read.offset,
        maximumBytes: read.maximumBytes)
      node.step(.snapshotChunkNotLoaded(request), into: &coreActions)
      return
    }
    guard loading?.metadata.lastIncluded == read.lastIncluded else { return }
    // A newer snapshot has taken its place, and the core will say when it is to be installed.
    if node.snapshot.lastIncluded != read.lastIncluded { return }
    fail(.snapshotUnreadable(read.lastIncluded, problem), nil, &actions)
  }

  /// The machine is read: what was committed meanwhile is applied to it.
  private mutating func restore(
    _ restored: ReplicatedMachine<Machine>, _ metadata: SnapshotMetadata,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    machine = restored
    loading = nil
    appliedMembership = metadata.membership
    appliedMembershipIndex = metadata.membershipIndex
    bytesSinceSnapshot = 0
    let index = metadata.lastIncluded.index
    if let stamp = machine.stamps.stamp(at: index) {
      do throws(ClockError) {
        try clock.receive(stamp, physical: nanoseconds)
      } catch {
        // This host's clock is behind the log: stamps of its own are, too, and the log's time
        // stands until it catches up.
      }
    }
    actions.append(.observe(.machineRestored(metadata.lastIncluded)))
    level.advance(machine.applied)
    // Those who waited for an entry that is now in the snapshot cannot be told its result.
    for id in requests.all(where: { $0.verdict == nil && $0.stands(through: index) }) {
      close(id, .compacted, or: .notConfirmed, &actions)
    }
    node.step(.applied(through: index), into: &coreActions)
    var waiting: [Entries] = []
    swap(&waiting, &backlog)
    for entries in waiting { apply(entries, &actions) }
    let reads = heldReads
    heldReads = []
    for id in reads { answer(id, &actions) }
  }

  // MARK: Taking a snapshot

  /// Begins a snapshot when enough was applied since the last, or somebody wants one.
  mutating func takeSnapshotIfDue(_ actions: inout [ReplicaAction<Machine>]) {
    if loading != nil {
      askForPiece()
      return
    }
    guard taking == nil, failure == nil, ticks.rawValue >= snapshotNotBefore else { return }
    let index = node.isWitness ? node.lastApplied : machine.applied
    let newest = node.snapshot.lastIncluded.index
    guard index > newest, index == node.lastApplied else {
      if isSnapshotWanted, index <= newest { snapshotIsThere(newest, &actions) }
      return
    }
    let isDue =
      newest.distance(to: index) >= settings.snapshotEntries
      || bytesSinceSnapshot >= settings.snapshotBytes
    guard isSnapshotWanted || isDue, let term = node.log.term(at: index) else { return }
    let position = LogPosition(term: term, index: index)
    isSnapshotWanted = false
    bytesSinceSnapshot = 0
    // A witness has no bytes to keep. Or they are here, from before a crash, without a marker.
    if node.isWitness || journal.snapshotBytes(position) != nil {
      node.step(.snapshotTaken(through: index), into: &coreActions)
      snapshotIsThere(index, &actions)
      return
    }
    taking = SnapshotTaking(position: position, writer: SnapshotWriter(machine))
    journal.beginSnapshot(
      SnapshotMetadata(
        lastIncluded: position, membership: appliedMembership,
        membershipIndex: appliedMembershipIndex))
    actions.append(.observe(.snapshotBegun(position)))
  }

  /// The journal has taken what was written so far: the next piece.
  mutating func writeSnapshot(_ position: LogPosition) {
    guard var taking, taking.position == position, !taking.isWhole else { return }
    self.taking = nil
    let piece = taking.writer.next(Int(settings.pieceBytes))
    if piece.isEmpty {
      taking.isWhole = true
      journal.finishSnapshot()
    } else {
      journal.writeSnapshot(piece)
    }
    self.taking = taking
  }

  mutating func snapshotIsDurable(
    _ position: LogPosition, _ actions: inout [ReplicaAction<Machine>]
  ) {
    guard taking?.position == position else { return }
    taking = nil
    node.step(.snapshotTaken(through: position.index), into: &coreActions)
    actions.append(.observe(.snapshotTaken(position)))
    snapshotIsThere(position.index, &actions)
  }

  mutating func snapshotNotTaken(
    _ position: LogPosition, _ error: DiskError, _ actions: inout [ReplicaAction<Machine>]
  ) {
    guard taking?.position == position else { return }
    taking = nil
    isSnapshotWanted = true
    snapshotNotBefore = ticks.rawValue + settings.retryTicks.rawValue
    actions.append(.observe(.snapshotFailed(position, error)))
    for name in snapshotRequests { actions.append(.reply(name, .snapshotFailed(error))) }
    snapshotRequests = []
  }

  private mutating func snapshotIsThere(
    _ index: LogIndex, _ actions: inout [ReplicaAction<Machine>]
  ) {
    isSnapshotWanted = false
    for name in snapshotRequests {
      actions.append(.reply(name, .snapshotTaken(through: index)))
    }
    snapshotRequests = []
  }
}

extension Waiting {
  /// Whether the request has an entry at or before this one.
  func stands(through index: LogIndex) -> Bool {
    guard let position else { return false }
    return position.index <= index
  }
}

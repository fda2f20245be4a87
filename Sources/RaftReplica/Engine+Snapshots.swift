// §2: applying. §7: snapshots of the machine, written and read in pieces, so that a state of any
// size takes no more memory than itself and one piece.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

/// A machine that is being read from a snapshot.
@usableFromInline
struct MachineLoading: Sendable {
  var metadata: SnapshotMetadata
  /// How many bytes were read.
  var offset: UInt64 = 0
  /// A piece was asked for.
  var isAsking = false

  init(_ metadata: SnapshotMetadata) { self.metadata = metadata }
}

/// An operator who waits for a snapshot.
@usableFromInline
struct SnapshotRequest: Hashable, Sendable, BitwiseCopyable {
  var name: RequestID
  /// The tick at which the operator gives up.
  var deadline: UInt64
}

/// A snapshot of the own machine that is being written.
@usableFromInline
struct SnapshotTaking: Sendable, BitwiseCopyable {
  var position: LogPosition
  var isWhole = false
}

extension ReplicaEngine {
  // MARK: Applying

  /// A run of entries was applied, and this came of it.
  @usableFromInline
  mutating func applied(_ run: EntryRun, _ replies: Replies) {
    noteMembership(run)
    applied = run.lastIndex
    if requests.hasPlaced(through: run.lastIndex) { settleApplied(run.term, replies) }
  }

  /// All of these entries were applied.
  @usableFromInline
  mutating func applied(_ entries: Entries) {
    bytesSinceSnapshot += UInt64(entries.payloadBytes)
    level.advance(applied)
    coreInputs.append(.applied(entries.lastIndex))
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
  private mutating func settleApplied(_ term: Term, _ replies: Replies) {
    for reply in replies.list {
      guard let id = requests.takePlaced(at: reply.index),
        requests[id]?.position?.term == term
      else { continue }
      let result = Array(replies.result(reply))
      requests.update(id) {
        $0.verdict = reply.verdict
        $0.result = result
      }
      replyIfComplete(id)
    }
  }

  // MARK: Reading a snapshot back

  /// The machine is to be that of this snapshot, whatever it is now.
  mutating func install(_ metadata: SnapshotMetadata) {
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
    _ read: SnapshotRead, _ bytes: [UInt8], isLast: Bool
  ) -> EnginePause? {
    if let peer = read.peer {
      let request = SnapshotChunkRequest(
        peer: peer, lastIncluded: read.lastIncluded, offset: read.offset,
        maximumBytes: read.maximumBytes)
      coreInputs.append(.other(.snapshotChunkLoaded(request, bytes: bytes, isLast: isLast)))
      return nil
    }
    guard var load = loading, load.metadata.lastIncluded == read.lastIncluded,
      load.offset == read.offset
    else { return nil }
    load.isAsking = false
    load.offset += UInt64(bytes.count)
    loading = load
    piece = bytes
    return .read(isFirst: read.offset == 0, isLast: isLast)
  }

  /// The machine has taken a piece in, and more is to come.
  @usableFromInline
  mutating func pieceIsRead() { askForPiece() }

  /// The snapshot's bytes are no state of this machine.
  @usableFromInline
  mutating func snapshotIsMalformed(_ error: MachineDecodingError) {
    guard let load = loading else { return }
    fail(.snapshotMalformed(load.metadata.lastIncluded, error), nil)
  }

  mutating func snapshotNotRead(_ read: SnapshotRead, _ problem: ReadProblem) {
    report(problem)
    if let peer = read.peer {
      let request = SnapshotChunkRequest(
        peer: peer, lastIncluded: read.lastIncluded, offset: read.offset,
        maximumBytes: read.maximumBytes)
      coreInputs.append(.other(.snapshotChunkNotLoaded(request)))
      return
    }
    guard loading?.metadata.lastIncluded == read.lastIncluded else { return }
    // A newer snapshot has taken its place, and the core will say when it is to be installed.
    if node.snapshot.lastIncluded != read.lastIncluded { return }
    fail(.snapshotUnreadable(read.lastIncluded, problem), nil)
  }

  /// Through which entry the snapshot goes that is being read.
  @usableFromInline
  var loadingIndex: LogIndex? { loading?.metadata.lastIncluded.index }

  /// The machine is read, with the stamp of its newest entry if it knows that: what was committed
  /// meanwhile is applied to it.
  @usableFromInline
  mutating func restored(_ stamp: ClockStamp?) {
    guard let metadata = loading?.metadata else { return }
    loading = nil
    appliedMembership = metadata.membership
    appliedMembershipIndex = metadata.membershipIndex
    bytesSinceSnapshot = 0
    let index = metadata.lastIncluded.index
    applied = index
    if let stamp {
      do throws(ClockError) {
        try clock.receive(stamp, physical: nanoseconds)
      } catch {
        // This host's clock is behind the log: stamps of its own are, too, and the log's time
        // stands until it catches up.
      }
    }
    observe(.machineRestored(metadata.lastIncluded))
    level.advance(applied)
    // Those who waited for an entry that is now in the snapshot cannot be told its result.
    for core in requests.all(where: { $0.verdict == nil && $0.stands(through: index) }) {
      close(core, .compacted, or: .notConfirmed)
    }
    coreInputs.append(.applied(index))
  }

  // MARK: Taking a snapshot

  /// Whether enough was applied since the last snapshot.
  private var isSnapshotDue: Bool {
    if bytesSinceSnapshot >= settings.snapshotBytes { return true }
    let index = node.isWitness ? node.lastApplied : applied
    let newest = node.snapshot.lastIncluded.index
    return index > newest && newest.distance(to: index) >= settings.snapshotEntries
  }

  /// Begins a snapshot when enough was applied since the last, or somebody wants one.
  mutating func takeSnapshotIfDue() -> EnginePause? {
    // Mostly nothing is due, so that is asked first.
    if !isSnapshotWanted, !isSnapshotDue, loading == nil { return nil }
    if loading != nil {
      askForPiece()
      return nil
    }
    guard taking == nil, failure == nil, ticks.rawValue >= snapshotNotBefore else { return nil }
    let index = node.isWitness ? node.lastApplied : applied
    let newest = node.snapshot.lastIncluded.index
    guard index > newest, index == node.lastApplied else {
      if isSnapshotWanted, index <= newest {
        if isSpaceLow { tellOfSnapshot(newest) }
        snapshotIsThere(newest)
      }
      return nil
    }
    guard let term = node.log.term(at: index) else { return nil }
    let position = LogPosition(term: term, index: index)
    isSnapshotWanted = false
    bytesSinceSnapshot = 0
    // A witness has no bytes to keep. Or they are here, from before a crash, without a marker.
    if node.isWitness || journal.snapshotBytes(position) != nil {
      tellOfSnapshot(index)
      // The core may have a leader's snapshot in hand, and no ear for this one: it is told again.
      isSnapshotWanted = !snapshotRequests.isEmpty
      snapshotNotBefore = ticks.rawValue + 1
      return nil
    }
    taking = SnapshotTaking(position: position)
    journal.beginSnapshot(
      SnapshotMetadata(
        lastIncluded: position, membership: appliedMembership,
        membershipIndex: appliedMembershipIndex))
    observe(.snapshotBegun(position))
    return .beginWriting
  }

  /// The next piece of the snapshot that is being taken; empty if there is no more.
  @usableFromInline
  mutating func written(_ piece: [UInt8]) {
    guard taking != nil else { return }
    if piece.isEmpty {
      taking?.isWhole = true
      journal.finishSnapshot()
    } else {
      journal.writeSnapshot(piece)
    }
  }

  mutating func snapshotIsDurable(_ position: LogPosition) {
    guard taking?.position == position else { return }
    taking = nil
    tellOfSnapshot(position.index)
    observe(.snapshotTaken(position))
    snapshotIsThere(position.index)
  }

  mutating func snapshotNotTaken(_ position: LogPosition, _ error: DiskError) {
    guard taking?.position == position else { return }
    taking = nil
    isSnapshotWanted = true
    snapshotNotBefore = ticks.rawValue + settings.retryTicks.rawValue
    observe(.snapshotFailed(position, error))
    answerSnapshotRequests(.snapshotFailed(error))
  }

  /// Has the core cut its log behind a snapshot; whole, where there is no space for a tail.
  private mutating func tellOfSnapshot(_ index: LogIndex) {
    coreInputs.append(.other(.snapshotTaken(through: index, keepsTail: !isSpaceLow)))
  }

  private mutating func snapshotIsThere(_ index: LogIndex) {
    isSnapshotWanted = false
    answerSnapshotRequests(.snapshotTaken(through: index))
  }

  /// Replies to all who wait for a snapshot.
  mutating func answerSnapshotRequests(_ answer: EngineReply) {
    for request in snapshotRequests { reply(request.name, answer) }
    snapshotRequests = []
  }

  /// Replies to those who wait for a snapshot longer than they wanted to. It is taken all the same.
  mutating func giveUpOnSnapshots() {
    guard !snapshotRequests.isEmpty else { return }
    var waiting: [SnapshotRequest] = []
    for request in snapshotRequests {
      if request.deadline <= ticks.rawValue {
        reply(request.name, .unknown(.deadlinePassed, nil))
      } else {
        waiting.append(request)
      }
    }
    snapshotRequests = waiting
  }
}

extension Waiting {
  /// Whether the request has an entry at or before this one.
  func stands(through index: LogIndex) -> Bool {
    guard let position else { return false }
    return position.index <= index
  }
}

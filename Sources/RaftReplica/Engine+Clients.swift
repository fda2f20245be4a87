// §8 and thesis §6: what clients and operators ask for, and the one reply that each gets.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

extension ReplicaEngine {
  /// The name under which the core knows the host's stop; requests are named from 1 on.
  static var stopID: RequestID { RequestID(0) }

  // MARK: Taking requests

  /// Takes what is to be put into the log.
  @usableFromInline
  mutating func take(
    _ name: RequestID, _ request: Request, _ copies: CopiesWanted, _ deadline: Ticks?
  ) {
    if let reason = refusal(deadline) { return reply(name, .unavailable(reason)) }
    switch request {
    case .inSession(let position, _) where !position.isPossible:
      reply(name, .badRequest(.outOfRange))
    case .keepSession(_, let acknowledged) where acknowledged >= UInt64.max >> 1:
      reply(name, .badRequest(.outOfRange))
    case .command, .inSession, .openSession, .closeSession, .time, .limitSessions, .keepSession:
      propose(name, request, copies, deadline)
    }
  }

  /// Turns down what no replica could decode: it must not reach the log.
  @usableFromInline
  mutating func refuse(_ name: RequestID, _ error: MachineDecodingError, _ deadline: Ticks?) {
    if let reason = refusal(deadline) { return reply(name, .unavailable(reason)) }
    reply(name, .badRequest(error))
  }

  @usableFromInline
  mutating func administer(_ name: RequestID, _ request: AdminRequest, _ deadline: Ticks?) {
    if let reason = refusal(deadline) { return reply(name, .unavailable(reason)) }
    switch request {
    case .changeMembership(let change):
      let id = requests.add(
        Waiting(name: name, purpose: .membership, deadline: deadline?.rawValue ?? .max))
      coreInputs.append(.other(.changeMembership(id, change)))
    case .transferLeadership(let target):
      let id = requests.add(
        Waiting(name: name, purpose: .transfer, deadline: deadline?.rawValue ?? .max))
      coreInputs.append(.other(.transferLeadership(id, to: target)))
    case .limitSessions(let limits):
      guard limits.sessions > 0, limits.requestsUnderWay > 0, limits.resultBytes > 0 else {
        reply(name, .badRequest(.outOfRange))
        return
      }
      propose(name, .limitSessions(limits), .majority, deadline)
    case .takeSnapshot:
      if node.isWitness {
        reply(name, .unavailable(.witness))
      } else if loading != nil {
        reply(name, .unavailable(.loading))
      } else if taking == nil, node.snapshot.lastIncluded.index >= applied {
        reply(name, .snapshotTaken(through: applied))
      } else {
        snapshotRequests.append(
          SnapshotRequest(name: name, deadline: deadline?.rawValue ?? .max))
        isSnapshotWanted = true
        snapshotNotBefore = 0
      }
    }
  }

  /// Why nothing is taken now, whatever it is.
  private func refusal(_ deadline: Ticks?) -> Unavailability? {
    if failure != nil { return .halted }
    if isStopping { return .stopping }
    if isOut { return .outUntilRepaired }
    if let deadline, deadline <= ticks { return .deadlinePassed }
    return nil
  }

  /// Puts a request into the log, with this replica's clock stamp: the log's time at its entry.
  private mutating func propose(
    _ name: RequestID, _ request: Request, _ wanted: CopiesWanted, _ deadline: Ticks?
  ) {
    guard node.isLeader else { return reply(name, notLeader) }
    if isSpaceLow { return reply(name, .unavailable(.diskFull)) }
    let limit = deadline?.rawValue ?? .max
    let copies = count(of: wanted)
    let core = requests.add(
      Waiting(name: name, purpose: .entry, deadline: limit, copies: copies))
    let left = limit - min(limit, ticks.rawValue)
    let patience = limit == .max ? settings.copiesTicks : Ticks(left)
    let stamp = stampEvent()
    proposedAt = ticks.rawValue
    let payload = Envelope(stamp: stamp, request: request).encoded()
    let concern =
      copies == 0 ? WriteConcern.majority : WriteConcern(copies: copies, patience: patience)
    coreInputs.append(.other(.propose(Proposal(core, EntryBlock(payload), writeConcern: concern))))
  }

  private var notLeader: EngineReply {
    if let leader = node.leaderID, leader != id { return .notLeader(leader) }
    return .unavailable(.noLeader)
  }

  private func count(of wanted: CopiesWanted) -> UInt32 {
    switch wanted {
    case .majority: return 0
    case .atLeast(let copies): return copies
    case .all:
      var count: UInt32 = 0
      for node in node.membership.nodes where !self.node.membership.isWitness(node) { count += 1 }
      return count
    }
  }

  // MARK: Reading

  /// What becomes of a question at once.
  @usableFromInline
  enum Reading {
    /// It was turned down.
    case refused
    /// It is answered now, from the machine as it is.
    case now(Freshness)
    /// It is answered once the pause `answer` names it.
    case later(RequestID)
  }

  @usableFromInline
  mutating func read(_ name: RequestID, _ kind: ReadKind, _ deadline: Ticks?) -> Reading {
    if let reason = refusal(deadline) ?? (node.isWitness ? .witness : nil) {
      reply(name, .unavailable(reason))
      return .refused
    }
    switch kind {
    case .stale:
      if loading == nil { return .now(staleness) }
      reply(name, .unavailable(.loading))
      return .refused
    case .linearizable, .lease:
      guard node.isLeader else {
        reply(name, notLeader)
        return .refused
      }
    case .follower: break
    }
    let core = requests.add(
      Waiting(name: name, purpose: .query, deadline: deadline?.rawValue ?? .max))
    coreInputs.append(.other(.read(core, kind == .lease ? .lease : .linearizable)))
    return .later(core)
  }

  /// A read is confirmed, and the machine is far enough; or it will be, once it is read from the
  /// snapshot that the core counts as applied.
  mutating func answer(_ core: RequestID) -> EnginePause? {
    if loading != nil {
      heldReads.append(core)
      return nil
    }
    guard let waiting = requests.remove(core) else { return nil }
    return .answer(core, waiting.name)
  }

  /// How fresh an answer is that was confirmed, from the machine as it is.
  @usableFromInline
  var confirmed: Freshness { Freshness(index: applied, ticks: .zero, nanoseconds: 0) }

  // MARK: Replying

  /// The one reply to a request that was never taken in.
  mutating func reply(_ name: RequestID, _ reply: EngineReply) {
    output.append(.reply(name, reply))
  }

  /// The one reply to a request that waits; no second one is ever given.
  mutating func close(_ core: RequestID, _ reply: EngineReply) {
    guard let waiting = requests.remove(core) else { return }
    if case .query = waiting.purpose { forgottenQueries.append(core) }
    output.append(.reply(waiting.name, reply))
  }

  /// Replies if the result and the copies that were asked for are both there.
  mutating func replyIfComplete(_ id: RequestID) {
    guard let waiting = requests[id], let verdict = waiting.verdict, let position = waiting.position
    else { return }
    if waiting.copies > 0, waiting.found == nil { return }
    close(id, ReplicaEngine.reply(verdict, at: position.index, waiting))
  }

  private static func reply(
    _ verdict: Verdict, at index: LogIndex, _ waiting: Waiting
  ) -> EngineReply {
    var under: UnderAcknowledged?
    if waiting.copies > 0, let found = waiting.found, found < waiting.copies {
      under = UnderAcknowledged(copies: found, asked: waiting.copies)
    }
    switch verdict {
    case .applied:
      return .applied(Applied(index: index, result: waiting.result, underAcknowledged: under))
    case .duplicate(let first):
      return .applied(
        Applied(
          index: first, result: waiting.result, isDuplicate: true, underAcknowledged: under))
    case .sessionOpened(let session): return .sessionOpened(session)
    case .sessionClosed, .noted: return .noted(at: index)
    case .refused(let refusal): return .refused(refusal, at: index)
    case .malformed(let error): return .badRequest(error)
    }
  }

  /// The deadline of a request has come.
  mutating func giveUp(_ id: RequestID) {
    close(id, .deadlinePassed, or: .notConfirmed)
  }

  /// Replies to a request of which nothing more will be learnt. What is applied is known, if not by
  /// how many; a read was surely not done; of all else nothing may be said.
  mutating func close(
    _ id: RequestID, _ uncertainty: Uncertainty, or reason: Unavailability
  ) {
    guard let waiting = requests[id] else { return }
    if waiting.verdict != nil, let position = waiting.position {
      let copies = copies(of: position.index)
      requests.update(id) { $0.found = $0.found ?? copies }
      replyIfComplete(id)
      return
    }
    switch waiting.purpose {
    case .query: close(id, .unavailable(reason))
    case .transfer: close(id, .transferFailed)
    case .entry, .membership:
      close(id, .unknown(uncertainty, waiting.position))
    }
  }

  /// How many nodes that hold commands are known to hold this entry durably.
  private func copies(of index: LogIndex) -> UInt32 {
    var count: UInt32 = !node.isWitness && node.durableIndex >= index ? 1 : 0
    for peer in node.progress
    where !node.membership.isWitness(peer.id) && peer.matchIndex >= index {
      count += 1
    }
    return count
  }

  /// The host wants this node to stand for election at once. It may not, while it is out.
  @usableFromInline
  mutating func campaign() {
    if failure == nil, !isOut { coreInputs.append(.other(.campaign)) }
  }

  // MARK: Stopping

  @usableFromInline
  mutating func stop(_ name: RequestID) {
    if let earlier = stopRequest { reply(earlier, .stopped) }
    stopRequest = name
    guard failure == nil else {
      stopRequest = nil
      reply(name, .stopped)
      return
    }
    if !isStopping {
      isStopping = true
      stopDeadline = ticks.rawValue + settings.stopTicks.rawValue
      coreInputs.append(.other(.stop(ReplicaEngine.stopID)))
    }
  }

  /// Says that all is done once leadership is handed over, all requests are replied to, and the
  /// journal is at rest; or when that has taken too long.
  mutating func finishStopIfDone() {
    guard isStopping, let name = stopRequest else { return }
    let isLate = ticks.rawValue >= stopDeadline
    guard isLate || (isCoreStopped && requestsUnderWay == 0 && journal.isIdle) else { return }
    stopRequest = nil
    for id in requests.all(where: { _ in true }) {
      close(id, .stopped, or: .stopping)
    }
    answerSnapshotRequests(.unavailable(.stopping))
    reply(name, .stopped)
  }
}

extension SessionPosition {
  /// Whether the numbers are ones that a client can have come to.
  var isPossible: Bool {
    sequence > 0 && sequence < UInt64.max >> 1 && acknowledgedThrough < UInt64.max >> 1
  }
}

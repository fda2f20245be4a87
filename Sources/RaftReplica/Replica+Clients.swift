// §8 and thesis §6: what clients and operators ask for, and the one reply that each gets.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

extension Replica {
  /// The name under which the core knows the host's stop; requests are named from 1 on.
  static var stopID: RequestID { RequestID(0) }

  // MARK: Taking requests

  mutating func take(
    _ name: RequestID, _ request: ClientRequest<Machine>, _ deadline: Ticks?,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    if let reason = refusal(deadline) {
      actions.append(.reply(name, .unavailable(reason)))
      return
    }
    switch request {
    case .openSession: propose(name, .openSession, .majority, deadline, &actions)
    case .command(let command, let position, let copies):
      // What no replica could decode must not reach the log.
      do throws(MachineDecodingError) { _ = try Machine.decode(command[...]) } catch {
        actions.append(.reply(name, .badRequest(error)))
        return
      }
      if let position, !position.isPossible {
        actions.append(.reply(name, .badRequest(.outOfRange)))
        return
      }
      let inLog: Request = position.map { .inSession($0, command: command) } ?? .command(command)
      propose(name, inLog, copies, deadline, &actions)
    case .keepSession(let session, let acknowledged):
      guard acknowledged < UInt64.max >> 1 else {
        actions.append(.reply(name, .badRequest(.outOfRange)))
        return
      }
      propose(
        name, .keepSession(session, acknowledgedThrough: acknowledged), .majority, deadline,
        &actions)
    case .closeSession(let session):
      propose(name, .closeSession(session), .majority, deadline, &actions)
    case .passTime: propose(name, .time, .majority, deadline, &actions)
    case .query(let query, let kind): read(name, query, kind, deadline, &actions)
    }
  }

  mutating func administer(
    _ name: RequestID, _ request: AdminRequest, _ deadline: Ticks?,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    if let reason = refusal(deadline) {
      actions.append(.reply(name, .unavailable(reason)))
      return
    }
    switch request {
    case .changeMembership(let change):
      let id = requests.add(
        Waiting(name: name, purpose: .membership, deadline: deadline?.rawValue ?? .max))
      node.step(.changeMembership(id, change), into: &coreActions)
    case .transferLeadership(let target):
      let id = requests.add(
        Waiting(name: name, purpose: .transfer, deadline: deadline?.rawValue ?? .max))
      node.step(.transferLeadership(id, to: target), into: &coreActions)
    case .limitSessions(let limits):
      guard limits.sessions > 0, limits.requestsUnderWay > 0, limits.resultBytes > 0 else {
        actions.append(.reply(name, .badRequest(.outOfRange)))
        return
      }
      propose(name, .limitSessions(limits), .majority, deadline, &actions)
    case .takeSnapshot:
      if node.isWitness {
        actions.append(.reply(name, .unavailable(.witness)))
      } else if loading != nil {
        actions.append(.reply(name, .unavailable(.loading)))
      } else if taking == nil, node.snapshot.lastIncluded.index >= machine.applied {
        actions.append(.reply(name, .snapshotTaken(through: machine.applied)))
      } else {
        snapshotRequests.append(name)
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
    _ name: RequestID, _ request: Request, _ wanted: CopiesWanted, _ deadline: Ticks?,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    guard node.isLeader else {
      if let leader = node.leaderID, leader != id {
        actions.append(.reply(name, .notLeader(leader)))
      } else {
        actions.append(.reply(name, .unavailable(.noLeader)))
      }
      return
    }
    if isSpaceLow {
      actions.append(.reply(name, .unavailable(.diskFull)))
      return
    }
    let limit = deadline?.rawValue ?? .max
    let copies = count(of: wanted)
    let waiting = Waiting<Machine.Query>(
      name: name, purpose: .entry, deadline: limit, copies: copies)
    let core = requests.add(waiting)
    let patience = Ticks(limit == .max ? UInt64.max >> 2 : limit - ticks.rawValue)
    let stamp = clock.tick(physical: nanoseconds)
    let payload = Envelope(stamp: stamp, request: request).encoded()
    let concern =
      copies == 0 ? WriteConcern.majority : WriteConcern(copies: copies, patience: patience)
    node.step(
      .propose(Proposal(core, EntryBlock(payload), writeConcern: concern)), into: &coreActions)
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

  private mutating func read(
    _ name: RequestID, _ query: Machine.Query, _ kind: ReadKind, _ deadline: Ticks?,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    if node.isWitness {
      actions.append(.reply(name, .unavailable(.witness)))
      return
    }
    switch kind {
    case .stale:
      guard loading == nil else {
        actions.append(.reply(name, .unavailable(.loading)))
        return
      }
      actions.append(.reply(name, .answer(machine.query(query), staleness)))
      return
    case .linearizable, .lease:
      guard node.isLeader else {
        if let leader = node.leaderID, leader != id {
          actions.append(.reply(name, .notLeader(leader)))
        } else {
          actions.append(.reply(name, .unavailable(.noLeader)))
        }
        return
      }
    case .follower: break
    }
    let id = requests.add(
      Waiting(name: name, purpose: .query(query), deadline: deadline?.rawValue ?? .max))
    let consistency: ReadConsistency = kind == .lease ? .lease : .linearizable
    node.step(.read(id, consistency), into: &coreActions)
  }

  /// A read is confirmed, and the machine is far enough; or it will be, once it is read from the
  /// snapshot that the core counts as applied.
  mutating func answer(_ id: RequestID, _ actions: inout [ReplicaAction<Machine>]) {
    if loading != nil {
      heldReads.append(id)
      return
    }
    guard let waiting = requests.remove(id) else { return }
    guard case .query(let query) = waiting.purpose else { return }
    let freshness = Freshness(index: machine.applied, ticks: .zero, nanoseconds: 0)
    actions.append(.reply(waiting.name, .answer(machine.query(query), freshness)))
  }

  // MARK: Replying

  /// The one reply to a request that waits; no second one is ever given.
  mutating func reply(
    _ id: RequestID, _ reply: Reply<Machine>, _ actions: inout [ReplicaAction<Machine>]
  ) {
    guard let waiting = requests.remove(id) else { return }
    actions.append(.reply(waiting.name, reply))
  }

  /// Replies if the result and the copies that were asked for are both there.
  mutating func replyIfComplete(_ id: RequestID, _ actions: inout [ReplicaAction<Machine>]) {
    guard let waiting = requests[id], let verdict = waiting.verdict, let position = waiting.position
    else { return }
    if waiting.copies > 0, waiting.found == nil { return }
    reply(id, Replica.reply(verdict, at: position.index, waiting), &actions)
  }

  private static func reply(
    _ verdict: Verdict, at index: LogIndex, _ waiting: Waiting<Machine.Query>
  ) -> Reply<Machine> {
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
  mutating func giveUp(_ id: RequestID, _ actions: inout [ReplicaAction<Machine>]) {
    close(id, .deadlinePassed, or: .notConfirmed, &actions)
  }

  /// Replies to a request of which nothing more will be learnt. What is applied is known, if not by
  /// how many; a read was surely not done; of all else nothing may be said.
  mutating func close(
    _ id: RequestID, _ uncertainty: Uncertainty, or reason: Unavailability,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    guard let waiting = requests[id] else { return }
    if waiting.verdict != nil, let position = waiting.position {
      let copies = copies(of: position.index)
      requests.update(id) { $0.found = $0.found ?? copies }
      replyIfComplete(id, &actions)
      return
    }
    switch waiting.purpose {
    case .query: reply(id, .unavailable(reason), &actions)
    case .transfer: reply(id, .transferFailed, &actions)
    case .entry, .membership:
      reply(id, .unknown(uncertainty, waiting.position), &actions)
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

  // MARK: Stopping

  mutating func stop(_ name: RequestID, _ actions: inout [ReplicaAction<Machine>]) {
    if let earlier = stopRequest { actions.append(.reply(earlier, .stopped)) }
    stopRequest = name
    guard failure == nil else {
      stopRequest = nil
      actions.append(.reply(name, .stopped))
      return
    }
    if !isStopping {
      isStopping = true
      stopDeadline = ticks.rawValue + settings.stopTicks.rawValue
      node.step(.stop(Replica.stopID), into: &coreActions)
    }
  }

  /// Says that all is done once leadership is handed over, all requests are replied to, and the
  /// journal is at rest; or when that has taken too long.
  mutating func finishStopIfDone(_ actions: inout [ReplicaAction<Machine>]) {
    guard isStopping, let name = stopRequest else { return }
    let isLate = ticks.rawValue >= stopDeadline
    guard isLate || (isCoreStopped && requestsUnderWay == 0 && journal.isIdle) else { return }
    stopRequest = nil
    for id in requests.all(where: { _ in true }) {
      close(id, .stopped, or: .stopping, &actions)
    }
    for name in snapshotRequests { actions.append(.reply(name, .unavailable(.stopping))) }
    snapshotRequests = []
    actions.append(.reply(name, .stopped))
  }
}

extension SessionPosition {
  /// Whether the numbers are ones that a client can have come to.
  var isPossible: Bool {
    sequence > 0 && sequence < UInt64.max >> 1 && acknowledgedThrough < UInt64.max >> 1
  }
}

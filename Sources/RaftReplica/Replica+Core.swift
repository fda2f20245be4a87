// What the core wants done: most of it is the journal's or the machine's work.

import Raft
import RaftJournal
import RaftMachines

extension Replica {
  mutating func carryOut(_ action: Action, _ actions: inout [ReplicaAction<Machine>]) {
    switch action {
    case .store(let write): journal.append(write)
    case .send(let message): send(message, &actions)
    case .loadEntries(let request): journal.load(request, into: &journalEvents)
    case .loadSnapshotChunk(let request):
      journal.load(SnapshotRead(request), into: &journalEvents)
    case .storeSnapshotChunk(let chunk): journal.store(chunk, into: &journalEvents)
    case .installSnapshot(let metadata): install(metadata, &actions)
    case .apply(let entries):
      if loading != nil { backlog.append(entries) } else { apply(entries, &actions) }
    case .readIsReady(let id, _): answer(id, &actions)
    case .outcome(let id, let outcome): decided(id, outcome, &actions)
    case .observe(let event): actions.append(.observe(.core(event)))
    }
  }

  /// What has become of the journal's work is the core's news, or the machine's.
  mutating func happened(_ event: JournalEvent, _ actions: inout [ReplicaAction<Machine>]) {
    switch event {
    case .persisted(let first, let last):
      var ticket = first
      while ticket <= last {
        node.step(.persisted(ticket), into: &coreActions)
        ticket = ticket.next
      }
    case .failed(let first, let error): fail(.disk(error), first, &actions)
    case .entriesLoaded(let request, let entries):
      node.step(.entriesLoaded(request, entries), into: &coreActions)
    case .entriesNotLoaded(let request, let problem):
      report(problem, &actions)
      node.step(.entriesNotLoaded(request), into: &coreActions)
    case .snapshotWritten(let position, _): writeSnapshot(position)
    case .snapshotTaken(let position): snapshotIsDurable(position, &actions)
    case .snapshotNotTaken(let position, let error):
      snapshotNotTaken(position, error, &actions)
    case .snapshotChunkStored(let position, let through):
      node.step(
        .snapshotChunkStored(lastIncluded: position, through: through), into: &coreActions)
    case .snapshotChunkNotStored(let position, _):
      node.step(.snapshotChunkNotStored(lastIncluded: position), into: &coreActions)
    case .snapshotRead(let read, let bytes, let isLast):
      snapshotRead(read, bytes, isLast: isLast, &actions)
    case .snapshotNotRead(let read, let problem): snapshotNotRead(read, problem, &actions)
    case .spaceLow:
      isSpaceLow = true
      isSnapshotWanted = true
      actions.append(.observe(.spaceLow))
    case .spaceBack:
      isSpaceLow = false
      actions.append(.observe(.spaceBack))
    }
  }

  func report(_ problem: ReadProblem, _ actions: inout [ReplicaAction<Machine>]) {
    switch problem {
    case .notHere: return
    case .disk, .damaged: actions.append(.observe(.unreadable(problem)))
    }
  }

  /// The core has decided something about a request of ours.
  private mutating func decided(
    _ id: RequestID, _ outcome: Outcome, _ actions: inout [ReplicaAction<Machine>]
  ) {
    if id == Replica.stopID {
      isCoreStopped = true
      journal.vouch()
      finishStopIfDone(&actions)
      return
    }
    switch outcome {
    case .accepted(let position): requests.place(id, at: position)
    case .committed(let position, let copies): committed(id, position, copies, &actions)
    case .lost: reply(id, .unavailable(.lost), &actions)
    case .unknown(let position, let reason):
      // What is applied is known, whatever the core says of copies.
      if requests[id]?.verdict != nil { return giveUp(id, &actions) }
      reply(id, .unknown(Uncertainty(reason), position), &actions)
    case .refused(let refusal): reply(id, reply(to: refusal, of: id), &actions)
    case .transferred(let node, let term):
      reply(id, .transferred(to: node, term: term), &actions)
    case .transferFailed: reply(id, .transferFailed, &actions)
    case .stopped: return
    }
  }

  private mutating func committed(
    _ id: RequestID, _ position: LogPosition, _ copies: UInt32,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    guard let waiting = requests[id] else { return }
    if case .membership = waiting.purpose {
      reply(id, .membershipChanged(at: position.index), &actions)
      return
    }
    requests.update(id) { $0.found = copies }
    replyIfComplete(id, &actions)
  }

  private func reply(to refusal: Refusal, of id: RequestID) -> Reply<Machine> {
    switch refusal {
    case .notLeader(let leader):
      if let leader, leader != self.id { return .notLeader(leader) }
      return .unavailable(.noLeader)
    case .notConfirmed: return .unavailable(.notConfirmed)
    case .tooBusy: return .tooBusy(after: settings.core.heartbeatTicks)
    case .transferring: return .unavailable(.transferring)
    case .stopping: return .unavailable(.stopping)
    case .halted: return .unavailable(.halted)
    case .tooLarge, .nothingToDo, .changeInFlight, .termNotEstablished, .membershipMoved,
      .alreadyMember, .notMember, .invalidChange, .learnerBehind, .membership, .cannotLead:
      return .notPossible(refusal)
    }
  }
}

extension Uncertainty {
  init(_ reason: UnknownReason) {
    switch reason {
    case .leadershipLost, .noAnswer: self = .leadershipLost
    case .compacted: self = .compacted
    case .halted: self = .halted
    }
  }
}

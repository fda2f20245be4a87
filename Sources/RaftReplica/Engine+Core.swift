// What the core wants done: most of it is the journal's or the machine's work.

import Raft
import RaftJournal
import RaftMachines

extension ReplicaEngine {
  /// Does what the core wants done in its last step, as far as the machine is not wanted for it.
  ///
  /// What there is most of is taken from its list without a copy; the rest comes one by one.
  mutating func carryOut() -> EnginePause? {
    if !isCarryingOut {
      isCarryingOut = true
      for place in coreActions.stores.indices { journal.append(coreActions.stores[place]) }
      if !coreActions.sends.isEmpty {
        var sends = ActionList<Message>()
        swap(&sends, &outbox)
        coreActions.takeSends(into: &sends)
        sends.drain { send($0) }
        swap(&sends, &outbox)
      }
      nextApply = 0
      nextRead = 0
      if coreActions.installs.isEmpty {
        for place in coreActions.transfers.indices { _ = carryOut(coreActions.transfers[place]) }
      }
    }
    if !coreActions.installs.isEmpty {
      // A snapshot and what is applied before or after it have an order that only the buffer knows.
      while let action = coreActions.next() {
        if let pause = carryOut(action) { return pause }
      }
    } else {
      while nextApply < coreActions.applies.count {
        nextApply += 1
        if let pause = apply(coreActions.applies[nextApply - 1]) { return pause }
      }
      while nextRead < coreActions.reads.count {
        nextRead += 1
        if let pause = answer(coreActions.reads[nextRead - 1].request) { return pause }
      }
      for answer in coreActions.outcomes { decided(answer.request, answer.outcome) }
      for event in coreActions.events { observe(.core(event)) }
      coreActions.removeAll()
    }
    isCarryingOut = false
    return nil
  }

  private mutating func apply(_ entries: Entries) -> EnginePause? {
    if loading == nil && backlog.isEmpty {
      applying = entries
      return .apply
    }
    backlog.append(entries)
    return nil
  }

  private mutating func carryOut(_ action: Action) -> EnginePause? {
    switch action {
    case .store, .send: break  // done by now
    case .loadEntries(let request): journal.load(request, into: &journalEvents)
    case .loadSnapshotChunk(let request):
      journal.load(SnapshotRead(request), into: &journalEvents)
    case .storeSnapshotChunk(let chunk): journal.store(chunk, into: &journalEvents)
    case .installSnapshot(let metadata): install(metadata)
    case .apply(let entries): return apply(entries)
    case .readIsReady(let core, _): return answer(core)
    case .outcome(let core, let outcome): decided(core, outcome)
    case .observe(let event): observe(.core(event))
    }
    return nil
  }

  /// What has become of the journal's work is the core's news, or the machine's.
  mutating func happened(_ event: JournalEvent) -> EnginePause? {
    switch event {
    case .persisted(let first, let last):
      var ticket = first
      while ticket <= last {
        coreInputs.append(.persisted(ticket))
        ticket = ticket.next
      }
    case .failed(let first, let error): fail(.disk(error), first)
    case .entriesLoaded(let request, let entries):
      coreInputs.append(.other(.entriesLoaded(request, entries)))
    case .entriesNotLoaded(let request, let problem):
      report(problem)
      coreInputs.append(.other(.entriesNotLoaded(request)))
    case .snapshotWritten(let position, _):
      guard let taking, taking.position == position, !taking.isWhole else { return nil }
      return .write(settings.pieceBytes)
    case .snapshotTaken(let position): snapshotIsDurable(position)
    case .snapshotNotTaken(let position, let error): snapshotNotTaken(position, error)
    case .snapshotChunkStored(let position, let through):
      coreInputs.append(.other(.snapshotChunkStored(lastIncluded: position, through: through)))
    case .snapshotChunkNotStored(let position, _):
      coreInputs.append(.other(.snapshotChunkNotStored(lastIncluded: position)))
    case .snapshotRead(let read, let bytes, let isLast):
      return snapshotRead(read, bytes, isLast: isLast)
    case .snapshotNotRead(let read, let problem): snapshotNotRead(read, problem)
    case .spaceLow:
      isSpaceLow = true
      isSnapshotWanted = true
      observe(.spaceLow)
      yieldIfSpaceLow()
    case .spaceBack:
      isSpaceLow = false
      observe(.spaceBack)
    }
    return nil
  }

  mutating func report(_ problem: ReadProblem) {
    switch problem {
    case .notHere: return
    case .disk, .damaged: observe(.unreadable(problem))
    }
  }

  /// The core has decided something about a request of ours.
  private mutating func decided(_ id: RequestID, _ outcome: Outcome) {
    if id == ReplicaEngine.stopID {
      isCoreStopped = true
      journal.vouch()
      finishStopIfDone()
      return
    }
    switch outcome {
    case .accepted(let position): requests.place(id, at: position)
    case .committed(let position, let copies): committed(id, position, copies)
    case .lost: close(id, .unavailable(.lost))
    case .unknown(let position, let reason):
      // What is applied is known, whatever the core says of copies.
      if requests[id]?.verdict != nil { return giveUp(id) }
      close(id, .unknown(Uncertainty(reason), position))
    case .refused(let refusal): close(id, reply(to: refusal))
    case .transferred(let node, let term):
      close(id, .transferred(to: node, term: term))
    case .transferFailed: close(id, .transferFailed)
    case .stopped: return
    }
  }

  private mutating func committed(
    _ id: RequestID, _ position: LogPosition, _ copies: UInt32
  ) {
    guard let waiting = requests[id] else { return }
    if case .membership = waiting.purpose {
      close(id, .membershipChanged(at: position.index))
      return
    }
    requests.update(id) { $0.found = copies }
    replyIfComplete(id)
  }

  private func reply(to refusal: Refusal) -> EngineReply {
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

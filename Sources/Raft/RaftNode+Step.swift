// The one door in. Everything that ever happens to a node comes through here: by `step`, or by what
// `step` itself calls for the two inputs that bring memory along.

extension RaftNode {
  /// Gives the node one input and appends what its host should do.
  ///
  /// Pure: the same state and input always give the same result. A host has three duties: it keeps
  /// the storage stream in order, it does not say persisted before it is, and it applies in order.
  /// Nothing else that a host does early, late, twice or not at all can break safety.
  ///
  /// Inlined into the host, so that a host that knows what has happened goes straight to the rule
  /// for it, without an `Input` being made and taken apart.
  ///
  /// - Complexity: O(entries in the input + nodes), amortised.
  @inlinable
  @inline(__always)
  public mutating func step(_ input: Input, into actions: inout ActionBuffer) {
    switch input {
    case .tick: tick(&actions)
    case .receive(var message): receive(&message, into: &actions)
    case .persisted(let ticket): stepPersisted(ticket, &actions)
    case .applied(let index): stepApplied(through: index, &actions)
    case .propose(let proposal):
      propose(
        proposal.request, proposal.commands, writeConcern: proposal.writeConcern, into: &actions)
    case .read, .changeMembership, .transferLeadership, .storageFailed, .entriesLoaded,
      .entriesNotLoaded, .snapshotTaken, .snapshotChunkLoaded, .snapshotChunkNotLoaded,
      .snapshotChunkStored, .snapshotChunkNotStored, .peerUnreachable, .peerReachable,
      .peerRestarted, .campaign, .stop:
      stepRarely(input, &actions)
    }
  }

  /// What `step` does with `receive`, for a message that nobody needs afterwards: its entries move
  /// into the log where they can, instead of being shared.
  public mutating func receive(_ message: inout Message, into actions: inout ActionBuffer) {
    if isHalted { return refuseHalted(.receive(message), &actions) }
    take(&message, &actions)
    finishStep(&actions)
  }

  /// What `step` does with `receive`, for a message that others hold as well. Of those of a steady
  /// stream nothing is copied but their entries.
  package mutating func receive(shared message: Message, into actions: inout ActionBuffer) {
    if isHalted { return refuseHalted(.receive(message), &actions) }
    take(shared: message, &actions)
    finishStep(&actions)
  }

  /// What `step` does with `receive`, for a message that is all in its body.
  package mutating func receive(
    from sender: NodeID, to receiver: NodeID, term: Term, bare body: Message.Body,
    into actions: inout ActionBuffer
  ) {
    var message = Message(sender, to: receiver, term, body)
    receive(&message, into: &actions)
  }

  @usableFromInline
  mutating func stepPersisted(_ ticket: Ticket, _ actions: inout ActionBuffer) {
    if isHalted { return }
    persisted(ticket, &actions)
    // Mostly there is nothing to write after a receipt, so this is not inlined.
    if hasUnwritten { finishRareStep(&actions) } else { handOutCommitted(&actions) }
  }

  @usableFromInline
  mutating func stepApplied(through index: LogIndex, _ actions: inout ActionBuffer) {
    if isHalted { return }
    // Nothing becomes durable by it, and no entry waits for it unless a snapshot does.
    let isFinishDue = isInstalling
    applied(through: index, &actions)
    if isFinishDue { finishRareStep(&actions) }
  }

  /// What `step` does with `propose`, for commands that nobody needs afterwards: their memory moves
  /// into the log, instead of being shared.
  public mutating func propose(
    _ request: RequestID, _ commands: __owned EntryBlock,
    writeConcern: WriteConcern = .majority, into actions: inout ActionBuffer
  ) {
    if isHalted { return actions.answer(request, .refused(.halted)) }
    take(request, commands, writeConcern, &actions)
    finishStep(&actions)
  }

  @usableFromInline
  mutating func stepRarely(_ input: Input, _ actions: inout ActionBuffer) {
    if isHalted { return refuseHalted(input, &actions) }
    switch input {
    case .tick, .receive, .persisted, .applied, .propose: return
    case .read(let request, let consistency): read(request, consistency, &actions)
    case .changeMembership(let request, let change): changeMembership(request, change, &actions)
    case .transferLeadership(let request, let target):
      transferLeadership(request, to: target, &actions)
    case .storageFailed: halt(&actions)
    case .entriesLoaded(let request, let entries): entriesLoaded(request, entries, &actions)
    case .entriesNotLoaded(let request): entriesNotLoaded(request, &actions)
    case .snapshotTaken(let index, let keepsTail):
      snapshotTaken(through: index, keepsTail: keepsTail, &actions)
    case .snapshotChunkLoaded(let request, let bytes, let isLast):
      snapshotChunkLoaded(request, bytes, isLast: isLast, &actions)
    case .snapshotChunkNotLoaded(let request): snapshotChunkNotLoaded(request, &actions)
    case .snapshotChunkStored(let snapshot, let through):
      snapshotChunkStored(snapshot, through: through, &actions)
    case .snapshotChunkNotStored(let snapshot): snapshotChunkNotStored(snapshot, &actions)
    case .peerUnreachable(let peer): peerUnreachable(peer, &actions)
    case .peerRestarted(let peer): peerRestarted(peer, &actions)
    case .peerReachable(let peer): peerReachable(peer, &actions)
    case .campaign: campaignOnDemand(&actions)
    case .stop(let request): stop(request, &actions)
    }
    finishStep(&actions)
  }

  /// What every step ends with: one write for all that changed, and what may be applied by now.
  @inline(__always)
  private mutating func finishStep(_ actions: inout ActionBuffer) {
    flushStorage(&actions)
    handOutCommitted(&actions)
  }

  @inline(never)
  private mutating func finishRareStep(_ actions: inout ActionBuffer) { finishStep(&actions) }

  /// Time passes: every state has a timer, so that no lost message can wedge anything.
  ///
  /// Most ticks only count. What waits for a deadline is looked at every eighth.
  @usableFromInline
  mutating func tick(_ actions: inout ActionBuffer) {
    if isHalted { return }
    now += 1
    if isLeader {
      leader.heartbeatElapsed += 1
      if leader.heartbeatElapsed >= leader.heartbeatWait || leader.isCommitNoticeDue {
        timedOut(&actions)
      }
    } else {
      electionElapsed += 1
      if electionElapsed >= electionWait || now & 7 == 0 { timedOut(&actions) }
    }
  }

  @inline(never)
  private mutating func timedOut(_ actions: inout ActionBuffer) {
    if isLeader {
      leaderTick(&actions)
    } else {
      if clients.isWatchingTime { watchRequests(&actions) }
      if electionElapsed >= electionWait { electionTimedOut(&actions) }
    }
    finishStep(&actions)
  }

  /// Answers what must be answered, and does nothing.
  private func refuseHalted(_ input: Input, _ actions: inout ActionBuffer) {
    switch input {
    case .propose(let proposal): actions.answer(proposal.request, .refused(.halted))
    case .read(let request, _), .changeMembership(let request, _),
      .transferLeadership(let request, _):
      actions.answer(request, .refused(.halted))
    case .stop(let request): actions.answer(request, .stopped)
    case .receive(let message): actions.observe(.dropped(from: message.from, .halted))
    case .tick, .persisted, .storageFailed, .applied, .entriesLoaded, .entriesNotLoaded,
      .snapshotTaken, .snapshotChunkLoaded, .snapshotChunkNotLoaded, .snapshotChunkStored,
      .snapshotChunkNotStored, .peerUnreachable, .peerReachable, .peerRestarted, .campaign:
      break
    }
  }

  /// A failed write ends the node: what its disk holds is no longer known, so nothing may be
  /// promised. A new life begins with what the disk really has.
  private mutating func halt(_ actions: inout ActionBuffer) {
    failAllRequests(.halted, &actions)
    if isLeader { becomeFollower(.diskStalled, &actions) }
    isHalted = true
    storage.held.removeAll()
    actions.observe(.halted)
  }
}

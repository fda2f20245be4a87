// §8 Client interaction: proposals and their fate. Each request is answered exactly once a stage.

/// What a node remembers of its callers.
struct ClientRequests: Hashable, Sendable {
  /// Accepted proposals whose fate is open, ascending by index.
  var pending = Queue<PendingProposal>()
  /// Until when a node that does not lead waits to learn the fate of its own proposals.
  var pendingDeadline: UInt64 = 0
  /// Proposals handed to the leader.
  var forwarded: [ForwardedRequest] = []
  /// Reads that were asked of the leader.
  var remoteReads: [RemoteRead] = []
  /// Confirmed reads that wait for the machine, ascending by index.
  var readyReads = Queue<ReadyWait>()
  /// A transfer that this node began as leader and whose end it waits to see.
  var transfer: Transfer?
  var nextSequence: UInt64 = 0
  var stopRequest: RequestID?
  var isStopping = false

  /// Whether time alone may decide something.
  var isWatchingTime: Bool {
    !pending.isEmpty || !forwarded.isEmpty || !remoteReads.isEmpty || !readyReads.isEmpty
      || transfer != nil
  }
}

/// A proposal that was handed to the leader.
struct ForwardedRequest: Hashable, Sendable, BitwiseCopyable {
  var request: RequestID
  var sequence: UInt64
  var concern: WriteConcern
  var deadline: UInt64
}

extension RaftNode {
  /// "If command received from client: append entry to local log, respond after entry applied to
  /// state machine" (§5.3): here the response is told in stages.
  @inline(__always)
  mutating func take(
    _ request: RequestID, _ commands: __owned EntryBlock, _ concern: WriteConcern,
    _ actions: inout ActionBuffer
  ) {
    if let refusal = refusal(of: commands) {
      if case .notLeader(let leader?) = refusal, configuration.isForwardingProposals,
        leader != id, !clients.isStopping
      {
        forward(Proposal(request, commands, writeConcern: concern), to: leader, &actions)
      } else {
        actions.answer(request, .refused(refusal))
      }
      return
    }
    appendAsLeader(.command, commands, &actions)
    accept(request, concern, &actions)
  }

  /// Why these commands cannot be taken now, if they cannot.
  @inline(__always)
  private func refusal(of commands: EntryBlock) -> Refusal? {
    guard isLeader else { return .notLeader(leader: leaderID) }
    if commands.count == 0 { return .nothingToDo }
    if clients.isStopping { return .stopping }
    if leader.transfer != nil { return .transferring }
    let bytes = UInt64(commands.payloadBytes)
    if bytes > configuration.maximumUncommittedBytes {
      return .tooLarge(limit: configuration.maximumUncommittedBytes)
    }
    let entries = UInt64(commands.count)
    if entries > configuration.maximumUncommittedEntries {
      return .tooLarge(limit: configuration.maximumUncommittedEntries)
    }
    // What is uncommitted is measured in the log itself, so that no count can leak.
    guard
      commitIndex.distance(to: log.lastIndex) + entries <= configuration.maximumUncommittedEntries,
      UInt64(clients.pending.count) < configuration.maximumPendingRequests,
      log.bytes(after: commitIndex, through: log.lastIndex) + bytes
        <= configuration.maximumUncommittedBytes
    else { return .tooBusy }
    return nil
  }

  /// Tells the caller where its entries stand, and remembers to tell what becomes of them.
  @inline(__always)
  mutating func accept(
    _ request: RequestID, _ concern: WriteConcern, _ actions: inout ActionBuffer
  ) {
    actions.answer(request, .accepted(log.last))
    remember(PendingProposal(request: request, position: log.last, concern: concern))
  }

  /// Keeps a proposal among those whose fate is open. Of an earlier time as leader may be some
  /// with greater indexes, whose entries were deleted since.
  @inline(__always)
  private mutating func remember(_ proposal: PendingProposal) {
    var place = clients.pending.count
    while place > 0 && clients.pending[place - 1].position.index > proposal.position.index {
      place -= 1
    }
    if place == clients.pending.count {
      clients.pending.append(proposal)
    } else {
      clients.pending.insert(proposal, at: place)
    }
  }

  /// Answers the proposals beyond the commit index that can no longer be committed. An entry of a
  /// later term is: every later leader has it, and what follows it in a log is of no earlier term.
  mutating func settleOvertaken(_ actions: inout ActionBuffer) {
    guard let term = log.term(at: commitIndex) else { return }
    var isAny = false
    for place in 0..<clients.pending.count where clients.pending[place].position.term < term {
      isAny = true
      actions.answer(clients.pending[place].request, .lost(clients.pending[place].position))
    }
    if isAny { clients.pending.removeAll { $0.position.term < term } }
  }

  /// Answers every proposal that the commit index decides.
  mutating func settlePending(_ actions: inout ActionBuffer) {
    while let proposal = clients.pending.first, proposal.position.index <= commitIndex {
      clients.pending.popFirst()
      settle(proposal, &actions)
    }
  }

  /// Committed if the entry in its place is the one that was accepted; lost if it is another.
  @inline(__always)
  private mutating func settle(_ proposal: PendingProposal, _ actions: inout ActionBuffer) {
    let position = proposal.position
    if !(isLeader && position.term == currentTerm) {
      guard let term = log.term(at: position.index), position.index > log.baseIndex else {
        actions.answer(proposal.request, .unknown(position, .compacted))
        return
      }
      guard term == position.term else {
        actions.answer(proposal.request, .lost(position))
        return
      }
    }
    let copies = copies(of: position.index)
    if isLeader && copies < proposal.concern.copies {
      var waiting = proposal
      waiting.deadline = now + proposal.concern.patience.rawValue
      leader.concerned.append(waiting)
      return
    }
    actions.answer(proposal.request, .committed(position, copies: copies))
  }

  /// How many nodes that hold commands are known to hold this entry durably. Only a leader knows of
  /// others than itself.
  @inline(__always)
  private func copies(of index: LogIndex) -> UInt32 {
    var count: UInt32 = !isSelfWitness && storage.durableIndex >= index ? 1 : 0
    for peer in leader.progress where !peer.isWitness && peer.matchIndex >= index { count += 1 }
    return count
  }

  /// Answers committed proposals that have got the copies they waited for, or have waited enough.
  mutating func settleConcerned(_ actions: inout ActionBuffer) {
    var waiting: [PendingProposal] = []
    for proposal in leader.concerned {
      let copies = copies(of: proposal.position.index)
      if copies >= proposal.concern.copies || now >= proposal.deadline {
        actions.answer(proposal.request, .committed(proposal.position, copies: copies))
      } else {
        waiting.append(proposal)
      }
    }
    leader.concerned = waiting
  }

  // MARK: Forwarding

  private mutating func forward(
    _ proposal: Proposal, to leader: NodeID, _ actions: inout ActionBuffer
  ) {
    guard UInt64(clients.forwarded.count) < configuration.maximumPendingRequests,
      proposal.commands.count > 0
    else {
      let refusal = proposal.commands.count > 0 ? Refusal.tooBusy : .nothingToDo
      actions.answer(proposal.request, .refused(refusal))
      return
    }
    let sequence = takeSequence()
    clients.forwarded.append(
      ForwardedRequest(
        request: proposal.request, sequence: sequence, concern: proposal.writeConcern,
        deadline: now + 2 * configuration.electionTimeoutTicks.rawValue))
    let run = EntryRun(firstIndex: LogIndex(1), term: currentTerm, block: proposal.commands)
    send(
      .forwardedProposal(ForwardedProposal(sequence: sequence)), to: leader,
      entries: Entries(run), snapshot: nil, &actions)
  }

  /// A number that no other request of this node has, in this life or (drawn at random) another.
  mutating func takeSequence() -> UInt64 {
    if clients.nextSequence == 0 { clients.nextSequence = (random.next() | 1 << 63) << 32 }
    clients.nextSequence += 1
    return clients.nextSequence
  }

  /// A follower's proposal. The message may come twice; its entries go into the log once.
  mutating func handleForwardedProposal(
    _ forwarded: ForwardedProposal, _ sender: NodeID, _ entries: Entries,
    _ actions: inout ActionBuffer
  ) {
    // Also one that is refused counts as seen: its sender is told that it will never happen. A node
    // that does not lead says nothing: it may have taken the message when it still did.
    guard isLeader, leader.isNew(forwarded.sequence, of: sender) else {
      actions.observe(.dropped(from: sender, .staleReply))
      return
    }
    let block = entries.head.block
    var reply = ForwardedProposalReply(
      sequence: forwarded.sequence, accepted: nil, isTooBusy: false)
    if let refusal = refusal(of: block) {
      reply.isTooBusy = refusal == .tooBusy
    } else {
      appendAsLeader(.command, block, &actions)
      reply.accepted = log.last
    }
    send(.forwardedProposalReply(reply), to: sender, &actions)
  }

  /// What the leader made of a proposal that was handed to it.
  mutating func handleForwardedProposalReply(
    _ reply: ForwardedProposalReply, _ actions: inout ActionBuffer
  ) {
    guard let place = clients.forwarded.firstIndex(where: { $0.sequence == reply.sequence })
    else {
      actions.observe(.dropped(from: nil, .staleReply))
      return
    }
    let forwarded = clients.forwarded.remove(at: place)
    guard let position = reply.accepted else {
      let refusal = reply.isTooBusy ? Refusal.tooBusy : .notLeader(leader: leaderID)
      actions.answer(forwarded.request, .refused(refusal))
      return
    }
    actions.answer(forwarded.request, .accepted(position))
    remember(
      PendingProposal(
        request: forwarded.request, position: position, concern: forwarded.concern))
    clients.pendingDeadline = now + patienceForOutcomes
    settlePending(&actions)
  }

  // MARK: Time and endings

  /// How long a node waits for news that may never come.
  var patienceForOutcomes: UInt64 { 10 * configuration.electionTimeoutTicks.rawValue }

  /// Answers those for whom waiting has no more sense, and repeats questions that got no answer.
  mutating func watchRequests(_ actions: inout ActionBuffer) {
    guard clients.isWatchingTime || isLeader else { return }
    watchReads(&actions)
    if !clients.forwarded.isEmpty {
      for forwarded in clients.forwarded where now >= forwarded.deadline {
        actions.answer(forwarded.request, .unknown(nil, .noAnswer))
      }
      clients.forwarded.removeAll { now >= $0.deadline }
    }
    if isLeader {
      if !leader.concerned.isEmpty { settleConcerned(&actions) }
    } else if !clients.pending.isEmpty && now >= clients.pendingDeadline {
      while let proposal = clients.pending.popFirst() {
        actions.answer(proposal.request, .unknown(proposal.position, .leadershipLost))
      }
    }
    if let transfer = clients.transfer { watchEndedTransfer(transfer, &actions) }
  }

  /// A leader leaves office: what only a leader can answer is answered now.
  mutating func resignRequests(_ actions: inout ActionBuffer) {
    for proposal in leader.concerned {
      let copies = copies(of: proposal.position.index)
      actions.answer(proposal.request, .committed(proposal.position, copies: copies))
    }
    clients.pendingDeadline = now + patienceForOutcomes
    refuseWaitingReads(&actions)
    if var transfer = leader.transfer {
      transfer.deadline = now + configuration.electionTimeoutTicks.rawValue
      clients.transfer = transfer
    }
    if clients.isStopping { finishStop(&actions) }
  }

  /// The node's storage failed: nothing will be learnt any more.
  mutating func failAllRequests(_ reason: UnknownReason, _ actions: inout ActionBuffer) {
    while let proposal = clients.pending.popFirst() {
      actions.answer(proposal.request, .unknown(proposal.position, reason))
    }
    for forwarded in clients.forwarded {
      actions.answer(forwarded.request, .unknown(nil, reason))
    }
    clients.forwarded.removeAll()
    for read in clients.remoteReads { actions.answer(read.request, .refused(.halted)) }
    clients.remoteReads.removeAll()
    while let read = clients.readyReads.popFirst() {
      actions.answer(read.request, .refused(.halted))
    }
    if let request = clients.transfer?.request { actions.answer(request, .transferFailed) }
    clients.transfer = nil
  }

  /// The host wants to stop: hand over, then say so (graceful shutdown).
  mutating func stop(_ request: RequestID, _ actions: inout ActionBuffer) {
    clients.isStopping = true
    if let earlier = clients.stopRequest { actions.answer(earlier, .stopped) }
    clients.stopRequest = request
    guard isLeader else {
      finishStop(&actions)
      return
    }
    if leader.transfer == nil { startTransfer(nil, to: nil, &actions) }
    if leader.transfer == nil { finishStop(&actions) }
  }

  mutating func finishStop(_ actions: inout ActionBuffer) {
    guard let request = clients.stopRequest else { return }
    clients.stopRequest = nil
    actions.answer(request, .stopped)
  }
}

/// Which forwarded proposals of one life of a node a leader has taken.
struct ForwardedWindow: Hashable, Sendable, BitwiseCopyable {
  var node: NodeID
  var life: UInt64
  /// The greatest number seen, and which of the 64 before it.
  var greatest: UInt64
  var seen: UInt64
}

extension LeaderState {
  /// How many lives of nodes are remembered.
  static let maximumWindows = 64

  /// Whether a forwarded proposal comes for the first time. One that is too old to tell does not.
  mutating func isNew(_ sequence: UInt64, of node: NodeID) -> Bool {
    let life = sequence >> 32
    let number = sequence & 0xffff_ffff
    guard let place = windows.firstIndex(where: { $0.node == node && $0.life == life }) else {
      if windows.count >= LeaderState.maximumWindows { windows.removeFirst() }
      windows.append(ForwardedWindow(node: node, life: life, greatest: number, seen: 1))
      return true
    }
    if number > windows[place].greatest {
      let step = number - windows[place].greatest
      windows[place].seen = step < 64 ? windows[place].seen << step | 1 : 1
      windows[place].greatest = number
      return true
    }
    let age = windows[place].greatest - number
    guard age < 64, windows[place].seen & (1 << age) == 0 else { return false }
    windows[place].seen |= 1 << age
    return true
  }
}

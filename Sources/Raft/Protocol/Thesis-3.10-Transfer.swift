// Thesis §3.10 Leadership transfer extension.

extension RaftNode {
  /// An operator wants another leader: this one, or the best there is.
  mutating func transferLeadership(
    _ request: RequestID, to target: NodeID?, _ actions: inout ActionBuffer
  ) {
    if let refusal = refusal(ofTransferTo: target) {
      actions.answer(request, .refused(refusal))
      return
    }
    if target == id {
      actions.answer(request, .transferred(to: id, term: currentTerm))
      return
    }
    startTransfer(request, to: target, &actions)
    if leader.transfer == nil { actions.answer(request, .transferFailed) }
  }

  private func refusal(ofTransferTo target: NodeID?) -> Refusal? {
    guard isLeader else { return .notLeader(leader: leaderID) }
    if clients.isStopping { return .stopping }
    if leader.transfer != nil { return .transferring }
    guard let target, target != id else { return nil }
    guard membership.contains(target) else { return .notMember(target) }
    guard membership.voters.contains(target), !membership.isWitness(target) else {
      return .cannotLead(target)
    }
    return nil
  }

  /// 1. "The prior leader stops accepting new client requests", and gives up its lease for good:
  ///    from now on its followers may be asked to elect the target.
  mutating func startTransfer(
    _ request: RequestID?, to target: NodeID?, _ actions: inout ActionBuffer
  ) {
    guard let chosen = target ?? bestSuccessor else { return }
    leader.reads.isLeaseRevoked = true
    leader.busyAt = now
    leader.transfer = Transfer(
      request: request, target: chosen,
      deadline: now + configuration.electionTimeoutTicks.rawValue)
    actions.observe(.transferStarted(to: chosen))
    if isQuiescent { wake(&actions) }
    if let position = leader.position(of: chosen) { sendEntries(to: position, &actions) }
    continueTransfer(&actions)
  }

  /// The voter that lacks least, among those heard of lately.
  private var bestSuccessor: NodeID? {
    var best: Progress?
    let patience = configuration.electionTimeoutTicks.rawValue
    for peer in leader.progress
    where peer.isIncoming && !peer.isWitness && now - peer.lastHeard <= patience {
      if best.map({ peer.matchIndex > $0.matchIndex }) ?? true { best = peer }
    }
    return best?.id
  }

  /// 2. "The prior leader fully updates the target server's log." 3. "The prior leader sends a
  /// TimeoutNow request to the target server."
  mutating func continueTransfer(_ actions: inout ActionBuffer) {
    guard var transfer = leader.transfer, !transfer.isTimeoutNowSent,
      let position = leader.position(of: transfer.target),
      leader.progress[position].matchIndex == log.lastIndex
    else { return }
    transfer.isTimeoutNowSent = true
    leader.transfer = transfer
    send(.timeoutNow, to: transfer.target, &actions)
  }

  /// With each heartbeat: repeats a TimeoutNow that may have been lost, and gives up "if leadership
  /// transfer does not complete after about an election timeout".
  mutating func watchTransfer(_ actions: inout ActionBuffer) {
    guard let transfer = leader.transfer else { return }
    if now >= transfer.deadline {
      abortTransfer(&actions)
      return
    }
    leader.transfer?.isTimeoutNowSent = false
    continueTransfer(&actions)
  }

  /// Takes requests again. The lease stays given up: a TimeoutNow may still be on its way.
  mutating func abortTransfer(_ actions: inout ActionBuffer) {
    guard let transfer = leader.transfer else { return }
    leader.transfer = nil
    actions.observe(.transferAborted(to: transfer.target))
    if let request = transfer.request { actions.answer(request, .transferFailed) }
    if clients.isStopping { finishStop(&actions) }
  }

  /// "The target server starts a new election", at once and without asking first: its leader wants
  /// it.
  mutating func handleTimeoutNow(_ sender: NodeID, _ actions: inout ActionBuffer) {
    guard !isLeader, leaderID == sender, isPromotable, !clients.isStopping, !isDiskStalled else {
      actions.observe(.dropped(from: sender, .notForThisRole))
      return
    }
    becomeCandidate(isTransfer: true, &actions)
  }

  /// To whom this leader hands over, and at which of its ticks it gives that up; for those who
  /// watch it.
  package var handingOver: (target: NodeID, deadline: UInt64)? {
    leader.transfer.map { ($0.target, $0.deadline) }
  }

  /// A leader that handed over waits to see who leads, to tell its operator.
  mutating func watchEndedTransfer(_ transfer: Transfer, _ actions: inout ActionBuffer) {
    guard leaderID != nil || now >= transfer.deadline else { return }
    clients.transfer = nil
    guard let request = transfer.request else { return }
    if let leaderID, leaderID == transfer.target {
      actions.answer(request, .transferred(to: leaderID, term: currentTerm))
    } else {
      actions.answer(request, .transferFailed)
    }
  }
}

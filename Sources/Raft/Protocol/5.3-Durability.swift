// Figure 2: "updated on stable storage before responding to RPCs"; thesis §10.2.1: the leader
// writes to its disk in parallel with replicating.

extension RaftNode {
  /// Hands out one atomic write with everything durable that this step changed, if it changed
  /// anything.
  @inline(__always)
  mutating func flushStorage(_ actions: inout ActionBuffer) {
    if hasUnwritten { store(&actions) }
  }

  /// Whether the current step changed anything durable.
  @inline(__always)
  var hasUnwritten: Bool { storage.isDirty || log.lastIndex != storage.writtenIndex }

  @inline(__always)
  private mutating func store(_ actions: inout ActionBuffer) {
    let start = min(max(storage.writtenIndex, log.baseIndex), log.lastIndex).next
    let write = LogWrite(
      ticket: storage.lastTicket.next,
      hardState: HardState(currentTerm: currentTerm, votedFor: votedFor, commitIndex: commitIndex),
      truncateFrom: storage.truncateFrom, first: start, last: log.last,
      isHardStateChanged: storage.isHardStateChanged, isWhole: storage.hasSnapshot)
    if actions.isReadingLog { actions.store(write) }
    if !actions.isReadingLog || write.isWhole { storeWhole(write, &actions) }
    storage.issue(lastIndex: log.lastIndex, now: now)
  }

  /// The same write with all that belongs to it.
  private mutating func storeWhole(_ write: LogWrite, _ actions: inout ActionBuffer) {
    actions.store(
      StorageWrite(
        ticket: write.ticket, hardState: write.hardState,
        isHardStateChanged: write.isHardStateChanged, truncateFrom: write.truncateFrom,
        entries: log.entries(from: write.first, through: write.last.index),
        snapshot: storage.snapshot))
  }

  /// A receipt. Whatever waited for it, and for no earlier one, may now be said.
  @inline(__always)
  mutating func persisted(_ ticket: Ticket, _ actions: inout ActionBuffer) {
    switch storage.persisted(ticket) {
    case .waiting, .repeated: return
    case .unexpected:
      actions.observe(.dropped(from: nil, .unexpected))
      return
    case .advanced: break
    }
    if !storage.held.isEmpty { releaseHeld(&actions) }
    if isInstalling { finishInstall(&actions) }
    switch state {
    case .leader:
      if storage.durableIndex > commitIndex { advanceCommitIndex(&actions) }
      if leader.hasWitnesses { sendToWitnesses(&actions) }
    case .preCandidate, .candidate: countOwnVote(&actions)
    case .follower:
      if isAcknowledgementOwed && storage.isHardStateDurable { sendAcknowledgement(&actions) }
    }
    if !leader.concerned.isEmpty { settleConcerned(&actions) }
  }

  /// Sends the promises whose write is durable. Those of an older term interest nobody any more.
  private mutating func releaseHeld(_ actions: inout ActionBuffer) {
    let durable = storage.durableTicket
    for held in storage.held where held.ticket <= durable && held.message.term == currentTerm {
      actions.send(held.message)
    }
    storage.held.removeAll { $0.ticket <= durable }
  }
}

// §5.3, §5.4.2: when an entry is committed, and that only entries of the leader's own term are
// committed by counting.

extension RaftNode {
  /// "If there exists an N such that N > commitIndex, a majority of matchIndex[i] ≥ N, and
  /// log[N].term == currentTerm: set commitIndex = N" (§5.3, §5.4).
  ///
  /// The leader counts itself as far as its own disk has come. Terms never decrease along the log,
  /// so the last condition is that N is not before the entry that opened the term.
  @inline(__always)
  mutating func advanceCommitIndex(_ actions: inout ActionBuffer) {
    let reached = LogIndex(
      leader.quorumValue(own: storage.durableIndex.rawValue, { $0.matchIndex.rawValue }))
    guard reached > commitIndex, reached >= leader.termStart else { return }
    let isFirstOfTerm = commitIndex < leader.termStart
    commit(through: reached, &actions)
    leader.isCommitNoticeDue = true
    if isFirstOfTerm && leader.reads.isWaiting { startReadRound(&actions) }
    let isMembershipOver = leader.outgoingCount > 0 || !leader.isSelfIncoming
    if isMembershipOver && membershipIndex <= commitIndex { membershipCommitted(&actions) }
  }

  /// Moves the commit index forward and settles the requests it decides.
  @inline(__always)
  mutating func commit(through index: LogIndex, _ actions: inout ActionBuffer) {
    guard index > commitIndex else { return }
    precondition(index <= log.lastIndex, "commit \(index) beyond the log's end \(log.lastIndex)")
    actions.observe(.committed(from: commitIndex, through: index))
    let old = commitIndex
    commitIndex = index
    if verifiedIndex < index { verifiedIndex = index }
    // Mostly the membership was committed long ago, and names this node.
    if membershipIndex > old || !isSelfMember { membershipsCommitted(from: old, &actions) }
    if !clients.pending.isEmpty {
      settlePending(&actions)
      if !isLeader || old < leader.termStart { settleOvertaken(&actions) }
    }
  }

  /// The commit index has moved on from `old`: what that means for the newest membership.
  private mutating func membershipsCommitted(from old: LogIndex, _ actions: inout ActionBuffer) {
    if !isSelfMember && !isLeader { noticeRemoval(from: old, through: commitIndex, &actions) }
    if old < membershipIndex && commitIndex >= membershipIndex { refreshPromotable() }
  }

  /// "If commitIndex > lastApplied: increment lastApplied, apply log[lastApplied] to state machine"
  /// (§5.3). Only what is durable here is applied, so that no restart can find less.
  @inline(__always)
  mutating func handOutCommitted(_ actions: inout ActionBuffer) {
    if commitIndex > handedToApply && storage.durableIndex > handedToApply { handOut(&actions) }
  }

  @inline(__always)
  private mutating func handOut(_ actions: inout ActionBuffer) {
    if isInstalling { return }
    let start = handedToApply.next
    let end = min(commitIndex, storage.durableIndex)
    handedToApply = end
    if actions.isReadingLog && !isSelfWitness {
      actions.apply(LogRange(first: start, last: end))
    } else {
      handOut(from: start, through: end, &actions)
    }
  }

  @inline(never)
  private mutating func handOut(
    from start: LogIndex, through end: LogIndex, _ actions: inout ActionBuffer
  ) {
    if isSelfWitness {
      refuseReadyReads(&actions)
      lastApplied = end
    } else {
      actions.apply(log.entries(from: start, through: end))
    }
  }

  /// The host has applied everything through this entry.
  @inline(__always)
  mutating func applied(through index: LogIndex, _ actions: inout ActionBuffer) {
    guard index <= handedToApply else {
      actions.observe(.dropped(from: nil, .unexpected))
      return
    }
    guard index > lastApplied || isInstalling else { return }
    lastApplied = max(lastApplied, index)
    if isInstalling { installed(through: index) }
    if !clients.readyReads.isEmpty { answerReadyReads(&actions) }
    if log.bytesInMemory > configuration.maximumBytesInMemory {
      log.evict(
        through: min(lastApplied, storage.durableIndex),
        keeping: configuration.maximumBytesInMemory)
    }
  }

  /// The machine has become a snapshot, if this is the index of the one that was to be installed.
  private mutating func installed(through index: LogIndex) {
    if let pending = installing, pending.isHandedOut,
      index >= pending.metadata.lastIncluded.index
    {
      installing = nil
      refreshPromotable()
    }
  }
}

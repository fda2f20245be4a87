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
  mutating func commit(through index: LogIndex, _ actions: inout ActionBuffer) {
    guard index > commitIndex else { return }
    precondition(index <= log.lastIndex, "commit \(index) beyond the log's end \(log.lastIndex)")
    actions.observe(.committed(from: commitIndex, through: index))
    if !isSelfMember && !isLeader { noticeRemoval(from: commitIndex, through: index, &actions) }
    let mayOvertake = !isLeader || commitIndex < leader.termStart
    let isMembershipDecided = commitIndex < membershipIndex && index >= membershipIndex
    commitIndex = index
    if isMembershipDecided { refreshPromotable() }
    if verifiedIndex < index { verifiedIndex = index }
    if !clients.pending.isEmpty {
      settlePending(&actions)
      if mayOvertake { settleOvertaken(&actions) }
    }
  }

  /// "If commitIndex > lastApplied: increment lastApplied, apply log[lastApplied] to state machine"
  /// (§5.3). Only what is durable here is applied, so that no restart can find less.
  @inline(__always)
  mutating func handOutCommitted(_ actions: inout ActionBuffer) {
    if commitIndex > handedToApply && storage.durableIndex > handedToApply { handOut(&actions) }
  }

  private mutating func handOut(_ actions: inout ActionBuffer) {
    if isInstalling { return }
    let start = handedToApply.next
    let end = min(commitIndex, storage.durableIndex)
    handedToApply = end
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
    if isInstalling, let pending = installing, pending.isHandedOut,
      index >= pending.metadata.lastIncluded.index
    {
      installing = nil
      refreshPromotable()
    }
    if !clients.readyReads.isEmpty { answerReadyReads(&actions) }
    if log.bytesInMemory > configuration.maximumBytesInMemory {
      log.evict(
        through: min(lastApplied, storage.durableIndex),
        keeping: configuration.maximumBytesInMemory)
    }
  }
}

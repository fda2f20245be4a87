// The state invariants, checked. Kept out of the protocol's way; simulations and tests call them
// after each step.

extension RaftNode {
  /// The state invariants that do not hold; none in a correct node.
  ///
  /// - Parameter isDeep: whether also to check what takes time in proportion to the log.
  /// - Complexity: O(nodes), with `isDeep` O(entries).
  public func checkInvariants(isDeep: Bool = false) -> [StateInvariant] {
    var violated: [StateInvariant] = []
    if !isLogSound { collectLog(&violated) }
    if !isRoleSound { collectRole(&violated) }
    if isDeep { collectDeep(&violated) }
    return violated
  }

  // The usual answer is that all is well, so that is asked first, without an array.

  // What a node is asked that is `inout` elsewhere is inlined, or all of it would be copied first.

  @inline(__always)
  var isLogSound: Bool {
    areIndexesOrdered && isSnapshotCommitted && log.lastTerm <= currentTerm
      && handedToApply <= storage.durableIndex && isDurableInLog && isStored && isVerifiedBetween
      && isMembershipInLog && isPendingUndecided && isHeldNotDurable && isInstallSound
  }

  @inline(__always)
  var isRoleSound: Bool {
    switch role {
    case .leader:
      isOwnVoteCast && leaderID == id && isTermOpened && isProgressOrdered && isNextAfterMatch
    case .candidate:
      isOwnVoteCast && leaderID == nil && isLeaderStateEmpty && isPromotable && !hasLease
    case .preCandidate:
      leaderID == nil && isLeaderStateEmpty && isPromotable && !hasLease
    case .follower:
      leaderID != id && isLeaderStateEmpty && !hasLease
    }
  }

  /// `isRoleSound`, read where the node is: nothing changes.
  @inline(never)
  mutating func isRoleSoundInPlace() -> Bool { isRoleSound }

  private func collectLog(_ violated: inout [StateInvariant]) {
    if !areIndexesOrdered { violated.append(.appliedBeforeCommitted) }
    if !isSnapshotCommitted { violated.append(.snapshotIsCommitted) }
    if log.lastTerm > currentTerm { violated.append(.lastTermIsKnown) }
    if handedToApply > storage.durableIndex { violated.append(.handedOutIsDurable) }
    if !isDurableInLog { violated.append(.durableIsInTheLog) }
    if !isStored { violated.append(.everythingIsStored) }
    if !isVerifiedBetween { violated.append(.verifiedIsBetween) }
    if !isMembershipInLog { violated.append(.membershipIsInTheLog) }
    if !isPendingUndecided { violated.append(.pendingIsUndecided) }
    if !isHeldNotDurable { violated.append(.heldIsNotDurable) }
    if !isInstallSound { violated.append(.installingIsNotApplied) }
  }

  private func collectRole(_ violated: inout [StateInvariant]) {
    switch state {
    case .leader:
      if !isOwnVoteCast { violated.append(.leaderVotedForItself) }
      if leaderID != id { violated.append(.leaderKnowsItself) }
      if !isTermOpened { violated.append(.leaderHasOpenedItsTerm) }
      if !isProgressOrdered { violated.append(.progressIsOrdered) }
      if !isNextAfterMatch { violated.append(.nextFollowsMatch) }
      return
    case .candidate:
      if !isOwnVoteCast { violated.append(.leaderVotedForItself) }
      if leaderID != nil { violated.append(.leaderKnowsItself) }
      if !isPromotable { violated.append(.onlyVotersStand) }
    case .preCandidate:
      if leaderID != nil { violated.append(.leaderKnowsItself) }
      if !isPromotable { violated.append(.onlyVotersStand) }
    case .follower:
      if leaderID == id { violated.append(.leaderKnowsItself) }
    }
    if !isLeaderStateEmpty { violated.append(.onlyLeadersLead) }
    if hasLease { violated.append(.leaseNeedsItsTerm) }
  }

  var isDeeplySound: Bool { areTermsOrdered && areMembershipsOfLog && areRequestsOrdered }

  private func collectDeep(_ violated: inout [StateInvariant]) {
    if !areTermsOrdered { violated.append(.termsNeverDecrease) }
    if !areMembershipsOfLog { violated.append(.membershipsAreOfTheLog) }
    if !areRequestsOrdered { violated.append(.openRequestsAreOrdered) }
  }

  // MARK: The log

  @inline(__always)
  private var areIndexesOrdered: Bool {
    lastApplied <= handedToApply && handedToApply <= commitIndex && commitIndex <= log.lastIndex
  }

  @inline(__always)
  private var isSnapshotCommitted: Bool {
    log.baseIndex <= snapshot.lastIncluded.index && snapshot.lastIncluded.index <= commitIndex
  }

  @inline(__always)
  private var isDurableInLog: Bool {
    storage.durableIndex <= log.lastIndex && storage.durableTicket <= storage.lastTicket
      && storage.hardStateTicket <= storage.lastTicket
  }

  @inline(__always)
  private var isStored: Bool {
    isHalted
      || !storage.isHardStateChanged && storage.truncateFrom == nil && !storage.hasSnapshot
        && storage.writtenIndex == log.lastIndex
  }

  @inline(__always)
  private var isVerifiedBetween: Bool {
    commitIndex <= verifiedIndex && verifiedIndex <= log.lastIndex
  }

  @inline(__always)
  private var isMembershipInLog: Bool {
    let index = membershipIndex
    guard index <= log.lastIndex || index == snapshot.membershipIndex else { return false }
    return !membership.voters.isEmpty || index == .zero
  }

  @inline(__always)
  private var isPendingUndecided: Bool {
    guard let oldest = clients.pending.first else { return true }
    return oldest.position.index > commitIndex
  }

  @inline(__always)
  private var isHeldNotDurable: Bool {
    if storage.held.isEmpty { return true }
    let oldest = storage.held[0]
    return oldest.ticket > storage.durableTicket && oldest.message.term <= currentTerm
  }

  @inline(__always)
  private var isInstallSound: Bool {
    guard isInstalling, let installing else { return true }
    let index = installing.metadata.lastIncluded.index
    return index <= commitIndex && index > lastApplied && (isHalted || !isPromotable)
  }

  // MARK: The roles

  @inline(__always)
  private var isOwnVoteCast: Bool { votedFor == id && currentTerm > .zero }

  @inline(__always)
  private var isTermOpened: Bool {
    leader.termStart > .zero
      && (leader.termStart <= log.baseIndex || log.term(at: leader.termStart) == currentTerm)
  }

  @inline(__always)
  private var isProgressOrdered: Bool {
    var previous = NodeID(0)
    for peer in leader.progress {
      guard peer.id > previous, peer.id != id else { return false }
      previous = peer.id
    }
    return true
  }

  @inline(__always)
  private var isNextAfterMatch: Bool {
    let end = log.lastIndex.next
    for peer in leader.progress where peer.matchIndex >= peer.nextIndex || peer.nextIndex > end {
      return false
    }
    return true
  }

  @inline(__always)
  private var isLeaderStateEmpty: Bool {
    leader.progress.isEmpty && leader.transfer == nil && leader.concerned.isEmpty
      && !leader.reads.isWaiting
  }

  // MARK: What takes longer

  private var areTermsOrdered: Bool {
    var position = log.base
    let areInOrder = log.allRuns { run in
      guard run.firstIndex == position.index.next, run.term >= position.term else { return false }
      position = LogPosition(term: run.term, index: run.lastIndex)
      return true
    }
    return areInOrder && position == log.last
  }

  private var areMembershipsOfLog: Bool {
    let items = memberships.items
    let oldest = items[0].index
    var next = 1
    let areThere = log.allMemberships { index in
      if index <= oldest { return true }
      guard next < items.count, items[next].index == index else { return false }
      next += 1
      return true
    }
    return areThere && next == items.count
  }

  private var areRequestsOrdered: Bool {
    var previous = LogIndex.zero
    for position in 0..<clients.pending.count {
      let index = clients.pending[position].position.index
      guard index >= previous else { return false }
      previous = index
    }
    return true
  }
}

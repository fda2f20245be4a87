// §6 and thesis §4: changes of the membership. A membership is in force from the moment its entry
// is in the log, and no longer than that; the host never "applies" one.

extension RaftNode {
  /// Takes an operator's change, if this is the time for one.
  ///
  /// Refused until an entry of this term is committed: otherwise two leaders could each make a
  /// change whose majorities do not meet (the gap in the thesis that was closed in 2015).
  mutating func changeMembership(
    _ request: RequestID, _ change: MembershipChange, _ actions: inout ActionBuffer
  ) {
    do {
      let next = try nextMembership(change)
      appendMembership(next, &actions)
      accept(request, .majority, &actions)
    } catch {
      actions.answer(request, .refused(error))
    }
  }

  private func nextMembership(_ change: MembershipChange) throws(Refusal) -> Membership {
    guard isLeader else { throw .notLeader(leader: leaderID) }
    if clients.isStopping { throw .stopping }
    if leader.transfer != nil { throw .transferring }
    guard commitIndex >= leader.termStart else { throw .termNotEstablished }
    guard membershipIndex <= commitIndex, !membership.isJoint else {
      throw .changeInFlight(at: membershipIndex)
    }
    if let expected = change.basedOn, expected != membershipIndex {
      throw .membershipMoved(to: membershipIndex)
    }
    guard clients.pending.count < configuration.maximumPendingRequests else { throw .tooBusy }
    for step in change.steps {
      // A learner becomes a voter when it would not hold the others up (thesis §4.2.1).
      guard case .addVoter(let node) = step, membership.isLearner(node),
        let position = leader.position(of: node)
      else { continue }
      let lag = leader.progress[position].matchIndex.distance(to: log.lastIndex)
      guard lag <= configuration.maximumLearnerLag else { throw .learnerBehind(node, by: lag) }
    }
    return try membership.applying(change)
  }

  /// Appends a membership, which is in force at once.
  mutating func appendMembership(_ next: Membership, _ actions: inout ActionBuffer) {
    let index = log.lastIndex.next
    memberships.append(next, at: index)
    membershipBecameActive()
    refreshProgress(&actions)
    actions.observe(.membershipChanged(at: index, next))
    appendAsLeader(.membership, EntryBlock(next.encoded()), &actions)
  }

  /// Takes over the memberships of a run that came from the leader.
  mutating func adoptMemberships(of run: EntryRun, _ actions: inout ActionBuffer) {
    for offset in 0..<run.count {
      do {
        let next = try Membership.decode(run.payload(offset))
        memberships.append(next, at: run.firstIndex.advanced(by: UInt64(offset)))
      } catch {
        preconditionFailure("a membership that could be read cannot be read: \(error.description)")
      }
    }
    membershipBecameActive()
    actions.observe(.membershipChanged(at: membershipIndex, membership))
  }

  /// What the node itself is in the membership in force.
  mutating func membershipBecameActive() {
    isSelfMember = membership.contains(id)
    // Who is removed keeps what it has: a witness's entries stay without commands. And who catches
    // up is a witness from the first entry that comes without one.
    isSelfWitness =
      membership.isWitness(id) || isSelfWitness && (!isSelfMember || log.holdsElided)
    refreshPromotable()
  }

  /// Whether this node may be elected.
  ///
  /// A node that the membership in force leaves out may still be needed, until that membership is
  /// committed: nobody else may have all entries (thesis §4.2.2). Its own vote then does not count.
  mutating func refreshPromotable() {
    var isEligible = membership.isVoter(id) && !membership.isWitness(id)
    if !isEligible && membershipIndex > commitIndex {
      let before = memberships.item(at: membershipIndex.previous).membership
      isEligible = before.isVoter(id) && !before.isWitness(id) && !membership.isWitness(id)
    }
    isPromotable = isEligible && installing == nil && !isSelfWitness
  }

  /// Makes the leader's view of the others agree with the membership in force. Whom it no longer
  /// names stays until it has been told so, or time is up.
  mutating func refreshProgress(_ actions: inout ActionBuffer) {
    let membership = membership
    var kept: [Progress] = []
    for var peer in leader.progress {
      peer.isDeparting = !membership.contains(peer.id)
      kept.append(peer)
    }
    for node in membership.nodes where node != id && leader.position(of: node) == nil {
      kept.append(Progress(node, nextIndex: log.lastIndex.next, now: now))
    }
    kept.sort { $0.id < $1.id }
    for position in kept.indices {
      kept[position].isIncoming = membership.voters.contains(kept[position].id)
      kept[position].isOutgoing = membership.outgoing.contains(kept[position].id)
      kept[position].isWitness = membership.isWitness(kept[position].id)
    }
    leader.progress = kept
    leader.hasWitnesses = kept.contains { $0.isWitness }
    leader.isSelfIncoming = membership.voters.contains(id)
    leader.isSelfOutgoing = membership.outgoing.contains(id)
    leader.isSelfWitness = membership.isWitness(id)
    leader.incomingCount = membership.voters.count
    leader.outgoingCount = membership.outgoing.count
    if let transfer = leader.transfer, !membership.voters.contains(transfer.target) {
      abortTransfer(&actions)
    }
  }

  /// The leader learns that the membership in force is committed: it leaves a joint one, whoever
  /// entered it, and leaves office if it is no longer a voter (§6).
  mutating func membershipCommitted(_ actions: inout ActionBuffer) {
    if membership.isJoint {
      appendMembership(membership.leavingJoint(), &actions)
      return
    }
    guard !membership.isVoter(id) else { return }
    // The others learn of the commit first; then nobody needs this leader any more.
    sendHeartbeats(&actions)
    actions.observe(.removedFromMembership(at: membershipIndex))
    becomeFollower(.removed, &actions)
  }

  /// A follower learns that a membership without it is committed.
  func noticeRemoval(
    from old: LogIndex, through new: LogIndex, _ actions: inout ActionBuffer
  ) {
    let index = membershipIndex
    guard index > old, index <= new else { return }
    actions.observe(.removedFromMembership(at: index))
  }

  /// Stops sending to nodes that are no longer members and know it, or cannot be told.
  mutating func forgetDeparted(_ actions: inout ActionBuffer) {
    guard membershipIndex <= commitIndex else { return }
    let end = membershipIndex
    let patience = 2 * configuration.electionTimeoutTicks.rawValue
    let now = now
    leader.progress.removeAll {
      $0.isDeparting
        && (($0.matchIndex >= end && $0.sentCommit >= end) || now - $0.lastHeard > patience)
    }
  }
}

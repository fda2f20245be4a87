// Figure 3 between two states of one node: what a step may change.

import Raft
import RaftReplica

extension Oracles {
  mutating func observeStep<Node: ObservedNode>(
    of node: inout Node, _ input: inout CoreInput, _ actions: inout ActionBuffer
  ) {
    guard breach == nil, let slot = slot(of: node.id) else { return }
    views[slot].ticks = node.uptime.rawValue
    let lastIndex = views[slot].issued.lastIndex
    observeInput(slot, &input)
    if views[slot].isHalted { checkSilence(slot, actions) }
    // A leader commits what was stored before this step; a follower also what it stores in it.
    let term = node.currentTerm.rawValue
    let isLeading = views[slot].role == .leader && views[slot].currentTerm == term
    let isCommitMoved = node.commitIndex.rawValue != views[slot].commitIndex
    if isLeading, isCommitMoved { checkCommit(slot, &node, isLeading: true) }
    // Most ticks want nothing done.
    let isActing = !actions.isEmpty
    if isActing {
      for place in actions.stores.indices { observeStore(slot, &node, actions.stores[place]) }
      guard breach == nil else { return }
    }
    if views[slot].role != node.role || isActing && !actions.stores.isEmpty {
      noteMembership(slot, &node)
    }
    if !isAsStored(slot, &node) {
      checkTerm(slot, &node)
      checkLogEnd(slot, &node)
      checkLeadership(slot, &node)
    }
    if !isLeading, isCommitMoved { checkCommit(slot, &node, isLeading: node.role == .leader) }
    if node.role == .leader { checkMayLead(slot, &node, &input) }
    checkHandOver(slot, &node, &input, last: lastIndex)
    if isActing { checkActions(slot, &node, &input, &actions) }
    countChanges(slot, &node)
    if isActing {
      for event in actions.events { count(event, slot, &node) }
    }

    views[slot].remember(&node)
  }

  /// Whether term, vote, role and the end of the log are what they were and what was stored: then
  /// `checkTerm`, `checkLogEnd` and `checkLeadership` find nothing. Mostly it is so.
  @inline(__always)
  private func isAsStored<Node: ObservedNode>(_ slot: Int, _ node: inout Node) -> Bool {
    let term = node.currentTerm.rawValue
    let vote = node.votedFor?.rawValue ?? 0
    let last = node.lastPosition
    return term == views[slot].currentTerm && vote == views[slot].votedFor
      && node.role == views[slot].role && term == views[slot].issued.currentTerm
      && vote == views[slot].issued.votedFor
      && last.index.rawValue == views[slot].issued.lastIndex
      && last.term.rawValue == views[slot].issued.lastTerm
      && node.lastApplied <= node.commitIndex
  }

  /// What a node wants done, but for its writes.
  @inline(__always)
  private mutating func checkActions<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ input: inout CoreInput, _ actions: inout ActionBuffer
  ) {
    for place in actions.sends.indices {
      checkSend(
        slot, actions.sends[place].body, to: actions.sends[place].to, actions.sends[place].term)
      if !actions.sends[place].entries.isEmpty,
        views[slot].membership.isWitness(actions.sends[place].to)
      {
        checkFed(
          slot, actions.sends[place].entries, to: actions.sends[place].to,
          actions.sends[place].term.rawValue)
      }
    }
    for snapshot in actions.installs { checkInstall(slot, snapshot) }
    for place in actions.applies.indices { checkApply(slot, &node, actions.applies[place]) }
    for read in actions.reads { checkRead(slot, &node, read, &input) }
    for answer in actions.outcomes { checkOutcome(slot, &node, answer) }
  }

  private mutating func checkSilence(_ slot: Int, _ actions: ActionBuffer) {
    let isSilent =
      actions.stores.isEmpty && actions.sends.isEmpty && actions.transfers.isEmpty
      && actions.installs.isEmpty && actions.applies.isEmpty && actions.reads.isEmpty
    if !isSilent {
      fail(
        .silentAfterHalt, 1, term: views[slot].currentTerm,
        "\(name(slot)) still acts though it has halted")
    }
  }

  private mutating func checkTerm<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    let term = node.currentTerm.rawValue
    let vote = node.votedFor?.rawValue ?? 0
    let before = views[slot].currentTerm
    if term == before {
      let voteBefore = views[slot].votedFor
      if vote != voteBefore, voteBefore != 0 {
        fail(
          .oneVotePerTerm, 4, term: term,
          "\(name(slot)) had voted for n\(voteBefore) in term \(term) and "
            + (vote == 0 ? "forgot it" : "now votes for n\(vote)"))
      }
    } else if term < before {
      fail(
        .monotonicity, 3, term: before, "\(name(slot)) went back from term \(before) to \(term)")
    } else if term > 1 << 24 {
      fail(.monotonicity, 4, term: term, "\(name(slot)) is in term \(term), which nobody began")
    }
    if term != views[slot].issued.currentTerm || vote != views[slot].issued.votedFor,
      !node.isHalted
    {
      fail(
        .logIsWhatWasStored, 3, term: term,
        "\(name(slot)) is in term \(term) with a vote for n\(vote) but has stored term "
          + "\(views[slot].issued.currentTerm) with a vote for n\(views[slot].issued.votedFor)")
    }
  }

  mutating func checkLogEnd<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    let last = node.lastPosition
    if last.index.rawValue != views[slot].issued.lastIndex
      || last.term.rawValue != views[slot].issued.lastTerm, !node.isHalted
    {
      fail(
        .logIsWhatWasStored, 4, term: last.term.rawValue, index: last.index.rawValue,
        "\(name(slot)) has a log that ends with \(last.description) but stored one that ends with "
          + "\(views[slot].issued.lastIndex):\(views[slot].issued.lastTerm)")
    }
    if node.lastApplied > node.commitIndex {
      fail(
        .appliedInOrder, 1, index: node.lastApplied.rawValue,
        "\(name(slot)) has applied \(node.lastApplied) but committed only \(node.commitIndex)")
    }
  }

  private mutating func checkLeadership<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    guard node.role == .leader else { return }
    let term = node.currentTerm.rawValue
    guard views[slot].role != .leader || views[slot].currentTerm != term else { return }
    let mark = UInt64(views[slot].life) << 16 | node.id.rawValue
    let earlier = leaders[term]
    if earlier != 0, earlier != mark {
      fail(
        .electionSafety, 1, term: term,
        earlier & 0xffff == node.id.rawValue
          ? "\(name(slot)) was elected in term \(term) in two of its lives"
          : "n\(earlier & 0xffff) and \(name(slot)) both lead term \(term)")
      return
    }
    leaders[term] = mark
    if term > newestLeaderTerm { newestLeaderTerm = term }
    checkVotes(slot, &node, term)
    checkCompleteness(slot, term)
    countElection(slot, &node)
  }

  /// A leader whose own removal is committed leaves (§6), and so does one whose disk stands still.
  private mutating func checkMayLead<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ input: inout CoreInput
  ) {
    let index = node.membershipIndex
    if index <= node.commitIndex, index.rawValue == views[slot].membershipIndex,
      !views[slot].membership.isVoter(node.id)
    {
      fail(
        .membershipOverlap, 5, term: node.currentTerm.rawValue, index: index.rawValue,
        "\(name(slot)) still leads term \(node.currentTerm) though entry \(index), which removes "
          + "it from the voters, is committed")
    }
    if case .tick = input {
      if views[slot].pendingStart < views[slot].pending.count { checkStall(slot, &node) }
    }
    if isCatchingUp { return }
    if newestLeaderTerm > node.currentTerm.rawValue
      || ledger.committedIndex > node.commitIndex.rawValue
    {
      checkLease(slot, &node)
    }
  }

  @inline(never)
  private mutating func checkStall<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    let limit = node.longestStall
    if views[slot].ticks - views[slot].pendingSince > limit {
      fail(
        .stalledLeaderLeaves, 1, term: node.currentTerm.rawValue,
        "\(name(slot)) still leads term \(node.currentTerm) though its disk has not answered for "
          + "more than \(limit) ticks")
    }
  }

  /// A lease that still runs while there is a newer leader, which may commit at any moment, would
  /// let the next read be stale, whether or not anybody reads just now. Not asked between ticks
  /// that a host makes up for after a pause: nobody is answered before the last of them.
  @inline(never)
  private mutating func checkLease<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    guard node.hasLease else { return }
    let committed = ledger.committedIndex
    guard committed > node.commitIndex.rawValue else {
      fail(
        .readsAreFresh, 5, term: node.currentTerm.rawValue, index: committed,
        "\(name(slot)) holds a lease in term \(node.currentTerm), but n"
          + "\(leaders[newestLeaderTerm] & 0xffff) was elected in term \(newestLeaderTerm)")
      return
    }
    fail(
      .readsAreFresh, 3, term: node.currentTerm.rawValue, index: committed,
      "\(name(slot)) holds a lease in term \(node.currentTerm) and has committed "
        + "\(node.commitIndex); entry \(committed) was committed in term "
        + "\(ledger.commitment(committed).leaderTerm)")
  }

  /// The votes must lie on the voters' disks; each tells its own, so the tally is exact.
  private mutating func checkVotes<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ term: UInt64
  ) {
    let membership = node.membership
    let isElected = membership.isQuorum { voter in
      guard let place = self.slot(of: voter) else { return false }
      return self.views[place].votes[term] == node.id.rawValue
    }
    if !isElected {
      fail(
        .durableBeforeSaid, 2, term: term,
        "\(name(slot)) leads term \(term) without durable votes from a quorum of "
          + "\(membership.description)")
    }
    if !mayLead(slot, &node) {
      fail(
        .electionSafety, 2, term: term,
        "\(name(slot)) leads term \(term) though it is no full voter in "
          + "\(membership.description)")
    }
  }

  /// Whether the node votes and holds commands, in the membership in force or, while that is not
  /// known here to be committed, in the one before it (thesis §4.2.2).
  private func mayLead<Node: ObservedNode>(_ slot: Int, _ node: inout Node) -> Bool {
    let membership = node.membership
    if membership.isVoter(node.id) { return !membership.isWitness(node.id) }
    guard node.membershipIndex > node.commitIndex,
      let index = views[slot].issued.previousMembershipIndex
    else { return false }
    let stored = index == 0 ? 0 : views[slot].issued.term(at: index)
    let term = stored == 0 ? ledger.commitment(index).term : stored
    guard let before = ledger.configuration(index, term: term)?.membership else { return false }
    return before.isVoter(node.id) && !before.isWitness(node.id)
  }

  /// Every entry that was committed in an earlier term must be in the new leader's log.
  private mutating func checkCompleteness(_ slot: Int, _ term: UInt64) {
    let index = ledger.committed(before: term)
    guard index > 0 else { return }
    let committed = ledger.commitment(index)
    if !views[slot].issued.holds(index, term: committed.term) {
      fail(
        .leaderCompleteness, 1, term: term, index: index,
        "\(name(slot)) leads term \(term) without entry \(index) of term \(committed.term), which "
          + "was committed in term \(committed.leaderTerm)")
    }
  }

  /// A commit index moved, or a node started with one.
  mutating func checkCommit<Node: ObservedNode>(_ slot: Int, _ node: inout Node, isLeading: Bool) {
    let index = node.commitIndex.rawValue
    let before = views[slot].commitIndex
    if index < before {
      fail(
        .monotonicity, 5, term: node.currentTerm.rawValue, index: index,
        "\(name(slot)) took its commit index back from \(before) to \(index)")
      return
    }
    guard index > 0 else { return }
    if index > views[slot].issued.lastIndex {
      fail(
        .stateMachineSafety, 1, term: node.currentTerm.rawValue, index: index,
        "\(name(slot)) commits \(index) though its log ends at \(views[slot].issued.lastIndex)")
      return
    }
    if isLeading, index > before { checkLeaderCommit(slot, &node, through: index) }
    if index > ledger.committedIndex {
      fail(
        .stateMachineSafety, 2, term: node.currentTerm.rawValue, index: index,
        "\(name(slot)) commits \(index) though no leader has committed more than "
          + "\(ledger.committedIndex)")
      return
    }
    let committed = ledger.commitment(index)
    if !views[slot].issued.holds(index, term: committed.term) {
      fail(
        .stateMachineSafety, 3, term: committed.term, index: index,
        "\(name(slot)) commits entry \(index) of term \(views[slot].issued.term(at: index)); "
          + "committed there is one of term \(committed.term)")
    }
  }

  /// A leader commits by counting: its own term's entries, on the disks of a quorum (§5.4.2).
  private mutating func checkLeaderCommit<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, through index: UInt64
  ) {
    let led = views[slot].role == .leader ? views[slot].currentTerm : node.currentTerm.rawValue
    let term = views[slot].issued.term(at: index)
    if term != led {
      fail(
        .commitOnlyOwnTerm, 1, term: term, index: index,
        "\(name(slot)) leads term \(led) and commits entry \(index) of term \(term), not of its "
          + "own")
      return
    }
    let membership = node.membership
    let isDurable = isOnQuorum(membership, index, term: term)
    if !isDurable,
      views[slot].membershipIndex == node.membershipIndex.rawValue
        || !isOnQuorum(views[slot].membership, index, term: term)
    {
      fail(
        .commitDurable, 1, term: term, index: index,
        "\(name(slot)) commits entry \(index) of term \(term), which is not on the disks of a "
          + "quorum of \(membership.description)")
      return
    }
    if membership.isJoint { situations.reach(.committedInJoint) }
    if membership.voters.count == 1 { situations.reach(.singleVoterCommitted) }
    commit(slot, through: index, leaderTerm: led)
  }

  private func isOnQuorum(_ membership: Membership, _ index: UInt64, term: UInt64) -> Bool {
    membership.isQuorum { voter in
      guard let place = slot(of: voter) else { return false }
      return views[place].holds(index, term: term)
    }
  }

  /// Enters what a leader commits, and holds it against the leaders of newer terms.
  private mutating func commit(_ slot: Int, through index: UInt64, leaderTerm: UInt64) {
    guard index > ledger.committedIndex else { return }
    var hasOlder = false
    while ledger.committedIndex < index {
      let next = ledger.committedIndex + 1
      let term = views[slot].issued.term(at: next)
      if term != leaderTerm { hasOlder = true }
      ledger.commitNext(term: term, leaderTerm: leaderTerm)
    }
    if hasOlder { situations.reach(.olderTermCommittedByNewer) }
    guard leaderTerm < newestLeaderTerm else { return }
    for other in views.indices
    where views[other].role == .leader && views[other].currentTerm > leaderTerm {
      if !views[other].issued.holds(index, term: leaderTerm) {
        fail(
          .leaderCompleteness, 2, term: leaderTerm, index: index,
          "\(name(slot)) commits entry \(index) of term \(leaderTerm), which \(name(other)), the "
            + "leader of term \(views[other].currentTerm), does not have")
      }
    }
  }
}

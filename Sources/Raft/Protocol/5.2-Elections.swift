// §5.2 Leader election: Timeout, RequestVote and its reply; thesis §4.2.3: who is not helped.

extension RaftNode {
  /// "If election timeout elapses without receiving AppendEntries RPC from current leader or
  /// granting vote to candidate: convert to candidate", or ask first (thesis §9.6).
  mutating func electionTimedOut(_ actions: inout ActionBuffer) {
    if isQuiescent {
      isQuiescent = false
      actions.observe(.quiescenceChanged(false))
    }
    guard isPromotable, !clients.isStopping, !isDiskStalled else {
      if case .follower = state { setLeader(nil, &actions) }
      becomeFollower(.electionLost, &actions)
      resetElectionTimer()
      return
    }
    if configuration.isPreVoteEnabled {
      becomePreCandidate(&actions)
    } else {
      becomeCandidate(isTransfer: false, &actions)
    }
  }

  /// An operator wants an election. A leader has nothing to win by it.
  mutating func campaignOnDemand(_ actions: inout ActionBuffer) {
    guard !isLeader, isPromotable else {
      actions.observe(.dropped(from: nil, .notForThisRole))
      return
    }
    // The lease that this node has helped to grant binds it as well: it is one of the quorum that
    // elects nobody else meanwhile.
    guard configuration.leaseDriftPerMille == nil || now >= max(loyalUntil, votesWithheldUntil)
    else {
      actions.observe(.dropped(from: nil, .leaderIsAlive))
      return
    }
    electionTimedOut(&actions)
  }

  /// Draws the next wait: "election timeouts are chosen randomly from a fixed interval" (§5.2).
  mutating func resetElectionTimer() {
    let base = configuration.electionTimeoutTicks.rawValue
    let deference = UInt64(3 - configuration.electionPriority) * base
    electionElapsed = 0
    electionWait = base + deference + random.draw(below: base)
    if isQuiescent { electionWait *= configuration.quiescenceFactor }
  }

  /// Whether the own disk has left a write unanswered for too long.
  var isDiskStalled: Bool {
    guard let since = storage.oldestSince else { return false }
    return now - since >= configuration.diskStallTicks.rawValue
  }

  /// Sends RequestVote, or asks for pre-votes, to all other voters.
  func askForVotes(_ actions: inout ActionBuffer) {
    let isPreVote = state.name == .preCandidate
    var isTransfer = false
    if case .candidate(let poll) = state { isTransfer = poll.isTransfer }
    let request = RequestVote(
      candidateTerm: isPreVote ? currentTerm.next : currentTerm, lastLog: log.last,
      isTransfer: isTransfer)
    for node in membership.nodes where node != id && membership.isVoter(node) {
      send(isPreVote ? .requestPreVote(request) : .requestVote(request), to: node, &actions)
    }
  }

  /// Why this node would not help another into office now, if it would not: it hears of a leader,
  /// or may have promised one a lease before it restarted. The leader itself may ask anybody for
  /// this.
  func loyalty(against candidate: NodeID, _ request: RequestVote) -> DropReason? {
    guard !request.isTransfer, configuration.isCheckQuorumEnabled else { return nil }
    if isLeader { return .leaderIsAlive }
    if now < votesWithheldUntil { return .votesWithheld }
    guard loyalTo != candidate, now < loyalUntil else { return nil }
    // A lease is a promise for its whole time. Without leases, a leader that is known to have gone
    // is not waited for.
    if configuration.leaseDriftPerMille != nil || leaderID != nil { return .leaderIsAlive }
    return nil
  }

  /// An idle node that is asked for its vote looks at once whether its leader lives.
  mutating func wakeForElection() {
    guard isQuiescent, !isLeader else { return }
    isQuiescent = false
    resetElectionTimer()
  }

  /// "Receiver implementation: 1. reply false if term < currentTerm; 2. if votedFor is null or
  /// candidateId, and candidate's log is at least as up-to-date as receiver's log, grant vote."
  ///
  /// Whether this node is a voter in its own eyes does not matter: the candidate may know better.
  mutating func handleRequestVote(
    _ request: RequestVote, _ candidate: NodeID, _ actions: inout ActionBuffer
  ) {
    wakeForElection()
    let isFree = votedFor == nil ? leaderID == nil : votedFor == candidate
    // A lease is promised for its whole time, also by a node that came to the candidate's term by
    // another message than the candidate's request.
    let isPromised =
      configuration.leaseDriftPerMille != nil && votedFor == nil
      && loyalty(against: candidate, request) != nil
    let isWithheld = isPromised || now < votesWithheldUntil && !request.isTransfer
    guard isFree, !isWithheld, request.lastLog >= log.last
    else {
      send(
        .requestVoteReply(RequestVoteReply(candidateTerm: currentTerm, voteGranted: false)),
        to: candidate, &actions)
      return
    }
    if votedFor == nil {
      votedFor = candidate
      storage.isHardStateChanged = true
      actions.observe(.voteCast(term: currentTerm, candidate: candidate))
    }
    if case .preCandidate = state { becomeFollower(.electionLost, &actions) }
    resetElectionTimer()
    promise(
      .requestVoteReply(RequestVoteReply(candidateTerm: currentTerm, voteGranted: true)),
      to: candidate, &actions)
  }

  /// Counts an answer to the poll that is under way, if it is to this one.
  mutating func handlePollReply(
    _ reply: RequestVoteReply, isPreVote: Bool, _ voter: NodeID, _ actions: inout ActionBuffer
  ) {
    switch state {
    case .preCandidate where isPreVote && reply.candidateTerm == currentTerm.next,
      .candidate where !isPreVote && reply.candidateTerm == currentTerm:
      count(reply.voteGranted, of: voter, &actions)
    case .preCandidate, .candidate, .follower, .leader:
      actions.observe(.dropped(from: voter, .staleReply))
    }
  }
}

// The four transitions. This is the only file that assigns the role.

extension RaftNode {
  /// Any → follower, in the same term. Who the leader is, is told separately.
  @inline(__always)
  mutating func becomeFollower(_ reason: StepDownReason, _ actions: inout ActionBuffer) {
    if case .follower = state { return }
    stepDown(reason, &actions)
  }

  private mutating func stepDown(_ reason: StepDownReason, _ actions: inout ActionBuffer) {
    let old = state.name
    if old == .leader { resignRequests(&actions) }
    state = .follower
    leader = LeaderState()
    isQuiescent = false
    verifiedIndex = commitIndex
    leaderRound = 0
    isAcknowledgementOwed = false
    actions.observe(.steppedDown(term: currentTerm, reason: reason))
    actions.observe(.roleChanged(from: old, to: .follower, term: currentTerm))
    if old == .leader { setLeader(nil, &actions) }
    resetElectionTimer()
  }

  /// Follower, pre-candidate or candidate → pre-candidate (thesis §9.6). Changes nothing durable.
  mutating func becomePreCandidate(_ actions: inout ActionBuffer) {
    precondition(!isLeader && isPromotable, "becomePreCandidate as \(state.name.description)")
    let old = state.name
    setLeader(nil, &actions)
    state = .preCandidate(Poll(ownTicket: storage.neededForHardState))
    actions.observe(.roleChanged(from: old, to: .preCandidate, term: currentTerm))
    actions.observe(
      .electionStarted(term: currentTerm.next, isPreVote: true, isTransfer: false))
    resetElectionTimer()
    askForVotes(&actions)
    countOwnVote(&actions)
  }

  /// Follower, pre-candidate or candidate → candidate: "increment currentTerm, vote for self, reset
  /// election timer, send RequestVote RPCs to all other servers" (§5.2).
  ///
  /// The requests wait for the own vote's receipt. They claim a log and a term: were either lost in
  /// a crash, a grant for it could elect this node in the same term with a shorter log.
  mutating func becomeCandidate(isTransfer: Bool, _ actions: inout ActionBuffer) {
    precondition(!isLeader && isPromotable, "becomeCandidate as \(state.name.description)")
    let old = state.name
    setLeader(nil, &actions)
    actions.observe(.termAdvanced(from: currentTerm, to: currentTerm.next))
    currentTerm = currentTerm.next
    votedFor = id
    storage.isHardStateChanged = true
    verifiedIndex = commitIndex
    leaderRound = 0
    isAcknowledgementOwed = false
    state = .candidate(Poll(ownTicket: storage.neededForHardState, isTransfer: isTransfer))
    actions.observe(.roleChanged(from: old, to: .candidate, term: currentTerm))
    actions.observe(
      .electionStarted(term: currentTerm, isPreVote: false, isTransfer: isTransfer))
    resetElectionTimer()
  }

  /// Candidate → leader: a quorum of the membership in force voted for it in this term (§5.2).
  ///
  /// Establishes: an empty entry of this term is appended (§8), and every other node is probed. The
  /// first entry of all is the membership the cluster began with, so that the log alone tells who
  /// belongs to it, also to nodes that join later.
  mutating func becomeLeader(_ actions: inout ActionBuffer) {
    guard case .candidate(let poll) = state else {
      preconditionFailure("becomeLeader as \(state.name.description) in term \(currentTerm)")
    }
    precondition(membership.isQuorum { poll.granted.contains($0) }, "a leader without a quorum")
    state = .leader
    leader = LeaderState()
    leader.since = now
    leader.heartbeatWait = configuration.heartbeatTicks.rawValue
    leader.busyAt = now
    leader.termStart = log.lastIndex.next
    isQuiescent = false
    refreshProgress(&actions)
    actions.observe(.roleChanged(from: .candidate, to: .leader, term: currentTerm))
    actions.observe(.becameLeader(term: currentTerm, votes: poll.granted))
    setLeader(id, &actions)
    if log.lastIndex == .zero {
      appendMembership(membership, &actions)
    } else {
      appendAsLeader(.noOperation, EntryBlock([] as [UInt8]), &actions)
    }
  }

  /// Counts a vote, and lets the poll decide.
  mutating func count(_ granted: Bool, of node: NodeID, _ actions: inout ActionBuffer) {
    switch state {
    case .preCandidate(var poll):
      poll.count(granted, of: node)
      state = .preCandidate(poll)
      if membership.isQuorum({ poll.granted.contains($0) }) {
        becomeCandidate(isTransfer: false, &actions)
      } else if !membership.isQuorum({ !poll.refused.contains($0) }) {
        becomeFollower(.electionLost, &actions)
      }
    case .candidate(var poll):
      poll.count(granted, of: node)
      state = .candidate(poll)
      if membership.isQuorum({ poll.granted.contains($0) }) {
        becomeLeader(&actions)
      } else if !membership.isQuorum({ !poll.refused.contains($0) }) {
        becomeFollower(.electionLost, &actions)
      }
    case .follower, .leader:
      break
    }
  }

  /// The own vote counts like any other: once it is durable. Then the others are asked for theirs.
  mutating func countOwnVote(_ actions: inout ActionBuffer) {
    switch state {
    case .preCandidate(var poll):
      guard let ticket = poll.ownTicket, ticket <= storage.durableTicket else { return }
      poll.ownTicket = nil
      state = .preCandidate(poll)
    case .candidate(var poll):
      guard let ticket = poll.ownTicket, ticket <= storage.durableTicket else { return }
      poll.ownTicket = nil
      state = .candidate(poll)
      askForVotes(&actions)
    case .follower, .leader:
      return
    }
    count(true, of: id, &actions)
  }

  /// Records whom this node takes for the leader of its term.
  @inline(__always)
  mutating func setLeader(_ node: NodeID?, _ actions: inout ActionBuffer) {
    guard leaderID != node else { return }
    leaderID = node
    actions.observe(.leaderChanged(term: currentTerm, leader: node))
    // Whoever leads now, a transfer that was begun before has an end: another may begin soon.
    if let transfer = clients.transfer { watchEndedTransfer(transfer, &actions) }
  }
}

extension Poll {
  /// Counts each node once; the first answer stands.
  mutating func count(_ isGranted: Bool, of node: NodeID) {
    guard !granted.contains(node), !refused.contains(node) else { return }
    if isGranted { granted.append(node) } else { refused.append(node) }
  }
}

// §5.3 Log replication, the leader's side: "if last log index ≥ nextIndex for a follower: send
// AppendEntries RPC with log entries starting at nextIndex", and what follows from its reply.

extension RaftNode {
  /// Appends entries of this term to the leader's own log. Its disk and the followers are told at
  /// the same time (thesis §10.2.1).
  mutating func appendAsLeader(
    _ kind: EntryKind, _ block: __owned EntryBlock, _ actions: inout ActionBuffer
  ) {
    let previous = log.last
    let first = previous.index.next
    let isWithinMessage =
      UInt64(block.count) <= configuration.maximumEntriesPerMessage
      && UInt64(block.payloadBytes) <= configuration.maximumBytesPerMessage
    log.append(EntryRun(firstIndex: first, term: currentTerm, kind: kind, block: block))
    leader.busyAt = now
    if isQuiescent { wake(&actions) }
    for position in leader.progress.indices {
      if isWithinMessage && isNextInStream(first, for: position) {
        leader.progress[position].noteSent(through: log.lastIndex, now: now)
        sendAppend(to: position, after: previous, log.newest, &actions)
      } else {
        // First what comes before it, or as much of it as may be.
        sendMissing(to: position, &actions)
      }
    }
  }

  /// Whether the run that begins at `first` and was just appended is the next message of the
  /// follower's stream.
  @inline(__always)
  private func isNextInStream(_ first: LogIndex, for position: Int) -> Bool {
    leader.progress[position].state == .replicate
      && leader.progress[position].nextIndex == first
      && !leader.progress[position].isWitness
      && hasRoom(leader.progress[position])
  }

  /// Whether more may be under way to the follower. Derived, not counted, so it cannot leak.
  private func hasRoom(_ peer: Progress) -> Bool {
    let end = peer.nextIndex.previous
    let start = peer.matchIndex
    guard end > start else { return true }
    return start.distance(to: end) < configuration.maximumEntriesInFlight
      && log.bytes(after: start, through: end) < configuration.maximumBytesInFlight
  }

  /// How far the log may be sent to a peer. To a witness only what a voter holds durably that may
  /// lead: were it to hold what nobody else has any more after a crash, it could vote for nobody,
  /// nor lead itself. A leader that is about to leave the voters is no such voter.
  private func sendable(to peer: Progress) -> LogIndex {
    guard peer.isWitness else { return log.lastIndex }
    if leader.isSelfIncoming { return min(storage.durableIndex, log.lastIndex) }
    var most = LogIndex.zero
    for other in leader.progress where other.isIncoming && !other.isWitness {
      most = max(most, other.matchIndex)
    }
    return most
  }

  /// More is durable here or elsewhere, so that witnesses may have more.
  mutating func sendToWitnesses(_ actions: inout ActionBuffer) {
    for position in leader.progress.indices where leader.progress[position].isWitness {
      if isLeader { sendEntries(to: position, &actions) }
    }
  }

  /// Sends what the follower lacks, as far as its window allows.
  @inline(__always)
  mutating func sendEntries(to position: Int, _ actions: inout ActionBuffer) {
    if leader.progress[position].state == .replicate
      && leader.progress[position].nextIndex > log.lastIndex
    {
      return
    }
    sendMissing(to: position, &actions)
  }

  private mutating func sendMissing(to position: Int, _ actions: inout ActionBuffer) {
    while true {
      let peer = leader.progress[position]
      guard !peer.isLoading else { return }
      switch peer.state {
      case .snapshot: return
      case .probe: if peer.isProbing { return }
      case .replicate: if peer.nextIndex > sendable(to: peer) || !hasRoom(peer) { return }
      }
      guard peer.nextIndex > log.baseIndex else {
        offerSnapshot(to: position, &actions)
        return
      }
      var entries = Entries.none
      let end = sendable(to: peer)
      if peer.nextIndex <= end {
        entries = log.entries(
          from: peer.nextIndex,
          maximumCount: min(
            configuration.maximumEntriesPerMessage, peer.nextIndex.distance(to: end) + 1),
          maximumBytes: configuration.maximumBytesPerMessage)
        if peer.isWitness { entries = entries.eliding() }
        if entries.head.payloads == .evicted {
          load(entries, for: position, &actions)
          return
        }
      }
      deliver(entries, to: position, &actions)
    }
  }

  /// Sends these entries, which begin at the follower's `nextIndex`, and notes that they are gone.
  private mutating func deliver(
    _ entries: Entries, to position: Int, _ actions: inout ActionBuffer
  ) {
    let peer = leader.progress[position]
    if peer.state == .probe {
      leader.progress[position].isProbing = true
      leader.progress[position].movedAt = now
    } else if !entries.isEmpty {
      leader.progress[position].noteSent(through: entries.lastIndex, now: now)
    }
    let isWitness = leader.progress[position].isWitness
    sendAppend(
      to: position, after: positionInLog(peer.nextIndex.previous),
      isWitness ? entries.eliding() : entries, &actions)
  }

  /// Where an entry stands that a message is to follow. `mutating` so that the node is read where
  /// it is, and not copied first; nothing changes.
  private mutating func positionInLog(_ index: LogIndex) -> LogPosition {
    guard let term = log.term(at: index) else {
      preconditionFailure("entry \(index) is compacted; a snapshot must be sent instead")
    }
    return LogPosition(term: term, index: index)
  }

  /// Sends one AppendEntries whose entries follow `previous`, which is in the log or is its base.
  @inline(__always)
  private mutating func sendAppend(
    to position: Int, after previous: LogPosition, _ entries: consuming Entries,
    _ actions: inout ActionBuffer
  ) {
    leader.progress[position].sentCommit = commitIndex
    let body = AppendEntries(
      prevLog: previous, leaderCommit: commitIndex, round: leader.reads.round,
      isQuiescing: isQuiescent)
    actions.send(
      Message(
        from: id, to: leader.progress[position].id, term: currentTerm, body: .appendEntries(body),
        entries: entries))
  }

  /// Asks the host for entries that are no longer in memory. Nothing is sent in their place.
  private mutating func load(
    _ entries: Entries, for position: Int, _ actions: inout ActionBuffer
  ) {
    leader.progress[position].isLoading = true
    leader.progress[position].movedAt = now
    actions.transfer(
      .loadEntries(
        EntriesRequest(
          peer: leader.progress[position].id, first: entries.firstIndex, last: entries.lastIndex)))
  }

  /// Sends entries that the host has loaded, if they are still wanted and are what the log says.
  mutating func entriesLoaded(
    _ request: EntriesRequest, _ entries: Entries, _ actions: inout ActionBuffer
  ) {
    guard let position = loading(request, &actions) else { return }
    leader.progress[position].isLoading = false
    guard !entries.isEmpty, entries.isWellFormed, entries.firstIndex == request.first,
      entries.lastIndex <= log.lastIndex, entries.head.payloads == .present,
      agreesWithLog(entries)
    else {
      actions.observe(.dropped(from: nil, .malformed))
      return
    }
    deliver(entries, to: position, &actions)
    sendEntries(to: position, &actions)
  }

  /// A read error: never sent as an empty append. If there is a snapshot it serves as well, else
  /// the next heartbeat tries again.
  mutating func entriesNotLoaded(_ request: EntriesRequest, _ actions: inout ActionBuffer) {
    guard let position = loading(request, &actions) else { return }
    leader.progress[position].isLoading = false
    leader.progress[position].movedAt = now
    if snapshot.lastIncluded.index >= request.first { offerSnapshot(to: position, &actions) }
  }

  private func loading(_ request: EntriesRequest, _ actions: inout ActionBuffer) -> Int? {
    guard isLeader, let position = leader.position(of: request.peer),
      leader.progress[position].isLoading, leader.progress[position].nextIndex == request.first,
      leader.progress[position].state != .snapshot, request.first > log.baseIndex
    else {
      actions.observe(.dropped(from: nil, .unexpected))
      return nil
    }
    return position
  }

  private func agreesWithLog(_ entries: Entries) -> Bool {
    for position in 0..<entries.runCount {
      let run = entries.run(position)
      guard run.payloads == .present, log.term(at: run.firstIndex) == run.term,
        log.term(at: run.lastIndex) == run.term
      else { return false }
    }
    return true
  }

  // MARK: Replies

  /// "If successful: update nextIndex and matchIndex for follower. If AppendEntries fails because
  /// of log inconsistency: decrement nextIndex and retry."
  @inline(__always)
  mutating func handleAppendEntriesReply(
    _ reply: AppendEntriesReply, _ follower: NodeID, _ actions: inout ActionBuffer
  ) {
    guard isLeader, let position = leader.position(of: follower) else {
      actions.observe(.dropped(from: follower, .notForThisRole))
      return
    }
    guard reply.matchIndex <= log.lastIndex, reply.receivedIndex <= log.lastIndex,
      reply.round <= leader.reads.round
    else {
      actions.observe(.dropped(from: follower, .malformed))
      return
    }
    heard(from: position, round: reply.round, &actions)
    if isQuiescent && (!reply.success || reply.matchIndex < log.lastIndex) { wake(&actions) }
    if reply.success {
      accepted(reply, position, &actions)
    } else {
      rejected(reply, position, &actions)
    }
  }

  /// The follower has what it was sent, through `receivedIndex`, and keeps it through `matchIndex`.
  @inline(__always)
  private mutating func accepted(
    _ reply: AppendEntriesReply, _ position: Int, _ actions: inout ActionBuffer
  ) {
    let received = max(reply.receivedIndex, reply.matchIndex)
    let hasMoved = leader.progress[position].acknowledge(reply, now: now)
    switch leader.progress[position].state {
    case .replicate: break
    case .probe:
      // What the stream before brought was still on its way: only an answer to the probe tells that
      // nothing of it is left that could be refused.
      if received.next >= leader.progress[position].nextIndex,
        reply.round >= leader.progress[position].probeRound
      {
        streamTo(position, &actions)
      }
    case .snapshot:
      if received >= leader.progress[position].snapshot.index && received >= log.baseIndex {
        streamTo(position, &actions)
      }
    }
    guard hasMoved else {
      sendEntries(to: position, &actions)
      return
    }
    if reply.matchIndex > commitIndex {
      // A committed membership may put this leader out of office, or the follower out of sight.
      let id = leader.progress[position].id
      advanceCommitIndex(&actions)
      guard isLeader, position < leader.progress.count, leader.progress[position].id == id
      else { return }
    }
    sendEntries(to: position, &actions)
    if !leader.isSelfIncoming { sendToWitnesses(&actions) }
    if !leader.concerned.isEmpty { settleConcerned(&actions) }
    if leader.transfer != nil { continueTransfer(&actions) }
  }

  private mutating func streamTo(_ position: Int, _ actions: inout ActionBuffer) {
    leader.progress[position].becomeReplicate(now: now)
    actions.observe(.progressChanged(peer: leader.progress[position].id, .replicate))
  }

  /// The follower lacks `rejectedIndex` or has another entry there. The hint is its last entry that
  /// could match, so that each round trip skips at least a whole term (end of §5.3).
  private mutating func rejected(
    _ reply: AppendEntriesReply, _ position: Int, _ actions: inout ActionBuffer
  ) {
    let peer = leader.progress[position]
    guard peer.state != .snapshot, reply.rejectedIndex > peer.matchIndex,
      reply.round >= peer.probeRound,
      peer.state == .replicate || reply.rejectedIndex == peer.nextIndex.previous
    else {
      actions.observe(.dropped(from: peer.id, .staleReply))
      return
    }
    fallBack(position, &actions)
    let limit = min(reply.hint.index, reply.rejectedIndex.previous)
    let common = log.lastPosition(upTo: limit, termAtMost: reply.hint.term).index
    // Below the log's beginning nothing can be compared any more: a snapshot is needed.
    let next = common <= log.baseIndex && limit < log.baseIndex ? limit.next : common.next
    leader.progress[position].nextIndex = max(next, peer.matchIndex.next)
    sendEntries(to: position, &actions)
  }

  /// Stops streaming, if it did, and finds out anew what the follower has.
  ///
  /// A stream of many messages that came in another order is refused many times. Only the first of
  /// these refusals counts: a round of its own tells the probe from all that was sent before it.
  private mutating func fallBack(_ position: Int, _ actions: inout ActionBuffer) {
    if leader.progress[position].state == .replicate {
      leader.reads.round += 1
      leader.progress[position].probeRound = leader.reads.round
      actions.observe(.progressChanged(peer: leader.progress[position].id, .probe))
    }
    leader.progress[position].becomeProbe(now: now)
  }

  // MARK: Time

  /// A leader's tick: "send initial empty AppendEntries RPCs (heartbeat) to each server; repeat
  /// during idle periods to prevent election timeouts" (§5.2).
  mutating func leaderTick(_ actions: inout ActionBuffer) {
    if leader.heartbeatElapsed >= leader.heartbeatWait {
      leaderHeartbeat(&actions)
    } else if leader.isCommitNoticeDue {
      sendCommitNotices(&actions)
    }
  }

  private mutating func leaderHeartbeat(_ actions: inout ActionBuffer) {
    leader.heartbeatElapsed = 0
    guard hasQuorumContact else {
      becomeFollower(.quorumLost, &actions)
      return
    }
    guard !isDiskStalled else {
      becomeFollower(.diskStalled, &actions)
      return
    }
    forgetDeparted(&actions)
    watchRequests(&actions)
    guard isLeader else { return }
    if leader.transfer != nil { watchTransfer(&actions) }
    considerQuiescence(&actions)
    beginRound(&actions)
    for position in leader.progress.indices { repeatIfSilent(position, &actions) }
  }

  /// Silence is answered by repeating: what was under way may have been lost.
  private mutating func repeatIfSilent(_ position: Int, _ actions: inout ActionBuffer) {
    let peer = leader.progress[position]
    let patience = max(
      2 * configuration.heartbeatTicks.rawValue, configuration.electionTimeoutTicks.rawValue / 4)
    guard now - peer.movedAt >= patience else { return }
    switch peer.state {
    case .probe:
      leader.progress[position].isProbing = false
      leader.progress[position].isLoading = false
      sendEntries(to: position, &actions)
    case .replicate:
      let known = max(peer.matchIndex, peer.receivedIndex)
      leader.progress[position].isLoading = false
      if peer.nextIndex.previous > known { fallBack(position, &actions) }
      sendEntries(to: position, &actions)
    case .snapshot:
      leader.progress[position].isLoading = false
      sendSnapshot(to: position, &actions)
    }
  }

  /// Sends a heartbeat with the present round to everybody.
  ///
  /// Its previous entry is one that the follower is known to have, so that it cannot be refused
  /// while entries are under way; to a follower that is probed it is the probe's.
  mutating func sendHeartbeats(_ actions: inout ActionBuffer) {
    leader.isCommitNoticeDue = false
    for position in leader.progress.indices { sendHeartbeat(to: position, &actions) }
  }

  private mutating func sendHeartbeat(to position: Int, _ actions: inout ActionBuffer) {
    let peer = leader.progress[position]
    var previous = peer.state == .probe ? peer.nextIndex.previous : peer.matchIndex
    if previous < log.baseIndex { previous = .zero }
    if previous > .zero {
      sendAppend(to: position, after: positionInLog(previous), .none, &actions)
      return
    }
    leader.progress[position].sentCommit = commitIndex
    send(
      .appendEntries(
        AppendEntries(
          prevLog: LogPosition(term: .zero, index: .zero), leaderCommit: commitIndex,
          round: leader.reads.round, isQuiescing: isQuiescent)), to: peer.id, &actions)
  }

  /// Tells those who do not know how far the log is committed, at most once a tick.
  private mutating func sendCommitNotices(_ actions: inout ActionBuffer) {
    leader.isCommitNoticeDue = false
    for position in leader.progress.indices
    where leader.progress[position].sentCommit < commitIndex {
      sendHeartbeat(to: position, &actions)
    }
  }

  /// Thesis §6.2: "a leader steps down if an election timeout elapses without a successful round of
  /// heartbeats to a majority".
  var hasQuorumContact: Bool {
    guard configuration.isCheckQuorumEnabled, now >= leader.graceUntil else { return true }
    let timeout = configuration.electionTimeoutTicks.rawValue
    let patience = isQuiescent ? timeout * configuration.quiescenceFactor : timeout
    return now - leader.quorumValue(own: now, { $0.lastHeard }) <= patience
  }

  /// Any answer of this term shows that the follower is alive and has not left this leader.
  @inline(__always)
  mutating func heard(from position: Int, round: UInt64, _ actions: inout ActionBuffer) {
    leader.progress[position].lastHeard = now
    if round > leader.progress[position].confirmedRound {
      leader.progress[position].confirmedRound = round
      if leader.reads.isWaiting || configuration.leaseDriftPerMille != nil {
        confirmRounds(&actions)
      }
    }
  }

  /// The transport lost a peer: what was under way to it probably was lost as well.
  mutating func peerUnreachable(_ peer: NodeID, _ actions: inout ActionBuffer) {
    if isLeader, let position = leader.position(of: peer) {
      if leader.progress[position].state == .replicate {
        fallBack(position, &actions)
        leader.progress[position].isProbing = true
      }
    } else if peer == leaderID {
      wakeForElection()
    }
  }

  /// A peer may have lost what it acknowledged in an earlier life: it is asked anew. To count too
  /// few copies is always safe.
  mutating func peerRestarted(_ peer: NodeID, _ actions: inout ActionBuffer) {
    guard isLeader, let position = leader.position(of: peer) else { return }
    let next = leader.progress[position].matchIndex.next
    leader.progress[position].matchIndex = .zero
    leader.progress[position].receivedIndex = .zero
    fallBack(position, &actions)
    // Mostly it has lost nothing.
    leader.progress[position].nextIndex = next
  }

  /// The transport has a peer again: go on at once.
  mutating func peerReachable(_ peer: NodeID, _ actions: inout ActionBuffer) {
    guard isLeader, let position = leader.position(of: peer) else { return }
    leader.progress[position].isProbing = false
    sendEntries(to: position, &actions)
  }
}

extension Entries {
  /// The same entries without commands, as a witness gets them. Memberships stay: they say who
  /// votes.
  func eliding() -> Entries {
    func bare(_ run: EntryRun) -> EntryRun {
      run.kind == .command ? run.without(payloads: .elided) : run
    }
    var runs: [EntryRun] = []
    for position in 0..<runCount { runs.append(bare(run(position))) }
    return Entries(trusted: runs)
  }
}

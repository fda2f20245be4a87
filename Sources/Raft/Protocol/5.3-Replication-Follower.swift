// §5.3 Log replication, the follower's side: the receiver implementation of AppendEntries.

extension RaftNode {
  /// "1. Reply false if term < currentTerm" was done by the term rule. "2. Reply false if log
  /// doesn't contain an entry at prevLogIndex whose term matches prevLogTerm. 3. If an existing
  /// entry conflicts with a new one, delete the existing entry and all that follow it. 4. Append
  /// any new entries not already in the log. 5. If leaderCommit > commitIndex, set commitIndex =
  /// min(leaderCommit, index of last new entry)."
  mutating func handleAppendEntries(
    _ request: AppendEntries, _ sender: NodeID, _ entries: inout Entries,
    _ actions: inout ActionBuffer
  ) {
    guard follow(sender, &actions) else { return }
    stretchClocks(request.isQuiescing, &actions)
    leaderRound = max(leaderRound, request.round)
    let previous = request.prevLog.index
    // What is committed here is in every later leader's log (§5.4.3), so it needs no comparison; it
    // may be compacted and have no term to compare.
    guard previous <= commitIndex || log.contains(request.prevLog) else {
      reject(request, sender, &actions)
      return
    }
    guard agreesWithCommitted(request, entries) else {
      actions.observe(.dropped(from: sender, .malformed))
      return
    }
    var verified = max(previous, commitIndex)
    if !entries.isEmpty && entries.lastIndex > commitIndex {
      verified = max(entries.lastIndex, commitIndex)
      if previous == log.lastIndex && entries.series == nil {
        append(entries.takeHead(), &actions)
      } else {
        merge(entries, after: previous, &actions)
      }
    }
    verifiedIndex = max(verifiedIndex, verified)
    commit(through: min(request.leaderCommit, verifiedIndex), &actions)
    acknowledge(isNew: log.lastIndex > storage.writtenIndex, &actions)
  }

  /// Whether the entries, if they reach beyond what is committed here, continue it. They do in
  /// every message of a correct leader; what another sends must not be appended.
  @inline(__always)
  private func agreesWithCommitted(_ request: AppendEntries, _ entries: Entries) -> Bool {
    guard request.prevLog.index <= commitIndex, !entries.isEmpty, entries.lastIndex > commitIndex
    else { return true }
    if request.prevLog.index == commitIndex { return log.contains(request.prevLog) }
    return log.term(at: commitIndex) == entries.term(at: commitIndex)
  }

  /// Takes the sender for the leader of this term. False for a message that no correct leader
  /// sends.
  @inline(__always)
  mutating func follow(_ sender: NodeID, _ actions: inout ActionBuffer) -> Bool {
    guard !isLeader, leaderID == nil || leaderID == sender else {
      actions.observe(.dropped(from: sender, .malformed))
      return false
    }
    becomeFollower(.leaderFound, &actions)
    setLeader(sender, &actions)
    resetElectionTimerKeepingWait()
    loyalTo = sender
    loyalUntil = now + configuration.electionTimeoutTicks.rawValue
    return true
  }

  /// Restarts the wait. A new length is drawn each time the timer fires or a vote is given, which
  /// is where two nodes could meet again.
  private mutating func resetElectionTimerKeepingWait() {
    electionElapsed = 0
  }

  /// Appends what is new of these entries, after deleting what contradicts them.
  private mutating func merge(
    _ entries: Entries, after previous: LogIndex, _ actions: inout ActionBuffer
  ) {
    for position in 0..<entries.runCount {
      let run = entries.run(position)
      guard run.lastIndex > commitIndex else { continue }
      merge(run, &actions)
    }
  }

  private mutating func merge(_ run: EntryRun, _ actions: inout ActionBuffer) {
    // Entries of one term agree from some point on backwards (Log Matching), so the first that is
    // not here is found by halving.
    var low = max(run.firstIndex, commitIndex.next)
    var high = run.lastIndex.next
    while low < high {
      let middle = LogIndex(low.rawValue + (high.rawValue - low.rawValue) / 2)
      if log.term(at: middle) == run.term { low = middle.next } else { high = middle }
    }
    guard low <= run.lastIndex else { return }
    if low <= log.lastIndex { truncate(from: low, &actions) }
    append(
      low == run.firstIndex ? run : run.slice(from: low, through: run.lastIndex), &actions)
  }

  /// Appends a run of the leader's, and takes over the memberships in it at once (§6).
  @inline(__always)
  private mutating func append(_ run: __owned EntryRun, _ actions: inout ActionBuffer) {
    let kind = run.kind
    let isElided = run.payloads == .elided
    log.append(run)
    if kind == .membership { adoptMemberships(of: log.newest.head, &actions) }
    // The leader knows a membership, further on, in which this node is a witness.
    if isElided && !isSelfWitness {
      isSelfWitness = true
      refreshPromotable()
    }
  }

  /// Deletes this entry and all that follow it, here and in what goes to the disk.
  private mutating func truncate(from index: LogIndex, _ actions: inout ActionBuffer) {
    precondition(
      index > commitIndex, "entry \(index) is committed (through \(commitIndex)) and not deleted")
    actions.observe(.logTruncated(from: index, through: log.lastIndex))
    log.truncate(from: index)
    storage.truncated(from: index)
    verifiedIndex = min(verifiedIndex, index.previous)
    if memberships.truncate(from: index) {
      membershipBecameActive()
      actions.observe(.membershipChanged(at: membershipIndex, membership))
    }
  }

  /// Tells the leader that it must go back, and how far at least. The round is that of the message
  /// refused, so that the leader can tell what it has given up since.
  private func reject(
    _ request: AppendEntries, _ leader: NodeID, _ actions: inout ActionBuffer
  ) {
    let limit = min(request.prevLog.index.previous, log.lastIndex)
    let hint = log.lastPosition(upTo: limit, termAtMost: request.prevLog.term)
    send(
      .appendEntriesReply(
        AppendEntriesReply(
          success: false, matchIndex: .zero, receivedIndex: .zero,
          rejectedIndex: request.prevLog.index, hint: hint,
          round: storage.isHardStateDurable ? request.round : 0)),
      to: leader, &actions)
  }

  /// The round that an answer may confirm. None while the term is not durable: after a crash this
  /// node would not know that it had followed this leader, and what it owes to its lease.
  var confirmedRound: UInt64 { storage.isHardStateDurable ? leaderRound : 0 }

  /// Acknowledges at once what is durable already; what is new waits for its receipt.
  @inline(__always)
  mutating func acknowledge(isNew: Bool, _ actions: inout ActionBuffer) {
    if isNew || !storage.isHardStateDurable {
      isAcknowledgementOwed = true
    } else {
      sendAcknowledgement(&actions)
    }
  }

  /// Says how far the log matches the leader's and is durable, and which round was heard last.
  mutating func sendAcknowledgement(_ actions: inout ActionBuffer) {
    guard let leaderID, leaderID != id else { return }
    let match = min(verifiedIndex, storage.durableIndex)
    isAcknowledgementOwed = match < verifiedIndex
    send(
      .appendEntriesReply(
        AppendEntriesReply(
          success: true, matchIndex: match, receivedIndex: verifiedIndex, rejectedIndex: .zero,
          hint: LogPosition(term: .zero, index: .zero), round: leaderRound)),
      to: leaderID, &actions)
  }
}

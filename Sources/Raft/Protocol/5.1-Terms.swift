// §5.1, and "Rules for Servers, All Servers": a newer term is adopted before a message is looked
// at; a stale request is answered with the newer term; a stale reply is dropped.

extension RaftNode {
  /// Takes a message. Nothing that a peer sends traps; what makes no sense is dropped with a
  /// notice.
  @inline(__always)
  mutating func take(_ message: inout Message, _ actions: inout ActionBuffer) {
    guard message.to == id, message.from != id, message.from.rawValue > 0 else {
      actions.observe(.dropped(from: message.from, .misaddressed))
      return
    }
    if message.term == currentTerm {
      // The messages of a steady stream go straight to their rules.
      if case .appendEntries(let request) = message.body, message.isOrdinary(request) {
        handleAppendEntries(request, message.from, &message.entries, &actions)
        return
      }
      if case .appendEntriesReply(let reply) = message.body {
        handleAppendEntriesReply(reply, message.from, &actions)
        return
      }
    }
    receiveInAnyTerm(&message, &actions)
  }

  /// Takes a message that others hold as well.
  @inline(__always)
  mutating func take(shared message: Message, _ actions: inout ActionBuffer) {
    if message.term == currentTerm, message.to == id, message.from != id,
      message.from.rawValue > 0
    {
      if case .appendEntries(let request) = message.body, message.isOrdinary(request) {
        var entries = message.isBare ? Entries(EntryRun.bare) : message.entries
        handleAppendEntries(request, message.from, &entries, &actions)
        return
      }
      if case .appendEntriesReply(let reply) = message.body {
        handleAppendEntriesReply(reply, message.from, &actions)
        return
      }
    }
    takeCopy(of: message, &actions)
  }

  @inline(never)
  private mutating func takeCopy(of message: Message, _ actions: inout ActionBuffer) {
    var message = message
    take(&message, &actions)
  }

  @inline(never)
  private mutating func receiveInAnyTerm(_ message: inout Message, _ actions: inout ActionBuffer) {
    guard message.isWellFormed else {
      actions.observe(.dropped(from: message.from, .malformed))
      return
    }
    switch message.body {
    case .requestPreVote(let request):
      // The deliberate exception to "newer term first" (thesis §9.6): asking changes nobody's term.
      handleRequestPreVote(request, message, &actions)
      return
    case .requestVote(let request):
      // Thesis §4.2.3: a vote that is refused out of loyalty does not change the term either.
      guard message.term > currentTerm, let reason = loyalty(against: message.from, request) else {
        break
      }
      actions.observe(.dropped(from: message.from, reason))
      wakeForElection()
      return
    case .requestPreVoteReply(let reply):
      // Whoever grants one may be of any older term, since asking changed no term.
      if message.term > currentTerm { updateTerm(to: message.term, &actions) }
      handlePollReply(reply, isPreVote: true, message.from, &actions)
      return
    case .requestVoteReply, .appendEntries, .appendEntriesReply,
      .installSnapshot, .installSnapshotReply, .timeoutNow, .readIndex, .readIndexReply,
      .forwardedProposal, .forwardedProposalReply:
      break
    }
    if message.term > currentTerm { updateTerm(to: message.term, &actions) }
    guard message.term == currentTerm else {
      answerStale(message, &actions)
      return
    }
    dispatch(&message, &actions)
  }

  @inline(__always)
  private mutating func dispatch(_ message: inout Message, _ actions: inout ActionBuffer) {
    switch message.body {
    case .requestPreVote, .requestPreVoteReply: break
    case .requestVote(let request): handleRequestVote(request, message.from, &actions)
    case .requestVoteReply(let reply):
      handlePollReply(reply, isPreVote: false, message.from, &actions)
    case .appendEntries(let request):
      handleAppendEntries(request, message.from, &message.entries, &actions)
    case .appendEntriesReply(let reply): handleAppendEntriesReply(reply, message.from, &actions)
    case .installSnapshot(let chunk): handleInstallSnapshot(chunk, message, &actions)
    case .installSnapshotReply(let reply):
      handleInstallSnapshotReply(reply, message.from, &actions)
    case .timeoutNow: handleTimeoutNow(message.from, &actions)
    case .readIndex(let request): handleReadIndex(request, message.from, &actions)
    case .readIndexReply(let reply): handleReadIndexReply(reply, &actions)
    case .forwardedProposal(let forwarded):
      handleForwardedProposal(forwarded, message.from, message.entries, &actions)
    case .forwardedProposalReply(let reply): handleForwardedProposalReply(reply, &actions)
    }
  }

  /// Answers a request of an old term, so that its sender learns of the new one; drops a reply.
  private mutating func answerStale(_ message: Message, _ actions: inout ActionBuffer) {
    actions.observe(.dropped(from: message.from, .staleTerm))
    switch message.body {
    case .requestVote(let request):
      send(
        .requestVoteReply(
          RequestVoteReply(candidateTerm: request.candidateTerm, voteGranted: false)),
        to: message.from, &actions)
    case .appendEntries(let request):
      send(
        .appendEntriesReply(
          AppendEntriesReply(
            success: false, matchIndex: .zero, receivedIndex: .zero,
            rejectedIndex: request.prevLog.index, hint: request.prevLog, round: 0)),
        to: message.from, &actions)
    case .installSnapshot(let chunk):
      send(
        .installSnapshotReply(
          InstallSnapshotReply(
            lastIncluded: chunk.lastIncluded, nextOffset: 0, round: 0)),
        to: message.from, &actions)
    case .requestPreVote, .requestPreVoteReply, .requestVoteReply, .appendEntriesReply,
      .installSnapshotReply, .timeoutNow, .readIndex, .readIndexReply, .forwardedProposal,
      .forwardedProposalReply:
      break
    }
  }

  /// Adopts a newer term: "if RPC request or response contains term T > currentTerm: set
  /// currentTerm = T, convert to follower".
  mutating func updateTerm(to term: Term, _ actions: inout ActionBuffer) {
    precondition(term > currentTerm, "updateTerm from \(currentTerm) back to \(term)")
    actions.observe(.termAdvanced(from: currentTerm, to: term))
    if isLeader || state.name != .follower {
      becomeFollower(.newerTerm, &actions)
    }
    currentTerm = term
    votedFor = nil
    storage.isHardStateChanged = true
    setLeader(nil, &actions)
    verifiedIndex = commitIndex
    leaderRound = 0
    isAcknowledgementOwed = false
  }

  /// Sends a message of the present term that is all in its body.
  @inline(__always)
  func send(_ body: Message.Body, to node: NodeID, _ actions: inout ActionBuffer) {
    actions.send(Message(id, to: node, currentTerm, body))
  }

  /// Sends a message of the present term.
  func send(
    _ body: Message.Body, to node: NodeID, entries: Entries = .none, snapshot: SnapshotPart?,
    _ actions: inout ActionBuffer
  ) {
    actions.send(
      Message(
        from: id, to: node, term: currentTerm, body: body, entries: entries, snapshot: snapshot))
  }

  /// Sends a message that promises what the present term and vote promise: once these are durable.
  ///
  /// Who asks again before that gets one answer: on a slow disk nobody can make promises pile up.
  mutating func promise(_ body: Message.Body, to node: NodeID, _ actions: inout ActionBuffer) {
    if storage.isHardStateDurable {
      send(body, to: node, &actions)
      return
    }
    guard storage.held.count < StorageStream.maximumHeld else {
      actions.observe(.dropped(from: node, .queueFull))
      return
    }
    let held = StorageStream.Held(
      ticket: storage.neededForHardState,
      message: Message(from: id, to: node, term: currentTerm, body: body))
    var place = storage.held.count
    while place > 0, storage.held[place - 1].ticket == held.ticket {
      place -= 1
      if storage.held[place] == held { return }
    }
    storage.held.append(held)
  }
}

extension Message {
  /// No honest node gets this far; a term beyond it would leave none to be elected in.
  static let maximumTerm = Term(1 << 62)

  /// Whether a message agrees with itself, whatever the state of this node.
  var isWellFormed: Bool {
    guard term <= Message.maximumTerm else { return false }
    switch body {
    case .appendEntries(let request): return isWellFormed(request)
    case .installSnapshot(let chunk):
      guard let part = snapshot, chunk.lastIncluded.index > .zero,
        chunk.lastIncluded.term <= term, chunk.lastIncluded.term > .zero,
        part.membershipIndex <= chunk.lastIncluded.index,
        chunk.lastIncluded.index.rawValue <= UInt64.max >> 1,
        UInt64(part.bytes.count) <= UInt64.max - chunk.offset
      else { return false }
      do { try part.membership.validate() } catch { return false }
      return true
    case .requestVote(let request):
      return request.candidateTerm == term && request.lastLog.term <= term
    case .requestPreVote(let request):
      return request.candidateTerm.rawValue &- 1 == term.rawValue
        && request.lastLog.term <= term
    case .forwardedProposal:
      return entries.runCount == 1
        && entries.head.payloads == .present && entries.head.kind == .command
        && entries.head.blockOffset == 0
        && entries.head.count == entries.head.block.count
    case .requestPreVoteReply, .requestVoteReply, .appendEntriesReply, .installSnapshotReply,
      .timeoutNow, .readIndex, .readIndexReply, .forwardedProposalReply:
      return true
    }
  }

  /// Whether the message is well-formed, and nothing but a heartbeat or one run of commands, which
  /// is quickly told. The others go the longer way.
  @inline(__always)
  func isOrdinary(_ request: AppendEntries) -> Bool {
    if entries.head.storedCount == 0 { return request.prevLog.term <= term }
    return entries.holdsCommandsOnly && entries.head.isSound
      && entries.head.firstIndex.rawValue == request.prevLog.index.rawValue &+ 1
      && entries.head.term >= request.prevLog.term && entries.head.term <= term
  }

  private func isWellFormed(_ request: AppendEntries) -> Bool {
    if entries.head.storedCount == 0 { return request.prevLog.term <= term }
    return entries.isWellFormed
      && entries.head.firstIndex.rawValue == request.prevLog.index.rawValue &+ 1
      && entries.head.term >= request.prevLog.term && entries.lastTerm <= term
      && (entries.holdsCommandsOnly || areMembershipsReadable)
  }

  private var areMembershipsReadable: Bool {
    for position in 0..<entries.runCount where entries.run(position).kind == .membership {
      let run = entries.run(position)
      for offset in 0..<run.count {
        do { _ = try Membership.decode(run.payload(offset)) } catch { return false }
      }
    }
    return true
  }
}

// Nothing is promised to another node before the promise is on the disk, and nothing untrue said.

import Raft

extension Oracles {
  /// Checks a message at the moment it leaves the node against what the node's disk holds then.
  ///
  /// The parts of a message one by one: as a whole it would be copied, with its entries.
  @inline(__always)
  mutating func checkSend(
    _ slot: Int, _ body: Message.Body, to receiver: NodeID, _ messageTerm: Term
  ) {
    let term = messageTerm.rawValue
    switch body {
    case .timeoutNow: checkTimeoutNow(slot, to: receiver, term)
    case .requestPreVote, .readIndex, .forwardedProposal, .forwardedProposalReply,
      .installSnapshotReply:
      break
    case .requestPreVoteReply(let reply):
      if reply.voteGranted { checkTermDurable(slot, term, "grants a pre-vote") }
    case .requestVote:
      checkTermDurable(slot, term, "asks for votes")
    case .requestVoteReply(let reply):
      if reply.voteGranted { checkVote(slot, reply, to: receiver) }
    case .appendEntries(let append):
      checkAppend(slot, append, to: receiver, term)
    case .appendEntriesReply(let reply):
      if reply.success { checkMatch(slot, reply.matchIndex.rawValue, to: receiver, term) }
    case .installSnapshot(let chunk):
      checkLeads(slot, term, "sends a snapshot")
      if chunk.lastIncluded.index.rawValue > views[slot].issued.snapshotIndex {
        fail(
          .snapshotIsPrefix, 5, term: term, index: chunk.lastIncluded.index.rawValue,
          "\(name(slot)) sends a snapshot at \(chunk.lastIncluded.index); its newest is at "
            + "\(views[slot].issued.snapshotIndex)")
      }
    case .readIndexReply:
      checkTermDurable(slot, term, "gives a read index")
    }
  }

  /// Whether a node's disk was damaged and is not repaired: it may have forgotten a promise.
  @inline(__always)
  func isOut(_ slot: Int) -> Bool { isOn && views[slot].promised != nil }

  /// What such a node sends at last, of what its core wanted to send.
  ///
  /// A leader counts what it is told. A node that may have voted in a term of which it knows
  /// nothing any more tells the leader of an older one only of what is committed without it.
  mutating func saidOut(_ slot: Int, _ body: Message.Body, to receiver: NodeID) {
    guard breach == nil, case .appendEntriesReply(let reply) = body else { return }
    let index = reply.matchIndex.rawValue
    if index > ledger.committedIndex {
      fail(
        .durableBeforeSaid, 6, index: index,
        "\(name(slot)), whose disk was damaged and is not repaired, tells \(receiver) that it has "
          + "entries through \(index); committed without it are those through "
          + "\(ledger.committedIndex)")
    }
  }

  /// What a witness is given: only what a voter has on its disk that may lead after the leader.
  ///
  /// A witness with an entry that nobody else has any more could vote for nobody, nor lead itself.
  /// What a leader that is no longer the newest sends is of no account: it is turned down.
  @inline(never)
  mutating func checkFed(_ slot: Int, _ entries: Entries, to receiver: NodeID, _ term: UInt64) {
    guard term >= newestLeaderTerm else { return }
    let index = entries.lastIndex.rawValue
    let last = entries.lastTerm.rawValue
    let membership = views[slot].membership
    for voter in membership.voters where !membership.isWitness(voter) {
      if let place = self.slot(of: voter), views[place].holds(index, term: last) { return }
    }
    fail(
      .durableBeforeSaid, 7, term: last, index: index,
      "\(name(slot)) gives the witness \(receiver) entry \(index), which is on the disk of none "
        + "that may lead in \(membership.description)")
  }

  private mutating func checkTermDurable(_ slot: Int, _ term: UInt64, _ what: StaticString) {
    if term > views[slot].durable.currentTerm {
      fail(
        .durableBeforeSaid, 3, term: term,
        "\(name(slot)) \(what) in term \(term); its disk is in term "
          + "\(views[slot].durable.currentTerm)")
    }
  }

  private mutating func checkVote(_ slot: Int, _ reply: RequestVoteReply, to candidate: NodeID) {
    let term = reply.candidateTerm.rawValue
    if views[slot].votes[term] != candidate.rawValue {
      fail(
        .durableBeforeSaid, 4, term: term,
        "\(name(slot)) tells \(candidate) that it has its vote in term \(term); its disk has "
          + (views[slot].votes[term] == 0 ? "none" : "one for n\(views[slot].votes[term])"))
    }
    views[slot].lastGrantedTerm = term
  }

  private mutating func checkLeads(_ slot: Int, _ term: UInt64, _ what: StaticString) {
    if leaders[term] & 0xffff != UInt64(slot + 1) {
      fail(
        .electionSafety, 4, term: term,
        "\(name(slot)) \(what) in term \(term), which it was not elected to lead")
    }
  }

  private mutating func checkAppend(
    _ slot: Int, _ append: AppendEntries, to receiver: NodeID, _ term: UInt64
  ) {
    checkLeads(slot, term, "sends entries")
    let commit = append.leaderCommit.rawValue
    if commit > views[slot].issued.lastIndex || commit > ledger.committedIndex {
      fail(
        .stateMachineSafety, 4, term: term, index: commit,
        "\(name(slot)) tells \(receiver) that \(commit) is committed; no leader has committed "
          + "more than \(ledger.committedIndex)")
    }
    let previous = append.prevLog
    if previous.index > .zero,
      ledger.entry(previous.index.rawValue, term: previous.term.rawValue) == nil
    {
      fail(
        .logMatching, 3, term: previous.term.rawValue, index: previous.index.rawValue,
        "\(name(slot)) sends entries that follow \(previous.description), which was never in a log")
    }
  }

  /// A follower says how far its log matches the leader's and is durable.
  private mutating func checkMatch(
    _ slot: Int, _ index: UInt64, to receiver: NodeID, _ term: UInt64
  ) {
    checkTermDurable(slot, term, "acknowledges entries")
    if index > views[slot].durable.lastIndex {
      fail(
        .durableBeforeSaid, 5, term: term, index: index,
        "\(name(slot)) tells \(receiver) that it has entries through \(index); its disk has them "
          + "through \(views[slot].durable.lastIndex)")
      return
    }
    if let leader = self.slot(of: receiver), index > 0, views[leader].role == .leader,
      views[leader].currentTerm == term
    {
      let here = views[slot].durable.term(at: index)
      let there = views[leader].issued.term(at: index)
      if here != 0, there != 0, here != there {
        fail(
          .logMatching, 4, term: term, index: index,
          "\(name(slot)) tells \(receiver), the leader of term \(term), that entry \(index) "
            + "matches; it is of term \(here) here and of term \(there) there")
      } else if index > views[leader].issued.lastIndex {
        fail(
          .logMatching, 5, term: term, index: index,
          "\(name(slot)) tells \(receiver) that entries match through \(index); the leader's log "
            + "ends at \(views[leader].issued.lastIndex)")
      }
    }
    if term > views[slot].acknowledgedTerm {
      views[slot].acknowledgedTerm = term
      views[slot].acknowledgedIndex = index
    } else if index > views[slot].acknowledgedIndex {
      views[slot].acknowledgedIndex = index
    }
  }
}

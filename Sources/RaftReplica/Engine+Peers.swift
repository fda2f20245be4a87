// Between replicas: every envelope carries the sender's clocks and moves the receiver's, requests
// and answers alike. Here also stands what a node must not say while its journal is not repaired.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

extension ReplicaEngine {
  /// Sends a message of the core's in an envelope.
  mutating func send(_ message: consuming Message) {
    if isOut {
      guard let allowed = allowed(message) else { return }
      message = allowed
    }
    let stamp = stepStamp ?? stampEvent()
    stepStamp = stamp
    let sequence = links.nextSequence(to: message.to)
    output.append(
      .send(
        PeerEnvelope(
          cluster: journal.identity.cluster, incarnation: journal.identity.incarnation,
          sequence: sequence, stamp: stamp, message: message, isSpaceLow: isSpaceLow)))
  }

  /// The stamp of an event of this replica: something that is sent or proposed.
  ///
  /// Who has left the cluster leaves the vector, or it would grow with every node that there ever
  /// was. A peer that has not heard of it may bring a component back: so it is looked for at each
  /// stamp, as soon as there are more components than members.
  mutating func stampEvent() -> ClockStamp {
    if clock.componentCount > node.membership.count {
      let now = node.membership
      let applied = appliedMembership
      clock.forget { process in
        let node = NodeID(process)
        return !now.contains(node) && !applied.contains(node)
      }
    }
    return clock.tick(physical: nanoseconds)
  }

  @usableFromInline
  mutating func receive(_ envelope: __owned PeerEnvelope) {
    guard failure == nil else { return }
    let sender = envelope.message.from
    let isNewLife = links.isNewLife(of: sender, envelope.incarnation)
    if let refusal = refusal(of: envelope) {
      observe(.envelopeRefused(from: sender, refusal))
      return
    }
    if case .appendEntries(let append) = envelope.message.body {
      heard = Heard(
        term: envelope.message.term, commitIndex: append.leaderCommit,
        nanoseconds: envelope.stamp.hybrid.nanoseconds)
    }
    // What the peer acknowledged before may be lost: its journal may have been repaired.
    if isNewLife { coreInputs.append(.other(.peerRestarted(sender))) }
    coreInputs.append(.receive(envelope))
  }

  /// A leader has said how far the log is committed, and the core has taken it for its leader.
  mutating func noteHeard() {
    guard let news = heard else { return }
    heard = nil
    guard news.term == node.currentTerm else { return }
    level.note(
      LevelMarks.Mark(
        index: news.commitIndex, tick: ticks.rawValue, nanoseconds: news.nanoseconds),
      applied: applied)
  }

  /// Why an envelope is put aside, if it is. Only one that is not moves the clocks.
  private mutating func refusal(of envelope: PeerEnvelope) -> EnvelopeRefusal? {
    let sender = envelope.message.from
    if envelope.cluster != journal.identity.cluster { return .otherCluster }
    if envelope.message.to != id || sender == id { return .misaddressed }
    do throws(ClockError) {
      // A stamp that cannot be true is looked at first: what is refused may come again, corrected.
      try clock.check(envelope.stamp, physical: nanoseconds)
      if let refusal = links.receive(
        from: sender, incarnation: envelope.incarnation, sequence: envelope.sequence,
        isSpaceLow: envelope.isSpaceLow)
      {
        return refusal
      }
      try clock.take(envelope.stamp, physical: nanoseconds)
    } catch {
      return .stamp(error)
    }
    if isOut, envelope.message.asksForVote { return .outUntilRepaired }
    return nil
  }

  // MARK: Out until repaired

  /// The message as it may be sent now, if it may.
  ///
  /// A node that is out votes for nobody and asks nobody for a vote. Of what it holds it tells the
  /// leader enough to be sent the rest, and no more as durable than what is committed without it:
  /// so its copies count for no commitment.
  private func allowed(_ message: Message) -> Message? {
    switch message.body {
    case .requestPreVote, .requestPreVoteReply, .requestVote, .requestVoteReply, .timeoutNow:
      return nil
    case .appendEntriesReply(var reply):
      reply.receivedIndex = max(reply.receivedIndex, reply.matchIndex)
      reply.matchIndex = min(reply.matchIndex, node.commitIndex)
      return Message(
        from: message.from, to: message.to, term: message.term, body: .appendEntriesReply(reply))
    case .appendEntries, .installSnapshot, .installSnapshotReply, .readIndex, .readIndexReply,
      .forwardedProposal, .forwardedProposalReply:
      return message
    }
  }

  /// Ends the node's absence once it holds everything that it may ever have helped to commit.
  ///
  /// That is so when an entry of a leader's own term is committed and durable here, of a leader
  /// that came after all terms of which there was a trace: nobody voted for it but those who hold
  /// what was committed, and what is committed in its log stands before that entry.
  mutating func rejoinIfRepaired() {
    guard case .outUntilRepaired(let floor) = standing else { return }
    if journal.standing == .member {
      standing = .member
      observe(.rejoined)
      return
    }
    guard node.currentTerm > floor.term, node.leaderID != nil,
      node.durableIndex >= node.commitIndex, loading == nil,
      node.log.term(at: node.commitIndex) == node.currentTerm
    else { return }
    journal.rejoin()
  }
}

extension Message {
  /// Whether the message wants a vote, or wants the receiver to stand.
  var asksForVote: Bool {
    switch body {
    case .requestPreVote, .requestVote, .timeoutNow: true
    case .requestPreVoteReply, .requestVoteReply, .appendEntries, .appendEntriesReply,
      .installSnapshot, .installSnapshotReply, .readIndex, .readIndexReply, .forwardedProposal,
      .forwardedProposalReply:
      false
    }
  }
}

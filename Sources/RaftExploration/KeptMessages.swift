// Where the network keeps every message, most of what is in it can never matter again. What is left
// out is said in `Docs/Concepts/Exploration.md`; tests hold each rule against the real core.

import Raft

/// What of a message decides whether it can still matter.
struct MessageFacts: Sendable, BitwiseCopyable {
  enum Kind: UInt8, Sendable {
    case voteRequest, appendRequest, voteReply, acceptance, rejection, snapshotReply
    /// An answer to a request of an older term that tells of the newer term, and nothing else.
    case notice
    case other
  }

  var kind: Kind
  var from: UInt8
  var to: UInt8
  var term: UInt16
  /// Of an answer to entries: through where they arrived, or where they were refused.
  var index: UInt8 = 0

  var isRequest: Bool { kind == .voteRequest || kind == .appendRequest }

  init(_ message: Message) {
    from = UInt8(truncatingIfNeeded: message.from.rawValue - 1)
    to = UInt8(truncatingIfNeeded: message.to.rawValue - 1)
    term = UInt16(truncatingIfNeeded: message.term.rawValue)
    switch message.body {
    case .requestVote: kind = .voteRequest
    case .appendEntries, .installSnapshot: kind = .appendRequest
    case .requestVoteReply(let reply):
      kind = reply.candidateTerm < message.term ? .notice : .voteReply
    case .appendEntriesReply(let reply):
      // Before the first entry nothing can be missing.
      let isEmpty = !reply.success && reply.rejectedIndex == .zero && reply.round == 0
      kind = isEmpty ? .notice : reply.success ? .acceptance : .rejection
      let index = reply.success ? max(reply.receivedIndex, reply.matchIndex) : reply.rejectedIndex
      self.index = UInt8(truncatingIfNeeded: min(index.rawValue, 255))
    case .installSnapshotReply: kind = .snapshotReply
    case .requestPreVote, .requestPreVoteReply, .timeoutNow, .readIndex, .readIndexReply,
      .forwardedProposal, .forwardedProposalReply:
      kind = .other
    }
  }
}

extension Explorer {
  /// Whether messages that cannot matter are left out.
  @inline(__always)
  var isSparing: Bool { reductions.isReduced && bounds.keepsMessages }

  func staysOnItsWay(_ move: Move) -> Bool {
    move.kind == .deliverAndKeep || move.kind == .deliver && bounds.keepsMessages
  }

  /// Whether a step changes nothing, and sends nothing that is not there already.
  @inline(__always)
  func isVain(_ transition: Transition, _ state: UnsafeBufferPointer<UInt32>) -> Bool {
    if transition.isIdle { return true }
    guard bounds.keepsMessages, transition.isSilent, transition.finding < 0 else { return false }
    for number in 0..<Int(transition.sentCount) {
      let sent = tables.sent[Int(transition.sentStart) + number]
      let facts = tables.messageFacts[Int(sent)]
      guard let message = settled(sent, state[Int(facts.to)], state[Int(facts.from)]) else {
        continue
      }
      if !state[layout.messages...].contains(where: { isSame($0, message) }) { return false }
    }
    return true
  }

  /// Whether two messages do the same wherever they arrive.
  @inline(__always)
  func isSame(_ a: UInt32, _ b: UInt32) -> Bool {
    let count = tables.renamings.count
    return tables.messageDigests[Int(a) * count] == tables.messageDigests[Int(b) * count]
  }

  @inline(__always)
  func isConcerned(_ message: UInt32, _ node: UInt8) -> Bool {
    guard isSparing else { return false }
    let facts = tables.messageFacts[Int(message)]
    return facts.to == node || facts.from == node
  }

  @inline(__always)
  func settled(_ message: UInt32, _ first: Int, _ states: StateBuffer) -> UInt32? {
    guard isSparing else { return message }
    let facts = tables.messageFacts[Int(message)]
    return settled(
      message, states.words[first + Int(facts.to)], states.words[first + Int(facts.from)])
  }

  /// What is kept of a message: itself, the answer to it if that can no longer be another, or
  /// nothing if it can never again change anything.
  ///
  /// - Parameters:
  ///   - to: the state of the node that it goes to.
  ///   - from: the state of the node that it comes from.
  @inline(__always)
  func settled(_ message: UInt32, _ to: UInt32, _ from: UInt32) -> UInt32? {
    guard isSparing else { return message }
    let facts = tables.messageFacts[Int(message)]
    let (receiver, sender) = (tables.facts[Int(to)], tables.facts[Int(from)])
    if isSpent(facts, receiver) || isSpentRequest(facts, receiver, sender) { return nil }
    guard facts.isRequest, facts.term < receiver.durableTerm else { return message }
    guard Int(receiver.durableTerm) >= bounds.terms else { return message }
    let answer = tables.answers[Int(message)]
    guard answer != UInt32.max else { return message }
    return isSpent(tables.messageFacts[Int(answer)], sender) ? nil : answer
  }

  /// Whether a request for a vote can never again change anything: its receiver has voted, as its
  /// disk shows, and its sender has the last term on its own and waits for no such vote.
  @inline(__always)
  func isSpentRequest(
    _ message: MessageFacts, _ receiver: LocalFacts, _ sender: LocalFacts
  ) -> Bool {
    guard message.kind == .voteRequest, Int(sender.durableTerm) >= bounds.terms,
      !(sender.isCandidate && sender.term == message.term), !bounds.isPreVoteEnabled
    else { return false }
    return message.term < receiver.durableTerm
      || message.term == receiver.durableTerm && receiver.hasDurableVote
  }

  /// Whether an answer can never again change anything, whatever happens: its receiver has its term
  /// on the disk, and is not in the office to which it speaks, nor can it ever be again, or has
  /// heard it.
  @inline(__always)
  func isSpent(_ message: MessageFacts, _ receiver: LocalFacts) -> Bool {
    guard message.term <= receiver.durableTerm else { return false }
    let isPresent = receiver.term == message.term
    switch message.kind {
    case .voteRequest, .appendRequest, .other: return false
    case .notice: return true
    case .voteReply:
      return !(isPresent && receiver.isCandidate) || receiver.counted & 1 << message.from != 0
    case .snapshotReply: return !(isPresent && (receiver.isCandidate || receiver.isLeader))
    case .acceptance, .rejection:
      guard isPresent && (receiver.isCandidate || receiver.isLeader) else { return true }
      return receiver.isLeader && tables.isTimeless && isOvertaken(message, receiver)
    }
  }

  /// Whether a leader knows more of a node than an answer says: `matchIndex` never goes back.
  ///
  /// Where the node is streamed to, also if it knows as much: should the stream be given up, the
  /// answer is of a round before that.
  @inline(__always)
  private func isOvertaken(_ message: MessageFacts, _ leader: LocalFacts) -> Bool {
    let match = UInt8(truncatingIfNeeded: leader.matches >> (8 * UInt64(message.from)))
    guard match < UInt8.max else { return false }
    let isStream = leader.streams & 1 << message.from != 0
    return message.index < match
      || message.index == match && (message.kind == .rejection || isStream)
  }

  /// The first message, if there is one, that changes nothing where it arrives but brings an answer
  /// that is not there yet: what is possible in a state is possible with more messages there, too.
  @inline(__always)
  func eager(_ state: UnsafeBufferPointer<UInt32>, _ out: inout Expansion) -> Int? {
    guard reductions.isReduced, bounds.keepsMessages else { return nil }
    for number in out.moves.indices {
      let move = out.moves[number]
      guard move.kind == .deliver, !move.isLate, let known = known(move, state, &out) else {
        continue
      }
      if known.transition.isSilent && !isVain(known.transition, state) { return number }
    }
    return nil
  }
}

extension Tables {
  /// All notices of one term to one node are the same, whoever sent them.
  func digest(_ message: Message, _ names: NodeRenaming) -> UInt64 {
    guard isReduced, bounds.keepsMessages, MessageFacts(message).kind == .notice else {
      return message.fingerprint(renaming: names)
    }
    var digest = Digest(0x6e6f_7469_6365_2121)
    digest.combine(names[message.to].rawValue)
    digest.combine(message.term.rawValue)
    return digest.value
  }

  /// Whose answer a candidate has counted already, as the core shows: to hear one again changes
  /// nothing.
  func counted(_ local: Local) -> UInt8 {
    var counted: UInt8 = 0
    for place in 0..<bounds.total where UInt64(place) + 1 != local.node.id.rawValue {
      let isHeard = [false, true].allSatisfy { isVote in
        var host = Host(local, bounds, fault)
        let reply = RequestVoteReply(candidateTerm: local.node.currentTerm, voteGranted: isVote)
        host.take(
          .receive(
            Message(
              from: NodeID(UInt64(place) + 1), to: local.node.id, term: local.node.currentTerm,
              body: .requestVoteReply(reply))))
        return host.sends.isEmpty && host.local.node == local.node
      }
      if isHeard { counted |= 1 << UInt8(place) }
    }
    return counted
  }

  /// What the core answers to a request of an older term once it has the last one.
  func lastAnswer(_ request: Message) -> Message? {
    guard isReduced, bounds.keepsMessages, MessageFacts(request).isRequest,
      request.term.rawValue < UInt64(bounds.terms)
    else { return nil }
    var disk = DurableState(bootstrapping: bounds.membership)
    disk.hardState.currentTerm = Term(UInt64(bounds.terms))
    do {
      let node = try RaftNode(bounds.configuration(of: request.to), restoring: disk)
      var host = Host(Local(starting: node, from: disk), bounds, fault)
      host.take(.receive(request))
      return host.sends.first
    } catch {
      preconditionFailure("a node with the last term does not start: \(error.description)")
    }
  }
}

import Testing

@testable import Raft

/// "Nothing that a peer sends traps": nodes are given messages that no node would send.
@Suite struct StrangeMessageTests {
  /// A message of a random kind whose numbers are near those of the node, or far beyond.
  static func message(to node: RaftNode, _ samples: inout WireSamples) -> Message {
    let kinds = Message.WireKind.allCases
    let random = samples.message(kinds[Int(samples.draw(UInt64(kinds.count)))])
    var term = node.currentTerm
    if samples.draw(6) == 0 { term = Term(term.rawValue + samples.draw(3)) }
    if samples.draw(200) == 0 { term = random.term }
    let first = LogIndex(1 + samples.draw(node.log.lastIndex.rawValue + 2))
    var body = random.body
    var entries = random.entries
    switch body {
    case .appendEntries(var request) where samples.draw(4) > 0:
      let previous = first.previous
      request.prevLog = LogPosition(
        term: node.log.term(at: previous) ?? Term(samples.draw(3)), index: previous)
      if samples.draw(3) > 0 { request.leaderCommit = LogIndex(samples.draw(12)) }
      body = .appendEntries(request)
      entries = Entries(
        EntryRun(
          firstIndex: first, term: Term(max(1 + samples.draw(2), term.rawValue) - samples.draw(2)),
          block: samples.block(count: 1 + samples.draw(3))))
    case .appendEntriesReply(var reply) where samples.draw(4) > 0:
      reply.matchIndex = LogIndex(samples.draw(node.log.lastIndex.rawValue + 2))
      reply.receivedIndex = LogIndex(samples.draw(node.log.lastIndex.rawValue + 2))
      reply.round = samples.draw(4)
      body = .appendEntriesReply(reply)
    case .requestVote(var request) where samples.draw(4) > 0:
      request.candidateTerm = term
      body = .requestVote(request)
    case .requestVoteReply, .requestPreVoteReply:
      body = .requestVoteReply(RequestVoteReply(candidateTerm: term, voteGranted: true))
    default: break
    }
    return Message(
      from: NodeID(1 + samples.draw(4)), to: node.id, term: term, body: body, entries: entries,
      snapshot: random.snapshot)
  }

  @Test(arguments: 0..<24 as Range<UInt64>)
  func `nothing that a peer sends traps`(seed: UInt64) throws {
    var samples = WireSamples(seed: 900 + seed)
    var configuration = Configuration(id: NodeID(1), seed: seed)
    configuration.isPreVoteEnabled = samples.flip()
    configuration.retainedEntries = samples.draw(3)
    if samples.flip() { configuration.leaseDriftPerMille = 10 }
    let first = try Membership(voters: [NodeID(1), NodeID(2), NodeID(3)], learners: [NodeID(4)])
    var actions = ActionBuffer(isObserving: samples.flip())
    var received = 0
    for _ in 0..<10 {
      var node = try RaftNode(configuration, restoring: DurableState(bootstrapping: first))
      for _ in 0..<120 where node.currentTerm < Term(1 << 40) {
        switch samples.draw(12) {
        case 0: node.step(.tick, into: &actions)
        case 1: node.step(.campaign, into: &actions)
        case 2:
          let block = samples.block(count: 1 + samples.draw(2))
          node.step(.propose(Proposal(RequestID(samples.draw(99)), block)), into: &actions)
        case 3: node.step(.persisted(node.durableTicket.next), into: &actions)
        case 4:
          node.step(.applied(through: LogIndex(samples.draw(9))), into: &actions)
          node.step(.snapshotTaken(through: node.lastApplied), into: &actions)
        default:
          received += 1
          node.step(.receive(Self.message(to: node, &samples)), into: &actions)
        }
        for transfer in actions.transfers {
          guard case .storeSnapshotChunk(let chunk) = transfer, samples.flip() else { continue }
          var more = ActionBuffer()
          node.step(
            .snapshotChunkStored(
              lastIncluded: chunk.metadata.lastIncluded,
              through: chunk.offset + UInt64(chunk.bytes.count)), into: &more)
        }
        actions.removeAll()
      }
    }
    #expect(received > 100)
  }
}

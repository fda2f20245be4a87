import Testing

@testable import Raft

@Suite("§8: a proposal whose entry was deleted")
struct OvertakenProposalTests {
  /// Node 1 of three, leading term 1 with three proposals in its log, none committed.
  private func deposedSoon() throws -> (node: RaftNode, actions: ActionBuffer) {
    let membership = try Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])
    var configuration = Configuration(id: NodeID(1), seed: 1)
    configuration.isPreVoteEnabled = false
    var node = try RaftNode(configuration, restoring: DurableState(bootstrapping: membership))
    var actions = ActionBuffer()
    node.step(.campaign, into: &actions)
    node.step(.persisted(Ticket(1)), into: &actions)
    let vote = RequestVoteReply(candidateTerm: Term(1), voteGranted: true)
    node.step(.receive(message(Term(1), .requestVoteReply(vote))), into: &actions)
    for request in 1...3 as ClosedRange<UInt64> {
      let proposal = Proposal(RequestID(request), EntryBlock([UInt8(request)]))
      node.step(.propose(proposal), into: &actions)
    }
    #expect(node.isLeader && node.log.lastIndex == LogIndex(4))
    actions.removeAll()
    return (node, actions)
  }

  private func message(
    _ term: Term, _ body: Message.Body, _ entries: Entries = .none
  ) -> Message {
    Message(from: NodeID(2), to: NodeID(1), term: term, body: body, entries: entries)
  }

  @Test func `is lost as soon as an entry of a later term is committed`() throws {
    var (node, actions) = try deposedSoon()
    let append = AppendEntries(
      prevLog: LogPosition(term: .zero, index: .zero), leaderCommit: LogIndex(1), round: 1,
      isQuiescing: false)
    let run = EntryRun(
      firstIndex: LogIndex(1), term: Term(2), kind: .noOperation, block: EntryBlock([] as [UInt8]))
    node.step(.receive(message(Term(2), .appendEntries(append), Entries(run))), into: &actions)
    #expect(node.commitIndex == LogIndex(1) && node.log.lastIndex == LogIndex(1))
    let lost = actions.outcomes.map { $0.outcome }
    #expect(
      lost
        == (2...4 as ClosedRange<UInt64>).map {
          .lost(LogPosition(term: Term(1), index: LogIndex($0)))
        })
  }
}

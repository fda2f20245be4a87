import Raft
import Testing

@Suite("Figure 2: commitIndex is volatile")
struct CommitWriteTests {
  @Test func `a commit alone asks for no write, and the next write carries it`() throws {
    let membership = try Membership(voters: [NodeID(1)])
    var node = try RaftNode(
      Configuration(id: NodeID(1), seed: 1), restoring: DurableState(bootstrapping: membership))
    var actions = ActionBuffer()
    node.step(.campaign, into: &actions)
    while node.role != .leader, let ticket = actions.stores.last?.ticket {
      actions.removeAll()
      node.step(.persisted(ticket), into: &actions)
    }
    let opening = try #require(actions.stores.last)
    #expect(!opening.entries.isEmpty)

    actions.removeAll()
    node.step(.persisted(opening.ticket), into: &actions)
    #expect(node.commitIndex == LogIndex(1))
    #expect(actions.stores == [])

    node.step(.propose(Proposal(RequestID(1), EntryBlock([7]))), into: &actions)
    #expect(actions.stores.map(\.hardState.commitIndex) == [LogIndex(1)])
  }
}

import Testing

@testable import Raft

@Suite("§6 A witness that is removed")
struct RemovedWitnessTests {
  /// n3 is a witness that holds entry 1 without its command and then learns of its removal.
  private func removed() throws -> (RaftNode, applies: Int) {
    let three = try Membership(
      voters: [NodeID(1), NodeID(2), NodeID(3)], witnesses: [NodeID(3)])
    let two = try Membership(voters: [NodeID(1), NodeID(2)])
    var node = try RaftNode(
      Configuration(id: NodeID(3), seed: 1), restoring: DurableState(bootstrapping: three))
    let bare = EntryRun(
      firstIndex: LogIndex(1), term: Term(1), kind: .command, count: 1, payloads: .elided)
    let removal = EntryRun(
      firstIndex: LogIndex(2), term: Term(1), kind: .membership, block: EntryBlock(two.encoded()))
    let body = AppendEntries(
      prevLog: LogPosition(term: .zero, index: .zero), leaderCommit: LogIndex(2), round: 0,
      isQuiescing: false)
    let message = Message(
      from: NodeID(1), to: NodeID(3), term: Term(1), body: .appendEntries(body),
      entries: try #require(Entries([bare, removal])))
    var actions = ActionBuffer()
    node.step(.receive(message), into: &actions)
    for write in actions.stores { node.step(.persisted(write.ticket), into: &actions) }
    return (node, actions.applies.count)
  }

  @Test func `a witness that is removed still has nothing to apply`() throws {
    let (node, applies) = try removed()
    #expect(node.commitIndex == LogIndex(2))
    #expect(!node.membership.contains(NodeID(3)))
    #expect(applies == 0)
    #expect(node.lastApplied == LogIndex(2))
  }

  @Test func `nor has it after a restart`() throws {
    let (node, _) = try removed()
    var state = DurableState(
      bootstrapping: try Membership(
        voters: [NodeID(1), NodeID(2), NodeID(3)], witnesses: [NodeID(3)]))
    state.hardState = HardState(currentTerm: Term(1), votedFor: nil, commitIndex: LogIndex(2))
    state.entries = node.log.entries(from: LogIndex(1), through: LogIndex(2))
    var again = try RaftNode(Configuration(id: NodeID(3), seed: 2), restoring: state)
    var actions = ActionBuffer()
    again.step(.peerReachable(NodeID(1)), into: &actions)
    #expect(actions.applies.isEmpty)
    #expect(again.lastApplied == LogIndex(2))
  }
}

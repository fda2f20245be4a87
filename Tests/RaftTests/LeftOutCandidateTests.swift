import Testing

@testable import Raft

@Suite("thesis §4.2.2: who may still be needed")
struct LeftOutCandidateTests {
  /// A node of two that has written a membership without itself, which is not committed.
  private func leftOut(commit: LogIndex) throws -> RaftNode {
    let both = try Membership(voters: [NodeID(1), NodeID(2)])
    let rest = try Membership(voters: [NodeID(2)])
    var state = DurableState(bootstrapping: both)
    state.hardState = HardState(currentTerm: Term(1), votedFor: NodeID(1), commitIndex: commit)
    state.entries = Entries(
      EntryRun(
        firstIndex: LogIndex(1), term: Term(1), kind: .membership,
        block: EntryBlock(rest.encoded())))
    return try RaftNode(Configuration(id: NodeID(1), seed: 1), restoring: state)
  }

  private func requests(_ node: inout RaftNode) -> Int {
    var actions = ActionBuffer()
    for _ in 0..<250 { node.step(.tick, into: &actions) }
    return actions.sends.count
  }

  @Test func `a server that is not part of its latest configuration still starts elections`()
    throws
  {
    var node = try leftOut(commit: .zero)
    #expect(!node.membership.isVoter(node.id))
    #expect(requests(&node) > 0)
  }

  @Test func `it no longer does once that configuration is committed`() throws {
    var node = try leftOut(commit: LogIndex(1))
    #expect(requests(&node) == 0)
  }
}

// The fingerprint by which states are compared must miss nothing that decides what a node does.

import RaftExploration
import TestPace
import Testing

@testable import Raft

@Suite(.computing) struct Fingerprints {
  private func fields(_ value: Any) -> Set<String> {
    Set(Mirror(reflecting: value).children.compactMap(\.label))
  }

  /// Whoever adds a stored property adds it to `RaftNode+Fingerprint.swift`, or to the reasons
  /// there for leaving it out, and then here.
  @Test func `know every stored property of a node`() throws {
    let membership = try Membership(voters: [NodeID(1)])
    let node = try RaftNode(
      Configuration(id: NodeID(1), seed: 1), restoring: DurableState(bootstrapping: membership))
    #expect(fields(node).count == 34)
    #expect(fields(node.storage).count == 12)
    #expect(fields(node.clients).count == 9)
    #expect(fields(node.leader).count == 19)
    #expect(fields(node.leader.reads).count == 7)
    #expect(fields(Progress(NodeID(2), nextIndex: LogIndex(1), now: 0)).count == 18)
    #expect(fields(Poll()).count == 4)
  }

  private func node(_ id: UInt64, _ voters: [UInt64]) throws -> RaftNode {
    let membership = try Membership(voters: voters.map { NodeID($0) })
    var configuration = Configuration(id: NodeID(id), seed: id)
    configuration.isPreVoteEnabled = false
    return try RaftNode(configuration, restoring: DurableState(bootstrapping: membership))
  }

  @Test func `of two nodes that have changed names are the same under the other names`() throws {
    let names = try #require(NodeRenaming([NodeID(2), NodeID(1), NodeID(3)]))
    var one = try node(1, [1, 2, 3])
    var other = try node(2, [1, 2, 3])
    #expect(
      one.fingerprint(renaming: .identity) != other.fingerprint(renaming: .identity))
    #expect(one.fingerprint(renaming: names) == other.fingerprint(renaming: .identity))
    var actions = ActionBuffer()
    var sent: [[UInt64]] = [[], []]
    one.step(.campaign, into: &actions)
    one.step(.persisted(Ticket(1)), into: &actions)
    for message in actions.sends { sent[0].append(message.fingerprint(renaming: names)) }
    actions.removeAll()
    other.step(.campaign, into: &actions)
    other.step(.persisted(Ticket(1)), into: &actions)
    for message in actions.sends { sent[1].append(message.fingerprint(renaming: .identity)) }
    #expect(one.fingerprint(renaming: names) == other.fingerprint(renaming: .identity))
    #expect(sent[0].sorted() == sent[1].sorted())
    #expect(sent[0].count == 2)
  }

  @Test func `do not depend on the numbers of tickets or on time that passed`() throws {
    var one = try node(1, [1])
    var other = one
    var actions = ActionBuffer()
    for _ in 0..<5 { other.step(.tick, into: &actions) }
    #expect(one.digest() != other.digest())
    #expect(one.fingerprint(renaming: .identity) == other.fingerprint(renaming: .identity))
    one.step(.campaign, into: &actions)
    #expect(one.fingerprint(renaming: .identity) != other.fingerprint(renaming: .identity))
  }

  @Test func `are of permutations only`() {
    #expect(NodeRenaming([NodeID(1), NodeID(1)]) == nil)
    #expect(NodeRenaming([NodeID(1), NodeID(3)]) == nil)
    #expect(NodeRenaming([NodeID(0), NodeID(1)]) == nil)
    #expect(NodeRenaming([])?[NodeID(7)] == NodeID(7))
  }
}

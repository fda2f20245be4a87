import Testing

@testable import Raft
@testable import RaftSimulation

@Suite("What a damaged node may tell, and what a witness may be given")
struct PromiseOracleTests {
  // MARK: Out until repaired

  /// The disk of n2 was damaged; what is left is the beginning, in term 2.
  private func damaged() throws -> Story {
    var story = try Story.withCommitted()
    story.step(1) { node, actions in actions.stores.append(node.append([.command(1, 8)])) }
    var left = DurableState(bootstrapping: story.membership)
    left.hardState.currentTerm = Term(2)
    story.oracles.crashed(NodeID(2))
    story.oracles.damaged(NodeID(2), left)
    return story
  }

  private func tell(_ story: inout Story, through index: UInt64) {
    let reply = Message.acknowledge(from: 2, to: 1, 2, through: index)
    story.oracles.saidOut(1, reply.body, to: NodeID(1))
  }

  @Test func `a node that is out may tell of what is committed`() throws {
    var story = try damaged()
    #expect(story.oracles.isOut(1) && !story.oracles.isOut(0))
    tell(&story, through: 2)
    #expect(story.verdict == nil)
  }

  @Test func `a node that is out and tells of more breaches S10`() throws {
    var story = try damaged()
    tell(&story, through: 3)
    #expect(story.verdict == "S10.6")
  }

  @Test func `a node that is back may tell of all it has`() throws {
    var story = try damaged()
    story.oracles.rejoined(NodeID(2))
    #expect(!story.oracles.isOut(1))
  }

  // MARK: Witnesses

  /// n1 leads four voters, n3 of them a witness, and enters a membership at 2 without itself.
  private func leaving() throws -> Story {
    var story = try Story(4, witnesses: [3])
    story.elect(1, 1, by: [1, 2, 4])
    story.replicate([.noOperation(1)], to: [2, 4], 1)
    story.commit(1, 1)
    try take(&story, 1)
    return story
  }

  /// A node stores the membership that leaves n1 out.
  private func take(_ story: inout Story, _ number: Int) throws {
    let others = try Membership(
      voters: [NodeID(2), NodeID(3), NodeID(4)], witnesses: [NodeID(3)])
    story.step(number) { node, actions in
      actions.stores.append(node.append([.membership(1, 1)]))
      node.membership = others
      node.membershipIndex = LogIndex(2)
    }
  }

  private func feed(_ story: inout Story, _ entry: TestEntry, at index: UInt64) {
    story.step(1, isDurable: false) { _, actions in
      actions.sends.append(.feed(3, entry, at: index))
    }
  }

  @Test func `a witness may have what the leader's own disk has`() throws {
    var story = try Story(3, witnesses: [3])
    story.elect(1, 1, by: [1, 2])
    feed(&story, .noOperation(1), at: 1)
    #expect(story.verdict == nil)
  }

  @Test func `a witness that is given what no disk has breaches S10`() throws {
    var story = try Story(3, witnesses: [3])
    story.elect(1, 1, by: [1, 2])
    story.step(1, isDurable: false) { node, actions in
      actions.stores.append(node.append([.command(1, 7)]))
    }
    feed(&story, .command(1, 7), at: 2)
    #expect(story.verdict == "S10.7")
  }

  @Test func `a witness that is given what only a leaver's disk has breaches S10`() throws {
    var story = try leaving()
    feed(&story, .membership(1, 1), at: 2)
    #expect(story.verdict == "S10.7")
  }

  @Test func `a witness may have from a leaver what a voter that stays has`() throws {
    var story = try leaving()
    try take(&story, 4)
    feed(&story, .membership(1, 1), at: 2)
    #expect(story.verdict == nil)
  }
}

extension Message {
  /// What a leader of term 1 sends to a witness: one entry after others of that term.
  fileprivate static func feed(_ witness: UInt64, _ entry: TestEntry, at index: UInt64) -> Message {
    let previous: LogPosition =
      index == 1 ? .zero : LogPosition(term: Term(1), index: LogIndex(index - 1))
    return Message(
      from: NodeID(1), to: NodeID(witness), term: Term(1),
      body: .appendEntries(
        AppendEntries(prevLog: previous, leaderCommit: .zero, round: 0, isQuiescing: false)),
      entries: Entries(entry.run(at: index)))
  }
}

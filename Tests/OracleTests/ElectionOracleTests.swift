import Testing

@testable import Raft
@testable import RaftSimulation

@Suite("Oracles of §5.2: elections and votes")
struct ElectionOracleTests {
  @Test func `an ordinary election, replication and commit breach nothing`() throws {
    var story = try Story.withCommitted()
    story.commit(2, 2)
    story.elect(2, 2, by: [2, 3])
    #expect(story.verdict == nil)
  }

  @Test func `the true story is told without a breach`() throws {
    let story = try Story.withCommitted()
    #expect(story.verdict == nil)
    #expect(story.oracles.committedIndex == LogIndex(2))
  }

  @Test func `two leaders of one term breach S01`() throws {
    var story = try Story(5)
    story.elect(1, 1, by: [1, 2, 3])
    story.step(4) { node, actions in
      node.currentTerm = Term(1)
      node.votedFor = NodeID(4)
      node.role = .leader
      actions.stores.append(node.append([.noOperation(1)]))
    }
    #expect(story.verdict == "S01.1")
  }

  @Test func `a leader whose votes are not durable breaches S10`() throws {
    var story = try Story()
    story.vote(1, 1, by: [1])
    story.step(1) { node, actions in
      node.role = .leader
      actions.stores.append(node.append([.noOperation(1)]))
    }
    #expect(story.verdict == "S10.2")
  }

  @Test func `a second vote in one term breaches S02 at the disk and in memory`() throws {
    var story = try Story()
    story.vote(1, 1, by: [3])
    story.vote(2, 1, by: [3])
    #expect(story.verdict == "S02.2")
  }

  @Test func `a vote that a restarted node no longer knows breaches S02`() throws {
    var story = try Story()
    story.vote(1, 1, by: [3])
    story.oracles.crashed(NodeID(3))
    var state = DurableState(bootstrapping: story.membership)
    state.hardState = HardState(currentTerm: Term(1), votedFor: NodeID(1))
    story.oracles.recovered(NodeID(3), state)
    var node = Actor(id: NodeID(3), membership: story.membership)
    node.currentTerm = Term(1)
    story.oracles.observeStart(of: node, from: state)
    #expect(story.verdict == "S02.1")
  }

  @Test func `a lost vote may be given anew if it was never durable`() throws {
    var story = try Story()
    story.step(3, isDurable: false) { node, actions in
      node.currentTerm = Term(1)
      node.votedFor = NodeID(1)
      actions.stores.append(.of(node))
    }
    story.restart(3, DurableState(bootstrapping: story.membership))
    story.vote(2, 1, by: [3])
    #expect(story.verdict == nil)
  }

  @Test func `a vote reply before the vote is durable breaches S10`() throws {
    var story = try Story()
    story.step(3, isDurable: false) { node, actions in
      node.currentTerm = Term(1)
      node.votedFor = NodeID(1)
      actions.stores.append(.of(node))
      actions.sends.append(.vote(from: 3, to: 1, 1))
    }
    #expect(story.verdict == "S10.4")
  }

  @Test func `a durable vote may be told`() throws {
    var story = try Story()
    story.vote(1, 1, by: [3])
    story.step(3) { _, actions in actions.sends.append(.vote(from: 3, to: 1, 1)) }
    #expect(story.verdict == nil)
  }

  @Test func `asking for votes in a term that is not durable breaches S10`() throws {
    var story = try Story()
    story.step(1, isDurable: false) { node, actions in
      node.currentTerm = Term(1)
      node.votedFor = NodeID(1)
      node.role = .candidate
      actions.stores.append(.of(node))
      let request = RequestVote(
        candidateTerm: Term(1), lastLog: node.lastPosition, isTransfer: false)
      actions.sends.append(
        Message(from: NodeID(1), to: NodeID(2), term: Term(1), body: .requestVote(request)))
    }
    #expect(story.verdict == "S10.3")
  }

  @Test func `a term that goes back breaches S03`() throws {
    var story = try Story()
    story.vote(1, 4, by: [3])
    story.step(3) { node, actions in
      node.currentTerm = Term(3)
      node.votedFor = nil
      actions.stores.append(.of(node))
    }
    #expect(story.verdict == "S03.2")
  }

  @Test func `entries sent by a node that was not elected breach S01`() throws {
    var story = try Story.withCommitted()
    story.step(3) { _, actions in
      actions.sends.append(.append(from: 3, to: 2, 1, after: .zero, commit: 0))
    }
    #expect(story.verdict == "S01.4")
  }

  @Test func `a term in memory that was never handed out for storage breaches S21`() throws {
    var story = try Story()
    story.step(2) { node, _ in node.currentTerm = Term(2) }
    #expect(story.verdict == "S21.3")
  }
}

extension Message {
  static func vote(from: UInt64, to: UInt64, _ term: UInt64) -> Message {
    Message(
      from: NodeID(from), to: NodeID(to), term: Term(term),
      body: .requestVoteReply(RequestVoteReply(candidateTerm: Term(term), voteGranted: true)))
  }

  static func append(
    from: UInt64, to: UInt64, _ term: UInt64, after: LogPosition, commit: UInt64
  ) -> Message {
    Message(
      from: NodeID(from), to: NodeID(to), term: Term(term),
      body: .appendEntries(
        AppendEntries(
          prevLog: after, leaderCommit: LogIndex(commit), round: 0, isQuiescing: false)))
  }

  static func acknowledge(
    from: UInt64, to: UInt64, _ term: UInt64, through index: UInt64
  ) -> Message {
    Message(
      from: NodeID(from), to: NodeID(to), term: Term(term),
      body: .appendEntriesReply(
        AppendEntriesReply(
          success: true, matchIndex: LogIndex(index), receivedIndex: LogIndex(index),
          rejectedIndex: .zero, hint: .zero, round: 0)))
  }
}

extension LogPosition {
  static let zero = LogPosition(term: .zero, index: .zero)
}

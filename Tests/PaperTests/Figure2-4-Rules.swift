// Figure 2, the box "Rules for Servers": one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Figure 2, Rules for Servers, all servers") struct AllServersTests {
  @Test func `if commitIndex > lastApplied: apply log[lastApplied] to state machine`() throws {
    var lone = try Lone.follower(term: 3, log: [1, 2, 3])

    let actions = lone(
      .receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(3, 3), commit: 2)))

    expectExactly(
      actions,
      """
      send n1>n2 term 3 appendEntriesReply match 3
      apply [1:1 1:1, 2:2 2:2]
      """)
  }

  @Test func `entries are applied in order, each once, whatever arrives again`() throws {
    var lone = try Lone.follower(term: 3, log: [1, 2, 3])
    let third = Message.appendEntries(
      from: 2, to: 1, term: 3, prev: LogPosition(3, 3), commit: 3)
    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(3, 3), commit: 2)))

    expectExactly(
      lone(.receive(third)),
      """
      send n1>n2 term 3 appendEntriesReply match 3
      apply [3:3 3:3]
      """)
    expectExactly(lone(.receive(third)), "send n1>n2 term 3 appendEntriesReply match 3")
  }

  @Test func `an entry is applied only when it is durable here`() throws {
    var lone = try Lone.follower(term: 3)

    let received = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 3, prev: LogPosition(0, 0), .commands(from: 1, term: 3, "x"),
          commit: 1)))

    expectExactly(received, "store #1 entries [1:3 x]")
    expectExactly(
      lone.persist(),
      """
      send n1>n2 term 3 appendEntriesReply match 1
      apply [1:3 x]
      """)
  }

  @Test(
    "if a request or response contains term T > currentTerm: convert to follower",
    arguments: [
      Message.vote(from: 2, to: 1, term: 9, for: 4, isGranted: false),
      .accepted(from: 2, to: 1, term: 9, match: 1),
      .rejected(from: 2, to: 1, term: 9, at: 1, hint: LogPosition(0, 0)),
      .appendEntries(from: 2, to: 1, term: 9, prev: LogPosition(0, 0)),
      .preVote(from: 2, to: 1, term: 9, for: 5, isGranted: false),
    ])
  func newerTerm(message: Message) throws {
    var leader = try Lone.leader(term: 4)
    var candidate = try Lone.candidate(term: 4)

    leader(.receive(message))
    candidate(.receive(message))

    #expect(leader.node.role == .follower)
    #expect(leader.node.currentTerm == 9)
    #expect(candidate.node.role == .follower)
    #expect(candidate.node.currentTerm == 9)
  }

  @Test func `a vote request of a newer term converts a leader only where no lease is promised`()
    throws
  {
    let message = Message.requestVote(from: 2, to: 1, term: 9, log: LogPosition(9, 8))
    var leader = try Lone.leader(term: 4) { $0.isCheckQuorumEnabled = false }

    leader(.receive(message))

    #expect(leader.node.role == .follower)
    #expect(leader.node.currentTerm == 9)
  }
}

@Suite("Figure 2, Rules for Servers, followers") struct FollowerTests {
  @Test func `respond to RPCs from candidates and leaders`() throws {
    var lone = try Lone.follower(term: 3)

    var toCandidate = lone(.receive(.requestVote(from: 2, to: 1, term: 4, log: LogPosition(0, 0))))
    toCandidate += lone.persist()
    let toLeader = lone(.receive(.appendEntries(from: 2, to: 1, term: 4, prev: LogPosition(0, 0))))

    #expect(toCandidate.messages.map(\.kind) == ["requestVoteReply"])
    #expect(toLeader.messages.map(\.kind) == ["appendEntriesReply"])
  }

  @Test func `a follower issues no requests on its own before its election timeout`() throws {
    var lone = try Lone.follower(term: 3)

    #expect(lone.tick(99).isEmpty)
  }

  @Test func `if election timeout elapses without hearing of anybody: convert to candidate`() throws
  {
    var lone = try Lone.follower(of: 5, term: 3) { $0.isPreVoteEnabled = false }

    let (ticks, actions) = lone.tickUntilSomething()

    #expect((100..<200).contains(ticks))
    #expect(lone.node.role == .candidate)
    expectExactly(actions, "store #1 term 4 vote n1")
    expectExactly(
      lone.persist(),
      """
      send n1>n2 term 4 requestVote for 4 log 0:0
      send n1>n3 term 4 requestVote for 4 log 0:0
      send n1>n4 term 4 requestVote for 4 log 0:0
      send n1>n5 term 4 requestVote for 4 log 0:0
      """)
  }

  @Test func `AppendEntries from the current leader holds the timeout back`() throws {
    var lone = try Lone.follower(term: 3)

    for _ in 0..<10 {
      lone.tick(90)
      lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0))))
    }

    #expect(lone.node.role == .follower)
  }

  @Test func `granting a vote to a candidate holds the timeout back`() throws {
    var lone = try Lone.follower(term: 3)
    lone.tick(99)

    lone(.receive(.requestVote(from: 2, to: 1, term: 4, log: LogPosition(0, 0))))
    lone.persist()

    #expect(lone.tick(99).isEmpty)
    #expect(lone.node.role == .follower)
  }

  @Test func `refusing a vote does not hold the timeout back`() throws {
    var lone = try Lone.follower(term: 3, log: [3])
    var ticks = 0

    while ticks < 400 {
      lone(.tick)
      ticks += 1
      if lone.node.role != .follower { break }
      let term = Term(lone.node.currentTerm.rawValue + 1)
      lone(.receive(.requestVote(from: 2, to: 1, term: term, log: LogPosition(0, 0))))
      lone.persist()
    }

    #expect((100..<200).contains(ticks))
  }

  @Test func `election timeouts are chosen randomly, so that they differ and split votes are rare`()
    throws
  {
    var waits: Set<Int> = []
    for seed in 0..<50 {
      var lone = try Lone.follower(term: 3) { $0.seed = UInt64(seed) }
      waits.insert(lone.tickUntilSomething().ticks)
    }

    #expect(waits.count > 25)
    #expect(waits.allSatisfy { (100..<200).contains($0) })
  }

  @Test func `nodes draw different timeouts also if each has its number for a seed`() throws {
    var waits: Set<Int> = []
    for id in 1...9 as ClosedRange<UInt64> {
      var lone = try Lone.follower(NodeID(id), of: 9, term: 3) { $0.seed = id }
      waits.insert(lone.tickUntilSomething().ticks)
    }

    #expect(waits.count > 5)
  }

  @Test func `nodes of one seed draw different timeouts`() throws {
    var waits: Set<Int> = []
    for id in 1...9 as ClosedRange<UInt64> {
      var lone = try Lone.follower(NodeID(id), of: 9, term: 3) { $0.seed = 4 }
      waits.insert(lone.tickUntilSomething().ticks)
    }

    #expect(waits.count > 5)
  }

  @Test func `the same seed draws the same timeout`() throws {
    var first = try Lone.follower(term: 3)
    var second = try Lone.follower(term: 3)

    #expect(first.tickUntilSomething().ticks == second.tickUntilSomething().ticks)
    #expect(first.node == second.node)
  }
}

@Suite("Figure 2, Rules for Servers, candidates") struct CandidateTests {
  @Test func `on conversion: increment currentTerm, vote for self, send RequestVote to all others`()
    throws
  {
    var lone = try Lone.follower(term: 3, log: [2, 3]) { $0.isPreVoteEnabled = false }

    let stood = lone(.campaign)

    #expect(lone.node.currentTerm == 4)
    #expect(lone.node.votedFor == 1)
    #expect(lone.node.leaderID == nil)
    expectExactly(stood, "store #1 term 4 vote n1")
    expectExactly(
      lone.persist(),
      """
      send n1>n2 term 4 requestVote for 4 log 2:3
      send n1>n3 term 4 requestVote for 4 log 2:3
      """)
  }

  @Test func `on conversion: reset election timer`() throws {
    var lone = try Lone.candidate(term: 4)

    #expect(lone.tick(99).isEmpty)
    #expect(lone.node.currentTerm == 4)
  }

  @Test func `if votes received from majority of servers: become leader`() throws {
    var lone = try Lone.candidate(of: 5, term: 4)

    lone(.receive(.vote(from: 2, to: 1, term: 4)))
    #expect(lone.node.role == .candidate, "two of five are no majority")
    lone(.receive(.vote(from: 3, to: 1, term: 4)))

    #expect(lone.node.role == .leader)
    #expect(lone.node.leaderID == 1)
  }

  @Test("a majority of an even number is more than half", arguments: [2, 4, 6] as [UInt64])
  func evenMajority(count: UInt64) throws {
    var lone = try Lone.candidate(of: count, term: 4)
    for voter in 2..<(count / 2 + 1) {
      lone(.receive(.vote(from: NodeID(voter), to: 1, term: 4)))
    }
    #expect(lone.node.role == .candidate, "half of \(count) is not enough")

    lone(.receive(.vote(from: NodeID(count / 2 + 1), to: 1, term: 4)))

    #expect(lone.node.role == .leader)
  }

  @Test func `the same vote twice is one vote`() throws {
    var lone = try Lone.candidate(of: 5, term: 4)

    lone(.receive(.vote(from: 2, to: 1, term: 4)))
    lone(.receive(.vote(from: 2, to: 1, term: 4)))

    #expect(lone.node.role == .candidate)
  }

  @Test func `a vote from a stranger is no vote`() throws {
    var lone = try Lone.candidate(of: 3, term: 4)

    lone(.receive(.vote(from: 8, to: 1, term: 4)))
    lone(.receive(.vote(from: 9, to: 1, term: 4)))

    #expect(lone.node.role == .candidate)
  }

  @Test func `a vote of an earlier election is no vote in this one`() throws {
    var lone = try Lone.candidate(of: 3, term: 4)
    lone(.campaign)
    lone.persist()
    #expect(lone.node.currentTerm == 5)

    lone(.receive(.vote(from: 2, to: 1, term: 4)))
    lone(.receive(.vote(from: 3, to: 1, term: 5, for: 4)))

    #expect(lone.node.role == .candidate)
  }

  @Test func `a pre-vote is no vote`() throws {
    var lone = try Lone.candidate(of: 3, term: 4)

    lone(.receive(.preVote(from: 2, to: 1, term: 3, for: 4)))
    lone(.receive(.preVote(from: 3, to: 1, term: 4, for: 4)))

    #expect(lone.node.role == .candidate)
  }

  @Test func `the own vote counts when it is durable, not before`() throws {
    var lone = try Lone.follower(of: 3, term: 3) { $0.isPreVoteEnabled = false }
    lone(.campaign)

    lone(.receive(.vote(from: 2, to: 1, term: 4)))
    #expect(lone.node.role == .candidate)
    lone.persist()

    #expect(lone.node.role == .leader)
  }

  @Test func `what a candidate tells of its term and log is durable before it is told`() throws {
    // A grant is given for the log that the request claims. If a crash could take back both the
    // term and the end of that log, a second candidacy in the same term would win by it.
    var lone = try Lone.follower(of: 3, term: 3, log: [3]) { $0.isPreVoteEnabled = false }
    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 3, prev: LogPosition(1, 3), .commands(from: 2, term: 3, "x"))))

    let stood = lone(.campaign)
    let first = lone(.persisted(1))
    let second = lone(.persisted(2))

    expectExactly(stood, "store #2 term 4 vote n1")
    expectExactly(first, "")
    expectExactly(
      second,
      """
      send n1>n2 term 4 requestVote for 4 log 2:3
      send n1>n3 term 4 requestVote for 4 log 2:3
      """)
  }

  @Test func `if AppendEntries received from new leader: convert to follower`() throws {
    var lone = try Lone.candidate(term: 4)

    lone(.receive(.appendEntries(from: 3, to: 1, term: 4, prev: LogPosition(0, 0))))

    #expect(lone.node.role == .follower)
    #expect(lone.node.leaderID == 3)
    #expect(lone.node.currentTerm == 4)
  }

  @Test func `AppendEntries from a leader of an older term does not convert a candidate`() throws {
    var lone = try Lone.candidate(term: 4)

    lone(.receive(.appendEntries(from: 3, to: 1, term: 3, prev: LogPosition(0, 0))))

    #expect(lone.node.role == .candidate)
  }

  @Test func `if election timeout elapses: start new election`() throws {
    var lone = try Lone.candidate(term: 4)

    let (ticks, actions) = lone.tickUntilSomething()

    #expect((100..<200).contains(ticks))
    expectExactly(actions, "store #2 term 5 vote n1")
    #expect(lone.node.role == .candidate)
    #expect(lone.node.currentTerm == 5)
  }
}

@Suite("Figure 2, Rules for Servers, leaders") struct LeaderTests {
  @Test func `upon election: send initial heartbeats, which bring the no-op of the new term`()
    throws
  {
    var lone = try Lone.candidate(term: 4, log: [1, 3])

    let actions = lone(.receive(.vote(from: 2, to: 1, term: 4)))

    expectExactly(
      actions,
      """
      store #2 entries [3:4 noop]
      send n1>n2 term 4 appendEntries prev 2:3 [3:4 noop] commit 0
      send n1>n3 term 4 appendEntries prev 2:3 [3:4 noop] commit 0
      """)
  }

  @Test func `repeat during idle periods to prevent election timeouts`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)
    lone.tick(9)

    let actions = lone.tick(1)

    expectExactly(
      actions,
      """
      send n1>n2 term 4 appendEntries prev 1:4 commit 1 round 1
      send n1>n3 term 4 appendEntries prev 1:4 commit 1 round 1
      """)
  }

  @Test func `proposals do not hold heartbeats back, by which the leader watches itself`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)
    var sent: [Message] = []

    for number in 1...10 as ClosedRange<UInt64> {
      lone(.propose(Proposal(RequestID(number), EntryBlock([7]))))
      sent += lone(.tick).messages
    }

    #expect(sent.filter { $0.text.hasSuffix("round 1") }.map(\.to) == [2, 3])
  }

  @Test func `if command received from client: append entry to local log`() throws {
    var lone = try Lone.leader(term: 4)

    lone(.propose(Proposal(1, EntryBlock([7]))))

    #expect(lone.node.log.last == LogPosition(2, 4))
    #expect(lone.node.log.entry(at: 2)?.kind == .command)
  }

  @Test func `respond to the client after the entry is committed and given to be applied`() throws {
    var lone = try Lone.leader(term: 4, log: [1])

    let proposed = lone(.propose(Proposal(1, EntryBlock(Array("x".utf8)))))
    let stored = lone.persist()
    let acknowledged = lone.acknowledge(by: 2)

    #expect(proposed.outcomes == ["r1 accepted 3:4"])
    #expect(stored.outcomes == [])
    #expect(acknowledged.outcomes == ["r1 committed 3:4 on 2"])
    #expect(acknowledged.contains { $0.text == "apply [1:1 1:1, 2:4 noop, 3:4 x]" })
  }

  @Test func `if last log index ≥ nextIndex: send log entries starting at nextIndex`() throws {
    var lone = try Lone.leader(term: 4, log: [1, 2, 3])
    lone(.propose(Proposal(1, EntryBlock(Array("x".utf8)))))

    let actions = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 3)))

    expectExactly(
      actions,
      "send n1>n2 term 4 appendEntries prev 3:3 [4:4 noop, 5:4 x] commit 0")
  }

  @Test func `if successful: update nextIndex and matchIndex`() throws {
    var lone = try Lone.leader(term: 4, log: [1, 2])

    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 3)))

    #expect(lone.node.progress.first?.matchIndex == 3)
    #expect(lone.node.progress.first?.nextIndex == 4)
    #expect(lone.node.progress.first?.state == .replicate)
  }

  @Test func `if it fails because of log inconsistency: decrement nextIndex and retry`() throws {
    var lone = try Lone.leader(term: 4, log: [1, 2, 2, 3])

    let actions = lone(
      .receive(.rejected(from: 2, to: 1, term: 4, at: 4, hint: LogPosition(3, 2))))

    expectExactly(
      actions,
      "send n1>n2 term 4 appendEntries prev 3:2 [4:3 4:3, 5:4 noop] commit 0")
    #expect(lone.node.progress.first?.nextIndex == 4)
  }

  @Test func `nextIndex goes back over a whole term that the follower does not have`() throws {
    // The follower's last entry is of term 1: entries of terms 2 and 3 need not be tried.
    var lone = try Lone.leader(term: 4, log: [1, 2, 2, 2, 3, 3])

    let actions = lone(
      .receive(.rejected(from: 2, to: 1, term: 4, at: 6, hint: LogPosition(5, 1))))

    #expect(actions.messages.map(\.kind) == ["appendEntries"])
    #expect(lone.node.progress.first?.nextIndex == 2)
  }

  @Test func `a rejection that is late does not move nextIndex back`() throws {
    var lone = try Lone.leader(term: 4, log: [1, 2, 3])
    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 4)))

    let actions = lone(
      .receive(.rejected(from: 2, to: 1, term: 4, at: 3, hint: LogPosition(0, 0))))

    expectExactly(actions)
    #expect(lone.node.progress.first?.nextIndex == 5)
    #expect(lone.node.progress.first?.matchIndex == 4)
  }

  @Test func `if a majority of matchIndex ≥ N and log[N] is of the term: set commitIndex = N`()
    throws
  {
    var lone = try Lone.leader(of: 5, term: 4, log: [1])

    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 2)))
    #expect(lone.node.commitIndex == 0)
    lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 2)))

    #expect(lone.node.commitIndex == 2)
  }

  @Test("a majority of an even number of matchIndex is more than half", arguments: [2, 4, 6])
  func evenCommit(count: UInt64) throws {
    var lone = try Lone.leader(of: count, term: 4)
    for follower in 2..<(count / 2 + 1) {
      lone(.receive(.accepted(from: NodeID(follower), to: 1, term: 4, match: 1)))
    }
    #expect(lone.node.commitIndex == 0, "the leader and its followers are half of \(count)")

    lone(.receive(.accepted(from: NodeID(count / 2 + 1), to: 1, term: 4, match: 1)))

    #expect(lone.node.commitIndex == 1)
  }

  @Test func `entries of earlier terms are not committed by counting replicas`() throws {
    // §5.4.2, Figure 8: everybody has entry 2 of term 2, and it is not committed by that.
    var lone = try Lone.leader(term: 4, log: [1, 2])

    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 2)))
    lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 2)))
    #expect(lone.node.commitIndex == 0)

    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 3)))
    #expect(lone.node.commitIndex == 3, "and with an entry of term 4 all before it are")
  }

  @Test func `an acknowledgement beyond the log, or of nobody, is put aside`() throws {
    var lone = try Lone.leader(term: 4)

    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 90)))
    lone(.receive(.accepted(from: 9, to: 1, term: 4, match: 1)))

    #expect(lone.node.commitIndex <= 1)
    #expect(lone.node.role == .leader)
  }

  @Test func `a leader that is told to campaign goes on leading`() throws {
    var lone = try Lone.leader(term: 4)

    expectExactly(lone(.campaign))

    #expect(lone.node.role == .leader)
    #expect(lone.node.currentTerm == 4)
  }
}

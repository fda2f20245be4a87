// Figure 2, the box "RequestVote RPC": one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Figure 2, RequestVote RPC") struct RequestVoteTests {
  @Test func `invoked by candidates to gather votes, with term and last log index and term`() throws
  {
    var lone = try Lone.follower(term: 3, log: [1, 1, 3]) { $0.isPreVoteEnabled = false }

    let stood = lone(.campaign)
    let stored = lone.persist()

    expectExactly(stood, "store #1 term 4 vote n1")
    expectExactly(
      stored,
      """
      send n1>n2 term 4 requestVote for 4 log 3:3
      send n1>n3 term 4 requestVote for 4 log 3:3
      """)
  }

  @Test func `a reply carries currentTerm, for the candidate to update itself`() throws {
    var lone = try Lone.follower(term: 9)

    let actions = lone(.receive(.requestVote(from: 2, to: 1, term: 4, log: LogPosition(0, 0))))

    expectExactly(actions, "send n1>n2 term 9 requestVoteReply for 4 denied")
    var candidate = try Lone.candidate(2, term: 4)
    candidate(.receive(try #require(actions.messages.first)))
    #expect(candidate.node.currentTerm == 9)
    #expect(candidate.node.role == .follower)
  }

  @Test func `voteGranted true means candidate received vote`() throws {
    var lone = try Lone.candidate(term: 4)

    lone(.receive(.vote(from: 2, to: 1, term: 4)))

    #expect(lone.node.role == .leader)
  }

  @Test func `voteGranted false means it did not`() throws {
    var lone = try Lone.candidate(of: 5, term: 4)

    lone(.receive(.vote(from: 2, to: 1, term: 4, isGranted: false)))
    lone(.receive(.vote(from: 3, to: 1, term: 4)))

    #expect(lone.node.role == .candidate)
  }

  @Test func `1. reply false if term < currentTerm`() throws {
    var lone = try Lone.follower(term: 5)

    let actions = lone(.receive(.requestVote(from: 2, to: 1, term: 4, log: LogPosition(9, 4))))

    expectExactly(actions, "send n1>n2 term 5 requestVoteReply for 4 denied")
    #expect(lone.node.votedFor == nil)
  }

  @Test func `2. if votedFor is null and the log is as up-to-date, grant vote`() throws {
    var lone = try Lone.follower(term: 5, log: [1, 5])

    let asked = lone(.receive(.requestVote(from: 2, to: 1, term: 5, log: LogPosition(2, 5))))

    expectExactly(asked, "store #1 term 5 vote n2")
    expectExactly(lone.persist(), "send n1>n2 term 5 requestVoteReply for 5 granted")
  }

  @Test func `a candidate that asks again while the vote is written gets one answer`() throws {
    var lone = try Lone.follower(term: 5)

    for _ in 0..<3 {
      lone(.receive(.requestVote(from: 2, to: 1, term: 5, log: LogPosition(0, 0))))
    }

    expectExactly(lone.persist(), "send n1>n2 term 5 requestVoteReply for 5 granted")
    // Asked once more after that, it says so once more.
    let again = lone(.receive(.requestVote(from: 2, to: 1, term: 5, log: LogPosition(0, 0))))
    expectExactly(again, "send n1>n2 term 5 requestVoteReply for 5 granted")
  }

  @Test func `2. if votedFor is the candidate, grant vote again, without a write`() throws {
    var lone = try Lone.follower(term: 5, votedFor: 2)

    let actions = lone(.receive(.requestVote(from: 2, to: 1, term: 5, log: LogPosition(0, 0))))

    expectExactly(actions, "send n1>n2 term 5 requestVoteReply for 5 granted")
  }

  @Test("2. if votedFor is another, the vote is not granted", arguments: [2, 3, 4] as [NodeID])
  func oneVotePerTerm(rival: NodeID) throws {
    var lone = try Lone.follower(of: 5, term: 5, votedFor: 5)

    let actions = lone(.receive(.requestVote(from: rival, to: 1, term: 5, log: LogPosition(9, 5))))

    expectExactly(actions, "send n1>\(rival) term 5 requestVoteReply for 5 denied")
    #expect(lone.node.votedFor == 5)
  }

  @Test func `2. a vote that waits for the disk is already a vote`() throws {
    var lone = try Lone.follower(term: 5)
    lone(.receive(.requestVote(from: 2, to: 1, term: 5, log: LogPosition(0, 0))))

    let rival = lone(.receive(.requestVote(from: 3, to: 1, term: 5, log: LogPosition(9, 5))))

    expectExactly(rival, "send n1>n3 term 5 requestVoteReply for 5 denied")
  }

  @Test func `2. a vote told after its term is over is not told`() throws {
    var lone = try Lone.follower(term: 5)
    lone(.receive(.requestVote(from: 2, to: 1, term: 6, log: LogPosition(0, 0))))
    lone(.receive(.requestVote(from: 3, to: 1, term: 7, log: LogPosition(0, 0))))

    expectExactly(lone.persist(), "send n1>n3 term 7 requestVoteReply for 7 granted")
  }

  /// §5.4.1: the later last term wins; with equal terms the longer log does.
  @Test(
    "2. grant only if the candidate's log is at least as up-to-date as the receiver's log",
    arguments: [
      ([1, 3, 3], LogPosition(3, 3), true), ([1, 3, 3], LogPosition(4, 3), true),
      ([1, 3, 3], LogPosition(2, 3), false), ([1, 3, 3], LogPosition(1, 4), true),
      ([1, 3, 3], LogPosition(9, 2), false), ([1, 3, 3], LogPosition(0, 0), false),
      ([], LogPosition(0, 0), true), ([2], LogPosition(0, 0), false),
    ] as [([Term], LogPosition, Bool)])
  func upToDate(mine: [Term], theirs: LogPosition, isGranted: Bool) throws {
    var lone = try Lone.follower(term: 4, log: mine)

    var actions = lone(.receive(.requestVote(from: 2, to: 1, term: 5, log: theirs)))
    actions += lone.persist()

    let word = isGranted ? "granted" : "denied"
    #expect(
      actions.messages.map(\.text) == ["n1>n2 term 5 requestVoteReply for 5 \(word)"])
    #expect(lone.node.currentTerm == 5, "the term is adopted in either case")
  }

  @Test(
    "2. a log that was compacted away entirely still counts as a log",
    arguments: [
      (LogPosition(9, 3), false), (LogPosition(4, 4), false), (LogPosition(5, 4), true),
    ])
  func compacted(theirs: LogPosition, isGranted: Bool) throws {
    var lone = try Lone.compacted(through: LogPosition(5, 4), term: 4)

    var actions = lone(.receive(.requestVote(from: 2, to: 1, term: 5, log: theirs)))
    actions += lone.persist()

    let word = isGranted ? "granted" : "denied"
    #expect(
      actions.messages.map(\.text) == ["n1>n2 term 5 requestVoteReply for 5 \(word)"])
  }
}

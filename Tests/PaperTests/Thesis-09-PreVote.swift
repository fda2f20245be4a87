// Thesis §9.6, preventing disruptions when a server rejoins the cluster: one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Thesis 9.6, pre-vote") struct PreVoteTests {
  @Test func `a candidate only increments its term if a majority would be willing to vote for it`()
    throws
  {
    var lone = try Lone.follower(of: 5, term: 3, log: [3])

    let asked = lone(.campaign)

    expectExactly(
      asked,
      """
      send n1>n2 term 3 requestPreVote for 4 log 1:3
      send n1>n3 term 3 requestPreVote for 4 log 1:3
      send n1>n4 term 3 requestPreVote for 4 log 1:3
      send n1>n5 term 3 requestPreVote for 4 log 1:3
      """)
    #expect(lone.node.role == .preCandidate)
    #expect(lone.node.currentTerm == 3)
    #expect(lone.node.votedFor == nil)

    expectExactly(lone(.receive(.preVote(from: 2, to: 1, term: 3, for: 4))))
    let majority = lone(.receive(.preVote(from: 3, to: 1, term: 3, for: 4)))
    expectExactly(majority, "store #1 term 4 vote n1")
    #expect(lone.node.role == .candidate)
  }

  @Test func `a cut off server does not increment its term, however long it waits`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.partition([1, 2], [3])

    cluster.tick(3, 5_000)

    #expect(cluster[3].currentTerm == 1)
  }

  @Test func `it does not disrupt the cluster when it comes back`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.partition([1, 2], [3])
    cluster.tick(3, 5_000)
    cluster.heal()

    cluster.run(300)

    #expect(cluster.leader == 1)
    #expect(cluster[1].currentTerm == 1)
    #expect(cluster[3].leaderID == 1)
  }

  @Test func `a pre-vote is granted if the log is up-to-date and no leader was heard of`() throws {
    var lone = try Lone.follower(term: 3, log: [3])

    let actions = lone(.receive(.requestPreVote(from: 2, to: 1, for: 4, log: LogPosition(1, 3))))

    expectExactly(actions, "send n1>n2 term 3 requestPreVoteReply for 4 granted")
    #expect(lone.node.votedFor == nil, "it is no vote")
  }

  @Test func `a pre-vote may be granted to many in one term`() throws {
    var lone = try Lone.follower(term: 3, log: [3])
    lone(.receive(.requestPreVote(from: 2, to: 1, for: 4, log: LogPosition(1, 3))))

    let actions = lone(.receive(.requestPreVote(from: 3, to: 1, for: 4, log: LogPosition(1, 3))))

    expectExactly(actions, "send n1>n3 term 3 requestPreVoteReply for 4 granted")
  }

  @Test func `a pre-vote is refused to a log that is behind`() throws {
    var lone = try Lone.follower(term: 3, log: [3])

    let actions = lone(.receive(.requestPreVote(from: 2, to: 1, for: 4, log: LogPosition(9, 2))))

    expectExactly(actions, "send n1>n2 term 3 requestPreVoteReply for 4 denied")
  }

  @Test func `a pre-vote is refused by those who hear of a leader`() throws {
    var lone = try Lone.follower(term: 3, log: [3])
    lone(.receive(.appendEntries(from: 3, to: 1, term: 3, prev: LogPosition(1, 3))))
    lone.tick(99)

    let actions = lone(.receive(.requestPreVote(from: 2, to: 1, for: 4, log: LogPosition(1, 3))))

    expectExactly(actions, "send n1>n2 term 3 requestPreVoteReply for 4 denied")
  }

  @Test func `a pre-vote is granted to the leader itself, if it asks`() throws {
    // It has lost its office, and this follower has not noticed.
    var lone = try Lone.follower(term: 3, log: [3])
    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(1, 3))))

    let actions = lone(.receive(.requestPreVote(from: 2, to: 1, for: 4, log: LogPosition(1, 3))))

    expectExactly(actions, "send n1>n2 term 3 requestPreVoteReply for 4 granted")
  }

  @Test func `a candidate of an older term learns the newer one from the refusal`() throws {
    var lone = try Lone.follower(term: 9, log: [3])

    let actions = lone(.receive(.requestPreVote(from: 2, to: 1, for: 4, log: LogPosition(9, 3))))

    expectExactly(actions, "send n1>n2 term 9 requestPreVoteReply for 4 denied")
    var candidate = try Lone.follower(2, term: 3)
    candidate(.campaign)
    candidate(.receive(try #require(actions.messages.first)))
    #expect(candidate.node.currentTerm == 9)
    #expect(candidate.node.role == .follower)
  }

  @Test func `asking changes nobody's term`() throws {
    var lone = try Lone.follower(term: 3)

    lone(.receive(.requestPreVote(from: 2, to: 1, for: 9, log: LogPosition(1, 3))))

    #expect(lone.node.currentTerm == 3)
  }

  @Test func `a pre-vote of an earlier question does not count`() throws {
    var lone = try Lone.follower(of: 3, term: 3)
    lone(.campaign)

    lone(.receive(.preVote(from: 2, to: 1, term: 3, for: 3)))

    #expect(lone.node.role == .preCandidate)
  }

  @Test func `refused by a majority, it waits as a follower for its next timeout`() throws {
    var lone = try Lone.follower(of: 3, term: 3)
    lone(.campaign)

    lone(.receive(.preVote(from: 2, to: 1, term: 3, for: 4, isGranted: false)))
    lone(.receive(.preVote(from: 3, to: 1, term: 3, for: 4, isGranted: false)))

    #expect(lone.node.role == .follower)
    #expect(lone.node.currentTerm == 3)
    #expect(lone.tick(99).isEmpty)
  }

  @Test func `a pre-candidate knows no leader, and follows one that it hears of`() throws {
    var lone = try Lone.follower(of: 3, term: 3)
    lone(.receive(.appendEntries(from: 3, to: 1, term: 3, prev: LogPosition(0, 0))))
    lone(.campaign)
    #expect(lone.node.leaderID == nil)

    lone(.receive(.appendEntries(from: 3, to: 1, term: 3, prev: LogPosition(0, 0))))

    #expect(lone.node.role == .follower)
    #expect(lone.node.leaderID == 3)
  }

  @Test func `nodes with pre-vote and nodes without it can elect one another`() throws {
    var cluster = Cluster()
    for id in [1, 2, 3] as [NodeID] {
      cluster.add(id, DurableState(bootstrapping: .voters(3))) { $0.isPreVoteEnabled = id == 1 }
    }
    cluster.run(400)
    #expect(cluster.leader != nil)
    if let leader = cluster.leader { cluster.crash(leader) }

    cluster.run(600)

    #expect(cluster.leader != nil)
  }
}

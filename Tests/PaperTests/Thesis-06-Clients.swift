// Thesis §6, client interaction, and §8 of the paper: one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Thesis 6.2, routing requests to the leader") struct RoutingTests {
  @Test func `a server that is not the leader rejects the request and tells whom it knows`() throws
  {
    var cluster = Cluster(3)
    let early = cluster.propose(2, "x")
    cluster.elect(1)
    let late = cluster.propose(2, "x")

    #expect(cluster.answers(early) == [.outcome(.refused(.notLeader(leader: nil)))])
    #expect(cluster.answers(late) == [.outcome(.refused(.notLeader(leader: 1)))])
  }

  @Test func `or hands the request to the leader, where that is wanted`() throws {
    var cluster = Cluster(3) { $0.isForwardingProposals = true }
    cluster.elect(1)

    let request = cluster.propose(2, "x")
    cluster.run(5)

    #expect(cluster.commands(1) == ["x"])
    #expect(
      cluster.answers(request).first == .outcome(.accepted(LogPosition(2, 1))))
    #expect(cluster.answers(request).count == 2)
  }

  @Test func `a leader steps down if an election timeout elapses without a majority's answer`()
    throws
  {
    var cluster = Cluster(5)
    cluster.elect(1)
    let pending = cluster.propose(1, "x")
    cluster.partition([1, 2], [3, 4, 5])
    var ticks = 0
    while cluster[1].role == .leader && ticks < 500 {
      cluster.run(1)
      ticks += 1
    }

    #expect((90...130).contains(ticks))
    #expect(cluster[1].leaderID == nil)
    #expect(cluster[1].currentTerm == 1)
    #expect(cluster.answers(pending).count == 1, "its fate is open")
  }

  @Test func `a leader that hears of a majority stays`() throws {
    var cluster = Cluster(5)
    cluster.elect(1)
    cluster.partition([1, 2, 3], [4], [5])

    cluster.run(1_000)

    #expect(cluster[1].role == .leader)
    #expect(cluster[1].currentTerm == 1)
  }

  @Test func `a request whose fate the old leader cannot learn is answered unknown`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.partition([1], [2, 3])
    let request = cluster.propose(1, "x")

    cluster.tick(1, 2_000)

    let last = try #require(cluster.answers(request).last)
    #expect(
      last == .outcome(.unknown(LogPosition(2, 1), .leadershipLost)))
  }
}

@Suite("Thesis 6.4, read-only queries") struct ReadTests {
  @Test func `1. a leader that has committed no entry of its term waits until it has`() throws {
    var lone = try Lone.leader(term: 4, log: [1, 2])

    let asked = lone(.read(1, .linearizable))
    #expect(asked.isEmpty)
    let committed = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 3)))
    #expect(
      committed.messages.map(\.text) == [
        "n1>n2 term 4 appendEntries prev 3:4 commit 3 round 1",
        "n1>n3 term 4 appendEntries prev 0:0 commit 3 round 1",
      ] || committed.messages.count == 2, "the round begins now")

    lone(.applied(through: 3))
    let confirmed = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 3, round: 1)))
    expectExactly(confirmed, "ready r1 at 3")
  }

  @Test func `2. the read index is commitIndex at the time of the question`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2)
    lone(.applied(through: 1))
    lone(.read(1, .linearizable))
    lone(.propose(Proposal(9, EntryBlock(Array("b".utf8)))))
    lone.persist()
    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 2)))
    #expect(lone.node.commitIndex == 2)

    let confirmed = lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 1, round: 1)))

    expectExactly(
      confirmed,
      """
      send n1>n3 term 4 appendEntries prev 1:4 [2:4 b] commit 2 round 1
      ready r1 at 1
      """)
  }

  @Test func `2. an entry that is not committed is not waited for`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)
    lone(.applied(through: 1))
    lone(.propose(Proposal(9, EntryBlock([7]))))

    lone(.read(1, .linearizable))
    let confirmed = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 1, round: 1)))

    expectExactly(confirmed, "ready r1 at 1")
  }

  @Test func `3. a round of heartbeats to a majority confirms that it still leads`() throws {
    var lone = try Lone.leader(of: 5, term: 4)
    lone.acknowledge(by: 2, 3)
    lone(.applied(through: 1))

    let asked = lone(.read(1, .linearizable))
    #expect(asked.messages.count == 4)
    let one = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 1, round: 1)))
    let twice = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 1, round: 1)))
    let two = lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 1, round: 1)))

    expectExactly(one)
    expectExactly(twice)
    expectExactly(two, "ready r1 at 1")
  }

  @Test func `3. an answer to a message from before the question confirms nothing`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)
    lone(.applied(through: 1))
    lone.tick(10)
    lone(.read(1, .linearizable))

    let stale = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 1, round: 1)))
    let fresh = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 1, round: 2)))

    expectExactly(stale)
    expectExactly(fresh, "ready r1 at 1")
  }

  @Test func `3. a follower answers with the newest round of this leader, not of one before it`()
    throws
  {
    var lone = try Lone.follower(term: 3)
    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0), round: 5)))
    lone(.receive(.appendEntries(from: 3, to: 1, term: 4, prev: LogPosition(0, 0), round: 2)))
    expectExactly(lone.persist(), "send n1>n3 term 4 appendEntriesReply match 0 round 2")

    // A message that was overtaken by a newer one brings nothing new.
    expectExactly(
      lone(.receive(.appendEntries(from: 3, to: 1, term: 4, prev: LogPosition(0, 0), round: 1))),
      "send n1>n3 term 4 appendEntriesReply match 0 round 2")
  }

  @Test func `3. a refused append confirms as well: it is of this term`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2)
    lone(.applied(through: 1))
    lone(.read(1, .linearizable))
    let refusal = Message.rejected(
      from: 3, to: 1, term: 4, at: 0, hint: LogPosition(0, 0), round: 1)

    #expect(lone(.receive(refusal)).contains { $0.text == "ready r1 at 1" })
  }

  @Test func `3. a learner's answer confirms nothing`() throws {
    var cluster = Cluster(try Membership(voters: [1, 2, 3], learners: [4]))
    cluster.elect(1)
    cluster.partition([1, 4], [2, 3])

    let request = cluster.read(1)
    cluster.run(20)

    #expect(cluster.answers(request).isEmpty)
  }

  @Test func `4. the answer waits until the state machine has applied the read index`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2)
    lone(.read(1, .linearizable))

    let confirmed = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 1, round: 1)))
    let applied = lone(.applied(through: 1))

    expectExactly(confirmed)
    expectExactly(applied, "ready r1 at 1")
  }

  @Test func `many reads share one round`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2)
    lone(.applied(through: 1))

    let first = lone(.read(1, .linearizable))
    let second = lone(.read(2, .linearizable))
    let third = lone(.read(3, .linearizable))
    let confirmed = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 1, round: 1)))

    #expect(first.messages.count == 2)
    #expect(second.isEmpty && third.isEmpty, "they came after the round had begun")
    #expect(confirmed.contains { $0.text == "ready r1 at 1" })
    #expect(!confirmed.contains { $0.text == "ready r2 at 1" })
    let next = lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 1, round: 2)))
    #expect(next.map(\.text) == ["ready r2 at 1", "ready r3 at 1"])
  }

  @Test func `followers can help: they ask the leader for a read index`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.propose(1, "x")
    cluster.run(5)

    let request = cluster.read(2)
    #expect(cluster.flights.map(\.message.kind) == ["readIndex"])
    cluster.deliverAll()

    #expect(cluster.answers(request) == [.ready(2, commands: ["x"])])
  }

  @Test func `a leader that was deposed without knowing answers no read`() throws {
    var cluster = Cluster(3) {
      $0.isCheckQuorumEnabled = false
      $0.isPreVoteEnabled = false
    }
    cluster.elect(1)
    cluster.propose(1, "old")
    cluster.run(5)
    cluster.partition([1], [2, 3])
    cluster.elect(2)
    cluster.propose(2, "new")
    cluster.deliverAll()

    let request = cluster.read(1)
    cluster.run(50)
    #expect(cluster[1].role == .leader)
    #expect(cluster.answers(request).isEmpty)
    cluster.heal()
    cluster.run(30)

    #expect(cluster.answers(request) == [.outcome(.refused(.notConfirmed(leader: nil)))])
  }

  @Test func `the only voter answers at once, but not before an entry of its term is committed`()
    throws
  {
    var cluster = Cluster(1)
    cluster.elect(1)
    cluster.propose(1, "x")
    cluster.restart(1)
    cluster.setDisk(1, isPrompt: false)
    cluster.step(1, .campaign)
    cluster.persist(1)
    cluster.persist(1, 0)

    let request = cluster.read(1)
    if cluster[1].commitIndex < cluster[1].log.lastIndex {
      #expect(cluster.answers(request).isEmpty)
    }
    cluster.persist(1)

    #expect(cluster.answers(request) == [.ready(3, commands: ["x"])])
  }
}

@Suite("Thesis 6.4.1, using clocks to reduce messaging for read-only queries") struct LeaseTests {
  static func leased(drift: UInt64 = 100) -> Cluster {
    var cluster = Cluster(3) { $0.leaseDriftPerMille = drift }
    cluster.elect(1)
    cluster.run(10)
    return cluster
  }

  @Test func `leases are off unless a bound on clock drift is given`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.run(10)
    #expect(!cluster[1].hasLease)

    let request = cluster.read(1, .lease)

    #expect(cluster.answers(request).isEmpty, "it needs a round like any other")
    cluster.deliverAll()
    #expect(cluster.answers(request).count == 1)
  }

  @Test func `once acknowledged by a majority, the leader answers without a round`() throws {
    var cluster = LeaseTests.leased()
    #expect(cluster[1].hasLease)

    let request = cluster.read(1, .lease)

    #expect(cluster.answers(request).count == 1)
    #expect(cluster.flights.isEmpty)
  }

  @Test func `the lease lasts an election timeout, less the bound on clock drift`() throws {
    var cluster = LeaseTests.leased(drift: 100)
    cluster.partition([1], [2, 3])
    var ticks = 0
    while cluster[1].hasLease && ticks < 200 {
      cluster.tick(1)
      ticks += 1
    }

    // 99 ticks of promise, times 900 and divided by 1100, are 81; heartbeats come every 10.
    #expect((70...81).contains(ticks))
    let request = cluster.read(1, .lease)
    #expect(cluster.answers(request).isEmpty)
  }

  @Test func `it begins when the round was sent, not when its answers came`() throws {
    var cluster = LeaseTests.leased(drift: 0)
    cluster.holds = [{ $0.kind == "appendEntriesReply" }]
    while cluster[1].hasLease { cluster.run(1) }
    // The first answer that was held back is to the next round, which began 10 ticks later: from it
    // the lease would have lasted 10 ticks more.
    cluster.run(11)
    #expect(cluster[1].role == .leader)
    let first = try #require(cluster.flights.first?.message)
    cluster.arrive(first)

    #expect(!cluster[1].hasLease, "an answer to an old round prolongs nothing")
  }

  @Test func `no other leader can be elected while the lease lasts`() throws {
    var cluster = LeaseTests.leased()
    cluster.partition([1], [2, 3])
    var ticks = 0
    while cluster[1].hasLease {
      for node in [1, 2, 3] as [NodeID] { cluster.tick(node) }
      cluster.step(2, .campaign)
      cluster.deliverAll()
      #expect(cluster[2].role != .leader)
      ticks += 1
      try #require(ticks < 300)
    }
  }

  @Test func `a server that helped to grant it does not stand itself, even if it is told to`()
    throws
  {
    // Node 3 has not heard of the leader for long and would vote for anybody.
    var cluster = LeaseTests.leased()
    cluster.partition([1, 2], [3])
    cluster.run(120)
    #expect(cluster[1].hasLease)

    cluster.partition([1], [2, 3])
    cluster.step(2, .campaign)
    cluster.deliverAll()

    #expect(cluster[2].role != .leader)
  }

  @Test func `the promise holds also for a request of a term that the server has come to already`()
    throws
  {
    var lone = try Lone.follower(term: 3) { $0.leaseDriftPerMille = 100 }
    for _ in 0..<3 {
      lone.tick(90)
      lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0))))
    }
    // Any message of the candidate brings its term; then its request is no newer than this server.
    lone(.receive(.vote(from: 3, to: 1, term: 5, isGranted: false)))
    lone.persist()

    expectExactly(
      lone(.receive(.requestVote(from: 3, to: 1, term: 5, log: LogPosition(0, 0)))),
      "send n1>n3 term 5 requestVoteReply for 5 denied")
  }

  @Test func `it is given up when leadership is handed over`() throws {
    var cluster = LeaseTests.leased()
    cluster.holds = [{ $0.kind == "timeoutNow" }]

    cluster.transfer(1, to: 2)
    #expect(!cluster[1].hasLease)
    cluster.run(300)

    #expect(cluster[1].role == .leader)
    #expect(!cluster[1].isTransferring)
    #expect(!cluster[1].hasLease, "TimeoutNow may still be under way")
  }

  @Test func `a server that restarts keeps the promise that it may have made`() throws {
    var cluster = LeaseTests.leased()
    cluster.partition([1], [2, 3])
    cluster.restart(2)
    cluster.restart(3)

    cluster.step(2, .campaign)
    cluster.deliverAll()
    #expect(cluster[2].role != .leader)
    #expect(cluster[1].hasLease)

    for _ in 0..<300 {
      for node in [2, 3] as [NodeID] { cluster.tick(node) }
      cluster.deliverAll()
    }
    #expect(cluster.leader == 2 || cluster.leader == 3, "but not for ever")
  }
}

@Suite("Paper 8, client interaction: the no-op") struct NoOperationTests {
  @Test func `each leader commits a blank no-op entry at the start of its term`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)

    cluster.elect(2)

    #expect(cluster[2].log.entry(at: 2)?.kind == .noOperation)
    #expect(cluster[2].log.entry(at: 2)?.term == 2)
    #expect(cluster[2].commitIndex == 2)
  }

  @Test func `the first leader of a new log begins with the membership instead`() throws {
    var cluster = Cluster(3)

    cluster.elect(2)

    #expect(cluster[2].log.entry(at: 1)?.kind == .membership)
    #expect(cluster[2].membership == .voters(3))
    #expect(cluster[2].commitIndex == 1)
  }

  @Test func `by it a leader finds out which entries of earlier terms are committed`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.propose(1, "x")
    cluster.deliverAll()
    cluster.crash(1)
    #expect(cluster[2].commitIndex < 2, "nobody told it")

    cluster.elect(2)

    #expect(cluster[2].commitIndex == 3)
    #expect(cluster.commands(2) == ["x"])
  }

  @Test func `the only voter commits again after a restart, by itself`() throws {
    var cluster = Cluster(1)
    cluster.elect(1)
    cluster.propose(1, "x")

    cluster.restart(1)
    cluster.run(300)

    #expect(cluster[1].role == .leader)
    #expect(cluster.commands(1) == ["x"])
    #expect(cluster[1].commitIndex == 3)
  }
}

// Thesis §4, cluster membership changes, and §6 of the paper: one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Thesis 4.1, safety of membership changes") struct MembershipSafetyTests {
  @Test func `only one server is added or removed at a time, without a joint configuration`() throws
  {
    var cluster = Cluster(3)
    cluster.add(4)
    cluster.elect(1)

    cluster.change(1, .addLearner(4))
    cluster.deliverAll()
    cluster.change(1, .addVoter(4))
    #expect(cluster[1].membership == .voters(4))
    cluster.deliverAll()
    cluster.change(1, .remove(2))

    #expect(cluster[1].membership == (try Membership(voters: [1, 3, 4])))
    #expect(!cluster[1].membership.isJoint)
  }

  @Test func `the new configuration takes effect on each server as soon as it is in its log`()
    throws
  {
    var cluster = Cluster(3)
    cluster.elect(1)

    cluster.change(1, .remove(3))
    #expect(cluster[1].membership == .voters(2), "in force at the leader, long before it commits")
    #expect(cluster[2].membership == .voters(3))
    cluster.deliver { $0.to == 2 }

    #expect(cluster[2].membership == .voters(2))
    #expect(cluster[2].commitIndex < cluster[2].membershipIndex)
  }

  @Test func `a server falls back to the configuration before if the entry is deleted`() throws {
    var cluster = Cluster(3) {
      $0.isPreVoteEnabled = false
      $0.isCheckQuorumEnabled = false
    }
    cluster.elect(1)
    cluster.partition([1], [2, 3])
    let request = cluster.change(1, .remove(3))
    #expect(cluster[1].membership == .voters(2))
    cluster.elect(2)
    cluster.heal()

    cluster.run(60)

    #expect(cluster[1].membership == .voters(3))
    #expect(cluster[1].membershipIndex == 1, "where the first leader wrote it down")
    #expect(cluster.answers(request).last == .outcome(.lost(LogPosition(2, 1))))
  }

  @Test func `no change is begun while another is not committed`() throws {
    var cluster = Cluster(5)
    cluster.elect(1)
    cluster.partition([1], [2, 3, 4, 5])
    cluster.change(1, .remove(5))

    let second = cluster.change(1, .remove(4))

    #expect(cluster.answers(second) == [.outcome(.refused(.changeInFlight(at: 2)))])
    #expect(cluster[1].membership == .voters(4))
  }

  @Test func `no change is begun before an entry of the leader's own term is committed`() throws {
    var lone = try Lone.leader(of: 4, term: 4, log: [1])

    let early = lone(.changeMembership(1, MembershipChange([.remove(4)])))
    lone.acknowledge(by: 2, 3)
    let later = lone(.changeMembership(2, MembershipChange([.remove(4)])))

    expectExactly(early, "outcome r1 refused termNotEstablished")
    #expect(later.outcomes == ["r2 accepted 3:4"])
  }

  @Test func `a change thought of for another configuration is refused`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.change(1, .addLearner(4))
    cluster.deliverAll()

    let stale = cluster.change(1, .remove(3), basedOn: 0)
    let fresh = cluster.change(1, .remove(3), basedOn: 2)

    #expect(cluster.answers(stale) == [.outcome(.refused(.membershipMoved(to: 2)))])
    #expect(cluster.answers(fresh).first == .outcome(.accepted(LogPosition(3, 1))))
  }

  @Test(
    "a change that makes no sense is refused, and says why",
    arguments: [
      ([], "nothingToDo"), ([.remove(9)], "notMember n9"), ([.addVoter(2)], "alreadyMember n2"),
      ([.addLearner(2)], "alreadyMember n2"), ([.addVoter(0)], "invalidChange n0"),
      ([.remove(2), .addVoter(2)], "invalidChange n2"), ([.demote(9)], "notMember n9"),
    ] as [([MembershipStep], String)])
  func refusals(steps: [MembershipStep], reason: String) throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2)

    expectExactly(
      lone(.changeMembership(1, MembershipChange(steps))), "outcome r1 refused \(reason)")
  }

  @Test func `the last voter cannot be removed`() throws {
    var lone = try Lone.leader(of: 1, term: 4)

    let actions = lone(.changeMembership(1, MembershipChange([.remove(1)])))

    #expect(actions.outcomes == ["r1 refused membership: a membership needs at least one voter"])
  }
}

@Suite("Thesis 4.2.1, catching up new servers") struct CatchingUpTests {
  static func withLearner(_ count: UInt64 = 3) throws -> Cluster {
    let voters = (1...count).map { NodeID($0) }
    var cluster = Cluster(try Membership(voters: voters, learners: [9]))
    cluster.elect(1)
    return cluster
  }

  @Test func `a non-voting member receives the log and applies it`() throws {
    var cluster = try CatchingUpTests.withLearner()

    cluster.propose(1, "x")
    cluster.run(5)

    #expect(cluster.commands(9) == ["x"])
  }

  @Test func `a non-voting member is not counted for commitment`() throws {
    var cluster = try CatchingUpTests.withLearner()
    cluster.partition([1, 9], [2, 3])
    let before = cluster[1].commitIndex

    cluster.propose(1, "x")
    cluster.deliverAll()

    #expect(cluster[9].log.lastIndex == cluster[1].log.lastIndex)
    #expect(cluster[1].commitIndex == before)
  }

  @Test func `a non-voting member is not counted for elections`() throws {
    var lone = try Lone.follower(
      1, try Membership(voters: [1, 2, 3], learners: [9]), term: 3
    ) { $0.isPreVoteEnabled = false }
    lone(.campaign)
    lone.persist()

    lone(.receive(.vote(from: 9, to: 1, term: 4)))

    #expect(lone.node.role == .candidate)
  }

  @Test func `a non-voting member never stands for election`() throws {
    var cluster = try CatchingUpTests.withLearner()
    cluster.partition([9], [1, 2, 3])

    cluster.tick(9, 1_000)
    cluster.step(9, .campaign)

    #expect(cluster[9].role == .follower)
    #expect(cluster[9].currentTerm == 1)
    #expect(cluster.flights.isEmpty)
  }

  @Test func `a server that knows nobody waits to be added`() throws {
    var cluster = Cluster(3)
    cluster.add(9)

    cluster.tick(9, 1_000)

    #expect(cluster[9].role == .follower)
    #expect(cluster[9].currentTerm == 0)
    #expect(cluster.flights.isEmpty)
  }

  @Test func `the leader makes it a voter only when it has caught up`() throws {
    var cluster = Cluster(3) { $0.maximumLearnerLag = 2 }
    cluster.add(9) { $0.maximumLearnerLag = 2 }
    cluster.elect(1)
    cluster.holds = [{ $0.to == 9 }]
    for text in ["a", "b", "c"] { cluster.propose(1, text) }
    cluster.change(1, .addLearner(9))
    cluster.deliverAll()

    let early = cluster.change(1, .addVoter(9))
    cluster.holds = []
    cluster.run(60)
    let later = cluster.change(1, .addVoter(9))

    #expect(cluster.answers(early) == [.outcome(.refused(.learnerBehind(9, by: 5)))])
    #expect(cluster.answers(later).first == .outcome(.accepted(LogPosition(6, 1))))
    #expect(cluster[1].membership.isVoter(9))
  }

  @Test func `a server votes even if it is no voter in its own eyes`() throws {
    // The candidate may know of a later configuration, in which it is one.
    var lone = try Lone.follower(
      9, try Membership(voters: [1, 2, 3], learners: [9]), term: 3)

    var actions = lone(.receive(.requestVote(from: 1, to: 9, term: 4, log: LogPosition(0, 0))))
    actions += lone.persist()

    #expect(actions.messages.map(\.text) == ["n9>n1 term 4 requestVoteReply for 4 granted"])
  }

  @Test func `a leader that learns of no answer from a new server goes on without it`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.change(1, .addLearner(9))
    cluster.deliverAll()

    let request = cluster.propose(1, "x")
    cluster.run(500)

    #expect(cluster.leader == 1)
    #expect(cluster.answers(request).count == 2)
  }
}

@Suite("Thesis 4.2.2, removing the current leader") struct RemovingLeaderTests {
  @Test func `the leader steps down once the entry that removes it is committed, not before`()
    throws
  {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.change(1, .remove(1))
    #expect(cluster[1].role == .leader, "the entry is only appended")

    cluster.deliver { $0.to == 2 }
    cluster.deliver { $0.from == 2 }
    #expect(cluster[1].role == .leader, "one of the two that remain has it")
    cluster.deliverAll()

    #expect(cluster[1].role == .follower)
    #expect(cluster[2].commitIndex >= 2)
    #expect(cluster[3].commitIndex >= 2)
  }

  @Test func `it manages a cluster of which it is no member, and does not count itself`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.change(1, .remove(1))
    cluster.partition([1, 2], [3])

    cluster.deliverAll()

    // Node 1 and node 2 have it: a majority of {1 2 3} and not of {2 3}.
    #expect(cluster[1].commitIndex == 1)
    #expect(cluster[1].role == .leader)
  }

  @Test func `the others elect a leader and go on`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.change(1, .remove(1))
    cluster.run(300)

    #expect(cluster.leader == 2 || cluster.leader == 3)
    #expect(cluster[1].role == .follower)
  }

  @Test func `a removed server does not stand for election`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.change(1, .remove(1))
    cluster.run(5)

    cluster.tick(1, 1_000)

    #expect(cluster[1].role == .follower)
    #expect(cluster.flights.isEmpty)
  }
}

@Suite("Thesis 4.2.3, disruptive servers") struct DisruptiveServerTests {
  @Test
  func `a request within the minimum election timeout of hearing from a leader changes no term`()
    throws
  {
    var lone = try Lone.follower(term: 3)
    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0))))
    lone.tick(98)

    let actions = lone(.receive(.requestVote(from: 3, to: 1, term: 9, log: LogPosition(9, 8))))

    expectExactly(actions)
    #expect(lone.node.currentTerm == 3)
    #expect(lone.node.votedFor == nil)
    #expect(lone.node.leaderID == 2)
  }

  @Test func `after it, the request is looked at`() throws {
    var lone = try Lone.follower(term: 3)
    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0))))
    while lone.node.role == .follower { lone(.tick) }

    lone(.receive(.requestVote(from: 3, to: 1, term: 9, log: LogPosition(9, 8))))

    #expect(lone.node.currentTerm == 9)
    #expect(lone.node.votedFor == 3)
  }

  @Test func `a leader is not deposed by a server that is not in its configuration`() throws {
    var cluster = Cluster(4) { $0.isPreVoteEnabled = false }
    cluster.elect(1)
    // Node 4 never learns that it was removed.
    cluster.cut(1, 4)
    cluster.change(1, .remove(4))
    cluster.deliverAll()

    for _ in 0..<20 {
      cluster.tick(4, 50)
      cluster.run(10)
    }

    #expect(cluster[4].currentTerm > 5, "it keeps trying")
    #expect(cluster.leader == 1)
    #expect(cluster[1].currentTerm == 1)
  }

  @Test
  func `a candidate of a newer term is helped by the leader's own term, so that it can return`()
    throws
  {
    // Node 3 was cut off and is in a newer term. It must not stand outside for ever.
    var cluster = Cluster(3) { $0.isPreVoteEnabled = false }
    cluster.elect(1)
    cluster.partition([1, 2], [3])
    cluster.tick(3, 500)
    #expect(cluster[3].currentTerm > 2)
    cluster.heal()

    cluster.run(400)

    let leader = try #require(cluster.leader)
    let term = cluster[leader].currentTerm
    for node in [1, 2, 3] as [NodeID] { #expect(cluster[node].currentTerm == term) }
    #expect(cluster[3].leaderID == leader)
  }
}

@Suite("Paper 6, joint consensus") struct JointTests {
  @Test func `more than one server at a time goes through a joint configuration`() throws {
    var cluster = Cluster(3)
    for node in [4, 5] as [NodeID] { cluster.add(node) }
    cluster.elect(1)

    cluster.change(1, .addVoter(4), .addVoter(5), .remove(3))

    #expect(cluster[1].membership.isJoint)
    #expect(cluster[1].membership.voters == [1, 2, 4, 5])
    #expect(cluster[1].membership.outgoing == [1, 2, 3])
  }

  @Test func `entries are committed by separate majorities of old and new, not by one of them`()
    throws
  {
    var cluster = Cluster(3)
    for node in [4, 5] as [NodeID] { cluster.add(node) }
    cluster.elect(1)
    cluster.change(1, .addVoter(4), .addVoter(5), .remove(3))
    var old = cluster
    old.partition([1, 2, 3], [4], [5])
    var new = cluster
    new.partition([1, 4, 5], [2], [3])

    old.run(60)
    new.run(60)
    cluster.run(60)

    #expect(old[1].commitIndex == 1, "all of the old, and half of the new")
    #expect(new[1].commitIndex == 1, "one of the old, and three of the new")
    #expect(cluster[1].commitIndex == 3)
  }

  @Test func `elections need separate majorities of old and new`() throws {
    var cluster = Cluster(3) { $0.isPreVoteEnabled = false }
    for node in [4, 5] as [NodeID] { cluster.add(node) { $0.isPreVoteEnabled = false } }
    cluster.elect(1)
    cluster.holds = [{ $0.kind == "appendEntriesReply" }]
    cluster.change(1, .addVoter(4), .addVoter(5), .remove(3))
    cluster.run(30)
    #expect(cluster[2].membership.isJoint)
    cluster.crash(1)
    cluster.drop()
    cluster.partition([2, 4, 5], [3])

    for node in [3, 4, 5] as [NodeID] { cluster.tick(node, 101) }
    cluster.drop()
    cluster.step(2, .campaign)
    cluster.deliverAll()
    #expect(cluster[2].role == .candidate, "three of the new, and one of the old")
  }

  @Test func `once the joint configuration is committed the leader creates the new one by itself`()
    throws
  {
    var cluster = Cluster(3)
    for node in [4, 5] as [NodeID] { cluster.add(node) }
    cluster.elect(1)

    let request = cluster.change(1, .addVoter(4), .addVoter(5), .remove(3))
    cluster.run(60)

    #expect(!cluster[1].membership.isJoint)
    #expect(cluster[1].membership.voters == [1, 2, 4, 5])
    #expect(cluster[5].membership == cluster[1].membership)
    #expect(cluster.answers(request).count == 2)
  }

  @Test func `a later leader leaves the joint configuration as well`() throws {
    var cluster = Cluster(3)
    for node in [4, 5] as [NodeID] { cluster.add(node) }
    cluster.elect(1)
    cluster.holds = [{ $0.kind == "appendEntriesReply" }]
    cluster.change(1, .addVoter(4), .addVoter(5), .remove(3))
    cluster.run(30)
    cluster.crash(1)
    cluster.drop()
    cluster.holds = []

    cluster.run(600)

    let leader = try #require(cluster.leader)
    #expect(cluster[leader].membership.voters == [1, 2, 4, 5])
    #expect(!cluster[leader].membership.isJoint)
  }

  @Test func `a voter that is demoted in a joint change becomes a learner when it is left`() throws
  {
    var cluster = Cluster(4)
    cluster.elect(1)
    cluster.change(1, .demote(4), .demote(3), isJoint: true)
    #expect(cluster[1].membership.learnersNext == [3, 4])

    cluster.run(60)

    #expect(cluster[1].membership == (try Membership(voters: [1, 2], learners: [3, 4])))
  }
}

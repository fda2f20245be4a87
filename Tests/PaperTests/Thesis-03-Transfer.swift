// Thesis §3.10, leadership transfer extension: one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Thesis 3.10, leadership transfer") struct TransferTests {
  @Test func `the prior leader stops accepting new client requests`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2)
    lone(.transferLeadership(1, to: 3))

    let proposal = lone(.propose(Proposal(2, EntryBlock([7]))))
    let change = lone(.changeMembership(3, MembershipChange([.addLearner(9)])))
    let second = lone(.transferLeadership(4, to: 2))

    #expect(lone.node.isTransferring)
    expectExactly(proposal, "outcome r2 refused transferring")
    expectExactly(change, "outcome r3 refused transferring")
    expectExactly(second, "outcome r4 refused transferring")
  }

  @Test func `the prior leader fully updates the target's log before it hands over`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2)
    lone(.propose(Proposal(1, EntryBlock([7]))))
    lone.persist()

    let asked = lone(.transferLeadership(2, to: 3))
    let partly = lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 1)))
    let wholly = lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 2)))

    #expect(!(asked + partly).messages.contains { $0.kind == "timeoutNow" })
    #expect(wholly.messages.filter { $0.kind == "timeoutNow" }.map(\.to) == [3])
  }

  @Test func `the prior leader sends TimeoutNow at once to a target that has everything`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)

    let actions = lone(.transferLeadership(1, to: 2))

    #expect(actions.messages.map(\.text) == ["n1>n2 term 4 timeoutNow"])
  }

  @Test func `the target starts an election at once: new term, no timeout, no question before`()
    throws
  {
    var lone = try Lone.follower(term: 4, log: [4])
    lone(.receive(.appendEntries(from: 2, to: 1, term: 4, prev: LogPosition(1, 4))))

    let told = lone(.receive(.timeoutNow(from: 2, to: 1, term: 4)))

    expectExactly(told, "store #1 term 5 vote n1")
    expectExactly(
      lone.persist(),
      """
      send n1>n2 term 5 requestVote for 5 log 1:4 transfer
      send n1>n3 term 5 requestVote for 5 log 1:4 transfer
      """)
  }

  @Test func `the target's request is granted even by those who hear of a leader`() throws {
    var lone = try Lone.follower(3, term: 4, log: [4])
    lone(.receive(.appendEntries(from: 2, to: 3, term: 4, prev: LogPosition(1, 4))))

    var actions = lone(
      .receive(
        .requestVote(from: 1, to: 3, term: 5, log: LogPosition(1, 4), isTransfer: true)))
    actions += lone.persist()

    #expect(actions.messages.map(\.text) == ["n3>n1 term 5 requestVoteReply for 5 granted"])
  }

  @Test func `the target will likely become leader, and the request is answered so`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.propose(1, "x")
    cluster.deliverAll()

    let request = cluster.transfer(1, to: 3)
    cluster.run(30)

    #expect(cluster.leader == 3)
    #expect(cluster[1].role == .follower)
    #expect(cluster.answers(request) == [.outcome(.transferred(to: 3, term: 2))])
  }

  @Test func `a node that hands over twice within a few ticks is told of both`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.propose(1, "x")
    cluster.deliverAll()

    let there = cluster.transfer(1, to: 3)
    cluster.deliverAll()
    let back = cluster.transfer(3, to: 1)
    cluster.deliverAll()
    let away = cluster.transfer(1, to: 2)
    cluster.deliverAll()

    #expect(cluster.leader == 2)
    #expect(cluster.answers(there) == [.outcome(.transferred(to: 3, term: 2))])
    #expect(cluster.answers(back) == [.outcome(.transferred(to: 1, term: 3))])
    #expect(cluster.answers(away) == [.outcome(.transferred(to: 2, term: 4))])
  }

  @Test func `if the transfer does not complete after about an election timeout, it is aborted`()
    throws
  {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.deliverAll()
    cluster.holds = [{ $0.kind == "timeoutNow" }]
    let request = cluster.transfer(1, to: 3)

    cluster.run(130)

    #expect(!cluster[1].isTransferring)
    #expect(cluster.answers(request) == [.outcome(.transferFailed)])
    let proposal = cluster.propose(1, "again")
    cluster.deliverAll()
    #expect(cluster.requests.last?.answers.count == 2, "\(proposal) is taken and committed")
  }

  @Test func `a transfer to the best takes the one that has most`() throws {
    var lone = try Lone.leader(of: 5, term: 4)
    lone.acknowledge(by: 2)
    lone(.propose(Proposal(1, EntryBlock([7]))))
    lone.persist()
    lone.acknowledge(by: 4)

    let actions = lone(.transferLeadership(2, to: nil))

    #expect(actions.messages.map(\.text) == ["n1>n4 term 4 timeoutNow"])
  }

  @Test(
    "only a voter that holds commands can be given leadership",
    arguments: [(4, .cannotLead(4)), (5, .cannotLead(5)), (9, .notMember(9))]
      as [(NodeID, Refusal)])
  func targets(target: NodeID, refusal: Refusal) throws {
    var cluster = Cluster(
      try Membership(voters: [1, 2, 3, 5], learners: [4], witnesses: [5]))
    cluster.elect(1)

    let request = cluster.transfer(1, to: target)

    #expect(cluster.answers(request) == [.outcome(.refused(refusal))])
    #expect(!cluster[1].isTransferring)
  }

  @Test func `a follower cannot hand over what it does not have`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)

    let request = cluster.transfer(2, to: 3)

    #expect(cluster.answers(request) == [.outcome(.refused(.notLeader(leader: 1)))])
  }

  @Test func `TimeoutNow of an older term is put aside`() throws {
    var lone = try Lone.follower(term: 4, log: [4])

    expectExactly(lone(.receive(.timeoutNow(from: 2, to: 1, term: 3))))

    #expect(lone.node.role == .follower)
  }

  @Test func `a learner that is told TimeoutNow does not stand`() throws {
    var lone = try Lone.follower(
      4, try Membership(voters: [1, 2, 3], learners: [4]), term: 4, log: [4])
    lone(.receive(.appendEntries(from: 2, to: 4, term: 4, prev: LogPosition(1, 4))))

    lone(.receive(.timeoutNow(from: 2, to: 4, term: 4)))

    #expect(lone.node.role == .follower)
    #expect(lone.node.currentTerm == 4)
  }

  @Test func `a node that stops hands over first and takes no more requests`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.deliverAll()

    let stop = cluster.ask(1, "stop") { .stop($0) }
    let late = cluster.propose(1, "late")
    cluster.run(30)

    #expect(cluster.answers(late) == [.outcome(.refused(.stopping))])
    #expect(cluster.answers(stop) == [.outcome(.stopped)])
    #expect(cluster.leader != 1 && cluster.leader != nil)
  }
}

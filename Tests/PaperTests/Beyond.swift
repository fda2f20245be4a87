// What the paper and the thesis leave to the implementation: flow control, back-pressure, write
// concern, idle groups, priority, witnesses.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Beyond the paper, back-pressure and flow control") struct FlowTests {
  @Test func `proposals are refused while too many entries are uncommitted, and taken again after`()
    throws
  {
    var lone = try Lone.leader(term: 4) { $0.maximumUncommittedEntries = 2 }
    lone.acknowledge(by: 2, 3)
    lone(.propose(Proposal(1, EntryBlock([1]))))
    lone(.propose(Proposal(2, EntryBlock([2]))))

    expectExactly(lone(.propose(Proposal(3, EntryBlock([3])))), "outcome r3 refused tooBusy")
    lone.persist()
    lone.acknowledge(by: 2)

    #expect(lone(.propose(Proposal(4, EntryBlock([4])))).outcomes == ["r4 accepted 4:4"])
  }

  @Test func `a proposal that could never be taken is refused as too large`() throws {
    var lone = try Lone.leader(term: 4) { $0.maximumUncommittedEntries = 2 }
    lone.acknowledge(by: 2, 3)

    expectExactly(
      lone(.propose(Proposal(1, EntryBlock([[1], [2], [3]])))),
      "outcome r1 refused tooLarge limit 2")
  }

  @Test func `the commands of one proposal are consecutive and answered as one`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)

    let request = cluster.propose(1, "a", "b", "c")
    cluster.deliverAll()

    #expect(
      cluster.answers(request) == [
        .outcome(.accepted(LogPosition(4, 1))),
        .outcome(.committed(LogPosition(4, 1), copies: 2)),
      ])
    #expect(cluster.commands(1) == ["a", "b", "c"])
  }

  @Test func `no more than the window is under way to a follower, and acknowledgements open it`()
    throws
  {
    var lone = try Lone.leader(term: 4) { $0.maximumEntriesInFlight = 2 }
    lone.acknowledge(by: 2, 3)
    var sent: [Message] = []
    for number in 1...5 as ClosedRange<UInt64> {
      sent += lone(.propose(Proposal(RequestID(number), EntryBlock([7])))).messages
    }
    #expect(sent.filter { $0.to == 2 }.map(\.entries.count) == [1, 1])

    let opened = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 3))).messages

    #expect(opened.filter { $0.to == 2 && !$0.entries.isEmpty }.map(\.entries.count) == [3])
  }

  @Test func `entries that are no longer in memory are loaded, not left out`() throws {
    var cluster = Cluster(3) {
      $0.maximumBytesInMemory = 0
      $0.maximumEntriesPerMessage = 2
    }
    cluster.elect(1)
    cluster.partition([1, 2], [3])
    for text in ["a", "b", "c", "d", "e"] { cluster.propose(1, text) }
    cluster.run(5)
    #expect(cluster[1].log.bytesInMemory == 0)
    cluster.heal()

    cluster.run(100)

    #expect(cluster.commands(3) == ["a", "b", "c", "d", "e"])
  }

  @Test func `entries that cannot be read are asked for again, and nothing is sent in their place`()
    throws
  {
    var lone = try Lone.leader(term: 4, log: [1, 2]) { $0.maximumBytesInMemory = 0 }
    lone.acknowledge(by: 2)
    lone(.applied(through: 3))

    let refused = lone(.receive(.rejected(from: 3, to: 1, term: 4, at: 2, hint: LogPosition(0, 0))))
    #expect(refused.map(\.text) == ["loadEntries 1-2 for n3"])
    let request = EntriesRequest(peer: 3, first: 1, last: 2)
    expectExactly(lone(.entriesNotLoaded(request)))

    let later = lone.tick(40)
    #expect(later.contains { $0.text == "loadEntries 1-2 for n3" })
    #expect(later.messages.filter { $0.to == 3 }.allSatisfy { $0.entries.isEmpty })
  }

  @Test func `a peer that was lost is probed, and goes on at once when it is reachable`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)
    lone(.propose(Proposal(1, EntryBlock(Array("x".utf8)))))
    #expect(lone.node.progress.last?.nextIndex == 3)

    lone(.peerUnreachable(3))
    #expect(lone.node.progress.last?.state == .probe)
    #expect(lone.node.progress.last?.nextIndex == 2)

    expectExactly(
      lone(.peerReachable(3)),
      "send n1>n3 term 4 appendEntries prev 1:4 [2:4 x] commit 1 round 1")
  }

  @Test func `what a peer acknowledged in an earlier life counts no more, and is sent again`()
    throws
  {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)
    lone(.propose(Proposal(1, EntryBlock(Array("x".utf8)))))
    lone.acknowledge(by: 3)
    #expect(lone.node.progress.last?.matchIndex == 2)

    lone(.peerRestarted(3))
    #expect(lone.node.progress.last?.state == .probe)
    #expect(lone.node.progress.last?.matchIndex == 0)
    // The own disk alone is no majority, now that n3 may have lost the entry.
    #expect(lone.persist().outcomes == [])

    // Mostly a peer has lost nothing, so it is asked from where it was. This one has lost all.
    let hint = LogPosition(0, 0)
    let refused = lone(
      .receive(.rejected(from: 3, to: 1, term: 4, at: 2, hint: hint, round: 1)))
    #expect(refused.messages.filter { $0.to == 3 }.map(\.entries.count) == [2])
    #expect(lone.acknowledge(by: 3).outcomes == ["r1 committed 2:4 on 2"])
  }

  /// A leader that streams five entries to n3, one in each message.
  private func streaming() throws -> Lone {
    var lone = try Lone.leader(term: 4) { $0.maximumEntriesPerMessage = 1 }
    lone.acknowledge(by: 2, 3)
    for text in ["a", "b", "c", "d", "e"] {
      lone(.propose(Proposal(RequestID(1), EntryBlock(Array(text.utf8)))))
    }
    return lone
  }

  private func rejected(_ index: LogIndex, round: UInt64) -> Input {
    .receive(
      .rejected(from: 3, to: 1, term: 4, at: index, hint: LogPosition(4, 1), round: round))
  }

  @Test func `a stream that comes in another order is given up once, not at each refusal`() throws {
    var lone = try streaming()
    expectExactly(
      lone(rejected(5, round: 0)),
      "send n1>n3 term 4 appendEntries prev 1:4 [2:4 a] commit 1 round 1")

    for index in [4, 3, 2] as [LogIndex] { expectExactly(lone(rejected(index, round: 0))) }
    // What arrived all the same is known, and starts no stream before the probe is answered.
    let late = lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 2)))
    #expect(late.messages.filter { $0.to == 3 }.isEmpty)
    #expect(lone.node.progress.last?.matchIndex == 2)
    #expect(lone.node.progress.last?.state == .probe)

    let answer = lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 2, round: 1)))
    #expect(answer.messages.map(\.entries.text) == ["[3:4 b]", "[4:4 c]", "[5:4 d]", "[6:4 e]"])
    expectExactly(lone(rejected(6, round: 0)))
    #expect(lone.node.progress.last?.state == .replicate)
  }

  @Test func `a probe whose answer is lost is repeated, whatever old answers come`() throws {
    var lone = try streaming()
    lone(rejected(5, round: 0))
    var probes = 0
    for _ in 0..<60 {
      lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 2)))
      lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 6, round: 1)))
      probes += lone(.tick).messages.filter { $0.to == 3 && !$0.entries.isEmpty }.count
    }
    #expect(probes >= 2)
    let round = lone.node.leader.reads.round
    lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 2, round: round)))
    #expect(lone.node.progress.last?.state == .replicate)
  }
}

@Suite("Beyond the paper, requests") struct RequestTests {
  @Test func `a write concern is answered when so many nodes hold the entry durably`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.holds = [{ $0.to == 3 }]
    let concern = WriteConcern(copies: 3, patience: 100)

    let request = cluster.propose(1, "x", writeConcern: concern)
    cluster.deliverAll()
    #expect(cluster.commands(1) == ["x"], "committed and applied")
    #expect(cluster.answers(request).count == 1)
    cluster.holds = []
    cluster.deliverAll()

    #expect(cluster.answers(request).last == .outcome(.committed(LogPosition(2, 1), copies: 3)))
  }

  @Test func `when its time is up the answer tells how many there are`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.partition([1, 2], [3])

    let request = cluster.propose(1, "x", writeConcern: WriteConcern(copies: 3, patience: 30))
    cluster.run(60)

    #expect(cluster.answers(request).last == .outcome(.committed(LogPosition(2, 1), copies: 2)))
  }

  @Test func `a forwarded proposal that arrives twice is appended once`() throws {
    var cluster = Cluster(3) { $0.isForwardingProposals = true }
    cluster.elect(1)
    let request = cluster.propose(2, "x")
    cluster.duplicate { $0.kind == "forwardedProposal" }

    cluster.run(20)

    #expect(cluster.commands(1) == ["x"])
    #expect(cluster.answers(request).count == 2)
  }

  @Test func `a forwarded proposal whose answer is lost is answered unknown, and not twice`() throws
  {
    var cluster = Cluster(3) { $0.isForwardingProposals = true }
    cluster.elect(1)
    cluster.holds = [{ $0.kind == "forwardedProposalReply" }]
    let request = cluster.propose(2, "x")

    cluster.run(500)

    #expect(cluster.commands(2) == ["x"])
    #expect(cluster.answers(request) == [.outcome(.unknown(nil, .noAnswer))])
  }

  @Test func `every request is answered in the end, whatever becomes of the node's leadership`()
    throws
  {
    var cluster = Cluster(5)
    cluster.elect(1)
    cluster.partition([1, 2], [3, 4, 5])
    cluster.propose(1, "a")
    cluster.read(1)
    cluster.read(2)
    cluster.change(1, .remove(5))
    cluster.transfer(1, to: 2)
    cluster.run(300)
    cluster.heal()

    cluster.run(600)

    for request in cluster.requests { #expect(request.isOver, "\(request.line)") }
  }
}

@Suite("Beyond the paper, idle groups, priority and witnesses") struct RoleTests {
  @Test func `an idle group sends fewer heartbeats, keeps its leader, and awakes with work`() throws
  {
    var cluster = Cluster(3) { $0.quiescenceTicks = 50 }
    cluster.elect(1)
    cluster.run(100)
    #expect(cluster[1].isIdle)
    #expect(cluster[2].isIdle)

    var heartbeats = 0
    for _ in 0..<1_000 {
      for node in [1, 2, 3] as [NodeID] { cluster.tick(node) }
      heartbeats += cluster.flights.filter { $0.message.kind == "appendEntries" }.count
      cluster.deliverAll()
    }
    #expect((8...16).contains(heartbeats), "two each 160 ticks, not two each 10")
    #expect(cluster.leader == 1)
    let request = cluster.propose(1, "x")
    cluster.deliverAll()

    #expect(!cluster[1].isIdle)
    #expect(cluster.answers(request).count == 2)
  }

  @Test func `an idle group finds a new leader when its own is lost`() throws {
    var cluster = Cluster(3) { $0.quiescenceTicks = 50 }
    cluster.elect(1)
    cluster.run(100)
    cluster.crash(1)

    cluster.run(4_000)

    #expect(cluster.leader == 2 || cluster.leader == 3)
  }

  @Test(
    "each step of priority less waits an election timeout more",
    arguments: [(3, 100..<200), (2, 200..<300), (1, 300..<400), (0, 400..<500)]
      as [(UInt8, Range<Int>)])
  func priority(priority: UInt8, wait: Range<Int>) throws {
    var lone = try Lone.follower(term: 3) { $0.electionPriority = priority }

    #expect(wait.contains(lone.tickUntilSomething().ticks))
  }

  @Test func `a witness votes and acknowledges, and never leads`() throws {
    let membership = try Membership(voters: [1, 2, 3], witnesses: [3])
    var lone = try Lone.follower(3, membership, term: 3)

    var vote = lone(.receive(.requestVote(from: 1, to: 3, term: 4, log: LogPosition(0, 0))))
    vote += lone.persist()
    #expect(vote.messages.map(\.text) == ["n3>n1 term 4 requestVoteReply for 4 granted"])
    lone.tick(2_000)
    lone(.campaign)
    lone(.receive(.timeoutNow(from: 1, to: 3, term: 4)))

    #expect(lone.node.role == .follower)
    #expect(lone.node.currentTerm == 4)
  }

  @Test func `a witness gets the terms of entries and not their commands`() throws {
    var cluster = Cluster(try Membership(voters: [1, 2, 3], witnesses: [3]))
    cluster.elect(1)

    cluster.propose(1, "secret")
    let texts = cluster.flights.map(\.message).filter { $0.to == 3 }.map(\.text)
    cluster.partition([1, 3], [2])
    cluster.propose(1, "more")
    cluster.deliverAll()

    #expect(texts == ["n1>n3 term 1 appendEntries prev 1:1 [2:1 elided command] commit 1"])
    #expect(cluster[1].commitIndex == 3, "the witness is counted")
    #expect(cluster[3].log.term(at: 3) == 1)
  }
}

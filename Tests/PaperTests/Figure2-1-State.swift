// Figure 2, the box "State": one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Figure 2, State, persistent on all servers") struct PersistentStateTests {
  @Test func `currentTerm is initialized to 0 on first boot`() throws {
    let lone = try Lone.follower()

    #expect(lone.node.currentTerm == 0)
  }

  @Test func `currentTerm is the latest term that the server has seen, in whatever message`() throws
  {
    let messages: [Message] = [
      .requestVote(from: 2, to: 1, term: 5, log: LogPosition(0, 0)),
      .vote(from: 2, to: 1, term: 5, isGranted: false),
      .appendEntries(from: 2, to: 1, term: 5, prev: LogPosition(0, 0)),
      .accepted(from: 2, to: 1, term: 5, match: 0),
      .installSnapshot(from: 2, to: 1, term: 5, LogPosition(3, 2), of: .voters(3), "x"),
      .timeoutNow(from: 2, to: 1, term: 5),
    ]
    for message in messages {
      var lone = try Lone.follower(term: 2)

      lone(.receive(message))

      #expect(lone.node.currentTerm >= 5, "\(message.text)")
    }
  }

  @Test func `currentTerm increases monotonically: an old term changes nothing`() throws {
    var lone = try Lone.follower(term: 5)

    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0))))
    lone(.receive(.requestVote(from: 2, to: 1, term: 4, log: LogPosition(9, 4))))

    #expect(lone.node.currentTerm == 5)
    #expect(lone.node.leaderID == nil)
  }

  @Test func `votedFor is null until a vote is cast`() throws {
    let lone = try Lone.follower(term: 2)

    #expect(lone.node.votedFor == nil)
  }

  @Test func `votedFor is the candidate that received this server's vote in the current term`()
    throws
  {
    var lone = try Lone.follower(term: 2)

    lone(.receive(.requestVote(from: 3, to: 1, term: 2, log: LogPosition(0, 0))))

    #expect(lone.node.votedFor == 3)
  }

  @Test func `votedFor is null again in a new term`() throws {
    var lone = try Lone.follower(term: 2, votedFor: 3)

    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0))))

    #expect(lone.node.votedFor == nil)
  }

  @Test func `votedFor stays when a candidate of the same term becomes a follower`() throws {
    var lone = try Lone.candidate(term: 3)

    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0))))

    #expect(lone.node.role == .follower)
    #expect(lone.node.votedFor == 1)
  }

  @Test func `the first index of the log is 1`() throws {
    let lone = try Lone.leader(term: 1)

    #expect(lone.node.log.lastIndex == 1)
    #expect(lone.node.log.entry(at: 1)?.index == 1)
    #expect(lone.node.log.entry(at: 0) == nil)
  }

  @Test func `each entry contains the command and the term when the leader received it`() throws {
    var lone = try Lone.leader(term: 4, log: [1, 2])

    lone(.propose(Proposal(1, EntryBlock(Array("x=1".utf8)))))

    let entry = try #require(lone.node.log.entry(at: 4))
    #expect(entry.term == 4)
    #expect(entry.kind == .command)
    #expect(Array(entry.payload) == Array("x=1".utf8))
  }

  @Test func `currentTerm, votedFor and the log are found again after a restart`() throws {
    var cluster = Cluster(3)
    cluster.elect(1)
    cluster.propose(1, "x=1")
    cluster.deliverAll()
    let before = cluster[2]

    cluster.restart(2)

    #expect(cluster[2].currentTerm == before.currentTerm)
    #expect(cluster[2].votedFor == before.votedFor)
    #expect(cluster[2].log == before.log)
  }

  @Test func `a vote is on stable storage before it is told`() throws {
    var lone = try Lone.follower(term: 2)

    let asked = lone(.receive(.requestVote(from: 3, to: 1, term: 3, log: LogPosition(0, 0))))
    let stored = lone(.persisted(1))

    expectExactly(asked, "store #1 term 3 vote n3")
    expectExactly(stored, "send n1>n3 term 3 requestVoteReply for 3 granted")
  }

  @Test func `term and vote are one record, so that no crash can part them`() throws {
    var cluster = Cluster(3)
    cluster.setDisk(2, isPrompt: false)
    cluster.step(1, .campaign)
    cluster.deliverAll()
    cluster.deliverAll()

    let writes = cluster.host(2).disk.pending.filter(\.isHardStateChanged)

    #expect(writes.map(\.hardState.currentTerm) == [1])
    #expect(writes.map(\.hardState.votedFor) == [1])
  }

  @Test func `entries are on stable storage before they are acknowledged`() throws {
    var lone = try Lone.follower(term: 2)

    let received = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 2, prev: LogPosition(0, 0),
          .commands(from: 1, term: 2, "x=1", "y=2"))))
    let stored = lone(.persisted(1))

    expectExactly(received, "store #1 entries [1:2 x=1, 2:2 y=2]")
    expectExactly(stored, "send n1>n2 term 2 appendEntriesReply match 2")
  }

  @Test func `a newer term is on stable storage before an append of it is acknowledged`() throws {
    var lone = try Lone.follower(term: 2)

    let received = lone(
      .receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(0, 0))))
    let stored = lone(.persisted(1))

    expectExactly(received, "store #1 term 3 no vote")
    expectExactly(stored, "send n1>n2 term 3 appendEntriesReply match 0")
  }
}

@Suite("Figure 2, State, volatile on all servers") struct VolatileStateTests {
  @Test func `commitIndex is initialized to 0`() throws {
    let lone = try Lone.follower(term: 3, log: [1, 2, 3])

    #expect(lone.node.commitIndex == 0)
  }

  @Test func `lastApplied is initialized to 0, or to the end of the snapshot`() throws {
    let lone = try Lone.follower(term: 3, log: [1, 2, 3])
    var cluster = Cluster(1)
    cluster.elect(1)
    cluster.propose(1, "x=1")
    cluster.takeSnapshot(1)
    cluster.setMachine(1, isPrompt: false)

    cluster.restart(1)

    #expect(lone.node.lastApplied == 0)
    #expect(cluster[1].lastApplied == 2)
    #expect(cluster.commands(1) == ["x=1"])
  }

  @Test func `commitIndex increases monotonically: an older leaderCommit changes nothing`() throws {
    var lone = try Lone.follower(term: 3, log: [1, 2, 3])
    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(3, 3), commit: 3)))

    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(3, 3), commit: 1)))

    #expect(lone.node.commitIndex == 3)
  }

  @Test func `commitIndex is the index of the highest entry known to be committed`() throws {
    var lone = try Lone.leader(term: 2)
    lone(.propose(Proposal(1, EntryBlock([1]))))
    lone(.propose(Proposal(2, EntryBlock([2]))))
    lone.persist()

    lone(.receive(.accepted(from: 2, to: 1, term: 2, match: 2)))

    #expect(lone.node.commitIndex == 2)
  }

  @Test func `lastApplied is what the state machine has said, and never more than commitIndex`()
    throws
  {
    var lone = try Lone.follower(term: 3, log: [1, 2, 3])
    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(3, 3), commit: 2)))
    #expect(lone.node.lastApplied == 0)

    lone(.applied(through: 1))
    #expect(lone.node.lastApplied == 1)

    lone(.applied(through: 3))
    #expect(lone.node.lastApplied == 1, "entry 3 was never given to be applied")
  }
}

@Suite("Figure 2, State, volatile on leaders") struct LeaderStateTests {
  @Test func `nextIndex is initialized to leader last log index + 1`() throws {
    let lone = try Lone.leader(of: 5, term: 4, log: [1, 2, 3])

    // Three entries, then the no-op of the new term: each follower is asked about what stood there
    // before it.
    #expect(lone.node.progress.map(\.nextIndex) == [4, 4, 4, 4])
    #expect(lone.node.progress.map(\.state) == [.probe, .probe, .probe, .probe])
  }

  @Test func `matchIndex is initialized to 0`() throws {
    let lone = try Lone.leader(of: 5, term: 4, log: [1, 2, 3])

    #expect(lone.node.progress.map(\.matchIndex) == [0, 0, 0, 0])
  }

  @Test func `for each other server there is one nextIndex and one matchIndex`() throws {
    let lone = try Lone.leader(2, of: 5, term: 4)

    #expect(lone.node.progress.map(\.id) == [1, 3, 4, 5])
  }

  @Test func `matchIndex increases monotonically: a late acknowledgement changes nothing`() throws {
    var lone = try Lone.leader(term: 2)
    lone(.propose(Proposal(1, EntryBlock([1]))))
    lone(.receive(.accepted(from: 2, to: 1, term: 2, match: 2)))

    lone(.receive(.accepted(from: 2, to: 1, term: 2, match: 1)))

    #expect(lone.node.progress.first?.matchIndex == 2)
    #expect(lone.node.progress.first?.nextIndex == 3)
  }

  @Test func `both are reinitialized after election`() throws {
    var cluster = Cluster(3) {
      $0.isPreVoteEnabled = false
      $0.isCheckQuorumEnabled = false
    }
    cluster.elect(1)
    cluster.propose(1, "x=1")
    cluster.deliverAll()
    #expect(cluster[1].progress.map(\.matchIndex) == [2, 2])

    cluster.elect(2)
    #expect(cluster[1].progress.isEmpty)
    cluster.step(1, .campaign)
    cluster.deliver { $0.kind == "requestVote" }
    cluster.deliver { $0.kind == "requestVoteReply" }

    #expect(cluster[1].role == .leader)
    #expect(cluster[1].progress.map(\.matchIndex) == [0, 0])
    #expect(cluster[1].progress.map(\.nextIndex) == [4, 4])
  }

  @Test func `who does not lead keeps none of it`() throws {
    #expect(try Lone.follower(term: 2).node.progress.isEmpty)
    #expect(try Lone.candidate(term: 2).node.progress.isEmpty)
  }
}

// Thesis §10.2.1, writing to the leader's disk in parallel: one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Thesis 10.2.1, writing to the leader's disk in parallel") struct ParallelDiskTests {
  @Test func `the leader replicates to its followers while it writes to its own disk`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)

    let actions = lone(.propose(Proposal(1, EntryBlock(Array("x".utf8)))))

    expectExactly(
      actions,
      """
      store #3 entries [2:4 x]
      send n1>n2 term 4 appendEntries prev 1:4 [2:4 x] commit 1
      send n1>n3 term 4 appendEntries prev 1:4 [2:4 x] commit 1
      outcome r1 accepted 2:4
      """)
  }

  @Test func `the leader uses its own match index only as far as its write has completed`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)
    lone(.propose(Proposal(1, EntryBlock([7]))))

    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 2)))
    #expect(lone.node.commitIndex == 1, "one durable copy, and one that is being written")
    lone.persist()

    #expect(lone.node.commitIndex == 2)
  }

  @Test func `it may even commit an entry before it has been written to its own disk`() throws {
    var lone = try Lone.leader(term: 4)
    lone.acknowledge(by: 2, 3)
    lone(.propose(Proposal(1, EntryBlock([7]))))

    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 2)))
    let second = lone(.receive(.accepted(from: 3, to: 1, term: 4, match: 2)))

    #expect(lone.node.commitIndex == 2)
    #expect(second.outcomes == ["r1 committed 2:4 on 2"])
    #expect(!second.contains { $0.text.hasPrefix("apply") }, "applied only when durable here")
  }

  @Test func `the only voter commits nothing before it is durable`() throws {
    var lone = try Lone.leader(of: 1, term: 4)
    #expect(lone.node.commitIndex == 1)

    let proposed = lone(.propose(Proposal(1, EntryBlock([7]))))
    #expect(proposed.outcomes == ["r1 accepted 2:4"])
    #expect(lone.node.commitIndex == 1)

    #expect(lone.persist().outcomes == ["r1 committed 2:4 on 1"])
  }

  @Test func `a receipt for a later write says nothing of an earlier one`() throws {
    var lone = try Lone.follower(term: 4)
    for index in [1, 2, 3] as [LogIndex] {
      lone(
        .receive(
          .appendEntries(
            from: 2, to: 1, term: 4, prev: LogPosition(index.previous, index == 1 ? 0 : 4),
            .commands(from: index, term: 4, "x"))))
    }

    expectExactly(lone(.persisted(3)))
    expectExactly(lone(.persisted(2)))
    #expect(lone.node.durableIndex == 0)
    expectExactly(
      lone(.persisted(1)), "send n1>n2 term 4 appendEntriesReply match 3")
  }

  @Test func `an acknowledgement covers what is durable, not what has arrived since`() throws {
    var lone = try Lone.follower(term: 4)
    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(0, 0), .commands(from: 1, term: 4, "x"))))
    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(1, 4), .commands(from: 2, term: 4, "y"))))

    expectExactly(
      lone(.persisted(1)), "send n1>n2 term 4 appendEntriesReply match 1 received 2")
    expectExactly(lone(.persisted(2)), "send n1>n2 term 4 appendEntriesReply match 2")
  }

  @Test func `a receipt that comes twice, or for no write, changes nothing`() throws {
    var lone = try Lone.follower(term: 4)
    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(0, 0), .commands(from: 1, term: 4, "x"))))
    lone(.persisted(1))

    expectExactly(lone(.persisted(1)))
    expectExactly(lone(.persisted(0)))
    expectExactly(lone(.persisted(99)))

    #expect(lone.node.durableIndex == 1)
  }

  @Test func `a receipt for entries that were overwritten meanwhile does not make others durable`()
    throws
  {
    var lone = try Lone.follower(term: 4)
    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(0, 0),
          .commands(from: 1, term: 4, "a", "b", "c"))))
    // Another leader overwrites entries 2 and 3 before the first write has come back.
    lone(
      .receive(
        .appendEntries(
          from: 3, to: 1, term: 5, prev: LogPosition(1, 4),
          .commands(from: 2, term: 5, "d", "e"))))

    let first = lone(.persisted(1))
    #expect(lone.node.durableIndex == 1)
    #expect(!first.messages.contains { $0.text.contains("match 3") || $0.text.contains("match 2") })
    let second = lone(.persisted(2))

    #expect(lone.node.durableIndex == 3)
    expectExactly(second, "send n1>n3 term 5 appendEntriesReply match 3")
  }

  @Test func `a write that failed ends the node: nothing more is promised`() throws {
    var lone = try Lone.leader(term: 4)
    lone(.propose(Proposal(1, EntryBlock([7]))))
    let ticket = try #require(lone.owed.last)

    let failed = lone(.storageFailed(ticket))
    let acknowledged = lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 2)))
    let vote = lone(.receive(.requestVote(from: 2, to: 1, term: 9, log: LogPosition(9, 8))))
    let late = lone(.propose(Proposal(2, EntryBlock([7]))))

    #expect(lone.node.isHalted)
    #expect(failed.outcomes == ["r1 unknown 2:4 halted"])
    #expect(acknowledged.isEmpty && vote.isEmpty)
    expectExactly(late, "outcome r2 refused halted")
    #expect(lone.tick(1_000).isEmpty)
  }

  @Test func `a leader whose disk does not answer steps down`() throws {
    var cluster = Cluster(3) { $0.diskStallTicks = 200 }
    cluster.elect(1)
    cluster.setDisk(1, isPrompt: false)
    cluster.propose(1, "x")

    cluster.run(260)
    #expect(cluster[1].role == .follower)
    cluster.run(400)

    #expect(cluster.leader == 2 || cluster.leader == 3)
    #expect(cluster[1].role == .follower, "it does not stand while its disk is silent")
  }
}

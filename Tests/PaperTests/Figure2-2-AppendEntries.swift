// Figure 2, the box "AppendEntries RPC": one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Figure 2, AppendEntries RPC, arguments and results") struct AppendEntriesFieldTests {
  @Test func `invoked by leader to replicate log entries, and it carries all the paper's fields`()
    throws
  {
    var lone = try Lone.leader(term: 4, log: [1, 2])
    lone(.receive(.accepted(from: 2, to: 1, term: 4, match: 3)))

    let actions = lone(.propose(Proposal(1, EntryBlock(Array("x".utf8)))))

    // term, leader (from), prevLogIndex, prevLogTerm, entries, leaderCommit
    expectExactly(
      actions,
      """
      store #3 entries [4:4 x]
      send n1>n2 term 4 appendEntries prev 3:4 [4:4 x] commit 3
      outcome r1 accepted 4:4
      """)
  }

  @Test func `also used as heartbeat, with empty entries`() throws {
    var lone = try Lone.leader(term: 4, log: [1, 2])
    lone.acknowledge(by: 2, 3)

    let actions = lone.tick(10)

    // At the first tick followers are told of the commit, at the tenth it is time for a heartbeat.
    expectExactly(
      actions,
      """
      send n1>n2 term 4 appendEntries prev 3:4 commit 3
      send n1>n3 term 4 appendEntries prev 3:4 commit 3
      send n1>n2 term 4 appendEntries prev 3:4 commit 3 round 1
      send n1>n3 term 4 appendEntries prev 3:4 commit 3 round 1
      """)
  }

  @Test func `leaderId lets a follower redirect clients`() throws {
    var lone = try Lone.follower(term: 4)
    lone(.receive(.appendEntries(from: 3, to: 1, term: 4, prev: LogPosition(0, 0))))

    let actions = lone(.propose(Proposal(7, EntryBlock([1]))))

    expectExactly(actions, "outcome r7 refused notLeader ask n3")
  }

  @Test func `may send more than one entry for efficiency`() throws {
    var lone = try Lone.leader(term: 1)
    for number in 1...3 { lone(.propose(Proposal(RequestID(UInt64(number)), EntryBlock([7])))) }

    let actions = lone(.receive(.accepted(from: 2, to: 1, term: 1, match: 1)))

    #expect(actions.messages.map(\.entries.count) == [3])
  }

  @Test func `a reply carries currentTerm, for the leader to update itself`() throws {
    var lone = try Lone.follower(term: 6)

    let actions = lone(
      .receive(.appendEntries(from: 2, to: 1, term: 4, prev: LogPosition(0, 0))))

    expectExactly(
      actions, "send n1>n2 term 6 appendEntriesReply refused 0 hint 0:0 match 0")

    var leader = try Lone.leader(2, term: 4)
    leader(.receive(try #require(actions.messages.first)))
    #expect(leader.node.role == .follower)
    #expect(leader.node.currentTerm == 6)
  }

  @Test
  func `success is true if the follower contained an entry matching prevLogIndex and prevLogTerm`()
    throws
  {
    var lone = try Lone.follower(term: 3, log: [1, 2, 2])

    let actions = lone(
      .receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(2, 2))))

    expectExactly(actions, "send n1>n2 term 3 appendEntriesReply match 2")
  }
}

@Suite("Figure 2, AppendEntries RPC, receiver implementation") struct AppendEntriesReceiverTests {
  @Test func `1. reply false if term < currentTerm`() throws {
    var lone = try Lone.follower(term: 5, log: [1, 2])

    let actions = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(2, 2), .commands(from: 3, term: 4, "x"),
          commit: 2)))

    expectExactly(
      actions, "send n1>n2 term 5 appendEntriesReply refused 2 hint 2:2 match 0")
    #expect(lone.node.log.lastIndex == 2)
    #expect(lone.node.commitIndex == 0)
  }

  @Test func `1. a stale leader's message does not hold back the election`() throws {
    var lone = try Lone.follower(term: 5)
    var ticks = 0

    while lone.node.role == .follower && ticks < 400 {
      lone(.tick)
      lone(.receive(.appendEntries(from: 2, to: 1, term: 4, prev: LogPosition(0, 0))))
      ticks += 1
    }

    #expect(lone.node.role == .preCandidate)
  }

  @Test func `2. reply false if the log doesn't contain an entry at prevLogIndex`() throws {
    var lone = try Lone.follower(term: 3, log: [1, 1, 2])

    let actions = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 3, prev: LogPosition(5, 3), .commands(from: 6, term: 3, "x"),
          commit: 6)))

    // The hint is the last entry of this log that can be in the leader's: no later than its index
    // and term.
    expectExactly(
      actions, "send n1>n2 term 3 appendEntriesReply refused 5 hint 3:2 match 0")
    #expect(lone.node.log.lastIndex == 3)
    #expect(lone.node.commitIndex == 0)
  }

  @Test func `2. reply false if the term at prevLogIndex does not match prevLogTerm`() throws {
    var lone = try Lone.follower(term: 5, log: [1, 1, 4, 4])

    let actions = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 5, prev: LogPosition(3, 3), .commands(from: 4, term: 5, "x"))))

    expectExactly(
      actions, "send n1>n2 term 5 appendEntriesReply refused 3 hint 2:1 match 0")
    #expect(lone.node.log.lastIndex == 4, "nothing is deleted before the leader's entry is here")
  }

  @Test func `2. holds for heartbeats as well`() throws {
    var lone = try Lone.follower(term: 5, log: [1, 1, 4])

    let actions = lone(
      .receive(.appendEntries(from: 2, to: 1, term: 5, prev: LogPosition(3, 5), commit: 3)))

    expectExactly(
      actions, "send n1>n2 term 5 appendEntriesReply refused 3 hint 2:1 match 0")
    #expect(lone.node.commitIndex == 0)
  }

  @Test func `3. an existing entry that conflicts is deleted, and all that follow it`() throws {
    var lone = try Lone.follower(term: 4, log: [1, 1, 2, 2, 2])

    let actions = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(2, 1), .commands(from: 3, term: 4, "x"))))

    expectExactly(
      actions,
      "store #1 truncate from 3 entries [3:4 x]")
    expectExactly(lone.persist(), "send n1>n2 term 4 appendEntriesReply match 3")
    #expect(lone.node.log.last == LogPosition(3, 4))
  }

  @Test func `3. a message that is older and shorter deletes nothing`() throws {
    var lone = try Lone.follower(term: 4, log: [1, 1, 4, 4, 4])

    let actions = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(1, 1),
          .log(terms: [1, 1, 4])
            .suffix(from: 2))))

    expectExactly(actions, "send n1>n2 term 4 appendEntriesReply match 3")
    #expect(lone.node.log.lastIndex == 5)
  }

  @Test func `4. append any new entries not already in the log`() throws {
    var lone = try Lone.follower(term: 4, log: [1, 1, 4])

    let actions = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(1, 1),
          .log(terms: [1, 1, 4, 4, 4]).suffix(from: 2))))

    expectExactly(actions, "store #1 entries [4:4 4:4, 5:4 5:4]")
    expectExactly(lone.persist(), "send n1>n2 term 4 appendEntriesReply match 5")
  }

  @Test func `4. the same message twice appends once`() throws {
    var lone = try Lone.follower(term: 4)
    let message = Message.appendEntries(
      from: 2, to: 1, term: 4, prev: LogPosition(0, 0), .commands(from: 1, term: 4, "x"))
    lone(.receive(message))
    lone.persist()

    let actions = lone(.receive(message))

    expectExactly(actions, "send n1>n2 term 4 appendEntriesReply match 1")
    #expect(lone.node.log.lastIndex == 1)
  }

  @Test func `5. commitIndex becomes leaderCommit if that is the lesser`() throws {
    var lone = try Lone.follower(term: 4)

    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(0, 0),
          .commands(from: 1, term: 4, "x", "y", "z"), commit: 2)))

    #expect(lone.node.commitIndex == 2)
  }

  @Test func `5. commitIndex becomes the index of the last new entry if that is the lesser`() throws
  {
    // The own log is longer, but beyond entry 2 nobody has compared it with the leader's.
    var lone = try Lone.follower(term: 4, log: [1, 1, 3, 3, 3])

    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(1, 1), .log(terms: [1, 1]).suffix(from: 2),
          commit: 5)))

    #expect(lone.node.commitIndex == 2)
  }

  @Test func `5. for a heartbeat the last new entry is prevLogIndex`() throws {
    var lone = try Lone.follower(term: 4, log: [1, 1, 3, 3, 3])

    lone(.receive(.appendEntries(from: 2, to: 1, term: 4, prev: LogPosition(2, 1), commit: 5)))

    #expect(lone.node.commitIndex == 2)
  }

  @Test func `5. what an earlier leader has shown to match proves nothing for the next`() throws {
    // Leader 2 of term 4 has brought entries 1 to 3. The leader of term 5 has compared up to 1.
    var lone = try Lone.follower(term: 4)
    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(0, 0), .log(terms: [1, 4, 4]))))
    lone.persist()

    lone(.receive(.appendEntries(from: 3, to: 1, term: 5, prev: LogPosition(1, 1), commit: 3)))

    #expect(lone.node.commitIndex == 1)
  }

  @Test func `entries that do not continue what is committed are put aside`() throws {
    var lone = try Lone.follower(term: 4, log: [1, 2])
    lone(.receive(.appendEntries(from: 2, to: 1, term: 4, prev: LogPosition(2, 2), commit: 2)))

    // No correct leader says so: entry 2 is of term 2 and committed.
    expectExactly(
      lone(
        .receive(
          .appendEntries(
            from: 2, to: 1, term: 4, prev: LogPosition(0, 0), .log(terms: [1, 1, 1])))))
    expectExactly(
      lone(
        .receive(
          .appendEntries(
            from: 2, to: 1, term: 4, prev: LogPosition(2, 1), .commands(from: 3, term: 1, "x")))))

    #expect(lone.node.log.last == LogPosition(2, 2))
  }

  @Test func `what is committed is never deleted, whatever a message says`() throws {
    var lone = try Lone.follower(term: 4, log: [1, 1, 2])
    lone(.receive(.appendEntries(from: 2, to: 1, term: 4, prev: LogPosition(3, 2), commit: 2)))

    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(0, 0), .commands(from: 1, term: 4, "x"))))

    #expect(lone.node.log.term(at: 1) == 1)
    #expect(lone.node.log.term(at: 2) == 1)
  }
}

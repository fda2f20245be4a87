// Thesis §5, log compaction, and §7 and Figure 13 of the paper: one test per sentence.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Thesis 5.1, snapshotting memory-based state machines") struct SnapshotTakingTests {
  static func compacted(_ retained: UInt64 = 0) -> Cluster {
    var cluster = Cluster(3) { $0.retainedEntries = retained }
    cluster.elect(1)
    for text in ["a", "b", "c"] { cluster.propose(1, text) }
    cluster.run(5)
    return cluster
  }

  @Test func `each server compacts the committed prefix of its log on its own`() throws {
    var cluster = SnapshotTakingTests.compacted()

    cluster.takeSnapshot(2, through: 3)

    #expect(cluster[2].snapshot.lastIncluded == LogPosition(3, 1))
    #expect(cluster[2].log.baseIndex == 3)
    #expect(cluster[1].log.baseIndex == 0)
    #expect(cluster[2].log.lastIndex == 4)
  }

  @Test func `the snapshot keeps the index and term of the last entry that it replaces`() throws {
    var cluster = SnapshotTakingTests.compacted()
    cluster.takeSnapshot(2)

    // For the consistency check of the entry that comes after it.
    let request = cluster.propose(1, "d")
    cluster.deliverAll()

    #expect(cluster[2].log.term(at: 4) == 1)
    #expect(cluster.answers(request).count == 2)
    #expect(cluster.commands(2) == ["a", "b", "c", "d"] || cluster[2].commitIndex == 4)
  }

  @Test func `the snapshot keeps the latest configuration as of its last entry`() throws {
    var cluster = SnapshotTakingTests.compacted()
    cluster.change(1, .addLearner(9))
    cluster.run(5)
    cluster.propose(1, "d")
    cluster.run(5)
    cluster.takeSnapshot(2, through: 4)
    #expect(cluster[2].snapshot.membership == .voters(3), "as of entry 4, not as of now")
    cluster.takeSnapshot(2, through: 6)

    #expect(cluster[2].snapshot.membership.learners == [9])
    #expect(cluster[2].snapshot.membershipIndex == 5)
    cluster.restart(2)
    #expect(cluster[2].membership.learners == [9])
  }

  @Test func `a snapshot covers only what was applied`() throws {
    var lone = try Lone.follower(term: 3, log: [1, 2, 3])
    lone(.receive(.appendEntries(from: 2, to: 1, term: 3, prev: LogPosition(3, 3), commit: 2)))
    lone(.applied(through: 1))

    expectExactly(lone(.snapshotTaken(through: 2)))
    #expect(lone.node.snapshot.lastIncluded.index == 0)

    expectExactly(
      lone(.snapshotTaken(through: 1)), "store #1 snapshot 1:1 of {n1 n2 n3}@0 log after 0:0")
    #expect(lone.node.snapshot.lastIncluded == LogPosition(1, 1))
  }

  @Test func `an older snapshot replaces no newer one`() throws {
    var cluster = SnapshotTakingTests.compacted(100)
    cluster.takeSnapshot(2, through: 3)

    cluster.takeSnapshot(2, through: 2)

    #expect(cluster[2].snapshot.lastIncluded == LogPosition(3, 1))
  }

  @Test func `a tail of the log is kept for followers that are a little behind`() throws {
    var cluster = SnapshotTakingTests.compacted(2)

    cluster.takeSnapshot(1)

    #expect(cluster[1].snapshot.lastIncluded.index == 4)
    #expect(cluster[1].log.baseIndex == 2)
  }

  @Test func `where space is short no tail is kept, also behind a snapshot of before`() throws {
    var cluster = SnapshotTakingTests.compacted(2)
    cluster.takeSnapshot(1)
    #expect(cluster[1].log.baseIndex == 2)

    cluster.step(1, .snapshotTaken(through: 4, keepsTail: false))

    #expect(cluster[1].log.baseIndex == 4)
    #expect(cluster[1].snapshot.lastIncluded.index == 4)
    cluster.run(5)
    cluster.restart(1)
    #expect(cluster[1].log.baseIndex == 4)
    cluster.elect(2)
    cluster.propose(2, "d")
    cluster.run(5)
    #expect(cluster.commands(1) == ["a", "b", "c", "d"])
  }

  @Test func `after a restart the machine begins with the snapshot, and entries after it follow`()
    throws
  {
    var cluster = SnapshotTakingTests.compacted()
    cluster.takeSnapshot(1, through: 3)

    for node in [1, 2, 3] as [NodeID] { cluster.restart(node) }
    #expect(cluster[1].lastApplied <= 4)
    cluster.elect(1)
    cluster.propose(1, "d")
    cluster.run(5)

    for node in [1, 2, 3] as [NodeID] { #expect(cluster.commands(node) == ["a", "b", "c", "d"]) }
  }
}

@Suite("Paper 7 and Figure 13, InstallSnapshot RPC") struct InstallSnapshotTests {
  /// Nodes 1 and 2 go on without 3, and the leader compacts what 3 lacks.
  static func behind(chunk: UInt64 = 1 << 18) -> Cluster {
    var cluster = Cluster(3) {
      $0.retainedEntries = 0
      $0.snapshotChunkBytes = chunk
    }
    cluster.elect(1)
    cluster.partition([1, 2], [3])
    for text in ["alpha", "beta", "gamma"] { cluster.propose(1, text) }
    cluster.run(5)
    cluster.takeSnapshot(1)
    cluster.heal()
    return cluster
  }

  @Test func `the leader sends a snapshot when it has discarded the next entry to send`() throws {
    var cluster = InstallSnapshotTests.behind()

    cluster.run(60)

    #expect(cluster[3].snapshot.lastIncluded == LogPosition(4, 1))
    #expect(cluster.commands(3) == ["alpha", "beta", "gamma"])
    #expect(cluster[1].progress.last?.state == .replicate)
  }

  @Test func `then the follower goes on with the entries after it`() throws {
    var cluster = InstallSnapshotTests.behind()
    cluster.propose(1, "delta")
    cluster.run(60)
    cluster.propose(1, "epsilon")
    cluster.run(5)

    #expect(cluster.commands(3) == ["alpha", "beta", "gamma", "delta", "epsilon"])
    #expect(cluster[3].log.baseIndex == 4)
    #expect(cluster[3].log.lastIndex == 6)
  }

  @Test("chunks are sent in order and put together", arguments: [1, 2, 5, 16, 17] as [UInt64])
  func chunks(size: UInt64) throws {
    var cluster = InstallSnapshotTests.behind(chunk: size)

    cluster.run(60)

    #expect(cluster.commands(3) == ["alpha", "beta", "gamma"])
  }

  @Test func `chunks may be lost, and come twice`() throws {
    var cluster = InstallSnapshotTests.behind(chunk: 3)
    var count = 0
    for _ in 0..<900 where cluster[3].snapshot.lastIncluded.index == 0 {
      for node in [1, 2, 3] as [NodeID] { cluster.tick(node) }
      count += 1
      if count % 3 == 0 { cluster.drop { $0.kind == "installSnapshot" } }
      if count % 3 == 1 { cluster.duplicate { $0.kind.hasPrefix("installSnapshot") } }
      cluster.deliver()
    }
    cluster.run(60)

    #expect(cluster.commands(3) == ["alpha", "beta", "gamma"])
  }

  @Test func `a follower that crashes goes on where its storage ends`() throws {
    var cluster = InstallSnapshotTests.behind(chunk: 4)
    while cluster.host(3).disk.aside == nil || cluster.host(3).disk.aside!.bytes.count < 8 {
      for node in [1, 2, 3] as [NodeID] { cluster.tick(node) }
      cluster.deliver()
    }
    cluster.restart(3)
    cluster.drop { $0.to == 3 }
    let before = cluster.events.count

    cluster.run(100)

    #expect(cluster.commands(3) == ["alpha", "beta", "gamma"])
    #expect(cluster.events.count > before)
  }

  @Test func `1. reply immediately if term < currentTerm`() throws {
    var lone = try Lone.follower(term: 5)

    let actions = lone(
      .receive(
        .installSnapshot(from: 2, to: 1, term: 4, LogPosition(3, 4), of: .voters(3), "x")))

    #expect(actions.messages.map(\.term) == [5])
    #expect(actions.count == 1)
    #expect(lone.node.snapshot.lastIncluded.index == 0)
  }

  @Test
  func `a chunk is kept aside; the last brings the snapshot into force, then it is installed`()
    throws
  {
    var lone = try Lone.follower(term: 4)
    let position = LogPosition(3, 4)

    let first = lone(
      .receive(
        .installSnapshot(
          from: 2, to: 1, term: 4, position, of: .voters(3), "ab", isDone: false)))
    let firstStored = lone(.snapshotChunkStored(lastIncluded: position, through: 2))
    let second = lone(
      .receive(
        .installSnapshot(
          from: 2, to: 1, term: 4, position, of: .voters(3), offset: 2, "c")))
    let secondStored = lone(.snapshotChunkStored(lastIncluded: position, through: 3))
    let durable = lone.persist()

    expectExactly(first, "storeSnapshotChunk 3:4 of {n1 n2 n3}@0 from 0 2 bytes")
    expectExactly(firstStored, "send n1>n2 term 4 installSnapshotReply 3:4 next 2")
    expectExactly(second, "storeSnapshotChunk 3:4 of {n1 n2 n3}@0 from 2 1 bytes last")
    expectExactly(
      secondStored, "store #1 snapshot 3:4 of {n1 n2 n3}@0 log after 3:4 reset")
    expectExactly(
      durable,
      """
      send n1>n2 term 4 appendEntriesReply match 3
      installSnapshot 3:4 of {n1 n2 n3}@0
      """)
  }

  @Test func `the state machine is replaced only once the snapshot is in force on disk`() throws {
    var lone = try Lone.follower(term: 4)
    let position = LogPosition(5, 4)
    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(0, 0), .commands(from: 1, term: 4, "x"))))
    lone(.receive(.installSnapshot(from: 2, to: 1, term: 4, position, of: .voters(3), "ab")))
    lone(.snapshotChunkStored(lastIncluded: position, through: 2))

    let earlier = lone(.persisted(1))
    let marker = lone(.persisted(2))

    #expect(!earlier.contains { $0.text.hasPrefix("installSnapshot") })
    #expect(marker.contains { $0.text == "installSnapshot 5:4 of {n1 n2 n3}@0" })
  }

  @Test func `a chunk at another offset than the next is answered with the next`() throws {
    var lone = try Lone.follower(term: 4)

    let actions = lone(
      .receive(
        .installSnapshot(
          from: 2, to: 1, term: 4, LogPosition(3, 4), of: .voters(3), offset: 7, "x")))

    expectExactly(actions, "send n1>n2 term 4 installSnapshotReply 3:4 next 0")
  }

  @Test
  func `6. if an existing entry has the last included index and term, retain what follows it`()
    throws
  {
    var lone = try Lone.follower(term: 4, log: [1, 1, 4, 4])

    let actions = lone(
      .receive(
        .installSnapshot(from: 2, to: 1, term: 4, LogPosition(3, 4), of: .voters(3), "x")))

    // The log needs no snapshot: it only learns that entry 3 is committed.
    expectExactly(
      actions,
      """
      send n1>n2 term 4 appendEntriesReply match 3
      apply [1:1 1:1, 2:1 2:1, 3:4 3:4]
      """)
    #expect(lone.node.log.lastIndex == 4)
    #expect(lone.node.commitIndex == 3)
  }

  @Test func `6. it retains them also if its log has grown while the chunks came in`() throws {
    var lone = try Lone.follower(term: 4)
    let position = LogPosition(2, 4)
    lone(
      .receive(
        .installSnapshot(from: 2, to: 1, term: 4, position, of: .voters(3), "x")))
    lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(0, 0), .log(terms: [1, 4, 4]))))
    lone.persist()

    lone(.snapshotChunkStored(lastIncluded: position, through: 1))
    lone.persist()

    #expect(lone.node.log.lastIndex == 3)
    #expect(lone.node.commitIndex == 2)
  }

  @Test func `7. discard the entire log if it does not continue the snapshot`() throws {
    var lone = try Lone.follower(term: 4, log: [1, 2, 2, 2, 2])
    let position = LogPosition(3, 4)
    lone(
      .receive(.installSnapshot(from: 2, to: 1, term: 4, position, of: .voters(3), "x")))

    lone(.snapshotChunkStored(lastIncluded: position, through: 1))

    #expect(lone.node.log.last == position)
    #expect(lone.node.log.count == 0)
  }

  @Test func `8. load the snapshot's cluster configuration`() throws {
    var lone = try Lone.follower(term: 4)
    let position = LogPosition(3, 4)
    lone(.receive(.installSnapshot(from: 2, to: 1, term: 4, position, of: .voters(5), "x")))
    #expect(lone.node.membership == .voters(3))

    lone(.snapshotChunkStored(lastIncluded: position, through: 1))

    #expect(lone.node.membership == .voters(5))
  }

  @Test func `a snapshot behind what is committed here changes nothing`() throws {
    var lone = try Lone.follower(term: 4, log: [1, 1, 4, 4])
    lone(.receive(.appendEntries(from: 2, to: 1, term: 4, prev: LogPosition(4, 4), commit: 4)))

    let actions = lone(
      .receive(
        .installSnapshot(from: 2, to: 1, term: 4, LogPosition(2, 1), of: .voters(2), "x")))

    #expect(actions.count == 1)
    #expect(lone.node.commitIndex == 4)
    #expect(lone.node.membership == .voters(3))
    #expect(lone.node.snapshot.lastIncluded.index == 0)
  }

  @Test func `a node with a snapshot that is not installed yet does not stand for election`() throws
  {
    var lone = try Lone.follower(term: 4)
    let position = LogPosition(3, 4)
    lone(.receive(.installSnapshot(from: 2, to: 1, term: 4, position, of: .voters(3), "x")))
    lone(.snapshotChunkStored(lastIncluded: position, through: 1))

    lone.tick(500)
    #expect(lone.node.role == .follower)
    lone.persist()
    lone.tick(500)
    #expect(lone.node.role == .follower)
    lone(.applied(through: 3))
    lone.tick(500)

    #expect(lone.node.role == .preCandidate)
  }

  @Test func `a snapshot also tells of the leader and holds elections back`() throws {
    var lone = try Lone.follower(term: 4)

    for _ in 0..<10 {
      lone.tick(90)
      lone(
        .receive(
          .installSnapshot(
            from: 2, to: 1, term: 4, LogPosition(3, 4), of: .voters(3), offset: 9, "x")))
    }

    #expect(lone.node.role == .follower)
    #expect(lone.node.leaderID == 2)
  }

  @Test func `entries that were compacted away match without being compared`() throws {
    var lone = try Lone.compacted(through: LogPosition(5, 4), term: 4)

    let actions = lone(
      .receive(
        .appendEntries(
          from: 2, to: 1, term: 4, prev: LogPosition(2, 1),
          .log(terms: [1, 1, 2, 3, 4, 4]).suffix(from: 3))))

    expectExactly(actions, "store #1 entries [6:4 6:4]")
    expectExactly(lone.persist(), "send n1>n2 term 4 appendEntriesReply match 6")
  }

  @Test func `but nothing after the snapshot matches without being compared`() throws {
    var lone = try Lone.compacted(
      through: LogPosition(5, 4), term: 5, log: .commands(from: 6, term: 4, "x", "y"))

    let actions = lone(
      .receive(.appendEntries(from: 2, to: 1, term: 5, prev: LogPosition(7, 5), commit: 7)))

    expectExactly(
      actions, "send n1>n2 term 5 appendEntriesReply refused 7 hint 6:4 match 0")
    #expect(lone.node.commitIndex == 5)
  }
}

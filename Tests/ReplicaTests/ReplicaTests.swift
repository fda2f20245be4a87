import Raft
import RaftClocks
import RaftJournal
import RaftMachines
import RaftReplica
import RaftSimulation
import TestPace
import Testing

@Suite(.computing) struct ReplicaTests {
  @Test func `a command is applied on every replica, and replied to once`() throws {
    var group = try Group()
    let leader = group.elect()
    #expect(group.ask(command(5), at: leader)?.total == 5)
    #expect(group.ask(command(2), at: leader)?.total == 7)
    group.tick(20)
    #expect(group.isLevel)
    #expect(group.replies.count == 2)
    #expect(group.up.allSatisfy { group[$0].machine.machine.total == 7 })
  }

  @Test func `a group of one needs nobody`() throws {
    var group = try Group(1)
    let leader = group.elect()
    #expect(group.ask(command(5), at: leader)?.total == 5)
    #expect(group.ask(.query(.total, .linearizable), at: leader)?.answered == 5)
  }

  @Test func `a copy that is given the same inputs does the same`() throws {
    var group = try Group()
    _ = group.elect()
    var copy = group
    _ = group.ask(command(5), at: group.leader ?? 1)
    _ = copy.ask(command(5), at: copy.leader ?? 1)
    for node in group.nodes {
      #expect(group[node].digest() == copy[node].digest())
    }
    copy.tick()
    #expect(group[1].digest() != copy[1].digest())
  }

  @Test func `a command in a session takes effect once across leader change, restart and snapshot`()
    throws
  {
    var group = try Group { $0.snapshotEntries = 5 }
    var leader = group.elect()
    let session = try #require(group.ask(.openSession, at: leader)?.session)
    #expect(group.ask(command(3, session, 1), at: leader)?.total == 3)

    // Another leader knows it, too.
    #expect(group.ask(command(3, session, 1), at: leader)?.kind == .duplicate)
    let old = leader
    group.isolated = [old]
    group.wait { $0.leader != nil && $0.leader != old }
    leader = group.elect()
    #expect(leader != old)
    let again = group.ask(command(3, session, 1), at: leader)
    #expect(again?.kind == .duplicate && again?.total == 3)
    group.isolated = []

    // Snapshots are taken and the log is cut; then everybody restarts.
    for step in 2...20 {
      let sequence = UInt64(step)
      _ = group.ask(command(1, session, sequence, acknowledged: 1), at: leader)
    }
    group.tick(30)
    #expect(group.up.allSatisfy { group[$0].node.snapshot.lastIncluded.index > .zero })
    for node in group.nodes { group.crash(node) }
    for node in group.nodes { #expect(try group.restart(node)) }
    leader = group.elect()
    let last = group.ask(command(1, session, 20, acknowledged: 1), at: leader)
    #expect(last?.kind == .duplicate && last?.total == 22)
    group.tick(20)
    #expect(group.isLevel)
    #expect(group[leader].machine.machine.total == 22)
  }

  @Test func `what was acknowledged is there after all have crashed`() throws {
    for seed in 1...10 {
      var group = try Group(seed: UInt64(seed))
      var total: Int64 = 0
      for round in 0..<3 {
        let leader = group.elect()
        for step in 1...4 {
          let reply = group.ask(command(Int64(step)), at: leader)
          total = try #require(reply?.total)
        }
        // One more is under way when the power fails.
        group.frozen = round == 1 ? [leader] : []
        _ = group.begin(command(100), at: leader)
        if round == 2 { _ = group.deliver() }
        for node in group.nodes { group.crash(node) }
        group.frozen = []
        for node in group.nodes { #expect(try group.restart(node)) }
      }
      let leader = group.elect()
      let found = try #require(
        group.ask(.query(.total, .linearizable), at: leader)?.answered)
      #expect(found == total || found == total + 100, "seed \(seed)")
    }
  }

  @Test func `a snapshot larger than a chunk reaches a node that was away`() throws {
    var group = try Group {
      $0.core.retainedEntries = 0
      $0.core.snapshotChunkBytes = 700
      $0.pieceBytes = 512
      $0.snapshotEntries = 10
    }
    let leader = group.elect()
    let away = group.nodes.first { $0 != leader } ?? 0
    group.isolated = [away]
    _ = group.ask(command(-5_000), at: leader)
    for step in 1...30 { _ = group.ask(command(Int64(step)), at: leader) }
    #expect(group[leader].node.log.baseIndex > group[away].node.log.lastIndex)
    group.isolated = []
    #expect(group.wait { $0.isLevel })
    #expect(group[away].machine.machine.ballast.count == 5_000)
    #expect(group.events.contains { $0.node == away && $0.event.isRestored })
    // The machine that was sent serves sessions and reads like any.
    #expect(group.ask(.query(.total, .follower), at: away)?.answered == 465)
  }

  @Test func `a snapshot transfer goes on where it was when its receiver restarts`() throws {
    var group = try Group {
      $0.core.retainedEntries = 0
      $0.core.snapshotChunkBytes = 700
      $0.pieceBytes = 512
      $0.snapshotEntries = 10
    }
    let leader = group.elect()
    let away = group.nodes.first { $0 != leader } ?? 0
    group.isolated = [away]
    _ = group.ask(command(-20_000), at: leader)
    for step in 1...30 { _ = group.ask(command(Int64(step)), at: leader) }
    group.isolated = []
    // A part of it arrives, no more.
    var offsets: [UInt64] = []
    func note(_ group: Group) {
      for envelope in group.flights {
        if case .installSnapshot(let chunk) = envelope.message.body { offsets.append(chunk.offset) }
      }
    }
    var steps = 0
    while (offsets.max() ?? 0) < 7_000, steps < 2_000 {
      steps += 1
      group.nanoseconds += 10_000_000
      for node in group.up { group.give(.tick(nanoseconds: group.nanoseconds), to: node) }
      for _ in 0..<4 {
        _ = group.work()
        note(group)
        _ = group.deliver()
        if (offsets.max() ?? 0) >= 7_000 { break }
      }
    }
    group.crash(away)
    #expect(try group.restart(away))
    offsets = []
    steps = 0
    while !group.isLevel, steps < 2_000 {
      steps += 1
      group.nanoseconds += 10_000_000
      for node in group.up { group.give(.tick(nanoseconds: group.nanoseconds), to: node) }
      for _ in 0..<6 {
        _ = group.work()
        note(group)
        _ = group.deliver()
      }
    }
    #expect(group.isLevel)
    // The leader begins at 0 and is told to go on; it does not send the first part again.
    let resent = Set(offsets).filter { $0 > 0 && $0 < 5_000 }
    #expect(resent.isEmpty, "sent again: \(resent.sorted())")
    #expect(group[away].machine.machine.ballast.count == 20_000)
  }

  @Test func `a read waits for the machine that a restart is reading back`() throws {
    var group = try Group(1) { $0.snapshotEntries = 3 }
    let leader = group.elect()
    for step in 1...10 { _ = group.ask(command(Int64(step)), at: leader) }
    group.tick(10)
    group.crash(1)
    #expect(try group.restart(1))
    #expect(!group[1].isReady)
    let stale = group.begin(.query(.total, .stale), at: 1)
    guard case .unavailable(.loading) = group.reply(stale) else {
      Issue.record("a machine that is not there has answered")
      return
    }
    _ = group.elect()
    #expect(group.ask(.query(.total, .linearizable), at: 1)?.answered == 55)
  }

  @Test func `a confirmed read waits, too: what the core counts as applied may not be here yet`()
    throws
  {
    var group = try Group()
    let leader = group.elect()
    #expect(group.ask(command(7), at: leader)?.total == 7)
    group.tick(5)
    let away = group.nodes.first { $0 != leader } ?? 0
    #expect(group.administer(.takeSnapshot, at: away)?.kind == .ok)
    group.tick(5)
    group.crash(away)
    #expect(try group.restart(away))
    group.frozen = [away]
    group.tick(5)
    let name = group.begin(.query(.total, .follower), at: away)
    group.tick(5)
    #expect(group.reply(name) == nil)
    #expect(!group[away].isReady)
    group.frozen = []
    group.tick()
    #expect(group.reply(name)?.answered == 7)
  }

  @Test func `a witness helps to commit, and has no machine to ask`() throws {
    let membership = try Membership(
      voters: [NodeID(1), NodeID(2), NodeID(3)], witnesses: [NodeID(3)])
    var group = try Group(membership) { $0.snapshotEntries = 5 }
    var leader = group.elect()
    group.isolated = [3 - leader]
    for step in 1...12 { _ = group.ask(command(Int64(step)), at: leader) }
    group.tick(5)
    #expect(group[3].isWitness)
    #expect(group[3].node.snapshot.lastIncluded.index > .zero)
    guard case .unavailable(.witness)? = group.ask(.query(.total, .stale), at: 3) else {
      Issue.record("it holds no commands")
      return
    }
    group.isolated = []
    group.crash(3)
    #expect(try group.restart(3))
    leader = group.elect()
    #expect(group.ask(command(1), at: leader)?.total == 79)
    group.tick(10)
    #expect(group[1].machine.digest == group[2].machine.digest)
  }

  @Test func `a node that joins is sent everything and becomes a voter`() throws {
    var group = try Group {
      $0.core.retainedEntries = 0
      $0.snapshotEntries = 8
    }
    let leader = group.elect()
    for step in 1...20 { _ = group.ask(command(Int64(step)), at: leader) }
    try group.add(4, .joining)
    let added = group.administer(
      .changeMembership(MembershipChange([.addLearner(NodeID(4))])), at: leader)
    #expect(added?.kind == .ok)
    #expect(group.wait { $0.isLevel })
    let promoted = group.administer(
      .changeMembership(MembershipChange([.addVoter(NodeID(4))])), at: leader)
    #expect(promoted?.kind == .ok)
    #expect(group[4].node.membership.voters.contains(NodeID(4)))
    #expect(group[4].machine.machine.total == 210)
    // A snapshot says the membership of its own entry.
    group.tick(10)
    guard case .snapshotTaken? = group.administer(.takeSnapshot, at: 4) else {
      Issue.record("no snapshot was taken")
      return
    }
    #expect(group[4].node.snapshot.membership.voters.count == 4)
    group.crash(4)
    #expect(try group.restart(4))
    #expect(group.wait { $0.isLevel })
  }

  @Test func `log, snapshots and replies stay right in a random time of crashes and partitions`()
    throws
  {
    for seed in 1...4 {
      var storm = try Storm(seed: UInt64(seed))
      try storm.run()
    }
  }
}

extension ReplicaEvent {
  var isRestored: Bool {
    if case .machineRestored = self { return true }
    return false
  }
}

/// Clients that retry until they are told, while nodes crash, restart and lose each other.
struct Storm {
  var group: Group
  var random: RandomSource

  init(seed: UInt64) throws {
    random = RandomSource(seed: seed)
    group = try Group(seed: seed) {
      $0.core.retainedEntries = 2
      $0.core.snapshotChunkBytes = 60
      $0.pieceBytes = 50
      $0.snapshotEntries = 7
    }
  }

  mutating func run() throws {
    let leader = group.elect()
    let session = try #require(group.ask(.openSession, at: leader)?.session)
    var asked: [RequestID] = []
    var acknowledged: UInt64 = 0
    for sequence in UInt64(1)...40 {
      var isDone = false
      var tries = 0
      while !isDone, tries < 200 {
        tries += 1
        try disturb()
        let node = group.leader ?? group.up[0]
        let name = group.begin(
          command(1, session, sequence, acknowledged: acknowledged), at: node,
          deadline: Ticks(group[node].ticks.rawValue + 8))
        asked.append(name)
        for _ in 0..<12 where group.reply(name) == nil && group.up.contains(node) { group.tick() }
        if let total = group.reply(name)?.total {
          #expect(total == Int64(sequence), "sequence \(sequence)")
          isDone = true
        }
      }
      #expect(isDone)
      acknowledged = sequence
    }
    group.isolated = []
    for node in group.nodes where !group.up.contains(node) { try group.restart(node) }
    _ = group.elect()
    #expect(
      group.wait { after in
        after.isLevel && after.up.allSatisfy { after[$0].requestsUnderWay == 0 }
      })
    #expect(group.up.allSatisfy { group[$0].machine.machine.total == 40 })
    for name in asked {
      #expect(group.replies.filter { $0.name == name }.count <= 1)
    }
  }

  private mutating func disturb() throws {
    let node = 1 + random.draw(below: 3)
    switch random.draw(below: 12) {
    case 0 where group.up.count == 3: group.crash(node)
    case 1, 2: for node in group.nodes where !group.up.contains(node) { try group.restart(node) }
    case 3: group.isolated = [node]
    case 4, 5: group.isolated = []
    default: group.tick(Int(random.draw(below: 5)))
    }
  }
}

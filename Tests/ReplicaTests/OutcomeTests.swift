import Raft
import RaftJournal
import RaftMachines
import RaftReplica
import RaftSimulation
import TestPace
import Testing

@Suite(.computing) struct OutcomeTests {
  @Test func `a follower names the leader, and without one says that there is none`() throws {
    var group = try Group()
    guard case .unavailable(.noLeader)? = group.ask(command(1), at: 1) else {
      Issue.record("there is no leader yet")
      return
    }
    let leader = group.elect()
    let follower = group.nodes.first { $0 != leader } ?? 0
    group.tick(5)
    for request in [command(1), .query(.total, .linearizable), .query(.total, .lease)] {
      guard case .notLeader(NodeID(leader))? = group.ask(request, at: follower) else {
        Issue.record("the leader is not named")
        return
      }
    }
  }

  @Test func `what cannot be decoded is not proposed`() throws {
    var group = try Group()
    let leader = group.elect()
    let last = group[leader].node.log.lastIndex
    let bad = group.ask(.command([1, 2, 3], in: nil, copies: .majority), at: leader)
    #expect(bad?.kind == .badRequest)
    #expect(group.ask(command(1, SessionID(1), 0), at: leader)?.kind == .badRequest)
    let far = ClientRequest<Tally>.keepSession(SessionID(1), acknowledgedThrough: .max)
    #expect(group.ask(far, at: leader)?.kind == .badRequest)
    var limits = SessionLimits()
    limits.sessions = 0
    #expect(group.administer(.limitSessions(limits), at: leader)?.kind == .badRequest)
    #expect(group[leader].node.log.lastIndex == last)
  }

  @Test func `too much under way is refused with a time to come back`() throws {
    var group = try Group { $0.core.maximumUncommittedEntries = 3 }
    let leader = group.elect()
    group.frozen = group.nodes
    let names = (0..<5).map { _ in group.begin(command(1), at: leader) }
    #expect(group.reply(names[2]) == nil)
    guard case .tooBusy(let after)? = group.reply(names[3]) else {
      Issue.record("four are too many")
      return
    }
    #expect(after > .zero)
    group.frozen = []
    group.tick(5)
    #expect(names.prefix(3).allSatisfy { group.reply($0)?.kind == .ok })
    #expect(group.ask(command(1), at: leader)?.total == 4)
  }

  @Test func `a deadline that has passed keeps a command from being proposed`() throws {
    var group = try Group()
    let leader = group.elect()
    let last = group[leader].node.log.lastIndex
    guard
      case .unavailable(.deadlinePassed)? = group.ask(
        command(1), at: leader, deadline: group[leader].ticks)
    else {
      Issue.record("the deadline is not heeded")
      return
    }
    #expect(group[leader].node.log.lastIndex == last)
  }

  @Test func `a deadline that passes after the proposal leaves the outcome unknown`() throws {
    var group = try Group()
    let leader = group.elect()
    group.isolated = group.nodes.filter { $0 != leader }
    let deadline = Ticks(group[leader].ticks.rawValue + 3)
    let write = group.begin(command(1), at: leader, deadline: deadline)
    let read = group.begin(.query(.total, .linearizable), at: leader, deadline: deadline)
    group.tick(2)
    #expect(group.reply(write) == nil)
    group.tick()
    guard case .unknown(.deadlinePassed, let position?)? = group.reply(write),
      case .unavailable(.notConfirmed)? = group.reply(read)
    else {
      Issue.record("\(String(describing: group.replies))")
      return
    }
    #expect(position.index == group[leader].node.log.lastIndex)
    // It is done all the same, and is not replied to again.
    group.isolated = []
    group.tick(40)
    #expect(group.replies.filter { $0.name == write }.count == 1)
    #expect(group[leader].machine.machine.total == 1)
  }

  @Test func `an entry that another has taken the place of is surely not done`() throws {
    var group = try Group()
    let old = group.elect()
    group.isolated = [old]
    // The second stands where the next leader will put the command of somebody else.
    _ = group.begin(command(1), at: old)
    let name = group.begin(command(1), at: old)
    group.wait { $0.leader != nil && $0.leader != old }
    let leader = group.elect()
    #expect(group.ask(command(10), at: leader)?.total == 10)
    let lost = group[old].node.log.lastIndex
    #expect(group[leader].node.log.entry(at: lost)?.kind == .command)
    group.isolated = []
    group.tick(30)
    guard case .unavailable(.lost)? = group.reply(name) else {
      Issue.record("\(String(describing: group.reply(name)))")
      return
    }
    #expect(group.isLevel)
    #expect(group[old].machine.machine.total == 10)
  }

  @Test func `what a snapshot has swallowed is unknown`() throws {
    var group = try Group {
      $0.core.retainedEntries = 0
      $0.snapshotEntries = 4
    }
    let old = group.elect()
    group.isolated = [old]
    let name = group.begin(command(1), at: old)
    group.wait { $0.leader != nil && $0.leader != old }
    let leader = group.elect()
    for _ in 0..<12 { _ = group.ask(command(10), at: leader) }
    group.isolated = []
    group.tick(30)
    #expect(group.reply(name)?.kind == .unknown)
    #expect(group.wait { $0.isLevel })
  }

  @Test func `fewer copies than asked for are told by the deadline, and the write stays`() throws {
    var group = try Group()
    let leader = group.elect()
    #expect(group.ask(command(1, copies: .all), at: leader)?.kind == .ok)
    let away = group.nodes.first { $0 != leader } ?? 0
    group.isolated = [away]
    #expect(group.ask(command(1, copies: .atLeast(2)), at: leader)?.kind == .ok)
    let deadline = Ticks(group[leader].ticks.rawValue + 5)
    let under = group.ask(command(1, copies: .all), at: leader, deadline: deadline)
    guard case .applied(let applied)? = under else {
      Issue.record("the write is committed")
      return
    }
    #expect(under?.kind == .underAcknowledged)
    #expect(applied.underAcknowledged == UnderAcknowledged(copies: 2, asked: 3))
    #expect(under?.total == 3)
    // Asked for again, it waits until the last one has it.
    let name = group.begin(command(1, copies: .all), at: leader)
    group.tick(5)
    #expect(group.reply(name) == nil)
    group.isolated = []
    group.tick(20)
    #expect(group.reply(name)?.kind == .ok)
  }

  @Test func `a session that is gone says so, one that is kept goes on`() throws {
    var group = try Group()
    let leader = group.elect()
    let session = try #require(group.ask(.openSession, at: leader)?.session)
    let kept = try #require(group.ask(.openSession, at: leader)?.session)
    guard case .refused(.unknownSession, _)? = group.ask(command(1, SessionID(999), 1), at: leader)
    else {
      Issue.record("nobody opened it")
      return
    }
    for _ in 0..<3 {
      group.nanoseconds += 2_000_000_000_000
      group.tick(3)
      #expect(
        group.ask(.keepSession(kept, acknowledgedThrough: 0), at: leader)?.kind == .ok)
    }
    guard case .refused(.sessionExpired, _)? = group.ask(command(1, session, 1), at: leader) else {
      Issue.record("it was idle for too long")
      return
    }
    #expect(group.ask(command(1, kept, 1), at: leader)?.total == 1)
    #expect(group.ask(.closeSession(kept), at: leader)?.kind == .ok)
    #expect(group.ask(command(1, kept, 2), at: leader)?.kind == .refused)
    #expect(group.ask(.passTime, at: leader)?.kind == .ok)
  }

  @Test func `a stop hands over, answers what is under way, and takes nothing more`() throws {
    var group = try Group()
    let leader = group.elect()
    let name = group.begin(command(1), at: leader)
    guard case .stopped? = group.stop(leader) else {
      Issue.record("it does not stop")
      return
    }
    #expect(group.reply(name)?.total == 1)
    #expect(group[leader].journal.isIdle)
    #expect(!group[leader].isLeader)
    #expect(group.leader != nil)
    guard case .unavailable(.stopping)? = group.ask(command(1), at: leader) else {
      Issue.record("it takes requests")
      return
    }
    // The others need no election timeout.
    #expect(group.ask(command(1), at: group.leader ?? 0)?.total == 2)
  }

  @Test func `a stop that cannot finish ends in time, with every request replied to`() throws {
    var group = try Group { $0.stopTicks = Ticks(20) }
    let leader = group.elect()
    group.isolated = group.nodes.filter { $0 != leader }
    let name = group.begin(command(1), at: leader)
    guard case .stopped? = group.stop(leader) else {
      Issue.record("it does not stop")
      return
    }
    guard case .unknown(.stopped, _)? = group.reply(name) else {
      Issue.record("\(String(describing: group.reply(name)))")
      return
    }
    #expect(group[leader].requestsUnderWay == 0)
  }

  @Test func `leadership goes where an operator wants it`() throws {
    var group = try Group()
    let leader = group.elect()
    let next = group.nodes.first { $0 != leader } ?? 0
    guard
      case .transferred(to: NodeID(next), _)? = group.administer(
        .transferLeadership(to: NodeID(next)), at: leader)
    else {
      Issue.record("it was not transferred")
      return
    }
    #expect(group[next].isLeader)
    let refused = group.administer(.transferLeadership(to: NodeID(9)), at: next)
    #expect(refused?.kind == .refused)
  }

  @Test func `full disks refuse commands until there is room again`() throws {
    var group = try Group()
    #expect(group.ask(command(1), at: group.elect())?.total == 1)
    for place in group.disks.indices {
      group.disks[place].faults.capacity = group.disks[place].usedBytes
    }
    var refused: Reply<Tally>?
    var done: Int64 = 1
    for _ in 0..<400 where refused == nil {
      let reply = group.ask(command(1), at: group.elect())
      switch reply?.kind {
      case .ok: done = reply?.total ?? done
      case .notLeader: group.tick(20)
      default: refused = reply
      }
    }
    guard case .unavailable(.diskFull)? = refused else {
      Issue.record("\(String(describing: refused))")
      return
    }
    let leader = try #require(group.leader)
    #expect(group.events.contains { $0.node == leader && $0.event == .spaceLow })
    // It reads, and leads: what is under way still fits, and nobody could do more.
    group.tick(60)
    #expect(group.leader == leader)
    #expect(group.ask(.query(.total, .linearizable), at: leader)?.answered == done)
    for place in group.disks.indices { group.disks[place].faults.capacity = .max }
    group.wait { group in group.up.allSatisfy { !group[$0].isSpaceLow } }
    #expect(group.ask(command(1), at: group.elect())?.total == done + 1)
  }

  @Test func `a leader whose disk is nearly full hands over to a node that has space`() throws {
    var group = try Group()
    let leader = group.elect()
    let place = Int(leader) - 1
    group.disks[place].faults.capacity = group.disks[place].usedBytes
    var done: Int64 = 0
    for _ in 0..<400 where group[leader].isLeader {
      if let total = group.ask(command(1), at: leader)?.total { done = total }
    }
    #expect(group.events.contains { $0.node == leader && $0.event == .spaceLow })
    let next = group.elect()
    #expect(next != leader)
    #expect(group.ask(command(1), at: next)?.total == done + 1)
    // And once it leads it knows that there is nobody else, for the third is cut off.
    let third = group.nodes.first { $0 != leader && $0 != next } ?? 0
    group.isolated = [third]
    group.tick(30)
    group.disks[Int(next) - 1].faults.capacity = group.disks[Int(next) - 1].usedBytes
    for _ in 0..<400 where !group[next].isSpaceLow { _ = group.ask(command(1), at: next) }
    group.tick(60)
    #expect(group[next].isSpaceLow)
    #expect(group.leader == next)
  }

  @Test func `whoever waits for a snapshot is told by the deadline, and it is taken`() throws {
    var group = try Group()
    let leader = group.elect()
    #expect(group.ask(command(1), at: leader)?.total == 1)
    group.frozen = [leader]
    let name = group.name()
    let deadline = Ticks(group[leader].ticks.rawValue + 3)
    group.give(.administer(name, .takeSnapshot, deadline: deadline), to: leader)
    group.tick(2)
    #expect(group.reply(name) == nil)
    group.tick()
    guard case .unknown(.deadlinePassed, nil)? = group.reply(name) else {
      Issue.record("\(String(describing: group.reply(name)))")
      return
    }
    #expect(group[leader].requestsUnderWay == 0)
    group.frozen = []
    group.tick(5)
    #expect(group[leader].node.snapshot.lastIncluded.index > .zero)
    #expect(group.replies.filter { $0.name == name }.count == 1)
  }

  @Test func `a failed sync ends the replica, and every request is replied to`() throws {
    var group = try Group()
    let leader = group.elect()
    group.disks[Int(leader) - 1].faults.failingSyncs = 1_000_000
    let write = group.begin(command(1), at: leader)
    let read = group.begin(.query(.total, .linearizable), at: leader)
    group.settle()
    #expect(group.events.contains { $0.node == leader && $0.event.isFailure })
    #expect(group.reply(write) != nil)
    #expect(group.reply(read) != nil)
    #expect(group[leader].requestsUnderWay == 0)
    guard case .unavailable(.halted)? = group.ask(command(1), at: leader) else {
      Issue.record("it goes on")
      return
    }
    guard case .stopped? = group.stop(leader) else {
      Issue.record("it does not stop")
      return
    }
    // Whatever its disk has, a new life begins with it.
    group.disks[Int(leader) - 1].faults.failingSyncs = 0
    group.crash(leader)
    _ = group.elect()
    #expect(try group.restart(leader))
    #expect(group.wait { $0.isLevel })
  }
}

extension ReplicaEvent {
  var isFailure: Bool {
    if case .failed = self { return true }
    return false
  }
}

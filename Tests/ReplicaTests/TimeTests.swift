import Raft
import RaftClocks
import RaftMachines
import RaftReplica
import TestPace
import Testing

@Suite(.computing) struct TimeTests {
  /// A group with one session that will be idle for too long, in half an hour and one second.
  private static func withSession(
    _ configure: @escaping @Sendable (inout ReplicaSettings) -> Void
  ) throws -> (group: Group, leader: UInt64, session: SessionID) {
    var group = try Group(3, configure)
    let leader = group.elect()
    var limits = SessionLimits()
    limits.idleNanoseconds = 1_800_000_000_000
    #expect(group.administer(.limitSessions(limits), at: leader)?.kind == .ok)
    let session = try #require(group.ask(.openSession, at: leader)?.session)
    return (group, leader, session)
  }

  @Test func `a session expires though no client speaks, and then the log is left alone`() throws {
    var (group, leader, session) = try TimeTests.withSession { $0.idleTimeTicks = Ticks(20) }
    let last = group[leader].node.log.lastIndex
    group.tick(100)
    #expect(group[leader].node.log.lastIndex == last)
    group.nanoseconds += 1_801_000_000_000
    group.tick(3)
    #expect(group.nodes.allSatisfy { !group[$0].machine.sessions.contains(session) })
    #expect(group[leader].node.log.lastIndex == last.next)
    #expect(group[leader].machine.nextDeadline == nil)
    group.nanoseconds += 3_600_000_000_000
    group.tick(100)
    #expect(group[leader].node.log.lastIndex == last.next)
    #expect(group.isLevel)
  }

  @Test func `a leader that clients speak to does not move the time by itself`() throws {
    var (group, leader, session) = try TimeTests.withSession { $0.idleTimeTicks = Ticks(20) }
    let last = group[leader].node.log.lastIndex
    for _ in 0..<5 {
      #expect(group.ask(command(1), at: leader)?.kind == .ok)
      group.tick(19)
    }
    #expect(group[leader].node.log.lastIndex.rawValue == last.rawValue + 5)
    #expect(group[leader].machine.sessions.contains(session))
  }

  @Test func `where it is not wanted the time stands`() throws {
    var (group, leader, session) = try TimeTests.withSession { $0.idleTimeTicks = nil }
    let last = group[leader].node.log.lastIndex
    group.nanoseconds += 7_200_000_000_000
    group.tick(300)
    #expect(group[leader].node.log.lastIndex == last)
    #expect(group[leader].machine.sessions.contains(session))
    #expect(group.ask(command(1, session, 1), at: leader)?.kind == .refused)
  }

  @Test func `a leader that is cut off moves the time at most once`() throws {
    var (group, leader, _) = try TimeTests.withSession {
      $0.idleTimeTicks = Ticks(2)
      $0.core.isCheckQuorumEnabled = false
    }
    let last = group[leader].node.log.lastIndex
    group.isolated = [leader]
    group.nanoseconds += 1_801_000_000_000
    group.tick(60)
    #expect(group[leader].isLeader)
    #expect(group[leader].node.log.lastIndex == last.next)
  }

  // MARK: Vectors

  @Test func `who has left the cluster leaves the vectors, and order can still be asked for`()
    throws
  {
    var group = try Group(4)
    let leader = group.elect()
    #expect(group.ask(command(1), at: leader)?.kind == .ok)
    let before = group[leader].machine.applied
    #expect(group[leader].clock.componentCount == 4)
    let gone = group.nodes.first { $0 != leader } ?? 0
    let change = MembershipChange([.remove(NodeID(gone))])
    #expect(group.administer(.changeMembership(change), at: leader)?.kind == .ok)
    group.crash(gone)
    group.tick(20)
    #expect(group.ask(command(1), at: leader)?.kind == .ok)
    let after = group[leader].machine.applied
    group.tick(5)
    for node in group.up {
      #expect(group[node].clock.componentCount == 3)
      #expect(group[node].clock.latest.vector[gone] == 0)
      let machine = group[node].machine
      #expect(machine.stamps.stamp(at: before)?.vector[gone] ?? 0 > 0)
      #expect(machine.stamps.stamp(at: after)?.vector[gone] == 0)
      #expect(machine.causality(of: before, and: after) == .before)
      #expect(machine.causality(of: after, and: before) == .after)
    }
  }
}

import Raft
import RaftMachines
import RaftReplica
import TestPace
import Testing

@Suite(.computing) struct ReadTests {
  @Test func `a confirmed read is not older than a write that was completed before`() throws {
    var group = try Group { $0.core.leaseDriftPerMille = 100 }
    let leader = group.elect()
    let follower = group.nodes.first { $0 != leader } ?? 0
    for step in 1...5 {
      let total = group.ask(command(Int64(step)), at: leader)?.total
      for kind in [ReadKind.linearizable, .lease, .follower] {
        let node = kind == .follower ? follower : leader
        let reply = group.ask(.query(.total, kind), at: node)
        #expect(reply?.answered == total, "\(kind.description)")
        #expect(reply?.freshness?.ticks == .zero)
      }
    }
  }

  @Test func `no read costs a write`() throws {
    var group = try Group()
    let leader = group.elect()
    let last = group[leader].node.log.lastIndex
    for kind in [ReadKind.linearizable, .lease, .follower, .stale] {
      #expect(group.ask(.query(.total, kind), at: leader)?.answered == 0)
    }
    #expect(group[leader].node.log.lastIndex == last)
  }

  @Test func `a deposed leader confirms no read, and a stale one tells its age`() throws {
    var group = try Group()
    let old = group.elect()
    _ = group.ask(command(1), at: old)
    group.tick(5)
    group.isolated = [old]
    group.wait { $0.leader != nil && $0.leader != old }
    let leader = group.elect()
    #expect(group.ask(command(10), at: leader)?.total == 11)
    group.tick(30)
    #expect(group.ask(.query(.total, .linearizable), at: old)?.kind == .unavailable)
    let stale = group.ask(.query(.total, .stale), at: old)
    #expect(stale?.answered == 1)
    let before = try #require(group[old].staleness.ticks)
    #expect(before > Ticks(25))
    group.tick(7)
    #expect(group[old].staleness.ticks == Ticks(before.rawValue + 7))
    // It hears of the newer state, and is level again.
    group.isolated = []
    group.tick(20)
    let fresh = group.ask(.query(.total, .stale), at: old)
    #expect(fresh?.answered == 11)
    #expect((fresh?.freshness?.ticks ?? Ticks(99)) <= Ticks(3))
    #expect((fresh?.freshness?.nanoseconds ?? .max) <= 30_000_000)
  }

  @Test func `a leader that hears nobody grows older`() throws {
    var group = try Group { $0.core.isCheckQuorumEnabled = false }
    let leader = group.elect()
    #expect(group.ask(command(1), at: leader)?.total == 1)
    #expect((group[leader].staleness.ticks ?? Ticks(99)) <= Ticks(3))
    group.isolated = group.nodes.filter { $0 != leader }
    group.tick(20)
    #expect(group[leader].isLeader)
    #expect((group[leader].staleness.ticks ?? .zero) >= Ticks(18))
  }

  @Test func `a replica that was never level does not know its age`() throws {
    var group = try Group()
    let answer = group.ask(.query(.total, .stale), at: 1)
    #expect(answer?.answered == 0)
    #expect(answer?.freshness?.ticks == nil)
  }

  @Test func `a follower that lags is as old as the last that it came up to`() throws {
    var group = try Group()
    let leader = group.elect()
    let slow = group.nodes.first { $0 != leader } ?? 0
    group.tick(5)
    // Its disk stands still: nothing more is applied, though the leader is heard.
    group.frozen = [slow]
    #expect(group.ask(command(1), at: leader)?.total == 1)
    group.tick(20)
    #expect((group[slow].staleness.ticks ?? .zero) >= Ticks(15))
    group.frozen = []
    group.tick(5)
    #expect((group[slow].staleness.ticks ?? Ticks(99)) <= Ticks(3))
  }
}

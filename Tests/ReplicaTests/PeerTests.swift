import Raft
import RaftClocks
import RaftJournal
import RaftMachines
import RaftReplica
import RaftSimulation
import TestPace
import Testing

@Suite(.computing) struct PeerTests {
  /// Envelopes of a real run.
  static func recorded() throws -> [PeerEnvelope] {
    var group = try Group()
    let leader = group.elect()
    _ = group.begin(command(7), at: leader)
    var all: [PeerEnvelope] = []
    for _ in 0..<20 {
      _ = group.work()
      all += group.flights
      _ = group.deliver()
      group.nanoseconds += 1
      group.give(.tick(nanoseconds: group.nanoseconds), to: leader)
    }
    return all
  }

  @Test func `an envelope is read as it was written`() throws {
    let all = try PeerTests.recorded()
    #expect(all.count > 10)
    for envelope in all {
      #expect(try PeerEnvelope.decode(envelope.encoded()[...]) == envelope)
    }
  }

  @Test func `bytes that were changed on their way are refused`() throws {
    var random = RandomSource(seed: 5)
    let all = try PeerTests.recorded()
    for _ in 0..<2_000 {
      let envelope = all[Int(random.draw(below: UInt64(all.count)))]
      var bytes = envelope.encoded()
      if random.draw(below: 4) == 0 {
        bytes.removeLast(1 + Int(random.draw(below: UInt64(bytes.count))))
      } else {
        let place = Int(random.draw(below: UInt64(bytes.count)))
        bytes[place] ^= UInt8(1 << random.draw(below: 8))
      }
      #expect(throws: EnvelopeError.self) { try PeerEnvelope.decode(bytes[...]) }
    }
  }

  @Test func `bytes with a right checksum and a wrong content are refused without a trap`() throws {
    var random = RandomSource(seed: 6)
    let all = try PeerTests.recorded()
    var accepted = 0
    for _ in 0..<5_000 {
      let envelope = all[Int(random.draw(below: UInt64(all.count)))]
      var bytes = envelope.encoded()
      bytes.removeLast(4)
      for _ in 0...random.draw(below: 3) {
        let place = Int(random.draw(below: UInt64(bytes.count)))
        bytes[place] = UInt8(truncatingIfNeeded: random.next())
      }
      let checksum = CRC32C.of(bytes)
      withUnsafeBytes(of: checksum.littleEndian) { bytes.append(contentsOf: $0) }
      guard let read = try? PeerEnvelope.decode(bytes[...]) else { continue }
      accepted += 1
      #expect(read.encoded() == bytes)
    }
    #expect(accepted > 100)
  }

  @Test func `an envelope that comes twice, late, or from an earlier life is put aside`() throws {
    var group = try Group()
    let leader = group.elect()
    let follower = group.nodes.first { $0 != leader } ?? 0
    for node in group.nodes { group.give(.tick(nanoseconds: group.nanoseconds), to: node) }
    group.tick(2)
    group.give(.tick(nanoseconds: group.nanoseconds), to: leader)
    group.give(.tick(nanoseconds: group.nanoseconds), to: leader)
    let envelope = try #require(
      group.flights.first { $0.message.to == NodeID(follower) })
    group.settle()
    let before = group[follower].digest()
    group.give(.receive(envelope), to: follower)
    #expect(group.events.last?.event == .envelopeRefused(from: NodeID(leader), .repeated))
    var other = envelope
    other.incarnation = 0
    group.give(.receive(other), to: follower)
    #expect(group.events.last?.event == .envelopeRefused(from: NodeID(leader), .earlierLife))
    other = envelope
    other.cluster = ClusterID(high: 9, low: 9)
    group.give(.receive(other), to: follower)
    #expect(group.events.last?.event == .envelopeRefused(from: NodeID(leader), .otherCluster))
    #expect(group[follower].digest() == before)
    // To another node than it is for.
    group.give(.receive(envelope), to: group.nodes.first { $0 != leader && $0 != follower } ?? 0)
    #expect(group.events.last?.event == .envelopeRefused(from: NodeID(leader), .misaddressed))
  }

  @Test func `a stamp that cannot be true is refused, and moves no clock`() throws {
    var group = try Group()
    let leader = group.elect()
    let follower = group.nodes.first { $0 != leader } ?? 0
    group.give(.tick(nanoseconds: group.nanoseconds + 60_000_000_000), to: leader)
    group.give(.tick(nanoseconds: group.nanoseconds + 60_000_000_000), to: leader)
    let envelope = try #require(
      group.flights.first { $0.message.to == NodeID(follower) })
    let before = group[follower].clock
    group.flights = []
    group.give(.receive(envelope), to: follower)
    guard case .envelopeRefused(_, .stamp(.tooFarAhead))? = group.events.last?.event else {
      Issue.record("a minute ahead is believed")
      return
    }
    #expect(group[follower].clock == before)
    // When the own clock is right again it is taken: it was not counted as having come.
    group.give(.tick(nanoseconds: group.nanoseconds + 60_000_000_000), to: follower)
    group.give(.receive(envelope), to: follower)
    #expect(group[follower].clock.latest.hybrid >= envelope.stamp.hybrid)
  }

  @Test func `a leader whose clock was far ahead for a moment is heard again at once`() throws {
    var group = try Group()
    let leader = group.elect()
    for _ in 0..<2 {
      group.give(.tick(nanoseconds: group.nanoseconds + 3_600_000_000_000), to: leader)
    }
    #expect(group[leader].clock.latest.hybrid.nanoseconds > group.nanoseconds + 3_000_000_000_000)
    group.flights = []
    group.give(.tick(nanoseconds: group.nanoseconds), to: leader)
    let before = group.events.count
    group.wait { $0.events.count < before || $0.leader == leader }
    _ = group.ask(command(1), at: leader)
    #expect(group[leader].machine.applied > .zero)
    #expect(group[leader].clock.latest.hybrid.nanoseconds < group.nanoseconds + 1_000_000_000)
    let refused = group.events.dropFirst(before).filter { event in
      if case .envelopeRefused(_, .stamp) = event.event { true } else { false }
    }
    #expect(refused.isEmpty)
  }

  @Test func `clocks know what was known: an entry comes after what its leader had heard`() throws {
    var group = try Group()
    let leader = group.elect()
    _ = group.ask(command(1), at: leader)
    _ = group.ask(command(2), at: leader)
    let last = group[leader].machine.applied
    #expect(
      group[leader].machine.causality(of: last.previous, and: last) == .before)
    group.isolated = [leader]
    group.wait { $0.leader != nil && $0.leader != leader }
    let next = group.elect()
    _ = group.ask(command(3), at: next)
    let later = group[next].machine.applied
    #expect(group[next].machine.causality(of: last, and: later) == .before)
    let times = [last, later].compactMap { group[next].machine.stamps.stamp(at: $0) }
    #expect(times[0].lamport < times[1].lamport)
  }

  @Test func `a clock does not run again through what an earlier life has stamped`() throws {
    var group = try Group()
    let leader = group.elect()
    group.tick(20)
    let before = group[leader].clock.latest
    group.crash(leader)
    #expect(try group.restart(leader))
    let after = group[leader].clock.latest
    #expect(after.lamport > before.lamport)
    #expect(after.vector[leader] > before.vector[leader])
  }

  // MARK: Damage

  @Test func `a node with a damaged journal votes for nobody until its peers have repaired it`()
    throws
  {
    var group = try Group()
    let leader = group.elect()
    for step in 1...10 { _ = group.ask(command(Int64(step)), at: leader) }
    group.tick(10)
    let broken = group.nodes.first { $0 != leader } ?? 0
    let other = group.nodes.first { $0 != leader && $0 != broken } ?? 0
    group.crash(broken)
    // A record in the middle of the log loses a bit.
    var byte = try group.disks[Int(broken) - 1].read(.segment(1), at: 600, count: 1)
    byte[0] ^= 16
    try group.disks[Int(broken) - 1].write(byte, to: .segment(1), at: 600)
    #expect(try !group.restart(broken))
    #expect(group[broken].isOut)

    // With the leader gone, the other finds no majority: this one does not count.
    group.isolated = [leader]
    let sent = group.events.count
    group.tick(100)
    #expect(group.leader == nil)
    #expect(group[broken].isOut)
    #expect(
      group.events[sent...].contains {
        $0.event == .envelopeRefused(from: NodeID(other), .outUntilRepaired)
      })
    guard
      case .unavailable(.outUntilRepaired)? = group.ask(.query(.total, .follower), at: broken)
    else {
      Issue.record("it answers")
      return
    }
    // With the leader back, it is repaired, counts again, and that is on its disk.
    group.isolated = []
    #expect(group.wait { !$0[broken].isOut })
    #expect(group.wait { $0.isLevel })
    #expect(group[broken].machine.machine.total == 55)
    group.crash(broken)
    #expect(try group.restart(broken))
    #expect(!group[broken].isOut)
    group.isolated = [group.leader ?? 0]
    #expect(group.wait { $0.leader != nil })
  }

  @Test func `a copy on a node that is out does not count for a commit`() throws {
    var group = try Group()
    let leader = group.elect()
    for step in 1...10 { _ = group.ask(command(Int64(step)), at: leader) }
    group.tick(10)
    let broken = group.nodes.first { $0 != leader } ?? 0
    group.crash(broken)
    var byte = try group.disks[Int(broken) - 1].read(.segment(1), at: 600, count: 1)
    byte[0] ^= 16
    try group.disks[Int(broken) - 1].write(byte, to: .segment(1), at: 600)
    #expect(try !group.restart(broken))
    // A leader of a later term comes, and sends all it has. That the node is back is not durable.
    group.isCareFrozen = true
    let next = group.elect()
    #expect(group.wait { $0.isLevel })
    group.tick(10)
    #expect(group[broken].isOut)
    let others = group.nodes.filter { $0 != next && $0 != broken }
    group.isolated = others
    let name = group.begin(command(1), at: next, deadline: Ticks(group[next].ticks.rawValue + 6))
    group.tick(6)
    guard case .unknown(.deadlinePassed, let position?)? = group.reply(name) else {
      Issue.record("\(String(describing: group.reply(name)))")
      return
    }
    // It has the entry, durably, and that is not counted.
    #expect(group[broken].node.durableIndex == position.index)
    #expect(group[next].node.commitIndex < position.index)
    group.isolated = []
    group.isCareFrozen = false
    #expect(group.wait { !$0[broken].isOut && $0.isLevel })
  }
}

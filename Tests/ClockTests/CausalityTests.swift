import RaftClocks
import Testing

@Suite struct CausalityTests {
  @Test func `what was known before is before`() throws {
    var a = NodeClock(process: 1)
    var b = NodeClock(process: 2)
    let sent = a.tick(physical: 100)
    let received = try b.receive(sent, physical: 90)
    let apart = a.tick(physical: 101)
    #expect(sent.compared(to: received) == .before)
    #expect(received.compared(to: sent) == .after)
    #expect(apart.compared(to: received) == .concurrent)
    #expect(sent.compared(to: sent) == .same)
    #expect(received.lamport > sent.lamport && received.hybrid > sent.hybrid)
  }

  /// The truth is kept beside: for each event the set of events that it could have known of.
  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func `stamps say what the messages made true`(seed: UInt64) throws {
    var draws = Draws(seed)
    let count = 2 + Int(draws.below(5))
    var clocks = (0..<count).map { NodeClock(process: UInt64($0) * 7 + 1) }
    var wall = (0..<count).map { _ in 1_000_000 + draws.below(100_000) }
    var known: [Set<Int>] = Array(repeating: [], count: count)
    var stamps: [ClockStamp] = []
    var pasts: [Set<Int>] = []
    var underWay: [(stamp: ClockStamp, event: Int)] = []
    for event in 0..<120 {
      let node = Int(draws.below(UInt64(count)))
      wall[node] += draws.below(2_000)
      let stamp: ClockStamp
      if draws.below(2) == 0, !underWay.isEmpty {
        // Any message, also an old one, also twice.
        let message = underWay[Int(draws.below(UInt64(underWay.count)))]
        stamp = try clocks[node].receive(message.stamp, physical: wall[node])
        known[node].formUnion(pasts[message.event])
        known[node].insert(message.event)
      } else {
        stamp = clocks[node].tick(physical: wall[node])
        underWay.append((stamp, event))
      }
      stamps.append(stamp)
      pasts.append(known[node])
      known[node].insert(event)
    }
    for a in stamps.indices {
      for b in stamps.indices where a != b {
        let truth: Causality =
          pasts[b].contains(a) ? .before : pasts[a].contains(b) ? .after : .concurrent
        #expect(stamps[a].compared(to: stamps[b]) == truth)
        guard truth == .before else { continue }
        #expect(stamps[a].lamport < stamps[b].lamport)
        #expect(stamps[a].hybrid < stamps[b].hybrid)
      }
    }
  }

  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func `merging is associative, commutative and settles`(seed: UInt64) throws {
    var draws = Draws(seed)
    func vector() throws -> VectorClock {
      var vector = VectorClock()
      for _ in 0..<draws.below(12) { try vector.tick(draws.below(9)) }
      return vector
    }
    for _ in 0..<50 {
      let (a, b, c) = (try vector(), try vector(), try vector())
      func merged(_ x: VectorClock, _ y: VectorClock) throws -> VectorClock {
        var x = x
        try x.merge(y)
        return x
      }
      #expect(try merged(a, b) == merged(b, a))
      #expect(try merged(merged(a, b), c) == merged(a, merged(b, c)))
      #expect(try merged(merged(a, b), b) == merged(a, b))
      let both = try merged(a, b)
      #expect([.same, .before].contains(a.compared(to: both)))
      for process in 0..<9 as Range<UInt64> {
        #expect(both[process] == max(a[process], b[process]))
      }
    }
  }

  @Test func `a vector is bounded, and refuses to grow beyond`() throws {
    var vector = VectorClock()
    for process in 0..<64 as Range<UInt64> { try vector.tick(process) }
    var other = vector
    #expect(throws: ClockError.tooManyComponents(count: 65, limit: 64)) { try other.tick(99) }
    let one = try VectorClock([.init(process: 99, count: 1)])
    #expect(throws: ClockError.tooManyComponents(count: 65, limit: 64)) { try other.merge(one) }
    #expect(other == vector)
    vector.forget(5)
    #expect(vector[5] == 0)
    try vector.merge(one)
    #expect(vector[99] == 1 && vector.components.count == 64)
    // A clock whose own process finds no room still works.
    var clock = NodeClock(
      process: 500, continuing: ClockStamp(lamport: .zero, hybrid: .zero, vector: other))
    let stamp = clock.tick(physical: 5)
    #expect(stamp.lamport == LamportTime(1))
  }
}

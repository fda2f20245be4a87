import RaftClocks
import Testing

@Suite struct HybridTests {
  @Test func `readings grow although the physical clock goes back`() {
    var clock = HybridClock()
    var previous = HybridTime.zero
    for physical in [100, 100, 90, 5, 101, 0, 101] as [UInt64] {
      let reading = clock.tick(physical: physical)
      #expect(reading > previous)
      previous = reading
    }
    #expect(previous == HybridTime(nanoseconds: 101, logical: 2))
  }

  @Test func `a reading that nobody can believe is forgotten when the clock is set right`() throws {
    var clock = HybridClock(maximumAheadNanoseconds: 500)
    _ = clock.tick(physical: 10_000)
    clock.forgetWrongTime(physical: 9_500)
    #expect(clock.latest == HybridTime(nanoseconds: 10_000), "so far ahead is believed")
    clock.forgetWrongTime(physical: 9_499)
    #expect(clock.latest == HybridTime(nanoseconds: 9_499))
    var other = HybridClock(maximumAheadNanoseconds: 500)
    try other.receive(clock.tick(physical: 9_499), physical: 9_499)
    for physical in [0, 1, .max] as [UInt64] { clock.forgetWrongTime(physical: physical) }
    #expect(clock.latest == .zero)
  }

  @Test func `the counter starts anew when time goes on, and lends when it is full`() {
    var clock = HybridClock(HybridTime(nanoseconds: 50, logical: .max))
    let lent = clock.tick(physical: 50)
    #expect(lent == HybridTime(nanoseconds: 51))
    let later = clock.tick(physical: 60)
    #expect(later == HybridTime(nanoseconds: 60))
  }

  @Test func `an absurd stamp is refused and moves nothing`() {
    var clock = HybridClock(maximumAheadNanoseconds: 1_000)
    _ = clock.tick(physical: 5_000)
    let before = clock
    for nanoseconds in [6_001, 1 << 62, UInt64.max] {
      #expect(throws: ClockError.self) {
        try clock.receive(HybridTime(nanoseconds: nanoseconds), physical: 5_000)
      }
      #expect(clock == before)
    }
    #expect(throws: Never.self) {
      try clock.receive(HybridTime(nanoseconds: 6_000), physical: 5_000)
    }
    var node = NodeClock(process: 1)
    _ = node.tick(physical: 10)
    let stamp = node.latest
    let absurd = ClockStamp(lamport: LamportTime(.max), hybrid: .zero)
    #expect(throws: ClockError.absurdCounter(.max)) { try node.receive(absurd, physical: 11) }
    let early = ClockStamp(lamport: .zero, hybrid: HybridTime(nanoseconds: 1 << 60))
    #expect(throws: ClockError.self) { try node.receive(early, physical: 11) }
    #expect(node.latest == stamp)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a reading is never further ahead than the bound`(seed: UInt64) {
    var draws = Draws(seed)
    var clock = HybridClock(maximumAheadNanoseconds: 500)
    var largest: UInt64 = 0
    var previous = clock.latest
    for _ in 0..<2_000 {
      let physical = draws.below(20_000)
      largest = max(largest, physical)
      if draws.below(2) == 0 {
        let stamp = HybridTime(
          nanoseconds: draws.below(25_000), logical: UInt32(draws.below(3)))
        do {
          try clock.receive(stamp, physical: physical)
          #expect(clock.latest > stamp)
        } catch {
          #expect(stamp.nanoseconds > physical + 500)
          continue
        }
      } else {
        _ = clock.tick(physical: physical)
      }
      #expect(clock.latest > previous)
      #expect(clock.latest.nanoseconds <= largest + 500)
      previous = clock.latest
    }
  }

  @Test func `extreme numbers do not trap`() {
    var draws = Draws(9)
    for _ in 0..<20_000 {
      var clock = HybridClock(
        HybridTime(
          nanoseconds: draws.edgy() >> 1, logical: UInt32(truncatingIfNeeded: draws.edgy())),
        maximumAheadNanoseconds: draws.edgy())
      _ = try? clock.receive(
        HybridTime(nanoseconds: draws.edgy(), logical: .max), physical: draws.edgy())
      _ = clock.tick(physical: draws.edgy())
      var lamport = LamportClock(LamportTime(draws.edgy() >> 2))
      _ = try? lamport.receive(LamportTime(draws.edgy()))
      _ = lamport.tick()
    }
  }
}

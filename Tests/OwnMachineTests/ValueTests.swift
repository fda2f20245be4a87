import Raft
import RaftSimulation
import TestPace
import Testing

@Suite("Seeds, times, shares and draws", .computing) struct ValueTests {
  @Test(
    arguments: [
      ("42", 42), ("0x2a", 42), ("000000000000002a", 42), ("0XFFFFFFFFFFFFFFFF", .max),
      ("18446744073709551615", .max), ("0", 0),
    ] as [(String, UInt64)])
  func `a seed is read from what people write`(text: String, value: UInt64) {
    #expect(Seed(text)?.rawValue == value)
  }

  @Test(arguments: [
    "", "0x", "seed", "-1", "1.5", "18446744073709551616", "0x1ffffffffffffffff", "12a", " 1", "０",
  ])
  func `what is no seed is none`(text: String) { #expect(Seed(text) == nil) }

  @Test func `a seed is written so that it is read as the same`() {
    var random = RandomSource(seed: 1)
    for _ in 0..<200 {
      let seed = Seed(random.next() >> random.draw(below: 64))
      #expect(Seed(seed.description) == seed)
      #expect(Seed(String(seed.rawValue)) == seed || String(seed.rawValue).utf8.count == 16)
    }
    #expect(Seed(42).description == "0x000000000000002a")
  }

  @Test func `a fresh seed is what the generator of the caller draws`() {
    struct Fixed: RandomNumberGenerator { mutating func next() -> UInt64 { 7 } }
    var generator = Fixed()
    #expect(Seed.fresh(using: &generator) == 7)
  }

  @Test func `times and shares are read by people`() {
    #expect(VirtualTime.milliseconds(18_442).description == "18.442 s")
    #expect(VirtualTime.milliseconds(5).description == "0.005 s")
    #expect(VirtualTime.seconds(.max).nanoseconds == .max)
    #expect(Share.percent(20).perMillion == 200_000)
    #expect(Share.percent(2_000) == .all)
    #expect(Share.percent(20).description == "20 %")
    #expect(Share(perMillion: 31_000).description == "3.1 %")
    #expect(Share(perMillion: 5).description == "0.0005 %")
  }

  @Test func `a draw from a range comes to all of it and nothing else`() {
    var random = RandomSource(seed: 5)
    var seen: Set<Int8> = []
    for _ in 0..<4_000 { seen.insert(random.draw(in: -128...127)) }
    #expect(seen.count == 256)
    var few: Set<Int> = []
    for _ in 0..<100 { few.insert(random.draw(in: -2..<3)) }
    #expect(few == [-2, -1, 0, 1, 2])
    for _ in 0..<100 {
      #expect((UInt64.max - 1...UInt64.max).contains(random.draw(in: UInt64.max - 1...UInt64.max)))
    }
    _ = random.draw(in: UInt64.min...UInt64.max)
    #expect(["a", "b"].contains(random.draw(from: ["a", "b"])))
    #expect(!random.happens(percent: 0) && random.happens(percent: 100))
  }
}

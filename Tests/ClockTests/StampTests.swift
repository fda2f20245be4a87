import RaftClocks
import Testing

@Suite struct StampTests {
  private func stamp(_ draws: inout Draws) throws -> ClockStamp {
    var components: [VectorClock.Component] = []
    var process: UInt64 = 0
    for _ in 0..<draws.below(6) {
      process += 1 + draws.below(1 << 40)
      components.append(.init(process: process, count: 1 + draws.below(1 << 61)))
    }
    return ClockStamp(
      lamport: LamportTime(draws.below(1 << 62)),
      hybrid: HybridTime(
        nanoseconds: draws.below(1 << 63), logical: UInt32(truncatingIfNeeded: draws.next())),
      vector: try VectorClock(components))
  }

  private func encoded(_ stamp: ClockStamp) -> [UInt8] {
    var bytes: [UInt8] = []
    stamp.encode(into: &bytes)
    return bytes
  }

  @Test func `a stamp is read as it was written, wherever it stands`() throws {
    var draws = Draws(1)
    for _ in 0..<500 {
      let stamp = try stamp(&draws)
      let bytes = encoded(stamp)
      #expect(try ClockStamp.decode(bytes[...]) == stamp)
      let inside = [1, 2, 3] + bytes + [4]
      let view = try EncodedStamp(frontOf: inside[3...])
      #expect(view.size == bytes.count)
      #expect(try view.stamp() == stamp)
      #expect(view.componentCount == stamp.vector.components.count)
      #expect(throws: ClockError.self) { _ = try ClockStamp.decode(inside[3...]) }
    }
  }

  @Test func `the bytes of a stamp stay as they are`() throws {
    let vector = try VectorClock([
      .init(process: 1, count: 4), .init(process: 3, count: 0x0102),
    ])
    let stamp = ClockStamp(
      lamport: LamportTime(7), hybrid: HybridTime(nanoseconds: 0x0506, logical: 2), vector: vector)
    #expect(
      encoded(stamp) == [
        1, 7, 0, 0, 0, 0, 0, 0, 0, 6, 5, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2,
        1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
        3, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0,
      ])
    #expect(stamp.description == "L7 H1286+2 {1:4 3:258}")
  }

  @Test func `bytes that nobody wrote are refused, or read as what would be written so`() throws {
    var draws = Draws(2)
    var accepted = 0
    for _ in 0..<30_000 {
      var bytes = encoded(try stamp(&draws))
      for _ in 0...draws.below(3) {
        let count = UInt64(bytes.count)
        switch draws.below(4) {
        case 0 where count > 0: bytes[Int(draws.below(count))] ^= 1 << draws.below(8)
        case 1 where count > 0: bytes.removeLast(Int(draws.below(count)))
        case 2: bytes += draws.bytes(Int(draws.below(20)))
        default: bytes.swapAt(0, Int(draws.below(count)))
        }
        if bytes.isEmpty { bytes = [1] }
      }
      guard let read = try? ClockStamp.decode(bytes[...]) else { continue }
      accepted += 1
      #expect(encoded(read) == bytes)
    }
    #expect(accepted > 500)
  }

  @Test func `what no clock would say is refused`() {
    func component(_ process: UInt64, _ count: UInt64) -> VectorClock.Component {
      .init(process: process, count: count)
    }
    #expect(throws: ClockError.disordered) {
      _ = try VectorClock([component(2, 1), component(1, 1)])
    }
    #expect(throws: ClockError.disordered) {
      _ = try VectorClock([component(1, 1), component(1, 1)])
    }
    #expect(throws: ClockError.disordered) { _ = try VectorClock([component(1, 0)]) }
    #expect(throws: ClockError.absurdCounter(1 << 62)) {
      _ = try VectorClock([component(1, 1 << 62)])
    }
    #expect(throws: ClockError.tooManyComponents(count: 65, limit: 64)) {
      _ = try VectorClock((1...65).map { component(UInt64($0), 1) })
    }
  }
}

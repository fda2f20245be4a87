import Raft
import RaftClocks
import RaftMachines
import TestPace
import Testing

@Suite("§7: snapshots in parts", .computing) struct SnapshotTests {
  private func log() -> Log<Counter> {
    var log = Log<Counter>()
    let session = log.open()
    for sequence in 1...200 as ClosedRange<UInt64> { _ = log.ask(session, sequence, 3) }
    return log
  }

  @Test(arguments: [1, 2, 3, 64, 1_000, 1 << 20])
  func `a snapshot is read from pieces of any size`(pieces: Int) throws {
    let log = log()
    let other = try log.installed(pieces: pieces)
    #expect(other == log.replica)
    #expect(other.digest == log.replica.digest)
  }

  @Test func `the pieces of a snapshot are as large as asked for`() {
    var writer = SnapshotWriter(log().replica)
    var sizes: [Int] = []
    while !writer.isAtEnd { sizes.append(writer.next(100).count) }
    #expect(sizes.dropLast().allSatisfy { $0 == 100 })
    #expect(writer.next(100).isEmpty)
  }

  @Test func `a snapshot that ends early is not taken for a whole one`() throws {
    var writer = SnapshotWriter(log().replica)
    let bytes = writer.all()
    for count in stride(from: 0, to: bytes.count, by: 13) {
      var reader = SnapshotReader(into: ReplicatedMachine<Counter>())
      try reader.read(bytes[..<count])
      #expect(throws: MachineDecodingError.truncated) { _ = try reader.finish() }
    }
  }

  @Test func `damage to a snapshot is noticed`() {
    let replica = log().replica
    var whole = SnapshotWriter(replica)
    let bytes = whole.all()
    var random = RandomSource(seed: 5)
    for _ in 0..<1_000 {
      var damaged = bytes
      damaged[Int(random.draw(below: UInt64(bytes.count)))] ^= 1 << random.draw(below: 8)
      #expect(throws: MachineDecodingError.self) {
        var reader = SnapshotReader(into: ReplicatedMachine<Counter>())
        try reader.read(damaged[...])
        let read = try reader.finish()
        // What the digest does not cover is the vectors of stamps.
        if read.stamps != replica.stamps { throw MachineDecodingError.wrongDigest }
      }
    }
  }

  @Test func `a machine goes on while its snapshot is written`() throws {
    var log = log()
    var writer = SnapshotWriter(log.replica)
    let before = log.replica
    var reader = SnapshotReader(into: ReplicatedMachine<Counter>())
    while !writer.isAtEnd {
      log.append(.command(Counter.encode(1)))
      try reader.read(writer.next(50)[...])
    }
    #expect(try reader.finish() == before)
    #expect(log.replica != before)
  }

  @Test func `the digest of a clock is that of its bytes`() {
    var clock = LogClock()
    for nanoseconds in [0, 1, 1 << 55, 0x0102_0304_0506_0708, 1 << 62] as [UInt64] {
      let moment = Moment(
        index: LogIndex(1), time: LogTime(nanoseconds: nanoseconds), lamport: .zero, hybrid: .zero)
      _ = clock.apply(.read, at: moment)
      var digest = Digest()
      digest.combine(bytes: clock.encoded())
      #expect(clock.digest == digest.value)
    }
  }

  @Test(arguments: 0..<20)
  func `bytes are digested eight at a time, the first one lowest`(count: Int) {
    let bytes = (0..<count).map { UInt8(7 * $0 + 1) }
    var digest = Digest()
    digest.combine(UInt64(count))
    for start in stride(from: 0, to: count, by: 8) {
      var word: UInt64 = 0
      for place in start..<min(start + 8, count) {
        word |= UInt64(bytes[place]) << UInt64(8 * (place - start))
      }
      digest.combine(word)
    }
    var sum = Digest()
    sum.combine(bytes: bytes)
    #expect(sum == digest)
  }

  @Test func `a composite keeps its machines apart`() throws {
    typealias Two = Composite<Counter, KeyValue>
    var log = Log<Two>()
    let session = log.open()
    _ = log.ask(session, 1, .first(4))
    _ = log.ask(session, 2, .second(.put(key: [1], value: [2])))
    let answer = log.ask(session, 3, .second(.get(key: [1])))
    guard case .second(.value([2])) = try Two.Result(encoded: answer.result[...]) else {
      Issue.record("the value of the key is not what was put")
      return
    }
    #expect(log.replica.machine.first.total == 4)
    #expect(try log.installed() == log.replica)
    #expect(log.append(.command([2, 0])).verdict == .malformed(.unknownKind(2)))
    #expect(log.append(.command([])).verdict == .malformed(.truncated))
  }
}

import Raft
import RaftClocks
import RaftMachines
import TestPace
import Testing

@Suite(.computing) struct EnvelopeTests {
  static let stamp = ClockStamp(
    lamport: LamportTime(0x0102), hybrid: HybridTime(nanoseconds: 0x0a0b0c, logical: 3))

  static let requests: [Request] = [
    .command([7, 8]),
    .inSession(
      SessionPosition(session: SessionID(4), sequence: 2, acknowledgedThrough: 1), command: [9]),
    .openSession, .closeSession(SessionID(4)), .time, .limitSessions(SessionLimits()),
    .keepSession(SessionID(4), acknowledgedThrough: 9),
  ]

  @Test(arguments: requests)
  func `a request is read as it was written`(request: Request) throws {
    let envelope = Envelope(stamp: EnvelopeTests.stamp, request: request)
    #expect(try Envelope.decode(envelope.encoded()[...]) == envelope)
  }

  @Test func `the bytes of an envelope stay as they are`() {
    let envelope = Envelope(
      stamp: EnvelopeTests.stamp,
      request: .inSession(SessionPosition(session: SessionID(4), sequence: 2), command: [9]))
    #expect(
      envelope.encoded() == [
        1,  // envelope, version 1
        1, 2, 1, 0, 0, 0, 0, 0, 0, 12, 11, 10, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0,  // stamp
        1, 4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // session
        9,
      ])
  }

  @Test func `bytes that nobody wrote are refused or read as what would be written so`() {
    var random = RandomSource(seed: 11)
    var accepted = 0
    for _ in 0..<20_000 {
      let position = Int(random.draw(below: UInt64(EnvelopeTests.requests.count)))
      let request = EnvelopeTests.requests[position]
      var bytes = Envelope(stamp: EnvelopeTests.stamp, request: request).encoded()
      mutate(&bytes, &random)
      guard let read = try? Envelope.decode(bytes[...]) else { continue }
      accepted += 1
      #expect(read.encoded() == bytes)
    }
    #expect(accepted > 1_000)
  }

  @Test func `whatever the log holds, a replica applies it and lives`() {
    var random = RandomSource(seed: 12)
    var replica = ReplicatedMachine<Counter>()
    var writer = ByteWriter()
    for index in 1...20_000 as ClosedRange<UInt64> {
      let position = Int(random.draw(below: UInt64(EnvelopeTests.requests.count)))
      let request = EnvelopeTests.requests[position]
      var bytes = Envelope(stamp: EnvelopeTests.stamp, request: request).encoded()
      mutate(&bytes, &random)
      replica.apply(bytes[...], at: LogIndex(index), into: &writer)
    }
    #expect(replica.applied == LogIndex(20_000))
  }
}

/// Damages bytes: flips, cuts, insertions, extreme values.
func mutate(_ bytes: inout [UInt8], _ random: inout RandomSource) {
  let odd: [UInt8] = [0, 1, 2, 3, 0x7f, 0x80, 0xff]
  for _ in 0...random.draw(below: 3) {
    let count = UInt64(bytes.count)
    switch random.draw(below: 6) {
    case 0 where count > 0: bytes[Int(random.draw(below: count))] ^= 1 << random.draw(below: 8)
    case 1 where count > 0:
      bytes[Int(random.draw(below: count))] = odd[Int(random.draw(below: 7))]
    case 2 where count > 0: bytes.removeLast(Int(random.draw(below: count)))
    case 3: bytes.append(odd[Int(random.draw(below: 7))])
    case 4: bytes.insert(odd[Int(random.draw(below: 7))], at: Int(random.draw(below: count + 1)))
    default:
      guard count > 8 else { continue }
      let at = Int(random.draw(below: count - 8))
      let fill = odd[Int(random.draw(below: 7))]
      for place in at..<(at + 8) { bytes[place] = fill }
    }
  }
}

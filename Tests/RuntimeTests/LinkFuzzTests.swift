#if Server
import NIOCore
import Raft
import RaftReplica
import TestPace
import Testing

@testable import RaftRuntime

/// Bytes that nobody sent so: whatever comes, there is an end with a reason, and nothing that was
/// not sent is heard.
@Suite(.live) struct LinkFuzzTests {
  /// Changes some bytes, takes some out, puts some in, or repeats some.
  private static func spoil(_ buffer: inout ByteBuffer, _ random: inout RandomSource) {
    var bytes = Array(buffer.readableBytesView)
    guard !bytes.isEmpty else { return }
    for _ in 0..<random.draw(in: 1...4) {
      guard !bytes.isEmpty else { break }
      let place = random.draw(in: 0..<bytes.count)
      switch random.draw(below: 6) {
      case 0: bytes[place] ^= 1 << UInt8(random.draw(below: 8))
      case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 2: bytes.removeSubrange(place..<min(bytes.count, place + random.draw(in: 1...40)))
      case 3:
        let more = (0..<random.draw(in: 1...40)).map { _ in UInt8(truncatingIfNeeded: random.next())
        }
        bytes.insert(contentsOf: more, at: place)
      case 4: bytes.insert(contentsOf: bytes[place...].prefix(200), at: place)
      default: bytes[place] = 0xff
      }
    }
    buffer = ByteBuffer(bytes: bytes)
  }

  @Test(arguments: LinkProtection.allCases)
  func `spoilt bytes end a link with a reason`(_ protection: LinkProtection) {
    var random = RandomSource(seed: 11)
    var ends = 0
    for round in 0..<3_000 {
      var pair = LinkPair(
        LinkPair.identity(1, protection: protection), LinkPair.identity(2, protection: protection))
      let spoilt = random.draw(below: 4)
      do throws(LinkError) {
        if spoilt == 0 { LinkFuzzTests.spoil(&pair.toCalled, &random) }
        try pair.deliverToCalled()
        if spoilt == 1 { LinkFuzzTests.spoil(&pair.toCaller, &random) }
        try pair.deliverToCaller()
        try pair.deliverToCalled()
        guard pair.called.isOpen, pair.caller.isOpen else { continue }
        pair.send(1...20)
        LinkFuzzTests.spoil(&pair.toCalled, &random)
        try pair.deliverToCalled()
      } catch {
        ends += 1
        #expect(!error.description.isEmpty, "round \(round)")
      }
      var next: UInt64 = 1
      for news in pair.heard {
        guard case .envelope(let envelope) = news else { continue }
        // A checksum is no signature, but it finds what a few spoilt bytes do.
        #expect(envelope.sequence == next && envelope.message.term == Term(1), "round \(round)")
        next += 1
      }
    }
    #expect(ends > 1_500)
  }

  @Test(arguments: LinkProtection.allCases)
  func `what comes in pieces is what came whole`(_ protection: LinkProtection) throws {
    var random = RandomSource(seed: 5)
    for _ in 0..<100 {
      var pair = LinkPair(
        LinkPair.identity(1, protection: protection), LinkPair.identity(2, protection: protection))
      try pair.open()
      pair.send(1...20)
      let whole = pair.toCalled
      pair.toCalled = ByteBuffer()
      var place = whole.readerIndex
      while place < whole.writerIndex {
        let count = min(whole.writerIndex - place, random.draw(in: 1...97))
        var piece = try #require(whole.getSlice(at: place, length: count))
        pair.toCalled.writeBuffer(&piece)
        place += count
        try pair.deliverToCalled()
      }
      let heard = pair.heard.filter { if case .envelope = $0 { true } else { false } }
      #expect(heard.count == 20)
    }
  }
}
#endif

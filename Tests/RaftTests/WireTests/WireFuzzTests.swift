import Testing

@testable import Raft

/// Gives decoders bytes that nobody wrote. The checks: no trap; what is accepted is exactly what
/// the writer would have written; and it keeps what every value promises.
enum WireFuzz {
  static func check(_ bytes: ArraySlice<UInt8>) -> Int {
    var accepted = 0
    if let message = try? Message.decode(bytes) {
      accepted += 1
      var again: [UInt8] = []
      message.encode(into: &again)
      #expect(again[...] == bytes, "a message has two encodings")
      #expect(message.entries.isWellFormed)
      #expect(message.entries.count <= bytes.count)
      if let snapshot = message.snapshot {
        #expect(throws: Never.self) { try snapshot.membership.validate() }
      }
    }
    if let entries = try? Entries.decode(bytes) {
      accepted += 1
      var again: [UInt8] = []
      entries.encode(into: &again)
      #expect(again[...] == bytes, "entries have two encodings")
      #expect(entries.isWellFormed && entries.count <= bytes.count)
      #expect(entries.array().count == entries.count)
    }
    if let membership = try? Membership.decode(bytes) {
      accepted += 1
      #expect(membership.encoded()[...] == bytes)
      #expect(throws: Never.self) { try membership.validate() }
    }
    if let hardState = try? HardState.decode(bytes) {
      accepted += 1
      var again: [UInt8] = []
      hardState.encode(into: &again)
      #expect(again[...] == bytes)
    }
    if let metadata = try? SnapshotMetadata.decode(bytes) {
      accepted += 1
      var again: [UInt8] = []
      metadata.encode(into: &again)
      #expect(again[...] == bytes)
    }
    return accepted
  }

  static func mutate(_ bytes: inout [UInt8], _ samples: inout WireSamples) {
    let count = UInt64(bytes.count)
    let odd: [UInt8] = [0, 1, 2, 3, 0x7f, 0x80, 0xff]
    for _ in 0...samples.draw(3) {
      switch samples.draw(7) {
      case 0 where count > 0: bytes[Int(samples.draw(UInt64(bytes.count)))] ^= 1 << samples.draw(8)
      case 1 where count > 0:
        bytes[Int(samples.draw(UInt64(bytes.count)))] = odd[Int(samples.draw(7))]
      case 2 where bytes.count > 1: bytes.removeLast(Int(samples.draw(UInt64(bytes.count))))
      case 3: bytes.append(contentsOf: samples.bytes(below: 9))
      case 4:
        let at = Int(samples.draw(UInt64(bytes.count) + 1))
        bytes.insert(contentsOf: samples.bytes(below: 9), at: at)
      case 5 where bytes.count > 8:
        let at = Int(samples.draw(UInt64(bytes.count) - 8))
        let fill = odd[Int(samples.draw(7))]
        for place in at..<(at + 8) { bytes[place] = fill }
      default:
        let cut = Int(samples.draw(UInt64(bytes.count) + 1))
        bytes = Array(bytes[cut...] + bytes[..<cut])
      }
      if bytes.isEmpty { bytes = [1] }
    }
  }
}

@Suite struct WireFuzzTests {
  @Test(arguments: 0..<16 as Range<UInt64>)
  func `changed encodings are refused, or are encodings of other values`(seed: UInt64) {
    var samples = WireSamples(seed: 0x6675_7a7a + seed)
    var accepted = 0
    for round in 0..<2_500 {
      var bytes: [UInt8] = []
      switch round % 8 {
      case 0: samples.entries().encode(into: &bytes)
      case 1: bytes = samples.membership().encoded()
      case 2: samples.metadata().encode(into: &bytes)
      case 3: samples.message(.installSnapshot).encode(into: &bytes)
      case 4, 5: samples.message(.appendEntries).encode(into: &bytes)
      default:
        let kinds = Message.WireKind.allCases
        samples.message(kinds[Int(samples.draw(UInt64(kinds.count)))]).encode(into: &bytes)
      }
      WireFuzz.mutate(&bytes, &samples)
      accepted += WireFuzz.check(bytes[...])
    }
    #expect(accepted > 100, "the mutations hit only the first bytes")
  }

  @Test func `garbage is refused or is an encoding`() {
    var samples = WireSamples(seed: 7)
    for _ in 0..<20_000 {
      var bytes = samples.bytes(below: 120)
      if bytes.count > 1, samples.draw(4) > 0 {
        bytes[0] = 1
        bytes[1] = UInt8(samples.draw(15))
      }
      _ = WireFuzz.check(bytes[...])
    }
  }

  @Test func `a count that the bytes cannot hold is refused before anything is made of it`() {
    let huge: [UInt8] = [1, 0xff, 0xff, 0xff, 0xff]
    #expect(
      throws: WireDecodingError(
        offset: 1, expected: .runCount,
        problem: .truncated(needed: 64_424_509_425, available: 0))
    ) {
      try Entries.decode(huge[...])
    }
    let elided = hex(
      "01 01000000 0100000000000000 0100000000000000 00 02 ffffffff 00")
    #expect(
      throws: WireDecodingError(
        offset: 27, expected: .payload, problem: .truncated(needed: 4_294_967_295, available: 1))
    ) {
      try Entries.decode(elided[...])
    }
  }
}

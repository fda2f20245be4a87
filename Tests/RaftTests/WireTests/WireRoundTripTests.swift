import Testing

@testable import Raft

@Suite struct WireRoundTripTests {
  static let seeds: UInt64 = 400

  @Test(arguments: Message.WireKind.allCases)
  func `a message of each kind comes back as it was`(kind: Message.WireKind) throws {
    var samples = WireSamples(seed: UInt64(kind.rawValue))
    for _ in 0..<Self.seeds {
      let message = samples.message(kind)
      var bytes: [UInt8] = [0xee]
      message.encode(into: &bytes)
      #expect(bytes[0...2] == [0xee, 1, kind.rawValue])
      #expect(try Message.decode(bytes[1...]) == message)
    }
  }

  @Test func `memberships, entries, hard states and metadata come back as they were`() throws {
    var samples = WireSamples(seed: 1)
    for _ in 0..<Self.seeds {
      let membership = samples.membership()
      try membership.validate()
      #expect(try Membership.decode(membership.encoded()[...]) == membership)

      let entries = samples.entries()
      var bytes: [UInt8] = []
      entries.encode(into: &bytes)
      let decoded = try Entries.decode(bytes[...])
      #expect(decoded == entries)
      #expect(decoded.isWellFormed)

      let hardState = samples.hardState()
      bytes = []
      hardState.encode(into: &bytes)
      #expect(try HardState.decode(bytes[...]) == hardState)

      let metadata = samples.metadata()
      bytes = []
      metadata.encode(into: &bytes)
      #expect(try SnapshotMetadata.decode(bytes[...]) == metadata)
    }
  }

  @Test func `equal entries have equal bytes, however their batches were cut`() throws {
    var samples = WireSamples(seed: 2)
    for _ in 0..<Self.seeds {
      let entries = samples.entries()
      var single: [EntryRun] = []
      for position in 0..<entries.runCount {
        let run = entries.run(position)
        for offset in 0..<UInt64(run.count) {
          let index = run.firstIndex.advanced(by: offset)
          if run.payloads == .present {
            single.append(
              EntryRun(
                firstIndex: index, term: run.term, kind: run.kind,
                block: EntryBlock(Array(run.payload(Int(offset))))))
          } else {
            single.append(run.slice(from: index, through: index))
          }
        }
      }
      let cut = try #require(Entries(single))
      var whole: [UInt8] = []
      var pieces: [UInt8] = []
      entries.encode(into: &whole)
      cut.encode(into: &pieces)
      #expect(whole == pieces)
    }
  }

  @Test func `each beginning of an encoding is refused, and so is a byte more`() throws {
    var samples = WireSamples(seed: 3)
    for kind in Message.WireKind.allCases {
      for _ in 0..<5 {
        var bytes: [UInt8] = []
        samples.message(kind).encode(into: &bytes)
        for end in 0..<bytes.count {
          #expect(throws: WireDecodingError.self) { try Message.decode(bytes[..<end]) }
        }
        #expect(
          throws: WireDecodingError(
            offset: bytes.count, expected: .end, problem: .trailingBytes(1))
        ) {
          try Message.decode(bytes + [0])
        }
      }
    }
  }

  @Test func `a version from the future is refused by an error that names both versions`() {
    let error = #expect(throws: WireDecodingError.self) { try HardState.decode([2, 0, 0]) }
    #expect(
      error
        == WireDecodingError(
          offset: 0, expected: .version, problem: .unknownVersion(found: 2, newest: .version1)))
    #expect(
      error?.description == "byte 0: version: v2 is unknown; this reader knows v1 to v1")
  }
}

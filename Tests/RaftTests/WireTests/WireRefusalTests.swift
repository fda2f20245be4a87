import Testing

@testable import Raft

/// One test for each thing that is refused: where the error points, and what it says.
@Suite struct WireRefusalTests {
  static let header = "01 05 0100000000000000 0200000000000000 0400000000000000"
  static let entries = "01 01000000 0800000000000000"
  static let run = "0300000000000000"

  private func expect<Value>(
    _ text: String, _ decode: (ArraySlice<UInt8>) throws -> Value, _ offset: Int,
    _ expected: WireField, _ problem: WireProblem, location: SourceLocation = #_sourceLocation
  ) {
    #expect(
      throws: WireDecodingError(offset: offset, expected: expected, problem: problem),
      sourceLocation: location
    ) { _ = try decode(hex(text)[...]) }
  }

  @Test func `no bytes at all`() {
    expect("", Message.decode, 0, .version, .truncated(needed: 1, available: 0))
  }

  @Test func `a kind of message that does not exist, and a message from or to nobody`() {
    expect("01 0e", Message.decode, 1, .messageKind, .unknownTag(14))
    expect("01 00", Message.decode, 1, .messageKind, .unknownTag(0))
    expect("01 09 0000000000000000", Message.decode, 2, .node, .zero)
    expect("01 09 0100000000000000 0000000000000000", Message.decode, 10, .node, .zero)
  }

  @Test func `terms, indexes and offsets with which the core could not reckon`() {
    expect(
      "01 0000000000000080", HardState.decode, 1, .term, .tooLarge(1 << 63))
    expect(
      "01 0000000000000000 0000000000000000 ffffffffffffffff", HardState.decode, 17, .index,
      .tooLarge(.max))
    expect(
      "01 07 0100000000000000 0200000000000000 0400000000000000"
        + "0100000000000000 0100000000000000 ffffffffffffffff",
      Message.decode, 42, .snapshotOffset, .tooLarge(.max))
    expect(
      "01 01000000 ffffffffffffff7f 0300000000000000 00 02 02000000 0000", Entries.decode, 5,
      .index, .tooLarge(1 << 63))
  }

  @Test func `a flag that is neither 0 nor 1`() {
    expect(
      Self.header + "0000000000000000 0000000000000000 0000000000000000 0000000000000000 02",
      Message.decode, 58, .flag, .unknownTag(2))
  }

  @Test func `entries without an index, a term, a kind, a place or a count`() {
    expect(
      "01 01000000 0000000000000000 \(Self.run) 00 02 01000000 00", Entries.decode, 5,
      .index, .zero)
    expect("\(Self.entries) 0000000000000000 00 02 01000000 00", Entries.decode, 13, .term, .zero)
    expect(
      "\(Self.entries) \(Self.run) 03 02 01000000 00", Entries.decode, 21, .entryKind,
      .unknownTag(3))
    expect(
      "\(Self.entries) \(Self.run) 00 03 01000000 00", Entries.decode, 22, .payloadState,
      .unknownTag(3))
    expect("\(Self.entries) \(Self.run) 00 00 00000000 00", Entries.decode, 23, .entryCount, .zero)
  }

  @Test func `payloads that the sender only has on its disk`() {
    expect(
      "\(Self.entries) \(Self.run) 00 01 01000000 00", Entries.decode, 22, .payloadState,
      .unknownTag(1))
  }

  @Test func `runs that are one run, in decreasing terms, or with filler that is not zero`() {
    let two = "01 02000000 0800000000000000 \(Self.run) 00 02 01000000 00"
    expect(two + "\(Self.run) 00 02 01000000 00", Entries.decode, 28, .term, .notCanonical)
    expect(two + "0200000000000000 00 02 01000000 00", Entries.decode, 28, .term, .termDecreases)
    expect(
      "\(Self.entries) \(Self.run) 00 02 01000000 01", Entries.decode, 27, .payload,
      .notCanonical)
  }

  @Test func `a table of ends that does not fit the payloads`() {
    let head = "\(Self.entries) \(Self.run) 00 00 02000000 03000000 aabbcc"
    expect(head + "02000000 01000000", Entries.decode, 34, .endTable, .brokenTable)
    expect(head + "01000000 04000000", Entries.decode, 34, .endTable, .brokenTable)
    expect(head + "01000000 02000000", Entries.decode, 34, .endTable, .brokenTable)
    expect(
      head + "01000000 030000", Entries.decode, 31, .payload,
      .truncated(needed: 11, available: 10))
  }

  @Test func `an entry of kind membership that holds none, or whose bytes were left out`() {
    expect(
      "\(Self.entries) \(Self.run) 02 00 01000000 01000000 00", Entries.decode, 21,
      .membership, .brokenMembership)
    expect(
      "\(Self.entries) \(Self.run) 02 02 01000000 00", Entries.decode, 22, .payloadState,
      .unknownTag(2))
  }

  @Test func `nodes that cannot be a membership`() {
    let one = "0100000000000000"
    expect("01 40", Membership.decode, 1, .nodeCount, .tooMany(64))
    expect(
      "01 02 \(one) \(one) 00 00 00 00", Membership.decode, 1, .membership,
      .membership(.namedTwice(NodeID(1))))
    expect(
      "01 01 \(one) 00 01 \(one) 00 00", Membership.decode, 1, .membership,
      .membership(.voterAndLearner(NodeID(1))))
    expect(
      "01 01 \(one) 00 00 00 01 \(one)", Membership.decode, 1, .membership,
      .membership(.onlyWitnesses))
    expect("01 01 0000000000000000 00 00 00 00", Membership.decode, 2, .node, .zero)
  }

  @Test func `a snapshot of nobody, or of a membership that came after it`() {
    let at7 = "0300000000000000 0700000000000000"
    expect(
      "01 \(at7) 0000000000000000 00 00 00 00 00", SnapshotMetadata.decode, 25, .membership,
      .membership(.noVoters))
    expect("01 \(at7) 0800000000000000", SnapshotMetadata.decode, 17, .index, .tooLarge(8))
    let at0 = "0000000000000000 0000000000000000 0000000000000000"
    expect(
      "01 \(at0) 00 00 01 0100000000000000 00 00", SnapshotMetadata.decode, 25, .membership,
      .membership(.noVoters))
    expect(
      "01 07 0100000000000000 0200000000000000 0400000000000000"
        + "0000000000000000 0000000000000000 0000000000000000 00 0000000000000000"
        + "0000000000000000 00 00 00 00 00",
      Message.decode, 67, .membership, .membership(.noVoters))
  }

  @Test func `errors say in a sentence what is wrong and where`() {
    let error = WireDecodingError(
      offset: 5, expected: .entryCount, problem: .truncated(needed: 4, available: 3))
    #expect(error.description == "byte 5: entry count: 4 bytes are needed, 3 are left")
  }
}

import Testing

@testable import Raft

/// The bytes of version 1, written down. They are on disks and networks: a change that turns these
/// tests red needs a new version of the encoding, and these stay as they are.
@Suite struct WireGoldenTests {
  static let position = LogPosition(term: Term(3), index: LogIndex(7))

  private func expect(
    _ body: Message.Body, entries: Entries = .none, snapshot: SnapshotPart? = nil,
    _ kind: String, _ text: String, location: SourceLocation = #_sourceLocation
  ) throws {
    let message = Message(
      from: NodeID(1), to: NodeID(2), term: Term(4), body: body, entries: entries,
      snapshot: snapshot)
    var bytes: [UInt8] = []
    message.encode(into: &bytes, version: .version1)
    let header = "01" + kind + "0100000000000000 0200000000000000 0400000000000000"
    #expect(bytes == hex(header + text), sourceLocation: location)
    #expect(try Message.decode(hex(header + text)[...]) == message, sourceLocation: location)
  }

  @Test func `votes and pre-votes`() throws {
    let request = RequestVote(candidateTerm: Term(5), lastLog: Self.position, isTransfer: true)
    let fields = "0500000000000000 0300000000000000 0700000000000000 01"
    try expect(.requestPreVote(request), "01", fields)
    try expect(.requestVote(request), "03", fields)
    let reply = RequestVoteReply(candidateTerm: Term(5), voteGranted: false)
    try expect(.requestPreVoteReply(reply), "02", "0500000000000000 00")
    try expect(.requestVoteReply(reply), "04", "0500000000000000 00")
  }

  @Test
  func `appended entries: two commands in one block, an empty entry, one without its payload`()
    throws
  {
    let append = AppendEntries(
      prevLog: Self.position, leaderCommit: LogIndex(6), round: 9, isQuiescing: false)
    let fields = "0300000000000000 0700000000000000 0600000000000000 0900000000000000 00"
    try expect(.appendEntries(append), "05", fields + "00000000")
    let runs = Entries([
      EntryRun(
        firstIndex: LogIndex(8), term: Term(3), block: EntryBlock([[0xaa], [0xbb, 0xcc]])),
      EntryRun(
        firstIndex: LogIndex(10), term: Term(4), kind: .noOperation, block: EntryBlock([[]])),
      EntryRun(
        firstIndex: LogIndex(11), term: Term(4), kind: .command, count: 2, payloads: .elided),
    ])
    try expect(
      .appendEntries(append), entries: try #require(runs), "05",
      fields + "03000000 0800000000000000"
        + "0300000000000000 00 00 02000000 03000000 aabbcc 01000000 03000000"
        + "0400000000000000 01 00 01000000 00000000"
        + "0400000000000000 00 02 02000000 0000")
    let reply = AppendEntriesReply(
      success: false, matchIndex: LogIndex(1), receivedIndex: LogIndex(2),
      rejectedIndex: LogIndex(7), hint: LogPosition(term: Term(2), index: LogIndex(5)), round: 9)
    try expect(
      .appendEntriesReply(reply), "06",
      "00 0100000000000000 0200000000000000 0700000000000000 0200000000000000 0500000000000000"
        + "0900000000000000")
  }

  @Test func `snapshots`() throws {
    let install = InstallSnapshot(lastIncluded: Self.position, offset: 16, isDone: true, round: 2)
    let part = SnapshotPart(
      bytes: [0xde, 0xad],
      membership: try Membership(voters: [NodeID(1), NodeID(2)], learners: [NodeID(3)]),
      membershipIndex: LogIndex(6))
    try expect(
      .installSnapshot(install), snapshot: part, "07",
      "0300000000000000 0700000000000000 1000000000000000 01 0200000000000000"
        + "0600000000000000 02 0100000000000000 0200000000000000 00 01 0300000000000000 00 00"
        + "02000000 dead")
    let reply = InstallSnapshotReply(
      lastIncluded: Self.position, nextOffset: 18,
      round: 2)
    try expect(
      .installSnapshotReply(reply), "08",
      "0300000000000000 0700000000000000 1200000000000000 0200000000000000")
  }

  @Test func `transfers, read indexes and forwarded proposals`() throws {
    try expect(.timeoutNow, "09", "")
    try expect(.readIndex(ReadIndexRequest(sequence: 255)), "0a", "ff00000000000000")
    try expect(
      .readIndexReply(ReadIndexReply(sequence: 255, readIndex: LogIndex(7))), "0b",
      "ff00000000000000 0700000000000000")
    try expect(
      .forwardedProposal(ForwardedProposal(sequence: 3)),
      entries: Entries(
        EntryRun(firstIndex: LogIndex(1), term: Term(4), block: EntryBlock([0x78]))),
      "0c",
      "0300000000000000 01000000 0100000000000000 0400000000000000 00 00 01000000 01000000 78")
    try expect(
      .forwardedProposalReply(
        ForwardedProposalReply(sequence: 3, accepted: Self.position, isTooBusy: false)),
      "0d", "0300000000000000 01 0300000000000000 0700000000000000 00")
    try expect(
      .forwardedProposalReply(
        ForwardedProposalReply(sequence: 3, accepted: nil, isTooBusy: true)),
      "0d", "0300000000000000 00 01")
  }

  @Test func `what a storage holds`() throws {
    var bytes: [UInt8] = []
    HardState(currentTerm: Term(4), votedFor: NodeID(2), commitIndex: LogIndex(9))
      .encode(into: &bytes)
    #expect(bytes == hex("01 0400000000000000 0200000000000000 0900000000000000"))
    bytes = []
    HardState().encode(into: &bytes)
    #expect(bytes == hex("01 0000000000000000 0000000000000000 0000000000000000"))
    bytes = []
    SnapshotMetadata(
      lastIncluded: Self.position, membership: try Membership(voters: [NodeID(1)]),
      membershipIndex: LogIndex(2)
    ).encode(into: &bytes)
    #expect(
      bytes
        == hex(
          "01 0300000000000000 0700000000000000 0200000000000000 01 0100000000000000 00 00 00 00"))
    bytes = []
    SnapshotMetadata.none.encode(into: &bytes)
    #expect(bytes == [UInt8](hex("01")) + [UInt8](repeating: 0, count: 29))
    #expect(try SnapshotMetadata.decode(bytes[...]) == .none)
  }
}

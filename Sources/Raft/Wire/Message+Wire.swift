// The encoding of messages (Figure 2 and Figure 13).
//
//     version     1 byte
//     kind        1 byte: `Message.WireKind`
//     from        8 bytes, not 0
//     to          8 bytes, not 0
//     term        8 bytes
//     body        the fields of the body in the order of their declaration
//
// In a body a term, an index, an offset, a round and a sequence are 8 bytes each, a position is a
// term and an index, a flag is 1 byte, 0 or 1. An optional position is a flag, and the position if
// the flag is 1. After the body come, without a version of their own,
//
//     appendEntries, forwardedProposal    the entries
//     installSnapshot                     membershipIndex (8), membership, byte count (4), bytes
//
// A transport adds what it needs around a message: a length, a checksum, who is allowed to speak.

extension Message: WireValue {
  /// The number of each kind of message on the wire.
  enum WireKind: UInt8, CaseIterable {
    case requestPreVote = 1
    case requestPreVoteReply = 2
    case requestVote = 3
    case requestVoteReply = 4
    case appendEntries = 5
    case appendEntriesReply = 6
    case installSnapshot = 7
    case installSnapshotReply = 8
    case timeoutNow = 9
    case readIndex = 10
    case readIndexReply = 11
    case forwardedProposal = 12
    case forwardedProposalReply = 13
  }

  /// Appends the encoding to `bytes`. While a cluster is being upgraded, `version` is that of its
  /// oldest node.
  ///
  /// - Precondition: a message as nodes send it: neither node is 0, entries and a snapshot part
  ///   come with the kinds that carry them only, fewer than 2^32 - 1 bytes of either.
  /// - Complexity: O(bytes of payload + entries).
  public func encode(into bytes: inout [UInt8], version: WireVersion = .newest) {
    appendWire(to: &bytes, version: version)
  }

  /// The message of which these bytes are the encoding.
  ///
  /// Only its form is checked. Whether it makes sense is for the node to say that receives it, and
  /// whether it may come from that sender is for the transport.
  ///
  /// - Throws: `WireDecodingError` for any other bytes.
  /// - Complexity: O(bytes).
  public static func decode(_ bytes: ArraySlice<UInt8>) throws(WireDecodingError) -> Message {
    try readWhole(bytes)
  }

  var wireKind: WireKind {
    switch body {
    case .requestPreVote: .requestPreVote
    case .requestPreVoteReply: .requestPreVoteReply
    case .requestVote: .requestVote
    case .requestVoteReply: .requestVoteReply
    case .appendEntries: .appendEntries
    case .appendEntriesReply: .appendEntriesReply
    case .installSnapshot: .installSnapshot
    case .installSnapshotReply: .installSnapshotReply
    case .timeoutNow: .timeoutNow
    case .readIndex: .readIndex
    case .readIndexReply: .readIndexReply
    case .forwardedProposal: .forwardedProposal
    case .forwardedProposalReply: .forwardedProposalReply
    }
  }

  func write(to writer: inout WireWriter) {
    let kind = wireKind
    precondition(from.rawValue > 0 && to.rawValue > 0, "a message from or to node 0")
    writer.put(kind.rawValue)
    writer.put(from)
    writer.put(to)
    writer.put(term)
    writeBody(to: &writer)
    if kind == .appendEntries || kind == .forwardedProposal {
      entries.write(to: &writer)
    } else {
      precondition(entries.isEmpty, "entries travel with messages that carry them only")
    }
    if kind == .installSnapshot, let snapshot {
      snapshot.write(to: &writer)
    } else {
      precondition(
        kind != .installSnapshot && snapshot == nil, "exactly installSnapshot has a snapshot part")
    }
  }

  private func writeBody(to writer: inout WireWriter) {
    switch body {
    case .requestPreVote(let request), .requestVote(let request):
      request.write(to: &writer)
    case .requestPreVoteReply(let reply), .requestVoteReply(let reply):
      reply.write(to: &writer)
    case .appendEntries(let request): request.write(to: &writer)
    case .appendEntriesReply(let reply): reply.write(to: &writer)
    case .installSnapshot(let request): request.write(to: &writer)
    case .installSnapshotReply(let reply): reply.write(to: &writer)
    case .timeoutNow: break
    case .readIndex(let request): request.write(to: &writer)
    case .readIndexReply(let reply): reply.write(to: &writer)
    case .forwardedProposal(let request): request.write(to: &writer)
    case .forwardedProposalReply(let reply): reply.write(to: &writer)
    }
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> Message {
    let start = reader.offset
    let tag = try reader.readByte(.messageKind)
    guard let kind = WireKind(rawValue: tag) else {
      throw reader.error(.messageKind, .unknownTag(tag), at: start)
    }
    let from = try reader.readNode()
    let to = try reader.readNode()
    let term = try reader.readTerm()
    let body = try readBody(of: kind, from: &reader)
    var entries = Entries.none
    var snapshot: SnapshotPart?
    switch body {
    case .appendEntries, .forwardedProposal:
      entries = try Entries.read(from: &reader)
    case .installSnapshot(let request):
      snapshot = try SnapshotPart.read(of: request.lastIncluded, from: &reader)
    case .requestPreVote, .requestPreVoteReply, .requestVote, .requestVoteReply,
      .appendEntriesReply, .installSnapshotReply, .timeoutNow, .readIndex, .readIndexReply,
      .forwardedProposalReply:
      break
    }
    return Message(
      from: from, to: to, term: term, body: body, entries: entries, snapshot: snapshot)
  }

  private static func readBody(
    of kind: WireKind, from reader: inout WireReader
  ) throws(WireDecodingError) -> Body {
    switch kind {
    case .requestPreVote: .requestPreVote(try RequestVote.read(from: &reader))
    case .requestPreVoteReply: .requestPreVoteReply(try RequestVoteReply.read(from: &reader))
    case .requestVote: .requestVote(try RequestVote.read(from: &reader))
    case .requestVoteReply: .requestVoteReply(try RequestVoteReply.read(from: &reader))
    case .appendEntries: .appendEntries(try AppendEntries.read(from: &reader))
    case .appendEntriesReply: .appendEntriesReply(try AppendEntriesReply.read(from: &reader))
    case .installSnapshot: .installSnapshot(try InstallSnapshot.read(from: &reader))
    case .installSnapshotReply: .installSnapshotReply(try InstallSnapshotReply.read(from: &reader))
    case .timeoutNow: .timeoutNow
    case .readIndex: .readIndex(try ReadIndexRequest.read(from: &reader))
    case .readIndexReply: .readIndexReply(try ReadIndexReply.read(from: &reader))
    case .forwardedProposal: .forwardedProposal(try ForwardedProposal.read(from: &reader))
    case .forwardedProposalReply:
      .forwardedProposalReply(try ForwardedProposalReply.read(from: &reader))
    }
  }
}

extension SnapshotPart {
  fileprivate func write(to writer: inout WireWriter) {
    writer.put(membershipIndex)
    membership.write(to: &writer)
    writer.put(count: bytes.count)
    writer.bytes.append(contentsOf: bytes)
  }

  fileprivate static func read(
    of lastIncluded: LogPosition, from reader: inout WireReader
  ) throws(WireDecodingError) -> SnapshotPart {
    let membershipIndex = try reader.readMembershipIndex(in: lastIncluded)
    let membership = try Membership.read(from: &reader)
    let start = reader.offset
    let count = try reader.readCount(.byteCount)
    guard count < UInt32.max else {
      throw reader.error(.byteCount, .tooLarge(UInt64(count)), at: start)
    }
    let bytes = try reader.take(UInt64(count), .payload)
    return SnapshotPart(
      bytes: Array(bytes), membership: membership, membershipIndex: membershipIndex)
  }
}

// The fields of each message body, in the order of their declaration; Message+Wire.swift says what
// each kind of field looks like.

extension RequestVote: WireValue {
  func write(to writer: inout WireWriter) {
    writer.put(candidateTerm)
    writer.put(lastLog)
    writer.put(isTransfer)
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> RequestVote {
    let candidateTerm = try reader.readTerm()
    let lastLog = try reader.readPosition()
    let isTransfer = try reader.readFlag()
    return RequestVote(candidateTerm: candidateTerm, lastLog: lastLog, isTransfer: isTransfer)
  }
}

extension RequestVoteReply: WireValue {
  func write(to writer: inout WireWriter) {
    writer.put(candidateTerm)
    writer.put(voteGranted)
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> RequestVoteReply {
    let candidateTerm = try reader.readTerm()
    let voteGranted = try reader.readFlag()
    return RequestVoteReply(candidateTerm: candidateTerm, voteGranted: voteGranted)
  }
}

extension AppendEntries: WireValue {
  func write(to writer: inout WireWriter) {
    writer.put(prevLog)
    writer.put(leaderCommit)
    writer.put(round)
    writer.put(isQuiescing)
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> AppendEntries {
    let prevLog = try reader.readPosition()
    let leaderCommit = try reader.readIndex()
    let round = try reader.readNumber(.sequence)
    let isQuiescing = try reader.readFlag()
    return AppendEntries(
      prevLog: prevLog, leaderCommit: leaderCommit, round: round, isQuiescing: isQuiescing)
  }
}

extension AppendEntriesReply: WireValue {
  func write(to writer: inout WireWriter) {
    writer.put(success)
    writer.put(matchIndex)
    writer.put(receivedIndex)
    writer.put(rejectedIndex)
    writer.put(hint)
    writer.put(round)
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> AppendEntriesReply {
    let success = try reader.readFlag()
    let matchIndex = try reader.readIndex()
    let receivedIndex = try reader.readIndex()
    let rejectedIndex = try reader.readIndex()
    let hint = try reader.readPosition()
    let round = try reader.readNumber(.sequence)
    return AppendEntriesReply(
      success: success, matchIndex: matchIndex, receivedIndex: receivedIndex,
      rejectedIndex: rejectedIndex, hint: hint, round: round)
  }
}

extension InstallSnapshot: WireValue {
  func write(to writer: inout WireWriter) {
    writer.put(lastIncluded)
    writer.put(offset)
    writer.put(isDone)
    writer.put(round)
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> InstallSnapshot {
    let lastIncluded = try reader.readPosition()
    let offset = try reader.readBoundedNumber(.snapshotOffset)
    let isDone = try reader.readFlag()
    let round = try reader.readNumber(.sequence)
    return InstallSnapshot(
      lastIncluded: lastIncluded, offset: offset, isDone: isDone, round: round)
  }
}

extension InstallSnapshotReply: WireValue {
  func write(to writer: inout WireWriter) {
    writer.put(lastIncluded)
    writer.put(nextOffset)
    writer.put(round)
  }

  static func read(
    from reader: inout WireReader
  ) throws(WireDecodingError) -> InstallSnapshotReply {
    let lastIncluded = try reader.readPosition()
    let nextOffset = try reader.readBoundedNumber(.snapshotOffset)
    let round = try reader.readNumber(.sequence)
    return InstallSnapshotReply(
      lastIncluded: lastIncluded, nextOffset: nextOffset, round: round)
  }
}

extension ReadIndexRequest: WireValue {
  func write(to writer: inout WireWriter) { writer.put(sequence) }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> ReadIndexRequest {
    ReadIndexRequest(sequence: try reader.readNumber(.sequence))
  }
}

extension ReadIndexReply: WireValue {
  func write(to writer: inout WireWriter) {
    writer.put(sequence)
    writer.put(readIndex)
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> ReadIndexReply {
    let sequence = try reader.readNumber(.sequence)
    let readIndex = try reader.readIndex()
    return ReadIndexReply(sequence: sequence, readIndex: readIndex)
  }
}

extension ForwardedProposal: WireValue {
  func write(to writer: inout WireWriter) { writer.put(sequence) }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> ForwardedProposal {
    ForwardedProposal(sequence: try reader.readNumber(.sequence))
  }
}

extension ForwardedProposalReply: WireValue {
  func write(to writer: inout WireWriter) {
    writer.put(sequence)
    writer.put(accepted != nil)
    if let accepted { writer.put(accepted) }
    writer.put(isTooBusy)
  }

  static func read(
    from reader: inout WireReader
  ) throws(WireDecodingError) -> ForwardedProposalReply {
    let sequence = try reader.readNumber(.sequence)
    var accepted: LogPosition?
    if try reader.readFlag() { accepted = try reader.readPosition() }
    let isTooBusy = try reader.readFlag()
    return ForwardedProposalReply(sequence: sequence, accepted: accepted, isTooBusy: isTooBusy)
  }
}

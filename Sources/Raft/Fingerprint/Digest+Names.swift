// The parts of a fingerprint that name nodes. What the core keeps in the order of the names is fed
// without an order, so that other names give the same words.

extension Digest {
  mutating func combine(_ node: NodeID?, _ names: NodeRenaming) {
    combine(node.map { names[$0].rawValue } ?? 0)
  }

  /// Feeds nodes as a set.
  mutating func combine(unordered nodes: [NodeID], _ names: NodeRenaming) {
    var sum = UInt64(nodes.count)
    for node in nodes { sum &+= RandomSource.mix(names[node].rawValue) }
    combine(sum)
  }

  mutating func combine(_ membership: Membership, _ names: NodeRenaming) {
    for list in [
      membership.voters, membership.outgoing, membership.learners, membership.learnersNext,
      membership.witnesses,
    ] { combine(unordered: list, names) }
  }

  mutating func combine(_ position: LogPosition) {
    combine(position.term.rawValue)
    combine(position.index.rawValue)
  }

  mutating func combine(_ metadata: SnapshotMetadata, _ names: NodeRenaming) {
    combine(metadata.lastIncluded)
    combine(metadata.membershipIndex.rawValue)
    combine(metadata.membership, names)
  }

  /// Feeds the entries of a run one by one, so that it does not matter where runs are cut.
  mutating func combine(_ run: EntryRun, _ names: NodeRenaming) {
    for position in 0..<run.count {
      combine(
        run.term.rawValue << 8 | UInt64(run.kind.rawValue) << 4 | UInt64(run.payloads.rawValue))
      combine(payload: run.payload(position), run.kind, names)
    }
  }

  mutating func combine(
    payload: ArraySlice<UInt8>, _ kind: EntryKind, _ names: NodeRenaming
  ) {
    guard kind == .membership, let membership = Digest.membership(payload) else {
      combine(bytes: payload)
      return
    }
    combine(membership, names)
  }

  private static func membership(_ payload: ArraySlice<UInt8>) -> Membership? {
    do { return try Membership.decode(payload) } catch { return nil }
  }

  mutating func combine(_ entries: Entries, _ names: NodeRenaming) {
    combine(UInt64(entries.count))
    if !entries.isEmpty { combine(entries.firstIndex.rawValue) }
    for position in 0..<entries.runCount { combine(entries.run(position), names) }
  }

  mutating func combine(_ marker: SnapshotMarker?, _ names: NodeRenaming) {
    guard let marker else {
      combine(0)
      return
    }
    combine(marker.isLogReset ? 2 : 1)
    combine(marker.logStart)
    combine(marker.metadata, names)
  }

  mutating func combine(_ state: HardState, _ names: NodeRenaming) {
    combine(state.currentTerm.rawValue)
    combine(state.votedFor, names)
    combine(state.commitIndex.rawValue)
  }
}

extension Entry {
  /// A 64-bit fingerprint of the entry's term, kind and payload under other names of the nodes.
  ///
  /// - Complexity: O(bytes).
  public func fingerprint(renaming names: NodeRenaming) -> UInt64 {
    var digest = Digest()
    digest.combine(term.rawValue)
    digest.combine(UInt64(kind.rawValue))
    digest.combine(payload: payload, kind, names)
    return digest.value
  }
}

extension StorageWrite {
  /// A 64-bit fingerprint of what the write does to a disk, without its ticket.
  ///
  /// - Complexity: O(entries and their bytes).
  public func fingerprint(renaming names: NodeRenaming) -> UInt64 {
    var digest = Digest()
    digest.combine(hardState, names)
    digest.combine(isHardStateChanged ? 1 : 0)
    digest.combine(truncateFrom?.rawValue ?? 0)
    digest.combine(entries, names)
    digest.combine(snapshot, names)
    return digest.value
  }
}

extension DurableState {
  /// A 64-bit fingerprint of all that a node would find when it starts.
  ///
  /// - Complexity: O(entries and their bytes).
  public func fingerprint(renaming names: NodeRenaming) -> UInt64 {
    var digest = Digest()
    digest.combine(hardState, names)
    digest.combine(snapshot, names)
    digest.combine(logStart)
    digest.combine(entries, names)
    digest.combine(partialSnapshot?.bytesStored ?? UInt64.max)
    if let partialSnapshot { digest.combine(partialSnapshot.metadata, names) }
    return digest.value
  }
}

extension Message {
  /// A 64-bit fingerprint of the whole message under other names of the nodes.
  ///
  /// - Complexity: O(entries and their bytes).
  public func fingerprint(renaming names: NodeRenaming) -> UInt64 {
    var digest = Digest(0x6d65_7373_6167_6521)
    digest.combine(from, names)
    digest.combine(to, names)
    digest.combine(term.rawValue)
    feedBody(&digest)
    digest.combine(entries, names)
    if let snapshot {
      digest.combine(bytes: snapshot.bytes)
      digest.combine(snapshot.membershipIndex.rawValue)
      digest.combine(snapshot.membership, names)
    }
    return digest.value
  }

  /// Feeds which kind of message it is, and its words. No body names a node.
  private func feedBody(_ digest: inout Digest) {
    switch body {
    case .requestPreVote(let request), .requestVote(let request):
      digest.combine(body.isPreVote ? 1 : 2)
      digest.combine(request.candidateTerm.rawValue)
      digest.combine(request.lastLog)
      digest.combine(request.isTransfer ? 1 : 0)
    case .requestPreVoteReply(let reply), .requestVoteReply(let reply):
      digest.combine(body.isPreVote ? 3 : 4)
      digest.combine(reply.candidateTerm.rawValue << 1 | (reply.voteGranted ? 1 : 0))
    case .appendEntries(let request):
      digest.combine(5)
      digest.combine(request.prevLog)
      digest.combine(request.leaderCommit.rawValue)
      digest.combine(request.round << 1 | (request.isQuiescing ? 1 : 0))
    case .appendEntriesReply(let reply):
      digest.combine(reply.success ? 6 : 7)
      digest.combine(reply.matchIndex.rawValue)
      digest.combine(reply.receivedIndex.rawValue)
      digest.combine(reply.rejectedIndex.rawValue)
      digest.combine(reply.hint)
      digest.combine(reply.round)
    case .installSnapshot(let chunk):
      digest.combine(8)
      digest.combine(chunk.lastIncluded)
      digest.combine(chunk.offset)
      digest.combine(chunk.round << 1 | (chunk.isDone ? 1 : 0))
    case .installSnapshotReply(let reply):
      digest.combine(9)
      digest.combine(reply.lastIncluded)
      digest.combine(reply.nextOffset)
      digest.combine(reply.round)
    case .timeoutNow: digest.combine(10)
    case .readIndex(let request):
      digest.combine(11)
      digest.combine(request.sequence)
    case .readIndexReply(let reply):
      digest.combine(12)
      digest.combine(reply.sequence)
      digest.combine(reply.readIndex.rawValue)
    case .forwardedProposal(let forwarded):
      digest.combine(13)
      digest.combine(forwarded.sequence)
    case .forwardedProposalReply(let reply):
      digest.combine(14)
      digest.combine(reply.sequence)
      digest.combine(reply.accepted ?? LogPosition(term: .zero, index: .zero))
      digest.combine(reply.isTooBusy ? 1 : 0)
    }
  }
}

extension Message.Body {
  fileprivate var isPreVote: Bool {
    switch self {
    case .requestPreVote, .requestPreVoteReply: true
    case .requestVote, .requestVoteReply, .appendEntries, .appendEntriesReply, .installSnapshot,
      .installSnapshotReply, .timeoutNow, .readIndex, .readIndexReply, .forwardedProposal,
      .forwardedProposalReply:
      false
    }
  }
}

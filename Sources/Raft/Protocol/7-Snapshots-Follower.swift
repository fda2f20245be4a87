// §7, Figure 13: InstallSnapshot as its receiver.

/// A snapshot that is coming in. Its bytes are with the host.
struct IncomingSnapshot: Hashable, Sendable {
  var metadata: SnapshotMetadata
  /// The bytes before this one are stored aside.
  var nextOffset: UInt64
  /// The chunk that the host is storing: where it ends, and whether the snapshot ends there.
  var storingThrough: UInt64?
  var isStoringLast = false
}

/// A received snapshot on its way into force.
struct PendingInstall: Hashable, Sendable {
  var metadata: SnapshotMetadata
  /// The write that brings it into force.
  var ticket: Ticket
  /// The host was told to install it.
  var isHandedOut = false
}

extension RaftNode {
  /// Takes a chunk, unless the log already has everything that the snapshot stands for.
  ///
  /// "If existing log entry has same index and term as snapshot's last included entry, retain log
  /// entries following it": then the log needs no snapshot at all, only its news of the commit.
  mutating func handleInstallSnapshot(
    _ chunk: InstallSnapshot, _ message: Message, _ actions: inout ActionBuffer
  ) {
    guard let part = message.snapshot, follow(message.from, &actions) else { return }
    stretchClocks(false, &actions)
    leaderRound = max(leaderRound, chunk.round)
    let last = chunk.lastIncluded
    if hasAll(of: last) {
      incoming = nil
      verifiedIndex = max(verifiedIndex, last.index)
      commit(through: last.index, &actions)
      acknowledge(isNew: false, &actions)
      return
    }
    let metadata = SnapshotMetadata(
      lastIncluded: last, membership: part.membership, membershipIndex: part.membershipIndex)
    if incoming?.metadata != metadata {
      incoming = IncomingSnapshot(metadata: metadata, nextOffset: 0)
    }
    guard var incoming, chunk.offset == incoming.nextOffset else {
      askForNextChunk(&actions)
      return
    }
    if part.membership.isWitness(id) {
      // No bytes come, and none are kept.
      if chunk.isDone { beginInstall(metadata, &actions) }
      return
    }
    incoming.storingThrough = chunk.offset + UInt64(part.bytes.count)
    incoming.isStoringLast = chunk.isDone
    self.incoming = incoming
    actions.transfer(
      .storeSnapshotChunk(
        SnapshotChunk(
          metadata: metadata, offset: chunk.offset, bytes: part.bytes, isLast: chunk.isDone)))
  }

  /// Whether the log reaches this entry and agrees with it.
  private func hasAll(of last: LogPosition) -> Bool {
    last.index <= commitIndex || log.contains(last)
  }

  /// The host has stored a chunk aside. With the last one the snapshot comes into force.
  mutating func snapshotChunkStored(
    _ snapshot: LogPosition, through offset: UInt64, _ actions: inout ActionBuffer
  ) {
    guard var incoming, incoming.metadata.lastIncluded == snapshot,
      incoming.storingThrough == offset
    else {
      actions.observe(.dropped(from: nil, .unexpected))
      return
    }
    incoming.nextOffset = offset
    incoming.storingThrough = nil
    self.incoming = incoming
    if incoming.isStoringLast {
      beginInstall(incoming.metadata, &actions)
    } else {
      askForNextChunk(&actions)
    }
  }

  /// The host could not keep a chunk: the transfer begins anew when the leader asks again.
  mutating func snapshotChunkNotStored(
    _ snapshot: LogPosition, _ actions: inout ActionBuffer
  ) {
    guard let incoming, incoming.metadata.lastIncluded == snapshot else { return }
    self.incoming = nil
  }

  private func askForNextChunk(_ actions: inout ActionBuffer) {
    guard let incoming, let leaderID, leaderID != id else { return }
    send(
      .installSnapshotReply(
        InstallSnapshotReply(
          lastIncluded: incoming.metadata.lastIncluded, nextOffset: incoming.nextOffset,
          round: confirmedRound)),
      to: leaderID, &actions)
  }

  /// "Discard the entire log. Reset state machine using snapshot contents (and load snapshot's
  /// cluster configuration)": in memory now, on disk by one write, in the machine after its
  /// receipt.
  private mutating func beginInstall(
    _ metadata: SnapshotMetadata, _ actions: inout ActionBuffer
  ) {
    incoming = nil
    guard !hasAll(of: metadata.lastIncluded) else {
      // The log has come this far by itself while the snapshot was on its way.
      verifiedIndex = max(verifiedIndex, metadata.lastIncluded.index)
      commit(through: metadata.lastIncluded.index, &actions)
      return
    }
    precondition(!isLeader, "a leader was given a snapshot by another leader of its term")
    let last = metadata.lastIncluded
    if log.lastIndex > commitIndex {
      actions.observe(.logTruncated(from: commitIndex.next, through: log.lastIndex))
    }
    storage.truncated(from: commitIndex.next)
    storage.truncateFrom = nil
    storage.writtenIndex = last.index
    log.reset(to: last)
    memberships.reset(to: metadata.membership, at: metadata.membershipIndex)
    snapshot = metadata
    commitIndex = last.index
    verifiedIndex = last.index
    storage.snapshot = SnapshotMarker(metadata: metadata, logStart: last, isLogReset: true)
    installing = PendingInstall(metadata: metadata, ticket: storage.lastTicket.next)
    isAcknowledgementOwed = true
    if case .follower = state {} else { becomeFollower(.leaderFound, &actions) }
    // What the snapshot brings is whole, unless it is one for a witness.
    isSelfWitness = false
    membershipBecameActive()
    actions.observe(.membershipChanged(at: membershipIndex, membership))
    settlePending(&actions)
  }

  /// The snapshot is in force on disk: the host may replace its machine by it.
  mutating func finishInstall(_ actions: inout ActionBuffer) {
    guard var pending = installing, !pending.isHandedOut,
      pending.ticket <= storage.durableTicket
    else { return }
    pending.isHandedOut = true
    installing = pending
    handedToApply = pending.metadata.lastIncluded.index
    actions.observe(.snapshotInstalled(pending.metadata.lastIncluded))
    if isSelfWitness {
      refuseReadyReads(&actions)
      lastApplied = handedToApply
      installing = nil
      refreshPromotable()
    } else {
      actions.install(pending.metadata)
    }
  }
}

// §7 Log compaction: taking a snapshot, and InstallSnapshot as its sender.

extension RaftNode {
  /// The host has a durable snapshot of its state machine as of this entry: the log before it may
  /// go, except for a tail that spares followers that are only a little behind a snapshot.
  ///
  /// A witness has no machine to take one of: its log may go as far as its membership tells that.
  mutating func snapshotTaken(
    through index: LogIndex, keepsTail: Bool, _ actions: inout ActionBuffer
  ) {
    if !keepsTail, index == snapshot.lastIncluded.index, installing == nil {
      let start = compactionLimit(index, keepsTail: false)
      if start > log.baseIndex { compact(through: start, &actions) }
      return
    }
    let item = memberships.item(at: index)
    guard index <= lastApplied, index > snapshot.lastIncluded.index, installing == nil,
      let term = log.term(at: index), !isSelfWitness || item.membership.isWitness(id)
    else {
      actions.observe(.dropped(from: nil, .unexpected))
      return
    }
    snapshot = SnapshotMetadata(
      lastIncluded: LogPosition(term: term, index: index), membership: item.membership,
      membershipIndex: item.index)
    memberships.compact(through: index)
    compact(through: compactionLimit(index, keepsTail: keepsTail), &actions)
  }

  /// Cuts the log, if it is not as short already, and has the snapshot in force noted with it.
  private mutating func compact(through start: LogIndex, _ actions: inout ActionBuffer) {
    if start > log.baseIndex {
      log.compact(through: start)
      actions.observe(.logCompacted(through: start))
    }
    storage.snapshot = SnapshotMarker(
      metadata: snapshot, logStart: log.base, isLogReset: false)
  }

  /// How far the log may be cut: not the retained tail, and not what follows a snapshot that is on
  /// its way to a follower, so that the follower can go on from there.
  private func compactionLimit(_ index: LogIndex, keepsTail: Bool) -> LogIndex {
    let retained = keepsTail ? configuration.retainedEntries : 0
    var limit = index.rawValue > retained ? LogIndex(index.rawValue - retained) : .zero
    let patience = 2 * configuration.electionTimeoutTicks.rawValue
    for peer in leader.progress where peer.state == .snapshot && now - peer.movedAt <= patience {
      limit = min(limit, peer.snapshot.index)
    }
    return limit
  }

  /// Begins to send the newest snapshot to a follower that needs entries which are compacted.
  mutating func offerSnapshot(to position: Int, _ actions: inout ActionBuffer) {
    guard snapshot.lastIncluded.index > .zero else { return }
    leader.progress[position].becomeSnapshot(snapshot.lastIncluded, now: now)
    if !leader.sending.contains(snapshot) { leader.sending.append(snapshot) }
    let peer = leader.progress[position].id
    actions.observe(.progressChanged(peer: peer, .snapshot))
    actions.observe(.snapshotOffered(to: peer, snapshot.lastIncluded))
    sendSnapshot(to: position, &actions)
  }

  /// Asks the host for the chunk that the follower needs next.
  ///
  /// A witness needs none of them if the snapshot itself calls it one. A node that became a witness
  /// later does not know it when the snapshot comes, nor if it restarts then: it gets all bytes.
  mutating func sendSnapshot(to position: Int, _ actions: inout ActionBuffer) {
    let peer = leader.progress[position]
    guard peer.state == .snapshot, !peer.isLoading else { return }
    leader.progress[position].movedAt = now
    let isForWitness = leader.sending.contains {
      $0.lastIncluded == peer.snapshot && $0.membership.isWitness(peer.id)
    }
    if isForWitness {
      sendChunk([], isLast: true, to: position, &actions)
      return
    }
    leader.progress[position].isLoading = true
    actions.transfer(
      .loadSnapshotChunk(
        SnapshotChunkRequest(
          peer: peer.id, lastIncluded: peer.snapshot, offset: peer.snapshotOffset,
          maximumBytes: configuration.snapshotChunkBytes)))
  }

  private mutating func sendChunk(
    _ bytes: [UInt8], isLast: Bool, to position: Int, _ actions: inout ActionBuffer
  ) {
    let peer = leader.progress[position]
    leader.sending.removeAll { metadata in
      !leader.progress.contains {
        $0.state == .snapshot && $0.snapshot == metadata.lastIncluded
      }
    }
    for metadata in leader.sending where metadata.lastIncluded == peer.snapshot {
      let chunk = InstallSnapshot(
        lastIncluded: peer.snapshot, offset: peer.snapshotOffset, isDone: isLast,
        round: leader.reads.round)
      let part = SnapshotPart(
        bytes: bytes, membership: metadata.membership,
        membershipIndex: metadata.membershipIndex)
      send(.installSnapshot(chunk), to: peer.id, snapshot: part, &actions)
      return
    }
  }

  /// Sends a chunk that the host has loaded, if it is still the one that is wanted.
  mutating func snapshotChunkLoaded(
    _ request: SnapshotChunkRequest, _ bytes: [UInt8], isLast: Bool,
    _ actions: inout ActionBuffer
  ) {
    guard let position = loadingChunk(request, &actions) else { return }
    leader.progress[position].isLoading = false
    guard isLast || !bytes.isEmpty, UInt64(bytes.count) <= UInt64.max - request.offset else {
      actions.observe(.dropped(from: nil, .malformed))
      return
    }
    leader.progress[position].movedAt = now
    sendChunk(bytes, isLast: isLast, to: position, &actions)
  }

  /// The snapshot cannot be read, or is no longer there: the newest is offered from its beginning.
  mutating func snapshotChunkNotLoaded(
    _ request: SnapshotChunkRequest, _ actions: inout ActionBuffer
  ) {
    guard let position = loadingChunk(request, &actions) else { return }
    leader.progress[position].isLoading = false
    leader.progress[position].movedAt = now
    if request.lastIncluded != snapshot.lastIncluded { offerSnapshot(to: position, &actions) }
  }

  private func loadingChunk(
    _ request: SnapshotChunkRequest, _ actions: inout ActionBuffer
  ) -> Int? {
    guard isLeader, let position = leader.position(of: request.peer) else { return nil }
    let peer = leader.progress[position]
    guard peer.state == .snapshot, peer.isLoading, peer.snapshot == request.lastIncluded,
      peer.snapshotOffset == request.offset
    else {
      actions.observe(.dropped(from: nil, .unexpected))
      return nil
    }
    return position
  }

  /// The follower says from which byte on it wants more. It knows best: it may have kept what an
  /// earlier attempt brought, or have lost all of it in a crash.
  mutating func handleInstallSnapshotReply(
    _ reply: InstallSnapshotReply, _ follower: NodeID, _ actions: inout ActionBuffer
  ) {
    guard isLeader, let position = leader.position(of: follower) else {
      actions.observe(.dropped(from: follower, .notForThisRole))
      return
    }
    guard reply.round <= leader.reads.round else {
      actions.observe(.dropped(from: follower, .malformed))
      return
    }
    heard(from: position, round: reply.round, &actions)
    let peer = leader.progress[position]
    let isNewest = reply.round == peer.confirmedRound
    guard peer.state == .snapshot, reply.lastIncluded == peer.snapshot,
      reply.nextOffset > peer.snapshotOffset || (reply.nextOffset < peer.snapshotOffset && isNewest)
    else {
      actions.observe(.dropped(from: follower, .staleReply))
      return
    }
    leader.progress[position].snapshotOffset = reply.nextOffset
    leader.progress[position].isLoading = false
    sendSnapshot(to: position, &actions)
  }
}

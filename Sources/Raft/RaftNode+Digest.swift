// A fingerprint of everything that decides what a node will do, for traces and model checking.

extension RaftNode {
  /// A 64-bit digest of the whole state, equal in every process, on every platform and in every
  /// build mode, and equal for logs with the same entries however these came in batches.
  ///
  /// - Complexity: O(entries and their bytes).
  public func digest() -> UInt64 {
    var digest = Digest()
    digest.combine(id.rawValue)
    digest.combine(currentTerm.rawValue)
    digest.combine(votedFor?.rawValue ?? 0)
    log.feed(&digest)
    feed(snapshot, &digest)
    digest.combine(commitIndex.rawValue)
    digest.combine(lastApplied.rawValue)
    digest.combine(handedToApply.rawValue)
    digest.combine(leaderID?.rawValue ?? 0)
    digest.combine(UInt64(role.rawValue))
    digest.combine(random.state)
    for word in [
      now, electionElapsed, electionWait, loyalUntil, loyalTo?.rawValue ?? 0, votesWithheldUntil,
      verifiedIndex.rawValue, leaderRound, clients.nextSequence, clients.pendingDeadline,
    ] { digest.combine(word) }
    var flags: UInt64 = 0
    for flag in [
      isHalted, isQuiescent, isPromotable, isSelfWitness, isAcknowledgementOwed,
      clients.isStopping, installing != nil, installing?.isHandedOut ?? false, incoming != nil,
    ] { flags = flags << 1 | (flag ? 1 : 0) }
    digest.combine(flags)
    for item in memberships.items {
      digest.combine(item.index.rawValue)
      feed(item.membership, &digest)
    }
    storage.feed(&digest)
    feedRole(&digest)
    feedClients(&digest)
    return digest.value
  }

  private func feedRole(_ digest: inout Digest) {
    switch state {
    case .follower, .leader: break
    case .preCandidate(let poll), .candidate(let poll):
      for node in poll.granted { digest.combine(node.rawValue) }
      digest.combine(UInt64(poll.granted.count))
      for node in poll.refused { digest.combine(node.rawValue) }
      digest.combine(poll.ownTicket?.rawValue ?? 0)
    }
    if let incoming {
      feed(incoming.metadata, &digest)
      digest.combine(incoming.nextOffset)
      digest.combine(incoming.storingThrough ?? UInt64.max)
    }
    guard isLeader else { return }
    for word in [
      leader.termStart.rawValue, leader.heartbeatElapsed, leader.busyAt, leader.graceUntil,
      leader.isCommitNoticeDue ? 1 : 0, leader.reads.round, leader.reads.confirmed,
      leader.reads.awaited, leader.reads.leaseStart ?? UInt64.max,
      leader.reads.isLeaseRevoked ? 1 : 0, leader.transfer?.target.rawValue ?? 0,
      leader.transfer?.deadline ?? 0,
    ] { digest.combine(word) }
    for peer in leader.progress {
      for word in [
        peer.id.rawValue, UInt64(peer.state.rawValue), peer.matchIndex.rawValue,
        peer.receivedIndex.rawValue, peer.nextIndex.rawValue, peer.lastHeard,
        peer.confirmedRound, peer.probeRound, peer.sentCommit.rawValue, peer.movedAt,
        peer.isProbing ? 1 : 0, peer.isLoading ? 1 : 0, peer.isDeparting ? 1 : 0,
        peer.snapshot.index.rawValue, peer.snapshotOffset,
      ] { digest.combine(word) }
    }
  }

  private func feedClients(_ digest: inout Digest) {
    for position in 0..<clients.pending.count {
      digest.combine(clients.pending[position].request.rawValue)
      digest.combine(clients.pending[position].position.index.rawValue)
    }
    for read in clients.remoteReads { digest.combine(read.request.rawValue) }
    for forwarded in clients.forwarded { digest.combine(forwarded.request.rawValue) }
    for position in 0..<clients.readyReads.count {
      digest.combine(clients.readyReads[position].request.rawValue)
    }
    for position in 0..<leader.reads.waiting.count {
      digest.combine(leader.reads.waiting[position].request.rawValue)
      digest.combine(leader.reads.waiting[position].round ?? 0)
    }
    for proposal in leader.concerned { digest.combine(proposal.request.rawValue) }
  }

  private func feed(_ metadata: SnapshotMetadata, _ digest: inout Digest) {
    digest.combine(metadata.lastIncluded.term.rawValue)
    digest.combine(metadata.lastIncluded.index.rawValue)
    digest.combine(metadata.membershipIndex.rawValue)
    feed(metadata.membership, &digest)
  }

  private func feed(_ membership: Membership, _ digest: inout Digest) {
    for list in [
      membership.voters, membership.outgoing, membership.learners, membership.learnersNext,
      membership.witnesses,
    ] {
      digest.combine(UInt64(list.count))
      for node in list { digest.combine(node.rawValue) }
    }
  }
}

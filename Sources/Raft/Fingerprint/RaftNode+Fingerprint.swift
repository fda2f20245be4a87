// What a model checker compares states by. `digest()` is for traces: it tells apart what can never
// matter (how many ticks have passed, which ticket is next) and so would split one state into many.

extension RaftNode {
  /// A 64-bit fingerprint of everything that decides what this node will do as long as no time
  /// passes, under other names of the nodes; the same in every process and on every platform.
  ///
  /// Two nodes with equal fingerprints, given the same inputs, send the same and store the same,
  /// but for the numbers of tickets, which count from the newest that is durable. Left out are the
  /// generator, the election timer and all deadlines: so the promise holds for a host that gives
  /// `campaign` where a timer would run out and `tick` to leaders only, too few of them to reach a
  /// deadline, and for nodes whose configurations are equal and without check-quorum, leases and
  /// quiescence. How long a leader has heard nothing counts as far as it decides on repeating.
  ///
  /// Whoever adds a stored property to a node adds it here, too; a test counts them.
  ///
  /// - Parameters:
  ///   - names: what each node is called in the fingerprint.
  ///   - isTimeless: whether the host never gives `tick` nor `read`. Then what only these look at
  ///     is left out as well: what a leader would say at its next heartbeat and to whom.
  /// - Complexity: O(entries and their bytes).
  public func fingerprint(renaming names: NodeRenaming, isTimeless: Bool = false) -> UInt64 {
    var digest = Digest()
    digest.combine(id, names)
    digest.combine(currentTerm.rawValue)
    digest.combine(votedFor, names)
    digest.combine(log.base)
    digest.combine(log.last)
    for run in log.runs { digest.combine(run, names) }
    digest.combine(snapshot, names)
    for word in [
      commitIndex.rawValue, lastApplied.rawValue, handedToApply.rawValue, verifiedIndex.rawValue,
      leaderRound,
    ] { digest.combine(word) }
    digest.combine(leaderID, names)
    var flags: UInt64 = 0
    for flag in [
      isHalted, isQuiescent, isPromotable, isSelfWitness, isAcknowledgementOwed,
      clients.isStopping, installing != nil, installing?.isHandedOut ?? false, incoming != nil,
      incoming?.isStoringLast ?? false,
    ] { flags = flags << 1 | (flag ? 1 : 0) }
    digest.combine(flags)
    digest.combine(UInt64(memberships.items.count))
    for item in memberships.items {
      digest.combine(item.index.rawValue)
      digest.combine(item.membership, names)
    }
    if let incoming {
      digest.combine(incoming.metadata, names)
      digest.combine(incoming.nextOffset)
      digest.combine(incoming.storingThrough ?? UInt64.max)
    }
    if let installing {
      digest.combine(installing.metadata, names)
      digest.combine(storage.relative(installing.ticket))
    }
    storage.feed(&digest, names)
    feedRole(&digest, names, isTimeless)
    feedClients(&digest, names)
    return digest.value
  }

  private func feedRole(
    _ digest: inout Digest, _ names: NodeRenaming, _ isTimeless: Bool
  ) {
    digest.combine(UInt64(role.rawValue))
    switch state {
    case .follower, .leader: break
    case .preCandidate(let poll), .candidate(let poll):
      digest.combine(unordered: poll.granted, names)
      digest.combine(unordered: poll.refused, names)
      digest.combine(poll.ownTicket.map(storage.relative) ?? UInt64.max)
      digest.combine(poll.isTransfer ? 1 : 0)
    }
    guard isLeader else { return }
    let isNoticeDue = leader.isCommitNoticeDue && !isTimeless
    for word in [
      leader.termStart.rawValue, isTimeless ? 0 : leader.heartbeatElapsed, isNoticeDue ? 1 : 0,
      leader.reads.round, leader.reads.confirmed, leader.reads.awaited,
      leader.reads.isLeaseRevoked ? 1 : 0,
    ] { digest.combine(word) }
    let patience = max(
      2 * configuration.heartbeatTicks.rawValue, configuration.electionTimeoutTicks.rawValue / 4)
    var sum = UInt64(leader.progress.count)
    for peer in leader.progress {
      sum &+= peer.fingerprint(names, silence: min(now - peer.movedAt, patience), isTimeless)
    }
    digest.combine(sum)
    sum = UInt64(leader.sending.count)
    for metadata in leader.sending {
      var one = Digest()
      one.combine(metadata, names)
      sum &+= one.value
    }
    digest.combine(sum)
    digest.combine(UInt64(leader.reads.waiting.count))
    for position in 0..<leader.reads.waiting.count {
      let read = leader.reads.waiting[position]
      digest.combine(read.request.rawValue)
      digest.combine(read.peer, names)
      digest.combine(read.round ?? UInt64.max)
      digest.combine(read.index.rawValue)
    }
    leader.transfer.feed(&digest, names)
    for proposal in leader.concerned { proposal.feed(&digest) }
    for window in leader.windows {
      digest.combine(window.node, names)
      for word in [window.life, window.greatest, window.seen] { digest.combine(word) }
    }
  }

  private func feedClients(_ digest: inout Digest, _ names: NodeRenaming) {
    digest.combine(UInt64(clients.pending.count))
    for position in 0..<clients.pending.count { clients.pending[position].feed(&digest) }
    digest.combine(UInt64(clients.forwarded.count))
    for forwarded in clients.forwarded {
      digest.combine(forwarded.request.rawValue)
      digest.combine(forwarded.sequence)
      digest.combine(UInt64(forwarded.concern.copies))
    }
    digest.combine(UInt64(clients.remoteReads.count))
    for read in clients.remoteReads {
      digest.combine(read.request.rawValue)
      digest.combine(read.sequence)
    }
    digest.combine(UInt64(clients.readyReads.count))
    for position in 0..<clients.readyReads.count {
      digest.combine(clients.readyReads[position].request.rawValue)
      digest.combine(clients.readyReads[position].index.rawValue)
    }
    clients.transfer.feed(&digest, names)
    digest.combine(clients.nextSequence)
    digest.combine(clients.stopRequest?.rawValue ?? UInt64.max)
  }
}

extension Optional where Wrapped == Transfer {
  fileprivate func feed(_ digest: inout Digest, _ names: NodeRenaming) {
    digest.combine(self?.target, names)
    digest.combine(self?.request?.rawValue ?? UInt64.max)
    digest.combine(self?.isTimeoutNowSent == true ? 1 : 0)
  }
}

extension PendingProposal {
  fileprivate func feed(_ digest: inout Digest) {
    digest.combine(request.rawValue)
    digest.combine(position)
    digest.combine(UInt64(concern.copies))
  }
}

extension Progress {
  /// What the leader knows of a peer, as one word, so that peers can be fed without an order.
  fileprivate func fingerprint(
    _ names: NodeRenaming, silence: UInt64, _ isTimeless: Bool
  ) -> UInt64 {
    var digest = Digest()
    digest.combine(id, names)
    for word in [
      UInt64(state.rawValue), matchIndex.rawValue, nextIndex.rawValue, probeRound,
      snapshotOffset,
    ] { digest.combine(word) }
    if !isTimeless {
      // `receivedIndex` is always less than `nextIndex`, and read by itself at heartbeats only.
      for word in [receivedIndex.rawValue, confirmedRound, sentCommit.rawValue, silence] {
        digest.combine(word)
      }
    }
    digest.combine(snapshot)
    var flags: UInt64 = 0
    for flag in [isProbing, isLoading, isIncoming, isOutgoing, isWitness, isDeparting] {
      flags = flags << 1 | (flag ? 1 : 0)
    }
    digest.combine(flags)
    return digest.value
  }
}

extension StorageStream {
  /// A ticket counted from the newest durable one; 0 for all that are durable.
  fileprivate func relative(_ ticket: Ticket) -> UInt64 {
    ticket <= durableTicket ? 0 : ticket.rawValue - durableTicket.rawValue
  }

  /// Feeds everything that decides what happens next, whatever the tickets' numbers are.
  fileprivate func feed(_ digest: inout Digest, _ names: NodeRenaming) {
    digest.combine(relative(lastTicket))
    digest.combine(relative(hardStateTicket))
    digest.combine(durableIndex.rawValue)
    digest.combine(writtenIndex.rawValue)
    digest.combine(isHardStateChanged ? 1 : 0)
    digest.combine(truncateFrom?.rawValue ?? UInt64.max)
    digest.combine(snapshot, names)
    feedOpenWrites(&digest)
    digest.combine(UInt64(held.count))
    for promise in held {
      digest.combine(relative(promise.ticket))
      digest.combine(promise.message.fingerprint(renaming: names))
    }
  }

  private func feedOpenWrites(_ digest: inout Digest) {
    digest.combine(UInt64(early.count))
    for ticket in early { digest.combine(relative(ticket)) }
    digest.combine(UInt64(outstanding.count))
    for position in 0..<outstanding.count {
      digest.combine(outstanding[position].lastIndex.rawValue)
    }
  }
}

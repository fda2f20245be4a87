// Thesis §6.4 Processing read-only queries more efficiently, and §6.4.1: leases.

/// A read that was asked of the leader.
struct RemoteRead: Hashable, Sendable, BitwiseCopyable {
  var request: RequestID
  var sequence: UInt64
  var askedAt: UInt64
  var deadline: UInt64
}

/// A confirmed read that waits until the machine has applied enough.
struct ReadyWait: Hashable, Sendable, BitwiseCopyable {
  var request: RequestID
  var index: LogIndex
  var deadline: UInt64
}

/// A read that waits for a round. Of a follower if `peer` is set, which then gets the read index.
struct WaitingRead: Hashable, Sendable, BitwiseCopyable {
  var request: RequestID
  var peer: NodeID?
  /// The round that will confirm it; `nil` until one has begun after the read came.
  var round: UInt64?
  var index = LogIndex.zero
}

/// When a round was begun.
struct RoundStart: Hashable, Sendable, BitwiseCopyable {
  var round: UInt64
  var tick: UInt64
}

/// The rounds by which a leader makes sure that it still leads.
///
/// Each heartbeat to all begins a round. Its number travels in every append and comes back in every
/// reply, so that an answer confirms no round that began after the message that it answers.
struct LeaderReads: Hashable, Sendable {
  /// The newest round.
  var round: UInt64 = 0
  /// The newest round that a quorum has confirmed.
  var confirmed: UInt64 = 0
  /// The newest round that some read waits for.
  var awaited: UInt64 = 0
  /// Rounds that are not confirmed; kept only where leases are on.
  var starts = Queue<RoundStart>()
  /// When the newest confirmed round was begun.
  var leaseStart: UInt64?
  /// A transfer was begun in this term: its target may be elected against any loyalty.
  var isLeaseRevoked = false
  var waiting = Queue<WaitingRead>()

  var isWaiting: Bool { !waiting.isEmpty }
}

extension RaftNode {
  /// A caller wants to read. On a leader a round confirms it, or the lease; on a follower the
  /// leader is asked.
  mutating func read(
    _ request: RequestID, _ consistency: ReadConsistency, _ actions: inout ActionBuffer
  ) {
    if isSelfWitness {
      actions.answer(request, .refused(.notLeader(leader: leaderID)))
    } else if clients.isStopping {
      actions.answer(request, .refused(.stopping))
    } else if !isLeader {
      askLeader(request, &actions)
    } else if consistency == .lease && hasLease {
      ready(request, at: commitIndex, &actions)
    } else {
      enqueue(WaitingRead(request: request), &actions)
    }
  }

  /// Whether the leader may answer reads without a round.
  ///
  /// The lease runs from the tick at which the newest confirmed round was *begun*, for less than
  /// the time for which a quorum has promised to elect nobody else, by the bound on clock drift. It
  /// needs an entry of this term committed, like any read.
  @inline(__always)
  public var hasLease: Bool {
    guard let drift = configuration.leaseDriftPerMille, isLeader, !isQuiescent,
      !leader.reads.isLeaseRevoked, commitIndex >= leader.termStart,
      let start = leader.reads.leaseStart
    else { return false }
    // One tick is lost at either end, since both clocks count whole ticks.
    let promised = configuration.electionTimeoutTicks.rawValue - 1
    let safe = promised * (1_000 - drift) / (1_000 + drift)
    return now + 1 < start + safe
  }

  private mutating func enqueue(_ read: WaitingRead, _ actions: inout ActionBuffer) {
    guard UInt64(leader.reads.waiting.count) < configuration.maximumPendingRequests else {
      if read.peer == nil { actions.answer(read.request, .refused(.tooBusy)) }
      return
    }
    leader.reads.waiting.append(read)
    leader.busyAt = now
    if isQuiescent { wake(&actions) }
    startReadRound(&actions)
  }

  /// Begins a round for the reads that wait for one, unless one is under way: then they share the
  /// next. Until an entry of this term is committed the leader does not know what is (§8).
  mutating func startReadRound(_ actions: inout ActionBuffer) {
    guard commitIndex >= leader.termStart, leader.reads.awaited <= leader.reads.confirmed else {
      return
    }
    beginRound(&actions)
  }

  /// Begins a round: a heartbeat to everybody, with the next number.
  mutating func beginRound(_ actions: inout ActionBuffer) {
    leader.reads.round += 1
    let round = leader.reads.round
    if configuration.leaseDriftPerMille != nil {
      leader.reads.starts.append(RoundStart(round: round, tick: now))
    }
    if leader.reads.isWaiting && commitIndex >= leader.termStart {
      var position = leader.reads.waiting.count
      while position > 0, leader.reads.waiting[position - 1].round == nil {
        position -= 1
        leader.reads.waiting[position].round = round
        leader.reads.waiting[position].index = commitIndex
        leader.reads.awaited = round
      }
    }
    sendHeartbeats(&actions)
    if leader.reads.isWaiting || configuration.leaseDriftPerMille != nil {
      confirmRounds(&actions)
    }
  }

  /// Finds the newest round that a quorum has answered, and lets go the reads that waited for it.
  mutating func confirmRounds(_ actions: inout ActionBuffer) {
    let confirmed = leader.quorumValue(own: leader.reads.round, { $0.confirmedRound })
    guard confirmed > leader.reads.confirmed else { return }
    leader.reads.confirmed = confirmed
    while let start = leader.reads.starts.first, start.round <= confirmed {
      leader.reads.leaseStart = start.tick
      leader.reads.starts.popFirst()
    }
    while let read = leader.reads.waiting.first, let round = read.round, round <= confirmed {
      leader.reads.waiting.popFirst()
      if let peer = read.peer {
        send(
          .readIndexReply(
            ReadIndexReply(sequence: read.request.rawValue, readIndex: read.index)),
          to: peer, &actions)
      } else {
        ready(read.request, at: read.index, &actions)
      }
    }
    if leader.reads.isWaiting { startReadRound(&actions) }
  }

  /// A confirmed read: answered as soon as the machine has applied enough.
  private mutating func ready(
    _ request: RequestID, at index: LogIndex, _ actions: inout ActionBuffer
  ) {
    guard !isSelfWitness else {
      actions.answer(request, .refused(.notLeader(leader: leaderID)))
      return
    }
    if lastApplied >= index {
      actions.readIsReady(request, at: index)
      return
    }
    var at = clients.readyReads.count
    while at > 0 && clients.readyReads[at - 1].index > index { at -= 1 }
    clients.readyReads.insert(
      ReadyWait(request: request, index: index, deadline: now + patienceForOutcomes), at: at)
  }

  /// This node has become a witness: its machine stands still, and no read can wait for it.
  mutating func refuseReadyReads(_ actions: inout ActionBuffer) {
    while let read = clients.readyReads.popFirst() {
      actions.answer(read.request, .refused(.notLeader(leader: leaderID)))
    }
  }

  mutating func answerReadyReads(_ actions: inout ActionBuffer) {
    while let read = clients.readyReads.first, read.index <= lastApplied {
      clients.readyReads.popFirst()
      actions.readIsReady(read.request, at: read.index)
    }
  }

  // MARK: Followers

  private mutating func askLeader(_ request: RequestID, _ actions: inout ActionBuffer) {
    guard let leaderID else {
      actions.answer(request, .refused(.notLeader(leader: nil)))
      return
    }
    guard UInt64(clients.remoteReads.count) < configuration.maximumPendingRequests else {
      actions.answer(request, .refused(.tooBusy))
      return
    }
    let read = RemoteRead(
      request: request, sequence: takeSequence(), askedAt: now,
      deadline: now + 2 * configuration.electionTimeoutTicks.rawValue)
    clients.remoteReads.append(read)
    wakeForElection()
    send(.readIndex(ReadIndexRequest(sequence: read.sequence)), to: leaderID, &actions)
  }

  /// A follower asks how far it must have applied.
  mutating func handleReadIndex(
    _ request: ReadIndexRequest, _ follower: NodeID, _ actions: inout ActionBuffer
  ) {
    guard isLeader else {
      actions.observe(.dropped(from: follower, .notForThisRole))
      return
    }
    enqueue(WaitingRead(request: RequestID(request.sequence), peer: follower), &actions)
  }

  /// The leader's answer.
  mutating func handleReadIndexReply(_ reply: ReadIndexReply, _ actions: inout ActionBuffer) {
    guard let place = clients.remoteReads.firstIndex(where: { $0.sequence == reply.sequence })
    else {
      actions.observe(.dropped(from: nil, .staleReply))
      return
    }
    let read = clients.remoteReads.remove(at: place)
    ready(read.request, at: reply.readIndex, &actions)
  }

  /// Asks again, and gives up in the end. A node that was elected meanwhile asks itself.
  mutating func watchReads(_ actions: inout ActionBuffer) {
    while let read = clients.readyReads.first, now >= read.deadline {
      clients.readyReads.popFirst()
      actions.answer(read.request, .refused(.notConfirmed(leader: leaderID)))
    }
    guard !clients.remoteReads.isEmpty else { return }
    var kept: [RemoteRead] = []
    for var read in clients.remoteReads {
      if now >= read.deadline {
        actions.answer(read.request, .refused(.notConfirmed(leader: leaderID)))
        continue
      }
      if isLeader {
        enqueue(WaitingRead(request: read.request), &actions)
        continue
      }
      if let leaderID, now - read.askedAt >= configuration.heartbeatTicks.rawValue {
        read.askedAt = now
        send(.readIndex(ReadIndexRequest(sequence: read.sequence)), to: leaderID, &actions)
      }
      kept.append(read)
    }
    clients.remoteReads = kept
  }

  /// A leader leaves office: nobody can confirm its reads.
  mutating func refuseWaitingReads(_ actions: inout ActionBuffer) {
    while let read = leader.reads.waiting.popFirst() {
      guard read.peer == nil else { continue }
      actions.answer(read.request, .refused(.notConfirmed(leader: nil)))
    }
  }
}

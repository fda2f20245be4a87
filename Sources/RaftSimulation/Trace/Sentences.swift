// Inputs, actions and events in words. Only called when somebody watches.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

extension Input {
  var sentence: String {
    switch self {
    case .tick: "tick"
    case .receive(let message): "hears \(message.from): \(message.sentence)"
    case .propose(let proposal): "\(proposal.request) proposes \(proposal.commands.count)"
    case .read(let request, let consistency):
      "\(request) wants to read\(consistency == .lease ? " by the lease" : "")"
    case .changeMembership(let request, let change):
      "\(request) wants to " + joined(change.steps.map { $0.description })
    case .transferLeadership(let request, let target):
      "\(request) wants \(target?.description ?? "the best") to lead"
    case .persisted(let ticket): "write \(ticket) is durable"
    case .storageFailed(let ticket): "write \(ticket) failed"
    case .applied(let index): "applied through \(index)"
    case .entriesLoaded(let request, _): "loaded \(request.first)..\(request.last)"
    case .entriesNotLoaded(let request): "could not load \(request.first)..\(request.last)"
    case .snapshotTaken(let index, _): "its snapshot through \(index) is durable"
    case .snapshotChunkLoaded(let request, _, _):
      "loaded snapshot \(request.lastIncluded) from byte \(request.offset)"
    case .snapshotChunkNotLoaded(let request):
      "could not load snapshot \(request.lastIncluded)"
    case .snapshotChunkStored(let position, let end):
      "stored snapshot \(position) up to byte \(end)"
    case .snapshotChunkNotStored(let position): "could not store snapshot \(position)"
    case .peerUnreachable(let node): "\(node) is unreachable"
    case .peerReachable(let node): "\(node) is reachable"
    case .peerRestarted(let node): "\(node) was restarted"
    case .campaign: "is told to campaign"
    case .stop(let request): "\(request) stops it"
    }
  }
}

extension Message {
  /// What the message says, in words.
  public var sentence: String {
    let text: String =
      switch body {
      case .requestPreVote(let vote): "would you vote for term \(vote.candidateTerm)?"
      case .requestPreVoteReply(let reply):
        "\(reply.voteGranted ? "would" : "would not") vote in term \(reply.candidateTerm)"
      case .requestVote(let vote): "vote for me in term \(vote.candidateTerm), \(vote.lastLog)"
      case .requestVoteReply(let reply):
        "\(reply.voteGranted ? "votes" : "does not vote") in term \(reply.candidateTerm)"
      case .appendEntries(let append):
        (entries.isEmpty
          ? "heartbeat" : "append \(entries.firstIndex)..\(entries.lastIndex)")
          + " after \(append.prevLog), committed \(append.leaderCommit)"
      case .appendEntriesReply(let reply):
        reply.success
          ? "matches through \(reply.matchIndex)"
          : "does not match at \(reply.rejectedIndex), perhaps at \(reply.hint)"
      case .installSnapshot(let install):
        "snapshot \(install.lastIncluded) from byte \(install.offset)"
      case .installSnapshotReply(let reply):
        "wants snapshot \(reply.lastIncluded) from byte \(reply.nextOffset)"
      case .timeoutNow: "stand for election now"
      case .readIndex: "which index may I read at?"
      case .readIndexReply(let reply): "read at \(reply.readIndex)"
      case .forwardedProposal: "please propose \(entries.count)"
      case .forwardedProposalReply(let reply):
        reply.accepted.map { "accepted at \($0)" } ?? "not accepted"
      }
    return "\(text) (term \(term))"
  }
}

extension Action {
  var sentence: String? {
    switch self {
    case .store(let write):
      var text = "writes \(write.ticket):"
      if write.isHardStateChanged { text += " term \(write.hardState.currentTerm)" }
      if let vote = write.hardState.votedFor, write.isHardStateChanged { text += " vote \(vote)" }
      if let from = write.truncateFrom { text += " cut from \(from)" }
      if !write.entries.isEmpty {
        text += " entries \(write.entries.firstIndex)..\(write.entries.lastIndex)"
      }
      if let marker = write.snapshot { text += " snapshot \(marker.metadata.lastIncluded)" }
      return text
    case .send(let message): return "tells \(message.to): \(message.sentence)"
    case .loadEntries(let request): return "loads \(request.first)..\(request.last)"
    case .loadSnapshotChunk(let request): return "loads snapshot \(request.lastIncluded)"
    case .storeSnapshotChunk(let chunk):
      return "stores snapshot \(chunk.metadata.lastIncluded) from byte \(chunk.offset)"
    case .installSnapshot(let metadata): return "installs snapshot \(metadata.lastIncluded)"
    case .apply(let entries): return "applies \(entries.firstIndex)..\(entries.lastIndex)"
    case .readIsReady(let request, let index): return "\(request) may read at \(index)"
    case .outcome(let request, let outcome): return "\(request) \(outcome.sentence)"
    case .observe(let event): return event.sentence
    }
  }
}

extension Outcome {
  /// The outcome in words.
  public var sentence: String {
    switch self {
    case .accepted(let position): "accepted at \(position)"
    case .committed(let position, let copies): "committed at \(position) on \(copies)"
    case .lost(let position): "lost at \(position)"
    case .unknown(let position, let reason):
      "unknown\(position.map { " at \($0)" } ?? ""): \(reason.words)"
    case .refused(let refusal): "refused: \(refusal.words)"
    case .transferred(let node, let term): "transferred to \(node) in term \(term)"
    case .transferFailed: "transfer failed"
    case .stopped: "stopped"
    }
  }
}

extension UnknownReason {
  var words: String {
    switch self {
    case .leadershipLost: "leadership lost"
    case .compacted: "overtaken by a snapshot"
    case .noAnswer: "no answer from the leader"
    case .halted: "storage failed"
    }
  }
}

extension Refusal {
  /// The reason in words.
  public var words: String {
    switch self {
    case .notLeader(let leader): "not the leader, which is \(leader?.description ?? "unknown")"
    case .tooBusy: "too busy"
    case .tooLarge(let limit): "larger than \(limit) bytes"
    case .transferring: "leadership is being handed over"
    case .stopping: "stopping"
    case .halted: "halted"
    case .nothingToDo: "nothing to do"
    case .changeInFlight(let index): "the change at \(index) is not finished"
    case .termNotEstablished: "nothing of this term is committed yet"
    case .membershipMoved(let index): "the membership is now that of \(index)"
    case .alreadyMember(let node): "\(node) is a member already"
    case .notMember(let node): "\(node) is no such member"
    case .invalidChange(let node): "\(node) is named twice or not at all"
    case .learnerBehind(let node, let lag): "\(node) lacks \(lag) entries"
    case .membership: "that is no possible membership"
    case .cannotLead(let node): "\(node) cannot lead"
    case .notConfirmed: "no majority confirmed it"
    }
  }
}

extension Event {
  /// The event in words; `nil` for those that other words tell already.
  public var sentence: String? {
    switch self {
    case .termAdvanced(_, let term): "term \(term)"
    case .roleChanged(let old, let new, _): "\(old) to \(new)"
    case .electionStarted(let term, let isPreVote, let isTransfer):
      "\(isPreVote ? "asks whether it could win" : "stands for election in") term \(term)"
        + (isTransfer ? " as its leader wishes" : "")
    case .voteCast(let term, let candidate): "votes for \(candidate) in term \(term)"
    case .becameLeader(let term, let votes):
      "leads term \(term) by " + joined(votes.map { $0.description })
    case .steppedDown(let term, let reason): "steps down in term \(term): \(reason.words)"
    case .leaderChanged(_, let leader): "its leader is \(leader?.description ?? "unknown")"
    case .logTruncated(let first, let last): "deletes \(first)..\(last)"
    case .membershipChanged(let index, let membership):
      "membership of \(index): " + joined(membership.voters.map { $0.description })
        + (membership.isJoint
          ? " leaving " + joined(membership.outgoing.map { $0.description }) : "")
    case .removedFromMembership(let index): "is no member as of \(index)"
    case .committed(let old, let new): "commits \(old)..\(new)"
    case .progressChanged(let peer, let state): "\(peer) is now in \(state)"
    case .snapshotOffered(let peer, let position): "offers \(peer) snapshot \(position)"
    case .snapshotInstalled(let position): "snapshot \(position) installed"
    case .logCompacted(let index): "log cut through \(index)"
    case .transferStarted(let node): "hands leadership to \(node)"
    case .transferAborted(let node): "gives up handing leadership to \(node)"
    case .quiescenceChanged(let isIdle): isIdle ? "goes idle" : "awakes"
    case .dropped(let node, let reason):
      "ignores \(node?.description ?? "an input"): \(reason.words)"
    case .halted: "halts"
    }
  }
}

extension StepDownReason {
  var words: String {
    switch self {
    case .newerTerm: "a newer term"
    case .leaderFound: "another leads"
    case .quorumLost: "no majority heard of"
    case .diskStalled: "its disk stalls"
    case .removed: "it was removed"
    case .electionLost: "the election is lost"
    }
  }
}

extension DropReason {
  var words: String {
    switch self {
    case .staleTerm: "older term"
    case .staleReply: "answer to what is over"
    case .leaderIsAlive: "the leader is alive"
    case .votesWithheld: "votes withheld after the restart"
    case .malformed: "malformed"
    case .misaddressed: "for another"
    case .notForThisRole: "no use in this role"
    case .unexpected: "unexpected"
    case .halted: "halted"
    case .queueFull: "queue full"
    }
  }
}

func joined(_ words: [String]) -> String {
  var text = ""
  for word in words { text += (text.isEmpty ? "" : ", ") + word }
  return text
}

extension ReplicaInput<SimulatedMachine> {
  var traceKind: TraceKind {
    switch self {
    case .tick: .tick
    case .receive, .peerUnreachable, .peerReachable: .deliver
    case .request, .administer, .campaign, .stop: .request
    case .finished: .disk
    }
  }

  var sentence: String {
    switch self {
    case .tick: "tick"
    case .receive(let envelope):
      "hears \(envelope.message.from): \(envelope.message.sentence)"
    case .request(let name, let request, _): "r\(name.rawValue): \(request.sentence)"
    case .administer(let name, let request, _): "r\(name.rawValue): \(request.sentence)"
    case .finished(let job, let result): "disk job \(job): \(result.sentence)"
    case .peerUnreachable(let node): "\(node) is unreachable"
    case .peerReachable(let node): "\(node) is reachable"
    case .campaign: "is told to campaign"
    case .stop(let name): "r\(name.rawValue) stops it"
    }
  }
}

extension ClientRequest<SimulatedMachine> {
  /// What the client wants, in words.
  public var sentence: String {
    switch self {
    case .openSession: "opens a session"
    case .command(let bytes, let position, _):
      "a command of \(bytes.count) bytes" + (position.map { " as \($0.description)" } ?? "")
    case .keepSession(let session, _): "keeps session \(session.description)"
    case .closeSession(let session): "closes session \(session.description)"
    case .query(_, let kind): "a \(kind.description) read"
    case .passTime: "lets time pass"
    }
  }
}

extension AdminRequest {
  /// What the operator wants, in words.
  public var sentence: String {
    switch self {
    case .changeMembership(let change): "wants to " + joined(change.steps.map { $0.description })
    case .transferLeadership(let target): "wants \(target?.description ?? "the best") to lead"
    case .limitSessions: "limits the sessions"
    case .takeSnapshot: "wants a snapshot"
    }
  }
}

extension JobResult {
  /// What became of the job, in words.
  var sentence: String {
    switch self {
    case .done: "done"
    case .failed(_, let error): error.description
    }
  }
}

extension ReplicaEvent {
  /// The event in words; `nil` for those that other words tell already.
  var sentence: String? {
    switch self {
    case .core: nil
    case .envelopeRefused(let node, let reason):
      "puts an envelope of \(node.description) aside: \(reason.description)"
    case .snapshotBegun(let place): "begins a snapshot through \(place.description)"
    case .snapshotTaken(let place): "has a snapshot through \(place.description)"
    case .snapshotFailed(let place, let error):
      "has no snapshot through \(place.description): \(error.description)"
    case .machineRestored(let place): "has its machine back, as of \(place.description)"
    case .unreadable(let problem): problem.description
    case .spaceLow: "its disk is nearly full"
    case .spaceBack: "its disk has room again"
    case .rejoined: "is repaired"
    case .failed(let failure): failure.description
    }
  }
}

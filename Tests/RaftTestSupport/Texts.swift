// Every action, message and event in one line, with all its fields: what the expectations of tests
// and the outcomes of transcripts are written in. Fields that are zero or empty are left out.

import Raft

extension Action {
  /// The action in one line.
  public var text: String {
    switch self {
    case .store(let write): "store \(write.text)"
    case .send(let message): "send \(message.text)"
    case .loadEntries(let request):
      "loadEntries \(request.first)-\(request.last) for \(request.peer)"
    case .loadSnapshotChunk(let request):
      "loadSnapshotChunk \(request.lastIncluded) from \(request.offset)"
        + " at most \(request.maximumBytes) for \(request.peer)"
    case .storeSnapshotChunk(let chunk):
      "storeSnapshotChunk \(chunk.metadata.text) from \(chunk.offset)"
        + " \(chunk.bytes.count) bytes" + (chunk.isLast ? " last" : "")
    case .installSnapshot(let metadata): "installSnapshot \(metadata.text)"
    case .apply(let entries): "apply \(entries.text)"
    case .readIsReady(let request, at: let index): "ready \(request) at \(index)"
    case .outcome(let request, let outcome): "outcome \(request) \(outcome.text)"
    case .observe(let event): "observe \(event.text)"
    }
  }
}

extension StorageWrite {
  /// The write in one line; what it always repeats is told only where it changed.
  public var text: String {
    var words = ["\(ticket)"]
    if let snapshot {
      words.append("snapshot \(snapshot.metadata.text) log after \(snapshot.logStart)")
      if snapshot.isLogReset { words.append("reset") }
    }
    if let truncateFrom { words.append("truncate from \(truncateFrom)") }
    if !entries.isEmpty { words.append("entries \(entries.text)") }
    if isHardStateChanged {
      let vote = hardState.votedFor.map { "vote \($0)" } ?? "no vote"
      words.append("term \(hardState.currentTerm) \(vote)")
    }
    return words.joined(separator: " ")
  }
}

extension SnapshotMetadata {
  /// The last entry, the membership and where it came from.
  public var text: String { "\(lastIncluded) of \(membership)@\(membershipIndex)" }
}

extension Entry {
  /// Position and content.
  public var text: String {
    switch kind {
    case .command: "\(index):\(term) \(String(decoding: payload, as: UTF8.self))"
    case .noOperation: "\(index):\(term) noop"
    case .membership: "\(index):\(term) members"
    }
  }
}

extension Entries {
  /// The entries in brackets.
  public var text: String {
    var parts: [String] = []
    for position in 0..<runCount {
      let run = run(position)
      for offset in 0..<run.count {
        let entry = run.entry(offset)
        switch run.payloads {
        case .present: parts.append(entry.text)
        case .elided: parts.append("\(entry.index):\(entry.term) elided \(entry.kind)")
        case .evicted: parts.append("\(entry.index):\(entry.term) evicted \(entry.kind)")
        }
      }
    }
    return "[" + parts.joined(separator: ", ") + "]"
  }

  /// The terms only, equal neighbours drawn together: `1-3:1 4-5:4`.
  public var outline: String {
    var parts: [String] = []
    var first: Entry?
    var last: Entry?
    func close() {
      guard let first, let last else { return }
      let range = first.index == last.index ? "\(first.index)" : "\(first.index)-\(last.index)"
      parts.append("\(range):\(first.term)")
    }
    forEach { entry in
      if let first, first.term == entry.term {
        last = entry
      } else {
        close()
        first = entry
        last = entry
      }
    }
    close()
    return parts.joined(separator: " ")
  }
}

extension Message {
  /// The message in one line.
  public var text: String { "\(from)>\(to) term \(term) \(kind)\(details)" }

  /// The name of the message.
  public var kind: String {
    switch body {
    case .requestPreVote: "requestPreVote"
    case .requestPreVoteReply: "requestPreVoteReply"
    case .requestVote: "requestVote"
    case .requestVoteReply: "requestVoteReply"
    case .appendEntries: "appendEntries"
    case .appendEntriesReply: "appendEntriesReply"
    case .installSnapshot: "installSnapshot"
    case .installSnapshotReply: "installSnapshotReply"
    case .timeoutNow: "timeoutNow"
    case .readIndex: "readIndex"
    case .readIndexReply: "readIndexReply"
    case .forwardedProposal: "forwardedProposal"
    case .forwardedProposalReply: "forwardedProposalReply"
    }
  }

  private var details: String {
    switch body {
    case .requestPreVote(let request), .requestVote(let request):
      return " for \(request.candidateTerm) log \(request.lastLog)"
        + (request.isTransfer ? " transfer" : "")
    case .requestPreVoteReply(let reply), .requestVoteReply(let reply):
      return " for \(reply.candidateTerm) " + (reply.voteGranted ? "granted" : "denied")
    case .appendEntries(let request):
      return " prev \(request.prevLog)" + (entries.isEmpty ? "" : " \(entries.text)")
        + " commit \(request.leaderCommit)" + roundText(request.round)
        + (request.isQuiescing ? " quiescing" : "")
    case .appendEntriesReply(let reply):
      return reply.details + roundText(reply.round)
    case .installSnapshot(let chunk):
      let part = snapshot.map { " \($0.bytes.count) bytes of \($0.membership)" } ?? ""
      return " \(chunk.lastIncluded) from \(chunk.offset)\(part)"
        + (chunk.isDone ? " last" : "") + roundText(chunk.round)
    case .installSnapshotReply(let reply):
      return " \(reply.lastIncluded) next \(reply.nextOffset)" + roundText(reply.round)
    case .timeoutNow: return ""
    case .readIndex(let request): return " \(request.sequence)"
    case .readIndexReply(let reply): return " \(reply.sequence) at \(reply.readIndex)"
    case .forwardedProposal(let request): return " \(request.sequence) \(entries.text)"
    case .forwardedProposalReply(let reply):
      let answer = reply.accepted.map { "accepted \($0)" } ?? "refused"
      return " \(reply.sequence) \(answer)" + (reply.isTooBusy ? " too busy" : "")
    }
  }

  private func roundText(_ round: UInt64) -> String { round == 0 ? "" : " round \(round)" }
}

extension AppendEntriesReply {
  fileprivate var details: String {
    let received = receivedIndex == matchIndex ? "" : " received \(receivedIndex)"
    if success { return " match \(matchIndex)\(received)" }
    return " refused \(rejectedIndex) hint \(hint) match \(matchIndex)\(received)"
  }
}

extension Outcome {
  /// The answer in a few words.
  public var text: String {
    switch self {
    case .accepted(let position): "accepted \(position)"
    case .committed(let position, let copies): "committed \(position) on \(copies)"
    case .lost(let position): "lost \(position)"
    case .unknown(let position, let reason):
      "unknown \(position.map { "\($0) " } ?? "")\(reason)"
    case .refused(let refusal): "refused \(refusal.text)"
    case .transferred(let target, let term): "transferred to \(target) term \(term)"
    case .transferFailed: "transferFailed"
    case .stopped: "stopped"
    }
  }
}

extension Refusal {
  /// The reason in a few words.
  public var text: String {
    switch self {
    case .notLeader(let leader): "notLeader" + (leader.map { " ask \($0)" } ?? "")
    case .tooBusy: "tooBusy"
    case .tooLarge(let limit): "tooLarge limit \(limit)"
    case .transferring: "transferring"
    case .stopping: "stopping"
    case .halted: "halted"
    case .nothingToDo: "nothingToDo"
    case .changeInFlight(let index): "changeInFlight at \(index)"
    case .termNotEstablished: "termNotEstablished"
    case .membershipMoved(let index): "membershipMoved to \(index)"
    case .alreadyMember(let node): "alreadyMember \(node)"
    case .notMember(let node): "notMember \(node)"
    case .invalidChange(let node): "invalidChange \(node)"
    case .learnerBehind(let node, let lag): "learnerBehind \(node) by \(lag)"
    case .membership(let error): "membership: \(error)"
    case .cannotLead(let node): "cannotLead \(node)"
    case .notConfirmed(let leader): "notConfirmed" + (leader.map { " ask \($0)" } ?? "")
    }
  }
}

extension Event {
  /// The event in a few words.
  public var text: String {
    switch self {
    case .termAdvanced(let old, let new): "term \(old) to \(new)"
    case .roleChanged(let old, let new, let term): "\(old) to \(new) in term \(term)"
    case .electionStarted(let term, let isPreVote, let isTransfer):
      (isPreVote ? "asks for term \(term)" : "stands for term \(term)")
        + (isTransfer ? " as told" : "")
    case .voteCast(let term, let candidate): "votes for \(candidate) in term \(term)"
    case .becameLeader(let term, let votes):
      "leads term \(term), elected by " + votes.map(\.description).joined(separator: " ")
    case .steppedDown(let term, let reason): "steps down in term \(term): \(reason)"
    case .leaderChanged(let term, let leader):
      leader.map { "follows \($0) in term \(term)" } ?? "knows no leader in term \(term)"
    case .logTruncated(let first, let last): "deletes entries \(first)-\(last)"
    case .membershipChanged(let index, let members): "members \(members) from \(index) on"
    case .removedFromMembership(let index): "removed at \(index)"
    case .committed(let from, let through): "commit \(from) to \(through)"
    case .progressChanged(let peer, let state): "sends to \(peer) by \(state)"
    case .snapshotOffered(let peer, let position): "offers \(peer) snapshot \(position)"
    case .snapshotInstalled(let position): "installs snapshot \(position)"
    case .logCompacted(let index): "compacts through \(index)"
    case .transferStarted(let target): "hands over to \(target)"
    case .transferAborted(let target): "gives up handing over to \(target)"
    case .quiescenceChanged(let isIdle): isIdle ? "goes idle" : "awakes"
    case .dropped(let sender, let reason):
      "drops \(reason)" + (sender.map { " from \($0)" } ?? "")
    case .halted: "halts"
    }
  }
}

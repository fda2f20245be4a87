// Paths in words.

import Raft

enum Words {
  /// What happens, in a sentence.
  static func sentence(
    _ choice: PathChoice, _ message: Message?, _ before: Local, _ bounds: Bounds
  ) -> String {
    let node = choice.node.description
    if choice.argument >= PathChoice.late {
      var prompt = choice
      prompt.argument -= PathChoice.late
      return sentence(prompt, message, before, bounds)
        + ", and writes nothing more that is durable before it crashes"
    }
    switch choice.action {
    case .deliver: return "\(node) hears from \(message.map(words) ?? "nobody")"
    case .deliverAndKeep:
      return "\(node) hears from \(message.map(words) ?? "nobody"), and a copy stays on its way"
    case .lose: return "lost on its way to \(node): from \(message.map(words) ?? "nobody")"
    case .duplicate: return "doubled on its way to \(node): from \(message.map(words) ?? "nobody")"
    case .persist: return "\(node)'s oldest write becomes durable"
    case .campaign: return "\(node)'s election timer runs out"
    case .heartbeat: return "\(node)'s heartbeat timer runs out"
    case .propose: return "command \(choice.argument + 1) is proposed to \(node)"
    case .change:
      return
        "an operator asks \(node) for the change \(Bounds.words(bounds.changes[choice.argument]))"
    case .snapshot: return "\(node) takes a snapshot through \(before.node.lastApplied)"
    case .read: return "a read is asked of \(node)"
    case .crash:
      let pending = before.pending.count
      if pending == 0 { return "\(node) crashes" }
      return "\(node) crashes; of \(pending) writes under way \(choice.argument) reached its disk"
    case .restart: return "\(node) starts again"
    }
  }

  /// Sender and content of a message.
  static func words(_ message: Message) -> String {
    let start = "\(message.from), term \(message.term): "
    switch message.body {
    case .requestPreVote(let request): return start + "would you vote for me? (\(request.lastLog))"
    case .requestPreVoteReply(let reply): return start + (reply.voteGranted ? "I would" : "no")
    case .requestVote(let request): return start + "vote for me (log ends at \(request.lastLog))"
    case .requestVoteReply(let reply): return start + (reply.voteGranted ? "vote" : "no vote")
    case .appendEntries(let request):
      let commit = "commit \(request.leaderCommit)"
      if message.entries.isEmpty { return start + "after \(request.prevLog) nothing, \(commit)" }
      return start + "after \(request.prevLog) \(list(message.entries)), \(commit)"
    case .appendEntriesReply(let reply):
      if !reply.success { return start + "I do not have \(reply.rejectedIndex)" }
      return start + "I have all through \(reply.matchIndex)"
    case .installSnapshot(let chunk): return start + "snapshot through \(chunk.lastIncluded)"
    case .installSnapshotReply(let reply):
      return start + "snapshot: go on at byte \(reply.nextOffset)"
    case .timeoutNow: return start + "stand for election now"
    case .readIndex: return start + "which read index?"
    case .readIndexReply(let reply): return start + "read index \(reply.readIndex)"
    case .forwardedProposal: return start + "a proposal"
    case .forwardedProposalReply: return start + "an answer to a proposal"
    }
  }

  private static func list(_ entries: Entries) -> String {
    var text = ""
    for entry in entries.array() {
      text += (text.isEmpty ? "" : " ") + "\(entry.index):\(entry.term)"
      if entry.kind == .command { text += "=\(entry.payload.first ?? 0)" }
    }
    return text
  }

  /// What a step made the node do.
  static func consequences(_ host: Host) -> [String] {
    var words: [String] = []
    for event in host.events {
      switch event {
      case .becameLeader(let term, _): words.append("leads term \(term)")
      case .voteCast(let term, let candidate): words.append("votes \(candidate) in term \(term)")
      case .logTruncated(let first, let last): words.append("deletes \(first) to \(last)")
      case .committed(_, let index): words.append("commits through \(index)")
      case .steppedDown(let term, _): words.append("steps down in term \(term)")
      case .snapshotInstalled(let position): words.append("installs a snapshot of \(position)")
      case .membershipChanged(let index, let membership):
        words.append("membership \(membership) from \(index) on")
      case .removedFromMembership: words.append("is no longer a member")
      case .electionStarted(let term, let isPreVote, _):
        words.append(isPreVote ? "asks about term \(term)" : "stands in term \(term)")
      case .termAdvanced, .roleChanged, .leaderChanged, .progressChanged, .snapshotOffered,
        .logCompacted, .transferStarted, .transferAborted, .quiescenceChanged, .dropped, .halted:
        break
      }
    }
    if !host.sends.isEmpty {
      words.append("sends \(host.sends.count) message\(host.sends.count == 1 ? "" : "s")")
    }
    return words
  }

  /// A node in a line: role, term, vote, log with a bar after what is durable, commit index.
  static func state(_ local: Local) -> String {
    let node = local.node
    var text =
      "\(node.id) \(local.isDown ? "down" : node.role.description) term \(node.currentTerm)"
    if let vote = node.votedFor { text += " vote \(vote)" }
    text += "  log"
    if node.log.baseIndex > .zero { text += " (through \(node.log.base))" }
    var index = node.log.baseIndex
    if node.durableIndex <= index { text += " |" }
    while index < node.log.lastIndex {
      index = index.next
      guard let entry = node.log.entry(at: index) else { continue }
      text += " \(entry.index):\(entry.term)"
      if entry.kind == .command { text += "=\(entry.payload.first ?? 0)" }
      if index == node.durableIndex { text += " |" }
    }
    return text + "  commit \(node.commitIndex)"
  }
}

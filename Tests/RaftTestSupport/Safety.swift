// Figure 3, and what must hold besides: judged after each step, over all nodes and all their lives.

import Raft

/// What is known of a cluster's past.
public struct Safety: Sendable {
  /// Who led each term.
  public private(set) var leaders: [Term: NodeID] = [:]
  /// Every entry that was ever known to be committed.
  public private(set) var committed: [LogIndex: Entry] = [:]
  /// The last of them.
  public private(set) var lastCommitted = LogIndex.zero
  private var votes: [Vote: NodeID] = [:]
  private var before: [NodeID: Past] = [:]

  private struct Vote: Hashable {
    var voter: NodeID
    var term: Term
  }

  private struct Past {
    var term = Term.zero
    var vote: NodeID?
    var commit = LogIndex.zero
    var applied = LogIndex.zero
    var isLeader = false
    var last = LogPosition(term: .zero, index: .zero)
    var vitals: Vitals?
  }

  mutating func began(_ host: Host) {
    guard let node = host.node else { return }
    before[host.id] = past(node)
    // What a test puts into a node's storage as committed, is.
    for entry in host.disk.durable.entries.array()
    where entry.index <= node.commitIndex && committed[entry.index] == nil {
      committed[entry.index] = entry
      lastCommitted = max(lastCommitted, entry.index)
    }
  }

  /// An operator gave up what was committed after this entry.
  mutating func forgetCommitted(beyond index: LogIndex) {
    committed = committed.filter { $0.key <= index }
    lastCommitted = min(lastCommitted, index)
  }

  private func past(_ node: RaftNode) -> Past {
    Past(
      term: node.currentTerm, vote: node.votedFor, commit: node.commitIndex,
      applied: node.lastApplied, isLeader: node.role == .leader, last: node.log.last,
      vitals: node.vitals)
  }

  // MARK: Promises

  /// What a message promises must be durable where it comes from.
  mutating func sent(_ message: Message, by host: Host) -> String? {
    let durable = host.disk.durable
    let stored = durable.hardState
    switch message.body {
    case .requestVoteReply(let reply) where reply.voteGranted:
      let kept =
        stored.currentTerm > message.term
        || (stored.currentTerm == message.term && stored.votedFor == message.to)
      guard kept else { return "vote told before it is durable: \(message.text)" }
      return cast(host.id, message.term, message.to)
    case .requestVote(let request):
      // Votes for a log that a crash shortens would elect a leader without it (§5.4.1).
      guard stored.currentTerm >= request.candidateTerm, durable.lastPosition >= request.lastLog
      else { return "stands with what is not durable: \(message.text)" }
      return cast(host.id, message.term, host.id)
    case .appendEntriesReply(let reply):
      guard reply.matchIndex <= durable.lastPosition.index else {
        return "acknowledged before it is durable: \(message.text)"
      }
    case .requestVoteReply, .requestPreVote, .requestPreVoteReply, .appendEntries,
      .installSnapshot, .installSnapshotReply, .timeoutNow, .readIndex, .readIndexReply,
      .forwardedProposal,
      .forwardedProposalReply:
      break
    }
    return nil
  }

  private mutating func cast(_ voter: NodeID, _ term: Term, _ candidate: NodeID) -> String? {
    let vote = Vote(voter: voter, term: term)
    if let other = votes[vote], other != candidate {
      return "\(voter) votes for \(other) and \(candidate) in term \(term)"
    }
    votes[vote] = candidate
    return nil
  }

  // MARK: State machines

  mutating func applies(_ entry: Entry, _ host: Host) -> String? {
    let applied = host.machine.applied
    guard entry.index == applied.next else {
      return "\(host.id) applies \(entry.text) after \(applied)"
    }
    guard let known = committed[entry.index] else {
      return "\(host.id) applies \(entry.text), which is not committed"
    }
    guard known.term == entry.term, entry.payload == known.payload else {
      return "\(host.id) applies \(entry.text), others \(known.text)"
    }
    return nil
  }

  mutating func installed(_ host: Host) -> String? {
    let index = host.machine.applied
    var expected: [String] = []
    for position in 1...max(index.rawValue, 1) {
      guard let entry = committed[LogIndex(position)] else { return nil }
      if entry.kind == .command { expected.append(String(decoding: entry.payload, as: UTF8.self)) }
    }
    if host.machine.commands != expected {
      return "\(host.id) installs \(host.machine.commands), committed is \(expected)"
    }
    return nil
  }

  // MARK: After each step

  mutating func stepped(_ host: Host, all: [Host]) -> [String] {
    guard let node = host.node else { return [] }
    let old = before[host.id] ?? Past()
    var problems = node.brokenInvariants(since: old.vitals).map { "\(host.id): \($0)" }
    before[host.id] = past(node)
    problems += monotone(node, old)
    if node.role == .leader {
      if let other = leaders[node.currentTerm], other != node.id {
        problems.append("\(other) and \(node.id) both lead term \(node.currentTerm)")
      }
      if !old.isLeader { problems += completeness(node) }
      leaders[node.currentTerm] = node.id
    }
    problems += commits(node, old, all)
    problems += matching(node, all)
    return problems
  }

  private func monotone(_ node: RaftNode, _ old: Past) -> [String] {
    var problems: [String] = []
    if node.currentTerm < old.term { problems.append("\(node.id): term falls") }
    if node.currentTerm == old.term, let vote = old.vote, node.votedFor != vote {
      problems.append("\(node.id): vote for \(vote) changes in term \(old.term)")
    }
    if node.commitIndex < old.commit { problems.append("\(node.id): commitIndex falls") }
    if node.lastApplied < old.applied { problems.append("\(node.id): lastApplied falls") }
    if node.lastApplied > node.commitIndex {
      problems.append("\(node.id): applied beyond what is committed")
    }
    if old.isLeader, node.role == .leader, node.currentTerm == old.term,
      node.log.lastIndex < old.last.index || node.log.term(at: old.last.index) != old.last.term
    {
      problems.append("\(node.id): a leader deleted or overwrote its entries")
    }
    return problems
  }

  private func completeness(_ node: RaftNode) -> [String] {
    for (index, entry) in committed where index > node.log.baseIndex {
      if node.log.term(at: index) != entry.term {
        return ["\(node.id) leads term \(node.currentTerm) without committed \(entry.text)"]
      }
    }
    return []
  }

  private mutating func commits(_ node: RaftNode, _ old: Past, _ all: [Host]) -> [String] {
    guard node.commitIndex > old.commit else { return [] }
    var problems: [String] = []
    if node.commitIndex > node.log.lastIndex {
      problems.append("\(node.id): commitIndex \(node.commitIndex) beyond the log")
    }
    var index = max(old.commit, node.log.baseIndex).next
    while index <= node.commitIndex {
      guard let entry = node.log.entry(at: index) else { break }
      if let known = committed[index] {
        let isElided =
          node.log.entries(from: index, through: index).run(0).payloads == .elided
        if known.term != entry.term || (known.payload != entry.payload && !isElided) {
          problems.append("\(node.id) commits \(entry.text), others \(known.text)")
        }
      } else if node.role == .leader || old.isLeader {
        committed[index] = entry
      } else {
        problems.append("\(node.id) commits \(entry.text), which no leader has committed")
      }
      index = index.next
    }
    if node.commitIndex > lastCommitted {
      problems += durability(node, all)
      lastCommitted = node.commitIndex
    }
    return problems
  }

  /// A committed entry is durable at a quorum of the membership in force.
  private func durability(_ node: RaftNode, _ all: [Host]) -> [String] {
    guard let term = node.log.term(at: node.commitIndex) else { return [] }
    let isHeld = node.membership.isQuorum { id in
      guard let state = all.first(where: { $0.id == id })?.disk.durable else { return false }
      return state.snapshot.lastIncluded.index >= node.commitIndex
        || state.term(at: node.commitIndex) == term
    }
    return isHeld ? [] : ["\(node.id) commits \(node.commitIndex), not durable at a quorum"]
  }

  /// Log Matching: where two logs agree on a term, they agree up to there.
  private func matching(_ node: RaftNode, _ all: [Host]) -> [String] {
    for other in all.compactMap(\.node) where other.id != node.id {
      let first = max(node.log.baseIndex, other.log.baseIndex).next
      var index = min(node.log.lastIndex, other.log.lastIndex)
      var isMatching = false
      while index >= first {
        let isSame = node.log.term(at: index) == other.log.term(at: index)
        if isMatching && !isSame {
          return ["logs of \(node.id) and \(other.id) agree after \(index), not there"]
        }
        isMatching = isMatching || isSame
        index = index.previous
      }
    }
    return []
  }
}

extension Input {
  /// The input in one line, for the story before a violation.
  var text: String {
    switch self {
    case .receive(let message): "receive \(message.text)"
    case .persisted(let ticket): "persisted \(ticket)"
    case .applied(let index): "applied through \(index)"
    case .propose(let proposal): "propose \(proposal.request)"
    default: "\(self)".prefix(120).description
    }
  }
}

extension RaftNode {
  /// The node's own invariants that do not hold, of its state and of the step that led to it.
  public func brokenInvariants(since before: Vitals?) -> [String] {
    var broken = checkInvariants(isDeep: true).map(\.description)
    if let before { broken += checkInvariants(since: before).map(\.description) }
    return broken
  }
}

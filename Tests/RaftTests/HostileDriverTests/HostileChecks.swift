@testable import Raft

/// What must hold whatever a host does within its contract: Figure 3 of the paper, and that nobody
/// is told what is not so. The first thing that does not hold is kept, in a sentence.
struct HostileChecks {
  /// The kinds of breakage, for the table of misuse.
  enum Kind: String, CaseIterable {
    case electionSafety = "two leaders in one term"
    case oneVote = "two votes in one term"
    case leaderCompleteness = "a leader without a committed entry"
    case logMatching = "one index and term, two entries"
    case committed = "a committed entry changed"
    case machine = "state machines differ"
    case promise = "a promise that is not durable"
    case outcome = "a caller was told what is not so"
    case read = "a stale read"
    case restore = "a node that cannot start again"
    case order = "actions in an impossible order"
    case liveness = "no progress after all faults ended"
  }

  struct Violation {
    var kind: Kind
    var text: String
  }

  private(set) var violation: Violation?
  /// Whether promises are compared with the disk. Off where a breach makes that pointless.
  var isCheckingPromises = true

  private var leaders: [Term: NodeID] = [:]
  private var votes: [Vote: NodeID] = [:]
  private var seen: [LogPosition: Seen] = [:]
  /// The committed entries from index 1 on, and the newest term in which somebody knew of each.
  private(set) var committed: [Fingerprint] = []
  private var knownIn: [Term] = []
  private(set) var chain: [UInt64] = [0]
  private var requests: [UInt64: Request] = [:]
  /// The greatest index that somebody was shown.
  private(set) var shown = LogIndex.zero
  private(set) var elections = 0
  private(set) var answers = 0

  struct Vote: Hashable {
    var voter: NodeID
    var term: Term
  }

  private struct Seen {
    var print: Fingerprint
    var previousTerm: Term?
  }

  struct Request {
    enum Stage { case asked, accepted, ended, denied }
    var stage = Stage.asked
    var isRead = false
    var shownBefore = LogIndex.zero
  }

  mutating func fail(_ kind: Kind, _ text: @autoclosure () -> String) {
    if violation == nil { violation = Violation(kind: kind, text: text()) }
  }

  // MARK: Figure 3

  /// Election Safety and Leader Completeness.
  mutating func elected(_ node: RaftNode) {
    elections += 1
    if let other = leaders[node.currentTerm], other != node.id {
      fail(.electionSafety, "term \(node.currentTerm): \(other) and \(node.id)")
    }
    leaders[node.currentTerm] = node.id
    for position in committed.indices where knownIn[position] < node.currentTerm {
      let index = LogIndex(UInt64(position) + 1)
      guard index > node.log.baseIndex else { continue }
      if node.log.term(at: index) != committed[position].term {
        let known = knownIn[position]
        fail(
          .leaderCompleteness,
          "\(node.id) leads term \(node.currentTerm) without \(index), committed in term "
            + "\(known)")
        return
      }
    }
  }

  mutating func voted(_ voter: NodeID, in term: Term, for candidate: NodeID) {
    let vote = Vote(voter: voter, term: term)
    if let other = votes[vote], other != candidate {
      fail(.oneVote, "\(voter) voted for \(other) and \(candidate) in term \(term)")
    }
    votes[vote] = candidate
  }

  /// Log Matching, for entries that go into a log.
  mutating func appended(_ entries: Entries, to node: RaftNode) {
    for position in 0..<entries.runCount where entries.run(position).payloads == .present {
      let run = entries.run(position)
      for offset in 0..<run.count {
        let entry = run.entry(offset)
        let place = LogPosition(term: entry.term, index: entry.index)
        let now = Seen(
          print: Fingerprint(entry), previousTerm: node.log.term(at: entry.index.previous))
        guard let before = seen[place] else {
          seen[place] = now
          continue
        }
        let isSamePrevious =
          before.previousTerm == nil || now.previousTerm == nil
          || before.previousTerm == now.previousTerm
        if before.print != now.print || !isSamePrevious {
          fail(.logMatching, "\(place) of \(node.id) is not what it is elsewhere")
        }
      }
    }
  }

  /// State Machine Safety, in the log: what is committed once is committed so everywhere.
  mutating func committed(through end: LogIndex, from start: LogIndex, of node: RaftNode) {
    var index = max(start, node.log.baseIndex)
    if end > start, UInt64(committed.count) < index.rawValue {
      fail(.committed, "\(node.id) holds a snapshot through \(index) that nobody committed")
      return
    }
    while index < end {
      index = index.next
      let entries = node.log.entries(from: index, through: index)
      guard entries.count == 1 else { return }
      let print = Fingerprint(entries.head.entry(0))
      let position = Int(index.rawValue) - 1
      if position == committed.count {
        committed.append(print)
        knownIn.append(node.currentTerm)
        chain.append(RandomSource.mix((chain.last ?? 0) ^ print.digest))
        if let request = requests[print.request], request.stage == .denied {
          fail(.outcome, "r\(print.request) is committed at \(index) though it was denied")
        }
        if entries.head.payloads != .present {
          fail(.committed, "\(node.id) was first to commit \(index) and does not hold it")
        }
        continue
      }
      let known = committed[position]
      let isSame =
        entries.head.payloads == .present
        ? known == print : known.term == print.term && known.kind == print.kind
      if !isSame {
        fail(.committed, "\(index) is of term \(known.term), and of \(print.term) on \(node.id)")
      }
    }
  }

  /// State Machine Safety, in the machines.
  mutating func applied(_ machine: HostileMachine, on node: NodeID) {
    let position = Int(machine.lastApplied.rawValue)
    guard position < chain.count, chain[position] == machine.chain else {
      fail(.machine, "the machine of \(node) at \(machine.lastApplied) is not that of the others")
      return
    }
  }

  // MARK: Promises

  /// What a message promises is on the disk at the moment at which it is sent.
  mutating func sent(_ message: Message, by node: RaftNode, _ disk: HostileDisk) {
    switch message.body {
    case .requestVote(let request):
      voted(node.id, in: message.term, for: node.id)
      guard isCheckingPromises else { return }
      if disk.hardState.currentTerm != message.term || disk.hardState.votedFor != node.id
        || disk.last < request.lastLog
      {
        fail(.promise, "\(node.id) stands in term \(message.term) with what is not durable")
      }
    case .requestVoteReply(let reply) where reply.voteGranted:
      voted(node.id, in: message.term, for: message.to)
      guard isCheckingPromises else { return }
      if disk.hardState.currentTerm != message.term || disk.hardState.votedFor != message.to {
        fail(.promise, "\(node.id) votes in term \(message.term), and its disk does not know")
      }
    case .requestPreVoteReply(let reply) where reply.voteGranted:
      guard isCheckingPromises else { return }
      if disk.hardState.currentTerm < message.term {
        fail(.promise, "\(node.id) grants a pre-vote in a term that is not durable")
      }
    case .appendEntriesReply(let reply) where reply.success:
      guard isCheckingPromises, reply.matchIndex > disk.logStart.index else { return }
      let term = node.log.term(at: reply.matchIndex)
      if disk.hardState.currentTerm < message.term || disk.last.index < reply.matchIndex
        || (term != nil && term != disk.term(at: reply.matchIndex))
      {
        fail(.promise, "\(node.id) acknowledges \(reply.matchIndex), which is not durable")
      }
    case .requestPreVote, .requestPreVoteReply, .requestVoteReply, .appendEntries,
      .appendEntriesReply, .installSnapshot, .installSnapshotReply, .timeoutNow, .readIndex,
      .readIndexReply, .forwardedProposal, .forwardedProposalReply:
      break
    }
  }

  // MARK: Callers

  mutating func asked(_ request: RequestID, isRead: Bool = false) {
    requests[request.rawValue] = Request(isRead: isRead, shownBefore: shown)
  }

  mutating func answered(_ request: RequestID, _ outcome: Outcome) {
    answers += 1
    guard var state = requests[request.rawValue] else {
      fail(.outcome, "\(request) was never asked and is answered")
      return
    }
    if state.stage == .ended || state.stage == .denied {
      fail(.outcome, "\(request) is answered twice")
    }
    switch outcome {
    case .accepted:
      if state.stage != .asked { fail(.outcome, "\(request) is accepted twice") }
      state.stage = .accepted
    case .committed(let position, _):
      state.stage = .ended
      let place = Int(position.index.rawValue) - 1
      guard place < committed.count, committed[place].term == position.term else {
        fail(.outcome, "\(request) is said to be committed at \(position) and is not")
        return
      }
      let owner = committed[place].request
      if owner != 0, owner != request.rawValue {
        fail(.outcome, "\(request) is said to be committed at \(position), where r\(owner) is")
      }
      shown = max(shown, position.index)
    case .lost(let position):
      state.stage = .denied
      let place = Int(position.index.rawValue) - 1
      // Beyond what is committed: once an entry of a later term is, no earlier term can follow.
      let isLost =
        place < committed.count
        ? committed[place].term != position.term
        : (committed.last?.term ?? .zero) > position.term
      if !isLost {
        fail(.outcome, "\(request) is said to be lost at \(position) and is not")
      }
    case .refused:
      if state.stage != .asked { fail(.outcome, "\(request) is refused after it was accepted") }
      state.stage = .denied
      if committed.contains(where: { $0.request == request.rawValue }) {
        fail(.outcome, "\(request) is refused though it is committed")
      }
    case .unknown, .transferred, .transferFailed, .stopped:
      state.stage = .ended
    }
    requests[request.rawValue] = state
  }

  /// A read sees everything that anybody had been shown when it was asked for.
  mutating func ready(_ request: RequestID, at index: LogIndex, _ machine: HostileMachine) {
    answers += 1
    guard var state = requests[request.rawValue], state.isRead, state.stage == .asked else {
      fail(.outcome, "read \(request) is ready and was not asked for, or is answered twice")
      return
    }
    state.stage = .ended
    requests[request.rawValue] = state
    if machine.lastApplied < index {
      fail(.read, "read \(request) is ready at \(index), applied is \(machine.lastApplied)")
    }
    if index < state.shownBefore {
      fail(.read, "read \(request) sees \(index); \(state.shownBefore) was shown before it began")
    }
    shown = max(shown, machine.lastApplied)
  }
}

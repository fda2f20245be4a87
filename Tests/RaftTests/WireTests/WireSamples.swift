@testable import Raft

/// Random values of everything that has a binary encoding, of the form that nodes make.
struct WireSamples {
  var source: RandomSource

  init(seed: UInt64) { source = RandomSource(seed: seed) }

  mutating func draw(_ bound: UInt64) -> UInt64 { source.draw(below: bound) }
  mutating func flip() -> Bool { draw(2) == 0 }

  /// Small numbers and, now and then, very large ones.
  mutating func number() -> UInt64 {
    switch draw(8) {
    case 0: source.next() >> 1
    case 1: WireReader.maximumNumber
    case 2: 0
    default: draw(1_000)
    }
  }

  mutating func sequence() -> UInt64 { flip() ? source.next() : draw(9) }
  mutating func term() -> Term { Term(number()) }
  mutating func index() -> LogIndex { LogIndex(number()) }
  mutating func position() -> LogPosition { LogPosition(term: term(), index: index()) }
  mutating func node() -> NodeID { NodeID(flip() ? 1 + draw(9) : max(1, source.next())) }

  mutating func bytes(below limit: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<draw(limit) { bytes.append(UInt8(truncatingIfNeeded: source.next())) }
    return bytes
  }

  mutating func membership() -> Membership {
    var voters: [NodeID] = []
    var outgoing: [NodeID] = []
    var learners: [NodeID] = []
    var learnersNext: [NodeID] = []
    var witnesses: [NodeID] = []
    let isJoint = flip()
    for number in 1...(1 + draw(12)) {
      let node = NodeID(number)
      switch draw(7) {
      case 0: learners.append(node)
      case 1 where isJoint: outgoing.append(node)
      case 2 where isJoint:
        outgoing.append(node)
        learnersNext.append(node)
      case 3 where isJoint:
        outgoing.append(node)
        voters.append(node)
      case 4:
        voters.append(node)
        witnesses.append(node)
      default: voters.append(node)
      }
    }
    voters.append(NodeID(100 + draw(1_000)))
    return Membership(
      sortedVoters: voters, outgoing: outgoing, learners: learners, learnersNext: learnersNext,
      witnesses: witnesses)
  }

  mutating func block(count: UInt64) -> EntryBlock {
    var payloads: [[UInt8]] = []
    for _ in 0..<count { payloads.append(flip() ? [] : bytes(below: 20)) }
    return EntryBlock(payloads)
  }

  mutating func entries() -> Entries {
    var runs: [EntryRun] = []
    var next = LogIndex(1 + number() / 2)
    var term = Term(1 + draw(5))
    for _ in 0..<draw(5) {
      if draw(3) == 0 { term = Term(term.rawValue + 1 + draw(3)) }
      let run = run(at: next, term: term)
      next = run.lastIndex.next
      runs.append(run)
    }
    return Entries(runs) ?? .none
  }

  private mutating func run(at first: LogIndex, term: Term) -> EntryRun {
    switch draw(6) {
    case 0:
      return EntryRun(
        firstIndex: first, term: term, kind: .membership, block: EntryBlock(membership().encoded()))
    case 1:
      return EntryRun(firstIndex: first, term: term, kind: .noOperation, block: EntryBlock([[]]))
    case 2:
      return EntryRun(
        firstIndex: first, term: term, kind: .command, count: UInt32(1 + draw(9)),
        payloads: .elided)
    case 3:
      let whole = EntryRun(
        firstIndex: first.previous, term: term, kind: .command, block: block(count: 3 + draw(5)))
      let last = LogIndex(whole.lastIndex.rawValue - draw(2))
      return whole.slice(from: first, through: last)
    default:
      return EntryRun(
        firstIndex: first, term: term, kind: .command, block: block(count: 1 + draw(4)))
    }
  }

  mutating func hardState() -> HardState {
    HardState(currentTerm: term(), votedFor: flip() ? nil : node(), commitIndex: index())
  }

  mutating func metadata() -> SnapshotMetadata {
    let lastIncluded = position()
    guard lastIncluded.index > .zero else { return .none }
    return SnapshotMetadata(
      lastIncluded: lastIncluded, membership: membership(),
      membershipIndex: LogIndex(min(number(), lastIncluded.index.rawValue)))
  }

  mutating func message(_ kind: Message.WireKind) -> Message {
    let body = body(kind)
    var entries = Entries.none
    var snapshot: SnapshotPart?
    if case .appendEntries = body { entries = self.entries() }
    if case .forwardedProposal = body {
      entries = Entries(
        EntryRun(firstIndex: LogIndex(1), term: Term(1), block: block(count: 1 + draw(4))))
    }
    if case .installSnapshot(let request) = body {
      snapshot = SnapshotPart(
        bytes: bytes(below: 40), membership: membership(),
        membershipIndex: LogIndex(min(number(), request.lastIncluded.index.rawValue)))
    }
    return Message(
      from: node(), to: node(), term: term(), body: body, entries: entries, snapshot: snapshot)
  }

  private mutating func body(_ kind: Message.WireKind) -> Message.Body {
    switch kind {
    case .requestPreVote, .requestVote:
      let request = RequestVote(candidateTerm: term(), lastLog: position(), isTransfer: flip())
      return kind == .requestVote ? .requestVote(request) : .requestPreVote(request)
    case .requestPreVoteReply, .requestVoteReply:
      let reply = RequestVoteReply(candidateTerm: term(), voteGranted: flip())
      return kind == .requestVoteReply ? .requestVoteReply(reply) : .requestPreVoteReply(reply)
    case .appendEntries:
      return .appendEntries(
        AppendEntries(
          prevLog: position(), leaderCommit: index(), round: sequence(), isQuiescing: flip()))
    case .appendEntriesReply:
      return .appendEntriesReply(
        AppendEntriesReply(
          success: flip(), matchIndex: index(), receivedIndex: index(), rejectedIndex: index(),
          hint: position(), round: sequence()))
    case .installSnapshot:
      return .installSnapshot(
        InstallSnapshot(
          lastIncluded: position(), offset: number(), isDone: flip(), round: sequence()))
    case .installSnapshotReply:
      return .installSnapshotReply(
        InstallSnapshotReply(
          lastIncluded: position(), nextOffset: number(),
          round: sequence()))
    case .timeoutNow: return .timeoutNow
    case .readIndex: return .readIndex(ReadIndexRequest(sequence: sequence()))
    case .readIndexReply:
      return .readIndexReply(ReadIndexReply(sequence: sequence(), readIndex: index()))
    case .forwardedProposal: return .forwardedProposal(ForwardedProposal(sequence: sequence()))
    case .forwardedProposalReply:
      return .forwardedProposalReply(
        ForwardedProposalReply(
          sequence: sequence(), accepted: flip() ? nil : position(), isTooBusy: flip()))
    }
  }
}

/// Bytes as a reader sees them: hexadecimal, two digits each; spaces mean nothing.
func hex(_ text: String) -> [UInt8] {
  let digits = Array(text.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") })
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16) ?? 0
  }
}

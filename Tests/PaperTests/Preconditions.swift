// What a caller can get wrong in a way that only a bug explains traps, with a message; what a peer
// or an operator can get wrong never does. Both halves of that promise.

import RaftTestSupport
import Testing

@testable import Raft

@Suite("Public preconditions") struct PreconditionTests {
  @Test func `there is no index before the first`() async {
    await #expect(processExitsWith: .failure) { _ = LogIndex.zero.previous }
  }

  @Test func `a distance goes forward`() async {
    await #expect(processExitsWith: .failure) { _ = LogIndex(5).distance(to: LogIndex(4)) }
  }

  @Test func `the last index and the last term have no successor`() async {
    await #expect(processExitsWith: .failure) { _ = LogIndex(.max).next }
    await #expect(processExitsWith: .failure) { _ = Term(.max).next }
  }

  @Test func `a block gives only the payloads that it has`() async {
    await #expect(processExitsWith: .failure) { _ = EntryBlock([1, 2, 3])[1] }
    await #expect(processExitsWith: .failure) { _ = EntryBlock([[1], [2]]).range(of: -1) }
  }

  @Test func `a run gives only the entries that it has`() async {
    await #expect(processExitsWith: .failure) {
      let run = EntryRun(firstIndex: LogIndex(1), term: Term(1), block: EntryBlock([1]))
      _ = run.payload(1)
    }
  }

  @Test func `a log gives only the entries that it has`() async {
    await #expect(processExitsWith: .failure) {
      let log = RaftLog(base: LogPosition(term: Term(1), index: LogIndex(3)))
      _ = log.entries(from: LogIndex(3), through: LogIndex(4))
    }
  }

  @Test func `nothing can be drawn below zero`() async {
    await #expect(processExitsWith: .failure) {
      var source = RandomSource(seed: 1)
      _ = source.draw(below: 0)
    }
  }

  @Test func `settings out of range are refused, all of them at once, with what to do`() {
    func expect(_ problems: String..., spoil: (inout Configuration) -> Void) {
      var configuration = Configuration(id: 1, seed: 1)
      spoil(&configuration)
      let error = #expect(throws: ConfigurationError.self) { try configuration.validated() }
      #expect(error?.problems.map(\.description) == problems)
      #expect(throws: RestoreError.self) {
        try RaftNode(configuration, restoring: DurableState(bootstrapping: .voters(1)))
      }
    }
    expect("id is 0, which means \"no node\"; number nodes from 1") { $0.id = 0 }
    expect("heartbeatTicks is 0; it must be at least 1") { $0.heartbeatTicks = 0 }
    expect(
      "electionTimeoutTicks 29 must be at least 3 times heartbeatTicks 10: "
        + "a single lost heartbeat would start an election"
    ) { $0.electionTimeoutTicks = 29 }
    expect("electionPriority must lie in 0...3") { $0.electionPriority = 4 }
    expect(
      "leaseDriftPerMille must lie in 0...500",
      "leaseDriftPerMille needs isCheckQuorumEnabled: without it voters do not keep the lease",
      "snapshotChunkBytes is 0; it must be at least 1"
    ) {
      $0.leaseDriftPerMille = 501
      $0.isCheckQuorumEnabled = false
      $0.snapshotChunkBytes = 0
    }
  }

  @Test func `a state that contradicts itself is refused, and says why`() {
    func expect(_ reason: String, spoil: (inout DurableState) -> Void) {
      var state = DurableState(bootstrapping: .voters(3))
      state.hardState.currentTerm = 2
      state.entries = .log(terms: [1, 1, 2])
      spoil(&state)
      let error = #expect(throws: RestoreError.self) {
        try RaftNode(Configuration(id: 1, seed: 1), restoring: state)
      }
      #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }
    expect("later term than the recorded term 1") { $0.hardState.currentTerm = 1 }
    expect("the log has a gap after entry 0") { $0.entries = $0.entries.suffix(from: 2) }
    expect("entries are missing") { $0.logStart = LogPosition(2, 1) }
    expect("contradict each other at 9") { $0.snapshot.lastIncluded = LogPosition(9, 2) }
    expect("contradict each other at 2") { $0.snapshot.lastIncluded = LogPosition(2, 2) }
  }
}

/// What a peer sends is input. Whatever it is, the node drops it or answers it.
@Suite("Nothing that a peer sends traps") struct StrangeMessageTests {
  static let numbers: [UInt64] = [0, 1, 2, 3, 4, 5, 9, UInt64.max >> 1, .max - 1, .max]

  static func strange(_ source: inout RandomSource) -> Message {
    func number() -> UInt64 { numbers[Int(source.draw(below: UInt64(numbers.count)))] }
    // Mostly terms that are looked at, sometimes absurd ones.
    func term() -> Term { Term(source.draw(below: 8) == 0 ? number() : source.draw(below: 7)) }
    func index() -> LogIndex { LogIndex(number()) }
    func position() -> LogPosition { LogPosition(index(), term()) }
    func flag() -> Bool { source.draw(below: 2) == 0 }
    let vote = RequestVote(candidateTerm: term(), lastLog: position(), isTransfer: flag())
    let voteReply = RequestVoteReply(candidateTerm: term(), voteGranted: flag())
    var entries = Entries.none
    var snapshot: SnapshotPart?
    let body: Message.Body
    switch source.draw(below: 13) {
    case 0: body = .requestPreVote(vote)
    case 1: body = .requestPreVoteReply(voteReply)
    case 2: body = .requestVote(vote)
    case 3: body = .requestVoteReply(voteReply)
    case 4, 5:
      let prev = position()
      if flag(), prev.index < LogIndex(10) {
        entries = .commands(from: prev.index.next, term: Term(number()), "a", "b")
      } else if flag() {
        entries = Entries(
          EntryRun(
            firstIndex: index(), term: term(), kind: flag() ? .membership : .command,
            block: EntryBlock([9, 9])))
      }
      body = .appendEntries(
        AppendEntries(
          prevLog: prev, leaderCommit: index(), round: number(), isQuiescing: flag()))
    case 6, 7:
      body = .appendEntriesReply(
        AppendEntriesReply(
          success: flag(), matchIndex: index(), receivedIndex: index(), rejectedIndex: index(),
          hint: position(), round: number()))
    case 8:
      snapshot =
        flag()
        ? nil
        : SnapshotPart(
          bytes: [1, 2], membership: flag() ? .voters(5) : .none, membershipIndex: index())
      body = .installSnapshot(
        InstallSnapshot(
          lastIncluded: position(), offset: number(), isDone: flag(), round: number()))
    case 9:
      body = .installSnapshotReply(
        InstallSnapshotReply(lastIncluded: position(), nextOffset: number(), round: number()))
    case 10: body = .timeoutNow
    case 11:
      body =
        flag()
        ? .readIndex(ReadIndexRequest(sequence: number()))
        : .readIndexReply(ReadIndexReply(sequence: number(), readIndex: index()))
    default:
      entries = flag() ? .commands(from: 1, term: 1, "f") : .none
      body =
        flag()
        ? .forwardedProposal(ForwardedProposal(sequence: number()))
        : .forwardedProposalReply(
          ForwardedProposalReply(
            sequence: number(), accepted: flag() ? position() : nil, isTooBusy: flag()))
    }
    return Message(
      from: NodeID(source.draw(below: 6)), to: 1, term: term(), body: body, entries: entries,
      snapshot: snapshot)
  }

  static func subjects() throws -> [Lone] {
    var leader = try Lone.leader(of: 5, term: 3, log: [1, 2])
    leader.acknowledge(by: 2, 3)
    leader(.read(1, .linearizable))
    leader(.propose(Proposal(2, EntryBlock([7]))))
    return [
      try Lone.follower(of: 5, term: 3, log: [1, 2, 3]), try Lone.follower(of: 5, term: 3),
      try Lone.candidate(of: 5, term: 3, log: [1, 2]), leader,
      try Lone.compacted(through: LogPosition(3, 2), term: 3),
      try Lone.follower(1, try Membership(voters: [2, 3], learners: [1]), term: 3, log: [1]),
      try Lone.follower(1, try Membership(voters: [1, 2, 3], witnesses: [1]), term: 3, log: [1]),
    ]
  }

  @Test("whatever it is", arguments: 0..<20 as Range<UInt64>)
  func strangeMessages(seed: UInt64) throws {
    var source = RandomSource(seed: seed)
    for subject in try StrangeMessageTests.subjects() {
      for _ in 0..<10 {
        var lone = subject
        for _ in 0..<4 {
          lone(.receive(StrangeMessageTests.strange(&source)))
          if source.draw(below: 2) == 0 { lone.persist() }
        }
        // And it goes on living.
        lone.tick(30)
        lone(.campaign)
        lone.persist()
      }
    }
  }

  @Test func `a term from the end of time does not end the node`() throws {
    var lone = try Lone.follower(term: 3)

    lone(.receive(.appendEntries(from: 2, to: 1, term: Term(.max), prev: LogPosition(0, 0))))
    lone.persist()
    lone.tick(500)
    lone.persist()
    lone(.campaign)

    #expect(lone.node.role != .leader)
  }
}

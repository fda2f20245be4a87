import Testing

@testable import Raft

/// What the hostile driver and its reading of the core found, each as a short story.
@Suite struct PeerTests {
  struct Host {
    var node: RaftNode
    var actions = ActionBuffer()

    init(_ id: UInt64, change: (inout Configuration) -> Void = { _ in }) throws {
      var configuration = Configuration(id: NodeID(id), seed: id)
      change(&configuration)
      let membership = try Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])
      node = try RaftNode(configuration, restoring: DurableState(bootstrapping: membership))
    }

    /// The messages that follow from an input.
    mutating func give(_ input: Input) -> [Message] {
      node.step(input, into: &actions)
      defer { actions.removeAll() }
      return Array(actions.sends)
    }

    mutating func receive(from: UInt64, term: UInt64, _ body: Message.Body) -> [Message] {
      give(.receive(Message(from: NodeID(from), to: node.id, term: Term(term), body: body)))
    }

    mutating func persistAll() -> [Message] {
      var sent: [Message] = []
      while node.durableTicket < node.lastTicket {
        sent += give(.persisted(node.durableTicket.next))
      }
      return sent
    }
  }

  static func append(after previous: LogPosition, round: UInt64) -> Message.Body {
    .appendEntries(
      AppendEntries(
        prevLog: previous, leaderCommit: LogIndex(0), round: round, isQuiescing: false))
  }

  static let nowhere = LogPosition(term: Term(0), index: LogIndex(0))

  @Test func `a lease is kept also in the candidate's own term`() throws {
    var voter = try Host(3) { $0.leaseDriftPerMille = 100 }
    _ = voter.receive(from: 1, term: 1, Self.append(after: Self.nowhere, round: 1))
    _ = voter.persistAll()
    // Any word of the candidate's, not its request, brings the voter into the candidate's term.
    _ = voter.receive(
      from: 2, term: 2,
      .requestVoteReply(RequestVoteReply(candidateTerm: Term(1), voteGranted: false)))
    _ = voter.persistAll()
    #expect(voter.node.currentTerm == Term(2))

    let request = Message.Body.requestVote(
      RequestVote(candidateTerm: Term(2), lastLog: Self.nowhere, isTransfer: false))
    _ = voter.receive(from: 2, term: 2, request)
    #expect(voter.node.votedFor == nil)

    for _ in 0..<100 { _ = voter.give(.tick) }
    _ = voter.receive(from: 2, term: 2, request)
    #expect(voter.node.votedFor == NodeID(2))
  }

  @Test func `a round is confirmed only in a term that is durable`() throws {
    var follower = try Host(3) { $0.leaseDriftPerMille = 100 }
    let missing = LogPosition(term: Term(1), index: LogIndex(5))
    func round(_ messages: [Message]) -> UInt64? {
      guard case .appendEntriesReply(let reply) = messages.first?.body, !reply.success else {
        return nil
      }
      return reply.round
    }
    let early = follower.receive(from: 1, term: 1, Self.append(after: missing, round: 7))
    #expect(round(early) == 0)
    _ = follower.persistAll()
    let late = follower.receive(from: 1, term: 1, Self.append(after: missing, round: 7))
    #expect(round(late) == 7)
  }

  @Test func `a proposal that was refused is not taken when its message comes again`() throws {
    var leader = try Host(1) {
      $0.isPreVoteEnabled = false
      $0.maximumUncommittedEntries = 1
    }
    _ = leader.give(.campaign)
    _ = leader.persistAll()
    _ = leader.receive(
      from: 2, term: 1,
      .requestVoteReply(RequestVoteReply(candidateTerm: Term(1), voteGranted: true)))
    #expect(leader.node.isLeader)

    let proposal = Message(
      from: NodeID(2), to: NodeID(1), term: Term(1),
      body: .forwardedProposal(ForwardedProposal(sequence: 1 << 32 | 1)),
      entries: Entries(
        EntryRun(firstIndex: LogIndex(1), term: Term(1), block: EntryBlock([7]))))
    let replies = leader.give(.receive(proposal))
    guard case .forwardedProposalReply(let reply) = replies.first?.body else {
      Issue.record("no reply")
      return
    }
    #expect(reply.isTooBusy && reply.accepted == nil)

    _ = leader.persistAll()
    _ = leader.receive(
      from: 2, term: 1,
      .appendEntriesReply(
        AppendEntriesReply(
          success: true, matchIndex: leader.node.log.lastIndex,
          receivedIndex: leader.node.log.lastIndex, rejectedIndex: LogIndex(0),
          hint: Self.nowhere, round: 0)))
    #expect(leader.node.commitIndex == leader.node.log.lastIndex)
    let before = leader.node.log.lastIndex
    #expect(leader.give(.receive(proposal)).isEmpty)
    #expect(leader.node.log.lastIndex == before)
  }

  @Test func `who no longer leads does not refuse what it may have taken when it did`() throws {
    var leader = try Host(1) { $0.isPreVoteEnabled = false }
    _ = leader.give(.campaign)
    _ = leader.persistAll()
    _ = leader.receive(
      from: 2, term: 1,
      .requestVoteReply(RequestVoteReply(candidateTerm: Term(1), voteGranted: true)))
    let proposal = Message(
      from: NodeID(2), to: NodeID(1), term: Term(1),
      body: .forwardedProposal(ForwardedProposal(sequence: 1 << 32 | 1)),
      entries: Entries(
        EntryRun(firstIndex: LogIndex(1), term: Term(1), block: EntryBlock([7]))))
    #expect(!leader.give(.receive(proposal)).isEmpty)
    for _ in 0..<300 where leader.node.isLeader { _ = leader.give(.tick) }
    #expect(!leader.node.isLeader && leader.node.currentTerm == Term(1))
    #expect(leader.give(.receive(proposal)).isEmpty)
  }

  @Test func `a snapshot beyond all reckoning is put aside`() throws {
    var follower = try Host(3)
    let end = LogPosition(term: Term(1), index: LogIndex(.max))
    let part = SnapshotPart(
      bytes: [1], membership: try Membership(voters: [NodeID(1)]), membershipIndex: LogIndex(1))
    let message = Message(
      from: NodeID(1), to: NodeID(3), term: Term(1),
      body: .installSnapshot(
        InstallSnapshot(lastIncluded: end, offset: 0, isDone: true, round: 1)),
      snapshot: part)
    _ = follower.give(.receive(message))
    _ = follower.give(.snapshotChunkStored(lastIncluded: end, through: 1))
    #expect(follower.node.commitIndex == LogIndex(0))
  }
}

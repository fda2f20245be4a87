import Testing

@testable import Raft
@testable import RaftSimulation

@Suite("Invariants of one node")
struct InvariantTests {
  /// A node that is alone, leads term 1 and has applied two entries.
  private func leader() throws -> RaftNode {
    let membership = try Membership(voters: [NodeID(1)])
    var node = try RaftNode(
      Configuration(id: NodeID(1), seed: 1), restoring: DurableState(bootstrapping: membership))
    try run(&node, [.campaign])
    let proposal = Proposal(RequestID(1), EntryBlock([1, 2, 3]))
    try run(&node, [.propose(proposal)])
    #expect(node.role == .leader)
    #expect(node.lastApplied == LogIndex(2))
    return node
  }

  /// Gives inputs and answers all that follows at once; the invariants must hold throughout.
  private func run(_ node: inout RaftNode, _ inputs: [Input]) throws {
    var waiting = inputs
    var actions = ActionBuffer()
    while !waiting.isEmpty {
      let before = node.vitals
      node.step(waiting.removeFirst(), into: &actions)
      #expect(node.checkInvariants(isDeep: true).isEmpty)
      #expect(node.checkInvariants(since: before).isEmpty)
      for write in actions.stores { waiting.append(.persisted(write.ticket)) }
      for entries in actions.applies { waiting.append(.applied(through: entries.lastIndex)) }
      actions.removeAll()
    }
  }

  @Test func `they hold of a node that works`() throws {
    let node = try leader()
    #expect(node.checkInvariants(isDeep: true).isEmpty)
  }

  private static let damages: [(StateInvariant, @Sendable (inout RaftNode) -> Void)] = [
    (.appliedBeforeCommitted, { $0.lastApplied = LogIndex(9) }),
    (.snapshotIsCommitted, { $0.snapshot.lastIncluded.index = LogIndex(9) }),
    (.lastTermIsKnown, { $0.currentTerm = .zero }),
    (.handedOutIsDurable, { $0.storage.durableIndex = LogIndex(1) }),
    (.durableIsInTheLog, { $0.storage.durableIndex = LogIndex(9) }),
    (.everythingIsStored, { $0.storage.isHardStateChanged = true }),
    (.verifiedIsBetween, { $0.verifiedIndex = .zero }),
    (.leaderVotedForItself, { $0.votedFor = NodeID(2) }),
    (.leaderKnowsItself, { $0.leaderID = nil }),
    (.leaderHasOpenedItsTerm, { $0.leader.termStart = .zero }),
    (
      .progressIsOrdered,
      { $0.leader.progress = [Progress(NodeID(1), nextIndex: LogIndex(1), now: 0)] }
    ),
    (
      .nextFollowsMatch,
      { $0.leader.progress = [Progress(NodeID(2), nextIndex: LogIndex(9), now: 0)] }
    ),
    (
      .onlyLeadersLead,
      {
        $0.state = .follower
        $0.leaderID = nil
        $0.leader.progress = [Progress(NodeID(2), nextIndex: LogIndex(1), now: 0)]
      }
    ),
    (
      .onlyVotersStand,
      {
        $0.state = .preCandidate(Poll())
        $0.leaderID = nil
        $0.leader = LeaderState()
        $0.isPromotable = false
      }
    ),
    (.membershipIsInTheLog, { $0.memberships.reset(to: .none, at: LogIndex(1)) }),
    (
      .pendingIsUndecided,
      {
        $0.clients.pending.append(
          PendingProposal(
            request: RequestID(9), position: LogPosition(term: Term(1), index: LogIndex(1)),
            concern: .majority))
      }
    ),
    (
      .heldIsNotDurable,
      {
        let message = Message(from: NodeID(1), to: NodeID(2), term: Term(1), body: .timeoutNow)
        $0.storage.held = [StorageStream.Held(ticket: Ticket(1), message: message)]
      }
    ),
    (
      .installingIsNotApplied,
      { $0.installing = PendingInstall(metadata: $0.snapshot, ticket: Ticket(1)) }
    ),
    (
      .membershipsAreOfTheLog,
      { $0.memberships.append($0.membership, at: LogIndex(2)) }
    ),
    (
      .openRequestsAreOrdered,
      {
        for index in [UInt64(9), 8] {
          $0.clients.pending.append(
            PendingProposal(
              request: RequestID(index),
              position: LogPosition(term: Term(1), index: LogIndex(index)), concern: .majority))
        }
      }
    ),
  ]

  @Test(arguments: damages.indices)
  func `each fires on a node that is damaged in its way`(_ position: Int) throws {
    let (expected, damage) = Self.damages[position]
    var node = try leader()
    damage(&node)
    #expect(node.checkInvariants(isDeep: true).contains(expected))
  }

  private static let changes: [(ChangeInvariant, @Sendable (inout RaftNode) -> Void)] = [
    (.termGrows, { $0.currentTerm = .zero }),
    (.voteStays, { $0.votedFor = nil }),
    (.commitGrows, { $0.commitIndex = LogIndex(1) }),
    (.appliedGrows, { $0.lastApplied = LogIndex(1) }),
    (.leaderAppends, { $0.log.truncate(from: LogIndex(2)) }),
    (.leaderStays, { $0.leaderID = NodeID(2) }),
    (
      .ticketsCount,
      { for _ in 0..<2 { _ = $0.storage.issue(lastIndex: $0.log.lastIndex, now: 0) } }
    ),
    (.leadersWereCandidates, { $0.currentTerm = Term(7) }),
  ]

  @Test(arguments: changes.indices)
  func `each change that must not be is seen`(_ position: Int) throws {
    let (expected, damage) = Self.changes[position]
    var node = try leader()
    var before = node.vitals
    if expected == .leadersWereCandidates { before.role = .follower }
    damage(&node)
    #expect(node.checkInvariants(since: before).contains(expected))
  }

  @Test func `a halted node that changes and a snapshot that goes back are seen`() throws {
    var node = try leader()
    var before = node.vitals
    before.isHalted = true
    node.isHalted = true
    #expect(node.checkInvariants(since: before).isEmpty)
    node.commitIndex = LogIndex(1)
    #expect(node.checkInvariants(since: before).contains(.haltIsFinal))
    before = node.vitals
    before.snapshotIndex = LogIndex(1)
    #expect(node.checkInvariants(since: before).contains(.snapshotGrows))
  }

  @Test func `numbers are unique and every invariant has a title and a section`() {
    var numbers: [UInt8] = []
    for invariant in StateInvariant.allCases {
      numbers.append(invariant.rawValue)
      #expect(!invariant.title.isEmpty && !invariant.section.isEmpty)
    }
    for invariant in ChangeInvariant.allCases {
      numbers.append(invariant.rawValue)
      #expect(!invariant.title.isEmpty && !invariant.section.isEmpty)
    }
    #expect(Set(numbers).count == numbers.count)
  }
}

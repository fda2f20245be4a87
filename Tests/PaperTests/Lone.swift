// One node alone on the bench: the test plays its disk, its state machine and all its peers.

import RaftTestSupport
import Testing

@testable import Raft

/// A node and the memory of what it was told to do.
struct Lone {
  var node: RaftNode
  /// Tickets for which no receipt was given yet.
  var owed: [Ticket] = []
  /// The events since the last time they were cleared.
  var events: [Event] = []

  /// A follower of a cluster of `count` voters, with this log, that has heard of no leader.
  static func follower(
    _ id: NodeID = 1, of count: UInt64 = 3, term: Term = 0, votedFor: NodeID? = nil,
    log terms: [Term] = [], commit: LogIndex = 0,
    _ configure: (inout Configuration) -> Void = { _ in }
  ) throws -> Lone {
    try follower(
      id, .voters(count), term: term, votedFor: votedFor, log: terms, commit: commit, configure)
  }

  /// A follower of a cluster with this membership.
  static func follower(
    _ id: NodeID = 1, _ membership: Membership, term: Term = 0, votedFor: NodeID? = nil,
    log terms: [Term] = [], commit: LogIndex = 0,
    _ configure: (inout Configuration) -> Void = { _ in }
  ) throws -> Lone {
    var state = DurableState(bootstrapping: membership)
    state.hardState = HardState(currentTerm: term, votedFor: votedFor, commitIndex: commit)
    state.entries = .log(terms: terms)
    var configuration = Configuration(id: id, seed: 7)
    configure(&configuration)
    return Lone(node: try RaftNode(configuration, restoring: state))
  }

  /// A follower of three whose log holds nothing but a snapshot through this entry.
  static func compacted(
    through position: LogPosition, term: Term, log more: Entries = .none
  ) throws -> Lone {
    var state = DurableState(bootstrapping: .voters(3))
    state.hardState.currentTerm = term
    state.snapshot.lastIncluded = position
    state.logStart = position
    state.entries = more
    return Lone(node: try RaftNode(Configuration(id: 1, seed: 7), restoring: state))
  }

  /// A candidate of `term`, whose own vote is durable, with this log.
  static func candidate(
    _ id: NodeID = 1, of count: UInt64 = 3, term: Term, log terms: [Term] = [],
    _ configure: (inout Configuration) -> Void = { _ in }
  ) throws -> Lone {
    let before = Term(term.rawValue - 1)
    var lone = try follower(id, of: count, term: before, log: terms) {
      $0.isPreVoteEnabled = false
      configure(&$0)
    }
    lone(.campaign)
    lone.persist()
    try #require(lone.node.role == .candidate || count == 1)
    lone.events = []
    return lone
  }

  /// A leader of `term`, really elected by all others, with this log and its no-op after it. Its
  /// log is durable; nobody has acknowledged the no-op.
  static func leader(
    _ id: NodeID = 1, of count: UInt64 = 3, term: Term, log terms: [Term] = [],
    _ configure: (inout Configuration) -> Void = { _ in }
  ) throws -> Lone {
    var lone = try candidate(id, of: count, term: term, log: terms, configure)
    for voter in 1...count where NodeID(voter) != id && lone.node.role == .candidate {
      lone(.receive(.vote(from: NodeID(voter), to: id, term: term)))
    }
    lone.persist()
    try #require(lone.node.role == .leader)
    lone.events = []
    return lone
  }

  /// Gives the node one input; gives back what is to be done, without events.
  @discardableResult
  mutating func callAsFunction(_ input: Input) -> [Action] {
    var buffer = ActionBuffer()
    let before = node.vitals
    node.step(input, into: &buffer)
    let broken = node.brokenInvariants(since: before)
    if !broken.isEmpty { Issue.record("after \(input): \(broken)") }
    var actions: [Action] = []
    while let action = buffer.next() {
      switch action {
      case .observe(let event): events.append(event)
      case .store(let write):
        owed.append(write.ticket)
        actions.append(action)
      case .send, .loadEntries, .loadSnapshotChunk, .storeSnapshotChunk, .installSnapshot,
        .apply, .readIsReady, .outcome:
        actions.append(action)
      }
    }
    return actions
  }

  /// Gives the receipts of all writes; gives back what follows.
  @discardableResult
  mutating func persist() -> [Action] {
    var actions: [Action] = []
    while !owed.isEmpty { actions += self(.persisted(owed.removeFirst())) }
    return actions
  }

  /// Gives ticks until one has a consequence, at most `limit`; gives back how many it took, and it.
  mutating func tickUntilSomething(_ limit: Int = 1_000) -> (ticks: Int, actions: [Action]) {
    for count in 1...limit {
      let actions = self(.tick)
      if !actions.isEmpty || !owed.isEmpty { return (count, actions) }
    }
    return (limit, [])
  }

  /// Gives so many ticks; gives back everything that came of it.
  @discardableResult
  mutating func tick(_ count: Int) -> [Action] {
    var actions: [Action] = []
    for _ in 0..<count { actions += self(.tick) }
    return actions
  }

  /// Lets these followers acknowledge everything in the leader's log; gives back what follows.
  @discardableResult
  mutating func acknowledge(by followers: NodeID...) -> [Action] {
    var actions: [Action] = []
    for follower in followers {
      actions += self(
        .receive(
          .accepted(
            from: follower, to: node.id, term: node.currentTerm, match: node.log.lastIndex)))
    }
    return actions
  }
}

extension [Action] {
  /// The messages among them.
  var messages: [Message] {
    compactMap { if case .send(let message) = $0 { message } else { nil } }
  }

  /// The answers among them.
  var outcomes: [String] {
    compactMap {
      if case .outcome(let request, let outcome) = $0 { "\(request) \(outcome.text)" } else { nil }
    }
  }
}

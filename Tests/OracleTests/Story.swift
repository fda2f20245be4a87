import Testing

@testable import Raft
@testable import RaftReplica
@testable import RaftSimulation

/// What a story says of a node. Nothing keeps it from lying.
struct Actor: ObservedNode {
  var id: NodeID
  var currentTerm = Term.zero
  var votedFor: NodeID?
  var role = RoleName.follower
  var commitIndex = LogIndex.zero
  var lastApplied = LogIndex.zero
  var lastPosition = LogPosition(term: .zero, index: .zero)
  var membership: Membership
  var membershipIndex = LogIndex.zero
  var isHalted = false
  var hasLease = false
  var handOver: HandOver?
  var uptime = Ticks.zero
  var longestStall: UInt64 = 20
}

/// A cluster that exists only in what is told of it.
struct Story {
  var oracles = Oracles()
  var nodes: [Actor] = []
  var tickets: [UInt64] = []
  let membership: Membership

  /// A cluster of this many voters in which nothing has happened.
  init(_ count: UInt64 = 3, learners: [UInt64] = [], witnesses: [UInt64] = []) throws {
    let voters = (1...count).filter { !learners.contains($0) }
    membership = try Membership(
      voters: voters.map { NodeID($0) }, learners: learners.map { NodeID($0) },
      witnesses: witnesses.map { NodeID($0) })
    for number in 1...count {
      nodes.append(Actor(id: NodeID(number), membership: membership))
      tickets.append(0)
      oracles.observeStart(of: nodes.last!, from: DurableState(bootstrapping: membership))
    }
  }

  /// What the oracles say, if anything: `S01.1`, for example.
  var verdict: String? {
    guard let breach = oracles.breach else { return nil }
    return "\(breach.property.id).\(breach.fingerprint.check)"
  }

  /// One step of a node: `change` says what is different after it.
  mutating func step(
    _ number: Int, _ input: Input = .tick, isDurable: Bool = true,
    _ change: (inout Actor, inout ActionBuffer) -> Void
  ) {
    var actions = ActionBuffer()
    change(&nodes[number - 1], &actions)
    // What is put into the lists themselves has not said so.
    actions.filled = .max
    if case .tick = input {
      nodes[number - 1].uptime = Ticks(nodes[number - 1].uptime.rawValue + 1)
    }
    for position in actions.stores.indices {
      tickets[number - 1] += 1
      if actions.stores[position].ticket == .zero {
        actions.stores[position].ticket = Ticket(tickets[number - 1])
      }
    }
    var input = CoreInput(input)
    oracles.observeStep(of: &nodes[number - 1], &input, &actions)
    if isDurable { sync(number) }
  }

  /// All that a node stored becomes durable.
  mutating func sync(_ number: Int) {
    oracles.becameDurable(NodeID(UInt64(number)), through: Ticket(tickets[number - 1]))
  }

  /// A node dies and comes back with what it finds.
  mutating func restart(_ number: Int, _ state: DurableState) {
    let id = NodeID(UInt64(number))
    oracles.crashed(id)
    oracles.recovered(id, state)
    tickets[number - 1] = 0
    var node = Actor(id: id, membership: membership)
    node.currentTerm = state.hardState.currentTerm
    node.votedFor = state.hardState.votedFor
    node.lastPosition =
      state.entries.isEmpty
      ? state.logStart
      : LogPosition(term: state.entries.lastTerm, index: state.entries.lastIndex)
    nodes[number - 1] = node
    oracles.observeStart(of: node, from: state)
  }

  /// These voters vote for the candidate in this term, durably; it stands itself.
  mutating func vote(_ candidate: Int, _ term: UInt64, by voters: [Int]) {
    for voter in voters {
      step(voter) { node, actions in
        node.currentTerm = Term(term)
        node.votedFor = NodeID(UInt64(candidate))
        node.role = .follower
        actions.stores.append(.of(node))
      }
    }
  }

  /// An election as it should be: votes of these, then a leader with its empty entry.
  mutating func elect(_ number: Int, _ term: UInt64, by voters: [Int]) {
    vote(number, term, by: voters)
    step(number) { node, actions in
      node.role = .leader
      actions.stores.append(node.append([.noOperation(term)]))
    }
  }

  /// A follower stores the same entries as the leader.
  mutating func replicate(_ entries: [TestEntry], to followers: [Int], _ term: UInt64) {
    for follower in followers {
      step(follower) { node, actions in
        node.currentTerm = Term(term)
        node.role = .follower
        if node.votedFor == nil || term > node.currentTerm.rawValue { node.votedFor = nil }
        actions.stores.append(node.append(entries))
      }
    }
  }

  /// A node's commit index moves.
  mutating func commit(_ number: Int, _ index: UInt64) {
    step(number) { node, _ in node.commitIndex = LogIndex(index) }
  }

  /// Three nodes, n1 leads term 1 and has committed its first entry and one command.
  static func withCommitted() throws -> Story {
    var story = try Story()
    story.elect(1, 1, by: [1, 2])
    story.step(1) { node, actions in
      actions.stores.append(node.append([.command(1, 7)]))
    }
    story.replicate([.noOperation(1), .command(1, 7)], to: [2], 1)
    story.commit(1, 2)
    return story
  }
}

/// An entry in a story.
enum TestEntry {
  case noOperation(UInt64)
  case command(UInt64, UInt8)
  case membership(UInt64, UInt8)

  var term: UInt64 {
    switch self {
    case .noOperation(let term), .command(let term, _), .membership(let term, _): term
    }
  }

  func run(at index: UInt64) -> EntryRun {
    switch self {
    case .noOperation(let term):
      EntryRun(
        firstIndex: LogIndex(index), term: Term(term), kind: .noOperation,
        block: EntryBlock([] as [UInt8]))
    case .command(let term, let byte):
      EntryRun(firstIndex: LogIndex(index), term: Term(term), block: EntryBlock([byte]))
    case .membership(let term, let byte):
      EntryRun(
        firstIndex: LogIndex(index), term: Term(term), kind: .membership,
        block: EntryBlock([byte]))
    }
  }
}

extension Actor {
  /// Appends entries to the node's log and says how that is written.
  mutating func append(_ entries: [TestEntry], truncatingFrom: UInt64? = nil) -> StorageWrite {
    if let truncatingFrom { lastPosition.index = LogIndex(truncatingFrom - 1) }
    var runs: [EntryRun] = []
    for entry in entries {
      let index = lastPosition.index.rawValue + 1
      runs.append(entry.run(at: index))
      lastPosition = LogPosition(term: Term(entry.term), index: LogIndex(index))
    }
    var write = StorageWrite.of(self)
    write.truncateFrom = truncatingFrom.map { LogIndex($0) }
    write.entries = Entries(runs) ?? .none
    return write
  }
}

extension StorageWrite {
  /// A write of the hard state alone; the story numbers it.
  static func of(_ node: Actor) -> StorageWrite {
    StorageWrite(
      ticket: .zero,
      hardState: HardState(
        currentTerm: node.currentTerm, votedFor: node.votedFor, commitIndex: .zero),
      isHardStateChanged: true, truncateFrom: nil, entries: .none, snapshot: nil)
  }
}

// The least that a host of the core can be: nodes in one process that hand each other their
// messages, a disk that answers at once, and a state machine that only looks at what it is given.
// It is what `bench core` measures with, and an example to begin a host of your own from.
//
// All of it is structs with mutating methods. A class or an actor that keeps a node should own one
// such struct and enter it once for each event: each separate touch of a class's stored property is
// checked for exclusive access while the program runs, and a step is shorter than that.

import Raft

/// One node with what belongs to it: its disk, which is the node's own log, and its state machine.
struct MinimalReplica {
  private(set) var node: RaftNode
  private(set) var machine = MinimalMachine()
  /// How many entries are applied between two snapshots, by which the log is kept short.
  private let snapshotInterval: UInt64 = 8_192
  private var nextSnapshot: UInt64 = 8_192

  init(_ node: RaftNode) { self.node = node }

  /// Gives the node one input, and does what it wants done at home: writes and applies. Each answer
  /// may lead to more of either. What is to be sent stays in the buffer.
  ///
  /// To be inlined, so that no `Input` is made where it is known which.
  @inline(__always)
  mutating func step(_ input: consuming Input, _ actions: inout ActionBuffer) {
    node.step(input, into: &actions)
    if actions.hasHomeWork { work(&actions) }
  }

  /// Gives the node a message, whose entries may move into its log.
  @inline(__always)
  mutating func receive(_ message: inout Message, _ actions: inout ActionBuffer) {
    node.receive(&message, into: &actions)
    if actions.hasHomeWork { work(&actions) }
  }

  /// Gives the node a proposal, whose commands may move into its log.
  @inline(__always)
  mutating func propose(
    _ request: RequestID, _ commands: __owned EntryBlock, _ actions: inout ActionBuffer
  ) {
    node.propose(request, commands, into: &actions)
    if actions.hasHomeWork { work(&actions) }
  }

  @inline(never)
  private mutating func work(_ actions: inout ActionBuffer) {
    repeat {
      while let write = actions.popWrite() {
        // A real host appends `node.entries(of: write)` to its log file here, and answers after
        // the sync. In memory the node's log has them already.
        node.step(.persisted(write.ticket), into: &actions)
      }
      while let range = actions.popRange() {
        machine.apply(range, of: node)
        node.step(.applied(through: range.last), into: &actions)
        if range.last.rawValue >= nextSnapshot {
          // A real host writes its state machine to a file first.
          nextSnapshot = range.last.rawValue + snapshotInterval
          node.step(.snapshotTaken(through: range.last), into: &actions)
        }
      }
    } while actions.hasHomeWork
  }
}

/// What stands for a state machine: it counts the entries and looks at each command.
struct MinimalMachine {
  /// Entries that were applied.
  private(set) var applied = 0
  /// The sum of the first bytes of all commands.
  private(set) var checksum: UInt64 = 0

  /// Takes committed entries where they stand in the node's log.
  @inline(__always)
  mutating func apply(_ range: LogRange, of node: borrowing RaftNode) {
    var sum = checksum
    let isThere = node.forEachCommand(in: range) { sum &+= UInt64($0.first ?? 0) }
    precondition(isThere, "entries to apply are gone from the log")
    applied += Int(range.last.rawValue - range.first.rawValue) + 1
    checksum = sum
  }
}

/// A cluster whose network never loses a message and whose disks never wait.
struct MinimalHost {
  private(set) var replicas: [MinimalReplica]
  /// What the nodes want done; one for all, kept from step to step, so that a step allocates
  /// nothing here.
  private var actions = ActionBuffer(isObserving: false, isReadingLog: true)
  /// The messages that are being delivered; kept for its memory.
  private var mail = ActionList<Message>()
  /// The position of the leader in `replicas`.
  private(set) var leader = 0
  /// Outcomes that said committed.
  private(set) var committed = 0
  private var nextRequest: UInt64 = 0

  /// Entries given to the state machines, of all nodes together.
  var applied: Int { replicas.reduce(0) { $0 + $1.machine.applied } }
  /// The state machines' checksums, added.
  var checksum: UInt64 { replicas.reduce(0) { $0 &+ $1.machine.checksum } }

  /// A new cluster of so many voters that has elected its first node.
  init(count: Int, configure: (inout Configuration) -> Void = { _ in }) throws {
    let voters = (1...UInt64(count)).map { NodeID($0) }
    let membership = try Membership(voters: voters)
    replicas = []
    for id in voters {
      var configuration = Configuration(id: id, seed: id.rawValue)
      configure(&configuration)
      replicas.append(
        MinimalReplica(
          try RaftNode(configuration, restoring: DurableState(bootstrapping: membership))))
    }
    replicas[leader].step(.campaign, &actions)
    settle()
  }

  /// Proposes commands to the leader, and does all that follows from it on all nodes.
  mutating func propose(_ commands: __owned EntryBlock) {
    nextRequest += 1
    replicas[leader].propose(RequestID(nextRequest), commands, &actions)
    settle()
  }

  /// Lets one tick of time pass on every node.
  mutating func tick() {
    for position in replicas.indices { replicas[position].step(.tick, &actions) }
    settle()
  }

  /// Delivers messages until there are none, and tells what became of the requests.
  mutating func settle() {
    while !actions.sends.isEmpty {
      actions.takeSends(into: &mail)
      mail.deliver { message in
        replicas[Int(message.to.rawValue) - 1].receive(&message, &actions)
      }
    }
    for place in actions.outcomes.indices {
      if case .committed = actions.outcomes[place].outcome { committed += 1 }
    }
    actions.removeAll()
  }
}

// The least that a host of the core can be: nodes in one process that hand each other their
// messages, a disk that answers at once, and a state machine that only looks at what it is given.
// It is what `bench core` measures with, and an example to begin a host of your own from.
//
// All of it is structs with mutating methods. A class or an actor that keeps a node should own one
// such struct and enter it once for each event: each separate touch of a class's stored property is
// checked for exclusive access while the program runs, and a step is shorter than that.

import Raft

/// One node with what belongs to it: what it wants done, its disk, its state machine.
struct MinimalReplica {
  private(set) var node: RaftNode
  /// What the node wants done; kept from step to step, so that a step allocates nothing here.
  fileprivate var outbox = ActionBuffer(isObserving: false)

  private(set) var machine = MinimalMachine()
  /// The entries that are being applied; kept for its memory.
  private var spare = ActionList<Entries>()
  /// How many entries are applied between two snapshots, by which the log is kept short.
  private let snapshotInterval: UInt64 = 8_192
  private var nextSnapshot: UInt64 = 8_192

  init(_ node: RaftNode) { self.node = node }

  /// Gives the node one input. To be inlined, so that no `Input` is made where it is known which.
  @inline(__always)
  mutating func step(_ input: Input) { node.step(input, into: &outbox) }

  /// Does what the node wants done at home: writes and applies. Each answer may lead to more of
  /// either, so both lists are read to an end that moves. What is to be sent goes into `mail`.
  ///
  /// - Returns: how many requests were told that they are committed.
  mutating func work(_ mail: inout ActionList<Message>) -> Int {
    var stores = 0
    while true {
      if stores < outbox.stores.count {
        // A real host appends the write to its log file here and answers after the sync.
        let ticket = outbox.stores[stores].ticket
        stores += 1
        node.step(.persisted(ticket), into: &outbox)
      } else if !outbox.applies.isEmpty {
        applyAll()
      } else {
        break
      }
    }
    var committed = 0
    for place in outbox.outcomes.indices {
      if case .committed = outbox.outcomes[place].outcome { committed += 1 }
    }
    outbox.takeSends(into: &mail)
    outbox.removeAll()
    return committed
  }

  private mutating func applyAll() {
    var entries = ActionList<Entries>()
    swap(&entries, &spare)
    outbox.takeApplies(into: &entries)
    entries.drain {
      let last = machine.apply($0)
      node.step(.applied(through: last), into: &outbox)
      if last.rawValue >= nextSnapshot {
        // A real host writes its state machine to a file first.
        nextSnapshot = last.rawValue + snapshotInterval
        node.step(.snapshotTaken(through: last), into: &outbox)
      }
    }
    swap(&entries, &spare)
  }
}

/// What stands for a state machine: it counts the entries and looks at each command.
struct MinimalMachine {
  /// Entries that were applied.
  private(set) var applied = 0
  /// The sum of the first bytes of all commands.
  private(set) var checksum: UInt64 = 0

  /// - Returns: the index of the last of the entries.
  mutating func apply(_ entries: borrowing Entries) -> LogIndex {
    applied += entries.count
    var sum = checksum
    entries.forEachCommand { sum &+= UInt64($0.first ?? 0) }
    checksum = sum
    return entries.lastIndex
  }
}

/// A cluster whose network never loses a message and whose disks never wait.
struct MinimalHost {
  private(set) var replicas: [MinimalReplica]
  /// The messages that are being delivered; kept for its memory.
  private var spare = ActionList<Message>()
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
    replicas[leader].step(.campaign)
    settle()
  }

  /// Proposes commands to the leader, and does all that follows from it on all nodes.
  mutating func propose(_ commands: EntryBlock) {
    nextRequest += 1
    let proposal = Proposal(RequestID(nextRequest), commands)
    replicas[leader].step(.propose(proposal))
    settle()
  }

  /// Lets one tick of time pass on every node.
  mutating func tick() {
    for position in replicas.indices {
      replicas[position].step(.tick)
    }
    settle()
  }

  /// Does what the nodes want done until they want nothing more.
  mutating func settle() {
    var mail = ActionList<Message>()
    swap(&mail, &spare)
    var quiet = 0
    var position = 0
    while quiet < replicas.count {
      if replicas[position].outbox.isEmpty {
        quiet += 1
      } else {
        quiet = 0
        drain(position, &mail)
      }
      position = position + 1 < replicas.count ? position + 1 : 0
    }
    swap(&mail, &spare)
  }

  /// Does what one node wants done.
  private mutating func drain(_ position: Int, _ mail: inout ActionList<Message>) {
    committed += replicas[position].work(&mail)
    mail.drain { message in
      let receiver = Int(message.to.rawValue) - 1
      replicas[receiver].step(.receive(message))
    }
  }
}

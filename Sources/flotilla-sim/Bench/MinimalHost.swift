// The least that a host of the core can be: nodes in one process that hand each other their
// messages, a disk that answers at once, and a state machine that only looks at what it is given.
// It is what `bench core` measures with, and an example to begin a host of your own from.
//
// All of it is one struct with mutating methods. A class or an actor that keeps a node should own
// one such struct and enter it once for each event: each separate touch of a class's stored
// property is checked for exclusive access while the program runs, and a step is shorter than that.

import Raft

/// A cluster whose network never loses a message and whose disks never wait.
struct MinimalHost {
  private(set) var nodes: [RaftNode]
  /// What each node wants done; kept from step to step, so that a step allocates nothing here.
  private var outboxes: [ActionBuffer]
  /// The position of the leader in `nodes`.
  private(set) var leader = 0

  /// Outcomes that said committed.
  private(set) var committed = 0
  /// Entries given to the state machines, of all nodes together.
  private(set) var applied = 0
  /// Stands for what a state machine would do: the sum of the first bytes of all commands.
  private(set) var checksum: UInt64 = 0

  /// How many entries are applied between two snapshots, by which logs are kept short.
  private let snapshotInterval: UInt64 = 8_192
  private var nextSnapshot: [UInt64]
  private var nextRequest: UInt64 = 0

  /// A new cluster of so many voters that has elected its first node.
  init(count: Int, configure: (inout Configuration) -> Void = { _ in }) throws {
    let voters = (1...UInt64(count)).map { NodeID($0) }
    let membership = try Membership(voters: voters)
    nodes = []
    for id in voters {
      var configuration = Configuration(id: id, seed: id.rawValue)
      configure(&configuration)
      nodes.append(
        try RaftNode(configuration, restoring: DurableState(bootstrapping: membership)))
    }
    outboxes = Array(repeating: ActionBuffer(isObserving: false), count: count)
    nextSnapshot = Array(repeating: snapshotInterval, count: count)
    step(.campaign, at: leader)
    settle()
  }

  /// Proposes commands to the leader, and does all that follows from it on all nodes.
  mutating func propose(_ commands: EntryBlock) {
    nextRequest += 1
    step(.propose(Proposal(RequestID(nextRequest), commands)), at: leader)
    settle()
  }

  /// Lets one tick of time pass on every node.
  mutating func tick() {
    for position in nodes.indices { step(.tick, at: position) }
    settle()
  }

  /// Gives one input to one node.
  mutating func step(_ input: Input, at position: Int) {
    nodes[position].step(input, into: &outboxes[position])
  }

  /// Does what the nodes want done until they want nothing more.
  mutating func settle() {
    var isQuiet = false
    while !isQuiet {
      isQuiet = true
      for position in nodes.indices where !outboxes[position].isEmpty {
        drain(position)
        isQuiet = false
      }
    }
  }

  /// Does what one node wants done. Its answers may add to the lists while they are read, so each
  /// list is read to an end that moves.
  private mutating func drain(_ position: Int) {
    var stores = 0
    var sends = 0
    var applies = 0
    repeat {
      while stores < outboxes[position].stores.count {
        // A real host appends the write to its log file here and answers after the sync.
        let ticket = outboxes[position].stores[stores].ticket
        stores += 1
        step(.persisted(ticket), at: position)
      }
      while sends < outboxes[position].sends.count {
        let message = outboxes[position].sends[sends]
        sends += 1
        step(.receive(message), at: Int(message.to.rawValue) - 1)
      }
      while applies < outboxes[position].applies.count {
        let last = apply(outboxes[position].applies[applies])
        applies += 1
        step(.applied(through: last), at: position)
        if last.rawValue >= nextSnapshot[position] {
          // A real host writes its state machine to a file first.
          nextSnapshot[position] = last.rawValue + snapshotInterval
          step(.snapshotTaken(through: last), at: position)
        }
      }
    } while stores < outboxes[position].stores.count || sends < outboxes[position].sends.count
      || applies < outboxes[position].applies.count
    for answer in outboxes[position].outcomes {
      if case .committed = answer.outcome { committed += 1 }
    }
    outboxes[position].removeAll()
  }

  private mutating func apply(_ entries: Entries) -> LogIndex {
    for number in 0..<entries.runCount {
      let run = entries.run(number)
      applied += run.count
      guard run.kind == .command else { continue }
      run.forEachPayload { checksum &+= UInt64($0.first ?? 0) }
    }
    return entries.lastIndex
  }
}

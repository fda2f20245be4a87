// What the oracles look at in a node, and what they remember of it.

import Raft

/// What the oracles look at in a node after a step. Tests tell false stories through it.
protocol ObservedNode {
  var id: NodeID { get }
  var currentTerm: Term { get }
  var votedFor: NodeID? { get }
  var role: RoleName { get }
  var commitIndex: LogIndex { get }
  var lastApplied: LogIndex { get }
  var lastPosition: LogPosition { get }
  var membership: Membership { get }
  var membershipIndex: LogIndex { get }
  var isHalted: Bool { get }
  var hasLease: Bool { get }
  var uptime: Ticks { get }
  /// The transfer of its leadership that it has begun, if any.
  var handOver: HandOver? { get }
  /// For how many ticks it may lead while its disk leaves a write unanswered.
  var longestStall: UInt64 { get }
}

/// What the oracles remember of one node, across its lives.
struct NodeView: Sendable {
  /// How often the node was started.
  var life: UInt32 = 0
  var isUp = false
  var isHalted = false

  // As of the last step.
  var currentTerm: UInt64 = 0
  var votedFor: UInt64 = 0
  var role = RoleName.follower
  var commitIndex: UInt64 = 0
  var membership = Membership.none
  var membershipIndex: UInt64 = 0
  var isHandingOver = false

  /// The node's own account of that state, for its invariants.
  var vitals: Vitals?

  /// All storage writes asked for, as they amount to a log.
  var issued = StoredLog()
  /// Those that are on the disk.
  var durable = StoredLog()
  /// Those that are not yet on the disk, in order, from `pendingStart` on.
  var pending: [StorageWrite] = []
  var pendingStart = 0
  var lastTicket: UInt64 = 0
  /// Through which ticket the disk has the writes of this life.
  var durableTicket: UInt64 = 0

  /// The log that a damaged disk once held, as long as its node is out: it votes for nobody
  /// meanwhile, so that what was committed with it stays committed.
  var promised: StoredLog?
  /// The requests of this life, by the core's names.
  var requests = Chunked<RequestRecord>(filler: RequestRecord())

  /// The node's ticks at its last step that was seen, and when the oldest pending write became so.
  var ticks: UInt64 = 0
  var pendingSince: UInt64 = 0

  /// How far entries were given out to be applied.
  var appliedIndex: UInt64 = 0
  /// How far the machine has applied them.
  var machineIndex: UInt64 = 0
  /// What was told to the leader of `acknowledgedTerm` to match and to be durable.
  var acknowledgedTerm: UInt64 = 0
  var acknowledgedIndex: UInt64 = 0

  /// The candidate that has this node's durable vote, by term; zero for none.
  var votes = Chunked<UInt64>(filler: 0)

  // For situations only.
  var lastGrantedTerm: UInt64 = 0
  var newestRound: UInt64 = 0
  var hasPartialSnapshot = false
  var isStreamedTo = false
  var isWindowFull = false

  init() {}

  /// Notes what the next step is compared with.
  @inline(__always)
  mutating func remember<Node: ObservedNode>(_ node: inout Node) {
    currentTerm = node.currentTerm.rawValue
    votedFor = node.votedFor?.rawValue ?? 0
    role = node.role
    commitIndex = node.commitIndex.rawValue
    isHalted = node.isHalted
  }

  /// The oldest pending write is on the disk.
  mutating func settleOldest() {
    durable.apply(pending[pendingStart])
    pendingStart += 1
  }

  /// No write is pending any more.
  mutating func forgetSettled() {
    // One by one: for so few that is quicker.
    while !pending.isEmpty { pending.removeLast() }
    pendingStart = 0
  }

  /// Whether the node's disk has the entry, or had it when it was damaged.
  func holds(_ index: UInt64, term: UInt64) -> Bool {
    durable.holds(index, term: term) || promised?.holds(index, term: term) ?? false
  }
}

/// A request and how far it was answered.
struct RequestRecord: BitwiseCopyable, Sendable {
  enum Kind: UInt8, BitwiseCopyable, Sendable {
    case none = 0
    case proposal
    case change
    case read
    case leaseRead
    case transfer
    case stop
  }

  enum Stage: UInt8, BitwiseCopyable, Sendable {
    case asked = 0
    case accepted
    case answered
  }

  var kind = Kind.none
  var stage = Stage.asked
  var node: UInt16 = 0
  var life: UInt32 = 0
  /// Copies asked for by the write concern.
  var copies: UInt32 = 0
  /// What was committed when the request came.
  var floor: UInt64 = 0
  /// The hash of the last command.
  var content: UInt64 = 0
  var acceptedIndex: UInt64 = 0
  var acceptedTerm: UInt64 = 0
  /// The term that the node led when it was asked; zero if it led none.
  var termLed: UInt64 = 0
}

// A seed expands to a plan, and a plan to one run and no other. The plan is data: it can be written
// down, changed by hand and made smaller.

/// Everything that decides a run.
public struct Plan: Hashable, Sendable {
  /// The seed of all draws that the plan leaves open: delays, losses, timeouts.
  public var seed: UInt64
  /// What the plan was drawn for.
  public var scenario: Scenario
  /// The nodes.
  public var cluster: ClusterPlan
  /// The settings of the consensus core, the same on all nodes.
  public var node: NodeSettings
  /// How links behave where no fault says otherwise.
  public var network: NetworkSettings
  /// How storage behaves where no fault says otherwise.
  public var storage: StorageSettings
  /// The clock of each node, in the order of `cluster`'s nodes: voters, then spares.
  public var clocks: [ClockSettings]
  /// What clients do.
  public var workload: WorkloadSettings
  /// Which operations clients begin, and when; `nil` if they go on one after the other until there
  /// were as many as `workload` says. Sorted by start.
  public var operations: [PlannedOperation]?
  /// What goes wrong, sorted by start.
  public var faults: [PlannedFault]
  /// How long faults may strike. Unit: virtual nanoseconds. Then all is healed.
  public var duration: UInt64
}

/// The nodes of a run. Numbers count from 1 without a gap.
public struct ClusterPlan: Hashable, Sendable {
  /// How many nodes vote at the start: the nodes 1 to `voters`. At most 9.
  public var voters: UInt64
  /// How many of the voters are witnesses: the last ones. Fewer than half of them.
  public var witnesses: UInt64
  /// How many nodes are learners at the start: those after the voters.
  public var learners: UInt64
  /// How many nodes run without knowing anybody, to be added later: those after the learners.
  public var spares: UInt64

  /// How many nodes there are in all.
  public var count: Int { Int(voters + learners + spares) }

  /// A cluster.
  public init(voters: UInt64, witnesses: UInt64 = 0, learners: UInt64 = 0, spares: UInt64 = 0) {
    self.voters = voters
    self.witnesses = witnesses
    self.learners = learners
    self.spares = spares
  }
}

/// The settings of the core, as in `Configuration`; all nodes get the same but for priority.
public struct NodeSettings: Hashable, Sendable {
  /// Unit: ticks.
  public var heartbeatTicks: UInt64 = 2
  /// Unit: ticks.
  public var electionTimeoutTicks: UInt64 = 10
  /// Whether to ask before standing for election.
  public var isPreVoteEnabled = true
  /// Whether a leader that hears of no majority steps down.
  public var isCheckQuorumEnabled = true
  /// The bound on clock drift under which leases are used; `nil` for no leases. Per thousand.
  public var leaseDriftPerMille: UInt64?
  /// Whether nodes differ in how eager they are to lead: the later ones less.
  public var isPriorityMixed = false
  /// Unit: entries.
  public var maximumEntriesPerMessage: UInt64 = 1_024
  /// Unit: bytes.
  public var maximumBytesPerMessage: UInt64 = 4 << 20
  /// Unit: entries.
  public var maximumEntriesInFlight: UInt64 = 8_192
  /// Unit: bytes.
  public var maximumBytesInFlight: UInt64 = 16 << 20
  /// Unit: entries.
  public var maximumUncommittedEntries: UInt64 = 65_536
  /// Unit: entries.
  public var retainedEntries: UInt64 = 64
  /// Unit: bytes.
  public var maximumBytesInMemory: UInt64 = .max
  /// Unit: bytes.
  public var snapshotChunkBytes: UInt64 = 4_096
  /// Unit: entries.
  public var maximumLearnerLag: UInt64 = 256
  /// Unit: ticks.
  public var diskStallTicks: UInt64 = 50
  /// After how many ticks without work a group slows down; `nil` for never.
  public var quiescenceTicks: UInt64?
  /// By how much it then slows down.
  public var quiescenceFactor: UInt64 = 4
  /// After how many applied entries a node takes a snapshot; 0 for never.
  public var snapshotThreshold: UInt64 = 0

  /// Settings with the defaults.
  public init() {}
}

/// How links behave.
public struct NetworkSettings: Hashable, Sendable {
  /// Messages lost, of a million.
  public var lossPerMillion: UInt64 = 0
  /// Messages that arrive twice, of a million.
  public var duplicatePerMillion: UInt64 = 0
  /// The shortest time that a message takes. Unit: nanoseconds.
  public var minimumDelay: UInt64 = 500_000
  /// By how much messages take longer: uniform below this. Unit: nanoseconds.
  public var delaySpread: UInt64 = 1_000_000
  /// Messages that take `slowFactor` times as long, of a million.
  public var slowPerMillion: UInt64 = 0
  /// How many times as long those take.
  public var slowFactor: UInt64 = 20
  /// Whether messages between two nodes keep their order.
  public var isOrdered = false

  /// Links with the defaults: quick and reliable.
  public init() {}
}

/// How storage behaves.
public struct StorageSettings: Hashable, Sendable {
  /// The shortest time that a sync takes. Unit: nanoseconds.
  public var minimumSync: UInt64 = 200_000
  /// By how much syncs take longer: uniform below this. Unit: nanoseconds.
  public var syncSpread: UInt64 = 400_000
  /// Results of the disk's jobs that come later, and in another order, of a million.
  public var lateReceiptPerMillion: UInt64 = 0
  /// How late those come at the latest. Unit: nanoseconds.
  public var receiptDelay: UInt64 = 0
  /// By how much writing a piece of a snapshot takes longer: uniform below this. Unit: nanoseconds.
  public var snapshotDelay: UInt64 = 1_000_000
  /// By how much reading takes longer. Unit: nanoseconds.
  public var readDelay: UInt64 = 0
  /// How long a segment of a journal is. Unit: bytes.
  public var segmentBytes: UInt64 = 16_384
  /// How many syncs of a journal may be under way at the same time.
  public var syncsInFlight: UInt64 = 1
  /// The node whose disk may lose what it held, so that its peers must repair it; 0 for none. There
  /// is one at most: of what is on a majority one more loss could take the last copy.
  public var damagedNode: UInt64 = 0
  /// In how large pieces snapshots are written and read. Unit: bytes.
  public var pieceBytes: UInt64 = 4_096

  /// Storage with the defaults.
  public init() {}
}

/// The clock of one node.
public struct ClockSettings: Hashable, Sendable {
  /// How long a tick lasts on a clock that goes right. Unit: nanoseconds.
  public var tick: UInt64 = 10_000_000
  /// How fast the clock is: a tick lasts this many millionths of `tick`.
  public var ratePerMillion: UInt64 = 1_000_000
  /// When the first tick comes, and how far the host's clock on the wall is ahead of true time.
  /// Unit: nanoseconds.
  public var offset: UInt64 = 0

  /// A clock with the defaults.
  public init() {}
}

/// What clients do.
public struct WorkloadSettings: Hashable, Sendable {
  /// How many clients there are; each has one operation under way at a time.
  public var clients: UInt64 = 2
  /// How many operations they begin in all before the healing.
  public var operations: UInt64 = 100
  /// How long a client waits between operations, up to this. Unit: nanoseconds.
  public var pause: UInt64 = 10_000_000
  /// How long a client waits for an answer before it asks again. Unit: nanoseconds.
  public var timeout: UInt64 = 500_000_000
  /// How many bytes of ballast a written value or message has, beyond the 8 that make it unique.
  public var valueBytes: UInt64 = 0
  /// Which machines are asked for something, and how often.
  public var mix = WorkloadMix(keyValue: 1, ledger: 1, topics: 1, clock: 1)
  /// How many keys there are.
  public var keys: UInt64 = 8
  /// How many accounts there are, beside two for holds.
  public var accounts: UInt64 = 4
  /// How many topics there are.
  public var topics: UInt64 = 2
  /// Operations that read, of a million.
  public var readsPerMillion: UInt64 = 300_000
  /// Reads that are content with a lease, of a million.
  public var leaseReadsPerMillion: UInt64 = 0
  /// Reads that any node may answer, once the leader has said how far it must have come, of a
  /// million.
  public var followerReadsPerMillion: UInt64 = 0
  /// Reads that any node answers as it is, of a million; the three shares together are a million at
  /// most.
  public var staleReadsPerMillion: UInt64 = 0
  /// Requests that go to any node and not to the leader, of a million.
  public var strayPerMillion: UInt64 = 50_000
  /// Writes that ask for more copies than a majority, of a million.
  public var concernPerMillion: UInt64 = 0
  /// Requests that come with a deadline, of a million.
  public var deadlinesPerMillion: UInt64 = 0
  /// Clients that ask without a session, so that they may not ask again, of a million.
  public var sessionlessPerMillion: UInt64 = 0
  /// Answers that get lost on the way to the client, of a million.
  public var lostAnswersPerMillion: UInt64 = 0
  /// How many clients share one session, as the threads of a program do, so that as many commands
  /// of it may be under way at once. They also crash together.
  public var clientsPerSession: UInt64 = 1

  /// Clients with the defaults.
  public init() {}
}

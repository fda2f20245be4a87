// Figure 2: the state of a server. Everything that a node knows is in this value.

/// One node of a cluster: the whole protocol of Raft as a value, without a clock, a thread or I/O.
///
/// A host gives inputs to `step(_:into:)` and does what the actions say. Copying a node is a
/// checkpoint; two copies given the same inputs stay equal.
///
/// ```swift
/// var node = try RaftNode(Configuration(id: NodeID(1), seed: 7), restoring: state)
/// var actions = ActionBuffer()
/// node.step(.tick, into: &actions)
/// while let action = actions.next() { perform(action) }
/// ```
public struct RaftNode: Sendable, Hashable {
  /// The settings.
  public let configuration: Configuration

  // MARK: Persistent state on all servers

  /// Latest term server has seen (initialized to 0 on first boot, increases monotonically).
  public internal(set) var currentTerm: Term
  /// Candidate that received vote in current term, or none.
  public internal(set) var votedFor: NodeID?
  /// The log entries.
  public internal(set) var log: RaftLog
  /// The newest snapshot; `lastIncluded` is at or after the log's beginning.
  public internal(set) var snapshot: SnapshotMetadata

  // MARK: Volatile state on all servers

  /// Index of highest log entry known to be committed.
  public internal(set) var commitIndex: LogIndex
  /// Index of highest log entry applied to state machine, as the host has said.
  public internal(set) var lastApplied: LogIndex
  /// The leader of `currentTerm`, if this node knows it.
  public internal(set) var leaderID: NodeID?
  /// Storage failed; nothing is done any more.
  public internal(set) var isHalted = false

  var state = Role.follower {
    didSet {
      role = state.name
      isLeader = role == .leader
    }
  }
  @usableFromInline var memberships: MembershipHistory
  var storage: StorageStream
  var random: RandomSource
  var leader = LeaderState()

  /// Ticks since the start.
  var now: UInt64 = 0
  /// Ticks since the election timer was last reset, and the drawn length of this wait.
  var electionElapsed: UInt64 = 0
  var electionWait: UInt64 = 0
  /// Until when no other leader is helped into office, and who may be all the same.
  var loyalUntil: UInt64 = 0
  var loyalTo: NodeID?
  /// Until when no vote is given, because of what was promised before the restart.
  var votesWithheldUntil: UInt64 = 0
  /// The group is idle and clocks are stretched.
  var isQuiescent = false
  /// The node may be elected: a voter that holds commands and has nothing left to install.
  var isPromotable = false
  var isSelfWitness = false
  var isSelfMember = false

  // MARK: Following

  /// How far the log is known to match that of the leader of this term.
  var verifiedIndex: LogIndex
  /// The newest round that came from the leader of this term.
  var leaderRound: UInt64 = 0
  /// The leader waits for an acknowledgement that waits for the disk.
  var isAcknowledgementOwed = false
  var incoming: IncomingSnapshot?
  /// A received snapshot whose marker is not durable, or that the host has not installed.
  var installing: PendingInstall? { didSet { isInstalling = installing != nil } }
  private(set) var isInstalling = false

  // MARK: Clients

  /// Everything through this one was handed out to be applied.
  var handedToApply: LogIndex
  var clients = ClientRequests()

  /// This node.
  public var id: NodeID { configuration.id }
  /// The role, without what belongs to it.
  public private(set) var role = RoleName.follower
  /// How long this life of the node has lasted.
  public var uptime: Ticks { Ticks(now) }
  /// Whether this node leads.
  public internal(set) var isLeader = false
  /// The membership in force: the newest in the log (§6).
  @inlinable public var membership: Membership { memberships.current.membership }
  /// The index of the entry that the membership in force came from.
  @inlinable public var membershipIndex: LogIndex { memberships.currentIndex }
  /// Whether this node holds entries without their commands, so that nothing is applied here.
  ///
  /// A node that joins as a witness becomes one with the first entry that comes so, and stays one
  /// when it is removed. A snapshot has no bytes just if its own membership calls the node a
  /// witness.
  public var isWitness: Bool { isSelfWitness }
  /// How far the log is durable here.
  public var durableIndex: LogIndex { storage.durableIndex }
  /// What the leader knows of the others; empty unless this node leads.
  public var progress: [Progress] { leader.progress }
  /// Whether this node is handing leadership over.
  public var isTransferring: Bool { leader.transfer != nil }
  /// Whether clocks are stretched because there is nothing to do.
  public var isIdle: Bool { isQuiescent }
  /// The newest ticket given out.
  public var lastTicket: Ticket { storage.lastTicket }
  /// Every write through this one is known to be durable.
  public var durableTicket: Ticket { storage.durableTicket }

  /// Starts a node from what its storage holds.
  ///
  /// - Throws: `RestoreError` if the settings or the state cannot be used. Nothing is repaired.
  /// - Complexity: O(entries).
  public init(
    _ configuration: Configuration, restoring state: DurableState
  ) throws(RestoreError) {
    do { self.configuration = try configuration.validated() } catch { throw .configuration(error) }
    let restored = try RaftNode.restore(state)
    currentTerm = state.hardState.currentTerm
    votedFor = state.hardState.votedFor
    log = restored.log
    snapshot = state.snapshot
    memberships = restored.memberships
    let begin = state.snapshot.lastIncluded.index
    commitIndex = max(begin, min(state.hardState.commitIndex, restored.log.lastIndex))
    lastApplied = begin
    handedToApply = begin
    verifiedIndex = commitIndex
    storage = StorageStream(durableIndex: restored.log.lastIndex)
    // Not the exclusive or of two mixed numbers: it is zero for every node whose seed is its id.
    random = RandomSource(
      seed: RandomSource.mix(configuration.seed) &+ configuration.id.rawValue)
    if let partial = state.partialSnapshot, partial.metadata.lastIncluded.index > commitIndex {
      incoming = IncomingSnapshot(metadata: partial.metadata, nextOffset: partial.bytesStored)
    }
    if configuration.leaseDriftPerMille != nil && currentTerm > .zero {
      votesWithheldUntil = configuration.electionTimeoutTicks.rawValue
    }
    isSelfWitness =
      restored.log.holdsElided || state.snapshot.membership.isWitness(configuration.id)
    membershipBecameActive()
    resetElectionTimer()
  }
}

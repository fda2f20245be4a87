// The core, its journal, the sessions and the machine as one machine: thesis §5 and §6 put
// together with Figure 2. What the simulator torments is what a real host runs.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

/// One replica of a state machine: a value without I/O.
///
/// A host gives inputs to `step(_:into:)` and does what the actions say. Its whole duty:
///
/// 1. It has each disk job carried out by `Disk.perform`, jobs of one lane in their order, and
///    gives each result back, once.
/// 2. It sends what is to be sent, or not, and gives a tick from time to time.
/// 3. It ends the process at `ReplicaEvent.failed`.
///
/// Copying a replica is a checkpoint: two copies that are given the same inputs do the same.
///
/// Invariants: a request gets exactly one reply; nothing is replied as applied before it is
/// committed, durable on a majority, and applied here; the machine holds exactly the entries
/// through `machine.applied`.
public struct Replica<Machine: StateMachine>: Sendable {
  /// The settings.
  public let settings: ReplicaSettings

  /// The core, to be looked at.
  public internal(set) var node: RaftNode
  /// The journal, to be looked at.
  public internal(set) var journal: Journal
  /// The machine and its sessions, as of the newest entry that was applied.
  public internal(set) var machine = ReplicatedMachine<Machine>()
  /// The clocks of this replica.
  public internal(set) var clock: NodeClock

  /// Ticks since the start, by which deadlines are counted.
  public internal(set) var ticks = Ticks.zero
  /// The host's clock at the newest tick, in nanoseconds since the beginning of 1970.
  public internal(set) var nanoseconds: UInt64

  /// Why the replica can go on no more, if it cannot.
  public internal(set) var failure: ReplicaFailure?
  /// The host wants to stop: no requests are taken.
  public internal(set) var isStopping = false
  /// The disk is nearly full: no commands are taken.
  public internal(set) var isSpaceLow = false

  var requests = RequestTable<Machine.Query>()
  var links = PeerLinks()
  /// The stamp of what is sent in this step: a broadcast is one event.
  var stepStamp: ClockStamp?
  var standing: Standing

  // The core's actions and the journal's events, both empty between two steps.
  var coreActions = ActionBuffer()
  var journalEvents: [JournalEvent] = []
  var replies = Replies()

  // The machine.

  /// The snapshot that the machine is being read from.
  var loading: MachineLoading<Machine>?
  /// What is to be applied after that.
  var backlog: [Entries] = []
  /// Confirmed reads that are answered after that.
  var heldReads: [RequestID] = []
  /// The membership in force at the newest entry applied, and the index of its entry.
  var appliedMembership: Membership
  var appliedMembershipIndex: LogIndex

  // Snapshots of the own machine.

  var taking: SnapshotTaking<Machine>?
  var bytesSinceSnapshot: UInt64 = 0
  /// A snapshot is wanted whatever was applied since the last.
  var isSnapshotWanted = false
  /// Requests that wait for the next snapshot.
  var snapshotRequests: [RequestID] = []
  /// No snapshot is begun before this tick.
  var snapshotNotBefore: UInt64 = 0

  // Other.

  var level = LevelMarks()
  var stopRequest: RequestID?
  var stopDeadline: UInt64 = .max
  var isCoreStopped = false

  /// Starts a replica from what its journal held.
  ///
  /// If there is a snapshot, its machine is read back by the first jobs.
  ///
  /// - Parameter nanoseconds: the host's clock, since the beginning of 1970.
  /// - Throws: `RestoreError` if settings and journal do not go together.
  public init(
    _ settings: ReplicaSettings, recovered: RecoveredJournal, nanoseconds: UInt64
  ) throws(RestoreError) {
    let settings = settings.clamped
    self.settings = settings
    self.nanoseconds = nanoseconds
    journal = recovered.journal
    standing = recovered.journal.standing
    var state = recovered.state
    if case .outUntilRepaired(let floor) = standing, state.hardState.currentTerm <= floor.term {
      // A vote of a newer term may be lost; no leader of that time is to count on this node.
      state.hardState.currentTerm = floor.term.next
      state.hardState.votedFor = nil
    }
    node = try RaftNode(settings.core, restoring: state)
    appliedMembership = state.snapshot.membership
    appliedMembershipIndex = state.snapshot.membershipIndex
    clock = Replica.clock(
      node.id, recovered.journal.identity.incarnation, state.entries,
      settings.maximumAheadNanoseconds)
    let snapshot = state.snapshot
    if snapshot.lastIncluded.index > .zero, !node.isWitness {
      loading = MachineLoading(snapshot)
    }
  }

  /// A clock that is ahead of all that earlier lives of this node may have stamped.
  ///
  /// What they stamped is not all in the log. So each life counts from a number of its own, which
  /// none before can have reached.
  private static func clock(
    _ node: NodeID, _ incarnation: UInt64, _ entries: Entries, _ maximumAhead: UInt64
  ) -> NodeClock {
    let start = min(max(incarnation, 1) - 1, 1 << 20) << 40
    var newest = ClockStamp(lamport: LamportTime(start), hybrid: .zero)
    for position in (0..<entries.runCount).reversed() {
      let run = entries.run(position)
      guard run.kind == .command, run.payloads == .present, run.count > 0 else { continue }
      if let envelope = try? Envelope.decode(run.payload(run.count - 1)) {
        newest = envelope.stamp
        newest.lamport = max(newest.lamport, LamportTime(start))
      }
      break
    }
    if start > 0 {
      do throws(ClockError) {
        try newest.vector.merge(
          VectorClock([VectorClock.Component(process: node.rawValue, count: start)]))
      } catch {
        // No room for this node: it goes without a component, as `NodeClock.tick` has it.
      }
    }
    return NodeClock(
      process: node.rawValue, continuing: newest, maximumAheadNanoseconds: maximumAhead)
  }

  /// This node.
  public var id: NodeID { node.id }
  /// Whether this replica leads.
  public var isLeader: Bool { node.isLeader }
  /// Whether this node holds entries without their commands, and so no machine.
  public var isWitness: Bool { node.isWitness }
  /// Whether the machine is there: not being read from a snapshot.
  public var isReady: Bool { loading == nil && failure == nil }
  /// Whether the journal was damaged and the peers have not yet repaired it. Till then the node
  /// follows, votes for nobody, and its copies count for nothing.
  public var isOut: Bool { standing != .member }
  /// How many requests wait for their reply.
  public var requestsUnderWay: Int { requests.count + snapshotRequests.count }

  /// Gives the replica one input and appends what its host should do.
  ///
  /// Pure: the same state and input always give the same result.
  ///
  /// - Complexity: O(what is asked for + bytes that come of it), amortised.
  public mutating func step(
    _ input: ReplicaInput<Machine>, into actions: inout [ReplicaAction<Machine>]
  ) {
    stepStamp = nil
    switch input {
    case .tick(let nanoseconds): tick(nanoseconds, &actions)
    case .receive(let envelope): receive(envelope, &actions)
    case .request(let name, let request, let deadline):
      take(name, request, deadline, &actions)
    case .administer(let name, let request, let deadline):
      administer(name, request, deadline, &actions)
    case .finished(let job, let result): journal.finished(job, result, into: &journalEvents)
    case .peerUnreachable(let peer): node.step(.peerUnreachable(peer), into: &coreActions)
    case .peerReachable(let peer): node.step(.peerReachable(peer), into: &coreActions)
    case .stop(let name): stop(name, &actions)
    }
    settle(&actions)
  }

  private mutating func tick(
    _ nanoseconds: UInt64, _ actions: inout [ReplicaAction<Machine>]
  ) {
    ticks = Ticks(ticks.rawValue + 1)
    self.nanoseconds = nanoseconds
    if failure != nil { return }
    // Time is what makes candidates. A node that is out waits to be told.
    if !isOut { node.step(.tick, into: &coreActions) }
    settle(&actions)
    noteLeading()
    for id in requests.due(at: ticks.rawValue) { giveUp(id, &actions) }
    if ticks.rawValue % settings.retryTicks.rawValue == 0 {
      if isSpaceLow { journal.spaceMayBeBack() }
      if journal.isIdle { journal.vouch() }
    }
    finishStopIfDone(&actions)
  }

  /// Does everything that follows from an input, in the order in which it must be done.
  mutating func settle(_ actions: inout [ReplicaAction<Machine>]) {
    var isMore = true
    while isMore {
      while let action = coreActions.next() { carryOut(action, &actions) }
      takeSnapshotIfDue(&actions)
      rejoinIfRepaired(&actions)
      isMore = !journalEvents.isEmpty
      var events: [JournalEvent] = []
      swap(&events, &journalEvents)
      for event in events {
        happened(event, &actions)
        while let action = coreActions.next() { carryOut(action, &actions) }
      }
      isMore = isMore || !journalEvents.isEmpty || !coreActions.isEmpty
    }
    while let job = journal.nextJob() { actions.append(.disk(job)) }
  }

  /// Nothing more can be promised.
  mutating func fail(
    _ reason: ReplicaFailure, _ first: Ticket?, _ actions: inout [ReplicaAction<Machine>]
  ) {
    guard failure == nil else { return }
    failure = reason
    node.step(.storageFailed(first ?? node.durableTicket.next), into: &coreActions)
    while let action = coreActions.next() { carryOut(action, &actions) }
    for id in requests.all(where: { _ in true }) {
      close(id, .halted, or: .halted, &actions)
    }
    for name in snapshotRequests { actions.append(.reply(name, .unavailable(.halted))) }
    snapshotRequests = []
    if let name = stopRequest {
      stopRequest = nil
      actions.append(.reply(name, .stopped))
    }
    actions.append(.observe(.failed(reason)))
  }
}

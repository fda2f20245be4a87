// All of a replica but its machine. Nothing here depends on what the machine is, so it is compiled
// once, and as quick in every program.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

/// The core, its journal, its clocks and its requests, and the machine as far as it can be said
/// without knowing it: how far it is, and what it is wanted to do next.
///
/// Driven by `Replica`, which has the machine: it gives one input, then calls `advance()` and does
/// what each pause asks for, until all is done.
@usableFromInline
struct ReplicaEngine: Sendable {
  @usableFromInline let settings: ReplicaSettings
  @usableFromInline var node: RaftNode
  @usableFromInline var journal: Journal
  @usableFromInline var clock: NodeClock

  /// Ticks since the start, by which deadlines are counted.
  @usableFromInline var ticks = Ticks.zero
  /// The host's clock at the newest tick.
  @usableFromInline var nanoseconds: UInt64

  @usableFromInline var failure: ReplicaFailure?
  @usableFromInline var isStopping = false
  @usableFromInline var isSpaceLow = false

  /// What the host is to do and to hear.
  @usableFromInline var output = ActionList<EngineAction>()
  /// Questions that were answered without the machine.
  @usableFromInline var forgottenQueries: [RequestID] = []

  var requests = RequestTable()
  var links = PeerLinks()
  /// The stamp of what is sent in this step: a broadcast is one event.
  var stepStamp: ClockStamp?
  @usableFromInline var standing: Standing

  // What the core is to be told, what it wants done, and what the journal has to say; all empty
  // between two inputs.
  @usableFromInline var coreInputs = InputQueue()
  @usableFromInline var coreActions = ActionBuffer()
  /// Memory for messages on their way out.
  var outbox = ActionList<Message>()
  /// What the core wants done is being done: how many of its entries and reads were.
  var isCarryingOut = false
  /// What the machine is to apply now.
  @usableFromInline var applying = Entries.none
  /// The piece of a snapshot that the machine is to take in now.
  @usableFromInline var piece: [UInt8] = []
  var nextApply = 0
  var nextRead = 0
  var journalEvents: [JournalEvent] = []
  var nextEvent = 0
  var heard: Heard?
  var isTickEnding = false
  var isClosingAll = false

  // The machine.

  /// The newest entry that it has applied.
  @usableFromInline var applied = LogIndex.zero
  /// The snapshot that the machine is being read from.
  @usableFromInline var loading: MachineLoading?
  /// What is to be applied after that.
  var backlog: [Entries] = []
  /// Confirmed reads that are answered after that.
  var heldReads: [RequestID] = []
  /// The membership in force at the newest entry applied, and the index of its entry.
  var appliedMembership: Membership
  var appliedMembershipIndex: LogIndex

  // Snapshots of the own machine.

  @usableFromInline var taking: SnapshotTaking?
  var bytesSinceSnapshot: UInt64 = 0
  /// A snapshot is wanted whatever was applied since the last.
  var isSnapshotWanted = false
  /// Requests that wait for the next snapshot.
  @usableFromInline var snapshotRequests: [SnapshotRequest] = []
  /// No snapshot is begun before this tick.
  var snapshotNotBefore: UInt64 = 0

  // Other.

  var level = LevelMarks()
  var stopRequest: RequestID?
  var stopDeadline: UInt64 = .max
  var isCoreStopped = false
  /// The tick at which this replica last proposed something.
  var proposedAt: UInt64 = 0
  /// What in the machine waits for time, if that is looked at in this tick.
  var machineDeadline: LogTime?

  @usableFromInline
  init(
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
    clock = ReplicaEngine.clock(
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

  @usableFromInline var id: NodeID { node.id }
  @usableFromInline var isOut: Bool { standing != .member }
  @usableFromInline var requestsUnderWay: Int { requests.count + snapshotRequests.count }

  // MARK: Inputs

  @usableFromInline
  mutating func begin() { stepStamp = nil }

  /// Returns whether to `noteDeadline` what in the machine waits for time.
  @usableFromInline
  mutating func tick(_ nanoseconds: UInt64) -> Bool {
    clock.forgetWrongTime(physical: nanoseconds)
    ticks = Ticks(ticks.rawValue + 1)
    self.nanoseconds = nanoseconds
    if failure != nil { return mayMoveTime }
    // Time is what makes candidates. A node that is out waits to be told.
    if !isOut { coreInputs.append(.tick) }
    isTickEnding = true
    return mayMoveTime
  }

  @usableFromInline
  mutating func finished(_ job: JobID, _ result: JobResult) {
    journal.finished(job, result, into: &journalEvents)
  }

  // MARK: Going on

  /// Goes on until the machine is wanted, the core has made a step, or all is done.
  @usableFromInline
  mutating func advance() -> EnginePause {
    while true {
      if !coreActions.isEmpty, let pause = carryOut() { return pause }
      if coreInputs.isStepped { coreInputs.removeFirst() }
      if !coreInputs.isEmpty {
        coreInputs.isStepped = true
        tellCore()
        return .stepped
      }
      if heard != nil { noteHeard() }
      if let pause = goOn() { return pause }
      if coreInputs.isEmpty, journalEvents.isEmpty { break }
    }
    while let job = journal.nextJob() { output.append(.disk(job)) }
    return .done
  }

  private mutating func tellCore() {
    switch coreInputs.first {
    case .tick: node.step(.tick, into: &coreActions)
    case .receive(let envelope):
      // Most are all in their body: then nothing that has to be counted is copied.
      if envelope.content.message.isBare {
        node.receive(
          from: envelope.content.message.from, to: envelope.content.message.to,
          term: envelope.content.message.term, bare: envelope.content.message.body,
          into: &coreActions)
      } else {
        node.receive(shared: envelope.content.message, into: &coreActions)
      }
    case .persisted(let ticket): node.step(.persisted(ticket), into: &coreActions)
    case .applied(let index): node.step(.applied(through: index), into: &coreActions)
    case .other(let input): node.step(input, into: &coreActions)
    }
  }

  /// What is to be done once the core is at rest. Nothing is left of it, if neither the core nor
  /// the journal has anything new.
  private mutating func goOn() -> EnginePause? {
    if loading == nil {
      if !backlog.isEmpty {
        applying = backlog.removeFirst()
        return .apply
      }
      if !heldReads.isEmpty, let pause = answer(heldReads.removeFirst()) { return pause }
    }
    if nextEvent < journalEvents.count {
      let event = journalEvents[nextEvent]
      nextEvent += 1
      return happened(event)
    }
    if nextEvent > 0 {
      // One by one: for so few that is quicker.
      while !journalEvents.isEmpty { journalEvents.removeLast() }
      nextEvent = 0
    }
    if isClosingAll { closeAll() }
    if let pause = takeSnapshotIfDue() { return pause }
    if standing != .member { rejoinIfRepaired() }
    guard coreInputs.isEmpty, journalEvents.isEmpty else { return nil }
    if isTickEnding { endTick() }
    return nil
  }

  private mutating func endTick() {
    isTickEnding = false
    noteLeading()
    for core in requests.due(at: ticks.rawValue) { giveUp(core) }
    giveUpOnSnapshots()
    moveTimeIfDue()
    if ticks.rawValue % settings.retryTicks.rawValue == 0 {
      if isSpaceLow {
        journal.spaceMayBeBack()
        yieldIfSpaceLow()
      }
      if journal.isIdle { journal.vouch() }
    }
    finishStopIfDone()
  }

  mutating func observe(_ event: ReplicaEvent) { output.append(.observe(event)) }

  /// Nothing more can be promised.
  mutating func fail(_ reason: ReplicaFailure, _ first: Ticket?) {
    guard failure == nil else { return }
    failure = reason
    isClosingAll = true
    coreInputs.append(.other(.storageFailed(first ?? node.durableTicket.next)))
  }

  /// The core has said what it knows of its requests; of all others nothing will ever be known.
  private mutating func closeAll() {
    isClosingAll = false
    for core in requests.all(where: { _ in true }) { close(core, .halted, or: .halted) }
    answerSnapshotRequests(.unavailable(.halted))
    if let name = stopRequest {
      stopRequest = nil
      reply(name, .stopped)
    }
    if let failure { observe(.failed(failure)) }
  }
}

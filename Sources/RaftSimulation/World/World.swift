// The world as a value: nodes, disks, links, clocks, clients and the queue of what is to come. To
// copy it is to branch time.

import Raft
import RaftMachines
import RaftReplica

/// A whole simulated cluster and all that torments it.
///
/// ```swift
/// var world = World(Plan(seed: 7))
/// while world.step() {}
/// let fork = world          // a branch of time: each goes on alone
/// ```
public struct World: Sendable {
  /// What decides the run.
  public let plan: Plan
  /// Virtual nanoseconds since the start.
  public internal(set) var now: UInt64 = 0
  /// How many events there were.
  public internal(set) var eventCount: UInt64 = 0
  /// What happened so far, counted.
  public internal(set) var counters = Counters()
  /// What clients asked for and were told; the operation with number n at position n - 1.
  public internal(set) var history: [Operation] = []
  /// How the run ended, if it did.
  public internal(set) var verdict: Verdict?
  /// What watches.
  public internal(set) var oracles: Oracles

  // MARK: What is to come

  var queue = EventQueue()
  var timers: Timers
  /// What waits for its event: messages, and inputs of all other kinds.
  var mail = Arena<PeerEnvelope>()
  var arena = Arena<ReplicaInput<SimulatedMachine>>()

  // MARK: Who is there

  var slots: [NodeSlot]
  var links: Links
  var clients: [Client]
  var attempts: [Attempt] = []
  /// The machine of somebody else's that is tried here, if one is, and what it has answered to the
  /// operations of the history.
  let guest: GuestHost?
  var guestReplies: [GuestReply?] = []
  /// The entries whose commands some machine has executed, rising; `nil` where all that are
  /// committed are.
  var executed: [UInt64]?
  /// What those were told who ask by hand, with the number of the request.
  var replies: [(request: UInt64, reply: Reply<SimulatedMachine>)] = []
  /// The request that is being given in; 0 for none.
  var given: UInt64 = 0
  /// The faults under way, by their position in the plan.
  var underway: [Int] = []
  var struckNodes: [[Int]]
  var healing = Healing()
  /// How links and disks behave: as planned, and without any trouble once all is healed.
  var network: NetworkSettings
  var storage: StorageSettings
  /// Who hears whom, where a caller has parted the nodes by hand.
  var partitionSides: [[Int]]?

  // MARK: What one step needs

  var actions: [ReplicaAction<SimulatedMachine>] = []
  var spareActions: [ReplicaAction<SimulatedMachine>] = []
  var rolling: Digest
  var lastDraw: UInt64 = 0
  /// The event that led to what happens now.
  var cause: UInt64 = 0
  var watch = Watch()

  /// The digest of every event so far and of its effects.
  public var digest: UInt64 { rolling.value }

  /// The world at its beginning, watched by these oracles.
  public init(_ plan: Plan, oracles: Oracles = Oracles()) {
    self.init(plan, oracles: oracles, guest: nil)
  }

  init(_ plan: Plan, oracles: Oracles, guest: GuestHost?) {
    self.plan = plan
    self.guest = guest
    self.oracles = oracles
    executed = plan.faults.contains { $0.kind == .limitSessions } ? [] : nil
    network = plan.network
    storage = plan.storage
    let count = plan.cluster.count
    let clientCount = Int(plan.workload.clients)
    timers = Timers(count: count + clientCount)
    links = Links(count: count, plan.network)
    clients = (0..<clientCount).map { Client(number: UInt64($0)) }
    for client in clients.indices {
      let holder = UInt64(plan.workload.sharing(client).lowerBound)
      clients[client].hasSessions =
        !Draw(plan.seed, .client, holder, .max).happens(plan.workload.sessionlessPerMillion)
    }
    rolling = Digest(RandomSource.mix(plan.seed))
    struckNodes = [[Int]](repeating: [], count: plan.faults.count)
    slots = []
    slots.reserveCapacity(count)
    history.reserveCapacity(Int(min(plan.workload.operations, 4_096)) + 64)
    attempts.reserveCapacity(Int(min(plan.workload.operations, 4_096)) * 2)
    for position in 0..<count { bootstrap(position) }
    scheduleFaults()
    for client in clients.indices {
      setTimer(ofClient: client, in: 1 + Draw(plan.seed, .client, UInt64(client)).below(50_000_000))
    }
  }

  /// Lets one event happen. False when the run is over.
  public mutating func step() -> Bool {
    var sink = NoTrace()
    return step(trace: &sink)
  }

  /// Lets one event happen and tells it to `sink`. False when the run is over.
  ///
  /// - Complexity: O(log of what is to come), beside what the node and the oracles do.
  public mutating func step<Sink: TraceSink>(trace sink: inout Sink) -> Bool {
    guard verdict == nil else { return false }
    if Sink.isRecording { watch.begin() }
    let before = eventCount
    while eventCount == before && verdict == nil { happen() }
    if let breach = oracles.breach, verdict == nil {
      verdict = .violated(Violation(breach, at: RunMoment(event: eventCount, time: now)))
    }
    if Sink.isRecording, eventCount != before { sink.record(watchedRecord()) }
    return verdict == nil
  }

  /// Takes whatever comes next. It may turn out to be nothing.
  @inline(__always)
  private mutating func happen() {
    let timer = timers.nextTime
    let event = queue.nextTime
    if timer <= event {
      guard timer != .max else {
        verdict = .stalled(reason: "nothing is left that could happen")
        return
      }
      now = timer
      cause = eventCount
      fire(timers.first)
    } else {
      now = event
      let next = queue.pop()
      cause = UInt64(next.cause)
      happen(next)
    }
  }

  @inline(__always)
  private mutating func fire(_ timer: Int) {
    if timer < slots.count {
      tick(timer)
    } else {
      clientTimer(timer - slots.count)
    }
  }

  private mutating func happen(_ event: QueuedEvent) {
    let node = Int(event.node)
    switch event.kind {
    case .deliver: deliver(event, to: node)
    case .input: giveLater(event, to: node)
    case .disk: if event.life == slots[node].life { jobEnded(event, node) }
    case .faultStart: faultStarts(Int(event.slot))
    case .faultBeat: faultBeats(Int(event.slot))
    case .faultEnd: faultEnds(Int(event.slot))
    case .restart: if event.life == slots[node].life { restart(node) }
    case .operatorRetry: operatorAsks(Int(event.slot))
    case .heal: if !healing.isUnderWay { beginHealing() }
    case .check: check()
    }
  }

  /// Puts an event into the queue, `delay` from now.
  @inline(__always)
  mutating func schedule(
    _ kind: EventKind, in delay: UInt64, node: Int = 0, slot: UInt32 = 0, key: UInt64 = 0
  ) {
    let life = kind == .deliver ? 0 : slots[node].life
    queue.push(
      QueuedEvent(
        time: now + delay, key: UInt64(kind.rawValue) << 56 | key >> 8, slot: slot,
        cause: UInt32(truncatingIfNeeded: eventCount), life: life, kind: kind,
        node: UInt8(truncatingIfNeeded: node)))
  }

  /// What was found so far.
  public var summary: RunSummary {
    RunSummary(
      seed: plan.seed, verdict: verdict ?? .passed, events: eventCount,
      messages: counters.messagesSent, ticks: counters.ticks, virtualTime: now,
      healTime: healing.began, leaderTime: healing.leaderTime, caughtUpTime: healing.caughtUpTime,
      digest: digest, lastDraw: lastDraw, properties: oracles.properties,
      situations: oracles.situations,
      counters: counters)
  }
}

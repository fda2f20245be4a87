// A world in the hand of a test or of somebody who wants to see: no plan of faults, but what the
// caller does, between which time passes as far as the caller lets it.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

extension Plan {
  /// A plan in which nothing happens by itself: so many nodes, no clients, no faults, no end.
  public static func still(nodes: UInt64, seed: UInt64) -> Plan {
    var options = PlanOptions()
    options.scenario = .calm
    options.nodes = nodes
    options.duration = .max / 4
    var plan = Plan(seed: seed, options: options)
    plan.cluster = ClusterPlan(voters: nodes)
    plan.node = NodeSettings()
    plan.network = NetworkSettings()
    plan.storage = StorageSettings()
    plan.clocks = (0..<nodes).map { number in
      var clock = ClockSettings()
      clock.offset = number * 1_000_000
      return clock
    }
    plan.workload.clients = 0
    return plan
  }
}

extension World {
  /// A world of so many voters in which nothing goes wrong but what the caller does.
  ///
  /// ```swift
  /// var world = World(nodes: 3, seed: 7)
  /// if let leader = world.runUntilLeader() { world.crash(leader) }
  /// let next = world.runUntilLeader()
  /// ```
  public init(nodes: UInt64, seed: UInt64) {
    self.init(Plan.still(nodes: nodes, seed: seed))
  }

  // MARK: Looking

  /// The node that leads in the newest term, if one does.
  public var leader: NodeID? { leaderPosition.map { slots[$0].id } }

  /// Whether the node runs.
  public func isUp(_ id: NodeID) -> Bool { position(id).map { slots[$0].isUp } ?? false }

  /// A copy of a node's machine as it is now; `nil` if there is no node of this number.
  public func machine(_ id: NodeID) -> SimulatedMachine? {
    position(id).map { slots[$0].replica.machine.machine }
  }

  /// A copy of a replica as it is now, or as it was when it went down; `nil` if there is none of
  /// this number.
  public func replica(_ id: NodeID) -> Replica<SimulatedMachine>? {
    position(id).map { slots[$0].replica }
  }

  /// The reply to a request that was submitted by hand, once there is one.
  public func reply(to request: RequestID) -> Reply<SimulatedMachine>? {
    replies.last { $0.request == request.rawValue }?.reply
  }

  func position(_ id: NodeID) -> Int? {
    let position = Int(truncatingIfNeeded: id.rawValue) - 1
    return slots.indices.contains(position) ? position : nil
  }

  // MARK: Doing

  /// Kills a node. Of its writes that were not yet durable `keeps` says what survives.
  public mutating func crash(_ id: NodeID, keeping keeps: UnsyncedWrites = .none) {
    guard let position = position(id) else { return }
    crash(position, keeps.keeping)
  }

  /// Cuts the power of all nodes, which are started again after so long.
  ///
  /// - Parameters:
  ///   - keeping: what every disk keeps of that which was written and not synced.
  ///   - span: virtual nanoseconds.
  public mutating func cutPower(keeping: CrashKeeping, for span: UInt64 = 100_000_000) {
    for position in slots.indices where slots[position].isUp {
      crash(position, keeping)
      schedule(.restart, in: span + UInt64(position) * 1_000_000, node: position)
    }
  }

  /// Starts a node that is down from what its storage holds.
  public mutating func start(_ id: NodeID) {
    if let position = position(id) { restart(position) }
  }

  /// Cuts all links between nodes that are not on the same side. Who is on no side is alone.
  public mutating func partition(_ sides: [[NodeID]]) {
    partitionSides = sides.map { side in side.compactMap { position($0) } }
    weighFaults()
  }

  /// Joins what was parted, and starts all nodes that are down.
  public mutating func heal() {
    partitionSides = nil
    weighFaults()
    for position in slots.indices { restart(position) }
  }

  /// Gives a command to a node, or to the leader. `nil` if there is no node to take it.
  ///
  /// What became of it is told by `reply(to:)`, once time has passed.
  public mutating func submit(
    _ command: SimulatedMachine.Command, in session: SessionPosition? = nil, to id: NodeID? = nil
  ) -> RequestID? {
    ask(.command(command.encoded(), in: session, copies: .majority), of: id)
  }

  /// Gives a command for the key-value store to a node, or to the leader.
  public mutating func submit(_ command: KeyValue.Command, to id: NodeID? = nil) -> RequestID? {
    submit(.ours(.first(command)), to: id)
  }

  /// Asks a node, or the leader, for anything that a client may want.
  public mutating func ask(
    _ request: ClientRequest<SimulatedMachine>, of id: NodeID? = nil
  ) -> RequestID? {
    let target = id.map { position($0) } ?? leaderPosition
    guard let target, slots[target].isUp else { return nil }
    let name = RequestID(newRequest(.nobody, 0, operation: -1, target))
    cause = eventCount
    submit(.request(name, request, deadline: nil), to: target)
    return name
  }

  /// Asks a node, or the leader, for what an operator may want.
  public mutating func administer(_ request: AdminRequest, of id: NodeID? = nil) -> RequestID? {
    let target = id.map { position($0) } ?? leaderPosition
    guard let target, slots[target].isUp else { return nil }
    let name = RequestID(newRequest(.nobody, 0, operation: -1, target))
    cause = eventCount
    submit(.administer(name, request, deadline: nil), to: target)
    return name
  }

  /// Gives a replica any input, as its host might.
  public mutating func give(_ input: ReplicaInput<SimulatedMachine>, to id: NodeID) {
    guard let position = position(id), slots[position].isUp else { return }
    cause = eventCount
    give(input, to: position)
  }

  /// A number for a request that is given by hand, for example in `ReplicaInput.stop`.
  public mutating func nextRequest(to id: NodeID) -> RequestID {
    RequestID(newRequest(.nobody, 0, operation: -1, position(id) ?? 0))
  }

  // MARK: Letting time pass

  /// Lets everything happen that happens until this time. Unit: virtual nanoseconds.
  public mutating func run(until time: UInt64) {
    while nextTime <= time, step() {}
    now = max(now, time)
  }

  /// Lets so much time pass. Unit: virtual nanoseconds.
  public mutating func run(for span: UInt64) { run(until: now + span) }

  /// Lets time pass until a node leads that a majority can hear, at most so long.
  ///
  /// - Parameter span: virtual nanoseconds; a hundred seconds unless told.
  /// - Returns: the leader, or `nil` if none came.
  public mutating func runUntilLeader(within span: UInt64 = 100_000_000_000) -> NodeID? {
    let end = now + span
    while nextTime <= end {
      if let leader = leaderPosition, isEstablished(leader) { return slots[leader].id }
      if !step() { break }
    }
    return nil
  }

  /// Whether a leader has committed something in its own term.
  private func isEstablished(_ leader: Int) -> Bool {
    let node = slots[leader].node
    return node.log.term(at: node.commitIndex) == node.currentTerm
  }

  /// When the next event happens; the end of time if none will. Unit: virtual nanoseconds.
  public var nextTime: UInt64 {
    min(timers.nextTime, queue.nextTime)
  }
}

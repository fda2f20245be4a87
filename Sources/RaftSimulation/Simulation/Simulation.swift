// A cluster that runs a machine of the test's own: driven by hand, or checked under chaos.

import Linearizability
import Raft
import RaftMachines
import RaftReplica

/// A simulated cluster of replicas of one machine, for tests of that machine.
///
/// By hand, a step at a time:
///
/// ```swift
/// var world = Simulation(seed: 42, nodes: 5) { Counter() }
/// try world.submit(5)
/// world.crash(try world.runUntilLeader())
/// try world.submit(7)
/// world.heal()
/// try world.runUntilQuiet()
/// ```
///
/// Or under chaos, with many clients and every fault there is, for as many seeds as wanted:
///
/// ```swift
/// try Simulation(seed: 42, scenario: .chaos(nodes: 5)) { Counter() }
///   .always("never negative") { $0.total >= 0 }
///   .check(operations: 1_000) { random in random.draw(in: 0..<10) }
/// ```
///
/// What runs is the whole replica with its journal on simulated disks, and all oracles watch. A
/// simulation is a value: to copy it is to branch time, and each branch goes on alone. The same
/// seed leads to the same run, wherever it runs.
public struct Simulation<Machine: StateMachine>: Sendable {
  /// What a run is expanded from.
  enum Source: Sendable {
    /// So many nodes, and nothing happens by itself.
    case still(nodes: UInt64)
    case options(PlanOptions)
    case plan(Plan)
  }

  /// The seed from which the run follows, or the first of several.
  public let seed: Seed
  /// The cluster, for everything that has no shorter name here.
  public internal(set) var world: World
  /// What happened so far, as lines of text, if ``isRecording``.
  public internal(set) var trace = TraceText()
  /// Whether what is done by hand is recorded. To record takes more time than to run.
  public var isRecording = true

  let source: Source
  var rules: GuestRules<Machine>
  var work = GuestWork<Machine>()
  /// The caller as a client.
  var caller = Caller()

  /// The caller's session, and what it knows.
  struct Caller: Sendable {
    var session: SessionID?
    var sequence: UInt64 = 0
    /// Which commands were sent and not answered.
    var waiting: [UInt64] = []
    /// The node that last said it leads, or was said to.
    var leader: NodeID?
    var tour: UInt64 = 0
  }

  /// A cluster of so many voters, in which nothing goes wrong but what the caller does.
  ///
  /// - Parameters:
  ///   - seed: from which the run follows.
  ///   - nodes: 1 to 9.
  ///   - machine: makes the machine before its first command. It is asked once: all nodes begin
  ///     with the same.
  public init(seed: Seed, nodes: UInt64 = 3, machine: () -> Machine) {
    self.init(seed, .still(nodes: min(max(nodes, 1), 9)), machine())
  }

  /// A cluster as the seed draws it for a scenario: its settings, its troubles, its clients.
  public init(seed: Seed, scenario: PlanOptions, machine: () -> Machine) {
    self.init(seed, .options(scenario), machine())
  }

  /// A cluster with just these settings and troubles.
  public init(_ plan: Plan, machine: () -> Machine) {
    self.init(Seed(plan.seed), .plan(plan), machine())
  }

  private init(_ seed: Seed, _ source: Source, _ machine: Machine) {
    self.seed = seed
    self.source = source
    rules = GuestRules(beginning: machine)
    let host = TypedHost(rules, GuestWork<Machine>())
    world = World(Simulation.handPlan(source, seed), guest: host)
  }

  /// The plan of what is driven by hand: faults come as they are drawn, clients do not.
  private static func handPlan(_ source: Source, _ seed: Seed) -> Plan {
    var plan: Plan
    switch source {
    case .still(let nodes): return .still(nodes: nodes, seed: seed.rawValue)
    case .options(let options):
      plan = Plan(seed: seed.rawValue, options: options)
      // Who drives by hand has one session for all that is asked, and no other to go on with.
      plan.faults.removeAll { $0.kind == .limitSessions }
    case .plan(let given): plan = given
    }
    plan.workload.clients = 0
    return plan
  }

  // MARK: What the test says of its machine

  /// The same simulation, in which this must hold after every command, on every node.
  ///
  /// - Precondition: nothing has happened yet.
  public func always(
    _ name: String, _ holds: @escaping @Sendable (Machine) -> Bool
  ) -> Simulation {
    changed { $0.rules.always.append(GuestRule(name: name, holds: holds)) }
  }

  /// The same simulation, in which this should hold after some command of some run. What never
  /// did is in the report of the check; see ``CheckReport/requireReached()``.
  ///
  /// - Precondition: nothing has happened yet.
  public func sometimes(
    _ name: String, _ holds: @escaping @Sendable (Machine) -> Bool
  ) -> Simulation {
    changed { $0.rules.sometimes.append(GuestRule(name: name, holds: holds)) }
  }

  /// The same simulation, in which this must hold on every node once all is healed and all that
  /// was asked for is done.
  ///
  /// - Precondition: nothing has happened yet.
  public func eventually(
    _ name: String, _ holds: @escaping @Sendable (Machine) -> Bool
  ) -> Simulation {
    changed { $0.rules.eventually.append(GuestRule(name: name, holds: holds)) }
  }

  /// The same simulation, in whose checks clients also ask this: the seed draws how often, and how
  /// fresh the answer must be.
  ///
  /// - Precondition: nothing has happened yet.
  public func queries(
    _ draw: @escaping @Sendable (inout RandomSource) -> Machine.Query
  ) -> Simulation {
    changed { $0.work.query = draw }
  }

  /// The same simulation, at the end of whose checks all that clients asked for and were told must
  /// be linearizable with respect to this model.
  ///
  /// An operation is in the model's words what `translate` makes of it; where that is `nil`, the
  /// operation is left out. Of a command whose outcome the client never learnt the result is `nil`,
  /// and so must be the model's.
  ///
  /// - Precondition: nothing has happened yet.
  public func linearizable<Model: SequentialModel>(
    as model: Model,
    _ translate: @escaping @Sendable (Asked<Machine>) -> (Model.Operation, Model.Result?)?
  ) -> Simulation {
    let judge = GuestJudge<Machine> { history, asked in
      history.finding(model) { operation in
        guard let asked = asked(operation) else { return nil }
        return translate(asked)
      }
    }
    return changed { $0.work.judges.append(judge) }
  }

  private func changed(_ change: (inout Simulation) -> Void) -> Simulation {
    precondition(
      world.eventCount == 0, "say what must hold before anything happens in the simulation")
    var copy = self
    change(&copy)
    // Clients ask only in checks; what they ask for is no part of a world that is driven by hand.
    copy.world = World(
      Simulation.handPlan(source, seed), guest: TypedHost(copy.rules, GuestWork<Machine>()))
    return copy
  }

  // MARK: Looking

  /// The identities of all nodes, sorted, whether they are up or not.
  public var nodes: [NodeID] { world.nodeIDs }

  /// The node that leads in the newest term, if one does.
  public var leader: NodeID? { world.leader }

  /// Whether a node runs.
  public func isUp(_ node: NodeID) -> Bool { world.isUp(node) }

  /// How much virtual time has passed.
  public var now: VirtualTime { VirtualTime(nanoseconds: world.now) }

  /// The digest of all that has happened: equal runs have equal digests.
  public var digest: UInt64 {
    var digest = Digest(world.digest)
    for place in world.slots.indices { digest.combine(world.guestBox(place)?.digest ?? 0) }
    return digest.value
  }

  /// The machine of a node as it is now, or as it was when the node went down; `nil` if there is no
  /// such node, or if it is a witness, which has no machine.
  public func machine(_ node: NodeID) -> Machine? {
    guard let place = world.position(node), !world.slots[place].node.isWitness else { return nil }
    return world.slots[place].replica.machine.machine.guest.machine(Machine.self)
  }

  /// The machines of all nodes that have one, sorted by node.
  public var machines: [(node: NodeID, machine: Machine)] {
    var list: [(node: NodeID, machine: Machine)] = []
    for node in nodes {
      if let machine = machine(node) { list.append((node, machine)) }
    }
    return list
  }

  /// How messages travel from now on, where no fault says otherwise.
  public var network: NetworkSettings {
    get { world.network }
    set {
      world.network = newValue
      note(nil, "the test changes the network")
    }
  }
}

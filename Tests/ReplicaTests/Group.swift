import Raft
import RaftClocks
import RaftJournal
import RaftMachines
import RaftReplica
import RaftSimulation

/// A machine that adds up, and is as large as a test wants it.
struct Tally: StateMachine {
  var total: Int64 = 0
  var ballast: [UInt8] = []

  enum Query: Sendable { case total }

  mutating func apply(_ step: Int64, at moment: RaftMachines.Moment) -> Int64 {
    if step < 0 { ballast = Array(repeating: UInt8(truncatingIfNeeded: step), count: Int(-step)) }
    if step > 0 { total += step }
    return total
  }

  func query(_ query: Query) -> Int64 { total }

  init() {}
  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    total = try reader.read()
    ballast = Array(try reader.readString())
  }

  func write(into writer: inout ByteWriter) {
    writer.write(total)
    writer.write(string: ballast)
  }

  static func add(_ step: Int64) -> [UInt8] { step.encoded() }
}

extension Reply where Machine == Tally {
  /// The total that a command returned.
  var total: Int64? {
    guard case .applied(let applied) = self else { return nil }
    return try? Int64(encoded: applied.result[...])
  }

  var answered: Int64? {
    guard case .answer(let total, _) = self else { return nil }
    return total
  }

  var freshness: Freshness? {
    guard case .answer(_, let freshness) = self else { return nil }
    return freshness
  }

  var session: SessionID? {
    guard case .sessionOpened(let session) = self else { return nil }
    return session
  }
}

/// Replicas with their disks and what is between them. Nothing happens but what a test does.
struct Group {
  static let cluster = ClusterID(high: 3, low: 5)

  /// By node, from 1 on; `nil` while it is down.
  var replicas: [Replica<Tally>?] = []
  var disks: [SimulatedDisk] = []
  /// What each disk was given and has not done.
  var jobs: [[DiskJob]] = []
  var flights: [PeerEnvelope] = []
  var replies: [(name: RequestID, node: UInt64, reply: Reply<Tally>)] = []
  var events: [(node: UInt64, event: ReplicaEvent)] = []
  var nanoseconds: UInt64 = 1_700_000_000_000_000_000
  /// Nodes that nobody hears and that hear nobody.
  var isolated: [UInt64] = []
  /// Nodes whose disks do nothing.
  var frozen: [UInt64] = []
  /// Whether the least urgent jobs wait, among them the one by which a node rejoins.
  var isCareFrozen = false
  private var nextName: UInt64 = 1
  private var lives: UInt64 = 0
  private var configure: @Sendable (inout ReplicaSettings) -> Void
  private var actions: [ReplicaAction<Tally>] = []

  static var journalSettings: JournalSettings {
    var settings = JournalSettings()
    settings.segmentBytes = 8_192
    settings.reserveBytes = 4_096
    settings.frameBytes = 256
    settings.indexSpacing = 256
    return settings
  }

  /// Voters 1 through `count`, and room for as many more nodes that join later.
  init(
    _ count: UInt64 = 3, seed: UInt64 = 1, faults: DiskFaults = DiskFaults(),
    _ configure: @escaping @Sendable (inout ReplicaSettings) -> Void = { _ in }
  ) throws {
    try self.init(
      Membership(voters: (1...count).map { NodeID($0) }), seed: seed, faults: faults, configure)
  }

  /// The members, who are numbered from 1 on.
  init(
    _ membership: Membership, seed: UInt64 = 1, faults: DiskFaults = DiskFaults(),
    _ configure: @escaping @Sendable (inout ReplicaSettings) -> Void = { _ in }
  ) throws {
    self.configure = configure
    for node in membership.nodes {
      try add(node.rawValue, DurableState(bootstrapping: membership), seed: seed, faults)
    }
  }

  mutating func add(
    _ node: UInt64, _ state: DurableState, seed: UInt64 = 1, _ faults: DiskFaults = DiskFaults()
  ) throws {
    var disk = SimulatedDisk(seed: seed &* 100 &+ node, faults: faults)
    let recovered = try Journal.create(
      on: &disk, identity: JournalIdentity(cluster: Group.cluster, node: NodeID(node)),
      state: state, settings: Group.journalSettings)
    disks.append(disk)
    jobs.append([])
    replicas.append(nil)
    try start(node, recovered)
  }

  private mutating func start(_ node: UInt64, _ recovered: RecoveredJournal) throws {
    lives += 1
    var core = Configuration(id: NodeID(node), seed: node &* 7 &+ lives)
    core.heartbeatTicks = Ticks(2)
    core.electionTimeoutTicks = Ticks(10)
    var settings = ReplicaSettings(core: core)
    settings.retryTicks = Ticks(10)
    configure(&settings)
    replicas[Int(node) - 1] = try Replica(
      settings, recovered: recovered, nanoseconds: nanoseconds)
  }

  subscript(node: UInt64) -> Replica<Tally> {
    guard let replica = replicas[Int(node) - 1] else { fatalError("n\(node) is down") }
    return replica
  }

  var nodes: [UInt64] { replicas.indices.map { UInt64($0) + 1 } }
  var up: [UInt64] { nodes.filter { replicas[Int($0) - 1] != nil } }

  // MARK: Happening

  mutating func give(_ input: ReplicaInput<Tally>, to node: UInt64) {
    let place = Int(node) - 1
    guard replicas[place] != nil else { return }
    replicas[place]?.step(input, into: &actions)
    let done = actions
    actions.removeAll(keepingCapacity: true)
    for action in done {
      switch action {
      case .send(let envelope): flights.append(envelope)
      case .disk(let job): jobs[place].append(job)
      case .reply(let name, let reply): replies.append((name, node, reply))
      case .observe(let event): events.append((node, event))
      }
    }
  }

  /// Lets disks work and messages arrive until nothing is under way.
  mutating func settle() {
    while work() || deliver() {}
  }

  /// Carries out all that disks were given; whether there was anything.
  mutating func work() -> Bool {
    var isAny = false
    for node in up where !frozen.contains(node) {
      let waiting = jobs[Int(node) - 1].filter { isCareFrozen && $0.lane == .care }
      let given = jobs[Int(node) - 1].filter { !isCareFrozen || $0.lane != .care }
      jobs[Int(node) - 1] = waiting
      for job in given {
        isAny = true
        let result = disks[Int(node) - 1].perform(job)
        give(.finished(job.id, result), to: node)
      }
    }
    return isAny
  }

  /// Delivers what is under way now; whether there was anything.
  mutating func deliver() -> Bool {
    let now = flights
    flights = []
    for envelope in now {
      let from = envelope.message.from.rawValue
      let to = envelope.message.to.rawValue
      if isolated.contains(from) || isolated.contains(to) || to > UInt64(replicas.count) {
        continue
      }
      give(.receive(envelope), to: to)
    }
    return !now.isEmpty
  }

  mutating func tick(_ count: Int = 1) {
    for _ in 0..<count {
      nanoseconds += 10_000_000
      for node in up { give(.tick(nanoseconds: nanoseconds), to: node) }
      settle()
    }
  }

  /// Ticks until something holds, and says whether it does.
  @discardableResult
  mutating func wait(_ limit: Int = 400, until holds: (Group) -> Bool) -> Bool {
    for _ in 0..<limit {
      if holds(self) { return true }
      tick()
    }
    return holds(self)
  }

  /// The leader of the newest term among those that are heard.
  var leader: UInt64? {
    let leaders = up.filter { !isolated.contains($0) && self[$0].isLeader }
    return leaders.max { self[$0].node.currentTerm < self[$1].node.currentTerm }
  }

  /// Waits for a leader that has committed an entry of its term.
  mutating func elect() -> UInt64 {
    wait { group in
      guard let leader = group.leader else { return false }
      let node = group[leader].node
      return node.log.term(at: node.commitIndex) == node.currentTerm
    }
    return leader ?? 0
  }

  // MARK: Asking

  mutating func name() -> RequestID {
    nextName += 1
    return RequestID(nextName)
  }

  /// Asks and goes on at once.
  mutating func begin(
    _ request: ClientRequest<Tally>, at node: UInt64, deadline: Ticks? = nil
  ) -> RequestID {
    let name = name()
    give(.request(name, request, deadline: deadline), to: node)
    return name
  }

  func reply(_ name: RequestID) -> Reply<Tally>? {
    replies.first { $0.name == name }?.reply
  }

  /// Asks and waits for the reply.
  mutating func ask(
    _ request: ClientRequest<Tally>, at node: UInt64, deadline: Ticks? = nil
  ) -> Reply<Tally>? {
    let name = begin(request, at: node, deadline: deadline)
    settle()
    wait { $0.reply(name) != nil }
    return reply(name)
  }

  mutating func administer(_ request: AdminRequest, at node: UInt64) -> Reply<Tally>? {
    let name = name()
    give(.administer(name, request, deadline: nil), to: node)
    settle()
    wait { $0.reply(name) != nil }
    return reply(name)
  }

  mutating func stop(_ node: UInt64) -> Reply<Tally>? {
    let name = name()
    give(.stop(name), to: node)
    settle()
    wait { $0.reply(name) != nil }
    return reply(name)
  }

  // MARK: Lives

  /// The power fails.
  mutating func crash(_ node: UInt64) {
    let place = Int(node) - 1
    replicas[place] = nil
    disks[place].crash(during: jobs[place])
    jobs[place] = []
  }

  /// Starts a node from its disk; says whether its journal was whole.
  @discardableResult
  mutating func restart(_ node: UInt64) throws -> Bool {
    let owner = JournalIdentity(cluster: Group.cluster, node: NodeID(node))
    switch try Journal.open(
      on: &disks[Int(node) - 1], owner: owner, settings: Group.journalSettings)
    {
    case .intact(let recovered):
      try start(node, recovered)
      return true
    case .damaged(let damaged):
      try start(node, try damaged.openForRepair(on: &disks[Int(node) - 1]))
      return false
    }
  }

  /// Whether all that are up hold the same.
  var isLevel: Bool {
    let first = self[up[0]]
    return up.allSatisfy {
      self[$0].isReady && self[$0].machine.applied == first.machine.applied
        && self[$0].machine.digest == first.machine.digest
    }
  }
}

func command(_ step: Int64, copies: CopiesWanted = .majority) -> ClientRequest<Tally> {
  .command(Tally.add(step), in: nil, copies: copies)
}

func command(
  _ step: Int64, _ session: SessionID, _ sequence: UInt64, acknowledged: UInt64 = 0
) -> ClientRequest<Tally> {
  let position = SessionPosition(
    session: session, sequence: sequence, acknowledgedThrough: acknowledged)
  return .command(Tally.add(step), in: position, copies: .majority)
}

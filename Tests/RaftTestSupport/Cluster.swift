// A cluster in memory, in which a test decides what happens when. A value: a copy is a branch.

import Raft
import Testing

/// A message under way.
public struct Flight: Sendable {
  /// Its number, in the order of sending.
  public let number: Int
  /// What is said, and by whom to whom.
  public let message: Message
}

/// Nodes, their hosts, and the messages between them.
///
/// Nothing happens by itself: no time passes and no message arrives unless the test says so. After
/// each step the safety properties are checked; a violation is recorded as an issue of the test.
public struct Cluster: Sendable {
  /// The nodes, sorted.
  public private(set) var hosts: [Host] = []
  /// The messages under way, oldest first.
  public private(set) var flights: [Flight] = []
  /// Every request that was made.
  public private(set) var requests: [Request] = []
  /// The events of all nodes, in order.
  public var events: [(node: NodeID, event: Event)] = []
  /// The actions of the step before.
  public private(set) var lastActions: [Action] = []
  /// What is known of the past, by which the present is judged.
  public var safety = Safety()
  /// Messages that `deliverAll` leaves alone.
  public var holds: [@Sendable (Message) -> Bool] = []
  private var cuts: Set<Link> = []
  private var sent = 0
  private var recent: [(NodeID, Input)] = []

  struct Link: Hashable, Sendable {
    var from: NodeID
    var to: NodeID
  }

  /// A cluster of no nodes.
  public init() {}

  /// A cluster of voters 1 through `count`.
  public init(
    _ count: UInt64, _ configure: (inout Configuration) -> Void = { _ in }
  ) {
    self.init(.voters(count), configure)
  }

  /// A cluster of all nodes that the membership names.
  public init(
    _ membership: Membership, _ configure: (inout Configuration) -> Void = { _ in }
  ) {
    for node in membership.nodes {
      add(node, DurableState(bootstrapping: membership), configure)
    }
  }

  /// Starts one more node from this state.
  public mutating func add(
    _ id: NodeID, _ state: DurableState = .joining,
    _ configure: (inout Configuration) -> Void = { _ in }
  ) {
    var configuration = Configuration(id: id, seed: id.rawValue)
    configure(&configuration)
    let host = Host(configuration, state)
    let place = hosts.firstIndex { $0.id > id } ?? hosts.endIndex
    hosts.insert(host, at: place)
    start(place)
  }

  // MARK: Looking

  /// The host of a node.
  public func host(_ id: NodeID) -> Host {
    guard let host = hosts.first(where: { $0.id == id }) else {
      preconditionFailure("there is no node \(id) in this cluster")
    }
    return host
  }

  /// A node that is up.
  public subscript(_ id: NodeID) -> RaftNode {
    guard let node = host(id).node else { preconditionFailure("node \(id) is down") }
    return node
  }

  /// The leader of the newest term that has one.
  public var leader: NodeID? {
    hosts.compactMap(\.node).filter { $0.role == .leader }
      .max { $0.currentTerm < $1.currentTerm }?.id
  }

  /// What a node's state machine has been given.
  public func commands(_ id: NodeID) -> [String] { host(id).machine.commands }

  /// The answers to a request.
  public func answers(_ request: RequestID) -> [Request.Answer] {
    requests.first { $0.id == request }?.answers ?? []
  }

  // MARK: Steps

  /// Gives a node one input, and does what it asks for.
  public mutating func step(_ id: NodeID, _ input: Input) {
    let place = place(of: id)
    guard hosts[place].node != nil else { return }
    var inputs = [input]
    var all: [Action] = []
    while !inputs.isEmpty, hosts[place].node != nil {
      let next = inputs.removeFirst()
      note(id, next)
      var buffer = ActionBuffer()
      hosts[place].node?.step(next, into: &buffer)
      check(place)
      while let action = buffer.next() {
        all.append(action)
        carryOut(action, place, &inputs)
      }
    }
    lastActions = all
  }

  /// Lets time pass at one node.
  public mutating func tick(_ id: NodeID, _ count: Int = 1) {
    for _ in 0..<count { step(id, .tick) }
  }

  /// Lets time pass at every node, and delivers everything after each tick.
  public mutating func run(_ ticks: Int) {
    for _ in 0..<ticks {
      for host in hosts { step(host.id, .tick) }
      deliverAll()
    }
  }

  /// Makes writes durable at a node whose disk is not prompt, and gives the receipts.
  public mutating func persist(_ id: NodeID, _ count: Int = .max) {
    let place = place(of: id)
    let tickets = hosts[place].disk.sync(count)
    for ticket in tickets { step(id, .persisted(ticket)) }
  }

  /// Makes writes durable and gives no receipt.
  public mutating func sync(_ id: NodeID, _ count: Int = .max) {
    _ = hosts[place(of: id)].disk.sync(count)
  }

  /// Makes a disk prompt or not; if so, everything pending becomes durable.
  public mutating func setDisk(_ id: NodeID, isPrompt: Bool) {
    hosts[place(of: id)].isDiskPrompt = isPrompt
    if isPrompt { persist(id) }
  }

  /// Makes a state machine prompt or not; if so, it applies what is waiting.
  public mutating func setMachine(_ id: NodeID, isPrompt: Bool) {
    hosts[place(of: id)].isMachinePrompt = isPrompt
    if isPrompt { apply(id) }
  }

  /// Applies what waits at a node whose state machine is not prompt.
  public mutating func apply(_ id: NodeID) {
    let place = place(of: id)
    let waiting = hosts[place].unapplied
    hosts[place].unapplied = []
    for entries in waiting { apply(entries, place) }
    if !waiting.isEmpty { step(id, .applied(through: hosts[place].machine.applied)) }
  }

  /// Stops a node at once. What was not durable is lost.
  public mutating func crash(_ id: NodeID) {
    let place = place(of: id)
    hosts[place].node = nil
    hosts[place].disk.crash()
    hosts[place].unapplied = []
  }

  /// Starts a node again from what is durable.
  public mutating func restart(_ id: NodeID) {
    crash(id)
    let place = place(of: id)
    hosts[place].restarts += 1
    hosts[place].configuration.seed &+= 1_000
    start(place)
  }

  /// Gives a node another past: what its storage holds is replaced, and it starts from that.
  public mutating func replaceDisk(_ id: NodeID, _ state: DurableState) {
    let place = place(of: id)
    hosts[place] = Host(hosts[place].configuration, state)
    start(place)
  }

  /// Starts a node that is down from another state than its disk's, which an operator made of it.
  public mutating func forceNewCluster(_ id: NodeID, _ state: DurableState) {
    let place = place(of: id)
    hosts[place].disk.replaceDurable(state)
    safety.forgetCommitted(beyond: state.lastPosition.index.previous)
    start(place)
  }

  private mutating func start(_ place: Int) {
    let host = hosts[place]
    let position = host.disk.durable.snapshot.lastIncluded
    hosts[place].machine = Machine()
    if !position.index.isZero, let bytes = host.disk.snapshots[position] {
      hosts[place].machine = Machine(snapshot: bytes, at: position.index) ?? Machine()
    }
    hosts[place].history = [hosts[place].machine.applied: hosts[place].machine]
    do {
      hosts[place].node = try RaftNode(host.configuration, restoring: host.disk.durable)
    } catch {
      Issue.record("\(host.id) cannot start: \(error)")
    }
    safety.began(hosts[place])
  }

  /// Takes a snapshot of what a node has applied, or had applied at an earlier index.
  public mutating func takeSnapshot(_ id: NodeID, through index: LogIndex? = nil) {
    let place = place(of: id)
    let index = index ?? hosts[place].machine.applied
    guard let machine = hosts[place].history[index],
      let term = hosts[place].node?.log.term(at: index)
    else {
      Issue.record("\(id) cannot take a snapshot through \(index)")
      return
    }
    hosts[place].disk.keep(machine.snapshot, at: LogPosition(term: term, index: index))
    step(id, .snapshotTaken(through: index))
  }

  // MARK: Actions

  private mutating func carryOut(_ action: Action, _ place: Int, _ inputs: inout [Input]) {
    let id = hosts[place].id
    switch action {
    case .store(let write):
      hosts[place].disk.append(write)
      if hosts[place].isDiskPrompt {
        for ticket in hosts[place].disk.sync(.max) { inputs.append(.persisted(ticket)) }
      }
    case .send(let message):
      violate(safety.sent(message, by: hosts[place]))
      sent += 1
      if !cuts.contains(Link(from: id, to: message.to)) {
        flights.append(Flight(number: sent, message: message))
      }
    case .loadEntries(let request):
      let entries = hosts[place].disk.durable.entries
        .kept { $0 >= request.first && $0 <= request.last }
      inputs.append(
        entries.isEmpty ? .entriesNotLoaded(request) : .entriesLoaded(request, entries))
    case .loadSnapshotChunk(let request): inputs.append(load(request, place))
    case .storeSnapshotChunk(let chunk):
      let through = hosts[place].disk.keepAside(chunk)
      inputs.append(
        .snapshotChunkStored(lastIncluded: chunk.metadata.lastIncluded, through: through))
    case .installSnapshot(let metadata):
      install(metadata, place)
      inputs.append(.applied(through: metadata.lastIncluded.index))
    case .apply(let entries):
      if hosts[place].isMachinePrompt {
        apply(entries, place)
        inputs.append(.applied(through: entries.lastIndex))
      } else {
        hosts[place].unapplied.append(entries)
      }
    case .readIsReady(let request, at: let index):
      answer(request, place, .ready(index, commands: hosts[place].machine.commands))
    case .outcome(let request, let outcome): answer(request, place, .outcome(outcome))
    case .observe(let event): events.append((id, event))
    }
    violate(hosts[place].disk.complaints.last.map { "\(id): \($0)" })
  }

  private func load(_ request: SnapshotChunkRequest, _ place: Int) -> Input {
    guard let bytes = hosts[place].disk.snapshots[request.lastIncluded],
      request.offset <= UInt64(bytes.count)
    else { return .snapshotChunkNotLoaded(request) }
    let rest = bytes.dropFirst(Int(request.offset))
    let chunk = Array(rest.prefix(Int(request.maximumBytes)))
    return .snapshotChunkLoaded(request, bytes: chunk, isLast: chunk.count == rest.count)
  }

  private mutating func install(_ metadata: SnapshotMetadata, _ place: Int) {
    let position = metadata.lastIncluded
    if position.index <= hosts[place].machine.applied {
      violate("\(hosts[place].id): snapshot \(position) installed behind what is applied")
    }
    guard hosts[place].disk.durable.snapshot == metadata,
      let bytes = hosts[place].disk.snapshots[position],
      let machine = Machine(snapshot: bytes, at: position.index)
    else {
      violate("\(hosts[place].id): snapshot \(position) installed and not durable")
      return
    }
    hosts[place].unapplied = []
    hosts[place].machine = machine
    hosts[place].history[position.index] = machine
    violate(safety.installed(hosts[place]))
  }

  private mutating func apply(_ entries: Entries, _ place: Int) {
    for entry in entries.array() {
      violate(safety.applies(entry, hosts[place]))
      hosts[place].machine.apply(entry)
      hosts[place].history[entry.index] = hosts[place].machine
    }
  }

  private mutating func answer(_ id: RequestID, _ place: Int, _ answer: Request.Answer) {
    guard let request = requests.firstIndex(where: { $0.id == id }),
      requests[request].node == hosts[place].id
    else { return violate("\(hosts[place].id) answers \(id), which it was not asked") }
    if requests[request].isOver { violate("\(requests[request].line), and again: \(answer)") }
    if case .outcome(.accepted) = answer, !requests[request].answers.isEmpty {
      violate("\(requests[request].line), and accepted again")
    }
    requests[request].answers.append(answer)
  }

  // MARK: Requests

  /// Makes a request of a node; answers are collected in `requests`.
  @discardableResult
  public mutating func ask(
    _ id: NodeID, _ text: String, _ input: (RequestID) -> Input
  ) -> RequestID {
    let request = RequestID(UInt64(requests.count) + 1)
    requests.append(Request(id: request, node: id, life: host(id).restarts, text: text))
    step(id, input(request))
    return request
  }

  /// Proposes commands, as one proposal.
  @discardableResult
  public mutating func propose(
    _ id: NodeID, _ commands: String..., writeConcern: WriteConcern = .majority
  ) -> RequestID {
    let block = EntryBlock(commands.map { Array($0.utf8) })
    return ask(id, "propose " + commands.joined(separator: " ")) {
      .propose(Proposal($0, block, writeConcern: writeConcern))
    }
  }

  /// Asks to read.
  @discardableResult
  public mutating func read(
    _ id: NodeID, _ consistency: ReadConsistency = .linearizable
  ) -> RequestID {
    ask(id, consistency == .lease ? "read by lease" : "read") { .read($0, consistency) }
  }

  /// Asks for another membership.
  @discardableResult
  public mutating func change(
    _ id: NodeID, _ steps: MembershipStep..., basedOn: LogIndex? = nil, isJoint: Bool = false
  ) -> RequestID {
    ask(id, steps.map(\.description).joined(separator: ", ")) {
      .changeMembership($0, MembershipChange(steps, basedOn: basedOn, isJointForced: isJoint))
    }
  }

  /// Asks for another leader.
  @discardableResult
  public mutating func transfer(_ id: NodeID, to target: NodeID?) -> RequestID {
    ask(id, "transfer to \(target?.description ?? "the best")") {
      .transferLeadership($0, to: target)
    }
  }

  /// Makes a node leader of a quiet cluster: the others let their leader lapse, it campaigns, and
  /// all messages are delivered.
  public mutating func elect(_ id: NodeID) {
    step(id, .campaign)
    deliverAll()
    if self[id].role == .leader { return }
    let before = sent
    for host in hosts where host.id != id && host.node != nil {
      tick(host.id, Int(host.configuration.electionTimeoutTicks.rawValue))
    }
    flights.removeAll { $0.number > before }
    step(id, .campaign)
    deliverAll()
    if self[id].role != .leader { Issue.record("\(id) was not elected") }
  }

  // MARK: Messages

  /// Delivers the wanted messages that are under way now, oldest first; gives their number.
  @discardableResult
  public mutating func deliver(
    where isWanted: (Message) -> Bool = { _ in true }, limit: Int = .max
  ) -> Int {
    let chosen = flights.filter { isWanted($0.message) }.prefix(limit)
    for flight in chosen {
      flights.removeAll { $0.number == flight.number }
      arrive(flight.message)
    }
    return chosen.count
  }

  /// Delivers messages, also those that follow from them, until none is left but those held.
  public mutating func deliverAll() {
    var deliveries = 0
    let held = holds
    while let next = flights.firstIndex(where: { flight in
      !held.contains { $0(flight.message) }
    }) {
      let flight = flights.remove(at: next)
      arrive(flight.message)
      deliveries += 1
      if deliveries > 20_000 {
        violate("messages never cease; the last: \(flight.message.text)")
        return
      }
    }
  }

  /// A message arrives, whether or not it is under way.
  public mutating func arrive(_ message: Message) {
    if cuts.contains(Link(from: message.from, to: message.to)) { return }
    guard hosts.contains(where: { $0.id == message.to }) else { return }
    step(message.to, .receive(message))
  }

  /// Loses the wanted messages that are under way; gives their number.
  @discardableResult
  public mutating func drop(where isWanted: (Message) -> Bool = { _ in true }) -> Int {
    let before = flights.count
    flights.removeAll { isWanted($0.message) }
    return before - flights.count
  }

  /// Puts a second copy of the wanted messages on the way; gives their number.
  @discardableResult
  public mutating func duplicate(where isWanted: (Message) -> Bool = { _ in true }) -> Int {
    let copies = flights.filter { isWanted($0.message) }
    for flight in copies {
      sent += 1
      flights.append(Flight(number: sent, message: flight.message))
    }
    return copies.count
  }

  /// Cuts every link between different groups; a node in no group is alone.
  public mutating func partition(_ groups: [NodeID]...) { partition(groups) }

  /// Cuts every link between different groups; a node in no group is alone.
  public mutating func partition(_ groups: [[NodeID]]) {
    cuts = []
    for from in hosts.map(\.id) {
      for to in hosts.map(\.id) where from != to {
        if !groups.contains(where: { $0.contains(from) && $0.contains(to) }) { cut(from, to) }
      }
    }
  }

  /// Cuts a link in one direction.
  public mutating func cut(_ from: NodeID, _ to: NodeID) {
    cuts.insert(Link(from: from, to: to))
    flights.removeAll { $0.message.from == from && $0.message.to == to }
  }

  /// Mends all links.
  public mutating func heal() { cuts = [] }

  // MARK: Checks

  private func place(of id: NodeID) -> Int {
    guard let place = hosts.firstIndex(where: { $0.id == id }) else {
      preconditionFailure("there is no node \(id) in this cluster")
    }
    return place
  }

  private mutating func note(_ id: NodeID, _ input: Input) {
    if recent.count >= 40 { recent.removeFirst(20) }
    recent.append((id, input))
  }

  private mutating func check(_ place: Int) {
    for problem in safety.stepped(hosts[place], all: hosts) { violate(problem) }
  }

  private func violate(_ problem: String?) {
    guard let problem else { return }
    let story = recent.map { "  \($0) \($1.text)" }.joined(separator: "\n")
    Issue.record("\(problem)\nThe last inputs:\n\(story)")
  }
}

// A simulation in the hand of a test: it does one thing after the other, and lets time pass.

import Raft
import RaftMachines
import RaftReplica

/// A command that was sent and for whose result nobody waits.
public struct SentCommand: Hashable, Sendable, BitwiseCopyable {
  /// Its number in the session of the test.
  let sequence: UInt64
  /// The request that it travels in; 0 if no node was there to take it.
  let request: UInt64
}

extension Simulation {
  // MARK: Letting time pass

  /// Lets so much time pass.
  ///
  /// - Throws: `SimulationFailure` if a property does not hold meanwhile.
  public mutating func run(for span: VirtualTime) throws(SimulationFailure) {
    let (end, isTooFar) = world.now.addingReportingOverflow(span.nanoseconds)
    _ = try advance(until: isTooFar ? .max - 1 : end) { _ in false }
  }

  /// Lets time pass until a node leads that a majority follows.
  ///
  /// - Throws: `SimulationFailure`, of the kind `stalled` if there is no leader in time.
  @discardableResult
  public mutating func runUntilLeader(
    within span: VirtualTime = .seconds(60)
  ) throws(SimulationFailure) -> NodeID {
    let end = world.now + min(span.nanoseconds, .max >> 1)
    _ = try advance(until: end) { $0.establishedLeader != nil }
    if let leader = world.establishedLeader { return leader }
    throw stalled("no leader that a majority follows came within \(span.description)")
  }

  /// Lets time pass until all that was asked for is answered, and all nodes hold the same.
  ///
  /// All nodes must be up and hear each other: see ``heal()``. Then all that must hold of a cluster
  /// at rest is looked at, also what the test says must hold eventually.
  ///
  /// - Throws: `SimulationFailure`, of the kind `stalled` if there is no rest in time.
  public mutating func runUntilQuiet(
    within span: VirtualTime = .seconds(60)
  ) throws(SimulationFailure) {
    let end = world.now + min(span.nanoseconds, .max >> 1)
    while let unrest = world.unrest() {
      guard world.now < end, world.verdict == nil else {
        if let failure = failure { throw failure }
        throw stalled(
          "the cluster is not at rest after \(span.description): \(world.explanation(unrest))")
      }
      try run(for: .milliseconds(5))
    }
    world.oracles.settled(world.slots.filter { $0.isUp }.map { $0.node })
    if let failure = failure ?? settledFailure(of: world) { throw failure }
  }

  /// Lets events happen up to a time, or until something is so. Says whether it is.
  mutating func advance(
    until end: UInt64, _ isSo: (World) -> Bool
  ) throws(SimulationFailure) -> Bool {
    if let failure { throw failure }
    while !isSo(world) {
      guard world.verdict == nil, world.nextTime <= end else {
        world.now = max(world.now, end)
        return isSo(world)
      }
      if isRecording { _ = world.step(trace: &trace) } else { _ = world.step() }
      if let failure { throw failure }
    }
    return true
  }

  // MARK: What goes wrong

  /// Kills a node. What of its writes was not yet durable is lost, unless `keeping` says more.
  public mutating func crash(_ node: NodeID, keeping: UnsyncedWrites = .none) {
    world.crash(node, keeping: keeping)
    note(node, "the test crashes \(node.description)")
  }

  /// Starts a node that is down, from what its disk holds.
  public mutating func start(_ node: NodeID) {
    world.start(node)
    note(node, "the test starts \(node.description)")
  }

  /// Cuts the power of all nodes, and starts them again a moment later.
  public mutating func cutPower(keeping: CrashKeeping = .none) {
    world.cutPower(keeping: keeping)
    note(nil, "the test cuts the power")
  }

  /// Cuts all links between nodes that are not on the same side. Who is on no side is alone.
  public mutating func partition(_ sides: [[NodeID]]) {
    world.partition(sides)
    let text = sides.map { "{" + joined($0.map { $0.description }) + "}" }
    note(nil, "the test parts the nodes: \(joined(text))")
  }

  /// Joins what was parted, starts all nodes that are down, and mends the network: nothing is lost
  /// any more, and nothing comes twice.
  public mutating func heal() {
    world.network.lossPerMillion = 0
    world.network.duplicatePerMillion = 0
    world.network.slowPerMillion = 0
    world.heal()
    note(nil, "the test heals everything")
  }

  mutating func note(_ node: NodeID?, _ text: String) {
    if isRecording { trace.note(world.eventCount, world.now, node, text) }
  }

  // MARK: Asking

  /// Gives a command to the cluster as a patient client does, in a session: it asks the leader,
  /// asks again when no answer comes, and the command takes effect once.
  ///
  /// - Returns: the result of the machine.
  /// - Throws: `SimulationFailure`: `unanswered` if no answer came in time, so that nobody knows
  ///   what became of the command; `refused` if it surely was not done; others if a property did
  ///   not hold meanwhile.
  @discardableResult
  public mutating func submit(
    _ command: Machine.Command, within span: VirtualTime = .seconds(60)
  ) throws(SimulationFailure) -> Machine.Result {
    let end = world.now + min(span.nanoseconds, .max >> 1)
    let sequence = try nextSequence(until: end)
    return try finish(sequence, command, until: end)
  }

  /// Sends a command to the leader, or to a node, and does not wait: what happens next is up to the
  /// test. See ``result(of:)`` and ``retry(_:_:within:)``.
  ///
  /// - Throws: `SimulationFailure` if no session can be opened for it.
  public mutating func send(
    _ command: Machine.Command, to node: NodeID? = nil
  ) throws(SimulationFailure) -> SentCommand {
    let sequence = try nextSequence(until: world.now + 60_000_000_000)
    let request = try world.ask(asking(sequence, command), of: node ?? world.leader)
    note(node, "the test sends \(inWords(command))")
    return SentCommand(sequence: sequence, request: request?.rawValue ?? 0)
  }

  /// The result of a command that was sent, if it was applied and the answer has come.
  public func result(of sent: SentCommand) -> Machine.Result? {
    guard case .applied(let applied)? = world.reply(to: RequestID(sent.request)) else {
      return nil
    }
    return try? Simulation.decode(applied.result)
  }

  /// Sends a command again that was sent before, and waits: it takes effect once all the same.
  ///
  /// - Parameters:
  ///   - sent: what ``send(_:to:)`` returned.
  ///   - command: the same as when it was sent.
  ///   - span: how long to wait.
  /// - Throws: as ``submit(_:within:)``.
  @discardableResult
  public mutating func retry(
    _ sent: SentCommand, _ command: Machine.Command, within span: VirtualTime = .seconds(60)
  ) throws(SimulationFailure) -> Machine.Result {
    try finish(sent.sequence, command, until: world.now + min(span.nanoseconds, .max >> 1))
  }

  /// Asks the cluster a question, and waits for the answer.
  ///
  /// - Parameters:
  ///   - query: the question.
  ///   - reading: how fresh the answer must be.
  ///   - span: how long to wait.
  /// - Throws: as ``submit(_:within:)``.
  public mutating func ask(
    _ query: Machine.Query, reading: ReadKind = .linearizable,
    within span: VirtualTime = .seconds(60)
  ) throws(SimulationFailure) -> Machine.Answer {
    let end = world.now + min(span.nanoseconds, .max >> 1)
    let question = TypedHost<Machine>.question(query)
    let reply = try answer(to: .query(.guest(question), reading), inWords(query), until: end)
    guard case .answer(.guest(let answer), _) = reply else {
      throw refused(inWords(query), "\(reply.kind.description) is no answer to it")
    }
    return TypedHost<Machine>.answer(answer)
  }

  // MARK: The caller's session

  private mutating func nextSequence(
    until end: UInt64
  ) throws(SimulationFailure) -> UInt64 {
    if caller.session == nil {
      let reply = try answer(to: .openSession, "a session", until: end)
      guard case .sessionOpened(let session) = reply else {
        throw refused("a session", reply.kind.description)
      }
      caller.session = session
    }
    caller.sequence += 1
    caller.waiting.append(caller.sequence)
    return caller.sequence
  }

  private func asking(
    _ sequence: UInt64, _ command: Machine.Command
  ) throws(SimulationFailure) -> ClientRequest<SimulatedMachine> {
    let bytes = Machine.encode(command)
    if let problem = Simulation.problem(of: bytes) { throw refused(inWords(command), problem) }
    let position = caller.session.map {
      SessionPosition(
        session: $0, sequence: sequence,
        acknowledgedThrough: (caller.waiting.first ?? sequence) - 1)
    }
    return .command(
      SimulatedMachine.Command.guest(bytes).encoded(), in: position, copies: .majority)
  }

  private mutating func finish(
    _ sequence: UInt64, _ command: Machine.Command, until end: UInt64
  ) throws(SimulationFailure) -> Machine.Result {
    let words = inWords(command)
    let reply = try answer(to: try asking(sequence, command), words, until: end)
    caller.waiting.removeAll { $0 == sequence }
    guard case .applied(let applied) = reply else {
      throw refused(words, "\(reply.kind.description) is no answer to it")
    }
    do throws(MachineDecodingError) {
      return try Simulation.decode(applied.result)
    } catch {
      throw refused(words, "its result cannot be read back: \(error.description)")
    }
  }

  private static func decode(
    _ bytes: [UInt8]
  ) throws(MachineDecodingError) -> Machine.Result {
    guard case .guest(let result) = try SimulatedMachine.Result(encoded: bytes[...]) else {
      throw .unknownKind(bytes.first ?? 0)
    }
    return try Machine.Result(encoded: result[...])
  }

  /// What is wrong with the encoding of a command; `nil` if it reads back as what it was.
  static func problem(of command: [UInt8]) -> String? {
    do throws(MachineDecodingError) {
      let back = try Machine.decode(command[...])
      if Machine.encode(back) == command { return nil }
      return "a command must be read back as it was written; it is read back as \(inWords(back))"
    } catch {
      return "a command must be readable from its own bytes: \(error.description)"
    }
  }

  /// Asks until there is an answer that settles it.
  private mutating func answer(
    to request: ClientRequest<SimulatedMachine>, _ words: String, until end: UInt64
  ) throws(SimulationFailure) -> Reply<SimulatedMachine> {
    note(nil, "the test asks for \(words)")
    while world.now < end {
      guard let node = nextNode, let name = world.ask(request, of: node) else {
        caller.leader = nil
        try run(for: .milliseconds(10))
        continue
      }
      _ = try advance(until: min(end, world.now + 500_000_000)) {
        $0.reply(to: name) != nil || !$0.isUp(node)
      }
      caller.leader = nil
      switch world.reply(to: name) {
      case .notLeader(let leader)?:
        caller.leader = leader
        try run(for: .milliseconds(1))
      case .tooBusy?, .unavailable?, .unknown?, nil: try run(for: .milliseconds(10))
      case .badRequest(let error)?: throw refused(words, error.description)
      case .refused(let refusal, let index)?:
        throw refused(words, "at entry \(index.description): \(refusal.description)")
      case .notPossible(let refusal)?: throw refused(words, refusal.words)
      case .some(let reply):
        caller.leader = node
        return reply
      }
    }
    throw unanswered(words)
  }

  /// Whom to ask: who is said to lead, else one node after the other.
  private var nextNode: NodeID? {
    mutating get {
      if let leader = caller.leader, world.isUp(leader) { return leader }
      if let leader = world.leader { return leader }
      caller.tour += 1
      let up = world.nodeIDs.filter { world.isUp($0) }
      return up.isEmpty ? nil : up[Int(caller.tour % UInt64(up.count))]
    }
  }
}

extension World {
  /// The node that leads and has committed something in its own term, so that a majority follows.
  fileprivate var establishedLeader: NodeID? {
    guard let leader, let node = node(leader), isUp(leader),
      node.log.term(at: node.commitIndex) == node.currentTerm
    else { return nil }
    return leader
  }
}

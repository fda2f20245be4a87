// A simulation as a check: many clients, every fault, as many seeds as wanted.

import Raft
import RaftMachines
import RaftReplica

extension Simulation {
  /// Lets clients ask for what `command` draws while everything goes wrong that the scenario holds,
  /// heals all, and looks whether what must hold held: all properties of the protocol after every
  /// event, what the test says of its machine, exactly one effect of each command, and at the end
  /// that clients cannot tell the cluster from one machine.
  ///
  /// Clients ask in sessions and ask again when no answer comes; some of them, where the seed says
  /// so, without sessions and only once.
  ///
  /// ```swift
  /// let report = try Simulation(seed: 1, scenario: .chaos()) { Counter() }
  ///   .sometimes("more than a hundred") { $0.total > 100 }
  ///   .check(operations: 100, seeds: 200) { random in random.draw(in: 0..<10) }
  /// ```
  ///
  /// - Parameters:
  ///   - operations: how many operations clients begin at most before the healing. Unless told, the
  ///     scenario says it. The more there are, the longer it runs.
  ///   - seeds: how many seeds are run: the simulation's own, and those after it. The first that
  ///     fails ends the check.
  ///   - isRepeated: whether each seed is run twice, and both runs must be the same. That finds
  ///     what differs from one run to the next and not between the nodes of one.
  ///   - shrinking: how many runs may be spent on making a failing run small: fewer faults, fewer
  ///     operations, fewer nodes, as long as it fails in the same way. 0 for none.
  ///   - command: draws a command. It must depend on nothing but the generator: a command that a
  ///     client asks for again is drawn again.
  /// - Returns: what was run and reached.
  /// - Throws: `SimulationFailure` of the first seed that fails, with its trace.
  @discardableResult
  public func check(
    operations: UInt64? = nil, seeds: UInt64 = 1, isRepeated: Bool = false,
    shrinking: Int = 100,
    _ command: @escaping @Sendable (inout RandomSource) -> Machine.Command
  ) throws(SimulationFailure) -> CheckReport {
    var work = work
    work.command = command
    let host = TypedHost(rules, work)
    var report = CheckReport(
      seed: seed, sometimes: rules.sometimes.map { .init(name: $0.name, runs: 0) })
    try checkCommands(command)
    for number in 0..<max(seeds, 1) {
      let plan = plan(Seed(seed.rawValue &+ number), operations)
      report.seeds += 1
      if var failure = run(plan, host, isRepeated: isRepeated, &report) {
        failure.seedsRun = report.seeds
        failure.seedsWanted = max(seeds, 1)
        if shrinking > 0 { shrink(&failure, plan, host, runs: shrinking) }
        throw failure
      }
    }
    return report
  }

  /// Commands that cannot be read back would only show as something else.
  private func checkCommands(
    _ draw: (inout RandomSource) -> Machine.Command
  ) throws(SimulationFailure) {
    var source = RandomSource(seed: seed.rawValue)
    for _ in 0..<32 {
      let state = source
      let command = draw(&source)
      var again = state
      let bytes = Machine.encode(command)
      guard Machine.encode(draw(&again)) == bytes else {
        var failure = Simulation.failure(
          .nondeterministic, "commands are drawn from the generator",
          "the same generator drew \(inWords(command)) and then another command", world)
        failure.hint = "Draw with the generator that is given, and with nothing else."
        throw failure
      }
      if let problem = Simulation.problem(of: bytes) { throw refused(inWords(command), problem) }
    }
  }

  /// The plan of one seed.
  private func plan(_ seed: Seed, _ operations: UInt64?) -> Plan {
    var plan: Plan
    switch source {
    case .still(let nodes): plan = self.plan(seed, .calm(nodes: nodes), operations)
    case .options(let options): plan = self.plan(seed, options, operations)
    case .plan(let given):
      plan = given
      plan.seed = seed.rawValue
      if let operations { plan.workload.operations = operations }
    }
    return plan
  }

  /// A plan that is long enough for so many operations, and whose clients do not dawdle.
  private func plan(_ seed: Seed, _ options: PlanOptions, _ operations: UInt64?) -> Plan {
    var options = options
    if let operations {
      options.operations = operations
      if options.duration == nil {
        options.duration = 2_000_000_000 + min(operations, 1_000_000) * 10_000_000
      }
    }
    var plan = Plan(seed: seed.rawValue, options: options)
    if let operations, operations > 0 {
      let each = plan.duration / operations * max(plan.workload.clients, 1)
      plan.workload.pause = min(plan.workload.pause, max(each, 1))
    }
    return plan
  }

  // MARK: One run

  private func run(
    _ plan: Plan, _ host: TypedHost<Machine>, isRepeated: Bool, _ report: inout CheckReport
  ) -> SimulationFailure? {
    var world = World(plan, guest: host)
    var reached = [Bool](repeating: false, count: rules.sometimes.count)
    if let finding = ruleBroken(before: world) { return finding }
    var shown = [LogIndex](repeating: .zero, count: world.slots.count)
    while world.step() {
      if !reached.isEmpty { Simulation.note(&reached, &shown, world) }
    }
    if !reached.isEmpty { Simulation.note(&reached, &shown, world) }
    report.events += world.eventCount
    report.operations += world.counters.operations
    report.operationsDone += world.counters.operationsDone
    report.faults += world.counters.faults
    report.situations.add(world.oracles.situations)
    for position in reached.indices where reached[position] { report.sometimes[position].runs += 1 }
    if let failure = failure(atEndOf: world) {
      return withFiles(failure, world, host)
    }
    return isRepeated ? repetition(of: world, host) : nil
  }

  /// What is wrong with a run that is over; `nil` if it passed.
  func failure(atEndOf world: World) -> SimulationFailure? {
    Simulation.failure(of: world) ?? settledFailure(of: world)
  }

  /// What must always hold and does not even at the beginning.
  private func ruleBroken(before world: World) -> SimulationFailure? {
    for rule in rules.always where !rule.holds(rules.beginning) {
      var failure = Simulation.failure(
        .violated, rule.name,
        "\"\(rule.name)\" does not hold before the first command: \(inWords(rules.beginning))",
        world)
      failure.index = .zero
      return failure
    }
    return nil
  }

  /// Notes what has been reached on nodes that have moved.
  private static func note(_ reached: inout [Bool], _ shown: inout [LogIndex], _ world: World) {
    for place in shown.indices where world.slots[place].shownIndex != shown[place] {
      shown[place] = world.slots[place].shownIndex
      guard let box = world.guestBox(place) else { continue }
      let guest = unsafeDowncast(box, to: TypedGuest<Machine>.self)
      for position in reached.indices where guest.reached[position] { reached[position] = true }
    }
  }

  private static func digest(_ world: World) -> UInt64 {
    var digest = Digest(world.digest)
    for place in world.slots.indices { digest.combine(world.guestBox(place)?.digest ?? 0) }
    return digest.value
  }

  /// Runs it once more, and says where the second run is another one; `nil` if it is the same.
  private func repetition(
    of world: World, _ host: TypedHost<Machine>
  ) -> SimulationFailure? {
    var again = World(world.plan, guest: host)
    while again.step() {}
    guard Simulation.digest(again) != Simulation.digest(world) else { return nil }
    var failure = Simulation.failure(
      .nondeterministic, "the same seed is the same run",
      "a second run of the same seed had \(again.eventCount) events and ended with other machines"
        + " than the first, which had \(world.eventCount)", world)
    failure.hint = Simulation.determinismHint
    return withFiles(failure, world, host)
  }

  // MARK: Files

  /// The failure with the run in files, as a run folder holds it. For that the run is run again.
  private func withFiles(
    _ failure: SimulationFailure, _ world: World, _ host: TypedHost<Machine>
  ) -> SimulationFailure {
    var failure = failure
    var trace = TraceText()
    var again = World(world.plan, guest: host)
    while again.eventCount < world.eventCount, again.step(trace: &trace) {}
    if again.digest != world.digest || again.eventCount != world.eventCount {
      failure.hint =
        (failure.hint.map { $0 + "\n" } ?? "")
        + "The run could not be repeated, so that its trace shows another one: something in the"
        + " machine is not decided by its commands."
    }
    failure.files = [
      .init("seed.txt", failure.seed.description + "\n"),
      .init("trace.jsonl", trace.page(failure, nodes: world.slots.count)),
      .init("history.jsonl", Simulation.history(world, host)),
    ]
    return failure
  }

  /// One line for each operation: who asked for what, when, and what the answer was.
  private static func history(_ world: World, _ host: TypedHost<Machine>) -> String {
    var text = ""
    for (place, operation) in world.history.enumerated() {
      var line = "{\"client\":\"c\(operation.client)\",\"call\":\(operation.began),\"return\":"
      line += operation.ended.map { "\($0)" } ?? "null"
      line += ",\"op\":{\"type\":\"\(operation.kind.description)\""
      TraceText.add("text", quoted: host.words(operation), to: &line)
      if operation.kind.isRead {
        TraceText.add("read", quoted: operation.reading.description, to: &line)
      }
      line += "},\"result\":{\"status\":\"\(operation.result.status)\""
      if world.guestReplies.indices.contains(place), let reply = world.guestReplies[place] {
        TraceText.add("text", quoted: host.words(reply), to: &line)
      }
      if let index = operation.result.index {
        TraceText.add("index", quoted: index.description, to: &line)
      }
      text += line + "},\"operation\":\"\(operation.number)\"}\n"
    }
    return text
  }
}

extension OperationResult {
  /// How it stands, by the words of history files.
  fileprivate var status: String {
    switch self {
    case .pending, .unknown, .sessionRefused, .repeated, .nonsense: "unknown"
    case .refused: "failed"
    case .done, .declined, .tooLate, .stored, .ticked, .read, .balance, .messages, .time: "ok"
    }
  }
}

// What a pass can do to a plan: numbered things, of which any range can be left out.

import Raft

/// The simplifications of one pass, as the plan is now.
struct Edits {
  let plan: Plan
  let pass: ShrinkPass
  let keeps: [FaultKind]
  let best: ShrinkTrial
  let original: Plan
  /// For passes about parts of a plan: their places in it.
  private let places: [Int]
  private let knobs: [PlanKnob]

  init(_ shrinker: Shrinker, _ pass: ShrinkPass) {
    plan = shrinker.plan
    self.pass = pass
    keeps = shrinker.keeps
    best = shrinker.best
    original = shrinker.original
    let plan = plan
    switch pass {
    case .faults, .least:
      places = plan.faults.indices.filter { !shrinker.keeps.contains(plan.faults[$0].kind) }
      knobs = []
    case .operations:
      places = (plan.operations ?? []).indices.map { $0 }
      knobs = []
    case .nodes:
      // Those that came last go first.
      places = (0..<plan.cluster.count).reversed()
      knobs = []
    case .settings:
      places = []
      knobs = plan.unusual.filter { !$0.isDelay }
    case .delays:
      places = []
      knobs = plan.unusual.filter { $0.isDelay }
    case .shorten, .round:
      places = []
      knobs = []
    }
  }

  /// Whether things can only be left out one at a time.
  var isSingle: Bool {
    switch pass {
    case .least, .shorten, .round: true
    case .operations, .faults, .nodes, .settings, .delays: false
    }
  }

  /// How many things there are.
  var count: Int {
    switch pass {
    case .least: 3 + 2 * places.count
    case .operations: places.count + 1
    case .faults: places.count
    case .nodes: places.count + 1
    case .settings: knobs.count + 5
    case .delays: knobs.count
    case .shorten: 4 + 3 * plan.faults.count + (plan.operations?.count ?? 0)
    case .round: 3
    }
  }

  /// The plan without `size` things from `offset` on; `nil` if that makes no sense.
  func edit(_ offset: Int, _ size: Int) -> Plan? {
    switch pass {
    case .least: return least(offset)
    case .operations:
      guard offset < places.count else { return plan.withoutIdleClients }
      return plan.withoutOperations(offset..<min(offset + size, places.count))
    case .faults:
      var plan = plan
      for place in places[offset..<offset + size].reversed() { plan.faults.remove(at: place) }
      return plan
    case .nodes:
      guard offset < places.count else { return plan.folded }
      var plan = plan
      for place in places[offset..<min(offset + size, places.count)]
      where plan.cluster.count > 1 {
        plan = plan.withoutNode(place)
      }
      return mayLose(plan) ? plan : nil
    case .settings, .delays: return plainer(offset, size)
    case .shorten: return shorter(offset)
    case .round: return rounder(offset)
    }
  }

  /// Whether all faults that must be kept are still there.
  private func mayLose(_ smaller: Plan) -> Bool {
    func kept(_ plan: Plan) -> Int {
      plan.faults.reduce(0) { $0 + (keeps.contains($1.kind) ? 1 : 0) }
    }
    return kept(smaller) == kept(plan)
  }

  private func plainer(_ offset: Int, _ size: Int) -> Plan? {
    var plan = plan
    if offset >= knobs.count {
      // Half a step towards plain: only one machine is asked, or nothing is read.
      switch offset - knobs.count {
      case 0..<4:
        let kind = MachineKind.allCases[offset - knobs.count]
        let others = [
          plan.workload.mix.keyValue, plan.workload.mix.ledger, plan.workload.mix.topics,
        ]
        .reduce(plan.workload.mix.clock > 0 ? 1 : 0) { $0 + ($1 > 0 ? 1 : 0) }
        guard others > 1 else { return nil }
        plan.workload.mix = WorkloadMix(only: kind)
      default:
        guard plan.scenario != .calm else { return nil }
        plan.scenario = .calm
      }
      return plan
    }
    for knob in knobs[offset..<min(offset + size, knobs.count)] { plan.makePlain(knob) }
    return mayLose(plan) ? plan : nil
  }

  // MARK: The least

  /// A plan of almost nothing, plain or with the settings that there are, and with one fault or
  /// with none.
  private func least(_ number: Int) -> Plan? {
    let each = 1 + places.count
    guard number < 2 * each else {
      // All faults, as they were, and nothing else that is worth a word.
      var plain = plan
      for knob in plan.unusual { plain.makePlain(knob) }
      return mayLose(plain) ? plain : nil
    }
    let fault = number % each == 0 ? nil : places[number % each - 1]
    return bare(isPlain: number < each, fault)
  }

  private func bare(isPlain: Bool, _ place: Int?) -> Plan? {
    var bare = plan
    let unit = isPlain ? 100_000_000 : plan.node.electionTimeoutTicks * plan.clocks[0].tick
    bare.faults = plan.faults.enumerated().filter { position, fault in
      position == place || keeps.contains(fault.kind)
    }.map { $0.element }
    if isPlain { for knob in bare.unusual { bare.makePlain(knob) } }
    if place != nil, bare.faults.isEmpty { return nil }
    // A leader is elected within two or three units; then it begins.
    if let first = bare.faults.first?.start, keeps.isEmpty {
      for position in bare.faults.indices {
        bare.faults[position].start = bare.faults[position].start - first + unit * 4
        bare.faults[position].duration = min(bare.faults[position].duration, unit * 4)
      }
      bare.duration = unit * 10
    } else if keeps.isEmpty {
      bare.duration = unit * 6
    }
    bare.workload.clients = min(2, plan.workload.clients)
    bare.operations = (0..<8).map { number in
      PlannedOperation(
        client: UInt64(number) % bare.workload.clients, number: UInt64(number),
        start: unit * UInt64(5 + number) / 2)
    }
    bare.workload.operations = 8
    if bare.cluster.voters > 3, isPlain {
      while bare.cluster.count > 3 {
        guard let position = spareNode(bare) else { break }
        bare = bare.withoutNode(position)
      }
    }
    return bare.size.elements < plan.size.elements ? bare : nil
  }

  /// The last node that no fault names.
  private func spareNode(_ plan: Plan) -> Int? {
    (0..<plan.cluster.count).reversed().first { position in
      let number = UInt64(position + 1)
      return !plan.faults.contains { $0.nodes.contains(number) || $0.peers.contains(number) }
    }
  }

  // MARK: Shorter

  private func shorter(_ number: Int) -> Plan? {
    var shorter = plan
    let faults = plan.faults.count
    switch number {
    case 0:
      // Nothing after the failure matters, unless it is about what comes after the healing.
      shorter.duration = min(plan.duration, best.time)
    case 1: shorter.duration = plan.duration / 2
    case 2: shorter.scaleTimes(1, 2)
    case 3: shorter.scaleTimes(3, 4)
    case 4..<4 + faults: shorter.faults[number - 4].duration /= 2
    case 4 + faults..<4 + 2 * faults:
      shorter.faults[number - 4 - faults].start =
        shorter.faults[number - 4 - faults].start * 3 / 4
    case 4 + 2 * faults..<4 + 3 * faults:
      let place = number - 4 - 2 * faults
      guard plan.faults[place].kind.isMilderByLess else { return nil }
      shorter.faults[place].amount /= 2
    default:
      let place = number - 4 - 3 * faults
      guard let start = plan.operations?[place].start else { return nil }
      shorter.operations?[place].start = start * 3 / 4
    }
    shorter.sortByTime()
    return shorter
  }

  // MARK: Rounder

  private func rounder(_ number: Int) -> Plan? {
    let units: [UInt64] = [50_000_000, 10_000_000, 1_000_000]
    let unit = units[number]
    func rounded(_ time: UInt64) -> UInt64 { (time + unit - 1) / unit * unit }
    var round = plan
    round.duration = rounded(plan.duration)
    for place in plan.faults.indices {
      round.faults[place].start = rounded(plan.faults[place].start)
      round.faults[place].duration = rounded(plan.faults[place].duration)
    }
    round.operations = plan.operations?.map { $0.starting(at: rounded($0.start)) }
    round.sortByTime()
    return round
  }
}

extension Plan {
  /// All times of the plan, `multiplier` / `divisor` of what they were.
  fileprivate mutating func scaleTimes(_ multiplier: UInt64, _ divisor: UInt64) {
    duration = duration * multiplier / divisor
    for place in faults.indices {
      faults[place].start = faults[place].start * multiplier / divisor
      faults[place].duration = faults[place].duration * multiplier / divisor
    }
    operations = operations?.map { $0.starting(at: $0.start * multiplier / divisor) }
  }

  fileprivate mutating func sortByTime() {
    faults.sort { $0.start != $1.start ? $0.start < $1.start : $0.identity < $1.identity }
    operations?.sort {
      $0.start != $1.start
        ? $0.start < $1.start
        : $0.client != $1.client ? $0.client < $1.client : $0.number < $1.number
    }
  }
}

extension PlannedOperation {
  fileprivate func starting(at time: UInt64) -> PlannedOperation {
    PlannedOperation(client: client, number: number, start: time)
  }
}

extension FaultKind {
  /// Whether a smaller amount is less of it, and not something else.
  fileprivate var isMilderByLess: Bool {
    switch self {
    case .loss, .delay, .duplication, .reordering, .slowNode, .slowDisk, .slowRead, .overload,
      .clockJump,
      .bitRot:
      true
    case .oneWay, .partition, .partialPartition, .bridge, .isolation, .clog, .flapping, .crash,
      .crashBetweenActions, .restartStorm, .powerCut, .absence, .pause, .campaign, .stop,
      .diskStall, .diskFailure, .diskFull, .clockRate, .snapshot, .addLearner, .addVoter,
      .addWitness, .demote,
      .remove, .replace, .concurrentChanges, .transfer, .clientCrash, .limitSessions:
      false
    }
  }
}

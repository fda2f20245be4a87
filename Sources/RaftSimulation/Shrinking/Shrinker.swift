// From a plan that fails to a small plan that fails in the same way (Zeller and Hildebrandt's delta
// debugging, with fresh chances: each smaller plan is also tried under other seeds, since what is
// left out moves what is left).

import Raft

/// What a shrinker tries next: these plans, in this order, none for longer than so many events.
public struct ShrinkBatch: Sendable {
  /// The plans.
  public var plans: [Plan]
  /// A run with more events than this is of no use.
  public var mostEvents: UInt64
}

/// Makes a failing plan smaller, by proposals that somebody else runs.
///
/// It proposes plans and is told what became of them, up to the first that failed in the same way.
/// So what it ends with does not depend on how many of them are run at once.
///
/// ```swift
/// guard var shrinker = Shrinker(plan) else { return }   // it passes
/// while let batch = shrinker.propose() {
///   var trials: [ShrinkTrial] = []
///   for plan in batch.plans {
///     trials.append(ShrinkTrial(plan, mostEvents: batch.mostEvents))
///     if trials.last?.goal == shrinker.goal { break }
///   }
///   shrinker.learn(trials)
/// }
/// print(shrinker.plan.size)
/// ```
public struct Shrinker: Sendable {
  /// How the plan fails, and each smaller one too.
  public let goal: ShrinkGoal
  /// The plan that was given, with its operations listed one by one.
  public let original: Plan
  /// The smallest plan that failed in this way so far.
  public private(set) var plan: Plan
  /// What its run came to.
  public private(set) var best: ShrinkTrial
  /// How many runs were looked at.
  public private(set) var runs = 0
  /// The passes, each with what it was about before and is about now.
  public private(set) var passes: [ShrinkPassCount]
  /// Other failures that were met on the way, with a plan of each: no shrunken forms of this one,
  /// but perhaps worth a look.
  public private(set) var others: [(goal: ShrinkGoal, plan: Plan)] = []

  let keeps: [FaultKind]
  var stage = Stage()
  private var proposed: [Proposal] = []
  private var budget: Int

  /// Begins with a plan.
  ///
  /// - Parameters:
  ///   - plan: the plan that fails.
  ///   - keeps: kinds of faults of which none is left out.
  ///   - mostRuns: how many runs there may be; it ends after those. More than a million is a
  ///     million.
  /// - Returns: `nil` if the plan passes, so that there is nothing to keep.
  public init?(_ plan: Plan, keeping keeps: [FaultKind] = [], mostRuns: Int = 20_000) {
    var world = World(plan)
    while world.step() {}
    guard let goal = world.verdict.flatMap({ ShrinkGoal($0) }) else { return nil }
    self.init(world, goal, keeping: keeps, mostRuns: mostRuns)
  }

  /// Begins with a run that is over and failed in this way.
  init(_ world: World, _ goal: ShrinkGoal, keeping keeps: [FaultKind] = [], mostRuns: Int) {
    let plan = world.plan
    var listed = plan
    if plan.operations == nil {
      listed.operations = world.plannedOperations
      listed.workload.operations = UInt64(world.plannedOperations.count)
    }
    listed.scenario = .calm
    self.goal = goal
    self.keeps = keeps
    original = listed
    self.plan = listed
    best = ShrinkTrial(goal: goal, events: world.eventCount, time: world.now)
    passes = ShrinkPass.allCases.map { ShrinkPassCount($0) }
    budget = min(mostRuns, 1_000_000)
    runs = 1
    for place in passes.indices { passes[place].before = passes[place].pass.measure(listed, best) }
    noteMeasures()
  }

  /// Whether nothing smaller is left to be tried.
  public var isDone: Bool { stage.isOver || runs >= budget }

  /// The next plans to try; `nil` if it is done.
  public mutating func propose() -> ShrinkBatch? {
    while !isDone {
      let proposals = stage.proposals(for: self)
      guard !proposals.isEmpty else {
        stage.goOn(self)
        continue
      }
      proposed = Array(proposals.prefix(budget - runs))
      return ShrinkBatch(plans: proposed.map { $0.plan }, mostEvents: mostEvents)
    }
    return nil
  }

  /// Takes in what became of the proposed plans, from the first one up to one that failed in the
  /// same way, or of all of them.
  public mutating func learn(_ trials: [ShrinkTrial]) {
    for (place, trial) in trials.enumerated() where place < proposed.count {
      runs += 1
      passes[stage.pass.place].runs += 1
      guard let met = trial.goal else { continue }
      if met == goal {
        plan = proposed[place].plan
        best = trial
        noteMeasures()
        stage.won(proposed[place])
        proposed = []
        return
      }
      if !others.contains(where: { $0.goal == met }) {
        others.append((met, proposed[place].plan))
      }
    }
    stage.lost()
    proposed = []
  }

  /// What makes a run worth its time: a smaller plan may take some longer, one that is only said
  /// more simply may not.
  private var mostEvents: UInt64 {
    switch stage.pass {
    case .least: isLong ? best.events * 2 : min(1_500, max(300, best.events))
    case .operations, .faults, .nodes, .settings, .delays:
      // A run that does not come to rest is long, however small its plan is.
      isLong ? best.events * 2 : max(300, best.events + best.events / 4)
    case .shorten: best.events - min(best.events, 1)
    case .round: best.events + best.events / 4
    }
  }

  private var isLong: Bool {
    switch goal {
    case .violated: false
    case .withoutLeader, .withoutRest: true
    }
  }

  private mutating func noteMeasures() {
    for place in passes.indices { passes[place].after = passes[place].pass.measure(plan, best) }
  }
}

/// One kind of simplification.
public enum ShrinkPass: UInt8, CaseIterable, Hashable, Sendable {
  /// The smallest plans there are, and those with one of the faults.
  case least
  /// Fewer operations of clients.
  case operations
  /// Fewer faults.
  case faults
  /// Fewer nodes.
  case nodes
  /// Settings as they usually are.
  case settings
  /// Links and disks that take a millisecond, clocks that go right.
  case delays
  /// Earlier and shorter.
  case shorten
  /// Times that are easier to read.
  case round

  var place: Int { Int(rawValue) }

  /// What the pass wants to get smaller.
  func measure(_ plan: Plan, _ trial: ShrinkTrial) -> UInt64 {
    switch self {
    case .least: UInt64(plan.size.elements)
    case .operations: UInt64(plan.operations?.count ?? 0)
    case .faults: UInt64(plan.faults.count)
    case .nodes: UInt64(plan.cluster.count)
    case .settings:
      plan.unusual.reduce(0) { $0 + ($1.isDelay ? 0 : 1) }
    case .delays:
      max(
        plan.network.minimumDelay + plan.network.delaySpread,
        plan.storage.minimumSync + plan.storage.syncSpread)
    case .shorten, .round: trial.events
    }
  }
}

extension PlanKnob {
  /// Whether it is about how long things take.
  var isDelay: Bool {
    switch self {
    case .setting(let setting): setting.isDelay
    case .clock: true
    }
  }
}

/// What a pass has achieved.
public struct ShrinkPassCount: Hashable, Sendable {
  /// The pass.
  public var pass: ShrinkPass
  /// How many of what it is about there were: elements, operations, faults, nodes, settings,
  /// nanoseconds or events.
  public var before: UInt64 = 0
  /// How many there are.
  public var after: UInt64 = 0
  /// How many runs it took.
  public var runs = 0

  init(_ pass: ShrinkPass) { self.pass = pass }
}

extension World {
  /// The operations that clients began before the healing, as a plan lists them: with this list the
  /// plan of this world gives the same run.
  public var plannedOperations: [PlannedOperation] {
    var counts = [UInt64](repeating: 0, count: Int(plan.workload.clients))
    var list: [PlannedOperation] = []
    for operation in history where operation.client >> 32 == 0 {
      if healing.isUnderWay, operation.began >= healing.began { continue }
      let client = Int(operation.client % plan.workload.clients)
      list.append(
        PlannedOperation(
          client: UInt64(client), number: counts[client], start: operation.began))
      counts[client] += 1
    }
    return list
  }
}

import Raft
import TestPace
import Testing

@testable import RaftSimulation

@Suite(.computing) struct ShrinkingTests {
  /// A plan that a correct cluster cannot bring to a good end: its client waits for less time than
  /// an answer takes. All the rest is of no matter.
  private static func impatient() -> Plan {
    var plan = Plan.plain(nodes: 3, seed: 7)
    plan.workload.timeout = 1_000_000
    plan.workload.clients = 2
    plan.workload.lostAnswersPerMillion = 10_000
    plan.node.heartbeatTicks = 1
    plan.node.electionTimeoutTicks = 10
    plan.node.isPreVoteEnabled = false
    for place in plan.clocks.indices {
      plan.clocks[place].tick = 1_000_000
      plan.clocks[place].offset = UInt64(place) * 250_000
    }
    plan.operations = (0..<3).map { number in
      PlannedOperation(
        client: UInt64(number) % 2, number: UInt64(number), start: UInt64(number) * 7_000_000)
    }
    plan.workload.operations = 3
    plan.faults = [
      PlannedFault(.crash, start: 20_000_000, duration: 10_000_000, nodes: [3], identity: 2),
      PlannedFault(.partition, start: 30_000_000, duration: 9_000_000, nodes: [2], identity: 3),
    ]
    plan.duration = 50_000_000
    return plan
  }

  /// Runs all proposals; beyond the first that fails as it should also `more` of the others.
  private func shrink(_ shrinker: inout Shrinker, more: Int = 0) {
    while let batch = shrinker.propose() {
      var trials: [ShrinkTrial] = []
      var isFound = false
      var rest = more
      for plan in batch.plans {
        if isFound {
          guard rest > 0 else { break }
          rest -= 1
        }
        let trial = ShrinkTrial(plan, mostEvents: batch.mostEvents)
        if !isFound { trials.append(trial) }
        isFound = isFound || trial.goal == shrinker.goal
      }
      shrinker.learn(trials)
    }
  }

  @Test func `what has nothing to do with the failure is left out`() throws {
    var shrinker = try #require(Shrinker(ShrinkingTests.impatient(), mostRuns: 45))
    #expect(shrinker.goal == .withoutRest)
    let before = shrinker.original.size
    #expect(before.faults == 2 && before.operations == 3 && before.nodes == 3)
    shrink(&shrinker)
    let after = shrinker.plan.size
    #expect(after.faults == 0 && after.operations == 0, "\(after)")
    #expect(after.nodes == 1, "\(after)")
    // The same failure, and not a word more than what was told.
    let again = ShrinkTrial(shrinker.plan, mostEvents: .max)
    #expect(again == shrinker.best)
    #expect(again.goal == shrinker.goal)
    #expect(shrinker.passes.reduce(1) { $0 + $1.runs } == shrinker.runs)
  }

  @Test func `what comes out does not depend on how many plans are run at once`() throws {
    var alone = try #require(Shrinker(ShrinkingTests.impatient(), mostRuns: 12))
    var many = alone
    shrink(&alone)
    shrink(&many, more: 3)
    #expect(alone.plan == many.plan)
    #expect(alone.runs == many.runs && alone.runs <= 12)
  }

  @Test func `faults of a kind that is to be kept are kept`() throws {
    var shrinker = try #require(
      Shrinker(ShrinkingTests.impatient(), keeping: [.partition], mostRuns: 40))
    shrink(&shrinker)
    #expect(shrinker.plan.faults.map { $0.kind } == [.partition])
  }

  @Test func `a plan that passes cannot be shrunk`() {
    #expect(Shrinker(Plan.plain(nodes: 3, seed: 1)) == nil)
  }

  @Test func `a failure keeps its property and its check, and no term or index`() {
    func verdict(_ check: UInt8, _ term: UInt64) -> Verdict {
      let fingerprint = Fingerprint(
        property: .logMatching, check: check, term: Term(term), index: LogIndex(term))
      return .violated(
        Violation(
          Breach(fingerprint: fingerprint, sentence: "no"), at: RunMoment(event: 1, time: 1)))
    }
    #expect(ShrinkGoal(verdict(3, 1)) == ShrinkGoal(verdict(3, 9)))
    #expect(ShrinkGoal(verdict(3, 1)) != ShrinkGoal(verdict(4, 1)))
    #expect(ShrinkGoal(.stalled(reason: "no leader 9 ms after")) == .withoutLeader)
    #expect(ShrinkGoal(.stalled(reason: "not at rest")) == .withoutRest)
    #expect(ShrinkGoal(.passed) == nil)
  }

  @Test(arguments: [2, 11, 23] as [UInt64])
  func `operations that are listed as they began give the same run`(seed: UInt64) {
    var options = PlanOptions()
    options.duration = 700_000_000
    options.operations = 30
    var plan = Plan(seed: seed, options: options)
    var world = World(plan)
    while world.step() {}
    plan.operations = world.plannedOperations
    #expect(plan.operations?.isEmpty == false)
    #expect(simulate(plan).digest == world.digest)
  }

  @Test func `leaving out an operation leaves what the others ask for as it was`() {
    var plan = Plan.plain(nodes: 1, seed: 5)
    plan.operations = (0..<6).map { number in
      PlannedOperation(client: 0, number: number, start: 400_000_000 + number * 50_000_000)
    }
    func asked(_ plan: Plan) -> [UInt64: OperationKind] {
      var world = World(plan)
      while world.step() {}
      var found: [UInt64: OperationKind] = [:]
      for operation in world.history { found[operation.began] = operation.kind }
      return found
    }
    let all = asked(plan)
    plan.operations?.remove(at: 2)
    for (time, kind) in asked(plan) where time < 1_000_000_000 { #expect(all[time] == kind) }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `what is left of a plan can be run, and a correct cluster survives it`(seed: UInt64) {
    var options = PlanOptions()
    options.duration = 500_000_000
    options.operations = 12
    let plan = Plan(seed: seed, options: options)
    var smaller: [Plan] = []
    if let folded = plan.folded { smaller.append(folded) }
    let node = Int(seed) % plan.cluster.count
    if plan.cluster.count > 1 { smaller.append(plan.withoutNode(node)) }
    var plain = plan
    for knob in plan.unusual { plain.makePlain(knob) }
    #expect(plain.unusual.isEmpty)
    smaller.append(plain)
    if let knob = plan.unusual.last(where: { _ in true }) {
      plain = plan
      plain.makePlain(knob)
      smaller.append(plain)
    }
    for plan in smaller where plan.isRunnable {
      for fault in plan.faults {
        #expect((fault.nodes + fault.peers).allSatisfy { $0 <= UInt64(plan.cluster.count) })
      }
      let summary = simulate(plan)
      if case .passed = summary.verdict { continue }
      Issue.record("\(plan.size): \(summary.verdict)")
    }
  }
}

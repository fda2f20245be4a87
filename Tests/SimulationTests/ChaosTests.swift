import Raft
import TestPace
import Testing

@testable import RaftSimulation

@Suite(.computing) struct ChaosTests {
  @Test(arguments: 1...24 as ClosedRange<UInt64>)
  func `a seed of chaos ends well`(seed: UInt64) {
    let summary = simulate(Plan(seed: seed))
    #expect(isPassed(summary), "\(summary.verdict)")
    #expect(summary.counters.operationsDone > 0)
  }

  @Test(arguments: Scenario.nemeses)
  func `every nemesis is survived`(scenario: Scenario) {
    var options = PlanOptions()
    options.scenario = scenario
    for seed in 1...2 as ClosedRange<UInt64> {
      let summary = simulate(Plan(seed: seed, options: options))
      #expect(isPassed(summary), "seed \(seed): \(summary.verdict)")
    }
  }

  @Test(arguments: 1...9 as ClosedRange<UInt64>)
  func `clusters of one to nine nodes come to rest`(nodes: UInt64) {
    var options = PlanOptions()
    options.nodes = nodes
    for seed in [31] as [UInt64] {
      let plan = Plan(seed: seed, options: options)
      #expect(plan.cluster.voters == nodes)
      #expect(isPassed(simulate(plan)), "seed \(seed)")
    }
  }

  @Test func `a calm run has no faults and loses nothing`() {
    var options = PlanOptions()
    options.scenario = .calm
    for seed in 1...3 as ClosedRange<UInt64> {
      let plan = Plan(seed: seed, options: options)
      #expect(plan.faults.isEmpty)
      let summary = simulate(plan)
      #expect(isPassed(summary))
      #expect(summary.counters.crashes == 0)
      #expect(summary.counters.messagesLost == 0)
      #expect(summary.counters.messagesBlocked == 0)
      #expect(summary.counters.operationsDone > 0)
    }
  }

  @Test func `plans of chaos meet every kind of fault and every nemesis`() {
    var kinds: Set<FaultKind> = []
    var scenarios: Set<Scenario> = []
    var sizes: Set<UInt64> = []
    for seed in 1...1_500 as ClosedRange<UInt64> {
      let plan = Plan(seed: seed)
      for fault in plan.faults { kinds.insert(fault.kind) }
      scenarios.insert(plan.scenario)
      sizes.insert(plan.cluster.voters)
    }
    #expect(kinds == Set(FaultKind.allCases))
    #expect(scenarios == Set(Scenario.allCases))
    #expect(sizes == Set(1...9))
  }

  @Test func `faults of a plan lie in the time of faults, in order, on nodes that are there`() {
    for seed in 1...300 as ClosedRange<UInt64> {
      let plan = Plan(seed: seed)
      #expect(plan.faults.map { $0.start } == plan.faults.map { $0.start }.sorted())
      for fault in plan.faults {
        #expect(fault.start < plan.duration * 2)
        #expect(fault.nodes.allSatisfy { $0 >= 1 && $0 <= UInt64(plan.cluster.count) })
        #expect(fault.peers.allSatisfy { $0 >= 1 && $0 <= UInt64(plan.cluster.count) })
      }
    }
  }

  @Test func `with leases no clock is wrong by more than was declared`() {
    for seed in 1...500 as ClosedRange<UInt64> {
      let plan = Plan(seed: seed)
      guard let drift = plan.node.leaseDriftPerMille else { continue }
      for clock in plan.clocks {
        var slowest = clock.ratePerMillion
        var fastest = clock.ratePerMillion
        for fault in plan.faults where fault.kind == .clockRate {
          slowest = max(slowest, clock.ratePerMillion * fault.amount / 1_000_000)
          fastest = min(fastest, clock.ratePerMillion * fault.amount / 1_000_000)
        }
        #expect(slowest <= 1_000_000 + drift * 1_000)
        #expect(fastest >= 1_000_000 - drift * 1_000)
      }
      for fault in plan.faults where fault.kind == .pause { #expect(fault.amount == 1) }
    }
  }
}

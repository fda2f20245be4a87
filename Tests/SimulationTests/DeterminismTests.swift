import Raft
import TestPace
import Testing

@testable import RaftSimulation

/// A sink that counts and keeps what it is told.
struct Listener: TraceSink {
  static var isRecording: Bool { true }
  var records: [TraceRecord] = []
  mutating func record(_ record: TraceRecord) { records.append(record) }
}

func isPassed(_ summary: RunSummary) -> Bool {
  if case .passed = summary.verdict { true } else { false }
}

@Suite(.computing) struct DeterminismTests {
  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func `a seed leads to one run and no other`(seed: UInt64) {
    let first = simulate(Plan(seed: seed))
    let second = simulate(Plan(seed: seed))
    #expect(first.digest == second.digest)
    #expect(first.events == second.events)
    #expect(first.counters == second.counters)
    #expect(first.lastDraw == second.lastDraw)
  }

  @Test func `two seeds lead to two runs`() {
    let digests = (1...10 as ClosedRange<UInt64>).map { simulate(Plan(seed: $0)).digest }
    #expect(Set(digests).count == 10)
  }

  @Test(arguments: [2, 3, 5, 9] as [UInt64])
  func `a run that is watched is the same run`(seed: UInt64) {
    var listener = Listener()
    let watched = simulate(Plan(seed: seed), trace: &listener)
    let alone = simulate(Plan(seed: seed))
    #expect(watched.digest == alone.digest)
    #expect(watched.counters == alone.counters)
    #expect(listener.records.last?.digest == watched.digest)
    #expect(listener.records.allSatisfy { !$0.text.isEmpty })
    #expect(listener.records.allSatisfy { $0.cause < $0.event })
  }

  @Test(arguments: [4, 11, 14] as [UInt64], [500, 1_500])
  func `a branch of time goes the way the original goes`(seed: UInt64, at steps: Int) {
    var world = World(Plan(seed: seed))
    for _ in 0..<steps { _ = world.step() }
    var branch = world
    while branch.step() {}
    let ahead = branch.digest
    while world.step() {}
    #expect(world.digest == ahead)
    #expect(world.eventCount == branch.eventCount)
    #expect(world.counters == branch.counters)
  }

  @Test func `what is done in a branch does not reach the original`() throws {
    var world = World(nodes: 3, seed: 5)
    let leader = try need(world.runUntilLeader())
    let before = world.digest
    var branch = world
    branch.crash(leader)
    branch.run(for: 5_000_000_000)
    #expect(world.digest == before)
    #expect(world.leader == leader)
    #expect(branch.leader != leader)
  }

  @Test func `without one fault the chances of everything else stay as they were`() throws {
    // Losses on the links between two nodes decide by the message's own number on its link.
    let seed: UInt64 = 77
    let one = (0..<100).map { Draw(seed, .network, 5, UInt64($0)).word }
    let two = (0..<100).map { Draw(seed, .network, 6, UInt64($0)).word }
    #expect(one != two)
    var plan = Plan(seed: 3)
    let dropped = try #require(plan.faults.indices.last)
    let identity = plan.faults.map { $0.identity }
    #expect(Set(identity).count == identity.count)
    // The last fault is the first thing that two plans can differ in: all before it is equal.
    let start = plan.faults[dropped].start
    var whole = World(plan)
    plan.faults.remove(at: dropped)
    var less = World(plan)
    while whole.nextTime < start, whole.step() {}
    while less.nextTime < start, less.step() {}
    #expect(whole.digest == less.digest)
    #expect(whole.eventCount == less.eventCount)
  }

  @Test(arguments: Scenario.allCases)
  func `every fault has a name of its own, and a number of operations is kept`(
    _ scenario: Scenario
  ) {
    // A plan that is written down gives a fault without a name that of its place.
    for nodes in 1...9 as ClosedRange<UInt64> {
      for seed in 0..<60 as Range<UInt64> {
        var options = PlanOptions()
        options.scenario = scenario
        options.nodes = nodes
        options.operations = 5
        let plan = Plan(seed: seed, options: options)
        let names = plan.faults.map(\.identity)
        #expect(Set(names).count == names.count)
        #expect(!names.contains(0))
        #expect(plan.workload.operations == 5)
        #expect(plan.cluster.voters == nodes)
      }
    }
  }

  @Test func `to draw one setting more or less moves no other`() {
    var options = PlanOptions()
    let drawn = Plan(seed: 12, options: options)
    options.nodes = drawn.cluster.voters
    options.operations = 7
    let set = Plan(seed: 12, options: options)
    #expect(set.workload.operations == 7)
    #expect(set.network == drawn.network)
    #expect(set.node == drawn.node)
    #expect(set.faults == drawn.faults)
  }
}

/// What must be there. (The macro cannot look at what a mutating call returns.)
func need<Value>(_ value: Value?) throws -> Value { try #require(value) }

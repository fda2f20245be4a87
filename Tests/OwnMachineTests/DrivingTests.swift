import Raft
import RaftMachines
import RaftSimulation
import TestPace
import Testing

@Suite("A simulation in the hand of a test", .computing) struct DrivingTests {
  @Test func `a command survives the leader that took it`() throws {
    var world = Simulation(seed: 42, nodes: 5) { Counter() }
    #expect(try world.submit(5) == 5)
    let leader = try world.runUntilLeader()
    world.crash(leader)
    #expect(!world.isUp(leader))
    world.network.loss = .percent(20)
    #expect(try world.submit(7) == 12)
    #expect(world.leader != leader)
    world.heal()
    try world.runUntilQuiet()
    #expect(world.machines.map { $0.machine.total } == [12, 12, 12, 12, 12])
    #expect(world.machines.map { $0.node } == world.nodes)
    #expect(try world.ask(.total) == 12)
  }

  @Test func `a machine begins as the test made it, in every life of every node`() throws {
    var world = Simulation(seed: 1, nodes: 3) { Counter(1_000) }
    #expect(world.machines.allSatisfy { $0.machine.total == 1_000 })
    #expect(try world.submit(1) == 1_001)
    try world.runUntilQuiet()
    world.cutPower()
    try world.runUntilLeader()
    #expect(try world.submit(1) == 1_002)
    try world.runUntilQuiet()
    #expect(world.machines.allSatisfy { $0.machine.total == 1_002 })
  }

  @Test func `branches of time are independent`() throws {
    var world = Simulation(seed: 7, nodes: 3) { Counter() }
    try world.submit(1)
    try world.runUntilQuiet()
    let before = world.digest
    var branch = world
    #expect(branch.digest == before)
    try branch.submit(10)
    try branch.runUntilQuiet()
    #expect(world.digest == before)
    #expect(world.machines.allSatisfy { $0.machine.total == 1 })
    #expect(branch.machines.allSatisfy { $0.machine.total == 11 })
    try world.submit(100)
    try world.runUntilQuiet()
    #expect(world.machines.allSatisfy { $0.machine.total == 101 })
    #expect(branch.machines.allSatisfy { $0.machine.total == 11 })
  }

  @Test func `the same seed is the same run, another seed another`() throws {
    func digest(_ seed: Seed) throws -> UInt64 {
      var world = Simulation(seed: seed, nodes: 3) { Counter() }
      try world.submit(3)
      world.crash(try world.runUntilLeader())
      try world.submit(4)
      return world.digest
    }
    #expect(try digest(5) == digest(5))
    #expect(try digest(5) != digest(6))
  }

  @Test func `what is recorded does not change the run`() throws {
    var watched = Simulation(seed: 3, nodes: 3) { Counter() }
    var alone = watched
    alone.isRecording = false
    try watched.submit(3)
    try alone.submit(3)
    #expect(watched.digest == alone.digest)
    #expect(watched.trace.count > 10)
    #expect(alone.trace.count == 0)
  }

  @Test func `a command that is sent twice takes effect once`() throws {
    var world = Simulation(seed: 11, nodes: 3) { Counter() }
    try world.submit(1)
    let leader = try world.runUntilLeader()
    let sent = try world.send(5)
    #expect(world.result(of: sent) == nil)
    world.crash(leader, keeping: .all)
    #expect(try world.retry(sent, 5) == 6)
    #expect(try world.retry(sent, 5) == 6)
    #expect(try world.submit(1) == 7)
    world.heal()
    try world.runUntilQuiet()
    #expect(world.machines.allSatisfy { $0.machine.total == 7 })
  }

  @Test func `an answer that comes by itself can be read`() throws {
    var world = Simulation(seed: 12, nodes: 3) { Counter() }
    try world.runUntilLeader()
    let sent = try world.send(5)
    try world.run(for: .seconds(1))
    #expect(world.result(of: sent) == 5)
  }

  @Test func `without a majority nobody answers, and the failure says what may have happened`()
    throws
  {
    var world = Simulation(seed: 2, nodes: 3) { Counter() }
    try world.submit(1)
    world.partition([[NodeID(1)], [NodeID(2)], [NodeID(3)]])
    let failure = try #require(throws: SimulationFailure.self) {
      try world.submit(2, within: .seconds(5))
    }
    #expect(failure.kind == .unanswered)
    #expect(failure.description.contains("it may have been done, may be done later, or never"))
    #expect(failure.description.contains("Simulation(seed: 0x0000000000000002"))
    #expect(failure.text(of: "trace.jsonl")?.contains("the test parts the nodes: {n1}") == true)
    let stalled = try #require(throws: SimulationFailure.self) {
      try world.runUntilQuiet(within: .seconds(1))
    }
    #expect(stalled.kind == .stalled)
    world.heal()
    try world.runUntilQuiet()
    #expect(Set(world.machines.map { $0.machine.total }).count == 1)
  }

  @Test func `where all are down no leader comes`() throws {
    var world = Simulation(seed: 2, nodes: 3) { Counter() }
    for node in world.nodes { world.crash(node) }
    let failure = try #require(throws: SimulationFailure.self) {
      try world.runUntilLeader(within: .seconds(3))
    }
    #expect(failure.kind == .stalled)
    #expect(world.now == .seconds(3))
    for node in world.nodes { world.start(node) }
    try world.runUntilLeader()
  }

  @Test func `a property that breaks is named with its node, its entry and its command`() throws {
    var world = Simulation(seed: 2, nodes: 3) { Counter() }
      .always("never above ten") { $0.total <= 10 }
    try world.submit(6)
    let failure = try #require(throws: SimulationFailure.self) { try world.submit(7) }
    #expect(failure.kind == .violated)
    #expect(failure.property == "never above ten")
    let index = try #require(failure.index)
    let node = try #require(failure.node)
    let what = "\"never above ten\" does not hold after entry \(index), 7: Counter(total: 13)"
    #expect(failure.sentence == "on \(node) \(what)")
    #expect(failure.text(of: "trace.jsonl")?.isEmpty == false)
    // It stays broken.
    #expect(throws: SimulationFailure.self) { try world.run(for: .seconds(1)) }
  }

  @Test func `what must hold eventually is looked at in peace`() throws {
    var world = Simulation(seed: 2, nodes: 3) { Counter() }
      .eventually("three have come") { $0.total >= 3 }
    try world.submit(2)
    let failure = try #require(throws: SimulationFailure.self) { try world.runUntilQuiet() }
    #expect(failure.property == "three have come")
    try world.submit(1)
    try world.runUntilQuiet()
  }

  @Test func `the faults of a scenario strike while the test goes on`() throws {
    var world = Simulation(seed: 3, scenario: .maximum(nodes: 3)) { Counter() }
    var total: Int64 = 0
    for step in 1...5 as ClosedRange<Int64> {
      total += step
      #expect(try world.submit(step) == total)
    }
    #expect(world.world.counters.faults > 0)
  }
}

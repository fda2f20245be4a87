import Linearizability
import Raft
import RaftMachines
import RaftSimulation
import TestPace
import Testing

@Suite("A simulation as a check", .computing) struct CheckingTests {
  private func bank(_ bug: Bank.Bug, seed: Seed = 1) -> Simulation<Bank> {
    Simulation(seed: seed, scenario: .chaos(nodes: 3)) { Bank(accounts: 4, bug: bug) }
      .always("no balance is negative") { $0.balances.allSatisfy { $0 >= 0 } }
  }

  /// The failure of a bug that must be found.
  private func found(_ bug: Bank.Bug, in seeds: UInt64 = 6) throws -> SimulationFailure {
    try #require(throws: SimulationFailure.self) {
      try bank(bug).check(operations: 40, seeds: seeds, shrinking: 0) { Bank.draw(&$0) }
    }
  }

  @Test func `a bank without a bug passes`() throws {
    let report = try bank(.none)
      .sometimes("somebody has more than thirty") { ($0.balances.max() ?? 0) > 30 }
      .eventually("there is a fee for each withdrawal") { $0.fees >= 0 }
      .queries { random in .balance(random.draw(in: 0..<4)) }
      .check(operations: 60, seeds: 4) { Bank.draw(&$0) }
    #expect(report.seeds == 4)
    #expect(report.operationsDone > 100)
    #expect(report.events > 1_000)
    #expect(report.neverReached == [])
    try report.requireReached()
  }

  @Test func `a balance that gets negative is found, and the message says all of it`() throws {
    let failure = try found(.overdraws)
    #expect(failure.kind == .violated)
    #expect(failure.property == "no balance is negative")
    let node = try #require(failure.node)
    let index = try #require(failure.index)
    #expect(
      failure.sentence.hasPrefix(
        "on \(node) \"no balance is negative\" does not hold after entry \(index), withdraw("))
    #expect(failure.description.contains("reproduce: Simulation(seed: \(failure.seed)"))
    #expect(failure.description.contains("at event \(failure.event), t="))
  }

  @Test func `a failure is found again with the seed that it names, at the same event`() throws {
    let first = try found(.overdraws)
    let again = try #require(throws: SimulationFailure.self) {
      try bank(.overdraws, seed: first.seed).check(operations: 40, shrinking: 0) {
        Bank.draw(&$0)
      }
    }
    #expect(again.sentence == first.sentence)
    #expect(again.event == first.event)
    #expect(again.seedsRun == 1)
  }

  @Test func `the run of a failure comes with it`() throws {
    let failure = try found(.overdraws)
    #expect(failure.files.map { $0.name } == ["seed.txt", "trace.jsonl", "history.jsonl"])
    #expect(failure.text(of: "seed.txt") == "\(failure.seed)\n")
    let trace = try #require(failure.text(of: "trace.jsonl")).split(separator: "\n")
    #expect(trace.first?.contains("\"madeBy\":\"test\"") == true)
    #expect(trace.dropLast().last?.contains("{\"event\":\(failure.event),") == true)
    #expect(trace.last?.contains("{\"end\":\"violated\",") == true)
    #expect(trace.contains { $0.contains("withdraw(") })
    let history = try #require(failure.text(of: "history.jsonl"))
    #expect(history.contains("\"op\":{\"type\":\"command\",\"text\":\"withdraw("))
    #expect(failure.text(of: "nothing") == nil)
  }

  @Test func `a failing run is made small, and fails in the same way`() throws {
    let failure = try #require(throws: SimulationFailure.self) {
      try bank(.overdraws).check(operations: 40, seeds: 6, shrinking: 60) { Bank.draw(&$0) }
    }
    let shrunk = try #require(failure.shrunk)
    #expect(shrunk.plan.size.elements < shrunk.before.elements / 2)
    #expect(shrunk.runs <= 60)
    #expect(shrunk.story.count <= ShrunkRun.mostSentences)
    #expect(shrunk.story.last == shrunk.sentence)
    #expect(failure.description.contains("shrunk from \(shrunk.before) to \(shrunk.plan.size)"))
    let trace = try #require(failure.text(of: "shrunk-trace.jsonl"))
    #expect(trace.contains("\"madeBy\":\"test\""))
    // The plan alone gives the same failure again.
    let again = try #require(throws: SimulationFailure.self) {
      try Simulation(shrunk.plan) { Bank(accounts: 4, bug: .overdraws) }
        .always("no balance is negative") { $0.balances.allSatisfy { $0 >= 0 } }
        .check(shrinking: 0) { Bank.draw(&$0) }
    }
    #expect(again.sentence == shrunk.sentence)
    #expect(again.property == failure.property)
  }

  @Test func `what a snapshot loses is found`() throws {
    let failure = try found(.forgetsFees)
    #expect(failure.property == "a snapshot gives the machine back")
    #expect(failure.sentence.contains("fees: 1"))
    #expect(failure.sentence.contains("fees: 0"))
  }

  @Test func `what a snapshot changes is found`() throws {
    let failure = try found(.swapsAccounts)
    #expect(failure.property == "a snapshot gives the machine back")
  }

  @Test(arguments: [Bank.Bug.dependsOnTheProcess, .answersAtRandom])
  func `nodes that differ are named, with the entry and what to look for`(bug: Bank.Bug) throws {
    let failure = try found(bug)
    #expect(failure.kind == .violated)
    #expect(failure.property == "Machines Agree")
    let index = try #require(failure.index)
    #expect(failure.sentence.contains(" differ after entry \(index), "))
    #expect(failure.hint?.contains("Set or a Dictionary") == true)
    let nodes = failure.sentence.split(separator: " ").prefix(3)
    #expect(nodes.count == 3 && nodes[1] == "and" && nodes[0] != nodes[2])
  }

  @Test func `a walk through a dictionary is found, since each copy has another order`() throws {
    let failure = try #require(throws: SimulationFailure.self) {
      try Simulation(seed: 1, scenario: .chaos(nodes: 3)) { Drawer() }
        .check(operations: 60, seeds: 3) { random in random.draw(in: 0..<40) }
    }
    #expect(failure.property == "Machines Agree")
  }

  @Test func `what differs from run to run is found by running twice`() throws {
    let failure = try #require(throws: SimulationFailure.self) {
      // One node alone has nobody to differ from.
      try Simulation(seed: 1, scenario: .calm(nodes: 1)) {
        Bank(accounts: 4, bug: .answersAtRandom)
      }
      .check(operations: 20, isRepeated: true) { random in .withdraw(0, random.draw(in: 1...3)) }
    }
    #expect(failure.kind == .nondeterministic || failure.property == "Machines Agree")
    try Simulation(seed: 1, scenario: .calm(nodes: 1)) { Bank() }
      .check(operations: 20, isRepeated: true) { Bank.draw(&$0) }
  }

  @Test func `what is never reached is reported, and can be required`() throws {
    let report = try Simulation(seed: 1, scenario: .calm(nodes: 3)) { Counter() }
      .sometimes("something came") { $0.total > 0 }
      .sometimes("a million came") { $0.total > 1_000_000 }
      .check(operations: 10, seeds: 2) { _ in 1 }
    #expect(report.sometimes.map { $0.runs } == [2, 0])
    #expect(report.neverReached == ["a million came"])
    let failure = try #require(throws: SimulationFailure.self) { try report.requireReached() }
    #expect(failure.kind == .neverReached)
    #expect(failure.sentence.contains("a million came"))
  }

  @Test func `a property of the beginning and one of the end are looked at, too`() throws {
    let early = try #require(throws: SimulationFailure.self) {
      try Simulation(seed: 1, nodes: 3) { Counter() }
        .always("more than nothing") { $0.total > 0 }.check(operations: 5) { _ in 1 }
    }
    #expect(early.sentence.contains("before the first command"))
    let late = try #require(throws: SimulationFailure.self) {
      try Simulation(seed: 1, nodes: 3) { Counter() }
        .eventually("a hundred came") { $0.total >= 100 }.check(operations: 5) { _ in 1 }
    }
    #expect(late.kind == .stalled)
    #expect(late.sentence.contains("a hundred came"))
  }

  @Test func `commands must follow from the generator, and be read back as they were`() throws {
    let counter = Count()
    let drawn = try #require(throws: SimulationFailure.self) {
      try Simulation(seed: 1, nodes: 3) { Counter() }
        .check(operations: 5) { _ in counter.next() }
    }
    #expect(drawn.kind == .nondeterministic)
    let unreadable = try #require(throws: SimulationFailure.self) {
      try Simulation(seed: 1, nodes: 3) { Misread() }.check(operations: 5) { _ in .two }
    }
    #expect(unreadable.kind == .refused)
    #expect(unreadable.sentence.contains("read back as it was written"))
  }

  @Test func `a plan of one's own is run as it is`() throws {
    var plan = Plan(seed: 9, options: .of(.powerCut, 3))
    plan.workload.operations = 30
    let report = try Simulation(plan) { Bank() }
      .always("no balance is negative") { $0.balances.allSatisfy { $0 >= 0 } }
      .check { Bank.draw(&$0) }
    #expect(report.faults > 0)
    #expect(report.operationsDone > 0)
  }

  // MARK: Models

  private func cell(_ isForgetful: Bool) -> Simulation<Cell> {
    Simulation(seed: 1, scenario: .calm(nodes: 3)) { Cell(isForgetful: isForgetful) }
      .queries { _ in .value }
      .linearizable(as: CellModel()) { asked in
        switch asked {
        case .command(let value, let before): (.swap(value), before)
        case .query(_, let value): (.read, value)
        }
      }
  }

  @Test func `a machine is as linearizable as its model says`() throws {
    try cell(false).check(operations: 60, seeds: 3) { random in random.next() }
    let failure = try #require(throws: SimulationFailure.self) {
      try cell(true).check(operations: 60, seeds: 3) { random in random.next() }
    }
    #expect(failure.property == "Linearizability" || failure.property == "Reads Are Fresh")
    #expect(failure.sentence.contains("read -> "))
  }

  @Test func `a machine can be its own model`() throws {
    try Simulation(seed: 1, scenario: .chaos(nodes: 3)) { Bank() }
      .queries { random in .balance(random.draw(in: 0..<4)) }
      .linearizable()
      .check(operations: 60, seeds: 3) { Bank.draw(&$0) }
    // What looks at its moment is not: no copy that was asked by itself would answer so.
    let failure = try #require(throws: SimulationFailure.self) {
      try Simulation(seed: 1, scenario: .calm(nodes: 3)) { Dated() }
        .linearizable().check(operations: 20) { _ in true }
    }
    #expect(failure.property == "Linearizability")
    try Simulation(seed: 1, scenario: .calm(nodes: 3)) { Dated() }
      .check(operations: 20) { _ in true }
  }
}

/// Something that changes whenever it is looked at.
final class Count: @unchecked Sendable {
  private var value: Int64 = 0
  func next() -> Int64 {
    value += 1
    return value
  }
}

/// Says where in the log each command stands.
struct Dated: StateMachine {
  init() {}
  mutating func apply(_ command: Bool, at moment: Moment) -> UInt64 { moment.index.rawValue }
  init(from reader: inout ByteReader) throws(MachineDecodingError) {}
  func write(into writer: inout ByteWriter) {}
}

/// Takes commands that are not read as they were written.
struct Misread: StateMachine {
  enum Command: UInt8, BinaryValue {
    case one = 1
    case two = 2
    func write(into writer: inout ByteWriter) { writer.write(rawValue) }
    init(from reader: inout ByteReader) throws(MachineDecodingError) {
      _ = try reader.read(UInt8.self)
      self = .one
    }
  }

  init() {}
  mutating func apply(_ command: Command, at moment: Moment) -> Bool { true }
  init(from reader: inout ByteReader) throws(MachineDecodingError) {}
  func write(into writer: inout ByteWriter) {}
}

/// A value that is exchanged for another one.
struct CellModel: SequentialModel {
  enum Operation: Hashable, Sendable {
    case swap(UInt64)
    case read
  }

  var initial: UInt64 { 0 }

  mutating func step(_ state: inout UInt64, _ operation: Operation, _ result: UInt64?) -> Bool {
    if let result, result != state { return false }
    if case .swap(let value) = operation { state = value }
    return true
  }

  func digest(of state: UInt64) -> UInt64 { state }

  func describe(_ operation: Operation, _ result: UInt64?) -> String {
    switch operation {
    case .swap(let value): "swap \(value) -> \(result.map { String($0) } ?? "?")"
    case .read: "read -> \(result.map { String($0) } ?? "?")"
    }
  }

  func describe(_ state: UInt64) -> String { "\(state)" }
}

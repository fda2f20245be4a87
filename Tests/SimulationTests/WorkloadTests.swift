import Raft
import RaftMachines
import RaftReplica
import TestPace
import Testing

@testable import RaftSimulation

@Suite(.computing) struct `What clients ask for` {
  private func drawn(_ count: Int, _ workload: WorkloadSettings, seed: UInt64 = 1) -> [Operation] {
    var operations: [Operation] = []
    for number in 1...count {
      let draw = Draw(seed, .workload, UInt64(number % 5), UInt64(number))
      operations.append(
        Operation.draw(
          workload, draw, client: UInt64(number % 5), number: UInt64(number), now: 7,
          after: operations))
    }
    return operations
  }

  @Test func `is of every kind and every freshness`() {
    var workload = WorkloadSettings()
    workload.leaseReadsPerMillion = 250_000
    workload.followerReadsPerMillion = 250_000
    workload.staleReadsPerMillion = 250_000
    let operations = drawn(4_000, workload)
    for kind in OperationKind.allCases {
      let share = operations.filter { $0.kind == kind }.count
      #expect(share > 10, "\(kind) was drawn \(share) times")
    }
    for reading in [ReadKind.linearizable, .lease, .follower, .stale] {
      let share = operations.filter { $0.kind.isRead && $0.reading == reading }.count
      #expect(share > 80, "\(reading) was drawn \(share) times")
    }
    #expect(operations.allSatisfy { $0.kind.isRead || $0.reading == .linearizable })
    #expect(operations.filter { $0.kind == .hold }.contains { $0.expected == nil })
    #expect(operations.filter { $0.kind == .hold }.contains { $0.expected != nil })
    #expect(operations.filter { $0.kind == .publish }.contains { $0.other == 0 })
    #expect(operations.filter { $0.kind == .publish }.contains { $0.other > 0 })
  }

  @Test func `is about what is there`() {
    var workload = WorkloadSettings()
    workload.keys = 3
    workload.accounts = 5
    workload.topics = 2
    for operation in drawn(1_000, workload) {
      switch operation.kind {
      case .put, .delete, .compareAndSet, .get: #expect(operation.key < 3)
      case .transfer: #expect(operation.key < 5 && operation.other < 5 && operation.value > 0)
      case .balance: #expect(operation.key < 5)
      case .openAccount: #expect(operation.key < 8)
      case .pair, .batch, .hold:
        // Holds would change what a transfer may take.
        #expect((5..<(operation.kind == .hold ? 8 : 7)).contains(operation.key))
        #expect((5..<7).contains(operation.other))
      case .capture, .void: #expect(operation.other > 0 && operation.other < operation.number)
      case .publish: #expect(operation.key < 2 && operation.value == operation.number)
      case .fetch: #expect(operation.key < 2 && (1...4).contains(operation.other))
      case .tick, .time: break
      case .command, .query: Issue.record("there is no guest to ask")
      }
    }
  }

  @Test(arguments: MachineKind.allCases)
  func `is for one machine only where the mix says so`(machine: MachineKind) {
    var workload = WorkloadSettings()
    workload.mix = WorkloadMix(only: machine)
    #expect(drawn(300, workload).allSatisfy { $0.kind.machine == machine })
  }

  @Test func `is for keys and values where the mix is empty`() {
    var workload = WorkloadSettings()
    workload.mix = WorkloadMix(keyValue: 0, ledger: 0, topics: 0, clock: 0)
    #expect(drawn(100, workload).allSatisfy { $0.kind.machine == .keyValue })
  }

  @Test func `follows from its draw and nothing else`() {
    #expect(drawn(300, WorkloadSettings()) == drawn(300, WorkloadSettings()))
    #expect(drawn(300, WorkloadSettings()) != drawn(300, WorkloadSettings(), seed: 2))
  }

  @Test func `is in most seeds for all machines, and in some for one`() {
    var single = 0
    var all = 0
    for seed in 1...300 as ClosedRange<UInt64> {
      let mix = Plan(seed: seed).workload.mix
      let weights = [mix.keyValue, mix.ledger, mix.topics, mix.clock]
      #expect(weights.contains { $0 > 0 })
      let used = weights.filter { $0 > 0 }.count
      if used == 1 { single += 1 }
      if used == 4 { all += 1 }
    }
    #expect(single > 30)
    #expect(all > 150)
  }

  // MARK: Bytes

  @Test func `is encoded as what it says`() throws {
    var workload = WorkloadSettings()
    workload.valueBytes = 3
    var seen: Set<OperationKind> = []
    for operation in drawn(1_000, workload) {
      switch operation.ask(workload) {
      case .query(let query, let reading):
        #expect(operation.kind.isRead && reading == operation.reading)
        expectMeant(query, operation)
      case .command(let bytes):
        #expect(!operation.kind.isRead)
        expectMeant(try SimulatedMachine.decode(bytes[...]), operation, workload)
      }
      seen.insert(operation.kind)
    }
    #expect(seen.count == OperationKind.allCases.count)
  }

  private func expectMeant(_ query: SimulatedMachine.Query, _ operation: Operation) {
    switch query {
    case .ours(.first(let query)): #expect(query == .get(key: Names.key(operation.key)))
    case .ours(.second(.first(let query))):
      #expect(query == .account(AccountID(operation.key + 1)))
    case .ours(.second(.second(.first(let query)))):
      #expect(
        query
          == .history(
            topic: Names.topic(operation.key), from: operation.value, limit: Int(operation.other)))
    case .ours(.second(.second(.second(let query)))): #expect(query == .latest)
    case .guest: Issue.record("there is no guest to ask")
    }
  }

  private func expectMeant(
    _ command: SimulatedMachine.Command, _ operation: Operation, _ workload: WorkloadSettings
  ) {
    let key = Names.key(operation.key)
    let value = Names.value(operation.value, ballast: 3)
    #expect(value.count == 11)
    switch (command, operation.kind) {
    case (.ours(.first(let command)), .put): #expect(command == .put(key: key, value: value))
    case (.ours(.first(let command)), .delete): #expect(command == .delete(key: key))
    case (.ours(.first(let command)), .compareAndSet):
      let expected = operation.expected.map { Names.value($0, ballast: 3) }
      #expect(command == .compareAndSet(key: key, expected: expected, value: value))
    case (.ours(.second(.first(let command))), _): expectMeant(command, operation)
    case (.ours(.second(.second(.first(.publish(let messages))))), .publish):
      #expect(messages.count == 1 && messages[0].payload == value)
      #expect(messages[0].topic == Names.topic(operation.key))
      #expect((messages[0].producer == .none) == (operation.other == 0))
      #expect(messages[0].sequence == (operation.other == 0 ? 0 : operation.number))
    case (.ours(.second(.second(.second(let command)))), .tick): #expect(command == .read)
    default: Issue.record("\(operation.phrase) became a command of another machine")
    }
  }

  private func expectMeant(_ command: RaftMachines.Ledger.Command, _ operation: Operation) {
    if case .open(let openings) = command {
      #expect(operation.kind == .openAccount && openings.count == 1)
      #expect(openings[0].id == AccountID(operation.key + 1))
      #expect(openings[0].limits.overdraft == operation.value)
      return
    }
    guard case .transfers(let transfers) = command else {
      Issue.record("\(operation.phrase) became another command")
      return
    }
    let count = operation.kind == .pair ? 2 : operation.kind == .batch ? operation.transfers : 1
    #expect(transfers.count == count)
    let first = transfers[0]
    switch operation.kind {
    case .transfer, .pair, .batch, .hold:
      #expect(first.debit == AccountID(operation.key + 1))
      #expect(first.credit == AccountID(operation.other + 1))
      #expect(first.amount == operation.value)
      #expect(first.isLinked == (operation.kind == .pair))
      #expect((first.key == .none) == (operation.kind != .hold))
      #expect(first.timeout == (operation.kind == .hold ? operation.expected ?? 0 : 0))
    case .capture, .void:
      #expect(first.kind == (operation.kind == .capture ? .capture : .void))
      #expect(first.reference == .key(Names.hold(operation.other)))
    default: Issue.record("\(operation.phrase) became a transfer")
    }
  }

  @Test func `has values that no other number has, and that damage shows`() {
    for ballast in [0, 5] as [UInt64] {
      let value = Names.value(0x0102_0304_0506_0708, ballast: ballast)
      #expect(Names.number(value, ballast: ballast) == 0x0102_0304_0506_0708)
      #expect(Names.number(value + [0x2e], ballast: ballast) == nil)
      #expect(Names.number(Array(value.dropLast()), ballast: ballast) == nil)
    }
    var damaged = Names.value(1, ballast: 5)
    damaged[10] ^= 1
    #expect(Names.number(damaged, ballast: 5) == nil)
  }
}

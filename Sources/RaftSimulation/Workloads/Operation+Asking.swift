// Operations as the machines' own commands and questions.

import Raft
import RaftClocks
import RaftMachines
import RaftReplica

extension Operation {
  /// What to ask a replica for: the same bytes in every attempt.
  ///
  /// - Complexity: O(bytes).
  func ask(_ workload: WorkloadSettings) -> ClientAsk {
    if let query = query { return .query(query, reading) }
    var writer = ByteWriter(reserving: 128 + Int(workload.valueBytes))
    command(workload.valueBytes).write(into: &writer)
    return .command(writer.bytes)
  }

  /// The question; `nil` if the operation is none.
  private var query: SimulatedMachine.Query? {
    switch kind {
    case .get: .ours(.first(.get(key: Names.key(key))))
    case .balance: .ours(.second(.first(.account(Names.account(key)))))
    case .fetch:
      .ours(
        .second(
          .second(
            .first(
              .history(
                topic: Names.topic(key), from: value,
                limit: Int(truncatingIfNeeded: min(other, 4)))))))
    case .time: .ours(.second(.second(.second(.latest))))
    case .put, .delete, .compareAndSet, .openAccount, .transfer, .pair, .batch, .hold, .capture,
      .void, .publish, .tick, .command, .query:
      nil
    }
  }

  /// The command. Questions that the store also takes as a command, for the order of the log, are
  /// not asked in that way.
  private func command(_ ballast: UInt64) -> SimulatedMachine.Command {
    switch kind {
    case .put:
      return .ours(.first(.put(key: Names.key(key), value: Names.value(value, ballast: ballast))))
    case .delete: return .ours(.first(.delete(key: Names.key(key))))
    case .compareAndSet:
      let expected = expected.map { Names.value($0, ballast: ballast) }
      return .ours(
        .first(
          .compareAndSet(
            key: Names.key(key), expected: expected, value: Names.value(value, ballast: ballast))))
    case .publish:
      let message = Publication(
        Names.topic(key), Names.value(value, ballast: ballast), producer: Names.producer(other),
        sequence: other == 0 ? 0 : number)
      return .ours(.second(.second(.first(.publish([message])))))
    case .tick, .get, .balance, .fetch, .time, .command, .query:
      return .ours(.second(.second(.second(.read))))
    case .openAccount, .transfer, .pair, .batch, .hold, .capture, .void:
      return .ours(.second(.first(entry)))
    }
  }

  /// The command for the ledger.
  private var entry: RaftMachines.Ledger.Command {
    let debit = Names.account(key)
    let credit = Names.account(other)
    switch kind {
    case .openAccount:
      let limits = AccountLimits(overdraft: value)
      return .open([AccountOpening(debit, Names.currency, limits: limits)])
    case .pair:
      var there = Transfer(from: debit, to: credit, amount: value)
      there.isLinked = true
      return .transfers([there, Transfer(from: credit, to: debit, amount: value)])
    case .batch:
      return .transfers(
        (0..<transfers).map { place in
          place % 2 == 0
            ? Transfer(from: debit, to: credit, amount: value)
            : Transfer(from: credit, to: debit, amount: value)
        })
    case .hold:
      return .transfers([
        Transfer(
          .hold, from: debit, to: credit, amount: value, key: Names.hold(number),
          timeout: expected ?? 0)
      ])
    case .capture: return .transfers([Transfer(.capture, of: .key(Names.hold(other)))])
    case .void: return .transfers([Transfer(.void, of: .key(Names.hold(other)))])
    case .transfer, .put, .delete, .compareAndSet, .get, .balance, .publish, .fetch, .tick, .time,
      .command, .query:
      return .transfers([Transfer(from: debit, to: credit, amount: value)])
    }
  }
}

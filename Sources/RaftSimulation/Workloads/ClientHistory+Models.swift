// What clients saw of each machine, held against its model.

import Linearizability
import Raft

extension ClientHistory {
  var keyValueFinding: Finding? {
    finding(KeyValueModel()) { operation in
      let key = Symbol(operation.key)
      switch operation.kind {
      case .put: return (.put(key: key, value: Symbol(operation.value)), .done)
      case .delete: return (.delete(key: key), .done)
      case .compareAndSet:
        let from = operation.expected.map { Symbol($0) } ?? .absent
        var isDone = false
        if case .done = operation.result { isDone = true }
        return (
          .compareAndSet(key: key, from: from, to: Symbol(operation.value)), .swapped(isDone)
        )
      case .get:
        guard case .read(let value, _) = operation.result else { return nil }
        return (.get(key: key), .value(value.map { Symbol($0) } ?? .absent))
      case .openAccount, .transfer, .pair, .batch, .hold, .capture, .void, .balance, .publish,
        .fetch, .tick, .time, .command, .query:
        return nil
      }
    }
  }

  /// Openings, transfers and balances. Holds and pairs have accounts of their own.
  var ledgerFinding: Finding? {
    finding(LedgerModel()) { operation in
      let account = Symbol(operation.key)
      var isDone = false
      if case .done = operation.result { isDone = true }
      switch operation.kind {
      case .openAccount:
        let overdraft = Int64(clamping: operation.value)
        return (
          .open(account: account, balance: 0, limit: -overdraft), isDone ? .done : .refused
        )
      case .transfer:
        let amount = Int64(clamping: operation.value)
        return (
          .transfer(from: account, to: Symbol(operation.other), amount: amount),
          isDone ? .done : .refused
        )
      case .balance:
        guard case .balance(let balance, _) = operation.result else { return nil }
        return (.balance(account: account), .balance(balance))
      case .put, .delete, .compareAndSet, .get, .pair, .batch, .hold, .capture, .void, .publish,
        .fetch, .tick, .time, .command, .query:
        return nil
      }
    }
  }

  /// Holds and what ends them.
  var holdFinding: Finding? {
    finding(HoldModel()) { operation in
      let hold = operation.kind == .hold ? operation.number : operation.other
      var result = HoldModel.Result.done
      if case .tooLate(let end, _) = operation.result { result = .tooLate(end) }
      if case .declined = operation.result { result = .declined }
      switch operation.kind {
      case .hold:
        return (HoldModel.Operation(hold, .hold(isTimed: operation.expected != nil)), result)
      case .capture: return (HoldModel.Operation(hold, .capture), result)
      case .void: return (HoldModel.Operation(hold, .void), result)
      case .put, .delete, .compareAndSet, .get, .openAccount, .transfer, .pair, .batch, .balance,
        .publish, .fetch, .tick, .time, .command, .query:
        return nil
      }
    }
  }

  var topicsFinding: Finding? {
    finding(TopicsModel()) { operation in
      let topic = Symbol(operation.key)
      switch operation.kind {
      case .publish:
        let publish = TopicsModel.Operation.publish(
          topic: topic, message: Symbol(operation.value))
        switch operation.result {
        case .stored(let offset, _): return (publish, .offset(offset))
        // What was declined is not in the topic.
        case .declined: return nil
        case .pending, .unknown, .sessionRefused, .refused, .done, .tooLate, .repeated, .ticked,
          .read, .balance, .messages, .time, .nonsense:
          return (publish, .published)
        }
      case .fetch:
        guard case .messages(let numbers, _) = operation.result else { return nil }
        var messages: [Symbol] = []
        for place in 0..<numbers.count { messages.append(Symbol(numbers[place])) }
        return (
          .read(topic: topic, from: operation.value, limit: operation.other), .messages(messages)
        )
      case .put, .delete, .compareAndSet, .get, .openAccount, .transfer, .pair, .batch, .hold,
        .capture, .void, .balance, .tick, .time, .command, .query:
        return nil
      }
    }
  }

  // MARK: Checking

  /// Holds the operations that the model has a word for against it.
  ///
  /// - Parameter translate: what an operation is in the model, with its result if that is known.
  func finding<Model: SequentialModel>(
    _ model: Model, _ translate: (Operation) -> (Model.Operation, Model.Result?)?
  ) -> Finding? {
    var records: [Record<Model.Operation, Model.Result>] = []
    var numbers: [UInt64] = []
    var stale: [Record<Model.Operation, Model.Result>] = []
    for place in operations.indices {
      let operation = operations[place]
      guard let (what, result) = translate(operation) else { continue }
      switch standing(place) {
      case .nothing: continue
      case .perhaps(let index):
        numbers.append(operation.number)
        records.append(
          Record(
            client: operation.client, call: operation.began, returned: nil, what, nil,
            position: index.rawValue * 2))
      case .surely(let index) where isStale(place):
        // It may be old, but must be what the log amounted to at the entry that it names.
        stale.append(
          Record(
            client: operation.client, call: 0, returned: nil, what, result,
            position: index.rawValue * 2 + 1))
      case .surely(let index):
        numbers.append(operation.number)
        records.append(
          Record(
            client: operation.client, call: operation.began, returned: operation.ended, what,
            result, position: index.rawValue * 2 + (operation.kind.isRead ? 1 : 0)))
      }
    }
    if certify(records, model) == nil {
      guard !stale.isEmpty else { return nil }
      records.append(contentsOf: stale)
      guard let fault = certify(records, model) else { return nil }
      return staleFinding(records[fault.operation], model)
    }
    return searched(records, numbers, model)
  }

  private func searched<Model: SequentialModel>(
    _ records: [Record<Model.Operation, Model.Result>], _ numbers: [UInt64], _ model: Model
  ) -> Finding? {
    let limits = CheckLimits(steps: 1_000_000, bytes: 1 << 30)
    guard case .violated(let found) = check(records, model, limits).verdict else { return nil }
    let record = records[found.stuck]
    let what = model.describe(record.operation, record.result)
    let partial = PartialOrder(
      operations: found.order.map { numbers[$0] }, stuck: numbers[found.stuck],
      state: found.state)
    return Finding(
      property: .linearizability, index: LogIndex((record.position ?? 0) / 2),
      sentence: "what clients saw has no order: \(what), which client \(record.client) was told"
        + " between \(record.call) and \(record.returned ?? record.call) ns, is right nowhere;"
        + " after the \(found.order.count) operations on the same that can come before, the state"
        + " is \(found.state)", partialOrder: partial)
  }

  private func staleFinding<Model: SequentialModel>(
    _ record: Record<Model.Operation, Model.Result>, _ model: Model
  ) -> Finding {
    let index = LogIndex((record.position ?? 0) / 2)
    return Finding(
      property: .readsAreFresh, index: index,
      sentence: "\(model.describe(record.operation, record.result)), which client"
        + " \(record.client) was told as of entry \(index.description), is not what the log amounts"
        + " to there")
  }
}

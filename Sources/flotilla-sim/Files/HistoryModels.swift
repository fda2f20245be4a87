// What operations and results look like in history files, for each model.

import Linearizability

extension RegisterModel: HistoryFileModel {
  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation {
    switch try fields.word("type", of: ["read", "write", "cas"]) {
    case "read": return .read
    case "write": return .write(symbols.symbol(try fields.text("value")))
    default:
      let from = try fields.nullableText("from").map { symbols.symbol($0) } ?? .absent
      return .compareAndSet(from: from, to: symbols.symbol(try fields.text("to")))
    }
  }

  mutating func answer(
    to operation: Operation, _ fields: HistoryFields
  ) throws(HistoryProblem) -> Result {
    switch operation {
    case .read: .value(try fields.nullableText("value").map { symbols.symbol($0) } ?? .absent)
    case .write: .done
    case .compareAndSet: .swapped(try fields.truth("swapped"))
    }
  }
}

extension KeyValueModel: HistoryFileModel {
  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation {
    let type = try fields.word("type", of: ["get", "put", "append", "delete", "cas"])
    let key = symbols.symbol(try fields.text("key"))
    switch type {
    case "get": return .get(key: key)
    case "put": return .put(key: key, value: try value("value", fields))
    case "append": return .append(key: key, value: try value("value", fields))
    case "delete": return .delete(key: key)
    default:
      let from = try fields.nullableText("from").map { symbols.symbol($0) } ?? .absent
      return .compareAndSet(key: key, from: from, to: try value("to", fields))
    }
  }

  /// A value that is written: where what is missing reads as empty, an empty text is the same as
  /// none.
  private mutating func value(
    _ key: String, _ fields: HistoryFields
  ) throws(HistoryProblem) -> Symbol {
    let text = try fields.text(key)
    return fields.isMissingEmpty && text.isEmpty ? .absent : symbols.symbol(text)
  }

  mutating func answer(
    to operation: Operation, _ fields: HistoryFields
  ) throws(HistoryProblem) -> Result {
    switch operation {
    case .get: .value(try fields.nullableText("value").map { symbols.symbol($0) } ?? .absent)
    case .put, .append, .delete: .done
    case .compareAndSet: .swapped(try fields.truth("swapped"))
    }
  }
}

extension LedgerModel: HistoryFileModel {
  static var refusal: Result? { .refused }

  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation {
    switch try fields.word("type", of: ["open", "transfer", "balance"]) {
    case "open":
      return open(
        try fields.text("account"), balance: try fields.optionalInteger("balance") ?? 0,
        limit: try fields.optionalInteger("limit") ?? 0)
    case "transfer":
      let amount = try fields.integer("amount")
      guard amount > 0 else {
        throw HistoryProblem("\"amount\" of \"op\" must be 1 or more, not \(amount)")
      }
      return transfer(try fields.text("from"), try fields.text("to"), amount)
    default: return balance(try fields.text("account"))
    }
  }

  mutating func answer(
    to operation: Operation, _ fields: HistoryFields
  ) throws(HistoryProblem) -> Result {
    guard case .balance = operation else { return .done }
    return .balance(try fields.optionalInteger("balance"))
  }
}

extension TopicsModel: HistoryFileModel {
  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation {
    let type = try fields.word("type", of: ["publish", "read"])
    let topic = try fields.text("topic")
    guard type == "publish" else {
      return read(
        topic, from: try fields.number("from"), limit: try fields.optionalNumber("limit"))
    }
    return publish(topic, try fields.text("message"))
  }

  mutating func answer(
    to operation: Operation, _ fields: HistoryFields
  ) throws(HistoryProblem) -> Result {
    switch operation {
    case .publish: try fields.optionalNumber("offset").map { .offset($0) } ?? .published
    case .read: messages(try fields.texts("messages"))
    }
  }
}

// What operations and results look like in history files, for each model.

import Linearizability

extension RegisterModel: HistoryFileModel {
  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation {
    switch try fields.type([("read", []), ("write", ["value"]), ("cas", ["from", "to"])]) {
    case "read": return .read
    case "write": return .write(symbols.symbol(try fields.text("value")))
    default:
      let from = try fields.nullableText("from").map { symbols.symbol($0) } ?? .absent
      return .compareAndSet(from: from, to: symbols.symbol(try fields.text("to")))
    }
  }

  static func answerKeys(of operation: Operation) -> [String] {
    switch operation {
    case .read: ["value"]
    case .write: []
    case .compareAndSet: ["swapped"]
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

extension KeyValueListModel: HistoryFileModel {
  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation {
    let type = try fields.type([
      ("get", ["key"]), ("put", ["key", "value"]), ("append", ["key", "value"]),
      ("delete", ["key"]), ("cas", ["key", "from", "to"]), ("list", ["prefix", "limit"]),
    ])
    if type == "list" {
      return list(
        try fields.text("prefix"),
        limit: try fields.optionalNumber("limit").map { Int(clamping: $0) }
      )
    }
    let key = symbols.symbol(try fields.text("key"))
    switch type {
    case "get": return .one(.get(key: key))
    case "put": return .one(.put(key: key, value: try value("value", fields)))
    case "append": return .one(.append(key: key, value: try value("value", fields)))
    case "delete": return .one(.delete(key: key))
    default:
      let from = try fields.nullableText("from").map { symbols.symbol($0) } ?? .absent
      return .one(.compareAndSet(key: key, from: from, to: try value("to", fields)))
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

  static func answerKeys(of operation: Operation) -> [String] {
    switch operation {
    case .one(.get): ["value"]
    case .one(.put), .one(.append), .one(.delete): []
    case .one(.compareAndSet): ["swapped"]
    case .list: ["entries"]
    }
  }

  mutating func answer(
    to operation: Operation, _ fields: HistoryFields
  ) throws(HistoryProblem) -> Result {
    switch operation {
    case .one(.get):
      .one(.value(try fields.nullableText("value").map { symbols.symbol($0) } ?? .absent))
    case .one(.put), .one(.append), .one(.delete): .one(.done)
    case .one(.compareAndSet): .one(.swapped(try fields.truth("swapped")))
    case .list:
      // Where what is missing reads as empty, what is empty is not there.
      entries(try fields.pairs("entries").filter { !fields.isMissingEmpty || !$0.value.isEmpty })
    }
  }
}

extension HistoryFile<KeyValueListModel> {
  /// The operations for the model that takes each key by itself; `nil` if any is about several.
  var single: [History<KeyValueModel>.Entry]? {
    var single: [History<KeyValueModel>.Entry] = []
    single.reserveCapacity(records.count)
    for record in records {
      guard case .one(let operation) = record.operation else { return nil }
      var result: KeyValueStore.Result?
      if case .one(let known) = record.result { result = known }
      single.append(
        Record(
          client: record.client, call: record.call, returned: record.returned, operation, result,
          position: record.position))
    }
    return single
  }
}

extension LedgerModel: HistoryFileModel {
  static var refusal: Result? { .refused }

  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation {
    let types = [
      ("open", ["account", "balance", "limit"]), ("transfer", ["from", "to", "amount"]),
      ("balance", ["account"]),
    ]
    switch try fields.type(types) {
    case "open":
      return open(
        try fields.text("account"), balance: try fields.optionalInteger("balance") ?? 0,
        limit: try fields.optionalInteger("limit") ?? 0)
    case "transfer":
      // Also less than 1: the rules turn it down, so that an answer of ok is wrong.
      return transfer(
        try fields.text("from"), try fields.text("to"), try fields.integer("amount"))
    default: return balance(try fields.text("account"))
    }
  }

  static func answerKeys(of operation: Operation) -> [String] {
    if case .balance = operation { ["balance"] } else { [] }
  }

  mutating func answer(
    to operation: Operation, _ fields: HistoryFields
  ) throws(HistoryProblem) -> Result {
    guard case .balance = operation else { return .done }
    return .balance(try fields.nullableInteger("balance"))
  }
}

extension TopicsModel: HistoryFileModel {
  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation {
    let type = try fields.type([
      ("publish", ["topic", "message"]), ("read", ["topic", "from", "limit"]),
    ])
    let topic = try fields.text("topic")
    guard type == "publish" else {
      return read(
        topic, from: try fields.number("from"), limit: try fields.optionalNumber("limit"))
    }
    return publish(topic, try fields.text("message"))
  }

  static func answerKeys(of operation: Operation) -> [String] {
    switch operation {
    case .publish: ["offset"]
    case .read: ["messages"]
    }
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

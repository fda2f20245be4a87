// What clients asked for and were told, one JSON object for each operation: the form that `check`
// reads, where it has a model.

import RaftSimulation

enum HistoryLines {
  /// A file for `check`: its model, and whose operations are in it.
  struct Extract {
    var model: String
    var machine: MachineKind
  }

  static let extracts = [
    Extract(model: "kv", machine: .keyValue), Extract(model: "ledger", machine: .ledger),
    Extract(model: "topics", machine: .topics),
  ]

  /// All operations.
  static func all(_ history: [Operation]) -> [String] { history.map { line($0).line } }

  /// Those that a model has a word for, and whose answers must not be old.
  static func lines(_ history: [Operation], of machine: MachineKind) -> [String] {
    history.filter { operation in
      guard operation.kind.machine == machine else { return false }
      if operation.kind.isRead, operation.reading == .stale { return false }
      switch operation.kind {
      // Holds, pairs and batches have accounts of their own, which no transfer touches.
      case .pair, .batch, .hold, .capture, .void, .tick, .time, .command, .query: return false
      case .openAccount: return !operation.isWithoutLimit
      case .put, .delete, .compareAndSet, .get, .transfer, .balance, .publish, .fetch: return true
      }
    }.map { line($0).line }
  }

  private static func line(_ operation: Operation) -> JSON {
    let result = result(operation)
    var pairs: [(key: String, value: JSON)] = [
      ("client", .string("c\(operation.client)")),
      ("call", .count(Int(clamping: operation.began))),
      ("return", operation.ended.map { .count(Int(clamping: $0)) } ?? .null),
      ("op", .object(call(operation))),
      ("result", .object(result)),
      ("operation", .number(operation.number)),
    ]
    // Each entry has one place, and behind it one for all questions that take it in.
    if let index = operation.result.index?.rawValue {
      let place = index * 2 + (operation.kind.isRead ? 1 : 0)
      pairs.append(("position", .count(Int(clamping: place))))
    }
    return .object(pairs)
  }

  private static func call(_ operation: Operation) -> [(key: String, value: JSON)] {
    var pairs = words(operation)
    if operation.kind.isRead { pairs.append(("read", .string(operation.reading.description))) }
    return pairs
  }

  private static func words(_ operation: Operation) -> [(key: String, value: JSON)] {
    let key = JSON.string("k\(operation.key)")
    let account = JSON.string("a\(operation.key)")
    let other = JSON.string("a\(operation.other)")
    let topic = JSON.string("t\(operation.key)")
    let value = JSON.number(operation.value)
    // How much, or from where: small numbers.
    let amount = JSON.count(Int(clamping: operation.value))
    switch operation.kind {
    case .put: return [("type", .string("put")), ("key", key), ("value", value)]
    case .delete: return [("type", .string("delete")), ("key", key)]
    case .compareAndSet:
      let from = operation.expected.map { JSON.number($0) } ?? .null
      return [("type", .string("cas")), ("key", key), ("from", from), ("to", value)]
    case .get: return [("type", .string("get")), ("key", key)]
    case .openAccount:
      let limit = JSON.count(-Int(clamping: operation.value))
      return [
        ("type", .string("open")), ("account", account),
        ("limit", operation.isWithoutLimit ? .null : limit),
      ]
    case .transfer:
      return [("type", .string("transfer")), ("from", account), ("to", other), ("amount", amount)]
    case .pair:
      return [("type", .string("pair")), ("from", account), ("to", other), ("amount", amount)]
    case .batch:
      return [
        ("type", .string("batch")), ("from", account), ("to", other), ("amount", amount),
        ("transfers", .count(operation.transfers)),
      ]
    case .hold:
      let timeout = operation.expected.map { JSON.number($0) } ?? .null
      return [
        ("type", .string("hold")), ("from", account), ("to", other), ("amount", amount),
        ("timeout", timeout),
      ]
    case .capture: return [("type", .string("capture")), ("hold", .number(operation.other))]
    case .void: return [("type", .string("void")), ("hold", .number(operation.other))]
    case .balance: return [("type", .string("balance")), ("account", account)]
    case .publish: return [("type", .string("publish")), ("topic", topic), ("message", value)]
    case .fetch:
      return [
        ("type", .string("read")), ("topic", topic), ("from", amount),
        ("limit", .count(Int(clamping: operation.other))),
      ]
    case .tick: return [("type", .string("tick"))]
    case .time: return [("type", .string("time"))]
    case .command, .query:
      return [("type", .string(operation.kind.description)), ("draw", value)]
    }
  }

  private static func result(_ operation: Operation) -> [(key: String, value: JSON)] {
    var pairs: [(key: String, value: JSON)] = [("status", .string("ok"))]
    switch operation.result {
    case .pending, .unknown, .sessionRefused: return [("status", .string("unknown"))]
    case .refused: return [("status", .string("failed"))]
    case .done:
      if operation.kind == .compareAndSet { pairs.append(("swapped", .bool(true))) }
    case .declined:
      switch operation.kind {
      case .compareAndSet: pairs.append(("swapped", .bool(false)))
      case .publish: return [("status", .string("failed"))]
      case .openAccount, .transfer, .pair, .batch, .hold, .capture, .void, .put, .delete, .get,
        .balance, .fetch, .tick, .time, .command, .query:
        return [("status", .string("refused"))]
      }
    case .tooLate(let end, _):
      return [("status", .string("refused")), ("reason", .string(end.description))]
    case .repeated:
      return [("status", .string("unknown")), ("reason", .string("done before"))]
    case .nonsense:
      return [("status", .string("unknown")), ("reason", .string("no answer to this"))]
    case .stored(let offset, _): pairs.append(("offset", .count(Int(clamping: offset))))
    case .ticked(let time, _), .time(let time, _): pairs.append(("time", .number(time)))
    case .read(let value, _): pairs.append(("value", value.map { .number($0) } ?? .null))
    case .balance(let balance, _):
      pairs.append(("balance", balance.map { .count(Int($0)) } ?? .null))
    case .messages(let numbers, _):
      pairs.append(("messages", .array((0..<numbers.count).map { .number(numbers[$0]) })))
    }
    if let index = operation.result.index { pairs.append(("index", .number(index.rawValue))) }
    return pairs
  }
}

extension Operation {
  /// Whether it opens an account that may be overdrawn without bound.
  fileprivate var isWithoutLimit: Bool { kind == .openAccount && value == .max }
}

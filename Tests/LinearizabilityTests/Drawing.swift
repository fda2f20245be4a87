// Random small histories: runs of a correct object, with a lie here and there.

import Raft

@testable import Linearizability

/// Draws what a client of a model might ask, and what it might be told wrongly.
protocol Drawable: SequentialModel {
  /// The model with the texts that are drawn.
  static func make() -> Self
  /// Which object the operation is about, where each has a state of its own.
  static func object(of operation: Operation) -> UInt64
  static func operation(_ random: inout RandomSource) -> Operation
  /// What the object answers in this state.
  static func answer(_ operation: Operation, _ state: State) -> Result
  /// Any answer to this operation.
  static func anyAnswer(_ operation: Operation, _ random: inout RandomSource) -> Result
}

extension Drawable {
  static func object(of operation: Operation) -> UInt64 { 0 }
}

extension RandomSource {
  mutating func below(_ bound: Int) -> Int { Int(draw(below: UInt64(bound))) }
  mutating func happens(_ percent: Int) -> Bool { below(100) < percent }
}

/// How a random history looks.
struct Shape {
  var operations = 6
  var clients = 3
  var unknownPercent = 20
  var liePercent = 15
}

enum Drawing {
  /// A run of so many clients against a correct object: each operation takes effect at some moment
  /// between its call and its return. Some answers are lost, and some replaced.
  static func history<Model: Drawable>(
    _ model: Model, _ shape: Shape, _ random: inout RandomSource
  ) -> [Record<Model.Operation, Model.Result>] {
    var model = model
    return history(&model, shape, &random)
  }

  /// The same; the model then has the texts of all that was answered.
  static func history<Model: Drawable>(
    _ model: inout Model, _ shape: Shape, _ random: inout RandomSource
  ) -> [Record<Model.Operation, Model.Result>] {
    var states: [UInt64: Model.State] = [:]
    var records: [Record<Model.Operation, Model.Result>] = []
    /// By client: its operation under way, and what it will be told once that has taken effect.
    var open = [(number: Int, answer: Model.Result?)?](repeating: nil, count: shape.clients)
    var time: UInt64 = 0
    while records.count < shape.operations || open.contains(where: { $0 != nil }) {
      if !random.happens(25) { time += 1 }
      let client = random.below(shape.clients)
      guard let (number, answer) = open[client] else {
        guard records.count < shape.operations else { continue }
        let operation = Model.operation(&random)
        records.append(Record(client: UInt64(client), call: time, returned: nil, operation, nil))
        open[client] = (records.count - 1, nil)
        continue
      }
      let isLost = random.happens(shape.unknownPercent / 2)
      if answer == nil, !isLost {
        let operation = records[number].operation
        let object = Model.object(of: operation)
        var state = states[object] ?? model.initial
        let right = Model.answer(operation, state)
        precondition(model.step(&state, operation, right), "\(operation) \(right)")
        states[object] = state
        let told = random.happens(shape.liePercent) ? Model.anyAnswer(operation, &random) : right
        open[client] = (number, told)
        continue
      }
      open[client] = nil
      if isLost {
        if random.happens(50) { records[number].returned = time }
      } else {
        records[number].returned = time
        records[number].result = answer
      }
    }
    return records
  }
}

extension RegisterModel: Drawable {
  static func make() -> RegisterModel { RegisterModel() }

  static func operation(_ random: inout RandomSource) -> Operation {
    let value = Symbol(random.draw(below: 3))
    switch random.below(5) {
    case 0, 1: return .read
    case 2, 3: return .write(value)
    default: return .compareAndSet(from: Symbol(random.draw(below: 3)), to: value)
    }
  }

  static func answer(_ operation: Operation, _ state: Symbol) -> Result {
    switch operation {
    case .read: .value(state)
    case .write: .done
    case .compareAndSet(let from, _): .swapped(from == state)
    }
  }

  static func anyAnswer(_ operation: Operation, _ random: inout RandomSource) -> Result {
    switch operation {
    case .read: .value(random.below(6) == 0 ? .absent : Symbol(random.draw(below: 3)))
    case .write: .done
    case .compareAndSet: .swapped(random.happens(50))
    }
  }
}

/// Keys and values drawn for both models of the store.
enum StoreDrawing {
  static let values = ["", "a", "b", "ab", "ba", "aa"]
  /// Texts that are written seldom, so that it matters where each one goes.
  static let rare = ["c", "d", "e", "f", "g"]

  static func symbols() -> SymbolTable {
    var symbols = SymbolTable()
    for value in values + rare { _ = symbols.symbol(value) }
    return symbols
  }

  static func operation(_ random: inout RandomSource) -> KeyValueStore.Operation {
    let key = Symbol(random.draw(below: 2))
    let isRare = random.happens(40)
    let value = Symbol(isRare ? 6 + random.draw(below: 5) : random.draw(below: 6))
    switch random.below(9) {
    case 0, 1, 2: return .get(key: key)
    case 3, 4: return .put(key: key, value: value)
    case 5, 6: return .append(key: key, value: value)
    case 7: return .delete(key: key)
    default:
      let from = random.happens(30) ? .absent : Symbol(random.draw(below: 3))
      return .compareAndSet(key: key, from: from, to: value)
    }
  }

  static func answer(_ operation: KeyValueStore.Operation, _ value: Symbol) -> KeyValueStore.Result
  {
    switch operation {
    case .get: .value(value)
    case .put, .append, .delete: .done
    case .compareAndSet(_, let from, _): .swapped(value == from)
    }
  }

  static func anyAnswer(
    _ operation: KeyValueStore.Operation, _ random: inout RandomSource
  ) -> KeyValueStore.Result {
    switch operation {
    case .get:
      .value(random.happens(30) ? .absent : Symbol(random.draw(below: UInt64(values.count))))
    case .put, .append, .delete: .done
    case .compareAndSet: .swapped(random.happens(50))
    }
  }
}

extension KeyValueMapModel: Drawable {
  static func make() -> KeyValueMapModel {
    var model = KeyValueMapModel()
    model.symbols = StoreDrawing.symbols()
    return model
  }

  static func operation(_ random: inout RandomSource) -> Operation {
    StoreDrawing.operation(&random)
  }

  static func answer(_ operation: Operation, _ state: State) -> Result {
    StoreDrawing.answer(operation, state[operation.key])
  }

  static func anyAnswer(_ operation: Operation, _ random: inout RandomSource) -> Result {
    StoreDrawing.anyAnswer(operation, &random)
  }
}

extension KeyValueModel: Drawable {
  static func make() -> KeyValueModel {
    var model = KeyValueModel()
    model.symbols = StoreDrawing.symbols()
    return model
  }

  static func object(of operation: Operation) -> UInt64 { operation.key.rawValue }

  static func operation(_ random: inout RandomSource) -> Operation {
    StoreDrawing.operation(&random)
  }

  static func answer(_ operation: Operation, _ state: Symbol) -> Result {
    StoreDrawing.answer(operation, state)
  }

  static func anyAnswer(_ operation: Operation, _ random: inout RandomSource) -> Result {
    StoreDrawing.anyAnswer(operation, &random)
  }
}

extension KeyValueListModel: Drawable {
  static func make() -> KeyValueListModel {
    var model = KeyValueListModel()
    model.symbols = StoreDrawing.symbols()
    return model
  }

  static func operation(_ random: inout RandomSource) -> Operation {
    guard random.happens(30) else { return .one(StoreDrawing.operation(&random)) }
    // All keys, those that begin with a letter, and now and then none.
    return .list(
      prefix: Symbol(random.draw(below: 3)), limit: random.happens(30) ? random.below(2) : nil)
  }

  static func answer(_ operation: Operation, _ state: State) -> Result {
    let symbols = StoreDrawing.symbols()
    switch operation {
    case .one(let operation):
      return .one(StoreDrawing.answer(operation, state[operation.key]))
    case .list(let prefix, let limit):
      let keys = state.keys.filter { symbols.text($0).hasPrefix(symbols.text(prefix)) }
        .sorted { symbols.text($0) < symbols.text($1) }
      return .entries(keys.prefix(limit ?? 9).map { Entry(key: $0, value: state[$0]) })
    }
  }

  static func anyAnswer(_ operation: Operation, _ random: inout RandomSource) -> Result {
    switch operation {
    case .one(let operation): .one(StoreDrawing.anyAnswer(operation, &random))
    case .list:
      .entries(
        (0..<random.below(3)).map { _ in
          Entry(
            key: Symbol(random.draw(below: 2)),
            value: Symbol(random.draw(below: UInt64(StoreDrawing.values.count))))
        })
    }
  }
}

extension LedgerModel: Drawable {
  static func make() -> LedgerModel { LedgerModel() }

  static func operation(_ random: inout RandomSource) -> Operation {
    let account = Symbol(random.draw(below: 3))
    let amount = Int64(random.below(4)) - (random.happens(5) ? 1 : 0)
    switch random.below(6) {
    case 0, 1: return .open(account: account, balance: amount, limit: random.happens(20) ? -2 : 0)
    case 2, 3: return .balance(account: account)
    default: return .transfer(from: account, to: Symbol(random.draw(below: 3)), amount: amount)
    }
  }

  static func answer(_ operation: Operation, _ state: State) -> Result {
    let model = LedgerModel()
    if case .balance(let name) = operation {
      let place = state.place(of: name)
      return .balance(place.isThere ? state.accounts[place.index].balance : nil)
    }
    return model.effect(of: operation, .done, in: state) == .changed ? .done : .refused
  }

  static func anyAnswer(_ operation: Operation, _ random: inout RandomSource) -> Result {
    switch operation {
    case .balance: .balance(random.happens(30) ? nil : Int64(random.below(5)))
    case .open, .transfer: random.happens(50) ? .done : .refused
    }
  }
}

extension TopicsModel: Drawable {
  static func make() -> TopicsModel { TopicsModel() }

  static func object(of operation: Operation) -> UInt64 { operation.topic.rawValue }

  static func operation(_ random: inout RandomSource) -> Operation {
    let topic = Symbol(random.draw(below: 2))
    if random.happens(50) { return .publish(topic: topic, message: Symbol(random.draw(below: 3))) }
    return .read(
      topic: topic, from: random.draw(below: 3),
      limit: random.happens(50) ? random.draw(below: 3) : nil)
  }

  static func answer(_ operation: Operation, _ state: State) -> Result {
    switch operation {
    case .publish(_, let message):
      // Now and then the answer does not say where.
      return message.rawValue == 2 ? .published : .offset(UInt64(state.messages.count))
    case .read(_, let from, let limit):
      let rest = state.messages.dropFirst(Int(from))
      return .messages(Array(rest.prefix(Int(limit ?? 100))))
    }
  }

  static func anyAnswer(_ operation: Operation, _ random: inout RandomSource) -> Result {
    switch operation {
    case .publish: .offset(random.draw(below: 4))
    case .read: .messages((0..<random.below(3)).map { _ in Symbol(random.draw(below: 3)) })
    }
  }
}

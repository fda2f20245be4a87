// Random histories of correct objects, to measure the checker by. Each seed gives the same history
// everywhere.

import Linearizability
import Raft

/// How a drawn history looks.
struct HistoryShape {
  var operations: Int
  var clients: Int
  var keys: UInt64 = 1
  /// How many different values are written; 0 for a new one each time.
  var values: UInt64 = 0
  /// Of a hundred operations: how many read, how many add to the end of a value.
  var reads: UInt64 = 40
  var appends: UInt64 = 0
  /// Of a hundred operations: how many are never answered.
  var unknown: UInt64 = 0
  /// Of a hundred steps: how many are taken by the client that took the one before. Without any,
  /// all clients are under way all the time; with many, few are, and the others wait long.
  var bursts: UInt64 = 0
  /// Whether one read late in the history says something that was overwritten before it began.
  var isStale = false
}

/// Runs clients against a correct store that takes each operation at some moment between its call
/// and its return.
struct HistoryDrawing {
  private struct Call {
    var record: Int
    var result: KeyValueModel.Result?
  }

  private(set) var model = KeyValueModel()
  private(set) var records: [History<KeyValueModel>.Entry] = []
  private let shape: HistoryShape
  private var random: RandomSource
  private var store: [Symbol: Symbol] = [:]
  private var overwritten: [Symbol: Symbol] = [:]
  private var calls: [Call?]
  private var effects: UInt64 = 0

  init(_ shape: HistoryShape, seed: UInt64) {
    self.shape = shape
    random = RandomSource(seed: seed)
    calls = [Call?](repeating: nil, count: shape.clients)
    // Keys are the first symbols, so that they are the same in all histories.
    for key in 0..<shape.keys { _ = model.symbols.symbol("\(key)") }
    var time: UInt64 = 0
    var client = 0
    while records.count < shape.operations || calls.contains(where: { $0 != nil }) {
      time += 1
      if shape.bursts == 0 || random.draw(below: 100) >= shape.bursts {
        client = Int(random.draw(below: UInt64(shape.clients)))
      }
      step(client, at: time)
    }
    if shape.isStale { makeStale() }
  }

  private mutating func step(_ client: Int, at time: UInt64) {
    guard let call = calls[client] else {
      guard records.count < shape.operations else { return }
      records.append(
        Record(client: UInt64(client), call: time, returned: nil, nextOperation(), nil))
      calls[client] = Call(record: records.count - 1)
      return
    }
    if random.draw(below: 200) < shape.unknown {
      // The answer is lost: the client goes on, the operation has or has not happened.
      calls[client] = nil
    } else if let result = call.result {
      records[call.record].result = result
      records[call.record].returned = time
      calls[client] = nil
    } else {
      calls[client] = Call(record: call.record, result: takeEffect(call.record))
    }
  }

  private mutating func nextOperation() -> KeyValueModel.Operation {
    let key = Symbol(random.draw(below: shape.keys))
    let choice = random.draw(below: 100)
    if choice < shape.reads { return .get(key: key) }
    let number = shape.values == 0 ? UInt64(records.count) : random.draw(below: shape.values)
    let value = model.symbols.symbol("x\(number)y")
    if choice < shape.reads + shape.appends { return .append(key: key, value: value) }
    return .put(key: key, value: value)
  }

  private mutating func takeEffect(_ number: Int) -> KeyValueModel.Result {
    let operation = records[number].operation
    effects += 1
    records[number].position = effects
    var value = store[operation.key] ?? .absent
    if case .get = operation { return .value(value) }
    overwritten[operation.key] = value
    _ = model.step(&value, operation, nil)
    store[operation.key] = value
    return .done
  }

  /// Replaces what the last possible read saw by what was there before the last write.
  private mutating func makeStale() {
    for number in records.indices.reversed() {
      guard case .get(let key) = records[number].operation, records[number].result != nil,
        let old = overwritten[key], records[number].result != .value(old)
      else { continue }
      records[number].result = .value(old)
      return
    }
  }

  /// The records without the order in which they took effect.
  var unplaced: [History<KeyValueModel>.Entry] {
    var records = records
    for number in records.indices { records[number].position = nil }
    return records
  }
}

// The definition itself, tried out: every order of every subset. Slow and plainly right.

@testable import Linearizability

enum Naive {
  /// Whether some order of all operations of known outcome and some of the others is right.
  static func isLinearizable<Model: Drawable>(
    _ records: [Record<Model.Operation, Model.Result>], _ model: Model
  ) -> Bool {
    var left = Array(records.indices)
    var model = model
    var states: [UInt64: Model.State] = [:]
    return canFinish(records, &left, &states, &model)
  }

  private static func canFinish<Model: Drawable>(
    _ records: [Record<Model.Operation, Model.Result>], _ left: inout [Int],
    _ states: inout [UInt64: Model.State], _ model: inout Model
  ) -> Bool {
    if left.allSatisfy({ records[$0].result == nil }) { return true }
    for place in left.indices {
      let number = left[place]
      guard left.allSatisfy({ deadline(records[$0]) >= records[number].call }) else { continue }
      let object = Model.object(of: records[number].operation)
      let before = states[object]
      var next = before ?? model.initial
      guard model.step(&next, records[number].operation, records[number].result) else { continue }
      left.remove(at: place)
      states[object] = next
      let isFinished = canFinish(records, &left, &states, &model)
      states[object] = before
      left.insert(number, at: place)
      if isFinished { return true }
    }
    return false
  }

  static func deadline<Operation, Result>(_ record: Record<Operation, Result>) -> UInt64 {
    record.result == nil ? .max : record.returned ?? .max
  }

  /// What is wrong with an order that is said to explain the operations, `nil` if nothing is.
  static func fault<Model: Drawable>(
    in order: [Int], of records: [Record<Model.Operation, Model.Result>], _ model: Model,
    isPartial: Bool = false
  ) -> String? {
    var model = model
    guard Set(order).count == order.count else { return "an operation comes twice in \(order)" }
    for number in records.indices
    where !isPartial && records[number].result != nil && !order.contains(number) {
      return "operation \(number) is missing in \(order)"
    }
    var latest: UInt64 = 0
    var states: [UInt64: Model.State] = [:]
    for number in order {
      latest = max(latest, records[number].call)
      guard deadline(records[number]) >= latest else { return "operation \(number) comes too late" }
      var state = states[Model.object(of: records[number].operation)] ?? model.initial
      guard model.step(&state, records[number].operation, records[number].result) else {
        return "operation \(number) is not right at its place in \(order)"
      }
      states[Model.object(of: records[number].operation)] = state
    }
    return nil
  }

  /// Whether the search with all its shortcuts finds a solution for each part. A check that finds
  /// none looks once more without them, to explain, and would so hide a shortcut that goes too far.
  static func isFoundByShortcuts<Model: Drawable>(
    _ records: [Record<Model.Operation, Model.Result>], _ model: Model
  ) -> Bool {
    PartNumbers(records, model).members(of: records.count).allSatisfy { part in
      var prepared = model
      prepared.prepare(for: part.map { records[$0].operation }, part.map { records[$0].result })
      let schedule = Schedule(records, part, &prepared)
      var search = Search(records, schedule, prepared, CheckLimits())
      if case .found = search.run() { return true }
      return false
    }
  }
}

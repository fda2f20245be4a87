// The question and its answer.

/// Whether a history is linearizable with respect to a model (Herlihy and Wing 1990).
///
/// Each part (see ``SequentialModel/parts(of:)``) is checked by itself. Where every operation of
/// known outcome in a part has a position, that order is tried first and is a proof if it holds;
/// otherwise a solution is searched for. Positions serve the search as a hint only.
///
/// - Complexity: O(operations) where the positions are a proof. A search takes time in proportion
///   to the history in most cases, and in the worst time exponential in the number of operations
///   that overlap; `limits` bound it.
@inlinable
public func check<Model: SequentialModel>(
  _ history: History<Model>, _ model: Model, _ limits: CheckLimits = CheckLimits()
) -> Checked {
  check(history.records, model, limits)
}

/// Whether these operations are linearizable with respect to a model; see ``check(_:_:_:)``.
@_specialize(where Model == RegisterModel)
@_specialize(where Model == KeyValueModel)
@_specialize(where Model == KeyValueMapModel)
@_specialize(where Model == LedgerModel)
@_specialize(where Model == TopicsModel)
@inlinable
public func check<Model: SequentialModel>(
  _ records: [Record<Model.Operation, Model.Result>], _ model: Model,
  _ limits: CheckLimits = CheckLimits()
) -> Checked {
  let parts = PartNumbers(records, model)
  let members = parts.members(of: records.count)
  var checked = Checked(
    verdict: .linearizable(order: []), steps: 0, parts: members.count, certified: 0)
  var (orders, isProved) = provedOrders(records, parts, model)
  var exhaustion: Exhaustion?
  for (number, part) in members.enumerated() {
    if isProved[number] {
      checked.certified += 1
      continue
    }
    var left = limits
    left.steps = limits.steps - min(limits.steps, checked.steps)
    let found = searchPart(records, part, model, left)
    checked.steps += found.steps
    switch found.verdict {
    case .linearizable(let order): orders[number] = order
    case .violated:
      checked.verdict = found.verdict
      return checked
    case .undecided(let reason): exhaustion = exhaustion ?? reason
    }
  }
  checked.verdict =
    exhaustion.map { .undecided($0) } ?? .linearizable(order: merged(records, orders))
  return checked
}

/// For each part the order that its positions give, if there are any, and whether that is a proof.
@inlinable
func provedOrders<Model: SequentialModel>(
  _ records: [Record<Model.Operation, Model.Result>], _ parts: PartNumbers, _ model: Model
) -> (orders: [[Int]], isProved: [Bool]) {
  var orders = [[Int]](repeating: [], count: parts.count)
  let order = positioned(records)
  guard !order.isEmpty else {
    return (orders, [Bool](repeating: false, count: parts.count))
  }
  var proof = Proof(parts, model)
  proof.replay(records, order, isStoppedByFault: false)
  for number in order { orders[parts[Int(number)]].append(Int(number)) }
  return (orders, proof.isBroken.map { !$0 })
}

/// Searches one part.
@inlinable
func searchPart<Model: SequentialModel>(
  _ records: [Record<Model.Operation, Model.Result>], _ part: [Int], _ model: Model,
  _ limits: CheckLimits
) -> (verdict: CheckVerdict, steps: UInt64) {
  var prepared = model
  prepared.prepare(for: part.map { records[$0].operation }, part.map { records[$0].result })
  let schedule = Schedule(records, part, &prepared)
  var search = Search(records, schedule, prepared, limits)
  switch search.run() {
  case .found:
    let order = search.path.map { schedule.members[Int($0)] }
    return (.linearizable(order: order), search.steps)
  case .outOfSteps: return (.undecided(.steps(limits.steps)), search.steps)
  case .outOfMemory: return (.undecided(.bytes(limits.bytes)), search.steps)
  case .exhausted, .stopped:
    let verdict = explain(
      records, schedule, model, prepared, (search.bestPassed, search.bestStep), limits)
    return (verdict, search.steps)
  }
}

/// The longest order of a part that has no solution.
///
/// The first search gave up early wherever it saw that nothing could come of it. A reader is better
/// served by how far one gets, so this one goes on, for a while. Should it find a solution, then
/// the model's hints are wrong, and the solution is right all the same.
///
/// - Parameter records: the history.
/// - Parameter schedule: the part.
/// - Parameter model: the model as it was given.
/// - Parameter prepared: the model of the first search.
/// - Parameter first: how many returns the first search passed at most, and at which step.
/// - Parameter limits: how much memory it may take.
@inlinable
func explain<Model: SequentialModel>(
  _ records: [Record<Model.Operation, Model.Result>], _ schedule: Schedule, _ model: Model,
  _ prepared: Model, _ first: (bestPassed: Int, bestStep: UInt64), _ limits: CheckLimits
) -> CheckVerdict {
  let limits = CheckLimits(steps: 5_000, bytes: min(limits.bytes, 1 << 28))
  var longer = Search(records, schedule, model, limits, isLookingAhead: false)
  if case .found = longer.run() {
    return .linearizable(order: longer.path.map { schedule.members[Int($0)] })
  }
  let isLonger = longer.bestPassed >= first.bestPassed
  var again = Search(
    records, schedule, isLonger ? model : prepared, CheckLimits(steps: .max, bytes: .max),
    isLookingAhead: !isLonger)
  _ = again.run(stopAt: isLonger ? longer.bestStep : first.bestStep)
  let order = again.path.map { schedule.members[Int($0)] }
  var model = model
  var state = model.initial
  for number in order {
    _ = model.step(&state, records[number].operation, records[number].result)
  }
  let passed = isLonger ? longer.bestPassed : first.bestPassed
  return .violated(
    Counterexample(
      part: schedule.members, order: order,
      stuck: schedule.members[Int(schedule.returns[passed])], state: model.describe(state)))
}

/// One order out of the orders of all parts: each operation at the earliest time that its own
/// order allows, which is within its interval, then by that time.
@inlinable
func merged<Operation, Result>(
  _ records: [Record<Operation, Result>], _ orders: [[Int]]
) -> [Int] {
  if orders.count == 1 { return orders[0] }
  var points: [(time: UInt64, position: Int)] = []
  points.reserveCapacity(records.count)
  for order in orders {
    var time: UInt64 = 0
    for position in order {
      time = max(time, records[position].call)
      points.append((time, position))
    }
  }
  let order = points.indices.sorted {
    points[$0].time != points[$1].time ? points[$0].time < points[$1].time : $0 < $1
  }
  return order.map { points[$0].position }
}

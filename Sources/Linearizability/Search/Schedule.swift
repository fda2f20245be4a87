// One part of a history, made ready for the search: operations numbered by their calls, the order
// of returns, and what is known of them beforehand.

/// What the search knows of a part before it begins.
@usableFromInline struct Schedule {
  /// By number in the part: the position in the history.
  @usableFromInline var members: [Int] = []
  /// The operations of known outcome, by their returns.
  @usableFromInline var returns: [Int32] = []
  /// For each return, and after the last: how many operations were called before it. These are the
  /// numbers below it.
  @usableFromInline var called: [Int32] = []
  /// The operations of unknown outcome, by their calls.
  @usableFromInline var unknowns: [Int32] = []
  /// By number: whether the outcome is not known.
  @usableFromInline var isUnknown: [Bool] = []
  /// By number: whether it changes nothing in any state.
  @usableFromInline var isPure: [Bool] = []
  /// By number: in which order candidates are tried, the smallest first.
  @usableFromInline var priority: [Int32] = []
  /// By number: the bit that stands for the operation while it is open. Later ones use it again.
  @usableFromInline var slot: [Int32] = []
  /// How many words the bits take.
  @usableFromInline var words = 0
  /// By number: an equal operation, with an equal result, that must be placed first; -1 if there is
  /// none.
  @usableFromInline var twin: [Int32] = []
  /// By number: what the operation touches.
  @usableFromInline var cells: [UInt64] = []
  /// By number: which counter counts the operations that can bring about what this one needs, -1 if
  /// it needs nothing that is known.
  @usableFromInline var needs: [Int32] = []
  /// By number: how many of them are called before it returns.
  @usableFromInline var providers: [Int32] = []
  /// Which counters count an operation when it is placed: those of operation n are at the places
  /// from `provided[n]` to `provided[n + 1]` of `counted`.
  @usableFromInline var provided: [Int32] = []
  @usableFromInline var counted: [Int32] = []
  /// The operations that need something, by their returns.
  @usableFromInline var needy: [Int32] = []
  /// By counter: how many operations it can count, and the last one to return that needs them.
  @usableFromInline var totals: [Int32] = []
  @usableFromInline var lastNeedy: [Int32] = []
  /// How many counters there are: first those of `needs`, then those of values that must come about
  /// step by step.
  @usableFromInline var counters = 0
  /// The first counter of the second kind.
  @usableFromInline var firstMaker: Int32 = 0
  /// By number: the counter of the operations that make just the value that this one needs, -1 if
  /// there is none.
  @usableFromInline var makers: [Int32] = []
  /// Whether values grow out of each other, so that only what sets a value outright can help one
  /// that is hopeless.
  @usableFromInline var hasGrowth = false

  @inlinable
  var count: Int { members.count }

  /// Prepares the operations at these positions of a history.
  @inlinable
  init<Model: SequentialModel>(
    _ records: [Record<Model.Operation, Model.Result>], _ part: [Int], _ model: inout Model
  ) {
    members = part
    members.sort {
      records[$0].call != records[$1].call ? records[$0].call < records[$1].call : $0 < $1
    }
    isUnknown = members.map { records[$0].result == nil }
    orderReturns(records)
    numberSlots()
    findTwins(records)
    cells = members.map { model.cells(of: records[$0].operation) }
    count(records, &model)
  }

  @inlinable
  mutating func orderReturns<Operation, Result>(_ records: [Record<Operation, Result>]) {
    for number in 0..<Int32(count) {
      if isUnknown[Int(number)] { unknowns.append(number) } else { returns.append(number) }
    }
    let deadlines = members.map { records[$0].deadline }
    returns.sort {
      let (a, b) = (deadlines[Int($0)], deadlines[Int($1)])
      return a != b ? a < b : $0 < $1
    }
    called.reserveCapacity(returns.count + 1)
    var number = 0
    for last in returns {
      let deadline = deadlines[Int(last)]
      while number < count, records[members[number]].call <= deadline { number += 1 }
      called.append(Int32(number))
    }
    called.append(Int32(count))
    priority = [Int32](repeating: .max, count: count)
    for (rank, number) in returns.enumerated() { priority[Int(number)] = Int32(rank) }
    usePositions(records)
  }

  /// Tries first what the order that came with the history says, if it says anything.
  @inlinable
  mutating func usePositions<Operation, Result>(_ records: [Record<Operation, Result>]) {
    guard returns.contains(where: { records[members[Int($0)]].position != nil }) else { return }
    let order = returns.sorted {
      let a = records[members[Int($0)]].position ?? .max
      let b = records[members[Int($1)]].position ?? .max
      return a != b ? a < b : priority[Int($0)] < priority[Int($1)]
    }
    for (rank, number) in order.enumerated() { priority[Int(number)] = Int32(rank) }
  }

  @inlinable
  mutating func numberSlots() {
    slot = [Int32](repeating: 0, count: count)
    var free: [Int32] = []
    var used: Int32 = 0
    var next = 0
    for (rank, last) in returns.enumerated() {
      while next < Int(called[rank]) {
        if let again = free.popLast() {
          slot[next] = again
        } else {
          slot[next] = used
          used += 1
        }
        next += 1
      }
      free.append(slot[Int(last)])
    }
    while next < count {
      slot[next] = used
      used += 1
      next += 1
    }
    words = (Int(used) + 63) / 64
  }

  @inlinable
  mutating func findTwins<Operation: Hashable, Result: Hashable>(
    _ records: [Record<Operation, Result>]
  ) {
    twin = [Int32](repeating: -1, count: count)
    // order-free: only looked up
    var newest: [Sight<Operation, Result>: Int32] = [:]
    newest.reserveCapacity(count)
    for number in returns + unknowns {
      let record = records[members[Int(number)]]
      let sight = Sight(record.operation, record.result)
      if let before = newest.updateValue(number, forKey: sight) { twin[Int(number)] = before }
    }
  }

  /// Counts for each operation how many others can bring about what it needs.
  @inlinable
  mutating func count<Model: SequentialModel>(
    _ records: [Record<Model.Operation, Model.Result>], _ model: inout Model
  ) {
    let provisions = members.map { model.provided(by: records[$0].operation, records[$0].result) }
    isPure = provisions.map { $0 == .nothing }
    hasGrowth = provisions.contains(.growth)
    var table = NumberTable()
    needs = members.map { member in
      let record = records[member]
      guard record.result != nil,
        let value = model.required(by: record.operation, record.result)
      else { return -1 }
      return table.number(of: value)
    }
    counters = table.count
    firstMaker = Int32(counters)
    findCounted(provisions, table, model)
    var way = Way(table)
    if hasGrowth {
      way.walk(members.map { records[$0].operation }, provisions, &model)
      add(way)
    }
    totals = [Int32](repeating: 0, count: counters)
    lastNeedy = [Int32](repeating: -1, count: counters)
    providers = [Int32](repeating: 0, count: count)
    var next = 0
    for (rank, last) in returns.enumerated() {
      while next < Int(called[rank]) {
        for place in provided[next]..<provided[next + 1] { totals[Int(counted[Int(place)])] += 1 }
        next += 1
      }
      let number = Int(last)
      guard needs[number] >= 0 else { continue }
      needy.append(last)
      lastNeedy[Int(needs[number])] = last
      // An operation does not help itself.
      let own = counted[Int(provided[number])..<Int(provided[number + 1])].contains(needs[number])
      providers[number] = totals[Int(needs[number])] - (own ? 1 : 0)
    }
    for place in provided[next]..<provided[count] { totals[Int(counted[Int(place)])] += 1 }
    findMakers(way, table.count)
  }

  /// Adds the counters of values on the way behind the others.
  @inlinable
  mutating func add(_ way: Way) {
    var more = [[Int32]](repeating: [], count: count)
    for (value, makers) in way.makers.enumerated() {
      for maker in makers { more[Int(maker)].append(Int32(counters + value)) }
    }
    counters += way.makers.count
    var all: [Int32] = []
    for number in 0..<count {
      let own = counted[Int(provided[number])..<Int(provided[number + 1])]
      provided[number] = Int32(all.count)
      all += own
      all += more[number]
    }
    provided[count] = Int32(all.count)
    counted = all
  }

  /// Finds for each value on a way the last operation to return that has it on its way.
  @inlinable
  mutating func findMakers(_ way: Way, _ first: Int) {
    makers = [Int32](repeating: -1, count: count)
    guard !way.makers.isEmpty else { return }
    for number in needy { makers[Int(number)] = Int32(first) + needs[Int(number)] }
    for number in needy.reversed() {
      var value = Int(needs[Int(number)])
      while value >= 0, lastNeedy[first + value] < 0 {
        lastNeedy[first + value] = number
        value = Int(way.before[value])
      }
    }
  }

  @inlinable
  mutating func findCounted<Model: SequentialModel>(
    _ provisions: [Provision], _ table: NumberTable, _ model: Model
  ) {
    let writes = provisions.count { if case .value = $0 { true } else { false } }
    // Where comparing each with each would take longer than it can save, every write counts.
    let isCompared = hasGrowth && writes * counters <= 1 << 20
    for provision in provisions {
      provided.append(Int32(counted.count))
      guard case .value(let value) = provision else { continue }
      if !hasGrowth {
        if let counter = table.known(value) { counted.append(counter) }
      } else {
        for counter in 0..<counters
        where !isCompared || model.canGrow(value, into: table[counter]) {
          counted.append(Int32(counter))
        }
      }
    }
    provided.append(Int32(counted.count))
  }
}

/// An operation with its result: what makes two of them interchangeable.
@usableFromInline struct Sight<Operation: Hashable, Result: Hashable>: Hashable {
  @usableFromInline var operation: Operation
  @usableFromInline var result: Result?

  @inlinable
  init(_ operation: Operation, _ result: Result?) {
    self.operation = operation
    self.result = result
  }
}

/// Which values must come about on the way to those that are needed, where values grow out of each
/// other.
@usableFromInline struct Way {
  /// By the number of the value: the operations that make it out of another one.
  @usableFromInline var makers: [[Int32]] = []
  /// By the number of the value: the one out of which alone it can come about; -1 if there are
  /// several, or none that is known.
  @usableFromInline var before: [Int32] = []
  @usableFromInline var table: NumberTable
  /// How many questions may be put to the model: where comparing each with each would take longer
  /// than it can save, no more values are looked at.
  @usableFromInline var questions = 1 << 21

  @inlinable
  init(_ needed: NumberTable) { table = needed }

  @inlinable
  mutating func walk<Model: SequentialModel>(
    _ operations: [Model.Operation], _ provisions: [Provision], _ model: inout Model
  ) {
    let growing = provisions.indices.filter { provisions[$0] == .growth }
    var setters = NumberTable()
    var settersOf: [[Int32]] = []
    for (number, provision) in provisions.enumerated() {
      guard case .value(let value) = provision else { continue }
      let place = Int(setters.number(of: value))
      if place == settersOf.count { settersOf.append([]) }
      settersOf[place].append(Int32(number))
    }
    let needed = table.count
    while makers.count < table.count {
      let value = table[makers.count]
      questions -= growing.count
      guard questions >= 0 else { break }
      var found = setters.known(value).map { settersOf[Int($0)] } ?? []
      var isClear = found.isEmpty
      var origin: UInt64?
      for number in growing {
        switch model.origin(of: value, by: operations[number]) {
        case .impossible: continue
        case .unclear: isClear = false
        case .value(let before):
          isClear = isClear && (origin ?? before) == before
          origin = before
        }
        found.append(Int32(number))
      }
      makers.append(found)
      let isOnly = isClear && origin != nil && origin != value
      before.append(isOnly ? table.number(of: origin ?? value) : -1)
    }
    guard makers.count < table.count else { return }
    // Without those that are needed themselves nothing is known.
    guard makers.count >= needed else {
      makers = []
      before = []
      return
    }
    for place in before.indices where Int(before[place]) >= makers.count { before[place] = -1 }
  }
}

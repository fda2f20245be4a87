// The search for an order, after Wing and Gong (1993) and Lowe (2017).
//
// It goes through the returns one after the other. An operation must be placed when its return
// comes, and may be placed as soon as it is called. A configuration is how many returns are passed,
// which of the operations still open are placed already, and the state. None is entered twice.
//
// Beside that memory four observations keep the number of configurations small. None of them loses
// a solution:
//
// 1. An open operation that changes nothing in any state is placed as soon as its result is right:
//    in any solution it can be moved to here.
// 2. Of equal operations with equal results the one that returns first is placed first: in any
//    solution they can change places.
// 3. An operation of unknown outcome is placed only right before operations that would go otherwise
//    without it: in a solution with as few of them as can be, each as late as can be, there is no
//    other. They form a chain that ends with an operation of known outcome, and only
//    configurations after such a chain are remembered.
// 4. Before a return only operations matter that touch something in common with the one that
//    returns, or with each other: others can be moved behind it.
//
// And a configuration is given up as soon as an operation that is open, or will be soon, needs a
// value that nobody is left to provide.

@usableFromInline struct Search<Model: SequentialModel> {
  @usableFromInline typealias Entry = Record<Model.Operation, Model.Result>

  @usableFromInline enum End {
    case found
    case exhausted
    case stopped
    case outOfSteps
    case outOfMemory
  }

  /// A configuration whose successors are tried one after the other.
  @usableFromInline struct Frame {
    /// The returns that are passed.
    @usableFromInline var passed = 0
    @usableFromInline var state: Int32 = 0
    /// How many operations are placed.
    @usableFromInline var placed = 0
    /// Where its candidates begin and end in the arena: twice the number, plus one if it is
    /// possible here.
    @usableFromInline var start = 0
    @usableFromInline var end = 0
    /// Which candidate comes next; beyond `end` the operations of unknown outcome.
    @usableFromInline var next = 0
    /// What matters before the next return.
    @usableFromInline var cells: UInt64 = 0
    /// The first operation that needs something and is not placed, by its return.
    @usableFromInline var needy = 0
    /// Which of the counters that have counted all they can still matter.
    @usableFromInline var exhausted = 0..<0
    /// How many operations of unknown outcome have just been placed and not been of use yet.
    @usableFromInline var chain = 0

    @inlinable
    init() {}
  }

  @usableFromInline var model: Model
  @usableFromInline let schedule: Schedule
  @usableFromInline let operations: [Model.Operation]
  @usableFromInline let results: [Model.Result?]
  @usableFromInline var states = StateTable<Model>()
  @usableFromInline var memory: Memory
  @usableFromInline var isPlaced: [Bool]
  /// The open operations that are placed, by their slots.
  @usableFromInline var open: [UInt64]
  /// By counter: how many operations are placed that it counts.
  @usableFromInline var counts: [Int32]
  /// The operations placed, in order.
  @usableFromInline var path: [Int32] = []
  @usableFromInline var arena: [Int32] = []
  @usableFromInline var frames: [Frame] = []
  @usableFromInline var passed = 0
  @usableFromInline var needy = 0
  /// The counters that have counted all they can, in the order in which that came to be.
  @usableFromInline var exhausted: [Int32] = []
  @usableFromInline var firstExhausted = 0
  /// The counters of values on a way that the newest placement was the last to count for.
  @usableFromInline var spent: [Int32] = []
  @usableFromInline var state: Int32
  @usableFromInline var steps: UInt64 = 0
  @usableFromInline let limits: CheckLimits
  /// Whether configurations are given up as soon as nothing can come of them.
  @usableFromInline let isLookingAhead: Bool

  /// The step at which most was placed before a return that could not be passed.
  @usableFromInline var bestStep: UInt64 = 0
  @usableFromInline var bestPassed = -1
  @usableFromInline var bestPlaced = -1

  @inlinable
  init(
    _ records: [Entry], _ schedule: Schedule, _ model: Model, _ limits: CheckLimits,
    isLookingAhead: Bool = true
  ) {
    self.model = model
    self.schedule = schedule
    self.limits = limits
    self.isLookingAhead = isLookingAhead
    operations = schedule.members.map { records[$0].operation }
    results = schedule.members.map { records[$0].result }
    memory = Memory(words: schedule.words)
    isPlaced = [Bool](repeating: false, count: schedule.count)
    open = [UInt64](repeating: 0, count: schedule.words)
    counts = [Int32](repeating: 0, count: schedule.counters)
    let initial = model.initial
    state = states.number(
      of: initial, digest: model.digest(of: initial), bytes: model.bytes(of: initial))
    if !schedule.hasGrowth {
      for counter in 0..<schedule.counters where schedule.totals[counter] == 0 {
        exhausted.append(Int32(counter))
      }
    }
  }

  /// Searches until there is a solution, which is then ``path``, or none can be.
  ///
  /// - Parameter stop: the step at which to stop, with what was placed by then in ``path``.
  @inlinable
  mutating func run(stopAt stop: UInt64 = .max) -> End {
    if let end = enter(from: 0, 0, knownBefore: 0, chain: 0, stop) { return end }
    while let frame = frames.last {
      if frame.next < frame.end {
        frames[frames.count - 1].next += 1
        let entry = arena[frame.next]
        guard entry & 1 == 1, mayPlace(Int(entry >> 1), frame) else { continue }
        if let end = descend(Int(entry >> 1), frame, stop) { return end }
      } else if frame.next - frame.end < schedule.unknowns.count {
        frames[frames.count - 1].next += 1
        let number = Int(schedule.unknowns[frame.next - frame.end])
        guard number < Int(schedule.called[frame.passed]) else {
          frames[frames.count - 1].next = .max
          continue
        }
        guard !isPlaced[number], mayPlace(number, frame) else { continue }
        guard model.effect(of: operations[number], nil, in: states[frame.state]) == .changed else {
          continue
        }
        if let end = descend(number, frame, stop) { return end }
      } else {
        frames.removeLast()
        if let above = frames.last { unwind(to: above) }
      }
    }
    return .exhausted
  }

  // MARK: One step down

  /// Whether observations 2, 3 and 4 leave this operation to be tried here.
  @inlinable
  mutating func mayPlace(_ number: Int, _ frame: Frame) -> Bool {
    guard schedule.cells[number] & frame.cells != 0 else { return false }
    let twin = Int(schedule.twin[number])
    if twin >= 0, !isPlaced[twin], twin < Int(schedule.called[frame.passed]) { return false }
    return frame.chain == 0 || isEnabled(number, frame)
  }

  /// Whether it makes a difference that the newest operation of unknown outcome comes before this
  /// one.
  @inlinable
  mutating func isEnabled(_ number: Int, _ frame: Frame) -> Bool {
    let before = states[frames[frames.count - 2].state]
    guard let last = path.last.map(Int.init) else { return true }
    var alone = before
    guard model.step(&alone, operations[number], results[number]) else { return true }
    var both = states[frame.state]
    guard model.step(&both, operations[number], results[number]) else { return true }
    if alone == both { return false }
    // Where two of unknown outcome can change places, one order is enough.
    if schedule.isUnknown[number], last < number { return true }
    guard model.step(&alone, operations[last], nil) else { return true }
    return alone != both
  }

  @inlinable
  mutating func descend(_ number: Int, _ frame: Frame, _ stop: UInt64) -> End? {
    var next = states[frame.state]
    guard model.step(&next, operations[number], results[number]) else { return nil }
    spent.removeAll(keepingCapacity: true)
    place(number)
    state = states.number(of: next, digest: model.digest(of: next), bytes: model.bytes(of: next))
    if isLookingAhead, !spent.isEmpty, isWasted() {
      unwind(to: frame)
      return nil
    }
    let chain = schedule.isUnknown[number] ? frame.chain + 1 : 0
    let end = enter(
      from: frame.start, frame.end, knownBefore: Int(schedule.called[frame.passed]), chain: chain,
      stop)
    return end
  }

  /// Enters the configuration that the newest placement leads to: places what comes for nothing,
  /// passes the returns that can be passed, and leaves a frame if there is anything to try.
  @inlinable
  mutating func enter(
    from start: Int, _ end: Int, knownBefore: Int, chain: Int, _ stop: UInt64
  ) -> End? {
    steps += 1
    if steps > limits.steps { return .outOfSteps }
    if memory.bytes + states.bytes > limits.bytes { return .outOfMemory }
    let depth = path.count
    let base = arena.count
    var isHopeless = false
    for place in start..<end {
      let number = Int(arena[place] >> 1)
      if !isPlaced[number] {
        isHopeless = consider(number, isInChain: chain > 0) || isHopeless
      }
    }
    passReturns()
    var known = knownBefore
    while passed < schedule.returns.count, known < Int(schedule.called[passed]) {
      if !schedule.isUnknown[known] {
        isHopeless = consider(known, isInChain: chain > 0, from: base) || isHopeless
      }
      known += 1
      if known == Int(schedule.called[passed]) { passReturns() }
    }
    let isChainOfUse = chain == 0 || path.count > depth
    if isChainOfUse { noteBest() }
    if passed == schedule.returns.count { return .found }
    if steps == stop { return .stopped }
    if isLookingAhead, isHopeless || isHopelessSoon() || isAnyLost() { return leave(base) }
    if isChainOfUse {
      guard memory.insert(passed: passed, state: state, open) else { return leave(base) }
    }
    var frame = Frame()
    frame.passed = passed
    frame.state = state
    frame.placed = path.count
    frame.start = base
    frame.end = arena.count
    frame.next = base
    frame.cells = relevantCells(from: base)
    frame.needy = needy
    frame.exhausted = firstExhausted..<exhausted.count
    frame.chain = isChainOfUse ? 0 : chain
    frames.append(frame)
    return nil
  }

  @inlinable
  mutating func leave(_ base: Int) -> End? {
    arena.removeSubrange(base...)
    if let above = frames.last { unwind(to: above) }
    return nil
  }

  /// Places an open operation if that comes for nothing, and makes it a candidate otherwise.
  ///
  /// - Parameter isInChain: whether it would come right after one of unknown outcome, which an idle
  ///   operation would have no use for.
  /// - Parameter base: where the candidates begin among which it is to be sorted; `nil` if it comes
  ///   in order.
  /// - Returns: whether nothing can come of this configuration.
  @inlinable
  mutating func consider(
    _ number: Int, isInChain: Bool, from base: Int? = nil
  ) -> Bool {
    let effect = model.effect(
      of: operations[number], results[number], in: states.states[Int(state)])
    switch effect {
    case .idle where !isInChain:
      place(number)
      return false
    case .unchanged where schedule.isPure[number]:
      place(number)
      return false
    case .changed, .unchanged, .idle:
      insert(Int32(number) << 1 | 1, from: base)
      return false
    case .impossible:
      insert(Int32(number) << 1, from: base)
      return !schedule.hasGrowth && isLeftAlone(number)
    case .hopeless:
      insert(Int32(number) << 1, from: base)
      return isLeftAlone(number)
    }
  }

  /// Whether nobody is left to provide what the operation needs.
  @inlinable
  func isLeftAlone(_ number: Int) -> Bool {
    let counter = Int(schedule.needs[number])
    guard counter >= 0 else { return false }
    if schedule.providers[number] <= counts[counter] { return true }
    let maker = Int(schedule.makers[number])
    return maker >= 0 && schedule.totals[maker] <= counts[maker]
  }

  /// Whether one of the next operations that are not called yet is lost already.
  @inlinable
  mutating func isHopelessSoon() -> Bool {
    while needy < schedule.needy.count, isPlaced[Int(schedule.needy[needy])] { needy += 1 }
    let called = schedule.called[passed]
    var left = 16
    var place = needy
    while left > 0, place < schedule.needy.count {
      let number = Int(schedule.needy[place])
      place += 1
      guard number >= called else { continue }
      left -= 1
      guard isLeftAlone(number) else { continue }
      let effect = model.effect(
        of: operations[number], results[number], in: states.states[Int(state)])
      if effect == .hopeless || effect == .impossible && !schedule.hasGrowth { return true }
    }
    return false
  }

  /// Whether something was needed that is gone for good: all that can provide it is placed, and the
  /// last that needs it is not and would not find it.
  @inlinable
  mutating func isAnyLost() -> Bool {
    func last(_ place: Int) -> Int? {
      let number = Int(schedule.lastNeedy[Int(exhausted[place])])
      return number >= 0 && !isPlaced[number] ? number : nil
    }
    while firstExhausted < exhausted.count, last(firstExhausted) == nil { firstExhausted += 1 }
    for place in firstExhausted..<exhausted.count {
      guard let number = last(place) else { continue }
      let effect = model.effect(
        of: operations[number], results[number], in: states.states[Int(state)])
      if effect == .hopeless || effect == .impossible && !schedule.hasGrowth { return true }
    }
    return false
  }

  @inlinable
  mutating func insert(_ entry: Int32, from base: Int?) {
    arena.append(entry)
    guard let base else { return }
    let priority = schedule.priority[Int(entry >> 1)]
    var place = arena.count - 1
    while place > base, schedule.priority[Int(arena[place - 1] >> 1)] > priority {
      arena[place] = arena[place - 1]
      place -= 1
    }
    arena[place] = entry
  }

  /// What the next return touches, with all that touches something in common with it, and so on.
  @inlinable
  func relevantCells(from base: Int) -> UInt64 {
    var cells = schedule.cells[Int(schedule.returns[passed])]
    let called = schedule.called[passed]
    var before: UInt64 = 0
    while cells != before, cells != .max {
      before = cells
      for place in base..<arena.count {
        let touched = schedule.cells[Int(arena[place] >> 1)]
        if touched & cells != 0 { cells |= touched }
      }
      for number in schedule.unknowns {
        guard number < called else { break }
        let touched = schedule.cells[Int(number)]
        if touched & cells != 0, !isPlaced[Int(number)] { cells |= touched }
      }
    }
    return cells
  }

  /// Whether what was just placed is wasted: somebody needs a value on whose way it was the last
  /// that could be taken, and the state has left that way.
  @inlinable
  mutating func isWasted() -> Bool {
    for counter in spent {
      let number = Int(schedule.lastNeedy[Int(counter)])
      guard number >= 0, !isPlaced[number] else { continue }
      let effect = model.effect(
        of: operations[number], results[number], in: states.states[Int(state)])
      if effect == .hopeless { return true }
    }
    return false
  }

  // MARK: There and back

  @inlinable
  mutating func place(_ number: Int) {
    isPlaced[number] = true
    path.append(Int32(number))
    let slot = Int(schedule.slot[number])
    open[slot >> 6] |= 1 << UInt64(slot & 63)
    tally(number, 1)
  }

  @inline(__always)
  @inlinable
  mutating func tally(_ number: Int, _ change: Int32) {
    for place in schedule.provided[number]..<schedule.provided[number + 1] {
      let counter = schedule.counted[Int(place)]
      counts[Int(counter)] += change
      guard change > 0, counts[Int(counter)] == schedule.totals[Int(counter)] else { continue }
      if counter < schedule.firstMaker { exhausted.append(counter) } else { spent.append(counter) }
    }
  }

  @inlinable
  mutating func passReturns() {
    while passed < schedule.returns.count {
      let number = Int(schedule.returns[passed])
      guard isPlaced[number] else { return }
      let slot = Int(schedule.slot[number])
      open[slot >> 6] &= ~(1 << UInt64(slot & 63))
      passed += 1
    }
  }

  @inlinable
  mutating func unwind(to frame: Frame) {
    while path.count > frame.placed {
      let number = Int(path.removeLast())
      isPlaced[number] = false
      let slot = Int(schedule.slot[number])
      open[slot >> 6] &= ~(1 << UInt64(slot & 63))
      tally(number, -1)
    }
    // Later operations may have used the slots again: now they belong to the earlier ones.
    while passed > frame.passed {
      passed -= 1
      let number = Int(schedule.returns[passed])
      guard isPlaced[number] else { continue }
      let slot = Int(schedule.slot[number])
      open[slot >> 6] |= 1 << UInt64(slot & 63)
    }
    state = frame.state
    needy = frame.needy
    firstExhausted = frame.exhausted.lowerBound
    exhausted.removeSubrange(frame.exhausted.upperBound...)
    arena.removeSubrange(frame.end...)
  }

  @inlinable
  mutating func noteBest() {
    guard passed > bestPassed || (passed == bestPassed && path.count > bestPlaced) else { return }
    bestPassed = passed
    bestPlaced = path.count
    bestStep = steps
  }
}

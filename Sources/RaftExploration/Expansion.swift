// Looking at what follows from states. Nothing here changes the explorer, so that several threads
// may look at different states at once; what they find is taken in by one, in the states' order.

import Raft

/// What was found to follow from some states.
public struct Expansion: Sendable {
  /// A property that does not hold, and where.
  struct Found: Sendable {
    /// The state whose step shows it, by its place in the frontier.
    var position: Int
    /// The step, or -1 for the state itself.
    var move: Int
    var finding: Finding
  }

  /// What was found of one state.
  struct Record: Sendable {
    /// How many candidates there are through this state.
    var candidates: Int
    /// How many properties were found not to hold through this state.
    var found: Int
    var generated: Int
    var situations: UInt32
    /// Whether it was tried if the cluster recovers from this state.
    var isHealed: Bool
    /// A step or its meaning is not known yet: the state must be expanded again.
    var isUnfinished: Bool
  }

  let first: Int
  var records: [Record] = []
  var states = StateBuffer()
  var keys: [UInt64] = []
  var links: [UInt64] = []
  var found: [Found] = []
  var misses: [UInt64] = []
  var historyMisses: [UInt64] = []

  // What is needed for one state at a time.
  var moves: [Move] = []
  /// Fingerprints seen lately: most states are reached several times by the same few neighbours.
  var recent: [UInt64]
  var generated = 0
  var situations: UInt32 = 0
  var isUnfinished = false
  var isHealed = false

  init(first: Int, ofMany: Bool = true) {
    self.first = first
    recent = Array(repeating: 0, count: ofMany ? 4_096 : 1)
  }
}

/// The digests, where they lie.
struct DigestView {
  let locals: UnsafeBufferPointer<UInt64>
  let messages: UnsafeBufferPointer<UInt64>
  let histories: UnsafeBufferPointer<UInt64>
  let count: Int
}

extension Explorer {
  /// Looks at what follows from one part of the states that are to be expanded next.
  ///
  /// Changes nothing, so that threads may look at one part each, of the same explorer.
  ///
  /// - Parameters:
  ///   - part: which part, from 0.
  ///   - parts: into how many the states are divided; at least 1.
  public func expand(part: Int, of parts: Int) -> Expansion {
    let batch = batch
    let first = batch.lowerBound + batch.count * part / parts
    let end = batch.lowerBound + batch.count * (part + 1) / parts
    var expansion = Expansion(first: first)
    withDigests { view in
      for position in first..<end { expand(position, view, &expansion) }
    }
    return expansion
  }

  func withDigests(_ body: (DigestView) -> Void) {
    tables.localDigests.withUnsafeBufferPointer { locals in
      tables.messageDigests.withUnsafeBufferPointer { messages in
        tables.historyDigests.withUnsafeBufferPointer { histories in
          body(
            DigestView(
              locals: locals, messages: messages, histories: histories,
              count: tables.renamings.count))
        }
      }
    }
  }

  /// Adds what follows from the state at this place of the frontier.
  func expand(_ position: Int, _ view: DigestView, _ out: inout Expansion) {
    frontier.withState(position) { state in
      let before = (out.keys.count, out.found.count)
      out.generated = 0
      out.situations = 0
      out.isUnfinished = false
      out.isHealed = false
      tables.listMoves(state, layout, reductions, into: &out.moves)
      let key = fingerprint(state, view)
      let eager = eager(state, &out)
      for number in out.moves.indices where eager.map({ $0 == number }) ?? true {
        attempt(out.moves[number], number, state, position, key, view, &out)
      }
      if out.isUnfinished {
        out.states.keep(before.0)
        out.keys.removeLast(out.keys.count - before.0)
        out.links.removeLast(out.links.count - before.0)
        out.found.removeLast(out.found.count - before.1)
      } else {
        heal(state, position, key, &out)
      }
      out.records.append(
        Expansion.Record(
          candidates: out.keys.count, found: out.found.count, generated: out.generated,
          situations: out.situations, isHealed: out.isHealed, isUnfinished: out.isUnfinished))
    }
  }

  // MARK: Fingerprints

  /// One fingerprint for all names. Under one renaming it is a sum over the parts, since messages
  /// have no order; and then a sum over the renamings, in which each has the same part. (The least
  /// of them would do as well, but is no longer spread evenly.)
  func fingerprint(_ state: UnsafeBufferPointer<UInt32>, _ view: DigestView) -> UInt64 {
    let budget = RandomSource.mix(layout.budget(state).word ^ 0x6275_6467_6574)
    var total: UInt64 = 0
    for renaming in 0..<view.count {
      var sum = budget
      for node in 0..<layout.nodes {
        sum &+= view.locals[Int(state[node]) * view.count + renaming]
      }
      sum &+= view.histories[Int(state[layout.history]) * view.count + renaming]
      for slot in layout.messages..<state.count {
        sum &+= view.messages[Int(state[slot]) * view.count + renaming]
      }
      total &+= RandomSource.mix(sum)
    }
    return VisitedSet.key(RandomSource.mix(total))
  }

  func fingerprint(_ state: UnsafeBufferPointer<UInt32>) -> UInt64 {
    var result: UInt64 = 0
    withDigests { result = fingerprint(state, $0) }
    return result
  }

  // MARK: Steps

  /// A step as the tables know it.
  struct Known {
    var transition: Transition
    var history: UInt32
    var historyFinding: Int32
  }

  @inline(__always)
  func known(
    _ move: Move, _ state: UnsafeBufferPointer<UInt32>, _ out: inout Expansion
  ) -> Known? {
    let key = Tables.key(state[Int(move.node)], move.code)
    guard let number = tables.memo.find(key) else {
      out.misses.append(key)
      out.isUnfinished = true
      return nil
    }
    let transition = tables.transitions[Int(number)]
    let history = state[layout.history]
    let isForgetting = move.kind == .crash && bounds.reads > 0
    guard transition.effects >= 0 || isForgetting else {
      return Known(transition: transition, history: history, historyFinding: -1)
    }
    let word = number | (isForgetting ? Move.crashBit : 0)
    let historyKey = Tables.key(history, word)
    guard let step = tables.historyMemo.find(historyKey) else {
      out.historyMisses.append(historyKey)
      out.isUnfinished = true
      return nil
    }
    let meaning = tables.historySteps[Int(step)]
    return Known(
      transition: transition, history: meaning.history, historyFinding: meaning.finding)
  }

  func attempt(
    _ move: Move, _ number: Int, _ state: UnsafeBufferPointer<UInt32>, _ position: Int,
    _ key: UInt64, _ view: DigestView, _ out: inout Expansion, isForced: Bool = false
  ) {
    switch move.kind {
    case .lose, .duplicate:
      out.generated += 1
      offer(move, number, state, nil, key, view, &out)
      return
    case .deliver, .deliverAndKeep, .persist, .campaign, .heartbeat, .propose, .change, .snapshot,
      .read, .crash, .restart:
      break
    }
    guard let known = known(move, state, &out) else { return }
    // A step after which nothing has changed but that a message or a part of the budget is gone:
    // whatever can happen then can happen without it.
    if reductions.isReduced && !isForced {
      if isVain(known.transition, state) { return }
      if move.isLate && tables.facts[Int(known.transition.local)].pending == 0 { return }
    }
    out.generated += 1
    out.situations |= known.transition.situations
    if let finding = finding(move, known, state) {
      out.found.append(Expansion.Found(position: position, move: number, finding: finding))
    }
    offer(move, number, state, known, key, view, &out)
    if staysOnItsWay(move) { out.situations |= Situation.duplicateHeard.bit }
    let elected = Situation.leaderElected.bit | Situation.laterLeaderElected.bit
    if known.transition.situations & elected != 0 {
      for node in 0..<layout.nodes
      where node != Int(move.node) && tables.facts[Int(state[node])].isLeader {
        out.situations |= Situation.twoLeadersAtOnce.bit
      }
    }
  }

  /// Keeps the state that a step leads to, unless it is known already.
  @inline(__always)
  private func offer(
    _ move: Move, _ number: Int, _ state: UnsafeBufferPointer<UInt32>, _ known: Known?,
    _ key: UInt64, _ view: DigestView, _ out: inout Expansion
  ) {
    build(move, state, known, &out.states)
    let last = out.states.count - 1
    let fingerprint = out.states.withState(last) { self.fingerprint($0, view) }
    let place = Int(truncatingIfNeeded: fingerprint) & (out.recent.count - 1)
    if out.recent[place] == fingerprint || visited.contains(fingerprint) {
      out.states.keep(last)
      return
    }
    out.recent[place] = fingerprint
    out.keys.append(fingerprint)
    out.links.append(VisitedSet.link(from: key, move: number))
  }

  /// Writes the state that a step leads to. Messages stand in the order of their digests, which is
  /// the same in every process.
  func build(
    _ move: Move, _ state: UnsafeBufferPointer<UInt32>, _ known: Known?,
    _ states: inout StateBuffer
  ) {
    let first = states.words.count
    for node in 0..<layout.nodes {
      states.append(
        node == Int(move.node) ? known?.transition.local ?? state[node] : state[node])
    }
    states.append(known?.history ?? state[layout.history])
    let budget = layout.budget(state).word - move.cost
    states.append(UInt32(truncatingIfNeeded: budget))
    states.append(UInt32(truncatingIfNeeded: budget >> 32))
    let start = states.words.count
    let isTaken = move.kind == .lose || move.kind == .deliver && !bounds.keepsMessages
    for slot in layout.messages..<state.count where !(isTaken && slot == Int(move.slot)) {
      if isConcerned(state[slot], move.node) && settled(state[slot], first, states) != state[slot] {
        continue
      }
      states.append(state[slot])
      if move.kind == .duplicate && slot == Int(move.slot) { states.append(state[slot]) }
    }
    if isSparing {
      // Requests that have only now become old ones are answered.
      for slot in layout.messages..<state.count where isConcerned(state[slot], move.node) {
        guard let answer = settled(state[slot], first, states), answer != state[slot] else {
          continue
        }
        send(answer, start, &states)
      }
    }
    if let transition = known?.transition {
      for sent in 0..<Int(transition.sentCount) {
        let message = tables.sent[Int(transition.sentStart) + sent]
        if let message = settled(message, first, states) { send(message, start, &states) }
      }
    }
    states.end()
  }

  /// Puts a message in flight, in the order of the links, or where any number may be in flight in
  /// that of their digests.
  @inline(__always)
  private func send(_ message: UInt32, _ start: Int, _ states: inout StateBuffer) {
    guard bounds.inFlight != nil else {
      if bounds.keepsMessages {
        for place in start..<states.words.count where isSame(states.words[place], message) {
          return
        }
      }
      let count = tables.renamings.count
      states.insert(message, from: start) {
        tables.messageDigests[Int($0) * count] < tables.messageDigests[Int($1) * count]
      }
      return
    }
    let link = tables.links[Int(message)]
    for place in start..<states.words.count where tables.links[Int(states.words[place])] == link {
      states.replace(at: place, message)
      return
    }
    states.insert(message, from: start) { tables.links[Int($0)] < tables.links[Int($1)] }
  }

  // MARK: Properties

  /// The first property that does not hold at a step.
  private func finding(
    _ move: Move, _ known: Known, _ state: UnsafeBufferPointer<UInt32>
  ) -> Finding? {
    let transition = known.transition
    if transition.finding >= 0 {
      let finding = tables.findings[Int(transition.finding)]
      if properties.contains(finding.property) { return finding }
    }
    if known.historyFinding >= 0 {
      let finding = tables.findings[Int(known.historyFinding)]
      if properties.contains(finding.property) { return finding }
    }
    if transition.isLogChanged && properties.contains(.logMatching) {
      for node in 0..<layout.nodes where node != Int(move.node) {
        if let index = tables.mismatch(transition.local, state[node]) {
          return logMatching(transition, state[node], index)
        }
      }
    }
    guard transition.effects >= 0 else { return nil }
    return commitFinding(move, transition, state)
  }

  private func logMatching(_ transition: Transition, _ other: UInt32, _ index: LogIndex)
    -> Finding
  {
    let node = tables.locals[Int(transition.local)].node
    var finding = Finding(.logMatching, node.id)
    finding.other = tables.locals[Int(other)].node.id
    finding.index = index
    finding.term = node.log.term(at: index) ?? .zero
    return finding
  }

  /// Whether what a leader has just committed is on the disks of a quorum, and in the logs of the
  /// leaders of later terms that there are already.
  private func commitFinding(
    _ move: Move, _ transition: Transition, _ state: UnsafeBufferPointer<UInt32>
  ) -> Finding? {
    let effects = tables.effects[Int(transition.effects)]
    guard let term = effects.committedIn, let last = effects.committed.last else { return nil }
    let position = LogPosition(term: last.term, index: last.index)
    let leader = tables.locals[Int(transition.local)].node
    var finding = Finding(.commitIsDurable, leader.id)
    finding.term = term
    finding.index = last.index
    let isQuorum = leader.membership.isQuorum { node in
      let place = Int(truncatingIfNeeded: node.rawValue) - 1
      let local = place == Int(move.node) ? transition.local : state[place]
      return tables.locals[Int(local)].isDurable(position)
    }
    if !isQuorum && properties.contains(.commitIsDurable) { return finding }
    guard properties.contains(.leaderCompleteness) else { return nil }
    for node in 0..<layout.nodes where node != Int(move.node) {
      let facts = tables.facts[Int(state[node])]
      guard facts.isLeader, UInt64(facts.term) > term.rawValue else { continue }
      let other = tables.locals[Int(state[node])].node
      if !other.holds(last.term, at: last.index) {
        finding = Finding(.leaderCompleteness, other.id)
        finding.term = other.currentTerm
        finding.index = last.index
        return finding
      }
    }
    return nil
  }

  /// Lets faults end in some states, and in all in which nothing more can happen.
  private func heal(
    _ state: UnsafeBufferPointer<UInt32>, _ position: Int, _ key: UInt64, _ out: inout Expansion
  ) {
    guard healsEvery > 0, properties.contains(.eventuallyCommits) else { return }
    guard key % healsEvery == 0 else { return }
    out.isHealed = true
    var locals: [Local] = []
    for node in 0..<layout.nodes { locals.append(tables.locals[Int(state[node])]) }
    var healing = Healing(locals, bounds, fault)
    guard !healing.run() else { return }
    out.found.append(
      Expansion.Found(
        position: position, move: -1, finding: Finding(.eventuallyCommits, NodeID(1))))
  }
}

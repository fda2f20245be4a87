// What can happen next in a state, in an order that depends on nothing but the state.

import Raft

/// How much may still happen: sixteen counts of four bits.
struct Budget: Hashable, Sendable, BitwiseCopyable {
  var word: UInt64 = 0

  static let entries: UInt64 = 0
  static let crashes: UInt64 = 4
  static let losses: UInt64 = 8
  static let duplicates: UInt64 = 12
  static let heartbeats: UInt64 = 16
  static let snapshots: UInt64 = 20
  static let reads: UInt64 = 24
  static let timeouts: UInt64 = 28
  /// One bit for each change that was not asked for yet.
  static let changes: UInt64 = 32

  init(_ bounds: Bounds) {
    for (shift, count) in [
      (Budget.entries, bounds.entries), (Budget.crashes, bounds.crashes),
      (Budget.losses, bounds.losses), (Budget.duplicates, bounds.duplicates ?? 0),
      (Budget.heartbeats, bounds.heartbeats), (Budget.snapshots, bounds.snapshots),
      (Budget.reads, bounds.reads), (Budget.timeouts, bounds.timeouts ?? 0),
      (Budget.changes, (1 << bounds.changes.count) - 1),
    ] { word |= UInt64(count) << shift }
  }

  init(word: UInt64) { self.word = word }

  @inline(__always)
  func left(_ shift: UInt64) -> UInt64 { word >> shift & 15 }
}

/// One thing that can happen next.
struct Move: Sendable, BitwiseCopyable {
  enum Kind: UInt8, Sendable {
    case deliver, deliverAndKeep, lose, duplicate, persist, campaign, heartbeat, propose, change
    case snapshot, read
    /// With reductions a crash and the start after it are one step.
    case crash
    case restart
  }

  var kind: Kind
  /// The position of the node, from 0.
  var node: UInt8
  /// The place of the message among those in flight.
  var slot: UInt16 = 0
  /// The input of the node, for `Tables.input`.
  var code: UInt32 = 0
  /// What it takes from the budget.
  var cost: UInt64 = 0
  /// What the step writes will not be durable before the node crashes.
  var isLate = false

  static let persist: UInt32 = 0
  static let campaign: UInt32 = 1 << 4
  static let heartbeat: UInt32 = 2 << 4
  static let snapshot: UInt32 = 3 << 4
  static let restart: UInt32 = 4 << 4
  static let crash: UInt32 = 5 << 4
  static let crashDown: UInt32 = 6 << 4
  static let propose: UInt32 = 7 << 4
  static let change: UInt32 = 8 << 4
  static let read: UInt32 = 9 << 4
  static let firstMessage: UInt32 = 256
  static let crashBit: UInt32 = 1 << 31
  /// Every write becomes durable before the step ends.
  static let prompt: UInt32 = 1 << 30

  /// The code of the input without how it ends.
  var input: UInt32 { code & ~Move.prompt }
}

/// A state of the cluster in the numbers of `Tables`: nodes, history, budget, messages.
struct Layout: Sendable, BitwiseCopyable {
  let nodes: Int

  var history: Int { nodes }
  var budget: Int { nodes + 1 }
  /// The first message; there are as many as fit before the state's end.
  var messages: Int { nodes + 3 }

  @inline(__always)
  func budget(_ state: UnsafeBufferPointer<UInt32>) -> Budget {
    Budget(word: UInt64(state[budget]) | UInt64(state[budget + 1]) << 32)
  }
}

extension Tables {
  /// Lists what can happen next, each kind for each node in turn.
  func listMoves(
    _ state: UnsafeBufferPointer<UInt32>, _ layout: Layout, _ reductions: Reductions,
    into moves: inout [Move]
  ) {
    moves.removeAll(keepingCapacity: true)
    let budget = layout.budget(state)
    let isPrompt = bounds.disks == .prompt
    defer { if isPrompt { hasten(state, budget, &moves) } }
    for node in 0..<layout.nodes {
      let facts = facts[Int(state[node])]
      listMessages(state, layout, node, facts, budget, reductions, &moves)
      listOwn(UInt8(node), facts, budget, &moves)
      let mayCrash = budget.left(Budget.crashes) > 0 || isPrompt && facts.pending > 0
      guard mayCrash && !facts.isDown else { continue }
      let code = reductions.isReduced ? Move.crash : Move.crashDown
      for surviving in 0...(isPrompt ? 0 : UInt32(facts.pending)) {
        moves.append(
          Move(
            kind: .crash, node: UInt8(node), code: code + surviving, cost: 1 << Budget.crashes))
      }
    }
  }

  /// Lets every write become durable at once or never: all of a step's, or none till the node
  /// crashes, and then none after them either.
  private func hasten(
    _ state: UnsafeBufferPointer<UInt32>, _ budget: Budget, _ moves: inout [Move]
  ) {
    let isStallPossible = budget.left(Budget.crashes) > 0
    for place in 0..<moves.count {
      let move = moves[place]
      let isStalled = facts[Int(state[Int(move.node)])].pending > 0
      if move.kind == .crash || !isStalled { moves[place].code |= Move.prompt }
      if move.kind == .crash && isStalled { moves[place].cost -= 1 << Budget.crashes }
      guard isStallPossible, !isStalled, move.kind != .crash, move.kind != .lose,
        move.kind != .duplicate
      else { continue }
      var late = move
      late.cost += 1 << Budget.crashes
      late.isLate = true
      moves.append(late)
    }
  }

  private func listMessages(
    _ state: UnsafeBufferPointer<UInt32>, _ layout: Layout, _ node: Int, _ facts: LocalFacts,
    _ budget: Budget, _ reductions: Reductions, _ moves: inout [Move]
  ) {
    var previous = UInt32.max
    for slot in layout.messages..<state.count {
      let message = state[slot]
      guard message != previous, Int(receivers[Int(message)]) == node else { continue }
      previous = message
      func add(_ kind: Move.Kind, _ cost: UInt64) {
        moves.append(
          Move(
            kind: kind, node: UInt8(node), slot: UInt16(slot), code: Move.firstMessage + message,
            cost: cost))
      }
      if !facts.isDown { add(.deliver, 0) }
      if reductions.isReduced {
        if budget.left(Budget.duplicates) > 0 { add(.deliverAndKeep, 1 << Budget.duplicates) }
      } else {
        if budget.left(Budget.duplicates) > 0 { add(.duplicate, 1 << Budget.duplicates) }
        if budget.left(Budget.losses) > 0 { add(.lose, 1 << Budget.losses) }
      }
    }
  }

  private func listOwn(
    _ node: UInt8, _ facts: LocalFacts, _ budget: Budget, _ moves: inout [Move]
  ) {
    if facts.isDown {
      moves.append(Move(kind: .restart, node: node, code: Move.restart))
      return
    }
    func add(_ kind: Move.Kind, _ code: UInt32, _ shift: UInt64) {
      moves.append(Move(kind: kind, node: node, code: code, cost: 1 << shift))
    }
    if facts.pending > 0 && bounds.disks == .any {
      moves.append(Move(kind: .persist, node: node, code: Move.persist))
    }
    if facts.canCampaign {
      if bounds.timeouts == nil {
        moves.append(Move(kind: .campaign, node: node, code: Move.campaign))
      } else if budget.left(Budget.timeouts) > 0 {
        add(.campaign, Move.campaign, Budget.timeouts)
      }
    }
    if facts.canSnapshot && budget.left(Budget.snapshots) > 0 {
      add(.snapshot, Move.snapshot, Budget.snapshots)
    }
    guard facts.isLeader else { return }
    let entries = budget.left(Budget.entries)
    if entries > 0 {
      let number = UInt32(bounds.entries) - UInt32(entries)
      add(.propose, Move.propose + number, Budget.entries)
    }
    if budget.left(Budget.heartbeats) > 0 { add(.heartbeat, Move.heartbeat, Budget.heartbeats) }
    let reads = budget.left(Budget.reads)
    if reads > 0 {
      add(.read, Move.read + UInt32(bounds.reads) - UInt32(reads), Budget.reads)
    }
    for change in 0..<bounds.changes.count
    where budget.left(Budget.changes) & (1 << UInt64(change)) != 0 {
      add(.change, Move.change + UInt32(change), Budget.changes + UInt64(change))
    }
  }
}

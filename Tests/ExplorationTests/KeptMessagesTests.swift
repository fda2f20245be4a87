// A network that forgets nothing: every message may come at any time and any number of times. And
// what is spared there, looked at step by step.

import Raft
import Testing

@testable import RaftExploration

private func bounds(_ change: (inout Bounds) -> Void) -> Bounds {
  var bounds = Bounds()
  bounds.duplicates = nil
  bounds.inFlight = nil
  change(&bounds)
  return bounds
}

private func explored(
  _ bounds: Bounds, _ reductions: Reductions = Reductions(), fault: HostFault = .none
) throws -> Explorer {
  var explorer = try Explorer(bounds, reductions: reductions, fault: fault, healsEvery: 64)
  while explorer.step() {}
  return explorer
}

private let pair = bounds {
  $0.nodes = 2
  $0.terms = 1
  $0.crashes = 1
}

@Suite struct `A network that keeps every message` {
  @Test func `is explored to the end, and nothing is found`() throws {
    let trio = bounds {
      $0.terms = 1
      $0.entries = 1
    }
    for bounds in [pair, trio] {
      let explorer = try explored(bounds)
      #expect(explorer.isComplete)
      #expect(explorer.counterexamples == [])
      #expect(explorer.uniqueStates > 100)
      #expect(explorer.reachedSituations.contains(.entryCommitted))
    }
  }

  @Test func `needs room for any number of them`() {
    var bounds = Bounds()
    bounds.duplicates = nil
    let error = #expect(throws: BoundsError.self) { try Explorer(bounds) }
    #expect(error?.problems.count == 1)
  }

  @Test func `reaches what a network reaches that delivers each of them once or twice`() throws {
    var twice = pair
    twice.duplicates = 2
    let kept = try restingStates(pair, Reductions())
    let few = try restingStates(twice, Reductions())
    #expect(few.subtracting(kept) == [])
    #expect(!kept.isEmpty)
  }

  @Test func `with and without what is spared the nodes come to rest in the same states`() throws {
    let full = try restingStates(pair, Reductions(isSymmetric: false, isReduced: false))
    let reduced = try restingStates(pair, Reductions())
    #expect(full == reduced)
  }

  @Test(arguments: HostFault.allCases)
  func `shows what is planted, as the full search does`(fault: HostFault) throws {
    var bounds = pair
    if fault == .forgetsVote {
      bounds.nodes = 3
      bounds.entries = 0
    }
    let reduced = try explored(bounds, fault: fault)
    let full = try explored(
      bounds, Reductions(isSymmetric: false, isReduced: false), fault: fault)
    #expect(reduced.counterexamples.isEmpty == (fault == .none))
    #expect(
      reduced.counterexamples.map(\.finding.property)
        == full.counterexamples.map(\.finding.property))
  }
}

/// Of every state in which no write is under way: the nodes, whatever they are called.
private func restingStates(_ bounds: Bounds, _ reductions: Reductions) throws -> Set<UInt64> {
  var explorer = try Explorer(bounds, reductions: reductions)
  let names = Explorer.renamings(bounds)
  var states: Set<UInt64> = []
  while !explorer.isOver {
    for place in explorer.batch {
      if let state = explorer.restingState(place, names) { states.insert(state) }
    }
    _ = explorer.step()
  }
  return states
}

extension Explorer {
  fileprivate func restingState(_ place: Int, _ names: [NodeRenaming]) -> UInt64? {
    frontier.withState(place) { words in
      var total: UInt64 = 0
      for node in 0..<layout.nodes {
        let facts = tables.facts[Int(words[node])]
        if facts.isDown || facts.pending > 0 { return nil }
      }
      for renaming in names {
        var sum: UInt64 = 0
        for node in 0..<layout.nodes {
          sum &+= tables.locals[Int(words[node])].fingerprint(renaming)
        }
        total &+= RandomSource.mix(sum)
      }
      return total
    }
  }

  /// All states of nodes and all messages there are now, and for each node and each thing that may
  /// happen to it, also what never does here, the node afterwards.
  fileprivate mutating func everyStep(
    _ body: (_ before: UInt32, _ message: UInt32?, Transition, Explorer) -> Void
  ) {
    let (locals, messages) = (tables.locals.count, tables.messages.count)
    for local in 0..<UInt32(locals) {
      let facts = tables.facts[Int(local)]
      guard !facts.isDown else { continue }
      let own: [UInt32] = facts.pending > 0 ? [Move.persist] : []
      let campaign: [UInt32] = facts.canCampaign ? [Move.campaign] : []
      let crashes = (0...UInt32(facts.pending)).map { Move.crash + $0 }
      for code in own + campaign + crashes {
        body(local, nil, taken(local, code), self)
      }
      let id = tables.locals[Int(local)].node.id
      for message in 0..<UInt32(messages) where tables.messages[Int(message)].to == id {
        body(local, message, taken(local, Move.firstMessage + message), self)
      }
    }
  }

  private mutating func taken(_ local: UInt32, _ code: UInt32) -> Transition {
    let key = Tables.key(local, code)
    tables.resolve(key)
    return tables.transitions[Int(tables.memo.find(key) ?? 0)]
  }
}

@Suite struct `What is spared` {
  private func small() throws -> Explorer {
    try explored(
      bounds {
        $0.nodes = 2
        $0.terms = 2
        $0.entries = 1
        $0.crashes = 1
      })
  }

  @Test func `a message that is spent changes nothing, and no step makes it matter again`() throws {
    var explorer = try small()
    let messages = UInt32(explorer.tables.messages.count)
    var spent = 0
    var wrong = 0
    explorer.everyStep { before, message, transition, explorer in
      let id = explorer.tables.locals[Int(before)].node.id
      if let message, explorer.isSpentReply(message, at: before) {
        spent += 1
        if !transition.isIdle { wrong += 1 }
      }
      for other in 0..<messages where explorer.tables.messages[Int(other)].to == id {
        if explorer.isSpentReply(other, at: before),
          !explorer.isSpentReply(other, at: transition.local)
        {
          wrong += 1
        }
      }
    }
    #expect(spent > 100)
    #expect(wrong == 0)
  }

  @Test func `to let a write become durable first leads to the same node`() throws {
    var explorer = try small()
    var squares = 0
    var wrong: Set<String> = []
    let count = UInt32(explorer.tables.locals.count)
    for local in 0..<count {
      let facts = explorer.tables.facts[Int(local)]
      guard facts.pending > 0, !facts.isDown else { continue }
      for difference in explorer.differences(ofDelayAt: local, &squares) {
        wrong.insert(difference)
      }
    }
    #expect(squares > 100)
    #expect(wrong == [])
  }
}

extension Explorer {
  /// Whether an answer is spent at a node, as the search sees it.
  fileprivate func isSpentReply(_ message: UInt32, at local: UInt32) -> Bool {
    let facts = tables.messageFacts[Int(message)]
    guard facts.kind != .request else { return false }
    return isSpent(facts, local, local)
  }

  /// Takes every step at a node that has a write under way, once with all its writes durable before
  /// and once after, and tells where the two differ: another node, or something said only if late.
  fileprivate mutating func differences(
    ofDelayAt local: UInt32, _ squares: inout Int
  ) -> [String] {
    var differences: [String] = []
    let id = tables.locals[Int(local)].node.id
    let messages = tables.messages.filter { $0.to == id }
    var inputs = messages.map { LocalInput.receive($0) }
    if tables.facts[Int(local)].canCampaign { inputs.append(.campaign) }
    if tables.facts[Int(local)].isLeader { inputs.append(.propose(1)) }
    for input in inputs {
      var late = Host(tables.locals[Int(local)], bounds, fault)
      late.take(input)
      while !late.local.pending.isEmpty { late.take(.persist) }
      var early = Host(tables.locals[Int(local)], bounds, fault)
      while !early.local.pending.isEmpty { early.take(.persist) }
      early.take(input)
      while !early.local.pending.isEmpty { early.take(.persist) }
      squares += 1
      let names = NodeRenaming.identity
      if late.local.fingerprint(names) != early.local.fingerprint(names) {
        differences.append("node: \(Words.state(late.local)) / \(Words.state(early.local))")
      }
      let said = Set(early.sends.map { $0.fingerprint(renaming: names) })
      for message in late.sends where !said.contains(message.fingerprint(renaming: names)) {
        differences.append("said: \(Words.words(message))")
      }
    }
    return differences
  }
}

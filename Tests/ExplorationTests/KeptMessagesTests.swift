// A network that keeps every message: each may come at any time and any number of times. What is
// spared there is compared with the full search, and each rule of it with the core.

import TestPace
import Testing

@testable import Raft
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

private let unreduced = Reductions(isSymmetric: false, isReduced: false)

/// Two nodes, an election and a command, and a crash.
private let pair = bounds {
  $0.nodes = 2
  $0.terms = 1
  $0.crashes = 1
}

/// Two nodes and two terms, with disks that lag only before a crash.
private let promptPair = bounds {
  $0.nodes = 2
  $0.terms = 2
  $0.entries = 0
  $0.crashes = 1
  $0.disks = .prompt
}

@Suite(.computing) struct `A network that keeps every message` {
  @Test func `is explored to the end, and nothing is found`() throws {
    let trio = bounds {
      $0.terms = 1
      $0.crashes = 1
      $0.disks = .prompt
    }
    for bounds in [pair, promptPair, trio] {
      let explorer = try explored(bounds)
      #expect(explorer.isComplete)
      #expect(explorer.counterexamples == [])
      #expect(explorer.uniqueStates > 100)
      for situation in [Situation.entryCommitted, .writeLost, .duplicateHeard] {
        #expect(explorer.reachedSituations.contains(situation))
      }
    }
  }

  @Test func `needs room for any number of them`() {
    var bounds = Bounds()
    bounds.duplicates = nil
    let error = #expect(throws: BoundsError.self) { try Explorer(bounds) }
    #expect(error?.problems.count == 1)
  }

  @Test func `reaches all that a network reaches that delivers each of them up to three times`()
    throws
  {
    var few = pair
    few.duplicates = 2
    let kept = try nodeStates(pair, Reductions())
    let delivered = try nodeStates(few, Reductions())
    #expect(!delivered.isEmpty)
    #expect(delivered.subtracting(kept) == [])
  }

  @Test(arguments: [pair, promptPair])
  func `has the same states of the nodes whatever is spared`(bounds: Bounds) throws {
    let full = try nodeStates(bounds, unreduced)
    let reduced = try nodeStates(bounds, Reductions())
    #expect(full.count > 100)
    #expect(full == reduced)
  }

  @Test func `has the same states of three nodes whatever is spared`() throws {
    let trio = bounds {
      $0.terms = 1
      $0.entries = 0
      $0.crashes = 1
      $0.disks = .prompt
    }
    let full = try nodeStates(trio, Reductions(isSymmetric: true, isReduced: false))
    let reduced = try nodeStates(trio, Reductions())
    #expect(full.count > 100)
    #expect(full == reduced)
  }

  @Test(arguments: HostFault.allCases, DiskBound.allCases)
  func `shows what is planted, as the full search does`(
    fault: HostFault, disks: DiskBound
  ) throws {
    var bounds = pair
    bounds.disks = disks
    if fault == .forgetsVote {
      bounds.nodes = 3
      bounds.entries = 0
    }
    let reduced = try explored(bounds, fault: fault)
    let full = try explored(bounds, unreduced, fault: fault)
    #expect(reduced.counterexamples.isEmpty == (fault == .none))
    #expect(
      reduced.counterexamples.map(\.finding.property)
        == full.counterexamples.map(\.finding.property))
  }

  @Test func `tells a path that can be followed, also where a write is to be lost`() throws {
    var bounds = promptPair
    bounds.nodes = 3
    let explorer = try explored(bounds, fault: .forgetsEntries)
    let found = try #require(explorer.counterexamples.first)
    let story = explorer.story(of: found)
    #expect(story.last?.finding?.property == found.finding.property)
    let fresh = try Explorer(bounds, fault: .forgetsEntries)
    #expect(try fresh.follow(story.map(\.choice)) == story)
  }
}

@Suite(.computing) struct `Prompt disks` {
  @Test func `lead to no state that disks of any speed do not lead to`() throws {
    var bounds = promptPair
    let prompt = try nodeStates(bounds, Reductions())
    bounds.disks = .any
    let any = try nodeStates(bounds, Reductions())
    #expect(prompt.subtracting(any) == [])
    #expect(prompt.count < any.count)
  }

  @Test func `lag before a crash, and lose what they were asked to write since`() throws {
    let explorer = try explored(promptPair)
    #expect(explorer.reachedSituations.contains(.writeLost))
    var slow = promptPair
    slow.crashes = 0
    #expect(try !explored(slow).tables.facts.contains { $0.pending > 0 })
  }
}

/// Of every state in which no node is down, nor has still to apply what it knew when it started:
/// the nodes, whatever they are called, but for what only a heartbeat or a read would look at.
private func nodeStates(_ bounds: Bounds, _ reductions: Reductions) throws -> Set<UInt64> {
  var explorer = try Explorer(bounds, reductions: reductions, healsEvery: 0)
  let names = Explorer.renamings(bounds)
  var states: Set<UInt64> = []
  while !explorer.isOver {
    for place in explorer.batch {
      if let state = explorer.nodeState(place, names) { states.insert(state) }
    }
    _ = explorer.step()
  }
  #expect(explorer.isComplete && explorer.counterexamples == [])
  return states
}

extension Explorer {
  fileprivate func nodeState(_ place: Int, _ names: [NodeRenaming]) -> UInt64? {
    frontier.withState(place) { words in
      for node in 0..<layout.nodes {
        let local = tables.locals[Int(words[node])]
        if local.isDown || local.node.lastApplied < local.node.commitIndex { return nil }
      }
      var total: UInt64 = 0
      for renaming in names {
        var sum: UInt64 = 0
        for node in 0..<layout.nodes {
          sum &+= tables.locals[Int(words[node])].fingerprint(renaming, isTimeless: true)
        }
        total &+= RandomSource.mix(sum)
      }
      return total
    }
  }

  /// All states of nodes and all messages there are now, and for each node and each thing that may
  /// happen to it, also what never does here, the step.
  fileprivate mutating func everyStep(
    _ body: (_ before: UInt32, _ message: UInt32?, Transition, Explorer) -> Void
  ) {
    let (locals, messages) = (tables.locals.count, tables.messages.count)
    for local in 0..<UInt32(locals) {
      let facts = tables.facts[Int(local)]
      guard !facts.isDown else { continue }
      let campaign: [UInt32] = facts.canCampaign ? [Move.campaign] : []
      let propose: [UInt32] = facts.isLeader ? [Move.propose] : []
      let own: [UInt32] = facts.pending > 0 ? [Move.persist] : []
      let crashes = (0...UInt32(facts.pending)).map { Move.crash + $0 }
      for code in own + campaign + propose + crashes {
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

  fileprivate func sent(_ transition: Transition) -> [UInt32] {
    let start = Int(transition.sentStart)
    return Array(tables.sent[start..<start + Int(transition.sentCount)])
  }

  fileprivate func isSpentAnswer(_ message: UInt32, at local: UInt32) -> Bool {
    isSpent(tables.messageFacts[Int(message)], tables.facts[Int(local)])
  }
}

@Suite(.computing) struct `What is spared where messages are kept` {
  private static let all = [
    promptPair,
    bounds {
      $0.entries = 0
      $0.terms = 2
      $0.disks = .prompt
    },
  ]

  @Test(arguments: all)
  func `an answer that is spent changes nothing, and no step makes it matter again`(
    bounds: Bounds
  ) throws {
    var explorer = try explored(bounds)
    var received: [[UInt32]] = Array(repeating: [], count: bounds.total)
    for (number, message) in explorer.tables.messages.enumerated() {
      received[Int(message.to.rawValue) - 1].append(UInt32(number))
    }
    var spent = 0
    var wrong = 0
    explorer.everyStep { before, message, transition, explorer in
      let id = explorer.tables.locals[Int(before)].node.id
      if let message,
        explorer.isSpentAnswer(message, at: before)
          || explorer.isOfAnOlderRound(message, at: before)
      {
        spent += 1
        if !transition.isIdle { wrong += 1 }
      }
      guard transition.local != before else { return }
      for other in received[Int(id.rawValue) - 1] {
        if explorer.isSpentAnswer(other, at: before),
          !explorer.isOfALaterRound(other, at: before),
          !explorer.isSpentAnswer(other, at: transition.local),
          !explorer.isOfAnOlderRound(other, at: transition.local)
        {
          wrong += 1
        }
      }
    }
    #expect(spent > 100)
    #expect(wrong == 0)
  }

  @Test(arguments: all)
  func `an old request has one answer, once its receiver has the last term`(
    bounds: Bounds
  ) throws {
    var explorer = try explored(bounds)
    var answered = 0
    var wrong = 0
    explorer.everyStep { before, message, transition, explorer in
      guard let message else { return }
      let facts = explorer.tables.messageFacts[Int(message)]
      let receiver = explorer.tables.facts[Int(before)]
      guard facts.isRequest, facts.term < receiver.durableTerm,
        Int(receiver.durableTerm) == bounds.terms
      else { return }
      answered += 1
      let answer = explorer.tables.answers[Int(message)]
      if !transition.isSilent || explorer.sent(transition) != [answer] { wrong += 1 }
    }
    #expect(answered > 50)
    #expect(wrong == 0)
  }

  @Test(arguments: all)
  func `a spent request for a vote changes nothing, and is answered with what is spent`(
    bounds: Bounds
  ) throws {
    var explorer = try explored(bounds)
    let senders = UInt32(explorer.tables.locals.count)
    var spent = 0
    var wrong = 0
    explorer.everyStep { before, message, transition, explorer in
      guard let message else { return }
      let facts = explorer.tables.messageFacts[Int(message)]
      guard facts.kind == .voteRequest else { return }
      let id = NodeID(UInt64(facts.from) + 1)
      for sender in 0..<senders where explorer.tables.locals[Int(sender)].node.id == id {
        let states = (explorer.tables.facts[Int(before)], explorer.tables.facts[Int(sender)])
        guard explorer.isSpentRequest(facts, states.0, states.1) else { continue }
        spent += 1
        if !transition.isSilent { wrong += 1 }
        for answer in explorer.sent(transition)
        where !explorer.isSpentAnswer(answer, at: sender) { wrong += 1 }
      }
    }
    #expect(spent > 100)
    #expect(wrong == 0)
  }

  @Test(arguments: all)
  func `notices of one term to one node do the same, whoever sent them`(bounds: Bounds) throws {
    var explorer = try explored(bounds)
    var notices = 0
    var afterwards: [UInt64: UInt32] = [:]
    var wrong = 0
    explorer.everyStep { before, message, transition, explorer in
      guard let message, explorer.tables.messageFacts[Int(message)].kind == .notice else { return }
      notices += 1
      let term = UInt64(explorer.tables.messageFacts[Int(message)].term)
      let key = UInt64(before) << 16 | term
      if let other = afterwards[key], other != transition.local { wrong += 1 }
      afterwards[key] = transition.local
      if transition.sentCount > 0 { wrong += 1 }
    }
    #expect(notices > 100)
    #expect(wrong == 0)
  }
}

extension Explorer {
  /// Whether the leader has not begun the round yet of which the answer speaks: then nobody can
  /// have said it.
  fileprivate func isOfALaterRound(_ message: UInt32, at local: UInt32) -> Bool {
    guard tables.facts[Int(local)].isLeader,
      case .appendEntriesReply(let reply) = tables.messages[Int(message)].body
    else { return false }
    return reply.round > tables.locals[Int(local)].node.leader.reads.round
  }

  /// Whether the answer is of a round before the one by which its sender is probed.
  fileprivate func isOfAnOlderRound(_ message: UInt32, at local: UInt32) -> Bool {
    guard tables.facts[Int(local)].isLeader,
      case .appendEntriesReply(let reply) = tables.messages[Int(message)].body
    else { return false }
    let progress = tables.locals[Int(local)].node.progress
    let peer = progress.first { $0.id == tables.messages[Int(message)].from }
    return peer.map { reply.round < $0.probeRound && index(reply) <= $0.matchIndex } ?? false
  }

  private func index(_ reply: AppendEntriesReply) -> LogIndex {
    max(reply.receivedIndex, reply.matchIndex)
  }
}

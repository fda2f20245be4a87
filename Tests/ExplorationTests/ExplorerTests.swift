// Small explorations, run to their end: what the real core does within them holds, the ways of
// searching agree, and what is planted is found by a shortest way.

import Raft
import TestPace
import Testing

@testable import RaftExploration

private func explored(
  _ bounds: Bounds, _ reductions: Reductions = Reductions(),
  _ order: SearchOrder = .breadthFirst, fault: HostFault = .none, healsEvery: UInt64 = 64,
  stopsAtFinding: Bool = true
) throws -> Explorer {
  var explorer = try Explorer(
    bounds, reductions: reductions, order: order, fault: fault, healsEvery: healsEvery,
    stopsAtFinding: stopsAtFinding)
  while explorer.step() {}
  return explorer
}

/// One election, nothing else, on three nodes.
private var election: Bounds {
  var bounds = Bounds()
  bounds.terms = 1
  bounds.entries = 0
  return bounds
}

/// Two nodes, two terms, a command and a crash.
private var pair: Bounds {
  var bounds = Bounds()
  bounds.nodes = 2
  bounds.terms = 1
  bounds.crashes = 1
  return bounds
}

@Suite(.computing) struct `An exploration` {
  @Test func `of the real core within small bounds is complete and finds nothing`() throws {
    for bounds in [election, pair] {
      let explorer = try explored(bounds)
      #expect(explorer.isComplete)
      #expect(explorer.counterexamples == [])
      #expect(explorer.uniqueStates > 200)
      #expect(explorer.reachedSituations.contains(.leaderElected))
      #expect(explorer.reachedSituations.contains(.entryCommitted))
      #expect(!explorer.reachedSituations.contains(.leaderReplacedInTerm))
    }
  }

  @Test func `visits the same states in either order`() throws {
    for bounds in [election, pair] {
      let breadth = try explored(bounds)
      let depth = try explored(bounds, Reductions(), .depthFirst)
      #expect(breadth.uniqueStates == depth.uniqueStates)
      #expect(breadth.generatedStates == depth.generatedStates)
      #expect(breadth.reachedSituations == depth.reachedSituations)
      #expect(breadth.greatestDepth <= depth.greatestDepth)
    }
  }

  @Test func `keeps at most 40 bytes for each state`() throws {
    var bounds = election
    bounds.entries = 1
    let explorer = try explored(bounds)
    #expect(explorer.visitedBytes <= 40 * explorer.uniqueStates)
  }

  @Test func `tries whether the cluster recovers from each of its states`() throws {
    let explorer = try explored(election, healsEvery: 1)
    #expect(explorer.healedStates == explorer.uniqueStates)
    #expect(explorer.counterexamples == [])
  }

  @Test func `does not depend on how many parts its states are divided into`() throws {
    let whole = try explored(pair)
    var parted = try Explorer(pair, healsEvery: 64)
    while !parted.isOver {
      parted.absorb((0..<3).map { parted.expand(part: $0, of: 3) })
    }
    #expect(whole.checkpoint() == parted.checkpoint())
    #expect(whole.isComplete)
  }
}

@Suite(.computing) struct Reducing {
  @Test func `by names leaves one state of each set of states that differ in names only`() throws {
    let full = try seen(election, Reductions(isSymmetric: false), withMessages: true)
    let reduced = try seen(election, Reductions(), withMessages: true)
    #expect(reduced.explorer.symmetries == 6)
    #expect(full.explorer.symmetries == 1)
    // Each state that is kept stands for a set of at most six, and every set has one that is kept.
    #expect(reduced.states == full.states)
    #expect(reduced.states.count == reduced.explorer.uniqueStates)
    #expect(reduced.explorer.uniqueStates * 6 >= full.explorer.uniqueStates)
    #expect(full.explorer.reachedSituations == reduced.explorer.reachedSituations)
  }

  @Test func `steps away reaches the same states of the nodes`() throws {
    var bounds = pair
    bounds.duplicates = 1
    bounds.losses = 1
    let full = try seen(bounds, Reductions(isReduced: false), withMessages: false)
    let reduced = try seen(bounds, Reductions(), withMessages: false)
    for explorer in [full.explorer, reduced.explorer] {
      #expect(explorer.isComplete && explorer.counterexamples == [])
    }
    // The full search doubles a message before it comes, so it never sees one that stays.
    let expected = reduced.explorer.reachedSituations.filter { $0 != .duplicateHeard }
    #expect(full.explorer.reachedSituations == expected)
    #expect(reduced.explorer.uniqueStates < full.explorer.uniqueStates)
    #expect(full.states == reduced.states)
  }

  @Test(arguments: HostFault.allCases)
  func `finds what is planted, as the full search does`(fault: HostFault) throws {
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
    for (found, expected) in zip(reduced.counterexamples, full.counterexamples) {
      #expect(found.moves.count <= expected.moves.count)
    }
  }

  @Test func `by names is left to those that an operator does not name`() throws {
    var bounds = Bounds()
    bounds.spares = 1
    #expect(Explorer.renamings(bounds).count == 6)
    bounds.changes = [MembershipChange([.remove(NodeID(3)), .addVoter(NodeID(4))])]
    #expect(Explorer.renamings(bounds).count == 2)
  }
}

@Suite(.computing) struct `A counterexample` {
  private var planted: Bounds {
    var bounds = Bounds()
    bounds.terms = 1
    bounds.crashes = 1
    return bounds
  }

  @Test func `is a shortest one, and tells a story that leads to it`() throws {
    var bounds = planted
    bounds.entries = 0
    let explorer = try explored(bounds, fault: .saysDurableTooEarly)
    let found = try #require(explorer.counterexamples.first)
    #expect(found.finding.property == .durableBeforeSaid)
    let story = explorer.story(of: found)
    #expect(story.count == found.moves.count)
    #expect(story.last?.finding?.property == .durableBeforeSaid)
    // It asks for votes before its own vote is on the disk: the very first step.
    #expect(story.map(\.sentence) == ["n1's election timer runs out"])
  }

  @Test func `can be followed by what its steps say`() throws {
    var bounds = planted
    bounds.terms = 2
    let explorer = try explored(bounds, fault: .forgetsVote)
    let found = try #require(explorer.counterexamples.first)
    #expect(found.finding.property == .electionSafety || found.finding.property == .oneVote)
    let story = explorer.story(of: found)
    let fresh = try Explorer(bounds, fault: .forgetsVote)
    #expect(try fresh.follow(story.map(\.choice)) == story)
    var broken = story.map(\.choice)
    broken.remove(at: 1)
    #expect(throws: PathError.self) { try fresh.follow(broken) }
  }

  @Test func `is the same one depth-first, if longer`() throws {
    let breadth = try explored(planted, fault: .forgetsVote)
    let depth = try explored(planted, Reductions(), .depthFirst, fault: .forgetsVote)
    let found = try #require(depth.counterexamples.first)
    let shortest = try #require(breadth.counterexamples.first)
    #expect(found.moves.count >= shortest.moves.count)
    #expect(depth.story(of: found).last?.finding?.property == found.finding.property)
  }
}

@Suite(.computing) struct `A checkpoint` {
  @Test(arguments: SearchOrder.allCases)
  func `leads to the same end as no interruption`(order: SearchOrder) throws {
    let whole = try explored(pair, Reductions(), order)
    var first = try Explorer(pair, order: order, healsEvery: 64)
    for _ in 0..<9 { _ = first.step() }
    let bytes = first.checkpoint()
    var second = try Explorer(pair, order: order, healsEvery: 64)
    try second.resume(from: bytes)
    #expect(second.checkpoint() == bytes)
    while second.step() {}
    #expect(second.checkpoint() == whole.checkpoint())
    #expect(second.isComplete)
  }

  @Test func `is refused if it is of other bounds, damaged, or none at all`() throws {
    var first = try Explorer(election)
    for _ in 0..<4 { _ = first.step() }
    let bytes = first.checkpoint()
    func refusal(_ bytes: [UInt8], _ bounds: Bounds) -> CheckpointError? {
      do {
        var explorer = try Explorer(bounds)
        try explorer.resume(from: bytes)
        return nil
      } catch { return error as? CheckpointError }
    }
    #expect(refusal(bytes, election) == nil)
    #expect(refusal(bytes, pair) == .otherSettings)
    #expect(refusal([], election) == .notACheckpoint)
    var random = RandomSource(seed: 7)
    for _ in 0..<200 {
      var damaged = bytes
      if random.draw(below: 4) == 0 {
        damaged.removeLast(1 + Int(random.draw(below: UInt64(bytes.count))))
      } else {
        damaged[Int(random.draw(below: UInt64(bytes.count)))] ^= 1 << UInt8(random.draw(below: 8))
      }
      #expect(refusal(damaged, election) != nil)
    }
  }
}

@Suite(.computing) struct `Bounds that cannot be explored` {
  @Test func `are refused with every problem`() {
    var bounds = Bounds()
    bounds.nodes = 9
    bounds.terms = 0
    bounds.isPreVoteEnabled = true
    let error = #expect(throws: BoundsError.self) { try Explorer(bounds) }
    #expect(error?.problems.count == 4)
  }
}

/// An exploration, and every state that it expanded as one number, whatever the nodes are called:
/// nodes that are all up and, if wanted, messages.
private func seen(
  _ bounds: Bounds, _ reductions: Reductions, withMessages: Bool
) throws -> (explorer: Explorer, states: Set<UInt64>) {
  var explorer = try Explorer(bounds, reductions: reductions)
  let names = Explorer.renamings(bounds)
  var states: Set<UInt64> = []
  while !explorer.isOver {
    for place in explorer.batch {
      if let state = explorer.nameless(place, names, withMessages) { states.insert(state) }
    }
    _ = explorer.step()
  }
  return (explorer, states)
}

extension Explorer {
  fileprivate func nameless(
    _ place: Int, _ names: [NodeRenaming], _ withMessages: Bool
  ) -> UInt64? {
    frontier.withState(place) { words in
      // A node that is down for a while exists only where nothing is reduced.
      for node in 0..<layout.nodes where tables.facts[Int(words[node])].isDown { return nil }
      var total = UInt64(0)
      for renaming in names {
        var sum: UInt64 = 0
        for node in 0..<layout.nodes {
          sum &+= tables.locals[Int(words[node])].fingerprint(renaming)
        }
        if withMessages {
          sum &+= tables.histories[Int(words[layout.history])].fingerprint(renaming)
          for slot in layout.messages..<words.count {
            sum &+= tables.messages[Int(words[slot])].fingerprint(renaming: renaming)
          }
        }
        total &+= RandomSource.mix(sum)
      }
      return total
    }
  }
}

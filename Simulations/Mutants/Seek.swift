// The explorer as a means of finding planted bugs: small bounds one after the other, each searched
// nearest first, until one shows a counterexample or the time is over.

import Foundation
import Raft
import RaftExploration

enum Seek {
  /// The bounds, the smallest searches first. Each looks at something that the others do not.
  private static var all: [Bounds] {
    let remove = MembershipChange([.remove(NodeID(3))])
    let removeJoint = MembershipChange([.remove(NodeID(3))], isJointForced: true)
    let replace = MembershipChange([.remove(NodeID(3)), .addVoter(NodeID(4))])
    return [
      bounds(terms: 1, entries: 1), pair, bounds(terms: 1, entries: 1, crashes: 1),
      bounds(terms: 1, entries: 1) { $0.reads = 1 }, compacting, asking,
      bounds(terms: 2) { $0.duplicates = 1 }, bounds(terms: 2, crashes: 1),
      bounds(terms: 1, entries: 2) { $0.heartbeats = 1 },
      bounds(terms: 2) { $0.changes = [remove] }, bounds(terms: 2) { $0.changes = [removeJoint] },
      bounds(terms: 1, spares: 1) { $0.changes = [replace] }, bounds(terms: 2, entries: 1),
      bounds(terms: 2, entries: 2), bounds(terms: 3, entries: 1),
    ]
  }

  private static func bounds(
    terms: Int, entries: Int = 0, crashes: Int = 0, spares: Int = 0,
    _ change: (inout Bounds) -> Void = { _ in }
  ) -> Bounds {
    var bounds = Bounds()
    bounds.terms = terms
    bounds.entries = entries
    bounds.crashes = crashes
    bounds.spares = spares
    change(&bounds)
    return bounds
  }

  private static var pair: Bounds {
    bounds(terms: 2, entries: 1, crashes: 1) {
      $0.nodes = 2
      $0.duplicates = 1
    }
  }

  private static var compacting: Bounds {
    bounds(terms: 1, entries: 1) {
      $0.snapshots = 1
      $0.heartbeats = 1
    }
  }

  private static var asking: Bounds {
    bounds(terms: 2) {
      $0.timeouts = 2
      $0.isPreVoteEnabled = true
    }
  }

  /// Prints what was found first, as one line of JSON.
  static func run(seconds: UInt64) {
    let start = clock()
    func elapsed() -> Int { Int(clock() - start) * 1_000 / Int(CLOCKS_PER_SEC) }
    var states = 0
    var open = 0
    for bounds in all {
      guard var explorer = try? Explorer(bounds, healsEvery: 256) else { continue }
      let limit = elapsed() + Int(seconds) * 1_000 / 4
      while !explorer.isOver, elapsed() < Int(seconds) * 1_000, elapsed() < limit {
        _ = explorer.step()
      }
      states += explorer.uniqueStates
      if !explorer.isComplete { open += 1 }
      guard let found = explorer.counterexamples.first else { continue }
      print(
        "{\"what\": \"\(found.finding.property)\", \"steps\": \(found.moves.count),"
          + " \"states\": \(states), \"milliseconds\": \(elapsed()), \"bounds\": \"\(bounds)\"}")
      return
    }
    print(
      "{\"what\": \"\", \"states\": \(states), \"milliseconds\": \(elapsed()), \"open\": \(open)}")
  }
}

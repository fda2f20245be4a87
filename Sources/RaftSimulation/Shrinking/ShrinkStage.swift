// Where a shrinker stands: which pass, how much at once, from where on, and under how many seeds.

import Raft

/// A smaller plan, and what to go on with.
struct Proposal: Sendable {
  var plan: Plan
  /// From where on this leaves something out.
  var offset: Int
  /// How many things it leaves out, as the pass counts them.
  var size: Int
}

/// The place in the passes. Each round goes through all of them; rounds are repeated while they
/// help, then begun once more with more seeds for each plan.
struct Stage: Sendable {
  var pass = ShrinkPass.least
  /// How many things are left out at once; 0 before the first time in a pass.
  private var portion = 0
  private var offset = 0
  /// How many seeds each plan is tried under.
  private var seeds = 4
  private var hasHelped = false
  /// How often something helped: makes the fresh seeds of each proposal its own.
  private var turn: UInt64 = 0
  private(set) var isOver = false
  private var rounds = 0

  /// How many plans are proposed at once.
  private static let width = 16

  /// The next proposals of this pass; none if it has no more.
  mutating func proposals(for shrinker: Shrinker) -> [Proposal] {
    let edits = Edits(shrinker, pass)
    let count = edits.count
    if portion == 0 {
      portion = edits.isSingle ? 1 : count
      offset = 0
    }
    var found: [Proposal] = []
    while portion > 0 {
      while offset < count, found.count < Stage.width {
        let size = min(portion, count - offset)
        if let plan = edits.edit(offset, size), plan.isRunnable, plan != shrinker.plan {
          // What only looks better is not worth many runs.
          let isPolish = pass == .shorten || pass == .round
          for variant in 0..<UInt64(isPolish ? min(seeds, 2) : seeds) {
            found.append(
              Proposal(plan: seeded(plan, variant, offset), offset: offset, size: size))
          }
        }
        offset += size
      }
      if !found.isEmpty { return found }
      portion = portion == 1 ? 0 : (portion + 1) / 2
      offset = 0
    }
    return found
  }

  /// The plan under its own seed, or under another one.
  private func seeded(_ plan: Plan, _ variant: UInt64, _ offset: Int) -> Plan {
    guard variant > 0 else { return plan }
    var plan = plan
    let place = UInt64(pass.rawValue) << 32 | UInt64(offset)
    plan.seed = Draw(plan.seed, .shrinking, variant, place, turn).word
    return plan
  }

  /// A proposal failed as it should: goes on with what is left.
  mutating func won(_ proposal: Proposal) {
    // Rounder is not smaller: it must not begin everything anew.
    if pass != .round { hasHelped = true }
    turn += 1
    switch pass {
    case .least:
      // The smallest first: whatever comes later is larger.
      offset = .max
      portion = 1
    case .operations, .faults, .nodes, .settings, .delays, .shorten, .round:
      offset = proposal.offset
    }
  }

  /// No proposal failed as it should: goes on behind them.
  mutating func lost() { turn += 1 }

  /// The pass has nothing more to propose.
  mutating func goOn(_ shrinker: Shrinker) {
    portion = 0
    offset = 0
    if let next = ShrinkPass(rawValue: pass.rawValue + 1) {
      if pass == .least { seeds = 1 }
      pass = next
      return
    }
    pass = .operations
    rounds += 1
    if hasHelped, rounds < 40 {
      hasHelped = false
    } else if seeds < 16 {
      seeds = seeds == 1 ? 4 : 16
    } else {
      isOver = true
    }
  }
}

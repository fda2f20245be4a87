// Any moment of a run at once: branches of its world, kept every so many events, from which the
// rest is executed.

import RaftSimulation

/// The moments of one run. Shared by those who look at it.
final class RunPast {
  /// After so many events there is a branch. Doubles when there are too many.
  private(set) var spacing: UInt64 = 512
  private var branches: [World] = []
  private let plan: Plan
  /// The events at which a property broke or a situation was reached for the first time.
  private(set) var turns: [UInt64] = []
  private var reached = 0

  static let mostBranches = 128

  init(_ plan: Plan) { self.plan = plan }

  /// Takes a look at a world that goes forward from the beginning.
  ///
  /// - Complexity: O(situations), and now and then a branch.
  func pass(_ world: World) {
    let count = Situation.allCases.count { world.oracles.situations[$0] > 0 }
    if count != reached || (world.verdict != nil && turns.last != world.eventCount) {
      reached = count
      turns.append(world.eventCount)
    }
    let next = branches.last.map { $0.eventCount + spacing } ?? spacing
    guard world.eventCount >= next else { return }
    branches.append(world)
    if branches.count > RunPast.mostBranches {
      branches = branches.indices.filter { $0 % 2 == 1 }.map { branches[$0] }
      spacing *= 2
    }
  }

  /// The world after an event, or at the end of the run if that came before.
  ///
  /// - Complexity: O(`spacing`) events.
  func world(at event: UInt64) -> World {
    var world = branches.last { $0.eventCount <= event } ?? World(plan)
    while world.eventCount < event, world.step() {}
    return world
  }
}

import Raft
import TestPace
import Testing

@testable import RaftSimulation

@Suite(.computing) struct `What clients saw` {
  /// A world at the end of a run without a fault, before it was checked.
  private func ended(_ seed: UInt64) -> World {
    var options = PlanOptions()
    options.operations = 120
    options.duration = 2_000_000_000
    var world = World(Plan(seed: seed, options: options))
    while world.step() {}
    if case .passed = world.verdict {} else { Issue.record("seed \(seed) did not pass") }
    world.verdict = nil
    return world
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func `is linearizable, and no longer if one answer is another`(seed: UInt64) throws {
    var world = ended(seed)
    world.checkLinearizability()
    #expect(world.verdict == nil)
    for place in world.history.indices {
      guard case .read(_, let applied) = world.history[place].result,
        world.history[place].reading != .stale
      else { continue }
      var broken = world
      // Nobody ever wrote this.
      broken.history[place].result = .read(3, applied)
      broken.checkLinearizability()
      guard case .violated(let violation) = broken.verdict else {
        Issue.record("seed \(seed): operation \(place + 1) read what nobody wrote")
        return
      }
      #expect(violation.breach.property == .linearizability)
      #expect(violation.breach.sentence.hasPrefix("what clients saw has no order: get "))
      #expect(violation.breach.sentence.contains("client \(world.history[place].client) was told"))
      return
    }
  }

  @Test func `is not linearizable where a write was lost`() {
    var found = 0
    for seed in 1...12 as ClosedRange<UInt64> {
      let world = ended(seed)
      // Some later read saw the value of this write and of no other.
      guard
        let read = world.history.firstIndex(where: {
          if case .read(.some, _) = $0.result { true } else { false }
        }),
        case .read(let value, _) = world.history[read].result,
        let write = world.history.firstIndex(where: {
          $0.kind == .put && $0.value == value
        })
      else { continue }
      var broken = world
      broken.history[write].value += 1
      broken.checkLinearizability()
      if case .violated = broken.verdict { found += 1 }
    }
    #expect(found > 2)
  }
}

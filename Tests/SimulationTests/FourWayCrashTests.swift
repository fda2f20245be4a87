import Foundation
import Raft
import TestPace
import Testing

@testable import RaftSimulation

/// One world at its worst moments, and four ways in which the power can fail there: of what was not
/// synced the disks keep nothing, everything, all before a place that may be within a write, or any
/// sectors. More seeds by `FLOTILLA_FOUR_WAY`, for example 500, with a release build.
@Suite(.computing) struct `The power fails in four ways` {
  private static let ways: [CrashKeeping] = [.none, .all, .prefix, .subset]

  private static var seeds: ClosedRange<UInt64> {
    1...max(1, UInt64(ProcessInfo.processInfo.environment["FLOTILLA_FOUR_WAY"] ?? "") ?? 6)
  }

  /// How many writes wait for the disks of a world.
  private func unsynced(_ world: World) -> Int {
    var jobs = 0
    for slot in world.slots where slot.isUp { jobs += slot.lanes.underWay.count }
    return jobs
  }

  /// The world as it was when most was under way, once in each third of its trouble.
  private func worstMoments(_ seed: UInt64) -> [World] {
    var options = PlanOptions()
    options.scenario = .chaos
    var world = World(Plan(seed: seed, options: options))
    let third = world.plan.duration / 3
    var worst: [World] = []
    while !world.healing.isUnderWay {
      let part = Int(min(world.now / third, 2))
      if part >= worst.count {
        worst.append(world)
      } else if unsynced(world) > unsynced(worst[part]) {
        worst[part] = world
      }
      guard world.step() else { break }
    }
    return worst
  }

  @Test func `and each time all that was acknowledged is there`() {
    var deeds: [UInt64] = [0, 0, 0, 0]
    for seed in Self.seeds {
      for moment in worstMoments(seed) {
        for way in Self.ways {
          var world = moment
          world.cutPower(keeping: way)
          while world.step() {}
          if case .passed = world.verdict {
          } else {
            let verdict = String(describing: world.verdict)
            Issue.record("seed \(seed), event \(moment.eventCount), \(way): \(verdict)")
          }
          for slot in world.slots {
            deeds[0] += slot.disk.deeds.crashesKeepingNone
            deeds[1] += slot.disk.deeds.crashesKeepingAll
            deeds[2] += slot.disk.deeds.crashesKeepingPrefix
            deeds[3] += slot.disk.deeds.crashesKeepingSubset
          }
        }
      }
    }
    #expect(deeds.allSatisfy { $0 > 0 }, "\(deeds)")
  }
}

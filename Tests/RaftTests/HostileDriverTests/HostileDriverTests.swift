import Foundation
import Testing

@testable import Raft

/// "A driver cannot break safety by ordering."
///
/// More seeds: `FLOTILLA_HOSTILE_SEEDS=100000 swift test -c release -Xswiftc -enable-testing
/// --filter HostileDriverTests`. One seed again: `FLOTILLA_HOSTILE_SEED=17`.
@Suite struct HostileDriverTests {
  static let environment = ProcessInfo.processInfo.environment
  static let seeds = environment["FLOTILLA_HOSTILE_SEEDS"].flatMap { UInt64($0) } ?? 320
  static let only = environment["FLOTILLA_HOSTILE_SEED"].flatMap { UInt64($0) }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func `a host that uses all of its freedom breaks nothing`(lane: UInt64) throws {
    var elections = 0
    var committed = 0
    var answers = 0
    var failures = 0
    for seed in stride(from: lane, to: Self.seeds, by: 8) {
      if let only = Self.only, only != seed { continue }
      // Many short runs find more than few long ones; what needs long ones needs only some.
      let cluster = try HostileCluster.run(seed: seed, acts: seed % 9 == 0 ? 6_000 : 2_000)
      elections += cluster.checks.elections
      committed += cluster.checks.committed.count
      answers += cluster.checks.answers
      guard let violation = cluster.checks.violation else { continue }
      failures += 1
      Issue.record("seed \(seed): \(violation.kind.rawValue): \(violation.text)")
      if failures > 5 { break }
    }
    print("lane \(lane): \(elections) elections, \(committed) committed, \(answers) answers")
  }
}

import Foundation
import Testing

@testable import Raft

/// The hostile driver with one duty broken on purpose: shows what the duties are for, and that the
/// checks of the driver can fail at all. `Docs/Reference/driver-contract.md` holds the table.
///
/// The table's figures: `FLOTILLA_MISUSE_SEEDS=1000 swift test -c release -Xswiftc -enable-testing
/// --filter MisuseTests`.
@Suite struct MisuseTests {
  static let wanted =
    ProcessInfo.processInfo.environment["FLOTILLA_MISUSE_SEEDS"].flatMap { UInt64($0) }

  typealias Counts = [HostileChecks.Kind: Int]

  /// How many seeds broke in which way; without a wanted number only until the first one.
  static func counts(of breach: HostileBreach) throws -> Counts {
    var counts: Counts = [:]
    for seed in 0..<(wanted ?? 200) {
      let cluster = try HostileCluster.run(seed: 1_000_000 + seed, breach: breach)
      guard let violation = cluster.checks.violation else { continue }
      counts[violation.kind, default: 0] += 1
      if wanted == nil { break }
    }
    return counts
  }

  @Test(arguments: HostileBreach.allCases.filter { $0 != .none })
  func `a duty that is broken breaks what it is for`(breach: HostileBreach) throws {
    let counts = try Self.counts(of: breach)
    #expect(!counts.isEmpty)
    for kind in counts.keys { #expect(Self.expected(breach).contains(kind)) }
    guard let wanted = Self.wanted else { return }
    var text = "\(breach.rawValue): \(counts.values.reduce(0, +)) of \(wanted) seeds"
    for kind in HostileChecks.Kind.allCases {
      if let count = counts[kind] { text += "; \(kind.rawValue) \(count)" }
    }
    print(text)
  }

  /// In which ways a breach may show.
  static func expected(_ breach: HostileBreach) -> [HostileChecks.Kind] {
    let safety: [HostileChecks.Kind] = [
      .electionSafety, .oneVote, .leaderCompleteness, .logMatching, .committed, .machine, .outcome,
      .read, .restore,
    ]
    switch breach {
    case .none: return []
    case .persistedTooEarly, .receiptOfAnEarlierLife, .diskRolledBack: return safety
    case .streamReordered, .writeSkipped, .writeTorn: return safety
    case .appliedOutOfOrder, .appliedTwice: return [.machine]
    case .snapshotNotDurable: return [.restore, .machine]
    }
  }
}

// What the checker is measured at: histories like those that other checkers publish figures for.

import Linearizability
import Raft

enum CheckBench {
  /// One kind of history.
  struct Case {
    var name: String
    /// Where its histories are written.
    var folder: String
    var shape: HistoryShape
    var seeds: Range<UInt64>
    /// Whether each key is checked by itself.
    var isSplit: Bool

    init(
      _ name: String, _ folder: String, _ shape: HistoryShape, seeds: UInt64, isSplit: Bool = true
    ) {
      self.name = name
      self.folder = folder
      self.shape = shape
      self.seeds = 0..<seeds
      self.isSplit = isSplit
    }

    /// The same histories with a read in them that may say what was overwritten before.
    var stale: Case {
      var stale = self
      stale.name += ".stale"
      stale.folder += "-stale"
      stale.shape.isStale = true
      return stale
    }
  }

  static let cases: [Case] = {
    let register = HistoryShape(operations: 80, clients: 10, unknown: 20)
    let large = HistoryShape(operations: 1_712, clients: 50, keys: 10, reads: 35, appends: 55)
    let small = HistoryShape(operations: 337, clients: 10, keys: 10, reads: 35, appends: 55)
    var largeBursts = large
    largeBursts.bursts = 95
    var smallBursts = small
    smallBursts.bursts = 95
    return [
      Case("check.register.operations-80.unknown-20%", "register", register, seeds: 100),
      Case("check.map.operations-1712.clients-50.by-key", "map-by-key", large, seeds: 10),
      Case(
        "check.map.operations-337.clients-10.whole", "map-whole", small, seeds: 10,
        isSplit: false),
      Case(
        "check.map.operations-1712.clients-50.bursts.by-key", "map-by-key-bursts", largeBursts,
        seeds: 20),
      Case(
        "check.map.operations-337.clients-10.bursts.whole", "map-whole-bursts", smallBursts,
        seeds: 20, isSplit: false),
    ].flatMap { [$0, $0.stale] }
  }()

  /// Checks each history of a case once.
  ///
  /// - Returns: the CPU seconds that each took, from the shortest, and how many had which verdict.
  static func run(_ scenario: Case) -> (seconds: [Double], verdicts: String) {
    var seconds: [Double] = []
    var counts = (linearizable: 0, violated: 0, undecided: 0)
    for seed in scenario.seeds {
      let drawing = HistoryDrawing(scenario.shape, seed: seed)
      let records = drawing.unplaced
      let start = processSeconds()
      let checked =
        scenario.isSplit
        ? check(records, drawing.model) : check(records, KeyValueMapModel(drawing.model))
      seconds.append(processSeconds() - start)
      switch checked.verdict {
      case .linearizable: counts.linearizable += 1
      case .violated: counts.violated += 1
      case .undecided: counts.undecided += 1
      }
    }
    return (
      seconds.sorted(),
      "\(counts.linearizable) linearizable, \(counts.violated) not, \(counts.undecided) undecided"
    )
  }

  /// A history with the order in which everything took effect.
  static func certified(operations: Int) -> (records: [History<KeyValueModel>.Entry], KeyValueModel)
  {
    let shape = HistoryShape(operations: operations, clients: 20, keys: 1_000, unknown: 2)
    let drawing = HistoryDrawing(shape, seed: 1)
    return (drawing.records, drawing.model)
  }

  static func results(_ rounds: Int, isStopped: () -> Bool) -> [BenchResult] {
    var results: [BenchResult] = []
    for scenario in cases where !isStopped() {
      let found = run(scenario)
      var median = Rounds()
      median.seconds = found.seconds
      let worst = wallTime(seconds: found.seconds.last ?? 0)
      results.append(
        BenchResult(
          scenario.name, "history", median, work: 1, note: "worst \(worst); \(found.verdicts)"))
    }
    let operations = 500_000
    let (records, model) = certified(operations: operations)
    let proof = Rounds.measure(rounds, isStopped: isStopped) {
      precondition(certify(records, model) == nil, "the order of a correct store is a proof")
    }
    results.append(
      BenchResult(
        "check.certificate.keys-1000", rate: "operations", proof, work: Double(operations)))
    return results
  }
}

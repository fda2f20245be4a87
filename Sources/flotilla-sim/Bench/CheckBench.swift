// What the checker is measured at: histories like those that other checkers publish figures for.

import Linearizability
import Raft

enum CheckBench {
  /// One kind of history.
  struct Case {
    var name: String
    var shape: HistoryShape
    var seeds: Range<UInt64>
    /// Whether each key is checked by itself.
    var isSplit = true
  }

  static let cases = [
    Case(
      name: "check.register.operations-80.unknown-20%",
      shape: HistoryShape(operations: 80, clients: 10, unknown: 20), seeds: 0..<100),
    Case(
      name: "check.register.operations-80.unknown-20%.stale",
      shape: HistoryShape(operations: 80, clients: 10, unknown: 20, isStale: true),
      seeds: 0..<100),
    Case(
      name: "check.map.operations-1712.clients-50.by-key",
      shape: HistoryShape(operations: 1_712, clients: 50, keys: 10, reads: 35, appends: 55),
      seeds: 0..<10),
    Case(
      name: "check.map.operations-337.clients-10.whole",
      shape: HistoryShape(operations: 337, clients: 10, keys: 10, reads: 35, appends: 55),
      seeds: 0..<10, isSplit: false),
  ]

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

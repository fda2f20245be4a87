// What a benchmark found, as it is shown, written and compared.

import Foundation

/// One figure.
struct BenchResult {
  var name: String
  /// For example `ns per entry`.
  var unit: String
  var best: Double
  var median: Double
  var rounds: Int
  /// Whether less is better.
  var isCost = true
  /// What belongs beside it.
  var note = ""

  /// A cost from what rounds of so much work took, in nanoseconds.
  init(_ name: String, _ unit: String, _ rounds: Rounds, work: Int, note: String = "") {
    self.name = name
    self.unit = "ns per " + unit
    let scale = 1e9 / Double(max(work, 1))
    best = rounds.best * scale
    median = rounds.median * scale
    self.rounds = rounds.seconds.count
    self.note = note
  }

  /// A rate: so much work for each second of CPU.
  init(_ name: String, rate unit: String, _ rounds: Rounds, work: Double, note: String = "") {
    self.name = name
    self.unit = unit + " per CPU second"
    best = rounds.best > 0 ? work / rounds.best : 0
    median = rounds.median > 0 ? work / rounds.median : 0
    self.rounds = rounds.seconds.count
    isCost = false
    self.note = note
  }

  /// Several figures of one kind, as they are.
  init(_ name: String, _ unit: String, figures: [Double], note: String = "") {
    self.name = name
    self.unit = unit
    let all = Rounds(seconds: figures)
    best = all.best
    median = all.median
    rounds = figures.count
    self.note = note
  }

  var json: JSON {
    .object([
      ("name", .string(name)), ("unit", .string(unit)), ("best", .figure(best, digits: 2)),
      ("median", .figure(median, digits: 2)), ("rounds", .count(rounds)),
      ("lessIsBetter", .bool(isCost)),
    ])
  }

  /// A figure with three digits or more.
  static func text(_ value: Double) -> String {
    fixed(value, value >= 1000 ? 0 : value >= 100 ? 1 : 2)
  }
}

/// How the figures of today stand to those of a file.
struct BenchComparison {
  struct Line {
    var name: String
    var old: Double
    var new: Double
    /// More than 1 is worse.
    var factor: Double
  }

  var lines: [Line] = []
  /// How much worse than before is still the same.
  static let tolerance = 1.1

  /// The names of what got worse.
  var worse: [String] { lines.filter { $0.factor > BenchComparison.tolerance }.map(\.name) }

  /// The best figures of a file, by name.
  private var old: [(name: String, best: Double)] = []

  /// Reads an earlier result.
  static func read(_ path: String) throws(Failure) -> BenchComparison {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.badData, "\(path) cannot be read", hint: "write one with --format json > FILE")
    }
    let (root, problems) = DocumentParser.parse(String(decoding: data, as: UTF8.self))
    guard problems.isEmpty, root["schema"]?.text == Bench.schema,
      case .list(let results) = root["results"]?.value
    else {
      throw Failure(
        .badData, "\(path) is no \(Bench.schema)", hint: "write one with --format json > FILE")
    }
    var comparison = BenchComparison()
    comparison.old = results.compactMap { result in
      guard let name = result["name"]?.text, let best = result["best"]?.text.flatMap(Double.init)
      else { return nil }
      return (name, best)
    }
    return comparison
  }

  /// The same with the figures of today beside those of the file.
  func compared(with results: [BenchResult]) -> BenchComparison {
    var comparison = self
    for result in results {
      guard let best = old.first(where: { $0.name == result.name })?.best, best > 0,
        result.best > 0
      else { continue }
      let factor = result.isCost ? result.best / best : best / result.best
      comparison.lines.append(
        Line(name: result.name, old: best, new: result.best, factor: factor))
    }
    return comparison
  }
}

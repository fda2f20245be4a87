#if Server
// What a load came to, for people, for programs, and against an earlier one.

import FlotillaLoad
import FlotillaTerminal
import RaftInterface

/// The figures of a load with everything that they depend on.
struct BenchReport: Sendable {
  /// Whether what is acknowledged is on a disk.
  enum Sync: String, Sendable {
    case on, off, unknown
  }

  var workload: String
  var clients: Int
  /// Requests begun in a second; 0: as fast as they are answered.
  var rate: UInt64
  var batch: Int
  var payload: Int
  var result: LoadResult
  var nodes: Int
  var isLocal: Bool
  var sync: Sync
  var version: String
  /// How often the term changed meanwhile.
  var elections: UInt64
  /// Time of all nodes' processors within what was measured. Unit: microseconds.
  var processor: UInt64?
  /// Memory of each node at the end, in the order of their names. Unit: bytes.
  var memory: [(name: String, bytes: UInt64)] = []
  var isInterrupted = false

  var operations: UInt64 { result.done * UInt64(batch) }
  private var seconds: Double { Double(result.measured) / 1e9 }
  /// Operations in a second, over all that was measured.
  var throughput: Double { seconds > 0 ? Double(operations) / seconds : 0 }

  /// Whole seconds only, from the least to the most.
  private var sortedSeconds: [UInt64] {
    let whole = Int(result.measured / 1_000_000_000)
    var list = Array(result.perSecond.prefix(whole))
    while list.count < whole { list.append(0) }
    return list.sorted().map { $0 * UInt64(batch) }
  }

  /// The processor's time for each operation. Unit: microseconds.
  var processorEach: Double? {
    guard let processor, operations > 0 else { return nil }
    return Double(processor) / Double(operations)
  }

  private func latency(_ perMillion: UInt64) -> UInt64 {
    result.latency.quantile(perMillion: perMillion)
  }

  // MARK: For people

  /// Milliseconds with three digits that count.
  static func milliseconds(_ nanoseconds: UInt64) -> String {
    let value = Double(nanoseconds) / 1e6
    return fixed(value, value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0)
  }

  func lines(_ screen: Screen) -> [String] {
    var lines: [String] = []
    let seconds = sortedSeconds
    var throughput = "throughput  \(fixed(self.throughput, 0)) op/s"
    if let least = seconds.first, let most = seconds.last {
      throughput +=
        "   (min \(grouped(least))  median \(grouped(seconds[seconds.count / 2]))"
        + "  max \(grouped(most)) per second)"
    }
    if sync == .off { throughput += "   " + screen.toned("UNSAFE: not synced to disk", .bad) }
    lines.append(throughput)
    let election = elections > 0 ? " (\(counted(Int(elections), "election")))" : ""
    lines.append(
      "latency     p50 \(BenchReport.milliseconds(latency(500_000))) ms"
        + "   p90 \(BenchReport.milliseconds(latency(900_000)))"
        + "   p99 \(BenchReport.milliseconds(latency(990_000)))"
        + "   p99.9 \(BenchReport.milliseconds(latency(999_000)))"
        + "   max \(BenchReport.milliseconds(result.latency.maximum))\(election)")
    var outcome =
      "outcome     ok \(grouped(result.done))   refused \(grouped(result.refused))"
      + "   unknown \(grouped(result.unknown))   retried \(grouped(result.retried))"
    if rate > 0 { outcome += "   not begun \(grouped(result.missed))" }
    lines.append(outcome)
    let pause = BenchReport.milliseconds(result.longestPause)
    lines.append("longest     \(pause) ms without an answer")
    if let each = processorEach {
      let sum = memory.map { "\($0.name) \(fixed(Double($0.bytes) / 1_048_576, 1)) MiB" }
      lines.append(
        "nodes       \(fixed(each, 1)) us of processor for each operation   memory "
          + sum.joined(separator: "  "))
    }
    lines.append("setup       " + setup.joined(separator: "   "))
    if let problem = result.firstProblem { lines.append("first no    \(problem)") }
    return lines
  }

  private var setup: [String] {
    var parts = [
      "\(counted(nodes, "node"))\(isLocal ? " local" : "")", "sync \(sync.rawValue)",
      "\(workload)", counted(clients, "client"),
      rate > 0
        ? "\(grouped(rate))/s, latency from the intended start" : "each asks when it is answered",
    ]
    if workload == "put" || workload == "publish" { parts.append("payload \(payload) B") }
    if workload == "transfer" { parts.append("batch \(batch)") }
    return parts + [Version.swift + " " + Version.build, version]
  }

  // MARK: For programs

  var document: JSONValue {
    func number(_ value: UInt64) -> JSONValue { .number(String(value)) }
    func figure(_ value: Double) -> JSONValue {
      .number(fixed(value, 3).filter { $0 != "," })
    }
    let seconds = sortedSeconds
    let shares: [(String, UInt64)] = [
      ("p50", 500_000), ("p90", 900_000), ("p99", 990_000), ("p999", 999_000), ("p9999", 999_900),
    ]
    return .object([
      .init("schema", .string("flotilla/bench/1")), .init("workload", .string(workload)),
      .init("clients", .count(clients)), .init("rate", number(rate)),
      .init("batch", .count(batch)), .init("payload", .count(payload)),
      .init("measuredNs", number(result.measured)), .init("isInterrupted", .bool(isInterrupted)),
      .init("operations", number(operations)), .init("perSecond", figure(throughput)),
      .init("seconds", .array(seconds.map(number))),
      .init("latencyFrom", .string(rate > 0 ? "intendedStart" : "send")),
      .init(
        "latencyNs",
        .object(
          shares.map { .init($0.0, number(latency($0.1))) } + [
            .init("min", number(result.latency.minimum)),
            .init("mean", number(result.latency.mean)),
            .init("max", number(result.latency.maximum)),
          ])),
      .init("ok", number(result.done)), .init("refused", number(result.refused)),
      .init("unknown", number(result.unknown)), .init("retried", number(result.retried)),
      .init("notBegun", number(result.missed)), .init("elections", number(elections)),
      .init("longestPauseNs", number(result.longestPause)),
      .init("processorUsEach", processorEach.map(figure) ?? .null),
      .init(
        "memory",
        .array(
          memory.map {
            .object([.init("node", .string($0.name)), .init("bytes", number($0.bytes))])
          })),
      .init("nodes", .count(nodes)), .init("isLocal", .bool(isLocal)),
      .init("sync", .string(sync.rawValue)), .init("version", .string(version)),
      .init("client", .string(Version.line)),
    ])
  }
}

/// An earlier report and a new one.
struct BenchComparison {
  let old: JSONValue
  let new: JSONValue
  /// Differences below this are noise. Unit: percent.
  let tolerance: Double

  /// - Throws: a failure if the two were not made alike, so that nothing follows from them.
  init(old: JSONValue, new: JSONValue, tolerance: Double) throws(Failure) {
    guard old["schema"]?.string == "flotilla/bench/1" else {
      throw Failure(
        .badData, "this is no report of flotilla bench",
        hint: "flotilla bench --format json > OLD.json   makes one")
    }
    for name in ["workload", "clients", "rate", "batch", "payload", "nodes", "sync"]
    where old[name] != new[name] {
      throw Failure(
        .badData,
        "the two cannot be compared: \(name) was \(BenchComparison.text(old[name])), and is"
          + " \(BenchComparison.text(new[name])) now")
    }
    self.old = old
    self.new = new
    self.tolerance = tolerance
  }

  private static func text(_ value: JSONValue?) -> String { value?.line ?? "not told" }

  private static func number(_ value: JSONValue?) -> Double? {
    guard case .number(let text) = value else { return nil }
    return Double(text)
  }

  /// One figure of both.
  struct Row {
    var name: String
    var old: Double
    var new: Double
    /// By how much it got better, in percent of the old one; below zero: worse.
    var gain: Double
  }

  var rows: [Row] {
    var rows: [Row] = []
    func add(_ name: String, _ a: JSONValue?, _ b: JSONValue?, scale: Double, isMoreBetter: Bool) {
      guard let a = BenchComparison.number(a), let b = BenchComparison.number(b), a > 0 else {
        return
      }
      let change = (b - a) / a * 100
      rows.append(
        Row(name: name, old: a / scale, new: b / scale, gain: isMoreBetter ? change : -change))
    }
    add("op/s", old["perSecond"], new["perSecond"], scale: 1, isMoreBetter: true)
    for share in ["p50", "p99"] {
      add(
        "\(share) ms", old["latencyNs"]?[share], new["latencyNs"]?[share], scale: 1e6,
        isMoreBetter: false)
    }
    add(
      "us of processor", old["processorUsEach"], new["processorUsEach"], scale: 1,
      isMoreBetter: false)
    return rows
  }

  /// Whether something got worse by more than the noise.
  var isWorse: Bool { rows.contains { $0.gain < -tolerance } }

  var verdict: String {
    let better = rows.contains { $0.gain > tolerance }
    switch (isWorse, better) {
    case (true, true): return "mixed: some figures got better, some worse"
    case (true, false): return "worse"
    case (false, true): return "better"
    case (false, false): return "the same, within \(fixed(tolerance, 0)) %"
    }
  }

  func lines(_ screen: Screen) -> [String] {
    var table = Table(["against the earlier one", ">then", ">now", ">better by"])
    for row in rows {
      let digits = row.old < 10 ? 3 : row.old < 1_000 ? 1 : 0
      table.rows.append([
        row.name, fixed(row.old, digits), fixed(row.new, digits), fixed(row.gain, 1) + " %",
      ])
    }
    return table.lines(screen, indent: "")
      + ["verdict     " + screen.toned(verdict, isWorse ? .bad : .good)]
  }

  var document: JSONValue {
    .object([
      .init("verdict", .string(isWorse ? "worse" : "notWorse")), .init("inWords", .string(verdict)),
      .init(
        "figures",
        .array(
          rows.map {
            .object([
              .init("name", .string($0.name)),
              .init("gainPercent", .number(fixed($0.gain, 1).filter { $0 != "," })),
            ])
          })),
    ])
  }
}
#endif

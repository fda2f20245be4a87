// The journal's part of the benchmarks.

extension Bench {
  func journalResults(_ progress: inout Progress) throws -> [BenchResult] {
    let bench = try JournalBench()
    defer { bench.remove() }
    let isStopped = { Interrupt.shared.isRequested }
    var results: [BenchResult] = []
    for size in [1, 16, 256] where batch == nil || batch == size {
      let entries = size * 2_000
      let alone = try bench.encoding(
        batch: size, entries: entries, rounds: rounds, isStopped: isStopped)
      results.append(
        BenchResult("journal.append-alone.batch-\(size)", "entry", alone, work: entries))
      progress.show(fraction: nil) { "measured journal, batches of \(size)" }
      let writes = 200
      let rates = try bench.syncs(
        batch: size, writes: writes, rounds: rounds, isStopped: isStopped)
      results.append(
        BenchResult("journal.with-files.batch-\(size)", "entry", rates.cpu, work: writes * size))
      results.append(
        BenchResult(
          "journal.plain-cpu.batch-\(size)", "entry", rates.plainCPU, work: writes * size,
          note: "a loop that only appends and syncs"))
      results += Bench.syncResults(rates, size)
    }
    let (bytes, recovery) = try bench.recovery(
      bytes: 128 << 20, rounds: min(rounds, 5), isStopped: isStopped)
    results.append(
      BenchResult(
        "journal.recovery", rate: "MB", recovery, work: Double(bytes) / 1e6,
        note: "\(grouped(bytes)) bytes of log"))
    return results
  }

  private static func syncResults(_ rates: JournalBench.SyncRates, _ size: Int) -> [BenchResult] {
    let pairs = [("journal.syncs", rates.journal), ("journal.plain-syncs", rates.plain)]
    let share = median(zip(rates.journal, rates.plain).map { $0 / $1 })
    return pairs.map { name, values in
      var result = BenchResult("\(name).batch-\(size)", rate: "syncs", Rounds(), work: 0)
      result.unit = "syncs per second"
      result.best = values.max() ?? 0
      result.median = median(values)
      result.rounds = values.count
      if name == "journal.syncs" { result.note = "\(fixed(100 * share, 1)) % of a plain loop" }
      return result
    }
  }

  private static func median(_ values: [Double]) -> Double {
    var rounds = Rounds()
    rounds.seconds = values
    return rounds.median
  }
}

// The replica's part of the benchmarks.

extension Bench {
  func replicaResults(_ progress: inout Progress) throws -> [BenchResult] {
    let isStopped = { Interrupt.shared.isRequested }
    var results: [BenchResult] = []
    for size in [1, 16, 256] where batch == nil || batch == size {
      guard !isStopped() else { return results }
      var group = try ReplicaGroup()
      let commands = size == 1 ? 10_000 : 100_000
      var work = 0
      let measured = Rounds.measure(rounds, isStopped: isStopped) {
        work = ReplicaBench.run(commands, batch: size, on: &group)
      }
      results.append(BenchResult("replica.apply.batch-\(size)", "command", measured, work: work))
      progress.show(fraction: nil) { "measured three replicas, batches of \(size)" }
    }
    guard batch == nil, !isStopped() else { return results }
    progress.show(fraction: nil) { "measuring the memory of three replicas" }
    let entries = 1_000_000
    if let memory = try ReplicaBench.memory(entries: entries, isStopped: isStopped) {
      let limit = "\(grouped(UInt64(ReplicaBench.memoryLimit))) bytes of entries kept in memory"
      results.append(
        BenchResult(
          "replica.memory.most.entries-\(entries)", "bytes per replica",
          figures: [Double(memory.most)], note: limit))
      results.append(
        BenchResult(
          "replica.memory.end.entries-\(entries)", "bytes per replica",
          figures: [Double(memory.end)], note: limit))
    }
    return results
  }

  /// A fixed number of commands, for those who count instructions.
  func runReplicas(_ commands: Int, _ screen: Screen) throws {
    var group = try ReplicaGroup()
    let count = ReplicaBench.run(commands, batch: batch ?? 1, on: &group)
    screen.print("\(count) commands, \(group.replied) replies")
  }
}

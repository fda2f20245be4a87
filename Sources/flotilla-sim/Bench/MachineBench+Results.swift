// The measurements of the state machines, one after the other.

import RaftMachines

extension MachineBench {
  /// Rounds of one measurement: a name, and what one round is.
  typealias Measure = (_ name: String, _ body: () throws -> Void) throws -> Rounds

  static func results(_ measure: Measure, isStopped: () -> Bool) throws -> [BenchResult] {
    var results: [BenchResult] = []
    for step in [transfers, transfersWithKeys, sessions, puts, sessionPuts, publications] {
      guard !isStopped() else { break }
      results.append(try step(measure))
    }
    return results
  }

  private static let batchCount = 60
  private static let work = Double(batchCount * transfersPerBatch)

  private static func transfers(_ measure: Measure) throws -> BenchResult {
    let name = "machines.ledger.transfers.batch-\(transfersPerBatch)"
    let given = batches(batchCount, withKeys: false)
    let empty = ledger()
    var bytes = 0
    let rounds = try measure(name) {
      var ledger = empty
      try apply(given, to: &ledger)
      bytes = (ledger.bytesInMemory - empty.bytesInMemory) / ledger.transferCount
    }
    return BenchResult(
      name, rate: "transfers", rounds, work: work, note: "\(bytes) bytes kept for each")
  }

  private static func transfersWithKeys(_ measure: Measure) throws -> BenchResult {
    let name = "machines.ledger.transfers-with-keys.batch-\(transfersPerBatch)"
    let given = batches(batchCount, withKeys: true)
    let empty = ledger()
    var bytes = 0
    let rounds = try measure(name) {
      var ledger = empty
      try apply(given, to: &ledger)
      bytes = (ledger.bytesInMemory - empty.bytesInMemory) / ledger.transferCount
    }
    return BenchResult(
      name, rate: "transfers", rounds, work: work, note: "\(bytes) bytes kept for each")
  }

  private static func sessions(_ measure: Measure) throws -> BenchResult {
    let name = "machines.ledger.transfers-with-keys-and-sessions.batch-\(transfersPerBatch)"
    let given = entries(batches(batchCount, withKeys: true))
    let empty = ledger()
    let rounds = try measure(name) {
      var replica = ReplicatedMachine(empty)
      apply(given, to: &replica)
      guard replica.machine.transferCount == Int(work) else {
        throw Failure(.internalError, "the ledger has \(replica.machine.transferCount) transfers")
      }
    }
    return BenchResult(name, rate: "transfers", rounds, work: work)
  }

  private static func puts(_ measure: Measure) throws -> BenchResult {
    let name = "machines.key-value.puts.keys-10000"
    let count = 1_000_000
    let given = puts(count, keys: 10_000)
    var store = KeyValue()
    let rounds = try measure(name) { try apply(given, to: &store) }
    return BenchResult(name, rate: "puts", rounds, work: Double(count))
  }

  private static func sessionPuts(_ measure: Measure) throws -> BenchResult {
    let name = "machines.key-value.puts-with-sessions.keys-10000"
    let count = 500_000
    let given = entries(puts(count, keys: 10_000))
    let rounds = try measure(name) {
      var replica = ReplicatedMachine(KeyValue())
      apply(given, to: &replica)
    }
    return BenchResult(name, rate: "puts", rounds, work: Double(count))
  }

  private static func publications(_ measure: Measure) throws -> BenchResult {
    let name = "machines.topics.publications.bytes-128"
    let count = 300_000
    let given = publications(count)
    let rounds = try measure(name) {
      var topics = Topics()
      try apply(given, to: &topics)
    }
    return BenchResult(name, rate: "messages", rounds, work: Double(count))
  }
}

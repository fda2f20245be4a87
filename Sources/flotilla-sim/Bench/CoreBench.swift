// What the core is measured at: three replicas that commit and apply, an idle group, a fork.

import Raft

/// Where the commands of a measurement come from.
enum PayloadSource: String, CaseIterable {
  /// The client gives the same arrays of bytes again; each batch is packed anew.
  case given
  /// The client makes a new array for each command.
  case fresh
  /// The client gives the same packed batch again: nothing is copied.
  case packed
}

/// One measurement of replication.
struct ReplicationCase: Hashable {
  var batch: Int
  var payload: Int
  var source: PayloadSource

  var name: String { "core.replicate.batch-\(batch).bytes-\(payload).\(source.rawValue)" }

  /// Enough entries for a round of about a twentieth of a second.
  var entries: Int {
    if payload > 1024, source != .packed { return 20_480 }
    return batch == 1 ? 40_000 : batch < 64 ? 320_000 : 512_000
  }

  static let all: [ReplicationCase] =
    [1, 16, 256].flatMap { batch in
      [PayloadSource.given, .fresh, .packed].map {
        ReplicationCase(batch: batch, payload: 128, source: $0)
      }
    } + [
      ReplicationCase(batch: 256, payload: 8_192, source: .given),
      ReplicationCase(batch: 256, payload: 8_192, source: .packed),
    ]
}

/// A client that proposes batches.
struct BenchClient {
  private let source: PayloadSource
  private let payloads: [[UInt8]]
  private let packed: EntryBlock
  private let size: Int

  init(_ scenario: ReplicationCase) {
    source = scenario.source
    size = scenario.payload
    let payload = [UInt8](repeating: 7, count: scenario.payload)
    payloads = Array(repeating: payload, count: scenario.batch)
    packed = EntryBlock(payloads)
  }

  func nextBatch() -> EntryBlock {
    switch source {
    case .packed: return packed
    case .given: return payloads.count == 1 ? EntryBlock(payloads[0]) : EntryBlock(payloads)
    case .fresh:
      if payloads.count == 1 { return EntryBlock([UInt8](repeating: 7, count: size)) }
      var batch: [[UInt8]] = []
      batch.reserveCapacity(payloads.count)
      for _ in payloads.indices { batch.append([UInt8](repeating: 7, count: size)) }
      return EntryBlock(batch)
    }
  }
}

enum CoreBench {
  /// A cluster of three that has committed something and is warm.
  static func cluster() throws -> MinimalHost {
    var host = try MinimalHost(count: 3)
    host.propose(EntryBlock([1]))
    return host
  }

  /// Proposes so many entries in batches and waits for none of them.
  ///
  /// - Returns: how many entries were proposed: whole batches.
  @inline(never)
  static func replicate(
    _ entries: Int, _ client: BenchClient, batch: Int, on host: inout MinimalHost
  ) -> Int {
    let rounds = (entries + batch - 1) / batch
    for _ in 0..<rounds { host.propose(client.nextBatch()) }
    return rounds * batch
  }

  /// What the client alone costs: it makes the batches and looks at each command once for each
  /// replica, but nobody replicates them.
  @inline(never)
  static func clientAlone(_ entries: Int, _ client: BenchClient, batch: Int) -> UInt64 {
    var checksum: UInt64 = 0
    for _ in 0..<((entries + batch - 1) / batch) {
      let block = client.nextBatch()
      for _ in 0..<3 {
        for position in 0..<block.count { checksum &+= UInt64(block[position].first ?? 0) }
      }
    }
    return checksum
  }

  @inline(never)
  static func tick(_ ticks: Int, on host: inout MinimalHost) {
    for _ in 0..<ticks { host.tick() }
  }

  /// A leader with so many entries in its log.
  static func leader(entries: Int) throws -> RaftNode {
    var host = try MinimalHost(count: 3) { $0.retainedEntries = UInt64(entries) }
    let block = EntryBlock([UInt8](repeating: 7, count: 128))
    while host.replicas[host.leader].node.log.lastIndex.rawValue < UInt64(entries) {
      host.propose(block)
    }
    return host.replicas[host.leader].node
  }

  /// Copies a node and lets the copy and the original take one step each.
  @inline(never)
  static func fork(_ node: inout RaftNode, times: Int, _ buffer: inout ActionBuffer) {
    for _ in 0..<times {
      var copy = node
      copy.step(.tick, into: &buffer)
      buffer.removeAll()
      node.step(.tick, into: &buffer)
      buffer.removeAll()
    }
  }

  /// The same, where the step appends to the log, so that the copy's log parts from the original's.
  @inline(never)
  static func forkAndPropose(_ node: RaftNode, times: Int, _ buffer: inout ActionBuffer) {
    let block = EntryBlock([UInt8](repeating: 7, count: 128))
    for number in 0..<times {
      var copy = node
      copy.step(.propose(Proposal(RequestID(UInt64(number) + 1 << 40), block)), into: &buffer)
      buffer.removeAll()
    }
  }
}

// Three nodes in one process, on loopback with real files, and clients beside them: what the host
// can do without a client protocol in front of it. Every put is synced on a majority of disks.
//
//     swift run -c release --traits Server HostBench [directory] [seconds] [clients ...]
#if Server
import Foundation
import Logging
import NIOCore
import NIOPosix
import Raft
import RaftJournal
import RaftMachines
import RaftReplica
import RaftRuntime

/// Clients that each ask again as soon as they are answered. Used on the leader's loop only.
final class Clients: @unchecked Sendable {
  let host: ReplicaHost<KeyValue>
  let isReading: Bool
  private let value = [UInt8](repeating: 0x61, count: 128)
  private var sent: [UInt64] = []
  private var numbers: [UInt64] = []
  private(set) var latencies: [UInt64] = []
  private(set) var failures = 0
  private var isEnding = false
  private var underWay = 0
  private let finished: EventLoopPromise<Void>

  init(_ host: ReplicaHost<KeyValue>, isReading: Bool) {
    self.host = host
    self.isReading = isReading
    finished = host.eventLoop.makePromise()
  }

  static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

  func run(_ count: Int, for seconds: Double) async throws {
    try await host.eventLoop.submit {
      self.sent = [UInt64](repeating: 0, count: count)
      self.numbers = [UInt64](repeating: 0, count: count)
      self.latencies.reserveCapacity(4_000_000)
      self.underWay = count
      for client in 0..<count { self.ask(client) }
      self.host.eventLoop.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) {
        self.isEnding = true
      }
    }.get()
    try await finished.futureResult.get()
  }

  private func ask(_ client: Int) {
    sent[client] = Clients.now
    numbers[client] += 1
    let key = Array("key-\(client)-\(numbers[client] % 1_000)".utf8)
    let request: ClientRequest<KeyValue> =
      isReading
      ? .query(.get(key: key), .linearizable)
      : .command(KeyValue.encode(.put(key: key, value: value)), in: nil, copies: .majority)
    host.submit(request) { reply in
      switch reply.kind {
      case .ok: self.latencies.append(Clients.now - self.sent[client])
      case .duplicate, .refused, .badRequest, .notLeader, .tooBusy, .unavailable, .unknown,
        .underAcknowledged:
        self.failures += 1
      }
      if self.isEnding {
        self.underWay -= 1
        if self.underWay == 0 { self.finished.succeed() }
      } else {
        self.ask(client)
      }
    }
  }
}

func processor() -> Double {
  var usage = rusage()
  #if canImport(Darwin)
  getrusage(RUSAGE_SELF, &usage)
  #else
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  #endif
  let user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
  return user + Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6
}

func milliseconds(_ latencies: [UInt64], _ percent: Double) -> String {
  guard !latencies.isEmpty else { return "-" }
  let place = min(latencies.count - 1, Int(Double(latencies.count) * percent / 100))
  return String(format: "%.3f", Double(latencies[place]) / 1e6)
}

let arguments = CommandLine.arguments.dropFirst()
let parent = arguments.first ?? FileManager.default.temporaryDirectory.path
let seconds = arguments.dropFirst().first.flatMap { Double($0) } ?? 5
let counts = arguments.dropFirst(2).compactMap { Int($0) }
let directory = parent + "/flotilla-bench-\(UUID().uuidString)"
try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: directory) }

guard let key = ClusterKey([UInt8](repeating: 3, count: 32)) else { fatalError("a key") }
let nodes = (1...3).map { NodeID($0) }
var hosts: [ReplicaHost<KeyValue>] = []
for node in nodes {
  var settings = HostSettings(
    cluster: ClusterID(high: 1, low: 1), node: node, directory: directory + "/\(node)",
    listen: try PeerAddress("127.0.0.1:0"), security: .clusterKey(key))
  settings.beginning = .new(try Membership(voters: nodes))
  var logger = Logger(label: "bench")
  logger.logLevel = .warning
  hosts.append(try await ReplicaHost<KeyValue>.start(settings, logger: logger))
}
let peers = zip(nodes, hosts).map { node, host in
  Peer(node, at: PeerAddress(host: "127.0.0.1", port: UInt16(host.address?.port ?? 0)))
}
for host in hosts { await host.setPeers(peers) }
var leader: ReplicaHost<KeyValue>?
while leader == nil {
  for host in hosts where await host.status().role == .leader { leader = host }
  try await Task.sleep(for: .milliseconds(20))
}
guard let leader else { fatalError("a leader") }

for isReading in [false, true] {
  for count in counts.isEmpty ? [256, 64, 1] : counts {
    let clients = Clients(leader, isReading: isReading)
    let (begin, used) = (Clients.now, processor())
    let before = await leader.status().syncs
    try await clients.run(count, for: seconds)
    let elapsed = Double(Clients.now - begin) / 1e9
    let share = processor() - used
    let sorted = clients.latencies.sorted()
    let status = await leader.status()
    let number = Double(max(sorted.count, 1))
    print(
      "\(isReading ? "reads" : "puts ") \(count) clients:",
      String(format: "%.0f/s", number / elapsed),
      "p50 \(milliseconds(sorted, 50)) ms, p99 \(milliseconds(sorted, 99)) ms,",
      String(format: "%.1f us of processor each,", share * 1e6 / number),
      "sync p50 \(Double(status.syncMedianNanoseconds ?? 0) / 1e6) ms,",
      String(format: "%.1f puts a sync,", number / Double(max(status.syncs - before, 1))),
      "\(clients.failures) failures")
  }
}
for host in hosts { await host.stop() }
#endif

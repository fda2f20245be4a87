#if Server
import Foundation
import Logging
import NIOCore
import Raft
import RaftJournal
import RaftMachines
import RaftReplica
import RaftRuntime
import Testing
import Tracing

/// A machine that adds up, and is as large as a test wants it.
struct Tally: StateMachine {
  var total: Int64 = 0
  var count: Int64 = 0
  var ballast: [UInt8] = []

  enum Query: Sendable { case total }

  mutating func apply(_ step: Int64, at moment: Moment) -> Int64 {
    count += 1
    if step < 0 {
      ballast = [UInt8](repeating: 7, count: Int(truncatingIfNeeded: -step))
    } else {
      total += step
    }
    return total
  }

  func query(_ query: Query) -> Int64 { total }

  init() {}
  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    total = try reader.read()
    count = try reader.read()
    ballast = Array(try reader.readString())
  }

  func write(into writer: inout ByteWriter) {
    writer.write(total)
    writer.write(count)
    writer.write(string: ballast)
  }
}

/// Hosts in this process, on loopback, with files in a directory that goes with the cluster.
final class Cluster {
  typealias Host = ReplicaHost<Tally>

  let id = ClusterID(high: 1, low: 2)
  let directory: URL
  let nodes: [NodeID]
  var security: [NodeID: PeerSecurity] = [:]
  var change: (inout HostSettings) -> Void = { _ in }
  /// What the program has for a tracer when a node starts.
  var tracer: any Tracer = NoOpTracer()
  private(set) var hosts: [NodeID: Host] = [:]

  static let key = PeerSecurity.clusterKey(ClusterKey([UInt8](repeating: 9, count: 32))!)

  init(_ count: UInt64 = 3) throws {
    nodes = (1...count).map { NodeID($0) }
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("flotilla-runtime-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  func settings(_ node: NodeID) throws -> HostSettings {
    var settings = HostSettings(
      cluster: id, node: node, directory: directory.appendingPathComponent("\(node)").path,
      listen: try PeerAddress("127.0.0.1:0"), security: security[node] ?? Cluster.key)
    settings.journal.segmentBytes = 1 << 20
    settings.journal.reserveBytes = 0
    settings.graceNanoseconds = 10_000_000_000
    change(&settings)
    return settings
  }

  @discardableResult
  func start(_ node: NodeID, _ beginning: Beginning = .existing) async throws -> Host {
    var settings = try settings(node)
    settings.beginning = beginning
    var logger = Logger(label: "test")
    logger.logLevel = ProcessInfo.processInfo.environment["FLOTILLA_LOG"] == nil ? .critical : .info
    let host = try await withTracer(tracer) { [settings, logger] in
      try await Host.start(settings, logger: logger)
    }
    hosts[node] = host
    await introduce()
    return host
  }

  /// Starts all as the first nodes of a cluster.
  func startAll() async throws {
    let membership = try Membership(voters: nodes)
    for node in nodes { try await start(node, .new(membership)) }
  }

  /// Tells everybody where everybody is.
  func introduce() async {
    var peers: [Peer] = []
    for (node, host) in hosts {
      guard let port = host.address?.port else { continue }
      peers.append(Peer(node, at: PeerAddress(host: "127.0.0.1", port: UInt16(port))))
    }
    for (_, host) in hosts { await host.setPeers(peers) }
  }

  func kill(_ node: NodeID) async { await hosts.removeValue(forKey: node)?.abandon() }
  func stop(_ node: NodeID) async { await hosts.removeValue(forKey: node)?.stop() }
  func stopAll() async { for node in nodes { await kill(node) } }

  /// The node that leads and is known to lead by most.
  func leader() async throws -> Host {
    var found: Host?
    try await eventually("there is a leader") {
      found = nil
      for (_, host) in hosts {
        let status = await host.status()
        if status.role == .leader, status.leader == status.identity.node { found = host }
      }
      return found != nil
    }
    return try #require(found)
  }

  /// Adds a step wherever it is taken.
  @discardableResult
  func add(_ step: Int64) async throws -> Int64 {
    var result: Int64?
    try await eventually("a command is taken") {
      for (_, host) in hosts {
        do throws(RequestError) {
          result = try await host.propose(step, timeout: .seconds(20))
          return true
        } catch {
          guard case .unknown(let reason) = error else { continue }
          throw RigError("nobody knows what became of a command: \(reason)")
        }
      }
      return false
    }
    return try #require(result)
  }

  /// Waits until each of these has applied as many commands.
  func waitUntilAll(have count: Int64) async throws {
    for (node, host) in hosts {
      try await eventually("\(node) has \(count) commands") {
        let machine = await host.machine()
        return machine.count == count
      }
    }
  }
}

extension ReplicaHost where Machine == Tally {
  func machine() async -> Tally {
    await withCheckedContinuation { continuation in
      eventLoop.execute { continuation.resume(returning: self.withMachine { $0.machine }) }
    }
  }
}

struct RigError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// Looks again and again until something holds; generously long, since machines are slow at times.
func eventually(
  _ what: String, within seconds: Int = 60, _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let end = clock.now.advanced(by: .seconds(seconds))
  while clock.now < end {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(5))
  }
  throw RigError("waited \(seconds) s in vain until \(what)")
}
#endif

#if GRPC
import GRPCCore
import GRPCNIOTransportHTTP2
import Logging
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import RaftRuntime
import Tracing

@testable import RaftGRPC
@testable import RaftServer

/// A replica without a log: commands are applied as they come. What it cannot do, tests set.
actor FakeReplica: ReplicaService {
  private var machine = ServerMachine()
  private var index = LogIndex(10)
  /// What is replied to every request, instead of doing it.
  private var forced: Reply<ServerMachine>?
  private var view: ReplicaReport
  /// How long the last request was given.
  private(set) var timeout: Duration?
  /// The span within which the last request was made.
  private(set) var within: TraceContext?
  private var entries: CommittedEntries?

  init() {
    view = ReplicaReport(
      node: NodeID(1), role: "leader", term: 3, leader: NodeID(1), firstIndex: 1, lastIndex: 10,
      commitIndex: 10, appliedIndex: 10, durableIndex: 10,
      membership: (try? Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])) ?? .none)
  }

  func force(_ reply: Reply<ServerMachine>?) { forced = reply }

  func change(_ body: @Sendable (inout ReplicaReport) -> Void) { body(&view) }

  func show(_ entries: CommittedEntries) { self.entries = entries }

  func perform(
    _ request: RaftReplica.ClientRequest<ServerMachine>, within timeout: Duration
  ) async -> Reply<ServerMachine> {
    self.timeout = timeout
    within = ServiceContext.current?.trace
    if let forced { return forced }
    switch request {
    case .command(let bytes, _, _):
      index = index.next
      var result = ByteWriter(reserving: 32)
      let time = LogTime(nanoseconds: 1_800_000_000_000_000_000 + index.rawValue)
      do throws(MachineDecodingError) {
        try machine.apply(
          encoded: bytes[...], at: Moment(index: index, time: time), into: &result)
      } catch {
        return .badRequest(error)
      }
      return .applied(Applied(index: index, result: result.bytes))
    case .query(let query, _):
      return .answer(machine.query(query), Freshness(index: index, ticks: .zero, nanoseconds: 0))
    case .openSession: return .sessionOpened(SessionID(index.rawValue))
    case .keepSession, .closeSession, .passTime: return .noted(at: index)
    }
  }

  func administer(
    _ request: AdminRequest, within timeout: Duration
  ) async -> Reply<ServerMachine> {
    self.timeout = timeout
    return forced ?? .snapshotTaken(through: index)
  }

  func report() async -> ReplicaReport { view }

  func causality(_ first: LogIndex, _ second: LogIndex) async -> EntryCausality {
    EntryCausality(first: nil, second: nil, relation: nil)
  }

  func committed(after index: UInt64) async -> CommittedEntries? {
    guard var found = entries else { return nil }
    found.entries.removeAll { $0.index.rawValue <= index }
    return found
  }
}

typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

/// A node whose replica is a `FakeReplica`, listening on a port of its own.
struct Counter: Sendable {
  let replica = FakeReplica()
  let api: API<FakeReplica>

  init(_ access: AccessControl = AccessControl(), tracing: RequestTracing? = nil) {
    let facts = NodeFacts(
      cluster: "test", node: NodeID(1),
      addresses: [
        NodeID(1): NodeAddresses(peer: "h1:1", http: "h1:2", grpc: "h1:4"),
        NodeID(2): NodeAddresses(peer: "h2:1", http: "h2:2", grpc: "h2:4"),
        NodeID(3): NodeAddresses(peer: "h3:1", http: "h3:2"),
      ], tickMilliseconds: 5, electionTimeoutMilliseconds: 300, version: "0", isInsecure: true)
    api = API(service: replica, facts: facts, access: access, tracing: tracing)
  }

  /// Serves, and calls a function with a client of it.
  func serve(
    limits: HTTPLimits = HTTPLimits(), _ body: @escaping @Sendable (Client) async throws -> Void
  ) async throws {
    let (ports, found) = AsyncStream<Int>.makeStream()
    let surroundings = DoorSurroundings(
      certificates: nil, limits: limits,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, group: .singleton
    ) { port in
      found.yield(port)
      found.finish()
    }
    let door = GRPCDoor(address: PeerAddress(host: "127.0.0.1", port: 0))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await door.serve(api, surroundings) }
      group.addTask {
        for await port in ports {
          let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
          try await withGRPCClient(transport: transport) { try await body($0) }
        }
      }
      // A server goes on until it is told; it ends first only if it cannot serve.
      try await group.next()
      group.cancelAll()
      while let result = await group.nextResult() { _ = result }
    }
  }
}

/// What a call ends with that must not succeed.
func failure(
  _ call: () async throws -> Void
) async -> (code: RPCError.Code, outcome: Flotilla_V1_Outcome?, error: RPCError)? {
  do {
    try await call()
    return nil
  } catch let error as RPCError {
    return (error.code, outcome(of: error), error)
  } catch {
    return nil
  }
}
#endif

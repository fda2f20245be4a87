#if Server
import Raft
import RaftClocks
import RaftInterface
import RaftMachines
import RaftReplica
import RaftRuntime

@testable import RaftServer

/// Ours, not that of the core.
typealias Outcome = RaftInterface.Outcome

/// A replica without a log: commands are applied as they come. What it cannot do, tests set.
actor MachineService: ReplicaService {
  var machine = ServerMachine()
  var index = LogIndex(10)
  /// What is replied to every request, instead of doing it.
  var forced: Reply<ServerMachine>?
  /// What every command returns, instead of being done.
  var result: ServerMachine.Result?
  var view: ReplicaReport
  private(set) var commands = 0
  /// What was asked last, and how long it might take.
  private(set) var asked: ClientRequest<ServerMachine>?
  private(set) var timeout: Duration?
  nonisolated let chaos: ChaosSwitch?

  init(chaos: ChaosSwitch? = nil) {
    self.chaos = chaos
    view = ReplicaReport(
      node: NodeID(1), role: "leader", term: 3, leader: NodeID(1), firstIndex: 1, lastIndex: 10,
      commitIndex: 10, appliedIndex: 10, durableIndex: 10,
      membership: (try? Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])) ?? .none)
  }

  func force(_ reply: Reply<ServerMachine>?) { forced = reply }

  func returnAlways(_ result: ServerMachine.Result?) { self.result = result }

  func change(_ body: @Sendable (inout ReplicaReport) -> Void) { body(&view) }

  func perform(
    _ request: ClientRequest<ServerMachine>, within timeout: Duration
  ) async -> Reply<ServerMachine> {
    asked = request
    self.timeout = timeout
    if let forced { return forced }
    switch request {
    case .command(let bytes, _, _):
      commands += 1
      index = LogIndex(index.rawValue + 1)
      if let fixed = self.result {
        return .applied(Applied(index: index, result: fixed.encoded()))
      }
      var result = ByteWriter(reserving: 32)
      let time = LogTime(nanoseconds: 1_800_000_000_000_000_000 + index.rawValue)
      do throws(MachineDecodingError) {
        try machine.apply(
          encoded: bytes[...], at: Moment(index: index, time: time), into: &result)
      } catch {
        return .badRequest(error)
      }
      view.appliedIndex = index.rawValue
      return .applied(Applied(index: index, result: result.bytes))
    case .query(let query, _):
      return .answer(machine.query(query), Freshness(index: index, ticks: .zero, nanoseconds: 0))
    case .openSession:
      index = LogIndex(index.rawValue + 1)
      return .sessionOpened(SessionID(index.rawValue))
    case .keepSession, .closeSession, .passTime: return .noted(at: index)
    }
  }

  func administer(
    _ request: AdminRequest, within timeout: Duration
  ) async -> Reply<ServerMachine> {
    if let forced { return forced }
    switch request {
    case .changeMembership, .limitSessions: return .membershipChanged(at: index)
    case .transferLeadership(let node):
      return .transferred(to: node ?? NodeID(2), term: Term(4))
    case .takeSnapshot: return .snapshotTaken(through: index)
    }
  }

  func report() async -> ReplicaReport { view }

  func ledgerFigures() async -> LedgerFigures? { LedgerFigures(machine.first.second) }

  func ledger(_ wish: LedgerWish) async -> LedgerOffer? {
    LedgerOffer(
      wish, machine.first.second, StampHistory(),
      LedgerExtract.Origin(
        clusterHigh: 1, clusterLow: 2, index: index, term: Term(3),
        time: LogTime(nanoseconds: index.rawValue))
    ) { _ in Term(3) }
  }

  /// Stamps as two nodes would make them that hear of each other now and then.
  func causality(_ first: LogIndex, _ second: LogIndex) async -> EntryCausality {
    let stamps = [first, second].map { index -> ClockStamp? in
      guard
        let own = try? VectorClock([.init(process: index.rawValue % 2 + 1, count: index.rawValue)])
      else { return nil }
      return index > self.index
        ? nil
        : ClockStamp(
          lamport: LamportTime(index.rawValue),
          hybrid: HybridTime(nanoseconds: index.rawValue, logical: 0), vector: own)
    }
    var relation: Causality?
    if let a = stamps[0], let b = stamps[1] { relation = a.compared(to: b) }
    return EntryCausality(first: stamps[0], second: stamps[1], relation: relation)
  }
}

/// The interface of a node whose replica is a `MachineService`.
struct Bench {
  let service: MachineService
  let api: API<MachineService>

  init(_ access: AccessControl = AccessControl(), chaos: ChaosSwitch? = nil) {
    service = MachineService(chaos: chaos)
    let facts = NodeFacts(
      cluster: "test", node: NodeID(1),
      addresses: [
        NodeID(1): NodeAddresses(peer: "h1:1", http: "h1:2", text: "h1:3"),
        NodeID(2): NodeAddresses(peer: "h2:1", http: "h2:2", text: "h2:3"),
      ], tickMilliseconds: 5, electionTimeoutMilliseconds: 300, version: "0", isInsecure: true)
    api = API(service: service, facts: facts, access: access)
  }

  /// - Parameter shortly: whether it goes the short way, which is there for one key at a time.
  func ask(
    _ method: String, _ target: String, _ body: String = "",
    headers: [(name: String, value: String)] = [], client: String = "127.0.0.1",
    shortly: Bool = false
  ) async -> APIResponse {
    do throws(Ruling) {
      let request = try APIRequest(
        method: method, target: target, headers: headers, body: Array(body.utf8), client: client)
      guard shortly else { return await api.respond(request) }
      return await withCheckedContinuation { continuation in
        api.answerShortly(request) { continuation.resume(returning: $0) }
      }
    } catch {
      return HTTPFront<API<MachineService>>.refusal(error)
    }
  }
}

extension APIResponse {
  var bytes: [UInt8] {
    guard case .bytes(let bytes) = body else { return [] }
    return bytes
  }
  var text: String { String(decoding: bytes, as: UTF8.self) }
  var document: JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }
  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
#endif

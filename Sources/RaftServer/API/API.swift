#if Server
// The client interface as a function from a request to a response. HTTP is what carries both.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

/// What an interface knows of its node beside the replica.
package struct NodeFacts: Sendable {
  /// The name of the cluster.
  package var cluster: String
  /// This node.
  package var node: NodeID
  /// Where the nodes listen.
  package var addresses: [NodeID: NodeAddresses]
  /// How long a tick is.
  package var tickMilliseconds: UInt64
  /// The shortest election timeout: how long a leader may be silent.
  package var electionTimeoutMilliseconds: UInt64
  /// How far behind a node may be and still be ready.
  package var maximumLag: UInt64 = 10_000
  /// Which code this is.
  package var version: String
  /// Whether links and clients are without any protection.
  package var isInsecure: Bool
  /// Whether clients speak TLS.
  package var isTLS = false
  /// Whether the data lies in memory, where a power cut takes what was acknowledged.
  package var isVolatile = false

  package init(
    cluster: String, node: NodeID, addresses: [NodeID: NodeAddresses], tickMilliseconds: UInt64,
    electionTimeoutMilliseconds: UInt64, version: String, isInsecure: Bool
  ) {
    self.cluster = cluster
    self.node = node
    self.addresses = addresses
    self.tickMilliseconds = tickMilliseconds
    self.electionTimeoutMilliseconds = electionTimeoutMilliseconds
    self.version = version
    self.isInsecure = isInsecure
  }
}

/// The client interface of one node.
package struct API<Service: ReplicaService>: Sendable {
  package let service: Service
  package let facts: NodeFacts
  package let access: AccessControl
  package let drain: DrainSwitch
  package let counters: Counters
  /// What the runtime of the node counts.
  let registry: MetricsRegistry
  /// Who makes the spans of requests; `nil` where nobody does.
  package let tracing: RequestTracing?
  /// How long a stream waits before it looks for something new.
  package var pollingInterval: Duration = .milliseconds(20)

  package init(
    service: Service, facts: NodeFacts, access: AccessControl, drain: DrainSwitch = DrainSwitch(),
    counters: Counters = Counters(), registry: MetricsRegistry = MetricsRegistry(),
    tracing: RequestTracing? = nil
  ) {
    self.service = service
    self.facts = facts
    self.access = access
    self.drain = drain
    self.counters = counters
    self.registry = registry
    self.tracing = tracing
  }

  /// Answers a request. Whatever is asked, there is an answer.
  package func respond(_ request: APIRequest) async -> APIResponse {
    guard let tracing else { return await received(request) }
    return await tracing.follow(request) { await received(request) }
  }

  private func received(_ request: APIRequest) async -> APIResponse {
    if let origin = request.header("origin") { return await respond(request, from: origin) }
    return await answer(request)
  }

  /// Answers a request, whoever makes it.
  func answer(_ request: APIRequest) async -> APIResponse {
    do throws(Ruling) {
      return try await route(request)
    } catch {
      return refused(error, request)
    }
  }

  /// The response to a request that was not done, which is counted.
  func refused(_ ruling: Ruling, _ request: APIRequest) -> APIResponse {
    counters.count(ruling.outcome)
    return response(ruling, request)
  }

  /// What is said instead of "nothing here" where there is something for another method.
  private func methodRuling(_ request: APIRequest) -> Ruling? {
    let allowed = OpenAPI.methods(at: request.path)
    guard !allowed.isEmpty, !allowed.contains(request.method) else { return nil }
    return API.wrongMethod(request, allowed.joined(separator: ", "))
  }

  private func route(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    do throws(Ruling) {
      switch request.method {
      case "GET", "PUT", "POST", "DELETE": break
      default: throw API.nothingHere(request)
      }
      return try await find(request)
    } catch {
      // Whatever else is wrong with it, the method comes first.
      guard error.reason == "path" || error.outcome == .badRequest,
        let ruling = methodRuling(request)
      else { throw error }
      throw ruling
    }
  }

  private func find(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    switch request.path.first {
    case "livez", "readyz", "startupz", "metrics", "openapi.json", "pay", "", nil:
      return try await unversioned(request)
    case "v1": break
    default: throw API.nothingHere(request)
    }
    guard request.path.count >= 2 else { throw API.nothingHere(request) }
    switch request.path[1] {
    case "kv", "watch", "sessions": return try await keyValue(request)
    case "ledger": return try await ledger(request)
    case "topics": return try await topics(request)
    case "causality": return try await causality(request)
    case "clock", "ping": return try await clock(request)
    case "status", "members", "leader", "snapshot": return try await cluster(request)
    case "chaos": return try await chaos(request)
    default: throw API.nothingHere(request)
    }
  }

  /// What is outside of the versioned interface: it is read, and at one place each.
  private func unversioned(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    guard request.method == "GET", request.path.count <= 1 else {
      throw API.nothingHere(request)
    }
    switch request.path.first {
    case "livez", "readyz", "startupz": return await health(request)
    case "metrics": return await metrics(request)
    case "openapi.json":
      return APIResponse(
        status: 200, headers: [("content-type", "application/json")],
        bytes: Array(OpenAPI.document.utf8))
    case "pay": return page
    default:
      return request.header("accept")?.contains("text/html") ?? false ? page : .text(API.welcome)
    }
  }

  static func nothingHere(_ request: APIRequest) -> Ruling {
    Ruling(
      .notFound, reason: "path",
      "there is nothing at \(request.method) \(shortened(request.target)); /openapi.json lists"
        + " what there is")
  }

  static func wrongMethod(_ request: APIRequest, _ allowed: String) -> Ruling {
    Ruling(
      .badRequest, reason: Ruling.wrongMethod,
      "\(shortened(request.method)) is not possible here: \(allowed)")
  }

  private static var welcome: String {
    """
    A node of a Flotilla cluster. In a browser this is the page to pay on, as is /pay.
      GET  /v1/status           what this node knows
      GET  /v1/kv/KEY           a value;  PUT and DELETE change it
      GET  /v1/ledger/audit     the sums of all accounts
      GET  /v1/topics           the topics
      GET  /livez /readyz /startupz /metrics /openapi.json

    """
  }

  // MARK: Rulings as responses

  /// An error, or a success that needs no more than its outcome.
  func response(_ ruling: Ruling, _ request: APIRequest) -> APIResponse {
    var headers: [(name: String, value: String)] = [
      ("content-type", "application/problem+json"),
      ("flotilla-outcome", ruling.outcome.rawValue),
    ]
    switch ruling.outcome {
    case .notLeader:
      if let address = ruling.leader?.address {
        let scheme = facts.isTLS ? "https" : "http"
        headers.append(("location", "\(scheme)://\(address)\(request.target)"))
      } else {
        return response(API.withoutDeadEnd(ruling), request)
      }
    case .tooBusy:
      let milliseconds = ruling.retryAfterMilliseconds ?? 100
      headers.append(("retry-after", String(max(1, (milliseconds + 999) / 1_000))))
    case .unauthorized: headers.append(("www-authenticate", "Bearer"))
    case .badRequest where ruling.reason == Ruling.wrongMethod:
      headers.append(
        ("allow", OpenAPI.methods(at: request.path).joined(separator: ", ")))
    case .ok, .duplicate, .keyReused, .refused, .notFound, .badRequest, .forbidden, .unavailable,
      .unknown, .underAcknowledged, .internal, .corrupt:
      break
    }
    return APIResponse(
      status: ruling.httpStatus, headers: headers,
      bytes: Array((ruling.problem.line + "\n").utf8))
  }

  /// The result of something that was done.
  func done(
    _ schema: String, _ ruling: Ruling, status: Int? = nil, _ members: [JSONValue.Member] = []
  ) -> APIResponse {
    counters.count(ruling.outcome)
    var headers: [(name: String, value: String)] = [
      ("flotilla-outcome", ruling.outcome.rawValue)
    ]
    if let index = ruling.index { headers.append(("flotilla-index", String(index))) }
    if ruling.outcome == .duplicate { headers.append(("idempotent-replayed", "true")) }
    let usual = ruling.httpStatus
    return .json(
      .object([.init("schema", .string("flotilla/\(schema)/1"))] + ruling.members + members),
      status: usual == 200 ? status ?? 200 : usual, headers: headers)
  }

  /// What is told instead of the name of a leader that nobody could find by it.
  package static func withoutDeadEnd(_ ruling: Ruling) -> Ruling {
    guard ruling.outcome == .notLeader, ruling.leader?.address == nil else { return ruling }
    var known = ruling
    known.outcome = .unavailable
    known.detail += "; its address is not known here"
    return known
  }

  func ruling(_ reply: Reply<ServerMachine>) -> Ruling {
    Ruling(reply, tickMilliseconds: facts.tickMilliseconds) { httpAddress(of: $0) }
  }

  /// Where clients reach a node: as the settings say, or else as it says itself.
  func httpAddress(of node: NodeID) -> String? {
    facts.addresses[node]?.http ?? service.httpAddress(of: node)
  }

  // MARK: Commands and questions

  /// Has a command applied.
  ///
  /// - Throws: what the client is told instead.
  func apply(
    _ command: ServerMachine.Command, _ terms: WriteTerms, key: TransferKey? = nil
  ) async throws(Ruling) -> (result: ServerMachine.Result, ruling: Ruling) {
    let start = ContinuousClock.now
    let reply = await service.perform(API.wish(command, terms), within: terms.timeout)
    return try applied(reply, key: key, since: start)
  }

  /// A command as the replica is asked for it.
  static func wish(
    _ command: ServerMachine.Command, _ terms: WriteTerms
  ) -> ClientRequest<ServerMachine> {
    .command(command.encoded(), in: terms.session, copies: terms.copies)
  }

  /// What a reply to a command says, which is noted.
  func applied(
    _ reply: Reply<ServerMachine>, key: TransferKey? = nil, since start: ContinuousClock.Instant
  ) throws(Ruling) -> (result: ServerMachine.Result, ruling: Ruling) {
    var ruling = ruling(reply)
    counters.note(.command, ruling.outcome, since: start)
    if let key, key != .none { ruling.key = key.ulid }
    guard case .applied(let applied) = reply else { throw ruling }
    guard let result = try? ServerMachine.Result(encoded: applied.result[...]) else {
      throw Ruling(.internal, "the result of entry \(applied.index.description) cannot be read")
    }
    return (result, ruling)
  }

  /// Asks the machine.
  func ask(
    _ query: ServerMachine.Query, _ terms: ReadTerms
  ) async throws(Ruling) -> (answer: ServerMachine.Answer, freshness: Freshness) {
    let start = ContinuousClock.now
    let reply = await service.perform(.query(query, terms.kind), within: terms.timeout)
    return try answered(reply, terms, since: start)
  }

  /// What a reply to a question says, which is noted.
  func answered(
    _ reply: Reply<ServerMachine>, _ terms: ReadTerms, since start: ContinuousClock.Instant
  ) throws(Ruling) -> (answer: ServerMachine.Answer, freshness: Freshness) {
    guard case .answer(let answer, let freshness) = reply else {
      let ruling = ruling(reply)
      counters.note(.read(terms.kind), ruling.outcome, since: start)
      throw ruling
    }
    counters.note(.read(terms.kind), .ok, since: start)
    return (answer, freshness)
  }

  /// How fresh an answer is, in headers.
  func headers(_ freshness: Freshness, _ request: APIRequest) -> [(name: String, value: String)] {
    var headers: [(name: String, value: String)] = [
      ("flotilla-index", freshness.index.description),
      ("flotilla-read", request.parameter("read") ?? ReadKind.linearizable.description),
      ("flotilla-node", facts.node.description),
    ]
    if let ticks = freshness.ticks, request.parameter("read") == "stale" {
      headers.append(("flotilla-age-ms", String(ticks.rawValue &* facts.tickMilliseconds)))
    }
    return headers
  }

  /// What is wrong with the result of a machine that was asked something else.
  static var confusion: Ruling { Ruling(.internal, "the machine answered another question") }
}

/// Says that a node is going away, to everything that should end by then.
package final class DrainSwitch: Sendable {
  private let state = LockedBox(false)

  package init() {}

  /// Whether no new clients are wanted.
  package var isDraining: Bool { state.read { $0 } }

  /// From now on.
  package func drain() { state.change { $0 = true } }
}
#endif

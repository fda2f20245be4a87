#if Server
// A node with its interfaces: what the command `node start` runs.

import Dispatch
import Logging
import NIOCore
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import RaftRuntime
import ServiceLifecycle
import Tracing
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension ReplicaHost: ReplicaService where Machine == ServerMachine {
  package func perform(
    _ request: ClientRequest<ServerMachine>, within timeout: Duration
  ) async -> Reply<ServerMachine> {
    await ask(request, timeout: .nanoseconds(Int64(timeout / .nanoseconds(1))))
  }

  package func submit(
    _ request: ClientRequest<ServerMachine>, within timeout: Duration, in context: ServiceContext?,
    reply: @escaping @Sendable (Reply<ServerMachine>) -> Void
  ) {
    submit(
      request, timeout: .nanoseconds(Int64(timeout / .nanoseconds(1))), in: context, reply: reply)
  }

  package func administer(
    _ request: AdminRequest, within timeout: Duration
  ) async -> Reply<ServerMachine> {
    await ask(request, timeout: .nanoseconds(Int64(timeout / .nanoseconds(1))))
  }

  package func ledgerFigures() async -> LedgerFigures? {
    await withUnsafeContinuation { continuation in
      eventLoop.execute {
        continuation.resume(
          returning: self.withMachine { LedgerFigures($0.machine.first.second) })
      }
    }
  }

  package func report() async -> ReplicaReport { ReplicaReport(await status()) }

  package func httpAddress(of node: NodeID) -> String? { clientAddress(of: node)?.description }

  package func committed(after index: UInt64) async -> CommittedEntries? {
    await withUnsafeContinuation { continuation in
      eventLoop.execute {
        continuation.resume(
          returning: self.withNode { CommittedEntries(of: $0, after: index) })
      }
    }
  }

  package func ledger(_ wish: LedgerWish) async -> LedgerOffer? {
    await withUnsafeContinuation { continuation in
      eventLoop.execute {
        let cluster = self.settings.cluster
        continuation.resume(
          returning: self.withMachine { machine in
            LedgerOffer(wish, of: machine, cluster: cluster) { index in
              self.withNode { $0.log.term(at: index) }
            }
          })
      }
    }
  }

  package func causality(_ first: LogIndex, _ second: LogIndex) async -> EntryCausality {
    await withUnsafeContinuation { continuation in
      eventLoop.execute {
        continuation.resume(
          returning: self.withMachine { machine in
            EntryCausality(
              first: machine.stamps.stamp(at: first), second: machine.stamps.stamp(at: second),
              relation: machine.causality(of: first, and: second))
          })
      }
    }
  }
}

extension ReplicaReport {
  /// What a host says of itself.
  init(_ status: HostStatus) {
    let node = status.identity.node
    self.init(
      node: node, role: status.role.description, term: status.term.rawValue,
      leader: status.leader, firstIndex: status.firstIndex.rawValue,
      lastIndex: status.lastIndex.rawValue, commitIndex: status.commitIndex.rawValue,
      appliedIndex: status.appliedIndex.rawValue, durableIndex: status.durableIndex.rawValue,
      membership: status.membership)
    if membership.isWitness(node) {
      role = "witness"
    } else if membership.isLearner(node) {
      role = "learner"
    }
    failure = status.failure?.description
    isStopping = status.isStopping
    isReady = status.isReady
    isOut = status.isOut
    isSpaceLow = status.isSpaceLow
    requestsUnderWay = status.requestsUnderWay
    tickAgeMilliseconds = status.lastTickNanoseconds / 1_000_000
    leaderContactMilliseconds = status.staleness.ticks.map {
      $0.rawValue &* status.tickNanoseconds / 1_000_000
    }
    diskP50Microseconds = status.syncMedianNanoseconds.map { $0 / 1_000 }
    diskP99Microseconds = status.sync99Nanoseconds.map { $0 / 1_000 }
    peers = status.peers.map { peer in
      var report = PeerReport(node: peer.node, isReachable: peer.isReachable)
      report.matchIndex = peer.matchIndex?.rawValue
      report.lastHeardMilliseconds = peer.lastHeardNanoseconds.map { $0 / 1_000_000 }
      report.roundTripMicroseconds = peer.roundTripNanoseconds.map { $0 / 1_000 }
      report.clockOffsetMicroseconds = peer.clockOffset.map { $0.nanoseconds / 1_000 }
      return report
    }
  }
}

/// What a node with interfaces is told before it starts.
package struct ServerSettings: Sendable {
  package var host: HostSettings
  package var facts: NodeFacts
  package var http: PeerAddress
  package var text: PeerAddress?
  /// The interface for gRPC; `nil` without one.
  package var grpc: (any ServerDoor)?
  package var tokens: [TokenRecord] = []
  package var rateLimit = RateLimit()
  package var limits = HTTPLimits()
  /// What clients are shown; `nil` if they speak without TLS.
  package var certificates: ServerCertificateFiles?
  package var isPublicAllowed = false
  /// Whether clients may have faults happen here.
  package var isChaosAllowed = false
  /// Whose requests are followed, and where that is told. `nil` if it is left to whichever tracer
  /// the program has.
  package var tracing: TraceSettings?
  /// How long clients are given to notice that the node leaves. Unit: milliseconds.
  package var drainMilliseconds: Int64 = 0

  package init(host: HostSettings, facts: NodeFacts, http: PeerAddress, text: PeerAddress?) {
    self.host = host
    self.facts = facts
    self.http = http
    self.text = text
  }
}

/// Where the interfaces of a node listen, once they do.
package struct BoundPorts: Sendable {
  package var http: Int
  package var text: Int?
  package var grpc: Int?
}

/// A node with its interfaces.
package struct ServerNode: Sendable {
  private let settings: ServerSettings
  private let logger: Logger
  private let host: ReplicaHost<ServerMachine>
  private let api: API<ReplicaHost<ServerMachine>>
  private let certificates: ServerCertificates?
  private let waker: ChaosWaker?
  private let tracing: NodeTracing?

  /// Opens the journal and starts the replica; its interfaces wait for `run`.
  package init(_ settings: ServerSettings, logger: Logger) async throws {
    self.settings = settings
    self.logger = logger
    var settings = settings
    if settings.isChaosAllowed {
      settings.host.chaos = ChaosSwitch(seed: UInt64.random(in: 0...UInt64.max)) { event, about in
        var metadata: Logger.Metadata = ["event": "\(event)"]
        for (name, value) in about { metadata[name] = "\(value)" }
        logger.warning("a fault on purpose", metadata: metadata)
      }
      logger.warning(
        "this node does harm to itself when it is told to", metadata: ["event": "chaos.allowed"])
    }
    waker = settings.host.chaos.map { ChaosWaker($0) }
    var facts = settings.facts
    facts.isTLS = settings.certificates != nil
    certificates = try settings.certificates.map { try ServerCertificates($0) }
    var machine = ServerMachine()
    machine.first.second = Ledger(hashKey: UInt64.random(in: 0...UInt64.max))
    let registry = MetricsRegistry()
    tracing = try settings.tracing.map {
      try NodeTracing($0, facts, metrics: registry, logger: logger)
    }
    let tracer: any Tracer = tracing?.tracer ?? InstrumentationSystem.tracer
    host = try await ReplicaHost<ServerMachine>.start(
      settings.host, machine: machine, on: NodeProcess.group, logger: logger, metrics: registry,
      tracer: tracer)
    api = API(
      service: host, facts: facts,
      access: AccessControl(tokens: settings.tokens, limit: settings.rateLimit),
      registry: registry, tracing: RequestTracing(tracer))
  }

  /// Serves until somebody wants the process to end, then leaves politely: takes no new clients,
  /// hands leadership over, finishes what is under way, closes.
  package func run(
    signals: [UnixSignal] = [.sigterm, .sigint],
    onRunning: @escaping @Sendable (BoundPorts) -> Void = { _ in }
  ) async throws {
    let ports = LockedBox<(http: Int?, text: Int?, grpc: Int?)>((nil, nil, nil))
    let wantsText = settings.text != nil
    let wantsGRPC = settings.grpc != nil
    let note: @Sendable () -> Void = {
      let now = ports.read { $0 }
      if let http = now.http, !wantsText || now.text != nil, !wantsGRPC || now.grpc != nil {
        onRunning(BoundPorts(http: http, text: now.text, grpc: now.grpc))
      }
    }
    var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
      // Services stop in the opposite order: the host last.
      .init(
        service: HostService(host: host), successTerminationBehavior: .gracefullyShutdownGroup,
        failureTerminationBehavior: .cancelGroup),
      .init(
        service: http { port in
          ports.change { $0.http = port }
          note()
        }),
    ]
    if let address = settings.text {
      services.append(
        .init(
          service: TextInterface(
            api: api, host: address.host, port: Int(address.port), logger: logger,
            certificates: certificates
          ) { port in
            ports.change { $0.text = port }
            note()
          }))
    }
    if let door = settings.grpc {
      let surroundings = DoorSurroundings(
        certificates: certificates, limits: settings.limits, logger: logger,
        group: NodeProcess.group
      ) { port in
        ports.change { $0.grpc = port }
        note()
      }
      services.append(
        .init(service: DoorService(door: door, api: api, surroundings: surroundings)))
    }
    if !signals.isEmpty { services.append(.init(service: ReloadService(node: self))) }
    services.append(
      .init(service: DrainService(api: api, milliseconds: settings.drainMilliseconds)))
    var configuration = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: signals, logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(20)
    let group = ServiceGroup(configuration: configuration)
    let result: Result<Void, any Error>
    do { result = .success(try await group.run()) } catch { result = .failure(error) }
    await tracing?.stop()
    try result.get()
  }

  private func http(_ onRunning: @escaping @Sendable (Int) -> Void) -> some ServiceLifecycle
    .Service
  {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    return HTTPServing.service(
      api, host: settings.http.host, port: Int(settings.http.port), limits: settings.limits,
      certificates: certificates, logger: quiet, onRunning: onRunning)
  }
}

extension ServerNode {
  /// Reads all certificates again, for connections from now on.
  ///
  /// - Throws: `HostError.certificate`; what could not be read stays as it was.
  package func reload() async throws(HostError) {
    try certificates?.reload()
    try await host.reloadCertificates()
  }
}

/// An interface of another module among the services.
private struct DoorService<Replica: ReplicaService>: ServiceLifecycle.Service {
  let door: any ServerDoor
  let api: API<Replica>
  let surroundings: DoorSurroundings

  func run() async throws { try await door.serve(api, surroundings) }
}

/// Reads certificates again whenever the process is sent SIGHUP.
private struct ReloadService: ServiceLifecycle.Service {
  let node: ServerNode

  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await _ in await UnixSignalsSequence(trapping: .sighup) {
        await node.reloadAndTell()
      }
    }
  }
}

extension ServerNode {
  fileprivate func reloadAndTell() async {
    do throws(HostError) {
      try await reload()
      logger.info("certificates were read again", metadata: ["event": "config.loaded"])
    } catch {
      logger.error(
        "certificates were not read again, the old ones stay in use: \(error)",
        metadata: ["event": "config.refused"])
    }
  }
}

/// The replica among the services: it lives until the others are gone.
private struct HostService: ServiceLifecycle.Service {
  let host: ReplicaHost<ServerMachine>

  func run() async throws {
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await host.untilEnded()
      } onGracefulShutdown: {
        Task { await host.stop() }
      }
    } onCancel: {
      Task { await host.stop() }
    }
  }
}

/// First of all to stop: it tells everything else that the node is leaving.
private struct DrainService<Service: ReplicaService>: ServiceLifecycle.Service {
  let api: API<Service>
  let milliseconds: Int64

  func run() async throws {
    try await gracefulShutdown()
    api.drain.drain()
    // Load balancers look at `/readyz` before they send nobody any more.
    try await Task.sleep(for: .milliseconds(milliseconds))
  }
}

// A node that is paused on purpose keeps its only loop busy, so no request reaches it, as none
// reaches a process that is stopped. What continues such a process continues it, too.

/// Ends the pauses of a node when the process is sent SIGCONT.
final class ChaosWaker: @unchecked Sendable {
  // Set once, and only held on to.
  private let source: any DispatchSourceSignal

  init(_ chaos: ChaosSwitch) {
    // A queue has a thread that is not the loop.
    source = DispatchSource.makeSignalSource(
      signal: SIGCONT, queue: DispatchQueue(label: "chaos"))
    source.setEventHandler {
      for episode in chaos.episodes where episode.fault == .pause { _ = chaos.heal(episode.id) }
    }
    source.activate()
  }

  deinit { source.cancel() }
}
#endif

// How a host comes to run.
#if Server

import Logging
import Metrics
import NIOCore
import NIOPosix
import Raft
import RaftFiles
import RaftJournal
import RaftMachines
import RaftReplica
import Tracing

extension ReplicaHost {
  /// Starts a node, and returns when it listens and ticks. It need not have found a leader then.
  ///
  /// The journal is read on a thread of its own, which takes as long as its size wants.
  ///
  /// - Parameters:
  ///   - settings: which node it is, where it lives, whom it speaks with.
  ///   - machine: the machine before the first command, the same on every node and in every life.
  ///   - group: whose loop to use; a loop with a thread of its own if there is none.
  ///   - hooks: what the program around the node wants to be told.
  ///   - logger: what takes the lines of its log.
  ///   - metrics: what takes the figures; `nil` for nothing.
  ///   - tracer: what takes the spans of requests that are made within a span; `nil` for nothing.
  /// - Throws: `HostError`. Then nothing is left open.
  public static func start(
    _ settings: HostSettings, machine: Machine = Machine(), on group: (any EventLoopGroup)? = nil,
    hooks: HostHooks = HostHooks(), logger: Logger = Logger(label: "flotilla"),
    metrics: (any MetricsFactory)? = MetricsSystem.factory,
    tracer: (any Tracer)? = InstrumentationSystem.tracer
  ) async throws(HostError) -> ReplicaHost<Machine> {
    let problems = settings.problems
    guard problems.isEmpty else { throw .settings(problems) }
    let preparation = await prepare(settings, machine)
    let prepared = try preparation.get()
    let own = group == nil ? MultiThreadedEventLoopGroup(numberOfThreads: 1) : nil
    guard let loop = group?.next() ?? own?.next() else {
      preconditionFailure("there is a group")
    }
    var logger = logger
    logger[metadataKey: "cluster"] = "\(settings.cluster)"
    logger[metadataKey: "node"] = "\(settings.node)"
    let turn = HostTurn(
      prepared.driver, start: prepared.start,
      ticks: TickKeeper(
        interval: settings.tickNanoseconds, maximum: settings.maximumTicks, now: HostClock.steady))
    let host = ReplicaHost(
      settings, turn, hooks, logger, metrics: metrics, tracer: tracer, on: loop, ownGroup: own)
    host.noteStarting(prepared.tail)
    do {
      try await loop.flatSubmit {
        host.launch(DiskBox(prepared.disk), prepared.certificates)
      }.get()
    } catch {
      await host.untilEnded()
      throw .listen(settings.listen, "\(error)")
    }
    return host
  }

  /// What is made before the loop has it.
  private struct Prepared: @unchecked Sendable {
    var driver: ReplicaDriver<Machine>
    var disk: FileDisk
    var certificates: PeerCertificates?
    var tail: LogTail
    var start: IncidentStart
  }

  /// Everything that may block, on a thread that may.
  private static func prepare(
    _ settings: HostSettings, _ machine: Machine
  ) async -> Result<Prepared, HostError> {
    do {
      return try await NIOThreadPool.singleton.runIfActive { () -> Result<Prepared, HostError> in
        do throws(HostError) {
          try refuseUnprotected(settings)
          var certificates: PeerCertificates?
          if case .mutualTLS(let files) = settings.security {
            certificates = try PeerCertificates(files, node: settings.node)
          }
          let opened = try OpenedJournal.open(settings)
          var own = settings.replica
          own.core.id = settings.node
          // Timeouts differ from node to node and from life to life.
          own.core.seed = UInt64.random(in: .min ... .max)
          let start = IncidentStart(
            replica: own, journal: settings.journal, beginning: settings.beginning,
            nanoseconds: HostClock.wall, transcript: opened.transcript)
          let replica = try replica(of: opened.recovered, start, machine)
          return .success(
            Prepared(
              driver: ReplicaDriver(replica, remembering: settings.rememberedInputs),
              disk: opened.disk, certificates: certificates, tail: opened.recovered.tail,
              start: start))
        } catch {
          return .failure(error)
        }
      }
    } catch {
      return .failure(.settings(["there is no thread to start on: \(error)"]))
    }
  }

  private static func replica(
    of recovered: RecoveredJournal, _ start: IncidentStart, _ machine: Machine
  ) throws(HostError) -> Replica<Machine> {
    do throws(RestoreError) {
      return try Replica(
        start.replica, recovered: recovered, nanoseconds: start.nanoseconds, machine: machine)
    } catch {
      throw .restore(error)
    }
  }

  /// An address that others reach needs links that are protected.
  private static func refuseUnprotected(_ settings: HostSettings) throws(HostError) {
    guard case .insecure(let isPublicAllowed) = settings.security, !isPublicAllowed else { return }
    let address: SocketAddress
    do {
      address = try SocketAddress.makeAddressResolvingHost(
        settings.listen.host, port: Int(settings.listen.port))
    } catch {
      throw .listen(settings.listen, "\(error)")
    }
    guard address.isLoopback else { throw .unprotected(settings.listen) }
  }
}

extension SocketAddress {
  /// Whether only this machine reaches the address.
  var isLoopback: Bool {
    switch self {
    case .v4(let address):
      UInt32(bigEndian: address.address.sin_addr.s_addr) >> 24 == 127
    case .v6: ipAddress == "::1"
    case .unixDomainSocket: true
    }
  }
}

#endif

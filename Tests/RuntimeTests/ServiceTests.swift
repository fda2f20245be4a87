#if Server
import Logging
import NIOConcurrencyHelpers
import Raft
import RaftReplica
import ServiceLifecycle
import TestPace
import Testing

@testable import RaftRuntime

/// A host among the services of a program, and how it ends.
@Suite(.serialized, .live) struct ServiceTests {
  private let n1 = NodeID(1)

  private func start(
    _ cluster: Cluster, _ beginning: Beginning, hooks: HostHooks = HostHooks()
  ) async throws -> Cluster.Host {
    var settings = try cluster.settings(n1)
    settings.beginning = beginning
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return try await Cluster.Host.start(settings, hooks: hooks, logger: logger)
  }

  private func add(_ step: Int64, to host: Cluster.Host) async throws -> Int64 {
    var total: Int64?
    try await eventually("the node leads") {
      total = try? await host.propose(step, timeout: .seconds(20))
      return total != nil
    }
    return try #require(total)
  }

  @Test func `a host runs until its services shut down gracefully, and all it has is kept`()
    async throws
  {
    let cluster = try Cluster(1)
    let host = try await start(cluster, .new(Membership(voters: [n1])))
    let group = ServiceGroup(services: [host], logger: Logger(label: "test"))
    let running = Task { try await group.run() }
    #expect(try await add(5, to: host) == 5)
    await group.triggerGracefulShutdown()
    try await running.value
    await host.untilEnded()
    let again = try await start(cluster, .existing)
    #expect(try await add(2, to: again) == 7)
    await again.stop()
  }

  @Test func `a host stops when the task that runs it is cancelled`() async throws {
    let cluster = try Cluster(1)
    let host = try await start(cluster, .new(Membership(voters: [n1])))
    let running = Task { try await host.run() }
    #expect(try await add(3, to: host) == 3)
    running.cancel()
    try await running.value
    let again = try await start(cluster, .existing)
    #expect(try await add(1, to: again) == 4)
    await again.stop()
  }

  @Test func `a disk that fails ends the host, and the program is told why`() async throws {
    let cluster = try Cluster(1)
    cluster.change = { $0.chaos = ChaosSwitch(seed: 1) }
    let told = NIOLockedValueBox<[ReplicaFailure]>([])
    var hooks = HostHooks()
    hooks.failed = { failure in told.withLockedValue { $0.append(failure) } }
    let host = try await start(cluster, .new(Membership(voters: [n1])), hooks: hooks)
    #expect(try await add(3, to: host) == 3)
    let running = Task { try await host.run() }
    _ = host.chaos?.begin(.disk(.syncError), for: 3_600_000_000_000)
    // What was asked for when the disk failed may have been done, or not.
    await #expect(throws: RequestError.self) { try await host.propose(4, timeout: .seconds(20)) }
    try await running.value
    let failures = told.withLockedValue { $0 }
    #expect(failures.count == 1)
    guard case .disk(let error)? = failures.first else {
      Issue.record("\(failures)")
      return
    }
    #expect(error.operation == .sync)
    // What was acknowledged is there in the next life, and nothing was done twice.
    cluster.change = { _ in }
    let again = try await start(cluster, .existing)
    #expect([4, 8].contains(try await add(1, to: again)))
    await again.stop()
  }
}
#endif

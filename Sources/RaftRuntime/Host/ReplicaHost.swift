// A node of a cluster in this process: a replica with a loop, a disk, a network and a clock.
#if Server

import Logging
import Metrics
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Raft
import RaftFiles
import RaftJournal
import RaftMachines
import RaftReplica
import Tracing

/// What a host tells the program around it, on its event loop.
public struct HostHooks: Sendable {
  /// Something happened in the replica.
  public var event: (@Sendable (ReplicaEvent) -> Void)?
  /// The machine has applied entries through this one.
  public var applied: (@Sendable (LogIndex) -> Void)?
  /// The replica can go on no more, and the host has ended. If nobody takes it, the process ends.
  public var failed: (@Sendable (ReplicaFailure) -> Void)?

  /// Nothing is told.
  public init() {}
}

/// A running node.
///
/// One event loop owns the replica and the connections with the peers; one thread waits for the
/// disk. The host holds no protocol logic: it moves inputs, messages and jobs between those and the
/// replica, and reads the clocks.
///
/// ```swift
/// let host = try await ReplicaHost<Counter>.start(settings)
/// let total = try await host.propose(5)
/// await host.stop()
/// ```
///
/// Requests may be made from any thread or task; those made on `eventLoop` wait for no other
/// thread. Each gets exactly one reply, as `Reply` says. A host runs until it is stopped or fails,
/// whether or not anybody holds it.
public final class ReplicaHost<Machine: StateMachine>: @unchecked Sendable {
  /// What the host was started with.
  public let settings: HostSettings
  /// The loop on which all of it happens, and on which replies are given.
  public let eventLoop: any EventLoop

  let logger: Logger
  let hooks: HostHooks
  /// Who is told what becomes of requests; `nil` if nobody is.
  let tracer: (any Tracer)?
  private let ownGroup: MultiThreadedEventLoopGroup?
  private let inbox = NIOLockedValueBox<[HostRequest<Machine>]>([])
  private let boundAddress = NIOLockedValueBox<SocketAddress?>(nil)
  private let clientAddresses = NIOLockedValueBox<[NodeID: PeerAddress]>([:])
  private let diskEnded: EventLoopPromise<Void>
  private let ended: EventLoopPromise<Void>

  // What follows is used on the event loop only.
  var turn: HostTurn<Machine>
  var transport: PeerTransport?
  var certificates: PeerCertificates?
  var notices = HostNotices()
  private var firstElection = FirstElection()
  private var metrics: HostMetrics?
  private var measuring: RepeatedTask?
  private var disk: DiskThread?
  private var ticking: RepeatedTask?
  private var spare = HostWork<Machine>()
  private var isSettling = false
  private var isFlushDue = false
  private var isStopping = false
  private(set) var isEnded = false
  private var applied = LogIndex.zero

  init(
    _ settings: HostSettings, _ turn: HostTurn<Machine>, _ hooks: HostHooks, _ logger: Logger,
    metrics: (any MetricsFactory)?, tracer: (any Tracer)?,
    on loop: any EventLoop, ownGroup: MultiThreadedEventLoopGroup?
  ) {
    self.metrics = metrics.map { HostMetrics($0) }
    self.settings = settings
    self.turn = turn
    self.hooks = hooks
    // Where nobody has set one, there is one that does nothing.
    self.tracer = tracer is NoOpTracer ? nil : tracer
    self.logger = logger
    eventLoop = loop
    self.ownGroup = ownGroup
    diskEnded = loop.makePromise()
    ended = loop.makePromise()
  }

  /// The loop outlives the end of the node: whoever still asks is answered there.
  deinit { ownGroup?.shutdownGracefully { _ in } }

  /// Where this node listens for its peers.
  public var address: SocketAddress? { boundAddress.withLockedValue { $0 } }

  /// Where clients reach a peer, if it has said so since this node was started. From any thread.
  public func clientAddress(of node: NodeID) -> PeerAddress? {
    clientAddresses.withLockedValue { $0[node] }
  }

  /// Returns when the host has ended: stopped, or failed.
  public func untilEnded() async { try? await ended.futureResult.get() }

  // MARK: Starting

  /// Sets everything going.
  func launch(_ disk: DiskBox<FileDisk>, _ certificates: PeerCertificates?)
    -> EventLoopFuture<Void>
  {
    eventLoop.assertInEventLoop()
    self.certificates = certificates
    let diskEnded = diskEnded
    self.disk = diskThread(
      disk,
      wake: { [weak self] in
        guard let self else { return }
        eventLoop.execute { self.collect() }
      },
      ended: { diskEnded.succeed() })
    let outlets = TransportOutlets(
      deliver: { [weak self] envelopes in
        guard let self, !isEnded else { return }
        notices.counters.messagesReceived += UInt64(envelopes.count)
        turn.receive(envelopes)
        settle()
      },
      reachable: { [weak self] node, isReachable in
        self?.noteReachable(node, isReachable)
      },
      serves: { [clientAddresses] node, address in
        clientAddresses.withLockedValue { $0[node] = address }
      })
    let transport = PeerTransport(
      settings, incarnation: turn.driver.replica.journal.identity.incarnation,
      certificates: certificates, on: eventLoop, logger: logger, outlets: outlets)
    self.transport = transport
    return transport.start().map { address in
      self.boundAddress.withLockedValue { $0 = address }
      self.beginTicking()
    }.flatMapError { error in
      self.end()
      return self.diskEnded.futureResult.flatMapThrowing { () -> Void in throw error }
    }
  }

  private func beginTicking() {
    measuring = eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
      guard !self.isEnded else { return }
      let status = self.currentStatus()
      self.metrics?.take(status)
    }
    let interval = TimeAmount.nanoseconds(Int64(clamping: settings.tickNanoseconds))
    turn.catchUp()
    standIfFirst()
    settle()
    ticking = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      self.obeyChaos()
      guard !self.isEnded else { return }
      self.turn.catchUp()
      self.settle()
    }
  }

  // MARK: Turns

  /// The disk has results.
  @specialized(where Machine == ServerMachine)
  private func collect() {
    guard !isEnded, let disk else { return }
    let done = disk.takeDone()
    var list: [(JobID, JobResult)] = []
    list.reserveCapacity(done.count)
    for item in done {
      var isFailed = false
      if case .failed = item.result { isFailed = true }
      turn.disk.note(item.lane, item.duration, bytes: item.bytes, isFailed: isFailed)
      if item.lane == .log { metrics?.noteSync(item.duration) }
      list.append((item.job, item.result))
    }
    turn.finish(list)
    settle()
  }

  @specialized(where Machine == ServerMachine)
  private func noteReachable(_ node: NodeID, _ isReachable: Bool) {
    guard !isEnded else { return }
    notePeer(node, isReachable)
    turn.give(isReachable ? .peerReachable(node) : .peerUnreachable(node))
    firstElection.note(node, isReachable: isReachable)
    if isReachable { standIfFirst() }
    settle()
  }

  private func standIfFirst() {
    if firstElection.isDue(at: turn.driver.replica.node) { turn.give(.campaign) }
  }

  /// Does what the replica wants done. What follows from that at once, because somebody who is
  /// answered asks again, is done before this returns, unless there is no end to it.
  @specialized(where Machine == ServerMachine)
  private func settle() {
    guard !isSettling else { return }
    isSettling = true
    var rounds = 0
    while !turn.work.isEmpty, !isEnded {
      guard rounds < 64 else {
        eventLoop.execute { self.settle() }
        break
      }
      rounds += 1
      var work = HostWork<Machine>()
      swap(&work, &spare)
      swap(&work, &turn.work)
      carryOut(&work)
      swap(&work, &spare)
    }
    isSettling = false
    noteApplied()
    noteProgress()
    guard !isFlushDue, let transport else { return }
    isFlushDue = true
    eventLoop.execute {
      self.isFlushDue = false
      transport.flush()
    }
  }

  private func carryOut(_ work: inout HostWork<Machine>) {
    if !work.jobs.isEmpty { disk?.submit(work.jobs) }
    notices.counters.messagesSent += UInt64(work.sends.count)
    for envelope in work.sends { transport?.send(envelope) }
    for event in work.events { notice(event) }
    for (name, reply) in work.replies {
      notices.counters.replies[Int(reply.kind.rawValue)] += 1
      turn.book.take(name)?(reply)
    }
    for event in work.events {
      if case .failed(let failure) = event { failed(failure) }
    }
    work.removeAll()
  }

  private func noteProgress() {
    metrics?.noteProgress(
      isLeader: turn.driver.replica.node.role == .leader,
      last: turn.driver.replica.node.log.lastIndex, commit: turn.driver.replica.node.commitIndex,
      applied: turn.driver.replica.machine.applied, now: HostClock.steady)
  }

  private func noteApplied() {
    guard let hook = hooks.applied else { return }
    let index = turn.driver.replica.machine.applied
    guard index != applied else { return }
    applied = index
    hook(index)
  }

  // MARK: Requests

  /// Takes a request in. From any thread.
  @specialized(where Machine == ServerMachine)
  func take(_ request: HostRequest<Machine>) {
    if eventLoop.inEventLoop {
      takeHere([request])
      return
    }
    let isFirst = inbox.withLockedValue { list in
      list.append(request)
      return list.count == 1
    }
    guard isFirst else { return }
    eventLoop.execute {
      let list = self.inbox.withLockedValue { list in
        var taken: [HostRequest<Machine>] = []
        swap(&taken, &list)
        return taken
      }
      self.takeHere(list)
    }
  }

  @specialized(where Machine == ServerMachine)
  private func takeHere(_ list: [HostRequest<Machine>]) {
    guard !isEnded else {
      for request in list { request.completion(.unavailable(.stopping)) }
      return
    }
    turn.take(list)
    settle()
  }

  // MARK: Ending

  /// Hands over what can be, answers what is under way, takes nothing more, and ends; after
  /// `graceNanoseconds` it ends all the same. Once it has returned, the directory is free.
  public func stop() async {
    eventLoop.execute { self.beginStopping() }
    await untilEnded()
  }

  func beginStopping() {
    guard !isStopping, !isEnded else { return }
    isStopping = true
    noteStopping()
    let grace = TimeAmount.nanoseconds(Int64(clamping: settings.graceNanoseconds))
    let limit = eventLoop.scheduleTask(in: grace) { self.end() }
    takeHere([
      HostRequest(wish: .stop, timeout: nil) { _ in
        limit.cancel()
        // What the replica said last is still to be sent.
        self.eventLoop.execute {
          self.transport?.flush()
          self.end()
        }
      }
    ])
  }

  /// Ends at once, as a crash does: nothing is handed over, nobody is told. The directory is free
  /// once this has returned.
  public func abandon() async {
    eventLoop.execute { self.end() }
    await untilEnded()
  }

  private func failed(_ failure: ReplicaFailure) {
    logger.critical("\(failure)", metadata: ["event": "storage.failed"])
    end()
    guard let hook = hooks.failed else { HostProcess.end() }
    hook(failure)
  }

  private func end() {
    guard !isEnded else { return }
    isEnded = true
    ticking?.cancel()
    measuring?.cancel()
    noteEnded()
    for completion in turn.book.takeAll() { completion(.unknown(.stopped, nil)) }
    turn.watch.end()
    let closed = transport?.stop() ?? eventLoop.makeSucceededVoidFuture()
    if let disk { disk.stop() } else { diskEnded.succeed() }
    disk = nil
    closed.and(diskEnded.futureResult).whenComplete { [ended] _ in ended.succeed() }
  }
}

extension HostWork {
  /// Forgets all, and keeps the memory.
  mutating func removeAll() {
    sends.removeAll(keepingCapacity: true)
    jobs.removeAll(keepingCapacity: true)
    replies.removeAll(keepingCapacity: true)
    events.removeAll(keepingCapacity: true)
  }
}

#endif

#if Server
// Many clients on few event loops. A client is an object on its loop: no task, no promise and no
// lock for a request, so that what makes the load takes little from what is measured beside it.

import NIOCore
import NIOPosix

/// What became of a request.
package enum LoadReply: Hashable, Sendable {
  case done
  /// The answer is no.
  case refused(String)
  /// Somebody else has to be asked; surely not done.
  case moved(to: LoadAddress?)
  /// Surely not done; ask again after so many milliseconds.
  case later(milliseconds: UInt64)
  /// It may have been done.
  case unknown(String)
}

/// What is said on one connection, in one protocol. Used on the loop of its client only.
package protocol LoadSpeaker: AnyObject {
  /// Whether the same request, sent again, takes effect once.
  var isRepeatable: Bool { get }
  /// Begins a new connection.
  func open(to address: LoadAddress, into buffer: inout ByteBuffer)
  /// Writes a request.
  ///
  /// - Parameters:
  ///   - number: counts this client's requests; the same number is the same request again.
  func ask(_ number: UInt64, into buffer: inout ByteBuffer)
  /// Takes bytes that arrived. What the protocol itself wants said goes into `answer`.
  ///
  /// - Returns: what became of the request, once that is known.
  func take(_ bytes: inout ByteBuffer, answer: inout ByteBuffer) -> LoadReply?
}

/// What makes a new connection speak TLS to a host.
package struct LoadSecuring: Sendable {
  fileprivate let add: @Sendable (_ channel: any Channel, _ host: String) throws -> Void

  package init(_ add: @escaping @Sendable (_ channel: any Channel, _ host: String) throws -> Void) {
    self.add = add
  }
}

/// When a run begins and when it is measured, on the clock of the event loops.
struct LoadTimes: Sendable {
  var start: UInt64
  var measured: UInt64
  var end: UInt64
}

/// What the clients of one loop share. Used on that loop only.
final class LoadLoop: @unchecked Sendable {
  let loop: any EventLoop
  let plan: LoadPlan
  private(set) var times: LoadTimes
  private(set) var result = LoadResult()
  let secure: LoadSecuring?
  private var clients: [LoadClient] = []
  private var running = 0
  private var lastDone: UInt64
  private let finished: EventLoopPromise<LoadResult>

  init(
    _ loop: any EventLoop, _ plan: LoadPlan, _ times: LoadTimes, secure: LoadSecuring? = nil
  ) {
    self.loop = loop
    self.secure = secure
    self.plan = plan
    self.times = times
    lastDone = times.measured
    finished = loop.makePromise()
  }

  static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

  /// Lets clients begin, and returns what all of them saw.
  func run(_ numbers: [Int], _ make: @Sendable (Int) -> any LoadSpeaker) -> EventLoopFuture<
    LoadResult
  > {
    guard !numbers.isEmpty else { return loop.makeSucceededFuture(result) }
    running = numbers.count
    clients = numbers.map { LoadClient($0, self, make($0)) }
    for client in clients { client.connect() }
    // One look at all clients costs less than a timer for each request.
    loop.scheduleRepeatedTask(initialDelay: .milliseconds(50), delay: .milliseconds(50)) { task in
      let now = LoadLoop.now
      if now < self.times.end, self.plan.isStopped() { self.times.end = now }
      for client in self.clients { client.look(now) }
      if self.running == 0 { task.cancel() }
    }
    return finished.futureResult
  }

  /// Whether one more request may begin.
  func mayBegin(at moment: UInt64) -> Bool { moment < times.end }

  func isMeasured(_ moment: UInt64) -> Bool { moment >= times.measured && moment < times.end }

  func done(intended: UInt64, at now: UInt64) {
    if isMeasured(intended) { result.latency.record(now - intended) }
    guard isMeasured(now) else { return }
    result.done += 1
    let second = Int((now - times.measured) / 1_000_000_000)
    while result.perSecond.count <= second { result.perSecond.append(0) }
    result.perSecond[second] += 1
    result.longestPause = max(result.longestPause, now - min(now, lastDone))
    lastDone = now
  }

  func refused(_ problem: String, intended: UInt64) {
    if isMeasured(intended) { result.refused += 1 }
    note(problem)
  }

  func unknown(_ problem: String, intended: UInt64) {
    if isMeasured(intended) { result.unknown += 1 }
    note(problem)
  }

  func retried() { result.retried += 1 }

  func note(_ problem: String) {
    if result.firstProblem == nil { result.firstProblem = problem }
  }

  func ended() {
    running -= 1
    guard running == 0 else { return }
    result.longestPause = max(result.longestPause, times.end - min(times.end, lastDone))
    result.measured = times.end - min(times.end, times.measured)
    finished.succeed(result)
  }
}

/// One client: a connection, and at most one request under way.
final class LoadClient: @unchecked Sendable {
  private let number: Int
  private let shared: LoadLoop
  private let speaker: any LoadSpeaker
  private var address: LoadAddress
  private var place = 0
  private var channel: (any Channel)?
  private var isConnecting = false
  private var isEnded = false
  /// The number of the request that is under way, or comes next.
  private var request: UInt64 = 0
  private var isUnderWay = false
  /// Whether the request that is under way may have reached a node.
  private var wasSent = false
  /// Whether the next request waits for its moment.
  private var isWaiting = false
  /// Counts what was sent, so that what was meant for an earlier attempt is left alone.
  private var attempt: UInt64 = 0
  private var redirects = 0
  private var intended: UInt64 = 0
  private var began: UInt64 = 0

  init(_ number: Int, _ shared: LoadLoop, _ speaker: any LoadSpeaker) {
    self.number = number
    self.shared = shared
    self.speaker = speaker
    address = shared.plan.addresses[0]
  }

  // MARK: The connection

  func connect() {
    guard !isEnded, !isConnecting else { return }
    isConnecting = true
    let asked = address
    ClientBootstrap(group: shared.loop)
      .connectTimeout(.seconds(2))
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try self.shared.secure?.add(channel, asked.host)
          try channel.pipeline.syncOperations.addHandler(LoadHandler(self))
        }
      }
      .connect(host: asked.host, port: asked.port)
      .whenComplete { result in
        self.isConnecting = false
        switch result {
        case .success(let channel): self.connected(channel, asked)
        case .failure:
          self.turn()
          self.later(milliseconds: 10) { self.connect() }
        }
      }
  }

  private func connected(_ channel: any Channel, _ address: LoadAddress) {
    guard !isEnded else { return channel.close(promise: nil) }
    self.channel = channel
    var buffer = channel.allocator.buffer(capacity: 256)
    speaker.open(to: address, into: &buffer)
    if buffer.readableBytes > 0 { channel.write(buffer, promise: nil) }
    if isUnderWay { send() } else { next() }
  }

  /// Asks somebody else from now on.
  private func turn() {
    place = (place + 1) % shared.plan.addresses.count
    address = shared.plan.addresses[place]
  }

  private func later(milliseconds: Int64, _ body: @escaping @Sendable () -> Void) {
    shared.loop.scheduleTask(in: .milliseconds(milliseconds), body)
  }

  private func leave() {
    let old = channel
    channel = nil
    old?.close(promise: nil)
  }

  func lost(_ channel: any Channel) {
    guard self.channel === channel else { return }
    self.channel = nil
    turn()
    if isUnderWay, wasSent, !speaker.isRepeatable {
      finishUnknown("the connection was lost")
    } else if isUnderWay {
      shared.retried()
    }
    if !isEnded { later(milliseconds: 10) { self.connect() } }
  }

  // MARK: Requests

  private func next() {
    guard !isEnded, !isUnderWay, !isWaiting else { return }
    let now = LoadLoop.now
    guard shared.plan.rate > 0 else { return begin(at: now) }
    let pace = Pace(rate: shared.plan.rate, clients: shared.plan.clients)
    let start = pace.start(client: number, request: request)
    let moment = start > .max - shared.times.start ? .max : shared.times.start + start
    if moment <= now || moment >= shared.times.end { return begin(at: moment) }
    isWaiting = true
    shared.loop.scheduleTask(deadline: .uptimeNanoseconds(moment)) {
      self.isWaiting = false
      self.begin(at: moment)
    }
  }

  private func begin(at moment: UInt64) {
    guard !isEnded, !isUnderWay else { return }
    // With a rate, what should have begun long ago is still left out once the time is over.
    guard shared.mayBegin(at: max(moment, LoadLoop.now)) else { return end() }
    intended = moment
    began = LoadLoop.now
    isUnderWay = true
    wasSent = false
    redirects = 0
    if channel == nil { connect() } else { send() }
  }

  private func send() {
    guard let channel else { return connect() }
    var buffer = channel.allocator.buffer(capacity: 512)
    speaker.ask(request, into: &buffer)
    wasSent = true
    attempt += 1
    channel.writeAndFlush(buffer, promise: nil)
  }

  func take(_ bytes: inout ByteBuffer, _ channel: any Channel) {
    guard self.channel === channel else { return bytes.clear() }
    var answer = ByteBuffer()
    let reply = speaker.take(&bytes, answer: &answer)
    if answer.readableBytes > 0 { channel.writeAndFlush(answer, promise: nil) }
    guard let reply, isUnderWay else { return }
    switch reply {
    case .done:
      shared.done(intended: intended, at: LoadLoop.now)
      finish()
    case .refused(let problem):
      shared.refused(problem, intended: intended)
      finish()
    case .moved(let other): move(to: other)
    case .later(let milliseconds): again(milliseconds: Int64(clamping: max(1, milliseconds)))
    case .unknown(let problem):
      guard speaker.isRepeatable else { return finishUnknown(problem) }
      again(milliseconds: 10)
    }
  }

  private func move(to other: LoadAddress?) {
    shared.retried()
    wasSent = false
    leave()
    redirects += 1
    guard let other, redirects < 3 else {
      // Nodes that send us to each other have not heard yet who leads.
      redirects = 0
      turn()
      return later(milliseconds: 10) { self.connect() }
    }
    address = other
    connect()
  }

  /// Sends the same request once more.
  private func again(milliseconds: Int64) {
    shared.retried()
    let last = attempt
    later(milliseconds: milliseconds) {
      guard self.isUnderWay, self.attempt == last, self.channel != nil else { return }
      self.send()
    }
  }

  private func finishUnknown(_ problem: String) {
    shared.unknown(problem, intended: intended)
    finish()
  }

  private func finish() {
    isUnderWay = false
    request += 1
    if channel != nil { next() }
  }

  /// Gives up what has waited for too long.
  func look(_ now: UInt64) {
    guard !isEnded else { return }
    if isUnderWay, now > began + shared.plan.patience {
      leave()
      turn()
      finishUnknown("no answer in time")
      connect()
    } else if !isUnderWay, now >= shared.times.end {
      end()
    }
  }

  private func end() {
    guard !isEnded else { return }
    isEnded = true
    leave()
    shared.ended()
  }
}

/// Hands bytes to the client.
private final class LoadHandler: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer

  private let client: LoadClient
  private var collected: ByteBuffer?

  init(_ client: LoadClient) { self.client = client }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    guard var known = collected else {
      client.take(&buffer, context.channel)
      if buffer.readableBytes > 0 { collected = buffer }
      return
    }
    collected = nil
    known.writeBuffer(&buffer)
    client.take(&known, context.channel)
    if known.readableBytes > 0 { collected = known }
  }

  func channelInactive(context: ChannelHandlerContext) {
    client.lost(context.channel)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

/// A run of load.
package enum Load {
  /// Runs it to its end.
  ///
  /// - Parameters:
  ///   - plan: how much, and for how long.
  ///   - secure: makes connections speak TLS; `nil` for plain ones.
  ///   - onMeasuring: called when measuring begins (`true`) and when it ends (`false`).
  ///   - make: makes what a client speaks, from its number.
  package static func run(
    _ plan: LoadPlan, secure: LoadSecuring? = nil,
    onMeasuring: @escaping @Sendable (Bool) -> Void = { _ in },
    _ make: @escaping @Sendable (Int) -> any LoadSpeaker
  ) async throws -> LoadResult {
    precondition(!plan.addresses.isEmpty, "nobody to ask")
    let count = max(1, min(plan.loops, plan.clients))
    let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
    let start = LoadLoop.now
    let measured = start + plan.warmUp
    let times = LoadTimes(start: start, measured: measured, end: measured + plan.duration)
    var marks: [Scheduled<Void>] = []
    let marker = group.next()
    for (moment, isBeginning) in [(times.measured, true), (times.end, false)] {
      marks.append(
        marker.scheduleTask(deadline: .uptimeNanoseconds(moment)) { onMeasuring(isBeginning) })
    }
    var futures: [EventLoopFuture<LoadResult>] = []
    for number in 0..<count {
      let loop = group.next()
      let part = LoadLoop(loop, plan, times, secure: secure)
      let clients = Array(stride(from: number, to: plan.clients, by: count))
      futures.append(loop.flatSubmit { part.run(clients, make) })
    }
    var result = LoadResult()
    for future in futures { result.add(try await future.get()) }
    for mark in marks { mark.cancel() }
    try await group.shutdownGracefully()
    if plan.rate > 0 {
      let pace = Pace(rate: plan.rate, clients: plan.clients)
      let wanted =
        pace.begun(before: plan.warmUp + result.measured) - pace.begun(before: plan.warmUp)
      let seen = result.latency.count + result.refused + result.unknown
      result.missed = wanted > seen ? wanted - seen : 0
    }
    return result
  }
}
#endif

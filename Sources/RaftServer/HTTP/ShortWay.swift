#if Server
// What is asked for most, answered on the loop: without a task, a stream and a router for each
// request.

import NIOCore
import NIOHTTP1
import RaftInterface

/// What answers some requests by a call back.
package protocol ShortAnswering: Sendable {
  /// Whether a request with this line may be answered by `answerShortly`.
  func isShort(method: String, target: String) -> Bool

  /// Answers a request, on whatever thread: exactly once, with a body that is there.
  func answerShortly(
    _ request: APIRequest, _ answer: @escaping @Sendable (APIResponse) -> Void)
}

/// Stands behind the decoder of HTTP and answers what may be answered shortly; everything else goes
/// the long way, and notices nothing.
///
/// A request goes the short way if it is whole when the loop has read what there was, is of version
/// 1.1, keeps its connection, is small, and comes from no page. So what bounds slow clients is
/// where it was, on the long way. A client that sends its next request before it has its answer is
/// answered in order: what comes while a short answer is awaited waits here, and nothing goes the
/// short way while an answer of the long way is owed.
///
/// Invariants: while `isAnswering`, nothing is handed on; `held` has at most what one read brought
/// after `heldLimit` parts.
final class ShortWay: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// The request whose parts come now.
  private enum Arriving {
    case nothing
    case long
    case short(HTTPRequestHead, ByteBuffer?)
  }

  /// What came behind a request that is not answered yet.
  private enum Held {
    case part(HTTPServerRequestPart)
    case event(Any)
    case error(any Error)
  }

  /// The largest body that goes the short way. Unit: bytes.
  private static let bodyLimit = 64 << 10
  /// From how many parts on nothing more is read.
  private static let heldLimit = 64

  private let answering: any ShortAnswering
  private let date: HTTPDate
  private let idle: TimeAmount
  private var client: String?
  private var arriving = Arriving.nothing
  private var owed = 0
  private var isAnswering = false
  private var isTaking = false
  private var isGone = false
  private var isReadWanted = false
  private var held = CircularBuffer<Held>()
  private var lastActive = NIODeadline.now()
  private var idleTask: Scheduled<Void>?

  /// - Parameters:
  ///   - answering: what answers.
  ///   - date: the time of day, shared by all connections.
  ///   - idleSeconds: after how long without a request a connection is closed.
  init(_ answering: any ShortAnswering, date: HTTPDate, idleSeconds: Int64) {
    self.answering = answering
    self.date = date
    idle = .seconds(idleSeconds)
  }

  // MARK: The connection

  func handlerAdded(context: ChannelHandlerContext) {
    watch(context, in: idle)
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  private func end() {
    isGone = true
    idleTask?.cancel()
    idleTask = nil
    held.removeAll()
  }

  /// Closes the connection once nobody has used it for long.
  private func watch(_ context: ChannelHandlerContext, in time: TimeAmount) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    idleTask = context.eventLoop.scheduleTask(in: time) {
      let (handler, context) = bound.value
      guard !handler.isGone else { return }
      let passed = NIODeadline.now() - handler.lastActive
      if handler.isWorking {
        handler.watch(context, in: handler.idle)
      } else if passed >= handler.idle {
        context.close(promise: nil)
      } else {
        handler.watch(context, in: handler.idle - passed)
      }
    }
  }

  /// Whether a whole request waits for its answer.
  private var isWorking: Bool {
    if case .long = arriving { return isAnswering || owed > 1 }
    return isAnswering || owed > 0
  }

  // MARK: What comes in

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastActive = .now()
    take(.part(unwrapInboundIn(data)), context)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    giveUpParts(context)
    context.fireChannelReadComplete()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    take(.event(event), context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    take(.error(error), context)
  }

  func read(context: ChannelHandlerContext) {
    if held.count >= ShortWay.heldLimit {
      isReadWanted = true
    } else {
      context.read()
    }
  }

  private func take(_ item: Held, _ context: ChannelHandlerContext) {
    guard !isAnswering, held.isEmpty else {
      held.append(item)
      return
    }
    handle(item, context)
  }

  private func handle(_ item: Held, _ context: ChannelHandlerContext) {
    switch item {
    case .part(let part): handle(part, context)
    case .event(let event):
      giveUpParts(context)
      context.fireUserInboundEventTriggered(event)
    case .error(let error):
      giveUpParts(context)
      context.fireErrorCaught(error)
    }
  }

  private func handle(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch (arriving, part) {
    case (.nothing, .head(let head)):
      if owed == 0, isShort(head) {
        arriving = .short(head, nil)
      } else {
        arriving = .long
        owed += 1
        context.fireChannelRead(wrapInboundOut(part))
      }
    case (.short(let head, nil), .body(let bytes)): arriving = .short(head, bytes)
    case (.short(let head, .some(var body)), .body(var bytes)):
      arriving = .nothing
      body.writeBuffer(&bytes)
      arriving = .short(head, body)
    case (.short(let head, let body), .end(nil)):
      if let request = request(head, body, context) {
        arriving = .nothing
        answer(request, context)
      } else {
        fallthrough
      }
    default:
      giveUpParts(context)
      if case .end = part { arriving = .nothing }
      context.fireChannelRead(wrapInboundOut(part))
    }
  }

  /// What came of a request so far goes the long way, and so does what will come of it.
  private func giveUpParts(_ context: ChannelHandlerContext) {
    guard case .short(let head, let body) = arriving else { return }
    arriving = .long
    owed += 1
    context.fireChannelRead(wrapInboundOut(.head(head)))
    if let body { context.fireChannelRead(wrapInboundOut(.body(body))) }
  }

  private func isShort(_ head: HTTPRequestHead) -> Bool {
    guard head.version == .http1_1, head.isKeepAlive,
      answering.isShort(method: head.method.rawValue, target: head.uri)
    else { return false }
    for (name, value) in head.headers {
      switch name.lowercased() {
      case "origin", "expect", "upgrade", "transfer-encoding", "trailer": return false
      case "content-length":
        guard let length = Int(value), length <= ShortWay.bodyLimit else { return false }
      default: break
      }
    }
    return true
  }

  /// The request; `nil` if it cannot be read, which the long way explains.
  private func request(
    _ head: HTTPRequestHead, _ body: ByteBuffer?, _ context: ChannelHandlerContext
  ) -> APIRequest? {
    // Before the first request the channel does not know.
    let client = client ?? context.channel.remoteAddress?.ipAddress ?? "-"
    self.client = client
    var headers: [(name: String, value: String)] = []
    headers.reserveCapacity(head.headers.count)
    for (name, value) in head.headers { headers.append((name.lowercased(), value)) }
    return try? APIRequest(
      method: head.method.rawValue, target: head.uri, headers: headers,
      body: body.map { Array($0.readableBytesView) } ?? [], client: client)
  }

  // MARK: What goes out

  private func answer(_ request: APIRequest, _ context: ChannelHandlerContext) {
    isAnswering = true
    let loop = context.eventLoop
    let bound = NIOLoopBound((self, context), eventLoop: loop)
    answering.answerShortly(request) { response in
      if loop.inEventLoop {
        let (handler, context) = bound.value
        handler.finish(response, context)
      } else {
        loop.execute {
          let (handler, context) = bound.value
          handler.finish(response, context)
        }
      }
    }
  }

  private func finish(_ response: APIResponse, _ context: ChannelHandlerContext) {
    guard isAnswering, !isGone else { return }
    lastActive = .now()
    send(response, context)
    isAnswering = false
    // One after the other, and not one within the other.
    guard !isTaking else { return }
    isTaking = true
    let wasHeld = !held.isEmpty
    while !isAnswering, let item = held.popFirst() { handle(item, context) }
    isTaking = false
    guard !isAnswering, !isGone else { return }
    if wasHeld {
      giveUpParts(context)
      context.fireChannelReadComplete()
    }
    if isReadWanted {
      isReadWanted = false
      context.read()
    }
  }

  private func send(_ response: APIResponse, _ context: ChannelHandlerContext) {
    guard case .bytes(let bytes) = response.body else {
      preconditionFailure("a short answer has its body")
    }
    var headers = HTTPHeaders()
    headers.reserveCapacity(response.headers.count + 3)
    for (name, value) in response.headers {
      // A value with a line end in it would be another header.
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { continue }
      headers.add(name: name, value: value)
    }
    headers.add(name: "content-length", value: String(bytes.count))
    headers.add(name: "date", value: date.now)
    headers.add(name: "server", value: HTTPServing.serverName)
    let head = HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if !bytes.isEmpty {
      let buffer = context.channel.allocator.buffer(bytes: bytes)
      context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) {
      owed = max(0, owed - 1)
      lastActive = .now()
    }
    context.write(data, promise: promise)
  }
}
#endif

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

/// Stands before the decoder of HTTP and answers what may be answered shortly; everything else goes
/// the long way, and notices nothing.
///
/// A request goes the short way if it is a `PlainRequest` that is whole when the loop has read what
/// there was, is small, and comes from no page. So what bounds slow clients is where it was, on the
/// long way. A client that sends its next request before it has its answer is answered in order:
/// what comes while a short answer is awaited waits here, and nothing goes the short way while an
/// answer of the long way is owed.
///
/// Where the messages that are handed on end is known as long as each is plain. Behind the first
/// that is not, the connection stays on the long way.
///
/// Invariants: while `isWaiting`, nothing is handed on; a request is answered shortly only where
/// all bytes before it were whole messages, and all of those are answered; `held` has at most what
/// one read brought after `heldLimit` bytes.
final class ShortWay: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = IOData
  typealias OutboundOut = ByteBuffer

  /// What came behind a request that is not answered yet.
  private enum Held {
    case bytes(ByteBuffer)
    case event(Any)
    case error(any Error)
  }

  /// From how much on nothing more is read. Unit: bytes.
  private static let heldLimit = 64 << 10

  private let answering: any ShortAnswering
  private let long: LongWay
  private let date: HTTPDate
  private let idle: TimeAmount
  private let headLimit: Int
  /// The largest body that goes the short way. Unit: bytes.
  private let bodyLimit: Int
  private var client: String?
  /// How many bytes of a message that goes the long way are still to come; `nil` for all.
  private var handedOn: Int? = 0
  private var isAnswering = false
  /// The client does not read what it was answered.
  private var isFull = false
  private var isTaking = false
  private var isGone = false
  private var isReadWanted = false
  private var held = CircularBuffer<Held>()
  private var heldBytes = 0
  private var idleTask: Scheduled<Void>?

  /// - Parameters:
  ///   - answering: what answers.
  ///   - long: counts what goes the long way.
  ///   - date: the time of day, shared by all connections.
  ///   - limits: for how long a connection may be idle, and how long a head may be.
  init(_ answering: any ShortAnswering, _ long: LongWay, date: HTTPDate, limits: HTTPLimits) {
    self.answering = answering
    self.long = long
    self.date = date
    idle = .seconds(limits.idleSeconds)
    headLimit = min(limits.headerBytes, PlainRequest.headLimit)
    bodyLimit = min(limits.bodyBytes, 64 << 10)
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
      let passed = handler.long.idleTime
      if handler.isAnswering || handler.long.isWorking {
        handler.watch(context, in: handler.idle)
      } else if passed >= handler.idle {
        context.close(promise: nil)
      } else {
        handler.watch(context, in: handler.idle - passed)
      }
    }
  }

  // MARK: What comes in

  /// Whether what comes has to wait.
  private var isWaiting: Bool { isAnswering || isFull }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    take(.bytes(bytes), context)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    take(.event(event), context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    take(.error(error), context)
  }

  func read(context: ChannelHandlerContext) {
    if heldBytes >= ShortWay.heldLimit {
      isReadWanted = true
    } else {
      context.read()
    }
  }

  private func take(_ item: Held, _ context: ChannelHandlerContext) {
    guard !isWaiting, !isTaking, held.isEmpty else { return hold(item) }
    isTaking = true
    handle(item, context)
    isTaking = false
    if !held.isEmpty { goOn(context) }
  }

  private func hold(_ item: Held) {
    guard case .bytes(var bytes) = item else { return held.append(item) }
    heldBytes += bytes.readableBytes
    // One behind the other, so that bytes that come one by one cost no more than others.
    if case .bytes(var before) = held.last {
      held.removeLast()
      before.writeBuffer(&bytes)
      held.append(.bytes(before))
    } else {
      held.append(item)
    }
  }

  /// Takes what was held, as far as it goes.
  private func goOn(_ context: ChannelHandlerContext) {
    // One after the other, and not one within the other.
    guard !isTaking else { return }
    isTaking = true
    let wasHeld = !held.isEmpty
    while !isWaiting, !isGone, let item = held.popFirst() {
      if case .bytes(let bytes) = item { heldBytes -= bytes.readableBytes }
      handle(item, context)
    }
    isTaking = false
    guard !isWaiting, !isGone else { return }
    if wasHeld { context.fireChannelReadComplete() }
    if isReadWanted {
      isReadWanted = false
      context.read()
    }
  }

  private func handle(_ item: Held, _ context: ChannelHandlerContext) {
    switch item {
    case .bytes(let bytes): handle(bytes, context)
    case .event(let event): context.fireUserInboundEventTriggered(event)
    case .error(let error): context.fireErrorCaught(error)
    }
  }

  /// Message by message; what has to wait is held.
  private func handle(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    var bytes = bytes
    while bytes.readableBytes > 0, !isGone {
      guard !isWaiting else {
        heldBytes += bytes.readableBytes
        held.prepend(.bytes(bytes))
        return
      }
      if handedOn == 0 { begin(&bytes, context) } else { handOn(&bytes, context) }
    }
  }

  /// Bytes of a message that has begun, to the decoder.
  private func handOn(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) {
    let count = min(handedOn ?? bytes.readableBytes, bytes.readableBytes)
    handedOn = handedOn.map { $0 - count }
    guard let part = bytes.readSlice(length: count) else { return }
    context.fireChannelRead(wrapInboundOut(part))
  }

  /// At the beginning of a message.
  private func begin(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) {
    let isClear = long.isClear
    let read = bytes.withUnsafeReadableBytes { raw in
      PlainRequest(raw, limit: headLimit) { isClear && answering.isShort(method: $0, target: $1) }
    }
    guard let read else {
      handedOn = nil
      return
    }
    guard read.isWanted, read.bodyBytes <= bodyLimit, bytes.readableBytes >= read.length,
      !read.headers.contains(where: { $0.name == "origin" }),
      let request = request(read, bytes, context)
    else {
      handedOn = read.length
      return
    }
    bytes.moveReaderIndex(forwardBy: read.length)
    answer(request, context)
  }

  /// The request; `nil` if it cannot be read, which the long way explains.
  private func request(
    _ read: PlainRequest, _ bytes: ByteBuffer, _ context: ChannelHandlerContext
  ) -> APIRequest? {
    // Before the first request the channel does not know.
    let client = client ?? context.channel.remoteAddress?.ipAddress ?? "-"
    self.client = client
    let body = bytes.getBytes(
      at: bytes.readerIndex + read.headBytes, length: read.bodyBytes)
    return try? APIRequest(
      method: read.method, target: read.target, headers: read.headers, body: body ?? [],
      client: client)
  }

  // MARK: What goes out

  private func answer(_ request: APIRequest, _ context: ChannelHandlerContext) {
    isAnswering = true
    long.noteActive()
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
    isAnswering = false
    long.noteActive()
    context.writeAndFlush(
      wrapOutboundOut(bytes(of: response, context.channel.allocator)), promise: nil)
    if !context.channel.isWritable { waitUntilWritten(context) }
    goOn(context)
  }

  /// Has what comes wait until the client has read what it was answered.
  private func waitUntilWritten(_ context: ChannelHandlerContext) {
    isFull = true
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let nothing = context.channel.allocator.buffer(capacity: 0)
    context.writeAndFlush(wrapOutboundOut(nothing)).whenComplete { _ in
      let (handler, context) = bound.value
      handler.isFull = false
      guard !handler.isGone else { return }
      handler.long.noteActive()
      handler.goOn(context)
    }
  }

  /// A response as it goes over the wire.
  private func bytes(of response: APIResponse, _ allocator: ByteBufferAllocator) -> ByteBuffer {
    guard case .bytes(let body) = response.body else {
      preconditionFailure("a short answer has its body")
    }
    var buffer = allocator.buffer(capacity: 320 + body.count)
    let status = HTTPResponseStatus(statusCode: response.status)
    buffer.writeStaticString("HTTP/1.1 ")
    buffer.writeString(String(status.code))
    buffer.writeStaticString(" ")
    buffer.writeString(status.reasonPhrase)
    for (name, value) in response.headers {
      // A value with a line end in it would be another header.
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { continue }
      buffer.writeStaticString("\r\n")
      buffer.writeString(name)
      buffer.writeStaticString(": ")
      buffer.writeString(value)
    }
    buffer.writeStaticString("\r\ncontent-length: ")
    buffer.writeString(String(body.count))
    buffer.writeStaticString("\r\ndate: ")
    buffer.writeString(date.now)
    buffer.writeStaticString("\r\nserver: ")
    buffer.writeString(HTTPServing.serverName)
    buffer.writeStaticString("\r\n\r\n")
    buffer.writeBytes(body)
    return buffer
  }
}
#endif

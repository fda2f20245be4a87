#if Server
// What goes the long way of HTTP, counted: so that the short way knows when it is clear.

import NIOCore
import NIOHTTP1

/// Stands behind the decoder and counts requests and answers.
final class LongWay: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// How many requests have begun and are not answered yet.
  private var owed = 0
  private var isArriving = false
  private var isBroken = false
  /// When a request last began or ended, or an answer did.
  private var lastActive = NIODeadline.now()

  /// Whether nothing is under way, and the decoder has not refused anything.
  var isClear: Bool { owed == 0 && !isArriving && !isBroken }

  /// Whether a whole request waits for its answer.
  var isWorking: Bool { owed > (isArriving ? 1 : 0) }

  /// How long nothing has happened. Bytes alone are nothing: whoever sends a head byte by byte does
  /// not keep a connection by it.
  var idleTime: TimeAmount { .now() - lastActive }

  /// Something happened.
  func noteActive() { lastActive = .now() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    noteActive()
    switch unwrapInboundIn(data) {
    case .head:
      owed += 1
      isArriving = true
    case .body: break
    case .end: isArriving = false
    }
    context.fireChannelRead(data)
  }

  /// What the decoder refuses ends the connection: nothing behind it is answered.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    isBroken = true
    context.fireErrorCaught(error)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) {
      owed = max(0, owed - 1)
      noteActive()
    }
    context.write(data, promise: promise)
  }
}
#endif

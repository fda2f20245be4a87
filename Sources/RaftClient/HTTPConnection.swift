#if Server
// One HTTP/1.1 connection. It is here, and not a general client, because of one question that
// decides whether a retry is safe: had the request left when it failed?

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS

/// Why an exchange brought no answer.
enum ExchangeFailure: Error, Sendable {
  /// Nothing was sent.
  case notSent(String)
  /// It was sent, or parts of it; what became of it is not known.
  case lost(String)
}

/// An answer as it came.
struct HTTPAnswer: Sendable {
  var status: Int
  var headers: [(name: String, value: String)]
  var body: [UInt8]

  func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name }?.value
  }
}

/// Where a node serves HTTP.
struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  var host: String
  var port: Int
  /// Whether it is spoken to by TLS.
  var isTLS: Bool

  /// `host:port`, with or without `http://` or `https://` before it.
  ///
  /// - Parameter wantsTLS: whoever wants TLS is not led away from it.
  init?(_ text: String, wantsTLS: Bool = false) {
    var rest = text[...]
    isTLS = wantsTLS || rest.hasPrefix("https://")
    for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) {
      rest = rest.dropFirst(scheme.count)
    }
    if let slash = rest.firstIndex(of: "/") { rest = rest[..<slash] }
    guard let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]),
      (1...65_535).contains(port)
    else { return nil }
    var host = rest[..<colon]
    if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else { return nil }
    self.host = String(host)
    self.port = port
  }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Collects answers on the loop of its channel.
private final class AnswerHandler: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = HTTPClientResponsePart

  private var promise: EventLoopPromise<HTTPAnswer>?
  private var onPart: (@Sendable ([UInt8]) -> Void)?
  private var answer = HTTPAnswer(status: 0, headers: [], body: [])
  private(set) var keepsAlive = true
  /// More than this is no answer of ours.
  private static let maximumBytes = 64 << 20

  func expect(_ promise: EventLoopPromise<HTTPAnswer>, _ onPart: (@Sendable ([UInt8]) -> Void)?) {
    self.promise = promise
    self.onPart = onPart
    answer = HTTPAnswer(status: 0, headers: [], body: [])
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      answer.status = Int(head.status.code)
      answer.headers = head.headers.map { ($0.name, $0.value) }
      keepsAlive = head.isKeepAlive
    case .body(let buffer):
      if let onPart, answer.status == 200 {
        onPart(Array(buffer.readableBytesView))
      } else if answer.body.count + buffer.readableBytes > AnswerHandler.maximumBytes {
        fail("the answer is too large")
        context.close(promise: nil)
      } else {
        answer.body.append(contentsOf: buffer.readableBytesView)
      }
    case .end:
      promise?.succeed(answer)
      promise = nil
    }
  }

  private func fail(_ reason: String) {
    promise?.fail(ExchangeFailure.lost(reason))
    promise = nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let text = "\(error)"
    fail(text.contains("reset") ? "the connection was reset" : text)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail("the connection was closed")
    context.fireChannelInactive()
  }
}

/// Connections to nodes, kept open between requests.
final class ConnectionPool: Sendable {

  private let idle = IdleConnections()
  private let group: MultiThreadedEventLoopGroup
  private let tls: NIOSSLContext?

  init(tls: NIOSSLContext? = nil, group: MultiThreadedEventLoopGroup = .singleton) {
    self.tls = tls
    self.group = group
  }

  /// Asks once, on one connection.
  func exchange(
    _ head: HTTPRequestHead, _ body: [UInt8], with endpoint: Endpoint, within timeout: Duration,
    onPart: (@Sendable ([UInt8]) -> Void)? = nil
  ) async throws(ExchangeFailure) -> HTTPAnswer {
    let connection = try await connection(to: endpoint, within: timeout)
    let channel = connection.channel
    let promise = channel.eventLoop.makePromise(of: HTTPAnswer.self)
    channel.eventLoop.execute {
      connection.handler.expect(promise, onPart)
      guard channel.isActive else {
        promise.fail(ExchangeFailure.notSent("the connection was closed"))
        return
      }
      channel.write(HTTPClientRequestPart.head(head), promise: nil)
      if !body.isEmpty {
        let buffer = channel.allocator.buffer(bytes: body)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(buffer)), promise: nil)
      }
      channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }
    let nanoseconds = Int64(timeout / .nanoseconds(1))
    let timer = channel.eventLoop.scheduleTask(in: .nanoseconds(max(1, nanoseconds))) {
      promise.fail(ExchangeFailure.lost("no answer within \(timeout)"))
      channel.close(promise: nil)
    }
    do {
      let answer = try await withTaskCancellationHandler {
        try await promise.futureResult.get()
      } onCancel: {
        channel.close(promise: nil)
      }
      timer.cancel()
      if connection.handler.keepsAlive, onPart == nil {
        idle.put(connection, endpoint)
      } else {
        channel.close(promise: nil)
      }
      return answer
    } catch let failure as ExchangeFailure {
      timer.cancel()
      throw failure
    } catch {
      timer.cancel()
      throw .lost("\(error)")
    }
  }

  private func connection(
    to endpoint: Endpoint, within timeout: Duration
  ) async throws(ExchangeFailure) -> PooledConnection {
    while let known = idle.take(endpoint) {
      if known.channel.isActive { return known }
    }
    let limit = min(timeout, .seconds(2))
    do {
      let handler = AnswerHandler()
      let (tls, isTLS, name) = (tls, endpoint.isTLS, endpoint.serverName)
      let waiter = TLSWaiter()
      let channel = try await ClientBootstrap(group: group)
        .connectTimeout(.nanoseconds(Int64(limit / .nanoseconds(1))))
        .channelOption(.socketOption(.tcp_nodelay), value: 1)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            if isTLS {
              guard let tls else { throw ClientTLS.Missing() }
              try channel.pipeline.syncOperations.addHandler(
                try NIOSSLClientHandler(context: tls, serverHostname: name))
              try channel.pipeline.syncOperations.addHandler(waiter)
            }
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            try channel.pipeline.syncOperations.addHandler(handler)
          }
        }
        .connect(host: endpoint.host, port: endpoint.port).get()
      // Before that nothing of a request leaves, so whoever fails here has sent nothing.
      if isTLS { try await waiter.untilOpen(channel, within: limit) }
      return PooledConnection(channel: channel, handler: handler)
    } catch {
      throw .notSent(ConnectionPool.reason(error))
    }
  }

  /// What people call it.
  private static func reason(_ error: any Error) -> String {
    let text = "\(error)"
    if text.contains("CERTIFICATE_VERIFY_FAILED") || error is NIOSSLExtraError {
      return "its certificate is not believed: no authority that this client trusts signed it for"
        + " that host"
    }
    if text.contains("refused") { return "connection refused" }
    if text.contains("connectTimeout") || text.contains("timed out") { return "no answer" }
    return text
  }
}

/// A connection and what listens on it.
private struct PooledConnection: Sendable {
  var channel: any Channel
  var handler: AnswerHandler
}

/// Connections that nobody uses now.
private final class IdleConnections: Sendable {
  private let idle = ClientBox<[Endpoint: [PooledConnection]]>([:])

  func take(_ endpoint: Endpoint) -> PooledConnection? {
    idle.change { $0[endpoint]?.popLast() }
  }

  func put(_ connection: PooledConnection, _ endpoint: Endpoint) {
    let isKept = idle.change { idle in
      guard idle[endpoint, default: []].count < 256 else { return false }
      idle[endpoint, default: []].append(connection)
      return true
    }
    if !isKept { connection.channel.close(promise: nil) }
  }
}
#endif

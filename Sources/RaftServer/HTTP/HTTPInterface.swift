#if Server
// HTTP as Hummingbird speaks it, and nothing that decides anything.

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import RaftInterface
import ServiceLifecycle

/// What a connection tells of its client.
struct ServerContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let client: String
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
    client = source.channel.remoteAddress?.ipAddress ?? "-"
  }
}

/// Bounds on what one client may cost.
package struct HTTPLimits: Sendable {
  /// The largest body. Unit: bytes.
  package var bodyBytes = 4 << 20
  /// The longest header, and all of them together. Unit: bytes.
  package var headerBytes = 16 << 10
  /// How many headers a request may have.
  static let headerCount = 64
  /// How long a request may take to arrive whole. Unit: seconds.
  package var arrivalSeconds: Int64 = 10
  /// After how long an idle connection is closed. Unit: seconds.
  package var idleSeconds: Int64 = 120
  /// How many connections there may be at a time.
  package var connections = 4_096

  package init() {}
}

/// What answers requests that come by HTTP.
package protocol HTTPAnswering: Sendable {
  /// Answers a request. Whatever is asked, there is an answer.
  func respond(_ request: APIRequest) async -> APIResponse

  /// What answers some requests without a task; `nil` where nothing does.
  var shortly: (any ShortAnswering)? { get }
}

extension HTTPAnswering {
  package var shortly: (any ShortAnswering)? { nil }
}

extension API: HTTPAnswering, ShortAnswering {
  package var shortly: (any ShortAnswering)? { self }
}

/// The responder that hands requests to the interface.
struct HTTPFront<Interface: HTTPAnswering>: HTTPResponder {
  let api: Interface
  let limits: HTTPLimits
  private let arrivals: Arrivals

  init(api: Interface, limits: HTTPLimits) {
    self.api = api
    self.limits = limits
    arrivals = Arrivals(seconds: limits.arrivalSeconds)
  }

  func respond(to request: Request, context: ServerContext) async throws -> Response {
    var headers: [(name: String, value: String)] = []
    // The library keeps the host apart from the other headers.
    if let host = request.head.authority { headers.append(("host", host)) }
    for field in request.headers { headers.append((field.name.canonicalName, field.value)) }
    let target = request.head.path ?? "/"
    do throws(Ruling) {
      let body = try await body(of: request, on: context.channel)
      // What is asked for without its body is found as with it.
      let asked = try APIRequest(
        method: request.method == .head ? "GET" : request.method.rawValue, target: target,
        headers: headers, body: body, client: context.client)
      return HTTPFront.response(await api.respond(asked), isHead: request.method == .head)
    } catch {
      return HTTPFront.response(HTTPFront.refusal(error), isHead: false)
    }
  }

  static func refusal(_ ruling: Ruling) -> APIResponse {
    APIResponse(
      status: ruling.reason == "tooLarge" ? 413 : ruling.httpStatus,
      headers: [("content-type", "application/problem+json"), ("connection", "close")],
      bytes: Array((ruling.problem.line + "\n").utf8))
  }

  /// The whole body, if it is not too large and does not come too slowly.
  private func body(
    of request: Request, on channel: any Channel
  ) async throws(Ruling) -> [UInt8] {
    if request.headers[.contentLength] == "0" { return [] }
    if request.headers[.contentLength] == nil, request.headers[.transferEncoding] == nil {
      return []
    }
    let number = arrivals.begin(on: channel)
    let ruling: Ruling
    do {
      let buffer = try await request.body.collect(upTo: limits.bodyBytes)
      if !arrivals.end(number) { return Array(buffer.readableBytesView) }
      ruling = tooSlow
    } catch is NIOTooManyBytesError {
      ruling = arrivals.end(number) ? tooSlow : tooLarge
    } catch let error as HTTPError where error.status == .contentTooLarge {
      ruling = arrivals.end(number) ? tooSlow : tooLarge
    } catch {
      ruling =
        arrivals.end(number)
        ? tooSlow : Ruling(.badRequest, reason: "broken", "the body did not arrive whole")
    }
    throw ruling
  }

  private var tooLarge: Ruling {
    Ruling(.badRequest, reason: "tooLarge", "a body has at most \(limits.bodyBytes) bytes")
  }

  private var tooSlow: Ruling {
    Ruling(
      .badRequest, reason: "tooSlow",
      "the request did not arrive within \(limits.arrivalSeconds) s")
  }

  static func response(_ response: APIResponse, isHead: Bool) -> Response {
    var fields = HTTPFields()
    for (name, value) in response.headers {
      // A value with a line end in it would be another header.
      guard let name = HTTPField.Name(name) else { continue }
      fields.append(HTTPField(name: name, value: value))
    }
    let status = HTTPResponse.Status(code: response.status)
    switch response.body {
    case .bytes(let bytes):
      fields[.contentLength] = String(bytes.count)
      let body = isHead ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
      return Response(status: status, headers: fields, body: body)
    case .events where isHead, .pieces where isHead:
      return Response(status: status, headers: fields)
    case .events(let send):
      return Response(
        status: status, headers: fields,
        body: body { sink in
          try await sink.keepAlive()
          try await send(sink)
        })
    case .pieces(let send): return Response(status: status, headers: fields, body: body(send))
    }
  }

  private static func body(
    _ send: @escaping @Sendable (EventSink) async throws -> Void
  ) -> ResponseBody {
    ResponseBody { writer in
      let shared = WriterBox(writer)
      try await send(EventSink { bytes in try await shared.write(ByteBuffer(bytes: bytes)) })
      try await shared.finish()
    }
  }
}

/// The writer of one response. Used by one task, one call after the other.
private final class WriterBox: @unchecked Sendable {
  private var writer: any ResponseBodyWriter

  init(_ writer: any ResponseBodyWriter) { self.writer = writer }

  func write(_ buffer: ByteBuffer) async throws { try await writer.write(buffer) }

  func finish() async throws { try await writer.finish(nil) }
}

/// HTTP with a short way before it, where there is one.
private struct ShortWayFront: ServerChildChannel {
  let base: HTTP1Channel
  let answering: (any ShortAnswering)?
  let limits: HTTPLimits
  let date = HTTPDate()

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
    base.setup(channel: channel, logger: logger).flatMapThrowing { value in
      guard let answering else { return value }
      let pipeline = channel.pipeline.syncOperations
      let encoder = try pipeline.handler(type: HTTPResponseEncoder.self)
      let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
      let long = LongWay()
      try pipeline.addHandler(long, position: .after(decoder))
      try pipeline.addHandler(
        ShortWay(answering, long, date: date, limits: limits), position: .before(encoder))
      return value
    }
  }

  func handle(value: HTTP1Channel.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}

/// A server of HTTP, for whatever answers.
package enum HTTPServing {
  /// What answers call themselves.
  static let serverName = "flotilla"

  /// A server that listens once it runs, until its group is shut down.
  ///
  /// - Parameters:
  ///   - answering: what answers.
  ///   - host: where it listens: a name or an address.
  ///   - port: the port; 0 for any.
  ///   - limits: what one client may cost.
  ///   - certificates: what clients are shown; `nil` without TLS.
  ///   - logger: where it logs.
  ///   - onRunning: called with the port when it listens.
  static func service(
    _ answering: some HTTPAnswering, host: String, port: Int, limits: HTTPLimits,
    certificates: ServerCertificates?, logger: Logger,
    onRunning: @escaping @Sendable (Int) -> Void
  ) -> some ServiceLifecycle.Service {
    let shortly = answering.shortly
    let channel = HTTP1Channel.Configuration(
      // Before a short way nobody else sees every request.
      idleTimeout: shortly == nil ? .seconds(limits.idleSeconds) : nil,
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
        maxHeaderFieldCount: HTTPLimits.headerCount))
    return Application(
      responder: HTTPFront(api: answering, limits: limits),
      server: HTTPServerBuilder { responder in
        let plain = ShortWayFront(
          base: HTTP1Channel(responder: responder, configuration: channel), answering: shortly,
          limits: limits)
        guard let certificates else { return plain }
        return TLSFront(base: plain, certificates: certificates)
      },
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), serverName: serverName),
      onServerRunning: { onRunning($0.localAddress?.port ?? 0) }, logger: logger)
  }

  /// A server of plain HTTP; see above.
  package static func service(
    _ answering: some HTTPAnswering, host: String, port: Int, limits: HTTPLimits, logger: Logger,
    onRunning: @escaping @Sendable (Int) -> Void
  ) -> some ServiceLifecycle.Service {
    service(
      answering, host: host, port: port, limits: limits, certificates: nil, logger: logger,
      onRunning: onRunning)
  }
}
#endif

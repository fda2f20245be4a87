#if Server
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Raft
import RaftInterface
import TestPace
import Testing

@testable import RaftServer

/// What was asked for, from whichever reader.
private struct Asked: Equatable {
  var method = ""
  var target = ""
  var headers: [String] = []
  var body: [UInt8] = []
}

/// A request is read before the decoder only if every reader reads it so.
@Suite(.computing) struct PlainRequestTests {
  private static func read(_ bytes: [UInt8]) -> (asked: Asked, length: Int)? {
    bytes.withUnsafeBytes { raw in
      guard let read = PlainRequest(raw, isWanted: { _, _ in true }), raw.count >= read.length
      else { return nil }
      let asked = Asked(
        method: read.method, target: read.target,
        headers: read.headers.map { "\($0.name): \($0.value)" },
        body: Array(raw[read.headBytes..<read.length]))
      return (asked, read.length)
    }
  }

  /// All requests that the library's decoder finds in these bytes; `nil` if it finds an error.
  private static func decoded(_ bytes: [UInt8]) throws -> [Asked]? {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = HTTPLimits().headerBytes
    limits.maxHeaderListSize = HTTPLimits().headerBytes
    limits.maxHeaderFieldCount = HTTPLimits.headerCount
    let decoder = ByteToMessageHandler(
      HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits))
    let channel = EmbeddedChannel(handler: decoder)
    defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
    do { try channel.writeInbound(ByteBuffer(bytes: bytes)) } catch { return nil }
    var list: [Asked] = []
    var isWhole = true
    while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
      switch part {
      case .head(let head):
        isWhole = false
        list.append(
          Asked(
            method: head.method.rawValue, target: head.uri,
            headers: head.headers.map { "\($0.name.lowercased()): \($0.value)" }))
      case .body(let body): list[list.count - 1].body += Array(body.readableBytesView)
      case .end: isWhole = true
      }
    }
    return isWhole ? list : nil
  }

  private static let whole = [
    "PUT /v1/kv/a HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\n\r\none",
    "GET /v1/kv/a?read=stale HTTP/1.1\r\nhost: a\r\nAccept:  application/json\r\n\r\n",
    "POST /v1/x HTTP/1.1\r\nhost:a\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\nx:\r\n\r\n",
    "PUT /v1/kv/b HTTP/1.1\r\nhost: a\r\nx-y_z: \"a, b\"\r\ncontent-length: 12\r\n\r\nGET / HTTP/1",
  ]

  @Test func `what is plain is read as the decoder reads it, and it ends at the same place`()
    throws
  {
    let odd = Array("\r\n\r\n \t:;,%+0123456789abcHTP/.\0\u{7f}\u{e9}-_".utf8)
    let lines = [
      "content-length: 3\r\n", "Content-Length: 03\r\n", "content-length: +3\r\n",
      "transfer-encoding: chunked\r\n", "connection: close\r\n", " folded\r\n", "a b: c\r\n",
      "expect: 100-continue\r\n", "upgrade: h2c\r\n", "x: \tb\r\n", "\r\n", "x: a\n", "x: a\r",
      "proxy-connection: close\r\n", "Keep-Alive: timeout=1\r\n",
      String(repeating: "a:\r\n", count: 62),
    ].map { Array($0.utf8) }
    let behind = Array("GET /behind HTTP/1.1\r\nhost: z\r\n\r\n".utf8)
    var random = RandomSource(seed: 11)
    var plain = 0
    for _ in 0..<3_000 {
      let start = random.draw(in: 0..<PlainRequestTests.whole.count)
      var bytes = Array(PlainRequestTests.whole[start].utf8)
      for _ in 0..<random.draw(below: 4) {
        let place = random.draw(in: 0..<bytes.count)
        switch random.draw(below: 5) {
        case 0: bytes[place] ^= 1 << UInt8(random.draw(below: 8))
        case 1: bytes[place] = odd[random.draw(in: 0..<odd.count)]
        case 2: bytes.insert(odd[random.draw(in: 0..<odd.count)], at: place)
        case 3: bytes.remove(at: place)
        default:
          let ends = bytes.indices.filter { $0 > 0 && bytes[$0 - 1] == 0x0a }
          guard !ends.isEmpty else { break }
          let line = lines[random.draw(in: 0..<lines.count)]
          bytes.insert(contentsOf: line, at: ends[random.draw(in: 0..<ends.count)])
        }
      }
      guard let (asked, length) = PlainRequestTests.read(bytes) else { continue }
      plain += 1
      // With another behind it, so that it has to end where it is said to.
      let decoded = try PlainRequestTests.decoded(Array(bytes[..<length]) + behind)
      let next = Asked(method: "GET", target: "/behind", headers: ["host: z"])
      #expect(
        decoded == [asked, next], "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
    }
    #expect(plain > 300, "\(plain)")
  }

  @Test func `what readers disagree about is not plain`() {
    let head = "PUT /v1/kv/a HTTP/1.1\r\nhost: a\r\n"
    let notPlain = [
      // Not all there.
      "", "PUT", "PUT /v1/kv/a HTTP/1.1\r\n", head, head + "\r", head + "x: y\r\n",
      // Of another version, or no request line.
      "PUT /v1/kv/a HTTP/1.0\r\n\r\n", "PUT /v1/kv/a HTTP/2.0\r\n\r\n", "PUT /v1/kv/a\r\n\r\n",
      "PUT  /v1/kv/a HTTP/1.1\r\n\r\n", "put /v1/kv/a HTTP/1.1\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\n\r\n", "HEAD /v1/kv/a HTTP/1.1\r\n\r\n",
      "GET http://a/v1/kv/a HTTP/1.1\r\n\r\n", "CONNECT a:80 HTTP/1.1\r\n\r\n",
      " PUT /v1/kv/a HTTP/1.1\r\n\r\n", "\r\nPUT /v1/kv/a HTTP/1.1\r\n\r\n",
      "PUT /v1/kv/a HTTP/1.1\n\n", "PUT /v1/kv/\u{e9} HTTP/1.1\r\n\r\n",
      // Bodies whose length is not said, or said in a way of its own.
      head + "transfer-encoding: chunked\r\n\r\n", head + "Transfer-Encoding: identity\r\n\r\n",
      head + "content-length: 1\r\ncontent-length: 1\r\n\r\nx",
      head + "content-length: 1, 1\r\n\r\nx", head + "content-length: +1\r\n\r\nx",
      head + "content-length: 0x1\r\n\r\nx", head + "content-length:\r\n\r\n",
      head + "content-length: 99999999999\r\n\r\n", head + "content-length: -1\r\n\r\n",
      // Lines that are none.
      head + " folded\r\n\r\n", head + "x : y\r\n\r\n", head + ": y\r\n\r\n", head + "x\r\n\r\n",
      head + "x: a\nb: c\r\n\r\n", head + "x: a\rb\r\n\r\n", head + "x: \0\r\n\r\n",
      head + "x: \u{e9}\r\n\r\n", head + "x:\ty\r\n\r\n", head + "x: y \r\n\r\n",
      // What changes what becomes of the connection.
      head + "connection: close\r\n\r\n", head + "Connection: upgrade\r\n\r\n",
      head + "Proxy-Connection: close\r\n\r\n", head + "upgrade: websocket\r\n\r\n",
      head + "Expect: 100-continue\r\n\r\n",
      head + "trailer: x\r\n\r\n", head + "te: trailers\r\n\r\n",
      // More and longer than anybody's.
      head + String(repeating: "a:\r\n", count: 64) + "\r\n",
      head + "x: " + String(repeating: "y", count: PlainRequest.headLimit) + "\r\n\r\n",
    ]
    for text in notPlain {
      let bytes = Array(text.utf8)
      let read = bytes.withUnsafeBytes { PlainRequest($0, isWanted: { _, _ in true })?.length }
      #expect(read == nil, "\(text.debugDescription)")
    }
  }
}

/// Answers `/v1/kv/` when it is told to.
private final class Later: ShortAnswering, @unchecked Sendable {
  // All on the one loop of an embedded channel.
  var waiting: [(APIRequest, @Sendable (APIResponse) -> Void)] = []

  func isShort(method: String, target: String) -> Bool { target.hasPrefix("/v1/kv/") }

  func answerShortly(
    _ request: APIRequest, _ answer: @escaping @Sendable (APIResponse) -> Void
  ) {
    waiting.append((request, answer))
  }

  func answer() {
    let (request, answer) = waiting.removeFirst()
    answer(APIResponse(status: 200, bytes: Array("short \(request.target)".utf8)))
  }
}

/// Answers what comes the long way, at once or when it is told to.
private final class Library: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  var isPrompt = true
  var asked: [String] = []
  var events = 0
  var errors = 0

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): asked.append(head.uri)
    case .body: break
    case .end: if isPrompt { answer(context) }
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) { events += 1 }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { errors += 1 }

  func answer(_ context: ChannelHandlerContext) {
    let head = HTTPResponseHead(
      version: .http1_1, status: .ok, headers: ["content-length": "0", "long": "yes"])
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }
}

/// Whoever reads at the other end, or does not.
private final class Other: ChannelOutboundHandler {
  typealias OutboundIn = IOData

  var isReading = true
  private var unread: [(NIOAny, EventLoopPromise<Void>?)] = []

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if isReading { context.write(data, promise: promise) } else { unread.append((data, promise)) }
  }

  func readAll(_ context: ChannelHandlerContext) {
    isReading = true
    for (data, promise) in unread { context.write(data, promise: promise) }
    context.flush()
  }
}

@Suite struct ShortWayPipelineTests {
  private let channel = EmbeddedChannel()
  private let later = Later()
  private let library = Library()
  private let other = Other()

  init() throws {
    let pipeline = channel.pipeline.syncOperations
    let long = LongWay()
    try pipeline.addHandlers([
      other, ShortWay(later, long, date: HTTPDate(), limits: HTTPLimits()), HTTPResponseEncoder(),
      ByteToMessageHandler(HTTPRequestDecoder()), long, library,
    ])
  }

  private func get(_ path: String, _ headers: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nhost: a\r\n\(headers)\r\n"
  }

  private func send(_ text: String) throws {
    try channel.writeInbound(ByteBuffer(string: text))
  }

  /// What was answered since the last time: the bodies of short answers, `long` for others.
  private func answers() throws -> [String] {
    var text = ""
    while let data = try channel.readOutbound(as: IOData.self) {
      if case .byteBuffer(let bytes) = data { text += String(buffer: bytes) }
    }
    return text.split(separator: "HTTP/1.1 200 OK\r\n").map { answer in
      answer.contains("long: yes") ? "long" : String(answer.split(separator: "\r\n\r\n").last ?? "")
    }
  }

  @Test func `what comes behind a short request waits for its answer, whichever way it goes`()
    throws
  {
    try send(get("/v1/kv/a") + get("/v1/ping") + get("/v1/kv/b"))
    #expect(later.waiting.count == 1 && library.asked.isEmpty)
    later.answer()
    #expect(library.asked == ["/v1/ping"] && later.waiting.count == 1)
    #expect(try answers() == ["short /v1/kv/a", "long"])
    later.answer()
    #expect(try answers() == ["short /v1/kv/b"])
  }

  @Test func `nothing goes the short way while a long answer is owed`() throws {
    library.isPrompt = false
    try send(get("/v1/ping"))
    try send(get("/v1/kv/a"))
    #expect(later.waiting.isEmpty && library.asked == ["/v1/ping", "/v1/kv/a"])
    let context = try channel.pipeline.syncOperations.context(handler: library)
    library.answer(context)
    try send(get("/v1/kv/b"))
    #expect(later.waiting.isEmpty && library.asked.last == "/v1/kv/b")
    library.answer(context)
    library.answer(context)
    try send(get("/v1/kv/c"))
    #expect(later.waiting.count == 1)
  }

  @Test func `a request in pieces goes the long way, and the next one the short way`() throws {
    let put = "PUT /v1/kv/a HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc"
    try send(put)
    try send("de")
    #expect(try answers().isEmpty)
    try send("f" + get("/v1/kv/b"))
    #expect(try answers() == ["long"] && later.waiting.count == 1)
  }

  @Test func `behind what is not plain the connection stays on the long way`() throws {
    try send(get("/v1/kv/a", "te: trailers\r\n"))
    try send(get("/v1/kv/b"))
    #expect(later.waiting.isEmpty && library.asked == ["/v1/kv/a", "/v1/kv/b"])
    #expect(try answers() == ["long", "long"])
  }

  @Test func `what comes of a page goes the long way`() throws {
    try send(get("/v1/kv/a", "Origin: http://a\r\n"))
    #expect(later.waiting.isEmpty && library.asked == ["/v1/kv/a"])
  }

  @Test func `a client that does not read its answers gets no more of them`() throws {
    try send(get("/v1/kv/a") + get("/v1/kv/b") + get("/v1/kv/c"))
    other.isReading = false
    channel.isWritable = false
    later.answer()
    #expect(later.waiting.isEmpty)
    channel.isWritable = true
    try other.readAll(channel.pipeline.syncOperations.context(handler: other))
    #expect(later.waiting.count == 1)
    later.answer()
    later.answer()
    #expect(try answers() == ["short /v1/kv/a", "short /v1/kv/b", "short /v1/kv/c"])
  }

  @Test func `what the connection is told waits for the answer, too`() throws {
    try send(get("/v1/kv/a"))
    channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    #expect(library.events == 0)
    later.answer()
    #expect(library.events == 1)
    #expect(try answers() == ["short /v1/kv/a"])
  }

  @Test func `behind what the decoder refuses nothing is done`() throws {
    let refused = "GET /v1/ping HTTP/1.1\r\nhost: a b\u{1}\r\n\r\n"
    // A plain one that ends where it should, so that the fault is the decoder's alone.
    let context = try channel.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
    context.fireChannelRead(NIOAny(ByteBuffer(string: refused)))
    #expect(library.errors == 1)
    try send(get("/v1/kv/a"))
    #expect(later.waiting.isEmpty)
  }

  @Test func `bytes that come one by one behind a request are held as one`() throws {
    try send(get("/v1/kv/a"))
    for byte in get("/v1/kv/b").utf8 { try channel.writeInbound(ByteBuffer(bytes: [byte])) }
    later.answer()
    #expect(later.waiting.count == 1)
    later.answer()
    #expect(try answers() == ["short /v1/kv/a", "short /v1/kv/b"])
  }

  @Test func `an answer to a client who is gone is dropped`() throws {
    try send(get("/v1/kv/a"))
    _ = try channel.finish(acceptAlreadyClosed: true)
    later.answer()
    #expect(try answers().isEmpty)
  }
}
#endif

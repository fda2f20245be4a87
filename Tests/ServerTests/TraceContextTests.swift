#if Server
import Foundation
import Logging
import Metrics
import RaftInterface
import Testing
import Tracing

@testable import RaftServer

private struct Headers: Extractor, Injector {
  func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
  func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
    carrier[key] = value
  }
}

/// Our own tracer: what it reads, what it records, and how it is written.
@Suite struct TraceContextTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let header = "00-\(trace)-b7ad6b7169203331-01"

  private func tracer(
    _ samplePerMillion: UInt64, limit: Int = 8_192, _ registry: MetricsRegistry = MetricsRegistry()
  ) -> NodeTracer {
    NodeTracer(
      samplePerMillion: samplePerMillion, queue: SpanQueue(limit: limit, metrics: registry))
  }

  private func context(_ header: String, _ state: String? = nil) -> TraceContext? {
    TraceContext(traceparent: header, tracestate: state)
  }

  // MARK: Headers

  @Test func `what a sender says is read, and passed on as the specification wants it`() throws {
    let tracer = tracer(0)
    var outside = ServiceContext.topLevel
    tracer.extract(
      ["traceparent": TraceContextTests.header, "tracestate": "vendor=a1,other@x=2"],
      into: &outside, using: Headers())
    let span = tracer.startSpan("s", context: outside)
    var sent: [String: String] = [:]
    tracer.inject(span.context, into: &sent, using: Headers())
    let own = try #require(span.context.trace)
    #expect(own.spanText != "b7ad6b7169203331" && own.spanText.utf8.count == 16)
    #expect(sent["traceparent"] == "00-\(TraceContextTests.trace)-\(own.spanText)-01")
    #expect(sent["tracestate"] == "vendor=a1,other@x=2")
    var nothing: [String: String] = [:]
    tracer.inject(.topLevel, into: &nothing, using: Headers())
    #expect(nothing.isEmpty)
  }

  @Test(
    "a header that the specification forbids is none",
    arguments: [
      "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
      "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
      "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
      " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-０af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01,"
        + "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ])
  func hostile(_ header: String) { #expect(context(header) == nil) }

  @Test func `of a version to come is read what is known of it`() {
    let rest = TraceContextTests.header.dropFirst(2)
    #expect(context("01\(rest)")?.isSampled == true)
    #expect(context("cc\(rest)-and-more")?.traceText == TraceContextTests.trace)
    #expect(context("00\(rest.dropLast(2))00")?.isSampled == false)
    #expect(context("00\(rest.dropLast(2))ff")?.isSampled == true)
  }

  @Test(
    "a state that is none is left out, and the rest holds",
    arguments: [
      "", "vendor", "=1", "vendor=", "Vendor=1", "a=1,a=2", "a=1=2", "a=\u{7f}", "a=é", "é=a",
      String(repeating: "a", count: 257) + "=1", "a=" + String(repeating: "b", count: 511),
      (0..<33).map { "k\($0)=1" }.joined(separator: ","),
    ])
  func state(_ text: String) throws {
    let read = try #require(context(TraceContextTests.header, text))
    #expect(read.state == nil && read.isSampled)
  }

  @Test func `several headers of one name are one list`() throws {
    let request = try APIRequest(
      method: "PUT", target: "/v1/kv/a",
      headers: [
        ("traceparent", TraceContextTests.header), ("tracestate", "a=1"), ("tracestate", "b=2"),
      ])
    #expect(HeaderExtractor().extract(key: "tracestate", from: request) == "a=1,b=2")
    #expect(HeaderExtractor().extract(key: "Traceparent", from: request) != nil)
    #expect(HeaderExtractor().extract(key: "baggage", from: request) == nil)
  }

  // MARK: Sampling

  @Test func `who says that a trace is recorded or not is heeded, whatever the share`() {
    for (flag, share) in [("01", 0), ("00", 1_000_000)] as [(String, UInt64)] {
      let tracer = tracer(share)
      var outside = ServiceContext.topLevel
      let header = String(TraceContextTests.header.dropLast(2)) + flag
      tracer.extract(["traceparent": header], into: &outside, using: Headers())
      let span = tracer.startSpan("s", context: outside)
      #expect(span.isRecording == (flag == "01"))
      let child = tracer.startSpan("c", context: span.context)
      #expect(child.isRecording == (flag == "01"))
      child.end()
      span.end()
      #expect(tracer.queue.takeAll().map(\.name) == (flag == "01" ? ["c", "s"] : []))
    }
  }

  @Test func `where nobody says, a share is recorded, and children as their parents`() {
    for (share, range) in [
      (0, 0...0), (250_000, 800...1_200), (1_000_000, 4_000...4_000),
    ] as [(UInt64, ClosedRange<Int>)] {
      let tracer = tracer(share)
      for _ in 0..<4_000 {
        let span = tracer.startSpan("s", context: .topLevel)
        let child = tracer.startSpan("c", context: span.context)
        #expect(child.isRecording == span.isRecording)
        #expect(child.context.trace?.traceText == span.context.trace?.traceText)
        span.end()
      }
      #expect(range.contains(tracer.queue.takeAll().count), "\(share)")
    }
  }

  @Test func `a span that has ended changes no more, and ends once`() {
    let tracer = tracer(1_000_000)
    let span = tracer.startSpan("s", context: .topLevel)
    span.end()
    span.operationName = "other"
    span.attributes["late"] = true
    span.end()
    let ended = tracer.queue.takeAll()
    #expect(ended.map(\.name) == ["s"] && ended.first?.attributes.isEmpty ?? false)
    #expect(!span.isRecording)
  }

  // MARK: The queue and the file

  private func count(_ name: String, _ reason: String? = nil, _ registry: MetricsRegistry)
    -> UInt64?
  {
    let series = registry.list().first { $0.name == name }?.series
    let one = series?.first { reason == nil || $0.labels.contains { $0.value == reason } }
    guard case .counter(let count)? = one?.value else { return nil }
    return count
  }

  @Test func `what finds no room is forgotten and counted`() {
    let registry = MetricsRegistry()
    let tracer = tracer(1_000_000, limit: 3, registry)
    for _ in 0..<5 { tracer.startSpan("s", context: .topLevel).end() }
    #expect(count("trace_spans_dropped_total", "queueFull", registry) == 2)
    #expect(tracer.queue.takeAll().count == 3)
    tracer.startSpan("s", context: .topLevel).end()
    #expect(count("trace_spans_dropped_total", "queueFull", registry) == 2)
  }

  private func export(_ count: Int, to file: String, _ registry: MetricsRegistry) async throws {
    let queue = SpanQueue(metrics: registry)
    let tracer = NodeTracer(samplePerMillion: 1_000_000, queue: queue)
    let exporter = try TraceExporter(
      TraceSettings(samplePerMillion: 0, file: file), queue, resource: [], version: "0",
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    for number in 0..<count { tracer.startSpan("s\(number)", context: .topLevel).end() }
    await exporter.stop()
    tracer.startSpan("late", context: .topLevel).end()
  }

  @Test func `a file gets whole lines, behind those that it has`() async throws {
    let file = NSTemporaryDirectory() + "flotilla-traces-\(UUID().uuidString).jsonl"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let registry = MetricsRegistry()
    for _ in 0..<2 { try await export(700, to: file, registry) }
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(text.hasSuffix("}\n"))
    let lines = text.split(separator: "\n")
    #expect(lines.count == 4)
    let names = try lines.flatMap { line in
      let document = try JSONValue(parsing: Array(line.utf8))
      return document["resourceSpans"]?.array?.first?["scopeSpans"]?.array?.first?["spans"]?.array
        ?? []
    }
    #expect(names.count == 1_400 && names[700]["name"]?.string == "s0")
    #expect(count("trace_spans_exported_total", nil, registry) == 1_400)
    // What comes after the end.
    #expect(count("trace_spans_dropped_total", "queueFull", registry) == 2)
  }

  @Test func `a file that cannot be opened is an error, and one that is full is counted`()
    async throws
  {
    let registry = MetricsRegistry()
    let error = await #expect(throws: TraceError.self) {
      try await export(1, to: "/there/is/no/such/folder", registry)
    }
    #expect(error?.description.contains("/there/is/no/such/folder: No such file") ?? false)
    #if os(Linux)
    try await export(600, to: "/dev/full", registry)
    #expect(count("trace_spans_dropped_total", "exportFailed", registry) == 600)
    #expect(count("trace_spans_exported_total", nil, registry) == 0)
    #endif
  }

  // MARK: JSON

  @Test func `a document is as the OpenTelemetry protocol has it`() throws {
    var parent = try #require(context(TraceContextTests.header, "v=1"))
    parent.span = 0xb7ad
    var own = parent
    own.span = 0xff
    own.isRemote = false
    var span = EndedSpan(trace: own, parent: parent, name: "PUT /a", kind: .server, start: 5)
    span.end = 18_446_744_073_709_551_615
    span.attributes = [
      "text": "a\"b", "number": 7, "truth": true, "real": 0.5, "odd": .double(.infinity),
      "list": .stringArray(["x"]), "numbers": .int64Array([-1]),
    ]
    span.events = [SpanEvent(name: "e", at: Moment(6), attributes: ["k": "v"])]
    span.status = SpanStatus(code: .error, message: "unavailable")
    let document = TraceDocument.document(
      [span], resource: [("service.name", "flotilla")], version: "1.2")
    #expect(
      document.line == """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",\
        "value":{"stringValue":"flotilla"}}]},"scopeSpans":[{"scope":{"name":"flotilla",\
        "version":"1.2"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c",\
        "spanId":"00000000000000ff","traceState":"v=1","parentSpanId":"000000000000b7ad",\
        "flags":769,"name":"PUT /a","kind":2,"startTimeUnixNano":"5",\
        "endTimeUnixNano":"18446744073709551615","attributes":[\
        {"key":"list","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}},\
        {"key":"number","value":{"intValue":"7"}},\
        {"key":"numbers","value":{"arrayValue":{"values":[{"intValue":"-1"}]}}},\
        {"key":"odd","value":{"doubleValue":"Infinity"}},\
        {"key":"real","value":{"doubleValue":0.5}},\
        {"key":"text","value":{"stringValue":"a\\"b"}},\
        {"key":"truth","value":{"boolValue":true}}],\
        "events":[{"timeUnixNano":"6","name":"e","attributes":[\
        {"key":"k","value":{"stringValue":"v"}}]}],\
        "status":{"message":"unavailable","code":2}}]}]}]}
        """)
  }

  @Test func `a root has no parent, and a clock that is set back makes no negative time`() throws {
    let own = try #require(context(TraceContextTests.header))
    var span = EndedSpan(trace: own, parent: nil, name: "s", kind: .internal, start: 9)
    span.end = 3
    let line = TraceDocument.document([span], resource: [], version: "").line
    #expect(!line.contains("parentSpanId"))
    #expect(line.contains(#""startTimeUnixNano":"9","endTimeUnixNano":"9""#))
    #expect(line.contains(#""flags":257,"name":"s","kind":1"#))
  }
}

private struct Moment: TracerInstant {
  var nanosecondsSinceEpoch: UInt64

  init(_ nanoseconds: UInt64) { nanosecondsSinceEpoch = nanoseconds }

  static func < (a: Moment, b: Moment) -> Bool {
    a.nanosecondsSinceEpoch < b.nanosecondsSinceEpoch
  }
}
#endif

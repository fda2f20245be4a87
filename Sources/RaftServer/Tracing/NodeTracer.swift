#if Server
// Our own tracer, for who brings none: it samples, and hands spans that have ended to a queue.

import Synchronization
import Tracing

/// A tracer of one node. What it records waits in its queue for whoever exports it.
package final class NodeTracer: Tracer {
  package typealias Span = NodeSpan

  /// How many of a million requests are followed of which nobody else has said so.
  package let samplePerMillion: UInt64
  let queue: SpanQueue

  package init(samplePerMillion: UInt64, queue: SpanQueue) {
    self.samplePerMillion = samplePerMillion
    self.queue = queue
  }

  package func startSpan<Instant: TracerInstant>(
    _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
    at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
  ) -> NodeSpan {
    var context = context()
    let parent = context.trace
    var own: TraceContext
    if let parent {
      own = parent
      own.isRemote = false
    } else {
      let low = UInt64.random(in: 1...UInt64.max)
      own = TraceContext(
        traceHigh: UInt64.random(in: 0...UInt64.max), traceLow: low, span: 0,
        isSampled: isSampled(low))
    }
    own.span = UInt64.random(in: 1...UInt64.max)
    context.trace = own
    return NodeSpan(
      context, own, parent: parent, name: operationName, kind: kind,
      start: own.isSampled ? instant().nanosecondsSinceEpoch : 0, queue: queue)
  }

  /// Whether a trace that begins here is recorded: by its name, which is drawn at random.
  func isSampled(_ low: UInt64) -> Bool {
    low.multipliedFullWidth(by: 1_000_000).high < samplePerMillion
  }

  package func forceFlush() { queue.wake() }

  package func extract<Carrier, Extract: Extractor>(
    _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
  ) where Extract.Carrier == Carrier {
    guard let parent = extractor.extract(key: "traceparent", from: carrier) else { return }
    let state = extractor.extract(key: "tracestate", from: carrier)
    guard let found = TraceContext(traceparent: parent, tracestate: state) else { return }
    context.trace = found
  }

  package func inject<Carrier, Inject: Injector>(
    _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
  ) where Inject.Carrier == Carrier {
    guard let trace = context.trace else { return }
    injector.inject(trace.traceparent, forKey: "traceparent", into: &carrier)
    if let state = trace.state { injector.inject(state, forKey: "tracestate", into: &carrier) }
  }
}

/// A span of ours. What is not sampled keeps nothing.
package final class NodeSpan: Tracing.Span {
  /// How many events a span keeps, and how many links; of more it keeps only how many there were.
  static let limit = 128

  package let context: ServiceContext
  private let trace: TraceContext
  private let queue: SpanQueue
  private let state: Mutex<EndedSpan?>

  fileprivate init(
    _ context: ServiceContext, _ trace: TraceContext, parent: TraceContext?, name: String,
    kind: SpanKind, start: UInt64, queue: SpanQueue
  ) {
    self.context = context
    self.trace = trace
    self.queue = queue
    state = Mutex(
      trace.isSampled
        ? EndedSpan(trace: trace, parent: parent, name: name, kind: kind, start: start) : nil)
  }

  /// It is sampled, and has not ended.
  package var isRecording: Bool { state.withLock { $0 != nil } }

  package var operationName: String {
    get { state.withLock { $0?.name ?? "" } }
    set { state.withLock { $0?.name = newValue } }
  }

  package var attributes: SpanAttributes {
    get { state.withLock { $0?.attributes ?? [:] } }
    set { state.withLock { $0?.attributes = newValue } }
  }

  package func setStatus(_ status: SpanStatus) { state.withLock { $0?.status = status } }

  package func addEvent(_ event: SpanEvent) {
    state.withLock { span in
      if span?.events.count ?? 0 < NodeSpan.limit {
        span?.events.append(event)
      } else {
        span?.droppedEvents += 1
      }
    }
  }

  package func recordError<Instant: TracerInstant>(
    _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
  ) {
    guard isRecording else { return }
    var attributes = attributes
    attributes["exception.type"] = "\(type(of: error))"
    attributes["exception.message"] = "\(error)"
    addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
  }

  package func addLink(_ link: SpanLink) {
    state.withLock { span in
      if span?.links.count ?? 0 < NodeSpan.limit {
        span?.links.append(link)
      } else {
        span?.droppedLinks += 1
      }
    }
  }

  package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
    let ended = state.withLock { span in
      let taken = span
      span = nil
      return taken
    }
    guard var ended else { return }
    ended.end = instant().nanosecondsSinceEpoch
    queue.add(ended)
  }
}

/// A span that has ended, or will.
package struct EndedSpan: Sendable {
  var trace: TraceContext
  var parent: TraceContext?
  package var name: String
  var kind: SpanKind
  /// Unit of both: nanoseconds since the beginning of 1970.
  var start: UInt64
  var end: UInt64 = 0
  var attributes: SpanAttributes = [:]
  var events: [SpanEvent] = []
  var links: [SpanLink] = []
  var status: SpanStatus?
  var droppedEvents = 0
  var droppedLinks = 0

  init(trace: TraceContext, parent: TraceContext?, name: String, kind: SpanKind, start: UInt64) {
    self.trace = trace
    self.parent = parent
    self.name = name
    self.kind = kind
    self.start = start
  }
}
#endif

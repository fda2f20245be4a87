#if Server
// Spans as OTLP writes them in JSON: the body of a request to a collector, and a line of a file.

import RaftInterface
import Tracing

/// Spans of one node as the OpenTelemetry protocol has them.
///
/// Names of traces and spans are hexadecimal digits, numbers of 64 bits strings, kinds and codes
/// numbers: so its JSON differs from that of other messages of protocol buffers.
package enum TraceDocument {
  /// How many attributes of a span are told.
  static let attributeLimit = 128

  /// One document.
  ///
  /// - Parameters:
  ///   - spans: the spans, in any order.
  ///   - resource: what made them, such as `service.name`.
  ///   - version: of the code that made them.
  package static func document(
    _ spans: [EndedSpan], resource: [(name: String, value: String)], version: String
  ) -> JSONValue {
    let scope = JSONValue.object([
      .init("name", .string("flotilla")), .init("version", .string(version)),
    ])
    let scoped = JSONValue.object([
      .init("scope", scope), .init("spans", .array(spans.map { value($0) })),
    ])
    let about = JSONValue.object([
      .init(
        "attributes",
        .array(resource.map { attribute($0.name, string($0.value)) }))
    ])
    return .object([
      .init(
        "resourceSpans",
        .array([.object([.init("resource", about), .init("scopeSpans", .array([scoped]))])]))
    ])
  }

  private static func value(_ span: EndedSpan) -> JSONValue {
    var members: [JSONValue.Member] = names(of: span.trace)
    if let parent = span.parent { members.append(.init("parentSpanId", .string(parent.spanText))) }
    members += [
      .init("flags", .count(flags(span))), .init("name", .string(span.name)),
      .init("kind", .count(number(span.kind))), .init("startTimeUnixNano", .text(span.start)),
      // A clock on the wall may be set meanwhile.
      .init("endTimeUnixNano", .text(max(span.start, span.end))),
    ]
    members += list(span.attributes)
    if !span.events.isEmpty {
      let events = span.events.map { event in
        JSONValue.object(
          [
            .init("timeUnixNano", .text(event.nanosecondsSinceEpoch)),
            .init("name", .string(event.name)),
          ] + list(event.attributes))
      }
      members.append(.init("events", .array(events)))
    }
    if span.droppedEvents > 0 {
      members.append(.init("droppedEventsCount", .count(span.droppedEvents)))
    }
    let links = span.links.compactMap { link in
      link.context.trace.map { JSONValue.object(names(of: $0) + list(link.attributes)) }
    }
    if !links.isEmpty { members.append(.init("links", .array(links))) }
    if span.droppedLinks > 0 {
      members.append(.init("droppedLinksCount", .count(span.droppedLinks)))
    }
    if let status = span.status { members.append(.init("status", value(status))) }
    return .object(members)
  }

  private static func names(of trace: TraceContext) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = [
      .init("traceId", .string(trace.traceText)), .init("spanId", .string(trace.spanText)),
    ]
    if let state = trace.state { members.append(.init("traceState", .string(state))) }
    return members
  }

  /// The flags of the trace; with bit 8 it is known whether the parent is of another process, and
  /// with bit 9 it is.
  private static func flags(_ span: EndedSpan) -> Int {
    let sampled = span.trace.isSampled ? 1 : 0
    return sampled | 0x100 | (span.parent?.isRemote ?? false ? 0x200 : 0)
  }

  private static func number(_ kind: SpanKind) -> Int {
    switch kind {
    case .internal: 1
    case .server: 2
    case .client: 3
    case .producer: 4
    case .consumer: 5
    }
  }

  private static func value(_ status: SpanStatus) -> JSONValue {
    var members: [JSONValue.Member] = []
    if let message = status.message { members.append(.init("message", .string(message))) }
    members.append(.init("code", .count(status.code == .ok ? 1 : 2)))
    return .object(members)
  }

  // MARK: Attributes

  private static func list(_ attributes: SpanAttributes) -> [JSONValue.Member] {
    var all: [(name: String, value: SpanAttribute)] = []
    func note(_ name: String, _ value: SpanAttribute) { all.append((name, value)) }
    attributes.forEach(note)
    guard !all.isEmpty else { return [] }
    // A dictionary has another order in each process.
    all.sort { $0.name < $1.name }
    let told = all.prefix(attributeLimit).map { attribute($0.name, value($0.value)) }
    var members = [JSONValue.Member("attributes", .array(told))]
    if all.count > told.count {
      members.append(.init("droppedAttributesCount", .count(all.count - told.count)))
    }
    return members
  }

  private static func attribute(_ name: String, _ value: JSONValue) -> JSONValue {
    .object([.init("key", .string(name)), .init("value", value)])
  }

  private static func value(_ attribute: SpanAttribute) -> JSONValue {
    switch attribute {
    case .string(let text): string(text)
    case .bool(let value): .object([.init("boolValue", .bool(value))])
    case .int32(let number): integer(number)
    case .int64(let number): integer(number)
    case .double(let number): real(number)
    case .stringArray(let list): array(list.map { string($0) })
    case .boolArray(let list): array(list.map { .object([.init("boolValue", .bool($0))]) })
    case .int32Array(let list): array(list.map { integer($0) })
    case .int64Array(let list): array(list.map { integer($0) })
    case .doubleArray(let list): array(list.map { real($0) })
    case .stringConvertible(let value): string("\(value)")
    case .stringConvertibleArray(let list): array(list.map { string("\($0)") })
    default: string("\(attribute)")
    }
  }

  private static func string(_ text: String) -> JSONValue {
    .object([.init("stringValue", .string(text))])
  }

  private static func integer(_ number: some BinaryInteger) -> JSONValue {
    .object([.init("intValue", .text(number))])
  }

  private static func real(_ number: Double) -> JSONValue {
    // What JSON has no digits for is a word, as in other messages of protocol buffers.
    let value: JSONValue =
      number.isFinite
      ? .number("\(number)")
      : .string(number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity")
    return .object([.init("doubleValue", value)])
  }

  private static func array(_ values: [JSONValue]) -> JSONValue {
    .object([.init("arrayValue", .object([.init("values", .array(values))]))])
  }
}
#endif

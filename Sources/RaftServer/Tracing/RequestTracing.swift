#if Server
// The span of a request from its arrival to its answer, on every surface, for whichever tracer
// there is. What happens within is told by the runtime.

import RaftInterface
import Tracing

/// Begins and ends the spans of requests. There is none where nobody traces.
package final class RequestTracing: Sendable {
  private let tracer: any Tracer

  /// `nil` for no tracer, and for the one that does nothing.
  package init?(_ tracer: (any Tracer)?) {
    guard let tracer, !(tracer is NoOpTracer) else { return nil }
    self.tracer = tracer
  }

  /// A span of the server below what the request says of its sender; `nil` if the tracer does not
  /// record it.
  package func begin<Carrier, Extract: Extractor>(
    _ name: String, _ carrier: Carrier, _ extractor: Extract
  ) -> (any Span)? where Extract.Carrier == Carrier {
    var context = ServiceContext.topLevel
    tracer.extract(carrier, into: &context, using: extractor)
    let span = tracer.startSpan(name, context: context, ofKind: .server)
    if span.isRecording { return span }
    span.end()
    return nil
  }

  /// Ends the span of a request.
  ///
  /// - Parameter isOurFault: the server could not do what was right to ask.
  package func end(_ span: any Span, outcome: String?, isOurFault: Bool) {
    if let outcome { span.attributes["flotilla.outcome"] = outcome }
    if isOurFault { span.setStatus(SpanStatus(code: .error, message: outcome)) }
    span.end()
  }

  // MARK: HTTP

  /// The span of a request by HTTP. Who asks how a node is does is not followed.
  func begin(_ request: APIRequest) -> (any Span)? {
    guard request.path.first == "v1",
      let span = begin(request.method, request, HeaderExtractor())
    else { return nil }
    span.attributes["http.request.method"] = request.method
    // Not the path itself: it has keys in it.
    if let route = OpenAPI.route(at: request.path, method: request.method) {
      span.operationName = "\(request.method) \(route)"
      span.attributes["http.route"] = route
    }
    return span
  }

  func end(_ span: any Span, _ response: APIResponse) {
    span.attributes["http.response.status_code"] = response.status
    end(
      span, outcome: response.headers.first { $0.name == "flotilla-outcome" }?.value,
      isOurFault: response.status >= 500)
  }

  /// Answers a request within its span.
  func follow(
    _ request: APIRequest, _ answer: () async -> APIResponse
  ) async -> APIResponse {
    guard let span = begin(request) else { return await answer() }
    let response = await ServiceContext.$current.withValue(span.context) { await answer() }
    end(span, response)
    return response
  }
}

/// Finds headers. Several of one name are one, with commas between them, as HTTP has it.
struct HeaderExtractor: Extractor {
  func extract(key: String, from request: APIRequest) -> String? {
    let name = key.lowercased()
    var found: String?
    for header in request.headers where header.name == name {
      found = found.map { "\($0),\(header.value)" } ?? header.value
    }
    return found
  }
}

extension OpenAPI {
  /// The path of the operation that answers a request, with names for what varies.
  static func route(at path: [Substring], method: String) -> String? {
    let verb = method.lowercased()
    var best: String?
    for operation in operations where operation.method == verb {
      let parts = operation.path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
      let isLong = parts.last == "{key}" && path.count > parts.count
      guard parts.count == path.count || isLong,
        zip(parts, path).allSatisfy({ $0 == $1 || $0.hasPrefix("{") })
      else { continue }
      // One that is named comes before one that is matched.
      if parts.elementsEqual(path) { return operation.path }
      best = best ?? operation.path
    }
    return best
  }
}
#endif

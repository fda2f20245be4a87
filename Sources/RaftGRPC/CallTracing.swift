#if GRPC
// The span of a call.

import GRPCCore
import RaftServer
import Tracing

/// Finds what a client sent beside its message. Several values of one name are one, with commas
/// between them.
struct MetadataExtractor: Extractor {
  func extract(key: String, from metadata: Metadata) -> String? {
    var found: String?
    for value in metadata[stringValues: key] { found = found.map { "\($0),\(value)" } ?? value }
    return found
  }
}

extension RequestTracing {
  /// Ends the span of a call with its status.
  func end(_ span: any Span, _ error: RPCError?) {
    span.attributes["rpc.grpc.status_code"] = error?.code.rawValue ?? 0
    var outcome: String?
    if let told = error?.metadata[stringValues: "flotilla-outcome"] {
      outcome = told.first { _ in true }
    }
    end(span, outcome: outcome, isOurFault: error?.code.isOurFault ?? false)
  }
}

extension RPCError.Code {
  /// What a server could not do, though it was right to ask.
  fileprivate var isOurFault: Bool {
    [.unknown, .deadlineExceeded, .unimplemented, .internalError, .unavailable, .dataLoss]
      .contains(self)
  }
}
#endif

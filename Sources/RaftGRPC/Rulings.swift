#if GRPC
// From the table of outcomes to statuses of gRPC and back.

import GRPCCore
import GRPCProtobuf
import RaftInterface
import SwiftProtobuf

/// Ours, not that of the core.
typealias Outcome = RaftInterface.Outcome

extension Outcome {
  /// The status of a call that ends so; `nil` if it succeeds.
  var errorCode: RPCError.Code? {
    switch self {
    case .ok, .duplicate, .underAcknowledged: nil
    case .keyReused: .alreadyExists
    case .refused, .notLeader: .failedPrecondition
    case .notFound: .notFound
    case .badRequest: .invalidArgument
    case .unauthorized: .unauthenticated
    case .forbidden: .permissionDenied
    case .tooBusy: .resourceExhausted
    case .unavailable: .unavailable
    case .unknown: .deadlineExceeded
    case .internal: .internalError
    case .corrupt: .dataLoss
    }
  }

  /// The value in messages.
  var kind: Flotilla_V1_OutcomeKind {
    switch self {
    case .ok: .ok
    case .duplicate: .duplicate
    case .keyReused: .keyReused
    case .refused: .refused
    case .notFound: .notFound
    case .badRequest: .badRequest
    case .unauthorized: .unauthorized
    case .forbidden: .forbidden
    case .notLeader: .notLeader
    case .tooBusy: .tooBusy
    case .unavailable: .unavailable
    case .unknown: .unknown
    case .underAcknowledged: .underAcknowledged
    case .internal: .internal
    case .corrupt: .corrupt
    }
  }
}

extension RetryAdvice {
  /// The value in messages.
  var value: Flotilla_V1_Retry {
    switch self {
    case .no: .no
    case .withAnotherKey: .withAnotherKey
    case .whenStateChanges: .whenStateChanges
    case .afterFixing: .afterFixing
    case .elsewhere: .elsewhere
    case .later: .later
    case .yes: .yes
    case .withTheSameKey: .withTheSameKey
    }
  }
}

extension Ruling {
  /// What is told of it, in a reply or among the details of a status.
  var message: Flotilla_V1_Outcome {
    .with {
      $0.kind = outcome.kind
      $0.reason = reason
      $0.detail = detail
      $0.retry = outcome.retry.value
      $0.index = index ?? 0
      if let leader {
        $0.leader = .with {
          $0.node = leader.node
          $0.address = leader.address ?? ""
        }
      }
      $0.retryAfterMs = retryAfterMilliseconds ?? 0
      $0.key = key ?? ""
      if let copies {
        $0.copies = copies.held
        $0.copiesAsked = copies.asked
      }
    }
  }

  /// The trailer in which a call's outcome stands as a word, as it does in HTTP's header.
  static let outcomeTrailer = "flotilla-outcome"

  /// The status of a call that ends so.
  var failure: RPCError {
    // Whoever calls this a failure has to say so.
    let code = outcome.errorCode ?? .internalError
    let text = detail.isEmpty ? [outcome.rawValue, reason].joined(separator: " ") : detail
    var details: [ErrorDetails] = []
    if let any = try? Google_Protobuf_Any(message: message) { details.append(.any(any)) }
    if outcome == .tooBusy {
      let milliseconds = Int64(clamping: retryAfterMilliseconds ?? 100)
      details.append(.retryInfo(delay: .milliseconds(min(milliseconds, 3_600_000))))
    }
    let status = GoogleRPCStatus(code: code, message: text, details: details)
    var metadata = status.rpcErrorMetadata
    metadata.addString(outcome.rawValue, forKey: Ruling.outcomeTrailer)
    return RPCError(code: code, message: text, metadata: metadata)
  }
}
#endif

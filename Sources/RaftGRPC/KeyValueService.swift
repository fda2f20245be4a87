#if GRPC
import Foundation
import GRPCCore
import Raft
import RaftInterface
import RaftMachines
import RaftServer

/// `flotilla.v1.KeyValue`.
struct KeyValueService<Replica: ReplicaService>: Flotilla_V1_KeyValue.ServiceProtocol {
  let desk: Desk<Replica>

  func get(
    request: ServerRequest<Flotilla_V1_GetRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_GetReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let (value, freshness) = try await desk.api.value(
        of: Array(message.key), try call.terms(message.read))
      return .with {
        $0.value = Data(value)
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  func put(
    request: ServerRequest<Flotilla_V1_PutRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_WriteReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      let key = Array(message.key)
      let value = Array(message.value)
      let command: KeyValue.Command
      switch message.condition {
      case .expected(let expected):
        command = .compareAndSet(key: key, expected: Array(expected), value: value)
      case .ifAbsent(true): command = .compareAndSet(key: key, expected: nil, value: value)
      case .ifAbsent(false), nil: command = .put(key: key, value: value)
      }
      let ruling = try await desk.api.change(command, try call.terms(message.write))
      return .with { $0.outcome = desk.outcome(ruling) }
    }
  }

  func delete(
    request: ServerRequest<Flotilla_V1_DeleteRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_WriteReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      let ruling = try await desk.api.change(
        .delete(key: Array(message.key)), try call.terms(message.write))
      return .with { $0.outcome = desk.outcome(ruling) }
    }
  }

  func list(
    request: ServerRequest<Flotilla_V1_ListRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_ListReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let limit = try Desk<Replica>.limit(message.limit)
      let (pairs, freshness) = try await desk.api.pairs(
        prefix: Array(message.prefix), after: message.hasAfter ? Array(message.after) : nil,
        limit: limit, try call.terms(message.read))
      return .with {
        $0.pairs = pairs.map { pair in
          .with {
            $0.key = Data(pair.key)
            $0.value = Data(pair.value)
            $0.changedAt = pair.changedAt.rawValue
          }
        }
        $0.isComplete = pairs.count < limit
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  func watch(
    request: ServerRequest<Flotilla_V1_WatchRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Flotilla_V1_Change> {
    try await desk.stream(request, context, .reader) { message, writer, isGone in
      let prefix = Array(message.prefix)
      var after = message.after
      if !message.hasAfter { after = await desk.api.service.report().appliedIndex }
      try await desk.api.follow(isGone: isGone) {
        switch await desk.api.changes(prefix: prefix, after: after) {
        case .list(let changes, let through):
          for change in changes { try await writer.write(change.message) }
          after = max(after, through)
          return changes.count
        case .forgotten(let through):
          try await writer.write(
            .with {
              $0.index = through
              $0.forgottenThrough = through
            })
          after = through
          return 1
        }
      }
    }
  }
}

extension KeyValue.Change {
  fileprivate var message: Flotilla_V1_Change {
    .with {
      $0.index = index.rawValue
      if let value {
        $0.put = .with {
          $0.key = Data(key)
          $0.value = Data(value)
          $0.changedAt = index.rawValue
        }
      } else {
        $0.deleted = Data(key)
      }
    }
  }
}

/// `flotilla.v1.Sessions`.
struct SessionService<Replica: ReplicaService>: Flotilla_V1_Sessions.ServiceProtocol {
  let desk: Desk<Replica>

  private func reply(_ ruling: Ruling, _ session: UInt64) -> Flotilla_V1_SessionReply {
    .with {
      $0.outcome = desk.outcome(ruling)
      $0.session = session
    }
  }

  func open(
    request: ServerRequest<Flotilla_V1_OpenSessionRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_SessionReply> {
    try await desk.unary(request, context, .writer) { _, call throws(Ruling) in
      let ruling = try await desk.api.openSession(call.timeout)
      return reply(ruling, ruling.index ?? 0)
    }
  }

  func keep(
    request: ServerRequest<Flotilla_V1_KeepSessionRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_SessionReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      let ruling = try await desk.api.keepSession(
        message.session, acknowledged: message.acknowledged, call.timeout)
      return reply(ruling, message.session)
    }
  }

  func close(
    request: ServerRequest<Flotilla_V1_CloseSessionRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_SessionReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      let ruling = try await desk.api.closeSession(message.session, call.timeout)
      return reply(ruling, message.session)
    }
  }
}
#endif

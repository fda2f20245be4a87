#if GRPC
import GRPCCore
import RaftInterface
import RaftServer

/// The standard health service, `grpc.health.v1.Health`: whether clients are well served here. It
/// wants no token, as `/readyz` does not.
struct HealthService<Replica: ReplicaService>: Grpc_Health_V1_Health.ServiceProtocol {
  let desk: Desk<Replica>
  /// How often a client that watches is looked after.
  private var interval: Duration { .milliseconds(200) }

  /// What can be asked after: the whole node, or one of its services. They are well together.
  private var known: Set<String> {
    [
      "", Flotilla_V1_Payments.descriptor.fullyQualifiedService,
      Flotilla_V1_KeyValue.descriptor.fullyQualifiedService,
      Flotilla_V1_Sessions.descriptor.fullyQualifiedService,
      Flotilla_V1_Topics.descriptor.fullyQualifiedService,
      Flotilla_V1_Administration.descriptor.fullyQualifiedService,
      Flotilla_V1_Replication.descriptor.fullyQualifiedService,
      Grpc_Health_V1_Health.descriptor.fullyQualifiedService,
    ]
  }

  private func status(
    _ service: String
  ) async -> Grpc_Health_V1_HealthCheckResponse.ServingStatus {
    guard known.contains(service) else { return .serviceUnknown }
    let isReady = await desk.api.readiness().allSatisfy { $0.problem == nil }
    return isReady ? .serving : .notServing
  }

  func check(
    request: ServerRequest<Grpc_Health_V1_HealthCheckRequest>, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Health_V1_HealthCheckResponse> {
    let status = await status(request.message.service)
    guard status != .serviceUnknown else {
      throw desk.failure(Ruling(.notFound, reason: "service", "there is no such service here"))
    }
    return ServerResponse(message: .with { $0.status = status })
  }

  func watch(
    request: ServerRequest<Grpc_Health_V1_HealthCheckRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Grpc_Health_V1_HealthCheckResponse> {
    let service = request.message.service
    return StreamingServerResponse { writer in
      var told: Grpc_Health_V1_HealthCheckResponse.ServingStatus?
      while !context.cancellation.isCancelled {
        let now = await status(service)
        if now != told { try await writer.write(.with { $0.status = now }) }
        told = now
        if desk.api.drain.isDraining { break }
        try await Task.sleep(for: interval)
      }
      return [:]
    }
  }
}
#endif

#if GRPC
// The interface for clients of gRPC: the same services as over HTTP, by the same rules.

import GRPCCore
import GRPCNIOTransportHTTP2
import Logging
import NIOCertificateReloading
import NIOSSL
import RaftRuntime
import RaftServer
import ServiceLifecycle

/// A listener for clients of gRPC.
package struct GRPCDoor: ServerDoor {
  private let address: PeerAddress

  /// A listener at an address.
  package init(address: PeerAddress) { self.address = address }

  package func serve<Replica: ReplicaService>(
    _ api: API<Replica>, _ surroundings: DoorSurroundings
  ) async throws {
    let transport = HTTP2ServerTransport.Posix(
      address: try Self.socketAddress(address),
      transportSecurity: try Self.security(surroundings.certificates),
      config: Self.config(surroundings.limits), eventLoopGroup: surroundings.group)
    let server = GRPCServer(transport: transport, services: Self.services(api, surroundings.limits))
    try await withGracefulShutdownHandler {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.serve() }
        group.addTask {
          // If it cannot listen, the other task says why.
          guard let bound = try? await transport.listeningAddress else { return }
          surroundings.onRunning(bound.ipv4?.port ?? bound.ipv6?.port ?? Int(address.port))
        }
        do {
          try await group.waitForAll()
        } catch {
          guard !Task.isCancelled else { throw error }
          throw HostError.listen(address, Self.reason(error))
        }
      }
    } onGracefulShutdown: {
      server.beginGracefulShutdown()
    }
  }

  /// All services of a node.
  static func services<Replica: ReplicaService>(
    _ api: API<Replica>, _ limits: HTTPLimits
  ) -> [any RegistrableRPCService] {
    let desk = Desk(api: api, maximumBytes: limits.bodyBytes)
    return [
      PaymentService(desk: desk), KeyValueService(desk: desk), SessionService(desk: desk),
      TopicService(desk: desk), AdministrationService(desk: desk),
      ReplicationService(desk: desk), HealthService(desk: desk),
    ]
  }

  private static func socketAddress(
    _ address: PeerAddress
  ) throws(HostError) -> GRPCNIOTransportHTTP2.SocketAddress {
    let port = Int(address.port)
    if address.host == "localhost" { return .ipv4(host: "127.0.0.1", port: port) }
    let isNumeric = address.host.allSatisfy { $0.isHexDigit || $0 == "." || $0 == ":" }
    guard isNumeric else {
      throw .listen(address, "write the number of the interface, such as 127.0.0.1, not a name")
    }
    return address.host.contains(":")
      ? .ipv6(host: address.host, port: port) : .ipv4(host: address.host, port: port)
  }

  private static func security(
    _ certificates: ServerCertificates?
  ) throws -> HTTP2ServerTransport.Posix.TransportSecurity {
    guard let certificates else { return .plaintext }
    return try .tls(certificateReloader: ShownCertificates(certificates: certificates))
  }

  private static func config(_ limits: HTTPLimits) -> HTTP2ServerTransport.Posix.Config {
    .defaults { config in
      // What is not much too large is refused with a word; what is far too large ends its stream.
      config.rpc.maxRequestPayloadSize = 4 * limits.bodyBytes
      config.http2.maxConcurrentStreams = 256
      config.connection.maxIdleTime = .seconds(limits.idleSeconds)
      config.connection.maxGraceTime = .seconds(5)
      // A client of which nothing is heard is asked whether it is there, and let ask the same.
      config.connection.keepalive.time = .seconds(30)
      config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(5)
      config.connection.keepalive.clientBehavior.allowWithoutCalls = true
    }
  }

  /// The innermost reason why something does not work.
  private static func reason(_ error: any Error) -> String {
    guard let error = error as? RuntimeError else { return "\(error)" }
    return error.cause.map { reason($0) } ?? error.message
  }
}

/// Has each connection shown the certificate that is in use by then.
private struct ShownCertificates: CertificateReloader {
  let certificates: ServerCertificates

  var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
    var override = NIOSSLContextConfigurationOverride()
    let (chain, key) = certificates.identity
    override.certificateChain = chain.map { .certificate($0) }
    override.privateKey = .privateKey(key)
    return override
  }
}
#endif

#if Server
// Interfaces that other modules bring, so that who does not want one builds none of it.

import Logging
import NIOPosix

/// An interface to clients beside HTTP and the text protocol.
package protocol ServerDoor: Sendable {
  /// Serves until the process is asked to end; then lets what is under way come to its end.
  ///
  /// - Throws: what keeps it from listening.
  func serve<Replica: ReplicaService>(
    _ api: API<Replica>, _ surroundings: DoorSurroundings
  ) async throws
}

/// What an interface is given by its node.
package struct DoorSurroundings: Sendable {
  /// What clients are shown; `nil` if they speak without TLS.
  package var certificates: ServerCertificates?
  package var limits: HTTPLimits
  package var logger: Logger
  /// The loops to work on.
  package var group: MultiThreadedEventLoopGroup
  /// Called with the port, once it listens.
  package var onRunning: @Sendable (Int) -> Void
}
#endif

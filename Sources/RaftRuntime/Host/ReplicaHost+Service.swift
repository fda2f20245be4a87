// A host among the services of a program.
#if Server

import NIOCore
import RaftMachines
import ServiceLifecycle

extension ReplicaHost: Service {
  /// Returns when the host has ended; stops it when the program shuts down gracefully or the task
  /// is cancelled.
  public func run() async throws {
    await withTaskCancellationOrGracefulShutdownHandler {
      await untilEnded()
    } onCancelOrGracefulShutdown: {
      self.eventLoop.execute { self.beginStopping() }
    }
  }
}

#endif

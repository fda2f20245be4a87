#if Server
// A console from its start to its end.

import FlotillaTerminal
import Logging
import RaftServer
import ServiceLifecycle
import Synchronization

/// A console: a small web server, and the nodes that are its children.
package struct ConsoleServer: Sendable {
  package let token: ConsoleToken
  package let supervisor: Supervisor
  private let settings: ConsoleSettings
  private let key: ConsoleKeyFile
  private let bound = RequestGuard.BoundPort()

  /// Takes the folder, or says who has it.
  package init(_ settings: ConsoleSettings) throws(Failure) {
    self.settings = settings
    token = ConsoleToken()
    key = try ConsoleKeyFile(folder: settings.folder, token: token)
    supervisor = Supervisor(settings, feed: Feed())
  }

  /// Where a token is read that is not on the line printed.
  package var keyPath: String { key.path }

  /// Serves until somebody wants it to end; then stops the nodes, politely, and the server.
  ///
  /// - Parameters:
  ///   - onRunning: called with the port when the console listens.
  ///   - untilAsked: returns when the console shall end.
  package func run(
    onRunning: @escaping @Sendable (Int) async -> Void,
    untilAsked: @escaping @Sendable () async throws -> Void
  ) async throws {
    defer { key.release() }
    let api = ConsoleAPI(
      supervisor: supervisor,
      door: RequestGuard(token: token, host: settings.listen.host, bound: bound))
    var limits = HTTPLimits()
    limits.bodyBytes = 64 << 10
    var logger = Logger(label: "console") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let bound = bound
    let server = HTTPServing.service(
      api, host: settings.listen.host, port: Int(settings.listen.port), limits: limits,
      logger: logger
    ) { port in
      bound.set(port)
      Task { await onRunning(port) }
    }
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [.init(service: server)], logger: logger))
    let watching = Task { await supervisor.watch() }
    defer { watching.cancel() }
    let serving = Task {
      do { try await group.run() } catch { return Optional("\(error)") }
      return nil
    }
    let asking = Task { try await untilAsked() }
    // It ends by itself only if it could not listen.
    let failure = Task { () -> String? in
      let failure = await serving.value
      asking.cancel()
      return failure
    }
    try? await asking.value
    await supervisor.close()
    supervisor.feed.close()
    await group.triggerGracefulShutdown()
    if let text = await failure.value {
      throw Failure(
        .cannotCreate, "the console cannot listen on \(settings.listen): \(text)",
        hint: "--listen 127.0.0.1:ANOTHER-PORT")
    }
  }
}
#endif

#if Server
// TLS as a client speaks it.

import NIOCore
import NIOSSL
import NIOTLS

/// Whom a client believes.
public struct ClientTLS: Hashable, Sendable {
  /// A file of authorities in PEM, and no others are believed; `nil` for those of the system.
  public var authorities: String?

  /// Believes these authorities.
  public init(authorities: String? = nil) { self.authorities = authorities }

  /// There is nothing to speak TLS with.
  struct Missing: Error {}

  /// - Throws: an `AddressError` that names the file and what is wrong with it.
  func context() throws(FlotillaClient.AddressError) -> NIOSSLContext {
    do {
      var settings = TLSConfiguration.makeClientConfiguration()
      if let authorities {
        let list = try NIOSSLCertificate.fromPEMFile(authorities)
        guard !list.isEmpty else {
          throw FlotillaClient.AddressError(
            description: "\(authorities): there is no certificate in it")
        }
        settings.trustRoots = .certificates(list)
      }
      settings.minimumTLSVersion = .tlsv12
      return try NIOSSLContext(configuration: settings)
    } catch let error as FlotillaClient.AddressError {
      throw error
    } catch {
      throw FlotillaClient.AddressError(
        description: "\(authorities ?? "the authorities of the system"): \(error)")
    }
  }
}

extension ClientTLS {
  /// What makes connections of others than this client speak TLS to a host. What is written before
  /// the handshake is done waits for it.
  ///
  /// - Throws: an `AddressError` that names the file and what is wrong with it.
  package func securing() throws(FlotillaClient.AddressError)
    -> @Sendable (_ channel: any Channel, _ host: String) throws -> Void
  {
    let context = try context()
    return { channel, host in
      let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
      try channel.pipeline.syncOperations.addHandler(
        try NIOSSLClientHandler(context: context, serverHostname: name))
    }
  }
}

extension Endpoint {
  /// The name that a certificate must have; `nil` for an address, which is looked for as such.
  var serverName: String? {
    (try? SocketAddress(ipAddress: host, port: port)) == nil ? host : nil
  }
}

/// Waits until TLS is spoken on a channel, or will not be.
final class TLSWaiter: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer

  private enum State {
    case spoken
    case failed(any Error)
    case waiting(EventLoopPromise<Void>)
  }

  /// On the loop of the channel only.
  private var state: State?

  private func settle(_ new: State) {
    switch (state, new) {
    case (.waiting(let promise), .spoken): promise.succeed()
    case (.waiting(let promise), .failed(let error)): promise.fail(error)
    case (nil, _): break
    case (.spoken, _), (.failed, _), (.waiting, .waiting): return
    }
    state = new
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted = event as? TLSUserEvent { settle(.spoken) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    settle(.failed(error))
    context.fireErrorCaught(error)
  }

  func channelInactive(context: ChannelHandlerContext) {
    settle(.failed(ChannelError.eof))
    context.fireChannelInactive()
  }

  /// Returns when TLS is spoken.
  func untilOpen(_ channel: any Channel, within limit: Duration) async throws {
    let promise = channel.eventLoop.makePromise(of: Void.self)
    channel.eventLoop.execute {
      switch self.state {
      case .spoken: promise.succeed()
      case .failed(let error): promise.fail(error)
      case .waiting, nil: self.state = .waiting(promise)
      }
    }
    let timer = channel.eventLoop.scheduleTask(
      in: .nanoseconds(Int64(limit / .nanoseconds(1)))
    ) {
      self.settle(.failed(ChannelError.connectTimeout(.nanoseconds(0))))
    }
    defer { timer.cancel() }
    do {
      try await promise.futureResult.get()
    } catch {
      channel.close(promise: nil)
      throw error
    }
  }
}
#endif

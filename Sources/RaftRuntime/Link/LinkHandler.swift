// One connection of the transport, as a handler of its channel.
#if Server

import NIOCore
import NIOSSL
import NIOTLS
import Raft
import RaftReplica

/// Moves bytes between a channel and a `LinkSession`, and tells the transport what came.
///
/// Used on the transport's event loop only.
final class LinkHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Whom the connection was made to; `nil` at the end that is called.
  let called: OutgoingLink?
  private let transport: PeerTransport
  private let isTLS: Bool
  private(set) var session: LinkSession?
  private var context: ChannelHandlerContext?
  /// What has come and is not whole.
  private var pending: ByteBuffer?
  private var news: [LinkNews] = []
  private var envelopes: [PeerEnvelope] = []
  private var handshakeLimit: Scheduled<Void>?
  private var reason: LinkError?
  /// The DNS names in the caller's certificate.
  private var names: [String] = []

  init(_ transport: PeerTransport, calling called: OutgoingLink?, isTLS: Bool) {
    self.transport = transport
    self.called = called
    self.isTLS = isTLS
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    handshakeLimit = context.eventLoop.scheduleTask(in: PeerTransport.handshakeTime) {
      bound.value.fail(.silent)
    }
    if context.channel.isActive, !isTLS { begin(context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    handshakeLimit?.cancel()
    self.context = nil
  }

  func channelActive(context: ChannelHandlerContext) {
    if !isTLS { begin(context) }
    context.fireChannelActive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted = event as? TLSUserEvent {
      if called == nil {
        names = (try? context.pipeline.syncOperations.nioSSL_peerCertificate())?.dnsNames ?? []
      }
      begin(context)
    }
    context.fireUserInboundEventTriggered(event)
  }

  private func begin(_ context: ChannelHandlerContext) {
    guard session == nil else { return }
    guard let called else {
      session = LinkSession(calledAs: transport.identity)
      return
    }
    var output = context.channel.allocator.buffer(capacity: 256)
    session = LinkSession(
      calling: called.peer.node, called.lane, as: transport.identity, nonce: transport.nonce(),
      into: &output)
    context.writeAndFlush(wrapOutboundOut(output), promise: nil)
  }

  // MARK: Receiving

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if var before = pending {
      pending = nil
      before.writeBuffer(&bytes)
      bytes = before
    }
    guard session != nil, reason == nil else { return }
    var output = ByteBuffer()
    do throws(LinkError) {
      try session?.receive(
        &bytes, output: &output, nonce: { transport.nonce() },
        admit: { transport.refusal(of: $0, names: names, isTLS: isTLS) },
        { news.append($0) })
    } catch {
      reason = error
    }
    // First what belongs to the handshake: news of its end has records sent.
    if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
    handleNews(context)
    if let reason {
      fail(reason)
    } else if bytes.readableBytes > 0 {
      bytes.discardReadBytes()
      pending = bytes
    }
  }

  private func handleNews(_ context: ChannelHandlerContext) {
    guard !news.isEmpty else { return }
    var output = ByteBuffer()
    var list: [LinkNews] = []
    swap(&list, &news)
    for item in list {
      switch item {
      case .opened:
        handshakeLimit?.cancel()
        transport.opened(self)
      case .envelope(let envelope): envelopes.append(envelope)
      case .ping(let sent):
        if let session, transport.isCut(session.peer) { continue }
        let now = transport.wall
        session?.send(.pong, [sent, now, now], into: &output)
      case .pong(let sent, let received, let answered):
        transport.ponged(self, sent: sent, received: received, answered: answered)
      }
    }
    if let session, session.isOpen { transport.heard(session.peer) }
    list.removeAll(keepingCapacity: true)
    swap(&list, &news)
    if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
    guard !envelopes.isEmpty else { return }
    var taken: [PeerEnvelope] = []
    swap(&taken, &envelopes)
    transport.outlets.deliver(taken)
  }

  func channelInactive(context: ChannelHandlerContext) {
    transport.closed(self, reason ?? .closed(""))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if error is NIOSSLError || error is BoringSSLError {
      fail(.tls("\(error)"))
    } else {
      fail(.closed("\(error)"))
    }
  }

  // MARK: Sending

  /// Whether what is given now is sent soon.
  var isWritable: Bool { context?.channel.isWritable ?? false }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if let called, context.channel.isWritable { transport.flush(called) }
    context.fireChannelWritabilityChanged()
  }

  /// Sends all that waits for a link.
  func send(_ link: OutgoingLink) {
    guard let context, session?.isOpen ?? false, reason == nil else { return }
    var output = context.channel.allocator.buffer(capacity: link.queue.waitingBytes + 64)
    link.queue.takeAll(atMost: PeerTransport.recordBytes) { bytes in
      session?.send(.envelopes, bytes, into: &output)
    }
    // Only now: writing may call back here, for more of the same queue.
    context.writeAndFlush(wrapOutboundOut(output), promise: nil)
  }

  /// Asks the peer what its clock reads.
  func ping(_ now: UInt64) {
    guard let context, session?.isOpen ?? false, reason == nil else { return }
    var output = context.channel.allocator.buffer(capacity: 32)
    session?.send(.ping, [now], into: &output)
    context.writeAndFlush(wrapOutboundOut(output), promise: nil)
  }

  /// Ends the connection, for this reason.
  func fail(_ reason: LinkError) {
    if self.reason == nil { self.reason = reason }
    context?.close(promise: nil)
  }

  /// Where the other end is, for logs.
  var remote: String { context?.channel.remoteAddress.map { "\($0)" } ?? "?" }
}

#endif

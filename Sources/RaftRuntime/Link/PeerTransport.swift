// The connections of a node with its peers: it calls each of them and speaks on those connections;
// it listens on those on which it is called.
#if Server

import Crypto
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Raft
import RaftClocks
import RaftReplica

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What the transport tells its host.
struct TransportOutlets {
  /// Envelopes came, in this order, from peers that are who they say.
  var deliver: ([PeerEnvelope]) -> Void
  /// The way to a peer is there, or no longer.
  var reachable: (NodeID, Bool) -> Void
  /// A peer has said where clients reach it.
  var serves: (NodeID, PeerAddress) -> Void
}

/// A connection that this node makes to a peer, again and again.
final class OutgoingLink {
  unowned let peer: PeerRecord
  let lane: LinkLane
  var queue: SendQueue
  var backoff: Backoff
  var isConnecting = false
  var handler: LinkHandler?
  var retry: Scheduled<Void>?
  /// When the ping that is not answered was sent, by the steady clock.
  var pinged: UInt64?
  /// Something waits that was given in this turn of the loop.
  var isDirty = false

  init(_ peer: PeerRecord, _ lane: LinkLane, limit: Int, seed: UInt64) {
    self.peer = peer
    self.lane = lane
    queue = SendQueue(limit: limit)
    backoff = Backoff(shortest: 20_000_000, longest: 1_000_000_000, seed: seed)
  }
}

/// What the transport knows of a peer.
final class PeerRecord {
  let node: NodeID
  var address: PeerAddress?
  /// Whether the address is from the settings, and not what the peer said.
  var isConfigured: Bool
  private(set) var links: [OutgoingLink] = []

  /// When the peer was last heard, by the steady clock.
  var lastHeard: UInt64?
  /// Whether the way to it is there, and since when, by the steady clock.
  var isReachable = false
  var since: UInt64
  var roundTrip: UInt64?
  var offset = OffsetEstimator()
  /// The newest life that was heard of.
  var incarnation: UInt64 = 0
  var error: LinkError?

  init(_ node: NodeID, _ address: PeerAddress?, isConfigured: Bool, limit: Int, now: UInt64) {
    self.node = node
    self.address = address
    self.isConfigured = isConfigured
    since = now
    links = LinkLane.allCases.map {
      OutgoingLink(self, $0, limit: limit, seed: UInt64.random(in: .min ... .max))
    }
  }

  var messages: OutgoingLink { links[Int(LinkLane.messages.rawValue)] }
  var bulk: OutgoingLink { links[Int(LinkLane.bulk.rawValue)] }
}

/// The connections of a node. All of it happens on one event loop.
final class PeerTransport: @unchecked Sendable {
  /// How long a handshake may take, from the connection on.
  static let handshakeTime = TimeAmount.seconds(5)
  /// How often a peer is asked what its clock reads, and how long it may leave that unanswered.
  static let pingTime = TimeAmount.milliseconds(500)
  static let pingPatience: UInt64 = 5_000_000_000
  /// How many bytes of envelopes one record holds, unless it is a single one.
  static let recordBytes = 256 << 10

  let loop: any EventLoop
  private(set) var identity: LinkIdentity
  let outlets: TransportOutlets
  private let settings: HostSettings
  private let logger: Logger
  private var certificates: PeerCertificates?
  private var generator = SystemRandomNumberGenerator()

  /// How far the clock on the wall is off, on purpose. Unit: nanoseconds.
  var wallOffset: Int64 = 0
  private var chaos: ChaosSwitch? { settings.chaos }
  /// Envelopes that are held back, on purpose, at most so many.
  private var lateEnvelopes = 0
  private static let maximumLateEnvelopes = 65_536

  private(set) var peers: [PeerRecord] = []
  private var dirty: [OutgoingLink] = []
  private var listener: (any Channel)?
  /// Connections on which this node is called, those whose handshake is not over included.
  private var incoming: [LinkHandler] = []
  private var pinging: RepeatedTask?
  private var isStopped = false
  /// Envelopes that were dropped: no way to the peer, or too much waiting.
  private(set) var dropped: UInt64 = 0

  init(
    _ settings: HostSettings, incarnation: UInt64, certificates: PeerCertificates?,
    on loop: any EventLoop, logger: Logger, outlets: TransportOutlets
  ) {
    self.settings = settings
    self.loop = loop
    self.logger = logger
    self.outlets = outlets.behind(settings.chaos)
    self.certificates = certificates
    var key: SymmetricKey?
    let protection: LinkProtection
    switch settings.security {
    case .clusterKey(let secret):
      key = SymmetricKey(data: secret.bytes)
      protection = .key
    case .mutualTLS: protection = .tls
    case .insecure: protection = .none
    }
    identity = LinkIdentity(
      cluster: settings.cluster, node: settings.node, incarnation: incarnation,
      protection: protection, key: key)
    identity.maximumRecordBytes = settings.maximumRecordBytes
    let now = HostClock.steady
    for peer in settings.peers {
      peers.append(record(peer.node, peer.address, isConfigured: true, now))
    }
    peers.sort { $0.node < $1.node }
  }

  private func record(
    _ node: NodeID, _ address: PeerAddress?, isConfigured: Bool, _ now: UInt64
  ) -> PeerRecord {
    PeerRecord(
      node, address, isConfigured: isConfigured, limit: settings.peerQueueBytes, now: now)
  }

  func nonce() -> [UInt8] {
    (0..<Handshake.nonceBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  // MARK: Starting and stopping

  /// Listens, and begins to call the peers. Gives the port.
  func start() -> EventLoopFuture<SocketAddress?> {
    let bound = NIOLoopBound(self, eventLoop: loop)
    let bootstrap = ServerBootstrap(group: loop, childGroup: loop)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .childChannelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 4_096, maximum: 256 << 10)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try bound.value.accept(channel) }
      }
    let address = settings.listen
    return bootstrap.bind(host: address.host, port: Int(address.port)).map { channel in
      let transport = bound.value
      transport.listener = channel
      transport.noteAddress(channel.localAddress)
      for peer in transport.peers { transport.call(peer.messages) }
      transport.pinging = transport.loop.scheduleRepeatedTask(
        initialDelay: PeerTransport.pingTime, delay: PeerTransport.pingTime
      ) { _ in bound.value.ping() }
      return channel.localAddress
    }
  }

  private func noteAddress(_ address: SocketAddress?) {
    var own = settings.advertised ?? settings.listen
    if own.port == 0, let port = address?.port { own.port = UInt16(truncatingIfNeeded: port) }
    let said = [own, settings.clientAddress].map { address in
      // An address that only says "any" tells nobody anything.
      guard let address, !["0.0.0.0", "::", ""].contains(address.host) else { return "" }
      return address.description
    }
    identity.address = LinkHello.address(peers: said[0], clients: said[1])
  }

  private func accept(_ channel: any Channel) throws {
    guard !isStopped, incoming.count < settings.maximumConnections else {
      throw LinkError.refusing(.tooMany)
    }
    let handler = LinkHandler(self, calling: nil, isTLS: certificates != nil)
    if let certificates {
      try channel.pipeline.syncOperations.addHandler(
        NIOSSLServerHandler(context: certificates.server))
    }
    incoming.append(handler)
    try channel.pipeline.syncOperations.addHandler(handler)
  }

  /// Ends all connections.
  func stop() -> EventLoopFuture<Void> {
    isStopped = true
    pinging?.cancel()
    for peer in peers {
      for link in peer.links {
        link.retry?.cancel()
        link.handler?.fail(.closed("this node stops"))
      }
    }
    for handler in incoming { handler.fail(.closed("this node stops")) }
    guard let listener else { return loop.makeSucceededVoidFuture() }
    return listener.close().recover { _ in }
  }

  /// Uses other certificates for connections from now on.
  func use(_ certificates: PeerCertificates) { self.certificates = certificates }

  /// Says where peers are. Others that are known stay known, at the addresses that they say.
  func set(_ list: [Peer]) {
    for entry in list where entry.node != identity.node {
      if let known = peer(entry.node) {
        known.isConfigured = true
        guard known.address != entry.address else { continue }
        known.address = entry.address
        for link in known.links { link.handler?.fail(.closed("the address is another one now")) }
        known.messages.backoff.reset()
        call(known.messages)
      } else {
        let new = record(entry.node, entry.address, isConfigured: true, HostClock.steady)
        peers.append(new)
        peers.sort { $0.node < $1.node }
        call(new.messages)
      }
    }
  }

  // MARK: Calling

  /// Makes a connection, unless there is one or one is being made.
  func call(_ link: OutgoingLink) {
    link.retry?.cancel()
    link.retry = nil
    guard !isStopped, link.handler == nil, !link.isConnecting, let address = link.peer.address
    else { return }
    if isCut(link.peer.node) { return lost(link, .closed("cut off on purpose")) }
    link.isConnecting = true
    let certificates = certificates
    let name = CertificateFiles.name(of: link.peer.node)
    let bound = NIOLoopBound((self, link), eventLoop: loop)
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(5))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(
        .writeBufferWaterMark, value: .init(low: 1 << 20, high: 4 << 20)
      )
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let (transport, link) = bound.value
          if let certificates {
            try channel.pipeline.syncOperations.addHandler(
              NIOSSLClientHandler(context: certificates.client, serverHostname: name))
          }
          let handler = LinkHandler(transport, calling: link, isTLS: certificates != nil)
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
      .connect(host: address.host, port: Int(address.port))
      .whenFailure { error in
        let (transport, link) = bound.value
        guard link.isConnecting else { return }
        transport.lost(link, .closed("\(address): \(PeerTransport.words(error))"))
      }
  }

  /// Why a connection was not made, without the insides of the library.
  private static func words(_ error: any Error) -> String {
    if let error = error as? NIOConnectionError, let first = error.connectionErrors.first {
      return words(first.error)
    }
    if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
    return "\(error)"
  }

  /// A connection ended or was not made: it is tried again in a while.
  private func lost(_ link: OutgoingLink, _ reason: LinkError) {
    link.isConnecting = false
    link.handler = nil
    link.pinged = nil
    link.queue.dropAll()
    let peer = link.peer
    if peer.error != reason {
      logger.info(
        "the way to \(peer.node) is not there: \(reason)",
        metadata: ["event": "raft.peer.link_lost", "peer": "\(peer.node)"])
    }
    peer.error = reason
    if link.lane == .messages, peer.isReachable {
      peer.isReachable = false
      peer.since = HostClock.steady
      outlets.reachable(peer.node, false)
    }
    // The other lane is called when there is something to send.
    guard !isStopped, link.lane == .messages else { return }
    let bound = NIOLoopBound((self, link), eventLoop: loop)
    let wait = TimeAmount.nanoseconds(Int64(clamping: link.backoff.next()))
    link.retry = loop.scheduleTask(in: wait) {
      let (transport, link) = bound.value
      transport.call(link)
    }
  }

  // MARK: What handlers tell

  /// What speaks against a caller.
  func refusal(of hello: LinkHello, names: [String], isTLS: Bool) -> LinkRefusal? {
    if isTLS, !names.contains(CertificateFiles.name(of: hello.from)) { return .certificate }
    if let peer = peer(hello.from), hello.incarnation < peer.incarnation { return .earlierLife }
    return nil
  }

  /// The handshake of a connection is over.
  func opened(_ handler: LinkHandler) {
    guard let session = handler.session else { return }
    let now = HostClock.steady
    guard let link = handler.called else {
      let peer = learn(session, now)
      // Who can call can probably be called.
      if peer.messages.handler == nil {
        peer.messages.backoff.reset()
        if peer.messages.retry != nil { call(peer.messages) }
      }
      return
    }
    link.isConnecting = false
    link.handler = handler
    link.backoff.reset()
    link.peer.error = nil
    link.peer.incarnation = max(link.peer.incarnation, session.peerIncarnation)
    if link.lane == .messages {
      link.peer.isReachable = true
      link.peer.since = now
      handler.ping(wall)
      link.pinged = now
      outlets.reachable(link.peer.node, true)
    }
    flush(link)
  }

  /// Notes who has called, and where it listens.
  private func learn(_ session: LinkSession, _ now: UInt64) -> PeerRecord {
    let (peers:listens, clients:serves) = LinkHello.addresses(session.peerAddress)
    let said = try? PeerAddress(listens)
    let peer: PeerRecord
    if let known = self.peer(session.peer) {
      peer = known
      if !peer.isConfigured, let said { peer.address = said }
    } else {
      peer = record(session.peer, said, isConfigured: false, now)
      peers.append(peer)
      peers.sort { $0.node < $1.node }
      call(peer.messages)
    }
    peer.incarnation = max(peer.incarnation, session.peerIncarnation)
    peer.lastHeard = now
    if let address = try? PeerAddress(serves) { outlets.serves(peer.node, address) }
    return peer
  }

  func heard(_ node: NodeID) {
    if !isCut(node) { peer(node)?.lastHeard = HostClock.steady }
  }

  /// Whether the way to a node is cut, on purpose.
  func isCut(_ node: NodeID) -> Bool { chaos?.isCut(node) ?? false }

  /// What the clock on the wall reads here.
  var wall: UInt64 { HostClock.wall(wallOffset) }

  func ponged(_ handler: LinkHandler, sent: UInt64, received: UInt64, answered: UInt64) {
    guard let link = handler.called, let pinged = link.pinged else { return }
    let peer = link.peer
    guard !isCut(peer.node) else { return }
    peer.roundTrip = HostClock.steady - pinged
    link.pinged = nil
    peer.offset.add(
      ClockExchange(sent: sent, received: received, answered: answered, returned: wall))
  }

  func closed(_ handler: LinkHandler, _ reason: LinkError) {
    incoming.removeAll { $0 === handler }
    guard let link = handler.called else {
      if case .closed = reason { return }
      logger.warning(
        "a connection from \(handler.remote) was given up: \(reason)",
        metadata: ["event": "auth.rejected"])
      return
    }
    guard link.handler === handler || link.isConnecting else { return }
    lost(link, reason)
  }

  func peer(_ node: NodeID) -> PeerRecord? { peers.first { $0.node == node } }

  // MARK: Sending

  /// Takes an envelope; it leaves with the next `flush()`.
  func send(_ envelope: PeerEnvelope) {
    if let chaos {
      switch chaos.fate(of: envelope.message.to) {
      case .sent: break
      case .lost:
        dropped += 1
        return
      case .late(let nanoseconds): return sendLate(envelope, nanoseconds)
      }
    }
    put(envelope)
  }

  /// Takes an envelope after a while.
  private func sendLate(_ envelope: PeerEnvelope, _ nanoseconds: UInt64) {
    guard lateEnvelopes < PeerTransport.maximumLateEnvelopes else {
      dropped += 1
      return
    }
    lateEnvelopes += 1
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .nanoseconds(Int64(clamping: nanoseconds))) {
      let transport = bound.value
      transport.lateEnvelopes -= 1
      guard !transport.isStopped else { return }
      transport.put(envelope)
      transport.flush()
    }
  }

  private func put(_ envelope: PeerEnvelope) {
    guard let peer = peer(envelope.message.to) else {
      dropped += 1
      return
    }
    var isBulk = false
    if case .installSnapshot = envelope.message.body { isBulk = true }
    let link = isBulk ? peer.bulk : peer.messages
    guard link.handler != nil || link.isConnecting || isBulk && peer.isReachable else {
      dropped += 1
      return
    }
    link.queue.append(envelope)
    if link.handler == nil { call(link) }
    guard !link.isDirty else { return }
    link.isDirty = true
    dirty.append(link)
  }

  /// Sends what was taken since the last time.
  func flush() {
    // A write that fails has the replica told at once, and that may have more to send: to links
    // that wait for the next time then, and must not be forgotten by this one.
    var links: [OutgoingLink] = []
    swap(&links, &dirty)
    for link in links {
      link.isDirty = false
      flush(link)
    }
    guard dirty.isEmpty else { return }
    links.removeAll(keepingCapacity: true)
    swap(&links, &dirty)
  }

  /// Sends what waits for one link, if its connection takes it.
  func flush(_ link: OutgoingLink) {
    guard let handler = link.handler, handler.isWritable, !link.queue.isEmpty else { return }
    handler.send(link)
  }

  private func ping() {
    let now = HostClock.steady
    for peer in peers {
      let link = peer.messages
      guard let handler = link.handler else { continue }
      if let pinged = link.pinged {
        if now - pinged > PeerTransport.pingPatience { handler.fail(.silent) }
      } else {
        link.pinged = now
        handler.ping(wall)
      }
    }
  }

  /// How many bytes wait for a peer.
  func waitingBytes(_ peer: PeerRecord) -> Int {
    peer.links.reduce(0) { $0 + $1.queue.waitingBytes }
  }
}

#endif

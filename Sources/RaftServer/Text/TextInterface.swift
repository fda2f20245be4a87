#if Server
// The text protocol on its port: lines in, lines out.

import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import ServiceLifecycle

/// The listener of the text protocol.
struct TextInterface<Service: ReplicaService>: ServiceLifecycle.Service {
  let api: API<Service>
  let host: String
  let port: Int
  let logger: Logger
  /// What clients are shown; `nil` if they speak without TLS.
  var certificates: ServerCertificates?
  /// The longest line. Unit: bytes.
  var maximumLineBytes = 1 << 20
  /// How many connections there may be at a time.
  var maximumConnections = 1_024
  let onRunning: @Sendable (Int) -> Void

  func run() async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .bind(host: host, port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          if let certificates {
            try channel.pipeline.syncOperations.addHandler(
              NIOSSLServerHandler(context: certificates.context))
          }
          return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    onRunning(server.channel.localAddress?.port ?? port)
    let count = LockedBox(0)
    try await withGracefulShutdownHandler {
      try await server.executeThenClose { connections in
        try await withThrowingDiscardingTaskGroup { group in
          for try await connection in connections {
            let isWelcome = count.change { count in
              guard count < maximumConnections else { return false }
              count += 1
              return true
            }
            guard isWelcome else {
              connection.channel.close(promise: nil)
              continue
            }
            group.addTask {
              // What one connection dies of is no affair of the others.
              do { try await serve(connection) } catch {
                logger.debug("A text connection ended: \(error)")
              }
              count.change { $0 -= 1 }
            }
          }
        }
      }
    } onGracefulShutdown: {
      server.channel.close(promise: nil)
    }
  }

  private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
    let client = connection.channel.remoteAddress?.ipAddress ?? "-"
    try await connection.executeThenClose { inbound, outbound in
      let session = TextSession(api: api, client: client) { lines in
        try await outbound.write(ByteBuffer(bytes: lines))
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          // Subscriptions are served between requests, by a task of their own.
          while !api.drain.isDraining {
            if try await !session.deliver() { try await Task.sleep(for: api.pollingInterval) }
          }
        }
        group.addTask {
          var lines = TextLines(maximumBytes: maximumLineBytes)
          for try await buffer in inbound {
            for piece in lines.take(buffer.readableBytesView) {
              guard try await session.answer(piece) else { return }
            }
          }
        }
        // Whichever ends first ends both.
        try await group.next()
        group.cancelAll()
      }
    }
  }
}

/// One connection: who it is, and what it has subscribed to.
actor TextSession<Service: ReplicaService> {
  private let api: API<Service>
  private let client: String
  private let write: @Sendable ([UInt8]) async throws -> Void
  private var token: String?
  private var subscriptions: [(topic: [UInt8], next: UInt64)] = []
  private static var maximumSubscriptions: Int { 64 }

  init(
    api: API<Service>, client: String, write: @escaping @Sendable ([UInt8]) async throws -> Void
  ) {
    self.api = api
    self.client = client
    self.write = write
  }

  private func send(_ line: String) async throws { try await write(Array((line + "\n").utf8)) }

  private func send(_ topic: [UInt8], _ message: TopicMessage) -> [UInt8] {
    let head = "\(message.offset) \(message.time.nanoseconds) \(message.payload.count) "
    return Array("MSG ".utf8) + topic + [0x20] + Array(head.utf8) + message.payload + [0x0a]
  }

  /// Answers a line.
  ///
  /// - Returns: whether the connection stays open.
  func answer(_ piece: TextLines.Piece) async throws -> Bool {
    let command: TextCommand
    switch piece {
    case .tooLong:
      try await send("-ERR BAD_REQUEST the line is too long; it was skipped")
      return true
    case .line(let line):
      do throws(TextProtocolError) { command = try TextCommand(line: line) } catch {
        try await send("-ERR BAD_REQUEST \(error.description)")
        return true
      }
    }
    do throws(Ruling) {
      let lines = try await perform(command)
      try? await write(lines)
    } catch {
      api.counters.count(error.outcome)
      try await send(textual(error).textLine)
    }
    return command != .quit
  }

  /// A ruling with the address of the leader's text port.
  private func textual(_ ruling: Ruling) -> Ruling {
    guard let leader = ruling.leader, let node = try? API<Service>.node(leader.node) else {
      return ruling
    }
    var known = ruling
    known.leader?.address = api.facts.addresses[node]?.text
    return known
  }

  private func perform(_ command: TextCommand) async throws(Ruling) -> [UInt8] {
    switch command {
    case .ping: return Array("+PONG\n".utf8)
    case .quit: return Array("+BYE\n".utf8)
    case .help:
      return Array(
        (TextCommand.helpLines.map { "+ " + $0 } + ["+OK"]).joined(separator: "\n").utf8)
        + [0x0a]
    case .authorize(let token):
      try api.access.check(token: token, client: client, .reader)
      self.token = token
      return Array("+OK\n".utf8)
    case .publish(let topic, let payload):
      return try await publish(Publication(topic, payload))
    case .publishOnce(let key, let topic, let payload):
      return try await publish(
        Publication(topic, payload, producer: try RequestRules.key(key), sequence: 1))
    case .subscribe(let topic, let from): return try await subscribe(topic, from)
    case .unsubscribe(let topic):
      let before = subscriptions.count
      subscriptions.removeAll { $0.topic == topic }
      guard subscriptions.count < before else {
        throw Ruling(.notFound, reason: "subscription", "that topic is not subscribed to")
      }
      return Array("+OK\n".utf8)
    case .history(let topic, let from, let limit):
      return try await history(topic, from, limit)
    }
  }

  private func publish(_ message: Publication) async throws(Ruling) -> [UInt8] {
    try api.access.check(token: token, client: client, .writer)
    let (offset, ruling) = try await api.store(message, WriteTerms())
    var told = ruling
    told.index = offset
    api.counters.count(told.outcome)
    return Array((told.textLine + "\n").utf8)
  }

  private func subscribe(_ topic: [UInt8], _ from: UInt64?) async throws(Ruling) -> [UInt8] {
    try api.access.check(token: token, client: client, .reader)
    guard subscriptions.count < TextSession.maximumSubscriptions else {
      throw Ruling(
        .tooBusy, reason: "subscriptions",
        "a connection has at most \(TextSession.maximumSubscriptions) subscriptions")
    }
    var start = from
    if start == nil { start = await api.newest(topic) }
    guard let start else {
      throw Ruling(
        .unavailable, reason: "loading", "this node cannot tell the newest offset yet")
    }
    subscriptions.removeAll { $0.topic == topic }
    subscriptions.append((topic, start))
    return Array("+OK \(start)\n".utf8)
  }

  private func history(
    _ topic: [UInt8], _ from: UInt64, _ limit: Int
  ) async throws(Ruling) -> [UInt8] {
    try api.access.check(token: token, client: client, .reader)
    let messages: [TopicMessage]
    let next: UInt64
    do throws(Ruling) {
      (messages, next, _) = try await api.messages(
        of: topic, from: from, limit: limit, ReadTerms(kind: .follower))
    } catch {
      guard error.outcome == .notFound else { throw error }
      throw Ruling(.notFound, reason: "topic", "there is no such topic")
    }
    var bytes: [UInt8] = []
    for message in messages { bytes.append(contentsOf: send(topic, message)) }
    return bytes + Array("+OK \(messages.count) NEXT \(next)\n".utf8)
  }

  /// Sends what subscriptions have got, and returns whether there was anything.
  func deliver() async throws -> Bool {
    var isBusy = false
    for (topic, next) in subscriptions {
      let (messages, after) = await api.messages(of: topic, from: next)
      guard !messages.isEmpty,
        let place = subscriptions.firstIndex(where: { $0.topic == topic && $0.next == next })
      else { continue }
      isBusy = true
      subscriptions[place].next = after
      var bytes: [UInt8] = []
      for message in messages { bytes.append(contentsOf: send(topic, message)) }
      try await write(bytes)
    }
    return isBusy
  }
}
#endif

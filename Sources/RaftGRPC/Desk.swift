#if GRPC
// What every call goes through: who asks, may it, how long has it, and how is it told.

import GRPCCore
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import RaftServer
import SwiftProtobuf
import Tracing

/// What came with a call beside its message.
struct Call: Sendable {
  /// How long the node tries.
  var timeout: Duration

  /// How a write is done.
  func terms(_ options: Flotilla_V1_WriteOptions) throws(Ruling) -> WriteTerms {
    var terms = WriteTerms(timeout: timeout)
    switch options.acknowledgement {
    case nil, .acks(.unspecified), .acks(.majority): break
    case .acks(.all): terms.copies = .all
    case .acks(.UNRECOGNIZED(let number)):
      throw Ruling(.badRequest, reason: "acks", "there is no acknowledgement \(number)")
    case .copies(let count): terms.copies = try RequestRules.copies(count)
    }
    if options.hasSession {
      terms.session = try RequestRules.place(
        session: options.session.session, sequence: options.session.sequence,
        acknowledged: options.session.acknowledged, names: "session, sequence and acknowledged")
    }
    return terms
  }

  /// How a read is done.
  func terms(_ options: Flotilla_V1_ReadOptions) throws(Ruling) -> ReadTerms {
    let kind: ReadKind
    switch options.read {
    case .unspecified, .linearizable: kind = .linearizable
    case .lease: kind = .lease
    case .follower: kind = .follower
    case .stale: kind = .stale
    case .UNRECOGNIZED(let number):
      throw Ruling(.badRequest, reason: "read", "there is no read \(number)")
    }
    return ReadTerms(timeout: timeout, kind: kind)
  }
}

/// Where calls come in: it knows the node, and nothing of any service.
struct Desk<Replica: ReplicaService>: Sendable {
  let api: API<Replica>
  /// The largest message. Unit: bytes.
  let maximumBytes: Int

  /// Answers a call with one message.
  ///
  /// - Parameters:
  ///   - role: what its token must allow.
  ///   - answer: what is done; a ruling that it throws is the status of the call.
  func unary<Input: SwiftProtobuf.Message, Output>(
    _ request: ServerRequest<Input>, _ context: ServerContext, _ role: Role,
    _ answer: (Input, Call) async throws(Ruling) -> Output
  ) async throws -> ServerResponse<Output> {
    guard let tracing = api.tracing,
      let span = tracing.begin(
        context.descriptor.fullyQualifiedMethod, request.metadata, MetadataExtractor())
    else { return try await answered(request, context, role, answer) }
    span.attributes["rpc.system"] = "grpc"
    span.attributes["rpc.service"] = context.descriptor.service.fullyQualifiedService
    span.attributes["rpc.method"] = context.descriptor.method
    do {
      let response = try await ServiceContext.$current.withValue(span.context) {
        try await answered(request, context, role, answer)
      }
      tracing.end(span, nil)
      return response
    } catch {
      tracing.end(span, error as? RPCError)
      throw error
    }
  }

  private func answered<Input: SwiftProtobuf.Message, Output>(
    _ request: ServerRequest<Input>, _ context: ServerContext, _ role: Role,
    _ answer: (Input, Call) async throws(Ruling) -> Output
  ) async throws -> ServerResponse<Output> {
    do throws(Ruling) {
      let call = try admit(request.metadata, context, role)
      try checkSize(request.message)
      return ServerResponse(message: try await answer(request.message, call))
    } catch {
      throw failure(error)
    }
  }

  /// Answers a call with messages as there are any.
  ///
  /// - Parameter send: sends until it returns, or until `isGone`; what it throws ends the call.
  func stream<Input: SwiftProtobuf.Message, Output>(
    _ request: ServerRequest<Input>, _ context: ServerContext, _ role: Role,
    _ send:
      @escaping @Sendable (Input, RPCWriter<Output>, @escaping () -> Bool) async throws ->
      Void
  ) async throws -> StreamingServerResponse<Output> {
    do throws(Ruling) {
      _ = try admit(request.metadata, context, role)
    } catch {
      throw failure(error)
    }
    let message = request.message
    return StreamingServerResponse { writer in
      do {
        try await send(message, writer) { context.cancellation.isCancelled }
      } catch let ruling as Ruling {
        throw failure(ruling)
      }
      guard !api.drain.isDraining else {
        throw failure(
          Ruling(.unavailable, reason: "stopping", "this node is stopping; go on at another"))
      }
      return [:]
    }
  }

  // MARK: Who asks

  private func admit(
    _ metadata: Metadata, _ context: ServerContext, _ role: Role
  ) throws(Ruling) -> Call {
    try api.access.check(
      authorization: first("authorization", metadata),
      client: Desk.client(context.remotePeer), role)
    return Call(timeout: try Desk.timeout(first("grpc-timeout", metadata)))
  }

  /// Refuses what would be too large over HTTP, too.
  private func checkSize(_ message: some SwiftProtobuf.Message) throws(Ruling) {
    let count = ((try? message.serializedBytes()) ?? [UInt8]()).count
    guard count <= maximumBytes else {
      throw Ruling(
        .badRequest, reason: "tooLarge", "a message has at most \(maximumBytes) bytes")
    }
  }

  private func first(_ name: String, _ metadata: Metadata) -> String? {
    metadata[stringValues: name].first { _ in true }
  }

  /// The address of a client without its port: what `ipv4:10.0.0.1:4711` begins with.
  static func client(_ peer: String) -> String {
    let parts = peer.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let colon = parts[1].lastIndex(of: ":") else { return peer }
    return parts[1][..<colon].filter { $0 != "[" && $0 != "]" }
  }

  /// How long the node tries for a client that waits so long.
  ///
  /// It gives up a little earlier than the client, so that what it knows still arrives.
  ///
  /// - Parameter text: digits and a unit, as gRPC writes it; `nil` if the client waits for ever.
  static func timeout(_ text: String?) throws(Ruling) -> Duration {
    guard let text else { return RequestRules.usualTimeout }
    guard let unit = text.last, let number = Int64(text.dropLast()), number >= 0,
      (2...9).contains(text.utf8.count), let scale = units[unit]
    else {
      throw Ruling(
        .badRequest, reason: "timeout",
        "grpc-timeout is up to 8 digits and one of H, M, S, m, u and n")
    }
    let whole = scale * Double(number)
    let ours = whole - min(whole / 10, .milliseconds(250))
    return max(.milliseconds(1), min(ours, RequestRules.longestTimeout))
  }

  private static var units: [Character: Duration] {
    [
      "H": .seconds(3_600), "M": .seconds(60), "S": .seconds(1), "m": .milliseconds(1),
      "u": .microseconds(1), "n": .nanoseconds(1),
    ]
  }

  // MARK: How it is told

  /// The status of a call that ends with a ruling.
  func failure(_ ruling: Ruling) -> RPCError {
    let told = API<Replica>.withoutDeadEnd(addressed(ruling))
    api.counters.count(told.outcome)
    return told.failure
  }

  /// What a reply says of what was done.
  func outcome(_ ruling: Ruling) -> Flotilla_V1_Outcome {
    api.counters.count(ruling.outcome)
    return addressed(ruling).message
  }

  /// A ruling with the address at which the leader speaks gRPC.
  private func addressed(_ ruling: Ruling) -> Ruling {
    guard let leader = ruling.leader else { return ruling }
    var known = ruling
    let node = try? RequestRules.node(leader.node)
    known.leader?.address = node.flatMap { address(of: $0) }
    return known
  }

  /// Where a node speaks gRPC, if that is known.
  func address(of node: NodeID) -> String? { api.facts.addresses[node]?.grpc }

  /// How fresh an answer is.
  func freshness(_ freshness: Freshness, _ options: Flotilla_V1_ReadOptions)
    -> Flotilla_V1_Freshness
  {
    .with {
      $0.index = freshness.index.rawValue
      $0.node = api.facts.node.description
      if options.read == .stale, let ticks = freshness.ticks {
        $0.ageMs = ticks.rawValue &* api.facts.tickMilliseconds
      }
    }
  }

  /// How many things a list has; 0 is what nobody asked for.
  static func limit(_ number: UInt64) throws(Ruling) -> Int {
    try RequestRules.limit(number == 0 ? nil : number)
  }
}
#endif

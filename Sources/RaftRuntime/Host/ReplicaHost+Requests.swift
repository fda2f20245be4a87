// What one asks of a node.
#if Server

import NIOCore
import NIOPosix
import Raft
import RaftMachines
import RaftReplica
import Tracing

/// Why a request was not done, or is not known to be done.
public enum RequestError: Error, Hashable, Sendable, CustomStringConvertible {
  /// This node does not lead; ask that one. Nothing was done.
  case notLeader(NodeID)
  /// Too much is under way. Nothing was done; ask again in a while.
  case tooBusy
  /// Nothing was done.
  case unavailable(Unavailability)
  /// It may have been done or not.
  case unknown(Uncertainty)
  /// The session says no.
  case refused(SessionRefusal)
  /// The command, or its result, cannot be decoded.
  case undecodable(MachineDecodingError)

  /// What happened, in a sentence.
  public var description: String {
    switch self {
    case .notLeader(let node): "this node does not lead; ask \(node)"
    case .tooBusy: "too much is under way; ask again in a while"
    case .unavailable(let reason): reason.description
    case .unknown(let reason): "it may have been done or not: \(reason.description)"
    case .refused(let refusal): refusal.description
    case .undecodable(let error): error.description
    }
  }
}

extension ReplicaHost {
  // MARK: Asking

  /// Asks for something, and has the reply given on `eventLoop`.
  ///
  /// - Parameters:
  ///   - request: what the client wants.
  ///   - timeout: when to give up; then the reply says what is known. `nil`: never.
  ///   - context: of the span below which the request is followed; `nil` if it is not.
  ///   - reply: is called once, with what became of it.
  @specialized(where Machine == ServerMachine)
  public func submit(
    _ request: ClientRequest<Machine>, timeout: TimeAmount? = nil,
    in context: ServiceContext? = nil, reply: @escaping @Sendable (Reply<Machine>) -> Void
  ) {
    var wish = HostRequest(
      wish: .client(request), timeout: timeout.map(Self.nanoseconds), completion: reply)
    if let context, let tracer { follow(&wish, by: tracer, in: context) }
    take(wish)
  }

  /// Asks for something as an operator, and has the reply given on `eventLoop`.
  public func submit(
    _ request: AdminRequest, timeout: TimeAmount? = nil,
    reply: @escaping @Sendable (Reply<Machine>) -> Void
  ) {
    take(
      HostRequest(wish: .admin(request), timeout: timeout.map(Self.nanoseconds), completion: reply))
  }

  /// Asks for something, and waits for the reply. Within a span it is followed.
  public func ask(
    _ request: ClientRequest<Machine>, timeout: TimeAmount? = nil
  ) async -> Reply<Machine> {
    let context = tracer == nil ? nil : ServiceContext.current
    return await withUnsafeContinuation { continuation in
      submit(request, timeout: timeout, in: context) { continuation.resume(returning: $0) }
    }
  }

  /// Asks for something as an operator, and waits for the reply.
  public func ask(
    _ request: AdminRequest, timeout: TimeAmount? = nil
  ) async -> Reply<Machine> {
    await withUnsafeContinuation { continuation in
      submit(request, timeout: timeout) { continuation.resume(returning: $0) }
    }
  }

  private static func nanoseconds(_ time: TimeAmount) -> UInt64 {
    UInt64(clamping: time.nanoseconds)
  }

  // MARK: Asking with types

  /// Has a command applied, and waits for its result. Without a session: a retry is another
  /// command.
  ///
  /// - Throws: `RequestError` if it was not done, or nobody knows.
  public func propose(
    _ command: Machine.Command, timeout: TimeAmount = .seconds(10)
  ) async throws(RequestError) -> Machine.Result {
    let request = ClientRequest<Machine>.command(
      Machine.encode(command), in: nil, copies: .majority)
    switch await ask(request, timeout: timeout) {
    case .applied(let applied):
      do throws(MachineDecodingError) {
        return try Machine.Result(encoded: applied.result[...])
      } catch {
        throw .undecodable(error)
      }
    case let other: throw RequestError(other)
    }
  }

  /// Asks the machine something.
  ///
  /// - Throws: `RequestError` if there was no answer.
  public func query(
    _ query: Machine.Query, _ kind: ReadKind = .linearizable, timeout: TimeAmount = .seconds(10)
  ) async throws(RequestError) -> Machine.Answer {
    switch await ask(.query(query, kind), timeout: timeout) {
    case .answer(let answer, _): return answer
    case let other: throw RequestError(other)
    }
  }
}

extension ReplicaHost {
  // MARK: Peers and certificates

  /// Says where peers are, from now on; for example of a node that is about to be added.
  ///
  /// Who is a member is in the log; this only says where to call. A node that calls this one with
  /// the right key or certificate is called back where it says that it listens, unless it is here.
  public func setPeers(_ peers: [Peer]) async {
    try? await eventLoop.submit { self.transport?.set(peers) }.get()
  }

  /// Reads the files of the certificates again, and uses what is in them for connections from now
  /// on. Those that are open stay open.
  ///
  /// - Throws: `HostError.certificate`; then the old ones stay in use.
  public func reloadCertificates() async throws(HostError) {
    guard case .mutualTLS(let files) = settings.security else { return }
    let node = settings.node
    let result: Result<PeerCertificates, HostError>
    do {
      result = try await NIOThreadPool.singleton.runIfActive {
        () -> Result<PeerCertificates, HostError> in
        do throws(HostError) { return .success(try PeerCertificates(files, node: node)) } catch {
          return .failure(error)
        }
      }
    } catch {
      throw .certificate("there is no thread to read on: \(error)")
    }
    let certificates = try result.get()
    try? await eventLoop.submit {
      self.certificates = certificates
      self.transport?.use(certificates)
    }.get()
  }
}

extension RequestError {
  /// What a reply says that is no result.
  init<Machine: StateMachine>(_ reply: Reply<Machine>) {
    switch reply {
    case .notLeader(let node): self = .notLeader(node)
    case .tooBusy: self = .tooBusy
    case .unavailable(let reason): self = .unavailable(reason)
    case .unknown(let reason, _): self = .unknown(reason)
    case .refused(let refusal, _): self = .refused(refusal)
    case .badRequest(let error): self = .undecodable(error)
    case .applied, .sessionOpened, .noted, .answer, .membershipChanged, .notPossible,
      .transferred, .transferFailed, .snapshotTaken, .snapshotFailed, .stopped:
      preconditionFailure("a reply to another request: \(reply.kind)")
    }
  }
}

#endif

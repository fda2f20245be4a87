// One table for every surface: what becomes of a request, in which words each surface says so, and
// what its client may do then. Nothing else in the project knows a status or an exit code of it.

/// What became of a request, the same on every surface.
public enum Outcome: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// Committed and applied, or answered.
  case ok
  /// Done before under the same key, with the same content: the original result.
  case duplicate
  /// The key was used before for something else.
  case keyReused
  /// The machine decided: no.
  case refused
  /// There is no such thing.
  case notFound
  /// Malformed; nothing was proposed.
  case badRequest
  /// No token, or one that is not known.
  case unauthorized
  /// The token's role may not do this.
  case forbidden
  /// Not proposed here: another node leads.
  case notLeader
  /// Not proposed: too much is under way, or the client is over its rate.
  case tooBusy
  /// No leader or no majority; surely not done.
  case unavailable
  /// Proposed; whether it was done, nobody knows yet.
  case unknown
  /// Committed, with fewer copies than were asked for.
  case underAcknowledged
  /// A mistake of ours.
  case `internal`
  /// The node refuses to serve damaged data.
  case corrupt

  /// The name in the table.
  public var description: String { rawValue }

  /// The status of an HTTP response. A comparison that failed has 409 instead of 422, see
  /// `Ruling.httpStatus`, and something made has 201 instead of 200.
  public var httpStatus: Int {
    switch self {
    case .ok, .duplicate: 200
    case .keyReused: 409
    case .refused: 422
    case .notFound: 404
    case .badRequest: 400
    case .unauthorized: 401
    case .forbidden: 403
    case .notLeader: 307
    case .tooBusy: 429
    case .unavailable: 503
    case .unknown: 504
    case .underAcknowledged: 202
    case .internal, .corrupt: 500
    }
  }

  /// The code of a gRPC response.
  public var grpcCode: String {
    switch self {
    case .ok, .duplicate, .underAcknowledged: "OK"
    case .keyReused: "ALREADY_EXISTS"
    case .refused, .notLeader: "FAILED_PRECONDITION"
    case .notFound: "NOT_FOUND"
    case .badRequest: "INVALID_ARGUMENT"
    case .unauthorized: "UNAUTHENTICATED"
    case .forbidden: "PERMISSION_DENIED"
    case .tooBusy: "RESOURCE_EXHAUSTED"
    case .unavailable: "UNAVAILABLE"
    case .unknown: "DEADLINE_EXCEEDED"
    case .internal: "INTERNAL"
    case .corrupt: "DATA_LOSS"
    }
  }

  /// How a line of the text protocol begins.
  public var textWord: String {
    switch self {
    case .ok, .duplicate, .underAcknowledged: "+OK"
    case .keyReused: "-ERR KEY_REUSED"
    case .refused: "-ERR REFUSED"
    case .notFound: "-ERR NOT_FOUND"
    case .badRequest: "-ERR BAD_REQUEST"
    case .unauthorized: "-ERR UNAUTHORIZED"
    case .forbidden: "-ERR FORBIDDEN"
    case .notLeader: "-ERR NOT_LEADER"
    case .tooBusy: "-ERR BUSY"
    case .unavailable: "-ERR UNAVAILABLE"
    case .unknown: "-ERR UNKNOWN"
    case .internal: "-ERR INTERNAL"
    case .corrupt: "-ERR CORRUPT"
    }
  }

  /// What a command of ours ends with. One that cannot follow a leader has nobody to ask.
  public var exitCode: Int32 {
    switch self {
    case .ok, .duplicate: 0
    case .keyReused, .refused, .notFound: 10
    case .badRequest: 64
    case .unauthorized, .forbidden: 77
    case .notLeader, .unavailable: 69
    case .tooBusy, .unknown, .underAcknowledged: 75
    case .internal, .corrupt: 70
    }
  }

  /// Whether, and how, the request may be sent again.
  public var retry: RetryAdvice {
    switch self {
    case .ok, .duplicate, .notFound: .no
    case .keyReused: .withAnotherKey
    case .refused: .whenStateChanges
    case .badRequest, .unauthorized, .forbidden: .afterFixing
    case .notLeader: .elsewhere
    case .tooBusy: .later
    case .unavailable: .yes
    case .unknown, .underAcknowledged: .withTheSameKey
    case .internal, .corrupt: .no
    }
  }

  /// Whether the request took effect, as far as this outcome tells; `nil` if it does not.
  public var isDone: Bool? {
    switch self {
    case .ok, .duplicate, .underAcknowledged: true
    case .unknown, .internal, .corrupt: nil
    case .keyReused, .refused, .notFound, .badRequest, .unauthorized, .forbidden, .notLeader,
      .tooBusy, .unavailable:
      false
    }
  }
}

/// What a client may do after an outcome.
public enum RetryAdvice: String, Hashable, Sendable, CaseIterable {
  /// There is nothing to repeat, or repeating it would change nothing.
  case no
  /// Whoever wants it done uses a new key.
  case withAnotherKey
  /// Not unless what it was refused for has changed; a payment then with a new key.
  case whenStateChanges
  /// After the request, or who sends it, was put right.
  case afterFixing
  /// At once, at the node that is named.
  case elsewhere
  /// At the same node, after the time that is named.
  case later
  /// Again, anywhere: nothing was done.
  case yes
  /// Only with the same key, or in the same place of the session: it may have been done.
  case withTheSameKey
}

/// Where a leader can be asked.
public struct LeaderHint: Hashable, Sendable {
  /// Its name, such as `n2`.
  public var node: String
  /// Its address for the surface that was asked, `host:port`; `nil` if that is not known.
  public var address: String?

  /// A leader and its address.
  public init(node: String, address: String? = nil) {
    self.node = node
    self.address = address
  }
}

/// An outcome with all that is told of it.
public struct Ruling: Hashable, Sendable {
  /// The row of the table.
  public var outcome: Outcome
  /// Why, in a word that programs compare, such as `insufficientFunds`; empty where the outcome
  /// says it all.
  public var reason: String
  /// Why, in a sentence for people, with the actual values.
  public var detail: String
  /// The entry at which it took effect, or may have.
  public var index: UInt64?
  /// Who leads, if another node does.
  public var leader: LeaderHint?
  /// When to ask again, in milliseconds.
  public var retryAfterMilliseconds: UInt64?
  /// The idempotency key that it was asked with.
  public var key: String?
  /// How many nodes hold the entry, of how many that were asked for.
  public var copies: UnderCount?

  /// Whether the ruling also says what became of an earlier copy of the same request, of which
  /// nothing was heard.
  ///
  /// What the machine decided about the key or the place in the session does. What stopped this
  /// copy on its way does not, nor does a machine that has forgotten what it did.
  public var settlesEarlierCopies: Bool {
    switch outcome {
    case .ok, .duplicate, .underAcknowledged, .keyReused, .notFound: true
    case .badRequest: reason != Ruling.foreign
    case .refused: !Ruling.forgetful.contains(reason)
    case .unauthorized, .forbidden, .notLeader, .tooBusy, .unavailable, .unknown, .internal,
      .corrupt:
      false
    }
  }

  /// The reason of an answer that was none of a node's, but of something in between.
  public static let foreign = "foreign"

  /// Reasons of those who no longer know, never learnt, or will not remember what they did.
  private static let forgetful = [
    "sessionExpired", "unknownSession", "alreadyAcknowledged", "tooManyUnderWay",
    "tooManyResultBytes", "keyExpired", "keyTooNew", "tooManyKeys", "producerExpired",
    "outsideWindow",
  ]

  /// A count of copies that did not suffice.
  public struct UnderCount: Hashable, Sendable {
    /// How many nodes hold the entry.
    public var held: UInt32
    /// How many were asked for.
    public var asked: UInt32

    /// So many of so many.
    public init(held: UInt32, asked: UInt32) {
      self.held = held
      self.asked = asked
    }
  }

  /// An outcome, why in a word and why in a sentence.
  public init(_ outcome: Outcome, reason: String = "", _ detail: String = "") {
    self.outcome = outcome
    self.reason = reason
    self.detail = detail
  }

  /// The reason of a comparison that failed.
  public static let mismatch = "mismatch"

  /// The reason of a method of HTTP that is not possible at a path.
  public static let wrongMethod = "method"

  /// The status of the HTTP response.
  public var httpStatus: Int {
    if outcome == .refused, reason == Ruling.mismatch { return 409 }
    if outcome == .badRequest, reason == Ruling.wrongMethod { return 405 }
    return outcome.httpStatus
  }

  /// The line of the text protocol, without its end.
  public var textLine: String {
    switch outcome {
    case .ok: return "+OK" + (index.map { " \($0)" } ?? "")
    case .duplicate: return "+OK" + (index.map { " \($0)" } ?? "") + " DUPLICATE"
    case .underAcknowledged:
      let counts = copies.map { " ACKS \($0.held)/\($0.asked)" } ?? ""
      return "+OK" + (index.map { " \($0)" } ?? "") + counts
    case .notLeader:
      return outcome.textWord + (leader.map { " \($0.node) \($0.address ?? "-")" } ?? " - -")
    case .tooBusy: return outcome.textWord + " \(retryAfterMilliseconds ?? 100)ms"
    case .keyReused, .refused, .notFound, .badRequest, .unauthorized, .forbidden, .unavailable,
      .unknown, .internal, .corrupt:
      let words = [reason, detail].filter { !$0.isEmpty }
      // A line is a line, whatever a client's own words in it are.
      let text = words.joined(separator: ": ").map { $0.isNewline ? " " : $0 }
      return outcome.textWord + (words.isEmpty ? "" : " " + String(text))
    }
  }

  /// The members of a problem document or of a result, in their order.
  public var members: [JSONValue.Member] {
    var list: [JSONValue.Member] = [.init("outcome", .string(outcome.rawValue))]
    if !reason.isEmpty { list.append(.init("reason", .string(reason))) }
    if let index { list.append(.init("index", .text(index))) }
    if let leader {
      list.append(
        .init(
          "leader",
          .object([
            .init("node", .string(leader.node)),
            .init("address", leader.address.map { .string($0) } ?? .null),
          ])))
    }
    if let retryAfterMilliseconds {
      list.append(.init("retryAfterMs", .text(retryAfterMilliseconds)))
    }
    if let key { list.append(.init("key", .string(key))) }
    if let copies {
      list.append(.init("copies", .text(UInt64(copies.held))))
      list.append(.init("copiesAsked", .text(UInt64(copies.asked))))
    }
    return list
  }

  /// The problem document of RFC 9457 that an HTTP error carries.
  public var problem: JSONValue {
    .object(
      [
        .init("schema", .string("flotilla/problem/1")),
        .init("type", .string("about:blank")),
        .init("title", .string(outcome.rawValue)),
        .init("status", .number(String(httpStatus))),
        .init("detail", .string(detail)),
      ] + members)
  }

  /// What a response says of its request.
  ///
  /// Anything that is no document of ours is for the caller to judge by the status.
  public init?(_ document: JSONValue) {
    guard let name = document["outcome"]?.string, let outcome = Outcome(rawValue: name) else {
      return nil
    }
    self.init(outcome, reason: document["reason"]?.string ?? "", document["detail"]?.string ?? "")
    index = document["index"]?.unsigned
    retryAfterMilliseconds = document["retryAfterMs"]?.unsigned
    key = document["key"]?.string
    if let leader = document["leader"], let node = leader["node"]?.string {
      self.leader = LeaderHint(node: node, address: leader["address"]?.string)
    }
    if let held = document["copies"]?.unsigned, let asked = document["copiesAsked"]?.unsigned {
      copies = UnderCount(held: UInt32(clamping: held), asked: UInt32(clamping: asked))
    }
  }
}
extension Ruling: Error {}

#if Server
// Who may do what, and how often.

import Crypto
import RaftInterface

/// What a token allows. Each role may do what those before it may.
package enum Role: UInt8, Sendable, CaseIterable, Comparable, CustomStringConvertible {
  case reader = 0
  case writer = 1
  case `operator` = 2
  /// Harm on purpose, at nodes that allow it.
  case chaos = 3

  package static func < (a: Role, b: Role) -> Bool { a.rawValue < b.rawValue }

  /// The word in configuration files.
  package var description: String {
    switch self {
    case .reader: "reader"
    case .writer: "writer"
    case .operator: "operator"
    case .chaos: "chaos"
    }
  }

  package init?(_ word: String) {
    guard let role = Role.allCases.first(where: { $0.description == word }) else { return nil }
    self = role
  }
}

/// A token as it is kept: never itself, only its digest.
package struct TokenRecord: Hashable, Sendable {
  package var name: String
  package var role: Role
  /// SHA-256 of the token, 32 bytes.
  package var digest: [UInt8]

  package init(name: String, role: Role, digest: [UInt8]) {
    self.name = name
    self.role = role
    self.digest = digest
  }

  /// What is kept of a token.
  package static func digest(of token: String) -> [UInt8] {
    Array(SHA256.hash(data: Array(token.utf8)))
  }
}

/// How often a client may ask.
package struct RateLimit: Hashable, Sendable {
  /// Requests per second in the long run; 0 for no bound.
  package var perSecond: UInt64
  /// How many may come at once; where nobody says, as many as in a second.
  package var burst: UInt64

  package init(perSecond: UInt64 = 0, burst: UInt64 = 0) {
    self.perSecond = perSecond
    self.burst = burst > 0 ? burst : max(perSecond, 1)
  }
}

/// A bucket into which permissions drip, and from which each request takes one.
///
/// Invariant: it never holds more than `burst`.
struct TokenBucket: Hashable, Sendable {
  private static let whole: UInt64 = 1_000_000_000
  /// In thousand-millionths of a permission.
  private var level: UInt64
  private var time: UInt64

  init(_ limit: RateLimit, at nanoseconds: UInt64) {
    level = limit.burst * TokenBucket.whole
    time = nanoseconds
  }

  /// What it holds at a time.
  private func level(_ limit: RateLimit, at nanoseconds: UInt64) -> UInt64 {
    let passed = nanoseconds > time ? nanoseconds - time : 0
    let (drip, overflow) = passed.multipliedReportingOverflow(by: limit.perSecond)
    let full = limit.burst * TokenBucket.whole
    return overflow || drip > full - level ? full : level + drip
  }

  /// Whether nothing would be different without it.
  func isFull(_ limit: RateLimit, at nanoseconds: UInt64) -> Bool {
    level(limit, at: nanoseconds) == limit.burst * TokenBucket.whole
  }

  /// Takes a permission out.
  ///
  /// - Returns: `nil`, or after how many milliseconds there will be one.
  mutating func take(_ limit: RateLimit, at nanoseconds: UInt64) -> UInt64? {
    level = level(limit, at: nanoseconds)
    time = max(time, nanoseconds)
    if level >= TokenBucket.whole {
      level -= TokenBucket.whole
      return nil
    }
    let missing = TokenBucket.whole - level
    return missing / limit.perSecond / 1_000_000 + 1
  }
}

/// The buckets of many clients, in bounded memory.
///
/// Who asks seldom has a full bucket, and a full bucket is the same as none: those are forgotten
/// when there are too many. If all are in use, who is new shares one bucket with all others who are
/// new; nobody who has a bucket gets a fresh one by that.
struct BucketTable: Sendable {
  /// How many clients are told apart.
  static let maximumClients = 65_536
  /// How seldom full buckets are looked for. Unit: nanoseconds.
  private static let sweepInterval: UInt64 = 1_000_000_000

  let limit: RateLimit
  private(set) var buckets: [String: TokenBucket] = [:]
  private var others: TokenBucket
  private var swept: UInt64?

  init(_ limit: RateLimit) {
    self.limit = limit
    others = TokenBucket(limit, at: 0)
  }

  /// Takes a permission of a client's.
  ///
  /// - Returns: `nil`, or after how many milliseconds there will be one.
  /// - Complexity: O(1), and once a second at most O(`maximumClients`).
  mutating func take(_ name: String, at now: UInt64) -> UInt64? {
    if buckets.count >= BucketTable.maximumClients, buckets[name] == nil {
      sweep(at: now)
      guard buckets.count < BucketTable.maximumClients else {
        return others.take(limit, at: now)
      }
    }
    return buckets[name, default: TokenBucket(limit, at: now)].take(limit, at: now)
  }

  private mutating func sweep(at now: UInt64) {
    if let swept, now - min(now, swept) < BucketTable.sweepInterval { return }
    swept = now
    let limit = limit
    buckets = buckets.filter { !$0.value.isFull(limit, at: now) }
  }
}

/// Decides whether a request may be looked at.
package final class AccessControl: Sendable {
  private let tokens: [TokenRecord]
  private let limit: RateLimit
  private let buckets: LockedBox<BucketTable>
  private let refusals: LockedBox<BucketTable>
  private let start = ContinuousClock.now
  /// How often an address may come with a token that is refused, whatever is said of others.
  static let refusalLimit = RateLimit(perSecond: 10, burst: 100)

  /// No tokens: everybody may do everything. That is for addresses that nobody else reaches.
  package init(tokens: [TokenRecord] = [], limit: RateLimit = RateLimit()) {
    self.tokens = tokens
    self.limit = limit
    buckets = LockedBox(BucketTable(limit))
    refusals = LockedBox(BucketTable(AccessControl.refusalLimit))
  }

  /// Whether nobody may do anything without one.
  var wantsTokens: Bool { !tokens.isEmpty }

  func check(_ request: APIRequest, _ role: Role) throws(Ruling) {
    try check(
      authorization: request.header("authorization"), client: request.client, role)
  }

  /// The same with the value of `authorization` as it came, if it came.
  package func check(authorization: String?, client: String, _ role: Role) throws(Ruling) {
    var token: String?
    if let authorization {
      guard authorization.utf8.count > 7, authorization.prefix(7).lowercased() == "bearer " else {
        throw refused(client, .unauthorized, "scheme", "write Authorization: Bearer TOKEN")
      }
      token = String(authorization.dropFirst(7))
    }
    try check(token: token, client: client, role)
  }

  /// Checks that a client may do what a role may, and that it does not come too often.
  ///
  /// - Parameters:
  ///   - token: what it shows, if it shows any.
  ///   - client: its address, without the port.
  ///   - role: what is needed.
  package func check(token: String?, client: String, _ role: Role) throws(Ruling) {
    var name = client
    if !tokens.isEmpty {
      guard let token else {
        throw refused(client, .unauthorized, "noToken", "this cluster wants a token")
      }
      guard let record = record(of: token) else {
        throw refused(client, .unauthorized, "unknownToken", "the token is not known")
      }
      guard record.role >= role else {
        throw refused(
          client, .forbidden, "role",
          "the token \(record.name) has the role \(record.role), and this needs \(role)")
      }
      name = "token " + record.name
    }
    guard limit.perSecond > 0 else { return }
    let now = now
    if let wait = buckets.change({ $0.take(name, at: now) }) {
      throw AccessControl.tooBusy(
        wait, "rateLimited", "more than \(limit.perSecond) requests per second")
    }
  }

  private var now: UInt64 { UInt64((ContinuousClock.now - start) / .nanoseconds(1)) }

  private static func tooBusy(_ wait: UInt64, _ reason: String, _ detail: String) -> Ruling {
    var ruling = Ruling(.tooBusy, reason: reason, detail)
    ruling.retryAfterMilliseconds = wait
    return ruling
  }

  /// What is said to who may not: the reason, or that it was too often.
  ///
  /// A right token from the same address is never kept waiting by this.
  private func refused(
    _ client: String, _ outcome: Outcome, _ reason: String, _ detail: String
  ) -> Ruling {
    let now = now
    guard let wait = refusals.change({ $0.take(client, at: now) }) else {
      return Ruling(outcome, reason: reason, detail)
    }
    return AccessControl.tooBusy(
      wait, "refusedOften",
      "more than \(AccessControl.refusalLimit.perSecond) refused requests per second from this"
        + " address")
  }

  /// Compares with every token, whole, so that the time it takes tells nothing of any.
  private func record(of token: String) -> TokenRecord? {
    let digest = TokenRecord.digest(of: token)
    var found: TokenRecord?
    for record in tokens {
      var difference = record.digest.count == digest.count ? UInt8(0) : UInt8(1)
      for (a, b) in zip(record.digest, digest) { difference |= a ^ b }
      if difference == 0 { found = record }
    }
    return found
  }
}
#endif

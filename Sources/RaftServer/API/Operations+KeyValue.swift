#if Server
// What can be done with keys, values and sessions, on values.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

extension API {
  /// The value of a key.
  package func value(
    of key: [UInt8], _ terms: ReadTerms
  ) async throws(Ruling) -> (value: [UInt8], freshness: Freshness) {
    let (answer, freshness) = try await ask(.keys(.get(key: key)), terms)
    return (try API.value(of: key, in: answer), freshness)
  }

  /// The value of a key that an answer has.
  static func value(of key: [UInt8], in answer: ServerMachine.Answer) throws(Ruling) -> [UInt8] {
    guard case .value(let value) = answer.keys else { throw confusion }
    guard let value else {
      throw Ruling(.notFound, "there is no key \"\(shortened(shown(key)))\"")
    }
    return value
  }

  /// Sets a key or takes it away.
  package func change(
    _ command: KeyValue.Command, _ terms: WriteTerms
  ) async throws(Ruling) -> Ruling {
    let (result, ruling) = try await apply(.keys(command), terms)
    return try API.changed(command, result, ruling)
  }

  /// What came of a change.
  static func changed(
    _ command: KeyValue.Command, _ result: ServerMachine.Result, _ ruling: Ruling
  ) throws(Ruling) -> Ruling {
    switch (result.keys, command) {
    case (.done, _): return ruling
    case (.mismatch, .compareAndSet(let key, let expected, _)):
      throw Ruling(
        .refused, reason: Ruling.mismatch,
        "\"\(shortened(shown(key)))\" "
          + (expected == nil ? "exists already" : "does not have the value that was expected"))
    case (.mismatch, _), (.value, _), (.malformed, _), (nil, _): throw confusion
    }
  }

  /// Keys with a prefix, in order, after one of them.
  package func pairs(
    prefix: [UInt8], after: [UInt8]?, limit: Int, _ terms: ReadTerms
  ) async throws(Ruling) -> (pairs: [KeyValue.Pair], freshness: Freshness) {
    let (answer, freshness) = try await ask(
      .keys(.list(prefix: prefix, after: after, limit: limit)), terms)
    guard case .list(let pairs) = answer.keys else { throw API.confusion }
    return (pairs, freshness)
  }

  /// Changes behind an entry as this node has them; nothing if it has none, or cannot tell now.
  package func changes(prefix: [UInt8], after: UInt64) async -> KeyChanges {
    let reply = await service.perform(
      .query(.keys(.changes(prefix: prefix, after: LogIndex(after), limit: 256)), .stale),
      within: .seconds(1))
    guard case .answer(let answer, _) = reply else { return .list([], through: after) }
    switch answer.keys {
    case .changes(let changes, let through): return .list(changes, through: through.rawValue)
    case .changesForgotten(let through): return .forgotten(through: through.rawValue)
    case .value, .count, .list, nil: return .list([], through: after)
    }
  }

  /// Opens a session.
  ///
  /// - Returns: a ruling whose index is the number of the session.
  package func openSession(_ timeout: Duration) async throws(Ruling) -> Ruling {
    let reply = await service.perform(.openSession, within: timeout)
    guard case .sessionOpened = reply else { throw ruling(reply) }
    return ruling(reply)
  }

  /// Keeps a session from being forgotten, and notes which results have arrived.
  package func keepSession(
    _ session: UInt64, acknowledged: UInt64, _ timeout: Duration
  ) async throws(Ruling) -> Ruling {
    guard acknowledged < UInt64.max >> 1 else {
      throw Ruling(.badRequest, reason: "acknowledged", "acknowledged is too large")
    }
    return try await note(
      .keepSession(try API.session(session), acknowledgedThrough: acknowledged), timeout)
  }

  /// Closes a session.
  package func closeSession(
    _ session: UInt64, _ timeout: Duration
  ) async throws(Ruling) -> Ruling {
    try await note(.closeSession(try API.session(session)), timeout)
  }

  private static func session(_ number: UInt64) throws(Ruling) -> SessionID {
    guard number > 0 else {
      throw Ruling(.badRequest, reason: "session", "a session is a number from 1 on")
    }
    return SessionID(number)
  }

  private func note(
    _ wish: ClientRequest<ServerMachine>, _ timeout: Duration
  ) async throws(Ruling) -> Ruling {
    let reply = await service.perform(wish, within: timeout)
    guard case .noted = reply else { throw ruling(reply) }
    return ruling(reply)
  }
}

/// What has changed behind an entry.
package enum KeyChanges: Sendable {
  /// These changes, and none but these through an entry.
  case list([KeyValue.Change], through: UInt64)
  /// What has changed through this entry is forgotten.
  case forgotten(through: UInt64)
}
#endif

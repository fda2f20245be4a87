#if Server
// How a request is to be carried out, whatever surface it came from. What each surface calls these
// things, and how it writes them, is its own affair.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

/// How a write is done.
package struct WriteTerms: Sendable {
  /// How long to try.
  package var timeout: Duration
  /// How many nodes must hold it before it is answered.
  package var copies: CopiesWanted
  /// Its place in a session, if it has one.
  package var session: SessionPosition?

  package init(
    timeout: Duration = RequestRules.usualTimeout, copies: CopiesWanted = .majority,
    session: SessionPosition? = nil
  ) {
    self.timeout = timeout
    self.copies = copies
    self.session = session
  }
}

/// How a read is done.
package struct ReadTerms: Sendable {
  /// How long to try.
  package var timeout: Duration
  /// How fresh the answer must be.
  package var kind: ReadKind

  package init(timeout: Duration = RequestRules.usualTimeout, kind: ReadKind = .linearizable) {
    self.timeout = timeout
    self.kind = kind
  }
}

/// What holds for requests on every surface.
package enum RequestRules {
  /// How long is tried where nobody says.
  package static let usualTimeout = Duration.seconds(5)
  /// How long may be asked for.
  package static let longestTimeout = Duration.seconds(60)
  /// How many accounts or transfers one request may have.
  static let batch = 1...8_190

  /// How many things a list has.
  ///
  /// - Parameters:
  ///   - number: what was asked for, if anything was.
  ///   - usual: what it is otherwise.
  ///   - most: how many there may be.
  package static func limit(
    _ number: UInt64?, usual: Int = 100, most: Int = 10_000
  ) throws(Ruling) -> Int {
    guard let number else { return usual }
    guard number >= 1, number <= UInt64(most) else {
      throw Ruling(.badRequest, reason: "limit", "limit is 1 to \(most), not \(number)")
    }
    return Int(number)
  }

  /// A place in a session, of three numbers.
  ///
  /// - Parameters:
  ///   - session: the session.
  ///   - sequence: which request of it, from 1 on.
  ///   - acknowledged: all results through this one have arrived.
  ///   - names: what the surface calls the three.
  package static func place(
    session: UInt64, sequence: UInt64, acknowledged: UInt64, names: String
  ) throws(Ruling) -> SessionPosition {
    guard session > 0, sequence > 0, sequence < UInt64.max >> 1, acknowledged < UInt64.max >> 1
    else {
      throw Ruling(.badRequest, reason: "session", "\(names) are numbers, the first two from 1 on")
    }
    return SessionPosition(
      session: SessionID(session), sequence: sequence, acknowledgedThrough: acknowledged)
  }

  /// A number of nodes that must hold a write.
  package static func copies(_ count: UInt32) throws(Ruling) -> CopiesWanted {
    guard count > 0 else {
      throw Ruling(.badRequest, reason: "acks", "at least one node must hold a write, not 0")
    }
    return .atLeast(count)
  }

  /// The name of a topic, if it can be one.
  package static func topic(_ name: [UInt8]) throws(Ruling) -> [UInt8] {
    guard (1...255).contains(name.count) else {
      throw Ruling(.badRequest, reason: "topic", "the name of a topic has 1 to 255 bytes")
    }
    return name
  }

  /// The name of a group of readers, if it can be one.
  package static func group(_ name: [UInt8]) throws(Ruling) -> [UInt8] {
    guard (1...255).contains(name.count) else {
      throw Ruling(.badRequest, reason: "group", "the name of a group has 1 to 255 bytes")
    }
    return name
  }

  /// A number of the settings of a topic, in the unit in which it is kept.
  ///
  /// - Parameters:
  ///   - field: its name.
  ///   - number: what was written.
  ///   - scale: how many of the unit kept are one of the unit written.
  package static func setting(
    _ field: String, _ number: UInt64, scale: UInt64
  ) throws(Ruling) -> UInt64 {
    guard number <= UInt64(Int64.max) / scale else {
      throw Ruling(.badRequest, reason: field, "\(field) is too large")
    }
    return number * scale
  }

  /// An idempotency key.
  package static func key(_ text: String) throws(Ruling) -> TransferKey {
    guard let key = TimedID(text: text) else {
      throw Ruling(
        .badRequest, reason: "key",
        "the key \"\(shortened(text))\" is no ULID and no UUID of version 7")
    }
    return key
  }

  /// A node by its name, `n2` or `2`.
  package static func node(_ text: String) throws(Ruling) -> NodeID { try NodeID(named: text) }
}

extension APIRequest {
  /// How this write is done, as its query and its headers say.
  func writeTerms() throws(Ruling) -> WriteTerms {
    let copies = try copies()
    let session = try session()
    return WriteTerms(timeout: try timeout(), copies: copies, session: session)
  }

  /// How this read is done, as its query says.
  func readTerms() throws(Ruling) -> ReadTerms {
    let kind = try readKind()
    return ReadTerms(timeout: try timeout(), kind: kind)
  }
}
#endif

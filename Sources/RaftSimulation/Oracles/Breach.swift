// What an oracle says when it fires.

import Raft

/// By what two failures are the same one: shrinking keeps it, reports group by it.
public struct Fingerprint: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The property that does not hold.
  public var property: Property
  /// Which of the property's checks noticed it; stable from version to version.
  public var check: UInt8
  /// The term it is about, or zero.
  public var term: Term
  /// The index it is about, or zero.
  public var index: LogIndex

  /// For example `S07.1:t4:i118`.
  public var description: String {
    "\(property.id).\(check):t\(term.description):i\(index.description)"
  }
}

/// A property that does not hold, and how that was seen.
public struct Breach: Sendable, CustomStringConvertible {
  /// The identity of the failure.
  public var fingerprint: Fingerprint
  /// What happened, in one sentence that names nodes, terms and indexes.
  public var sentence: String

  /// The property that does not hold.
  public var property: Property { fingerprint.property }

  /// The property, its section and the sentence.
  public var description: String {
    "\(property.id) \(property.title) (\(property.section)): \(sentence)"
  }
}

// What can be wrong with bytes. Every error says where, what was looked for there, and what was
// found instead.

/// Why bytes are not the encoding of a value.
public struct WireDecodingError: Error, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// Where the field begins that is wrong.
  ///
  /// - Unit: bytes from the first byte that was given to the decoder.
  public var offset: Int
  /// The field that was expected there.
  public var expected: WireField
  /// What is wrong with it.
  public var problem: WireProblem

  /// An error at a place.
  public init(offset: Int, expected: WireField, problem: WireProblem) {
    self.offset = offset
    self.expected = expected
    self.problem = problem
  }

  /// Where and what, in a sentence.
  public var description: String {
    "byte \(offset): \(expected.description): \(problem.description)"
  }
}

/// What is wrong with a field.
public enum WireProblem: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The bytes end before the field does. Both numbers are in bytes.
  case truncated(needed: UInt64, available: UInt64)
  /// The value was written in a version that this reader does not know; `newest` is the newest that
  /// it does.
  case unknownVersion(found: UInt8, newest: WireVersion)
  /// The number stands for nothing.
  case unknownTag(UInt8)
  /// The number may not be zero.
  case zero
  /// The number is larger than any that a working cluster reaches.
  case tooLarge(UInt64)
  /// There may not be so many.
  case tooMany(UInt64)
  /// The value can be written in a shorter way, and only that one is allowed.
  case notCanonical
  /// The term is lower than the one before.
  case termDecreases
  /// The ends of the payloads do not fit the payloads.
  case brokenTable
  /// The entry's payload is not the encoding of a membership.
  case brokenMembership
  /// The nodes cannot be a membership.
  case membership(MembershipError)
  /// So many bytes follow the value.
  case trailingBytes(UInt64)

  /// What is wrong, in a few words.
  public var description: String {
    switch self {
    case .truncated(let needed, let available):
      "\(needed) bytes are needed, \(available) are left"
    case .unknownVersion(let found, let newest):
      "v\(found) is unknown; this reader knows \(WireVersion.version1) to \(newest)"
    case .unknownTag(let tag): "\(tag) stands for nothing"
    case .zero: "must not be zero"
    case .tooLarge(let value): "\(value) is out of range"
    case .tooMany(let count): "\(count) are too many"
    case .notCanonical: "is not written in the one way that is allowed"
    case .termDecreases: "is lower than the one before"
    case .brokenTable: "does not fit the payloads"
    case .brokenMembership: "an entry's payload is not a membership"
    case .membership(let error): error.description
    case .trailingBytes(let count): "\(count) bytes follow it"
    }
  }
}

/// The name of a field of the encoding.
public enum WireField: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The version of the whole encoding.
  case version
  /// What a message is.
  case messageKind
  /// A node.
  case node
  /// A term.
  case term
  /// An index of the log.
  case index
  /// A byte offset in a snapshot.
  case snapshotOffset
  /// A number that is only echoed.
  case sequence
  /// Yes or no.
  case flag
  /// How many nodes a list of a membership has.
  case nodeCount
  /// A whole membership.
  case membership
  /// How many runs of entries there are.
  case runCount
  /// What the entries of a run are for.
  case entryKind
  /// Where the payloads of a run are.
  case payloadState
  /// How many entries a run has.
  case entryCount
  /// How many bytes follow.
  case byteCount
  /// The bytes of payloads or of a snapshot.
  case payload
  /// The ends of the payloads of a run.
  case endTable
  /// The end of the encoding.
  case end

  /// The field in a word or two.
  public var description: String {
    switch self {
    case .version: "version"
    case .messageKind: "message kind"
    case .node: "node"
    case .term: "term"
    case .index: "index"
    case .snapshotOffset: "snapshot offset"
    case .sequence: "sequence"
    case .flag: "flag"
    case .nodeCount: "node count"
    case .membership: "membership"
    case .runCount: "run count"
    case .entryKind: "entry kind"
    case .payloadState: "payload state"
    case .entryCount: "entry count"
    case .byteCount: "byte count"
    case .payload: "payload"
    case .endTable: "end table"
    case .end: "end"
    }
  }
}

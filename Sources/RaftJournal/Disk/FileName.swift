// Names are values, not strings: there are few kinds, they sort, and Embedded Swift compares them.

import Raft

/// The name of a file of a journal.
public enum FileName: Hashable, Sendable, BitwiseCopyable {
  /// Whose journal this is. Its presence makes a directory a journal.
  case identity
  /// The next identity file, before it takes its place.
  case identityDraft
  /// A segment of the log, numbered from 1.
  case segment(UInt64)
  /// A segment that was set aside because it is damaged, or follows a damaged one.
  case damagedSegment(UInt64)
  /// A segment to be: its space is taken, its name is not given.
  case spare
  /// Space kept for the snapshot that makes room on a full disk.
  case reserve
  /// A whole snapshot, through this position.
  case snapshot(LogPosition)
  /// A snapshot of this node's own machine, not finished.
  case snapshotDraft(LogPosition)
  /// A snapshot from a leader, not finished.
  case incoming(LogPosition)

  /// The name in the directory: letters, digits, `-` and `.` only.
  public var text: String {
    switch self {
    case .identity: "identity"
    case .identityDraft: "identity.draft"
    case .segment(let number): "log-" + FileName.digits(number)
    case .damagedSegment(let number): "damaged-log-" + FileName.digits(number)
    case .spare: "log.spare"
    case .reserve: "reserve"
    case .snapshot(let position): "snapshot-" + FileName.digits(position)
    case .snapshotDraft(let position): "snapshot-" + FileName.digits(position) + ".draft"
    case .incoming(let position): "snapshot-" + FileName.digits(position) + ".incoming"
    }
  }

  /// The name that these bytes of UTF-8 spell, or `nil` for a file that is not a journal's.
  public init?(utf8 name: [UInt8]) {
    for plain in [FileName.identity, .identityDraft, .spare, .reserve]
    where name.elementsEqual(plain.text.utf8) {
      self = plain
      return
    }
    var rest = name[...]
    if FileName.drop("damaged-log-", from: &rest) {
      guard let number = FileName.number(from: &rest), rest.isEmpty, number > 0 else { return nil }
      self = .damagedSegment(number)
      return
    }
    if FileName.drop("log-", from: &rest) {
      guard let number = FileName.number(from: &rest), rest.isEmpty, number > 0 else { return nil }
      self = .segment(number)
      return
    }
    guard FileName.drop("snapshot-", from: &rest), let index = FileName.number(from: &rest),
      FileName.drop("-", from: &rest), let term = FileName.number(from: &rest)
    else { return nil }
    let position = LogPosition(term: Term(term), index: LogIndex(index))
    if rest.isEmpty {
      self = .snapshot(position)
    } else if rest.elementsEqual(".draft".utf8) {
      self = .snapshotDraft(position)
    } else if rest.elementsEqual(".incoming".utf8) {
      self = .incoming(position)
    } else {
      return nil
    }
  }

  private static func digits(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.utf8.count) + text
  }

  private static func digits(_ position: LogPosition) -> String {
    digits(position.index.rawValue) + "-" + digits(position.term.rawValue)
  }

  private static func drop(_ prefix: StaticString, from rest: inout ArraySlice<UInt8>) -> Bool {
    let count = prefix.utf8CodeUnitCount
    guard rest.count >= count else { return false }
    for position in 0..<count
    where rest[rest.startIndex + position] != prefix.utf8Start[position] { return false }
    rest = rest.dropFirst(count)
    return true
  }

  /// Sixteen hexadecimal digits in small letters.
  private static func number(from rest: inout ArraySlice<UInt8>) -> UInt64? {
    guard rest.count >= 16 else { return nil }
    var value: UInt64 = 0
    for byte in rest.prefix(16) {
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt64(byte - 0x30)
      case 0x61...0x66: value = value << 4 | UInt64(byte - 0x61 + 10)
      default: return nil
      }
    }
    rest = rest.dropFirst(16)
    return value
  }

  /// Kind, number and term, by which names are ordered.
  private var key: (UInt8, UInt64, UInt64) {
    switch self {
    case .identity: (0, 0, 0)
    case .identityDraft: (1, 0, 0)
    case .segment(let number): (2, number, 0)
    case .spare: (3, 0, 0)
    case .reserve: (4, 0, 0)
    case .snapshot(let position): (5, position.index.rawValue, position.term.rawValue)
    case .snapshotDraft(let position): (6, position.index.rawValue, position.term.rawValue)
    case .incoming(let position): (7, position.index.rawValue, position.term.rawValue)
    case .damagedSegment(let number): (8, number, 0)
    }
  }

  /// Feeds the name.
  public func feed(_ digest: inout Digest) {
    digest.combine(UInt64(key.0))
    digest.combine(key.1)
    digest.combine(key.2)
  }
}

extension FileName: Comparable {
  /// Orders names by kind, then by number.
  public static func < (a: FileName, b: FileName) -> Bool { a.key < b.key }
}

extension FileName: CustomStringConvertible {
  /// The name in the directory.
  public var description: String { text }
}

// The identity file: the same head twice, at byte 0 and at byte 4096, so that one bad sector does
// not cost a node its name. The content:
//
//     standing   8 bytes: 0 member, 1 out until repaired
//     floor      16 bytes: term and index; zeros for a member

import Raft

enum IdentityFile {
  static let copyDistance = 4_096

  static func encode(_ identity: JournalIdentity, _ standing: Standing) -> [UInt8] {
    var content: [UInt8] = []
    switch standing {
    case .member:
      content.put(0 as UInt64)
      content.put(0 as UInt64)
      content.put(0 as UInt64)
    case .outUntilRepaired(let floor):
      content.put(1 as UInt64)
      content.put(floor.term.rawValue)
      content.put(floor.index.rawValue)
    }
    let head = FileHead.encode(.identity, identity, content: content)
    var bytes = head
    bytes.append(contentsOf: [UInt8](repeating: 0, count: copyDistance - head.count))
    bytes.append(contentsOf: head)
    return bytes
  }

  /// The steps that put an identity in the place of the present one, or none.
  static func steps(_ identity: JournalIdentity, _ standing: Standing) -> [DiskStep] {
    [
      .create(.identityDraft, bytes: 0),
      .write(.identityDraft, at: 0, encode(identity, standing)),
      .sync(.identityDraft), .rename(.identityDraft, to: .identity), .syncDirectory,
    ]
  }

  static func decode(
    _ bytes: ArraySlice<UInt8>
  ) throws(FormatProblem) -> (JournalIdentity, Standing) {
    let head = try FileHead.decode(bytes, kind: .identity)
    var reader = ByteReader(head.content)
    let standing = try reader.number()
    let floor = LogPosition(
      term: Term(try reader.bounded()), index: LogIndex(try reader.bounded()))
    switch standing {
    case 0: return (head.identity, .member)
    case 1: return (head.identity, .outUntilRepaired(floor: floor))
    default: throw .damaged(.malformed)
    }
  }
}

// The identity file: the same head twice, at byte 0 and at byte 4096, so that one bad sector does
// not cost a node its name. The content:
//
//     standing   8 bytes: 0 member, 1 out until repaired
//     floor      16 bytes: term and index; zeros for a member
//     segment    8 bytes: this segment of the log, or a newer one, is there

import Raft

enum IdentityFile {
  static let copyDistance = 4_096
  private static let zeros = [UInt8](repeating: 0, count: copyDistance)

  static func encode(
    _ identity: JournalIdentity, _ standing: Standing, segment: UInt64
  ) -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(32)
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
    content.put(segment)
    let head = FileHead.encode(.identity, identity, content: content)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(copyDistance + head.count)
    bytes.append(contentsOf: head)
    bytes.append(contentsOf: zeros[head.count...])
    bytes.append(contentsOf: head)
    return bytes
  }

  /// The steps that put an identity in the place of the present one, or none.
  static func steps(
    _ identity: JournalIdentity, _ standing: Standing, segment: UInt64
  ) -> [DiskStep] {
    [
      .create(.identityDraft, bytes: 0),
      .write(.identityDraft, at: 0, encode(identity, standing, segment: segment)),
      .sync(.identityDraft), .rename(.identityDraft, to: .identity), .syncDirectory,
    ]
  }

  static func decode(_ bytes: ArraySlice<UInt8>) throws(FormatProblem) -> IdentityContent {
    let head = try FileHead.decode(bytes, kind: .identity)
    var reader = ByteReader(head.content)
    let standing = try reader.number()
    let floor = LogPosition(
      term: Term(try reader.bounded()), index: LogIndex(try reader.bounded()))
    let segment = try reader.bounded()
    guard standing <= 1 else { throw .damaged(.malformed) }
    return IdentityContent(
      identity: head.identity,
      standing: standing == 0 ? .member : .outUntilRepaired(floor: floor), segment: segment)
  }
}

/// What an identity file says.
struct IdentityContent: Hashable, Sendable, BitwiseCopyable {
  var identity: JournalIdentity
  var standing: Standing
  var segment: UInt64
}

// The beginning of every file but the spare and the reserve.
//
//     magic        8 bytes: FLOTILLA
//     checksum     4 bytes: CRC-32C of all that follows in the head
//     length       4 bytes: of the whole head, a multiple of 8, at most 4096
//     version      1 byte
//     kind         1 byte: 1 identity, 2 segment, 3 snapshot
//     zeros        6 bytes
//     cluster      16 bytes
//     node         8 bytes
//     incarnation  8 bytes: the life in which the file was begun
//     content      by kind
//     zeros        up to the length

import Raft

/// What a file is.
enum FileKind: UInt8, Hashable, Sendable, BitwiseCopyable {
  case identity = 1
  case segment = 2
  case snapshot = 3
}

/// The head that all files share.
struct FileHead {
  static let version: UInt8 = 1
  static let fixedBytes = 56
  static let maximumBytes = 4_096
  private static let magic: [UInt8] = [0x46, 0x4c, 0x4f, 0x54, 0x49, 0x4c, 0x4c, 0x41]

  var kind: FileKind
  var identity: JournalIdentity
  var content: ArraySlice<UInt8>
  /// The length of the whole head.
  var bytes: Int
  var checksum: UInt32

  /// The head of a file with this content.
  static func encode(
    _ kind: FileKind, _ identity: JournalIdentity, content: [UInt8]
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(fixedBytes + content.count + 8)
    bytes.append(contentsOf: magic)
    bytes.put(0 as UInt32)
    bytes.put(0 as UInt32)
    bytes.append(version)
    bytes.append(kind.rawValue)
    bytes.append(contentsOf: [0, 0, 0, 0, 0, 0])
    bytes.put(identity.cluster.high)
    bytes.put(identity.cluster.low)
    bytes.put(identity.node.rawValue)
    bytes.put(identity.incarnation)
    bytes.append(contentsOf: content)
    bytes.padToEight()
    precondition(bytes.count <= maximumBytes, "the head of a file has \(bytes.count) bytes")
    bytes.replace(at: 12, with: UInt32(truncatingIfNeeded: bytes.count))
    let checksum = bytes.withUnsafeBytes {
      CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[12...]))
    }
    bytes.replace(at: 8, with: checksum)
    return bytes
  }

  /// What the checksum of a damaged head may have been: what stands there, and what it would have
  /// to be if nothing else is damaged.
  static func possibleChecksums(_ bytes: ArraySlice<UInt8>) -> [UInt32] {
    guard bytes.count >= fixedBytes else { return [] }
    let (written, length) = bytes.withUnsafeBytes {
      (
        UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self)),
        Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
      )
    }
    guard length >= fixedBytes, length <= bytes.count else { return [written] }
    let computed = bytes.dropFirst(12).prefix(length - 12).withUnsafeBytes { CRC32C.of($0) }
    return computed == written ? [written] : [written, computed]
  }

  /// The head at the front of these bytes.
  static func decode(
    _ bytes: ArraySlice<UInt8>, kind: FileKind
  ) throws(FormatProblem) -> FileHead {
    guard bytes.count >= fixedBytes else { throw .damaged(.tooShort) }
    guard bytes.starts(with: magic) else { throw .damaged(.checksum) }
    var reader = ByteReader(bytes.dropFirst(8))
    let checksum = try reader.word()
    let length = Int(truncatingIfNeeded: try reader.word())
    guard length >= fixedBytes, length <= maximumBytes, length % 8 == 0 else {
      throw .damaged(.checksum)
    }
    guard length <= bytes.count else { throw .damaged(.tooShort) }
    let covered = bytes.dropFirst(12).prefix(length - 12)
    guard covered.withUnsafeBytes({ CRC32C.of($0) }) == checksum else {
      throw .damaged(.checksum)
    }
    let version = try reader.byte()
    guard version == FileHead.version else { throw .unknownVersion(version) }
    let found = FileKind(rawValue: try reader.byte())
    guard found == kind else { throw .damaged(.foreign) }
    _ = try reader.take(6)
    let cluster = ClusterID(high: try reader.number(), low: try reader.number())
    let node = NodeID(try reader.number())
    let incarnation = try reader.bounded()
    return FileHead(
      kind: kind,
      identity: JournalIdentity(cluster: cluster, node: node, incarnation: incarnation),
      content: bytes.dropFirst(fixedBytes).prefix(length - fixedBytes), bytes: length,
      checksum: checksum)
  }
}

// A snapshot is written once, from its beginning to its end, and read from anywhere.
//
//     head      as of every file; its content:
//       position    16 bytes: term and index of the last entry that it replaces
//       frame size  4 bytes: of payload; each frame but the last has just so many
//       metadata    4 bytes length, what the snapshot stands for
//     frames    each:
//       checksum    4 bytes: CRC-32C of the head's checksum, the frame's number from 0 (8 bytes),
//                   the length and the payload
//       length      4 bytes
//       payload
//     trailer   24 bytes:
//       checksum    4 bytes: CRC-32C of the head's checksum and the rest of the trailer
//       chain       4 bytes: CRC-32C of the checksums of all frames
//       bytes       8 bytes: of payload in all
//       mark        8 bytes: FLOTEND and a line feed

import Raft

/// Where a snapshot's frames lie in its file.
struct SnapshotLayout: Hashable, Sendable, BitwiseCopyable {
  static let frameHeadBytes: UInt64 = 8
  static let trailerBytes: UInt64 = 24
  static let mark: UInt64 = 0x0a44_4e45_544f_4c46

  var lastIncluded: LogPosition
  var frameBytes: UInt32
  var headBytes: UInt64
  var salt: UInt32

  func place(ofFrame number: UInt64) -> UInt64 {
    headBytes + number * (UInt64(frameBytes) + SnapshotLayout.frameHeadBytes)
  }

  func checksum(ofFrame number: UInt64, _ lengthAndPayload: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32C(salt)
    crc.update(number)
    crc.update(lengthAndPayload)
    return crc.value
  }

  /// Where the trailer of a snapshot of so many bytes lies.
  func placeOfTrailer(bytes: UInt64) -> UInt64 {
    let whole = bytes / UInt64(frameBytes)
    let rest = bytes % UInt64(frameBytes)
    return place(ofFrame: whole) + (rest > 0 ? rest + SnapshotLayout.frameHeadBytes : 0)
  }
}

/// The head of a snapshot's file.
struct SnapshotHead {
  var identity: JournalIdentity
  var metadata: SnapshotMetadata
  var layout: SnapshotLayout

  static func encode(
    _ identity: JournalIdentity, _ metadata: SnapshotMetadata, frameBytes: UInt32
  ) -> (bytes: [UInt8], layout: SnapshotLayout) {
    var content: [UInt8] = []
    // As long as most, so that it does not grow by and by.
    content.reserveCapacity(128)
    content.put(metadata.lastIncluded.term.rawValue)
    content.put(metadata.lastIncluded.index.rawValue)
    content.put(frameBytes)
    content.putCounted { metadata.encode(into: &$0) }
    let head = FileHead.encode(.snapshot, identity, content: content)
    let salt = head.withUnsafeBytes {
      UInt32(littleEndian: $0.load(fromByteOffset: 8, as: UInt32.self))
    }
    let layout = SnapshotLayout(
      lastIncluded: metadata.lastIncluded, frameBytes: frameBytes, headBytes: UInt64(head.count),
      salt: salt)
    return (head, layout)
  }

  static func decode(_ bytes: ArraySlice<UInt8>) throws(FormatProblem) -> SnapshotHead {
    let head = try FileHead.decode(bytes, kind: .snapshot)
    var reader = ByteReader(head.content)
    let position = LogPosition(
      term: Term(try reader.bounded()), index: LogIndex(try reader.bounded()))
    let frameBytes = try reader.word()
    let field = try reader.take(UInt64(try reader.word()))
    let metadata: SnapshotMetadata
    do { metadata = try SnapshotMetadata.decode(field) } catch { throw .damaged(.malformed) }
    guard metadata.lastIncluded == position, frameBytes >= 1, frameBytes <= 16 << 20 else {
      throw .damaged(.malformed)
    }
    return SnapshotHead(
      identity: head.identity, metadata: metadata,
      layout: SnapshotLayout(
        lastIncluded: position, frameBytes: frameBytes, headBytes: UInt64(head.bytes),
        salt: head.checksum))
  }
}

/// The end of a whole snapshot's file.
struct SnapshotTrailer {
  var chain: UInt32
  var bytes: UInt64

  private static func checksum(_ trailer: UnsafeRawBufferPointer, salt: UInt32) -> UInt32 {
    var crc = CRC32C(salt)
    crc.update(UnsafeRawBufferPointer(rebasing: trailer[4..<24]))
    return crc.value
  }

  func encode(salt: UInt32) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(Int(SnapshotLayout.trailerBytes))
    result.put(0 as UInt32)
    result.put(chain)
    result.put(bytes)
    result.put(SnapshotLayout.mark)
    result.replace(
      at: 0, with: result.withUnsafeBytes { SnapshotTrailer.checksum($0, salt: salt) })
    return result
  }

  static func decode(
    _ bytes: ArraySlice<UInt8>, salt: UInt32
  ) throws(FormatProblem) -> SnapshotTrailer {
    guard bytes.count == 24 else { throw .damaged(.tooShort) }
    var reader = ByteReader(bytes)
    let checksum = try reader.word()
    guard bytes.withUnsafeBytes({ SnapshotTrailer.checksum($0, salt: salt) }) == checksum else {
      throw .damaged(.checksum)
    }
    let chain = try reader.word()
    let total = try reader.bounded()
    guard try reader.number() == SnapshotLayout.mark else { throw .damaged(.malformed) }
    return SnapshotTrailer(chain: chain, bytes: total)
  }
}

/// Turns bytes as they come into frames as they lie in the file.
struct SnapshotWriter: Hashable, Sendable {
  var metadata: SnapshotMetadata
  var layout: SnapshotLayout
  /// Frames that were given out.
  private(set) var frames: UInt64
  private var chain: CRC32C
  private var partial: [UInt8] = []

  /// A writer that has already written so many frames.
  init(
    metadata: SnapshotMetadata, layout: SnapshotLayout, frames: UInt64 = 0,
    chain: CRC32C = CRC32C()
  ) {
    self.metadata = metadata
    self.layout = layout
    self.frames = frames
    self.chain = chain
  }

  /// How many bytes of the snapshot were given.
  var bytes: UInt64 { frames * UInt64(layout.frameBytes) + UInt64(partial.count) }

  /// Where in the file the next frame belongs.
  var end: UInt64 { layout.place(ofFrame: frames) }

  /// Takes bytes; returns the frames that are now full.
  mutating func add(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let size = Int(layout.frameBytes)
    var output: [UInt8] = []
    var rest = bytes
    while partial.count + rest.count >= size {
      let needed = size - partial.count
      if partial.isEmpty {
        appendFrame(rest.prefix(needed), to: &output)
      } else {
        partial.append(contentsOf: rest.prefix(needed))
        appendFrame(partial[...], to: &output)
        partial.removeAll(keepingCapacity: true)
      }
      rest = rest.dropFirst(needed)
    }
    partial.append(contentsOf: rest)
    return output
  }

  /// The last frame, if it is not empty, and the trailer.
  mutating func finish() -> [UInt8] {
    let total = bytes
    var output: [UInt8] = []
    if !partial.isEmpty { appendFrame(partial[...], to: &output) }
    partial = []
    output.append(
      contentsOf: SnapshotTrailer(chain: chain.value, bytes: total).encode(salt: layout.salt))
    return output
  }

  private mutating func appendFrame(_ payload: ArraySlice<UInt8>, to output: inout [UInt8]) {
    let start = output.count
    // Mostly one frame, and at the end a trailer.
    if start == 0 {
      output.reserveCapacity(8 + payload.count + Int(SnapshotLayout.trailerBytes))
    }
    output.put(0 as UInt32)
    output.put(UInt32(truncatingIfNeeded: payload.count))
    output.append(contentsOf: payload)
    let checksum = output.withUnsafeBytes {
      layout.checksum(ofFrame: frames, UnsafeRawBufferPointer(rebasing: $0[(start + 4)...]))
    }
    output.replace(at: start, with: checksum)
    withUnsafeBytes(of: checksum.littleEndian) { chain.update($0) }
    frames += 1
  }

  func feed(_ digest: inout Digest) {
    digest.combine(metadata.lastIncluded.index.rawValue)
    digest.combine(frames)
    digest.combine(UInt64(chain.value))
    digest.combine(bytes: partial)
  }
}

extension SnapshotLayout {
  /// The payload of the frame at the front of these bytes, which are as many as the frame may have.
  func payload(
    ofFrame number: UInt64, in bytes: ArraySlice<UInt8>
  ) throws(FormatProblem) -> ArraySlice<UInt8> {
    var reader = ByteReader(bytes)
    guard bytes.count >= 8 else { throw .damaged(.tooShort) }
    let checksum = try reader.word()
    let length = try reader.word()
    guard length <= frameBytes else { throw .damaged(.checksum) }
    guard Int(length) <= reader.remaining else { throw .damaged(.tooShort) }
    let covered = bytes.dropFirst(4).prefix(4 + Int(length))
    guard covered.withUnsafeBytes({ self.checksum(ofFrame: number, $0) }) == checksum else {
      throw .damaged(.checksum)
    }
    return covered.dropFirst(4)
  }
}

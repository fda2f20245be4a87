// One storage write as it lies in a segment.
//
//     head checksum   4 bytes: CRC-32C of the segment's salt, the record's offset in the file
//                     (8 bytes), and the rest of the head
//     body checksum   4 bytes: CRC-32C of the body
//     body length     4 bytes
//     parts           1 byte: bit 0 snapshot, bit 1 truncation, bit 2 entries, bit 3 padding
//     zeros           3 bytes
//     sequence        8 bytes: number of the record, counted from 1 through all segments
//     durable         8 bytes: all records through this one were durable when this one was made
//     term            8 bytes: currentTerm
//     vote            8 bytes: votedFor, 0 for none
//     commit          8 bytes: commitIndex
//     last index      8 bytes: of the log, after this record
//     body            the parts, in this order
//       snapshot        4 bytes length, what it stands for, 16 bytes logStart, 1 byte reset
//       truncation      8 bytes: the first index that is deleted
//       entries         as in messages, to the end of the body
//       padding         bytes A5, to the end of the body; never with another part
//     filler          1 to 8 bytes A5, up to a multiple of 8
//
// The filler is never zero, so a record whose end was not written cannot look whole.

import Raft

struct RecordHead: Hashable, Sendable {
  static let bytes = 64
  /// The shortest record: a head and eight bytes of filler.
  static let minimumBytes: UInt64 = 72
  static let filler: UInt8 = 0xa5
  static let fillers: UInt64 = 0xa5a5_a5a5_a5a5_a5a5
  static let empty = SIMD8<UInt64>.zero

  /// Whether these bytes are filler and nothing else.
  static func isFiller(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.withUnsafeBytes { isFiller($0) }
  }

  private static func isFiller(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    var place = 0
    while place + 64 <= bytes.count {
      var difference: UInt64 = 0
      for word in 0..<8 {
        difference |= (base + place + 8 * word).loadUnaligned(as: UInt64.self) ^ fillers
      }
      if difference != 0 { return false }
      place += 64
    }
    while place < bytes.count {
      if bytes[place] != filler { return false }
      place += 1
    }
    return true
  }

  /// The checksum of a body. That of padding is the checksum of filler, which is known.
  static func checksum(ofBody body: UnsafeRawBufferPointer, parts: UInt8) -> UInt32 {
    if parts == RecordBody.paddingPart, body.count < fillerChecksums.count, isFiller(body) {
      return fillerChecksums[body.count]
    }
    return CRC32C.of(body)
  }

  /// The checksum of so many bytes of filler, up to the size of a usual sector.
  private static let fillerChecksums: [UInt32] = {
    var checksums: [UInt32] = []
    var crc = CRC32C()
    for _ in 0..<4_096 {
      checksums.append(crc.value)
      withUnsafeBytes(of: filler) { crc.update($0) }
    }
    return checksums
  }()

  var bodyChecksum: UInt32
  var bodyBytes: UInt32
  var parts: UInt8
  var sequence: UInt64
  var durable: UInt64
  var hardState: HardState
  var lastIndex: LogIndex

  /// The bytes from the head's first to the filler's last.
  var totalBytes: UInt64 { RecordHead.total(bodyBytes: UInt64(bodyBytes)) }

  static func total(bodyBytes: UInt64) -> UInt64 { (UInt64(bytes) + bodyBytes + 8) & ~7 }

  private static func checksum(
    _ head: UnsafeRawBufferPointer, salt: UInt32, offset: UInt64
  ) -> UInt32 {
    var crc = CRC32C(salt)
    crc.update(offset)
    crc.update(UnsafeRawBufferPointer(rebasing: head[4..<bytes]))
    return crc.value
  }

  /// Writes the head over the 64 bytes at `position`.
  func write(to buffer: inout [UInt8], at position: Int, salt: UInt32, offset: UInt64) {
    buffer.withUnsafeMutableBytes { whole in
      let head = UnsafeMutableRawBufferPointer(
        rebasing: whole[position..<position + RecordHead.bytes])
      head.storeBytes(of: bodyChecksum.littleEndian, toByteOffset: 4, as: UInt32.self)
      head.storeBytes(of: bodyBytes.littleEndian, toByteOffset: 8, as: UInt32.self)
      head.storeBytes(of: UInt32(parts).littleEndian, toByteOffset: 12, as: UInt32.self)
      func put(_ value: UInt64, at place: Int) {
        head.storeBytes(of: value.littleEndian, toByteOffset: place, as: UInt64.self)
      }
      put(sequence, at: 16)
      put(durable, at: 24)
      put(hardState.currentTerm.rawValue, at: 32)
      put(hardState.votedFor?.rawValue ?? 0, at: 40)
      put(hardState.commitIndex.rawValue, at: 48)
      put(lastIndex.rawValue, at: 56)
      let checksum = RecordHead.checksum(
        UnsafeRawBufferPointer(head), salt: salt, offset: offset)
      head.storeBytes(of: checksum.littleEndian, toByteOffset: 0, as: UInt32.self)
    }
  }

  /// The head at the front of these bytes, if its checksum fits this place.
  init?(_ buffer: UnsafeRawBufferPointer, salt: UInt32, offset: UInt64) {
    guard buffer.count >= RecordHead.bytes else { return nil }
    func word(_ at: Int) -> UInt32 {
      UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }
    func number(_ at: Int) -> UInt64 {
      UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }
    // What a head cannot be costs no checksum.
    let parts = word(12)
    guard parts < 16, number(16) > number(24) else { return nil }
    guard RecordHead.checksum(buffer, salt: salt, offset: offset) == word(0) else { return nil }
    bodyChecksum = word(4)
    bodyBytes = word(8)
    self.parts = UInt8(parts)
    sequence = number(16)
    durable = number(24)
    let vote = number(40)
    guard (sequence | number(32) | number(48) | number(56)) <= UInt64.max >> 1 else { return nil }
    hardState = HardState(
      currentTerm: Term(number(32)), votedFor: vote == 0 ? nil : NodeID(vote),
      commitIndex: LogIndex(number(48)))
    lastIndex = LogIndex(number(56))
  }

  init(
    bodyChecksum: UInt32, bodyBytes: UInt32, parts: UInt8, sequence: UInt64, durable: UInt64,
    hardState: HardState, lastIndex: LogIndex
  ) {
    self.bodyChecksum = bodyChecksum
    self.bodyBytes = bodyBytes
    self.parts = parts
    self.sequence = sequence
    self.durable = durable
    self.hardState = hardState
    self.lastIndex = lastIndex
  }
}

/// The parts of a write, as its body holds them.
struct RecordBody {
  static let snapshotPart: UInt8 = 1
  static let truncationPart: UInt8 = 2
  static let entriesPart: UInt8 = 4
  static let paddingPart: UInt8 = 8

  var snapshot: SnapshotMarker?
  var truncateFrom: LogIndex?
  var entries = Entries.none

  /// Appends the parts of a write; returns which there are.
  static func encode(_ write: StorageWrite, into bytes: inout [UInt8]) -> UInt8 {
    var parts: UInt8 = 0
    if !write.isPlain, let marker = write.snapshot {
      parts |= snapshotPart
      bytes.putCounted { marker.metadata.encode(into: &$0) }
      bytes.put(marker.logStart.term.rawValue)
      bytes.put(marker.logStart.index.rawValue)
      bytes.append(marker.isLogReset ? 1 : 0)
    }
    if let first = write.truncateFrom {
      parts |= truncationPart
      bytes.put(first.rawValue)
    }
    if !write.entries.isEmpty {
      parts |= entriesPart
      write.entries.encode(into: &bytes)
    }
    return parts
  }

  /// What a body of these parts holds.
  static func decode(_ bytes: ArraySlice<UInt8>, parts: UInt8) throws(FormatProblem) -> RecordBody {
    var reader = ByteReader(bytes)
    var body = RecordBody()
    if parts & paddingPart != 0 {
      guard parts == paddingPart else { throw .damaged(.malformed) }
      guard RecordHead.isFiller(reader.rest()) else { throw .damaged(.malformed) }
    }
    if parts & snapshotPart != 0 {
      let field = try reader.take(UInt64(try reader.word()))
      let metadata: SnapshotMetadata
      do { metadata = try SnapshotMetadata.decode(field) } catch { throw .damaged(.malformed) }
      let logStart = LogPosition(
        term: Term(try reader.bounded()), index: LogIndex(try reader.bounded()))
      let reset = try reader.byte()
      guard reset <= 1 else { throw .damaged(.malformed) }
      body.snapshot = SnapshotMarker(
        metadata: metadata, logStart: logStart, isLogReset: reset == 1)
    }
    if parts & truncationPart != 0 { body.truncateFrom = LogIndex(try reader.bounded()) }
    if parts & entriesPart != 0 {
      do { body.entries = try Entries.decode(reader.rest()) } catch { throw .damaged(.malformed) }
      guard !body.entries.isEmpty else { throw .damaged(.malformed) }
    }
    guard reader.remaining == 0 else { throw .damaged(.malformed) }
    return body
  }
}

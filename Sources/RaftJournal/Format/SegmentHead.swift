// The head of a segment. It says everything that the records before it amount to, so that the
// segments before it can be deleted. The content:
//
//     number          8 bytes: the segment's, as in its name
//     firstSequence   8 bytes: the number of its first record
//     previousEnd     8 bytes: where the records of the segment before end; 0 for none
//     lastIndex       8 bytes: of the log, after the records before
//     logStart        16 bytes: term and index of the entry after which the log begins
//     hard state      25 bytes
//     snapshot        what the snapshot in force stands for

import Raft

/// What all records before a place amount to, but for the entries themselves.
struct LogSummary: Hashable, Sendable {
  var hardState = HardState()
  var snapshot: SnapshotMetadata
  var logStart: LogPosition
  var lastIndex: LogIndex

  func feed(_ digest: inout Digest) {
    digest.combine(hardState.currentTerm.rawValue)
    digest.combine(hardState.votedFor?.rawValue ?? 0)
    digest.combine(hardState.commitIndex.rawValue)
    digest.combine(snapshot.lastIncluded.index.rawValue)
    digest.combine(snapshot.lastIncluded.term.rawValue)
    digest.combine(logStart.index.rawValue)
    digest.combine(lastIndex.rawValue)
  }
}

struct SegmentHead {
  var identity: JournalIdentity
  var number: UInt64
  var firstSequence: UInt64
  var previousEnd: UInt64
  var summary: LogSummary
  /// The length of the head: where the first record begins.
  var bytes = 0
  /// What the checksums of the records begin with, so that no record is at home anywhere else.
  var salt: UInt32 = 0

  /// The bytes; sets `bytes` and `salt`.
  mutating func encode() -> [UInt8] {
    var content: [UInt8] = []
    // As long as most, so that it does not grow by and by.
    content.reserveCapacity(192)
    content.put(number)
    content.put(firstSequence)
    content.put(previousEnd)
    content.put(summary.lastIndex.rawValue)
    content.put(summary.logStart.term.rawValue)
    content.put(summary.logStart.index.rawValue)
    summary.hardState.encode(into: &content)
    content.putCounted { summary.snapshot.encode(into: &$0) }
    let head = FileHead.encode(.segment, identity, content: content)
    bytes = head.count
    salt = head.withUnsafeBytes {
      UInt32(littleEndian: $0.load(fromByteOffset: 8, as: UInt32.self))
    }
    return head
  }

  static let hardStateBytes: UInt64 = 25

  static func decode(_ bytes: ArraySlice<UInt8>) throws(FormatProblem) -> SegmentHead {
    let head = try FileHead.decode(bytes, kind: .segment)
    var reader = ByteReader(head.content)
    let number = try reader.bounded()
    let firstSequence = try reader.bounded()
    let previousEnd = try reader.bounded()
    let lastIndex = LogIndex(try reader.bounded())
    let logStart = LogPosition(
      term: Term(try reader.bounded()), index: LogIndex(try reader.bounded()))
    let hardState: HardState
    let snapshot: SnapshotMetadata
    let hardStateField = try reader.take(hardStateBytes)
    let snapshotField = try reader.take(UInt64(try reader.word()))
    do throws(WireDecodingError) {
      hardState = try HardState.decode(hardStateField)
      snapshot = try SnapshotMetadata.decode(snapshotField)
    } catch {
      throw .damaged(.malformed)
    }
    guard firstSequence > 0, logStart.index <= lastIndex || lastIndex == .zero else {
      throw .damaged(.malformed)
    }
    return SegmentHead(
      identity: head.identity, number: number, firstSequence: firstSequence,
      previousEnd: previousEnd,
      summary: LogSummary(
        hardState: hardState, snapshot: snapshot, logStart: logStart, lastIndex: lastIndex),
      bytes: head.bytes, salt: head.checksum)
  }
}

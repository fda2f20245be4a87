// What a journal remembers. Each is a value, and small.

import Raft

/// The segment that takes records.
struct OpenSegment: Hashable, Sendable {
  var number: UInt64
  var salt: UInt32
  /// How long the file was made.
  var capacity: UInt64
  /// Where the first record and the next one belong.
  var headBytes: UInt64
  var end: UInt64
}

/// Records that go to the disk in one write.
struct LogBatch: Hashable, Sendable {
  var segment: UInt64
  /// Where in the file the bytes belong.
  var offset: UInt64
  var bytes: [UInt8] = []
  /// The bytes begin with a segment's head, and the file must be made.
  var isNewSegment = false
  var fileBytes: UInt64 = 0
  /// The segment before, and its end.
  var previous: SegmentEnd?
  var firstTicket = Ticket.zero
  var lastTicket = Ticket.zero
  var lastSequence: UInt64 = 0
  /// Once this is durable, segments before this one are not needed, nor snapshots before that.
  var keepSegments: UInt64 = 0
  var keepSnapshot: LogIndex?
}

struct SegmentEnd: Hashable, Sendable, BitwiseCopyable {
  var number: UInt64
  var end: UInt64
}

/// A batch that the disk has, and the job by which it has it.
struct LogFlight: Hashable, Sendable {
  var job: JobID
  var syncs: StepSet
  var batch: LogBatch
  /// The job came back.
  var isDone = false
}

/// A stretch of records whose entries follow one another: those from `first` to the entry before
/// the next extent's first.
struct Extent: Hashable, Sendable, BitwiseCopyable {
  var first: LogIndex
  var segment: UInt64
  var offset: UInt64
  var end: UInt64
  /// Its end was truncated: what follows is another extent's.
  var isClosed = false
}

/// A segment that is there.
struct SegmentInfo: Hashable, Sendable, BitwiseCopyable {
  var number: UInt64
  var salt: UInt32
}

/// The segment to be.
enum SpareState: UInt8, Hashable, Sendable, BitwiseCopyable {
  case absent
  case making
  case ready
  /// Becoming a segment.
  case taken
}

/// Work on files for which nobody waits.
enum Chore: Hashable, Sendable {
  case remove(FileName)
  case resize(SegmentEnd)
  /// Rewrite the identity file, with this standing and the newest segment.
  case identify(Standing)
}

/// A whole snapshot that is there.
struct SnapshotInfo: Hashable, Sendable, BitwiseCopyable {
  var layout: SnapshotLayout
  var bytes: UInt64
}

/// A leader's snapshot that is coming in, or came and is not in force.
struct IncomingFile: Hashable, Sendable {
  var writer: SnapshotWriter
  var isWhole = false
}

/// What a step of the snapshot lane is for.
enum SnapshotPurpose: Hashable, Sendable {
  case taking(LogPosition, through: UInt64)
  case taken(LogPosition, bytes: UInt64)
  case chunk(LogPosition, through: UInt64)
  case lastChunk(LogPosition, bytes: UInt64)
  case tidying
}

struct SnapshotTask: Hashable, Sendable {
  var steps: [DiskStep]
  var purpose: SnapshotPurpose
}

/// One stretch of a segment to be read for entries.
struct ExtentRead: Hashable, Sendable, BitwiseCopyable {
  var segment: SegmentInfo
  var offset: UInt64
  var count: Int
  /// The entries wanted of it.
  var first: LogIndex
  var last: LogIndex
}

enum ReadPurpose: Hashable, Sendable {
  case entries(EntriesRequest, [ExtentRead], maximumBytes: UInt64)
  case snapshot(SnapshotRead, SnapshotInfo, firstFrame: UInt64)
}

struct ReadTask: Hashable, Sendable {
  var steps: [DiskStep]
  var purpose: ReadPurpose
}

/// Which steps of a job are syncs, of which none is ever tried again.
struct StepSet: Hashable, Sendable, BitwiseCopyable {
  private var bits: UInt64 = 0

  init(syncsOf steps: [DiskStep]) {
    for position in steps.indices where steps[position].isSync {
      precondition(position < 64, "a job has a sync among its first 64 steps or none")
      bits |= 1 << UInt64(position)
    }
  }

  func contains(_ step: Int) -> Bool { step < 64 && bits >> UInt64(step) & 1 == 1 }
}

/// A job of another lane than the log's that was given out, and what its result is for.
enum JobPurpose: Hashable, Sendable {
  case snapshot(SnapshotPurpose)
  case read(ReadPurpose)
  case spare
  case reserve
  case care(Chore)
}

struct RunningJob: Hashable, Sendable {
  var id: JobID
  var purpose: JobPurpose
  var syncs: StepSet
}

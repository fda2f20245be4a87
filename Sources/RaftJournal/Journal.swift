// The journal itself: its state, and the stream of the log. What it does with snapshots, reads and
// files stands beside.

import Raft

/// The durable log of one node, and its snapshots.
///
/// A value without I/O: what it wants of its disk leaves it as `DiskJob`s, and what became of them
/// comes back by `finished`. Its host does three things:
///
/// 1. After every call, takes `nextJob()` until there is none, and has each job carried out by
///    `Disk.perform`: jobs of one lane in their order, those of different lanes as it likes.
/// 2. Gives each result back by `finished`, once, in any order.
/// 3. Ends the process at `JournalEvent.failed`. A failed sync is never tried again: the system may
///    have forgotten what it could not write.
///
/// All writes that are given while a sync is under way leave together with the next (group commit).
public struct Journal: Hashable, Sendable {
  /// Whose journal it is.
  public internal(set) var identity: JournalIdentity
  /// What the node may do.
  public internal(set) var standing = Standing.member
  /// How it uses its disk.
  public let settings: JournalSettings

  // The log. Records are encoded when they are given; a batch of them leaves with the next job.

  /// The segment that takes records.
  var segment: OpenSegment
  /// What all records so far amount to.
  var summary: LogSummary
  var nextSequence: UInt64
  /// All records through this one are durable.
  var durableSequence: UInt64
  /// The newest record for which a later one vouches, and the newest that says anything.
  var vouchedSequence: UInt64
  var newestSequence: UInt64
  var lastTicket = Ticket.zero
  var durableTicket = Ticket.zero
  /// The batch that grows, and those before it that wait.
  var open: LogBatch
  var sealed: [LogBatch] = []
  var flights: [LogFlight] = []
  /// The disk is full and the log needs a new segment.
  var isLogStalled = false
  var failure: DiskError?

  /// Where the entries of the log lie, by index; and the segments that are there, oldest first.
  var extents: [Extent]
  var segments: [SegmentInfo]
  /// The newest segment that is surely there.
  var durableSegment: UInt64

  // Files.

  var spare = SpareState.absent
  var hasReserve = false
  /// A file could not be made for lack of room, and none has been made since.
  public internal(set) var isSpaceLow = false
  /// Whether the care of files that failed is to be tried again.
  var isRetryDue = false
  var care: [Chore] = []

  // Snapshots.

  var snapshots: [SnapshotInfo]
  var taking: SnapshotWriter?
  /// Whole, and on its way to its name.
  var finishing: SnapshotInfo?
  var incoming: IncomingFile?
  var snapshotTasks: [SnapshotTask] = []

  // Jobs.

  var nextJobNumber: UInt64 = 1
  var reads: [ReadTask] = []
  var running: [RunningJob] = []

  /// A journal that goes on from what the disk holds, in a segment that is already there.
  init(
    identity: JournalIdentity, standing: Standing, settings: JournalSettings,
    head: SegmentHead, segments: [SegmentInfo], extents: [Extent], capacity: UInt64
  ) {
    self.identity = identity
    self.standing = standing
    self.settings = settings
    segment = OpenSegment(
      number: head.number, salt: head.salt, capacity: capacity, headBytes: UInt64(head.bytes),
      end: UInt64(head.bytes))
    summary = head.summary
    nextSequence = head.firstSequence
    durableSequence = head.firstSequence - 1
    vouchedSequence = durableSequence
    newestSequence = durableSequence
    open = LogBatch(segment: head.number, offset: UInt64(head.bytes))
    self.segments = segments
    durableSegment = head.number
    self.extents = extents
    snapshots = []
  }

  // MARK: The log

  /// Takes the next write of the stream.
  ///
  /// After `failed` nothing is taken any more, and nothing will be reported.
  ///
  /// - Precondition: the ticket is a new one, the entries follow the log as all writes before left
  ///   it, and a snapshot has members.
  /// - Complexity: O(bytes).
  public mutating func append(_ write: StorageWrite) {
    precondition(write.ticket > lastTicket, "ticket \(write.ticket) after \(lastTicket)")
    guard failure == nil else { return }
    lastTicket = write.ticket
    let logEnd = summary.lastIndex
    guard let lastIndex = summary.lastIndex(after: write) else {
      preconditionFailure(
        "write \(write.ticket.description) does not follow a log that ends at"
          + " \(logEnd.description)")
    }
    let body = beginRecord(bytes: write.entries.payloadBytes)
    let parts = RecordBody.encode(write, into: &open.bytes)
    let range = endRecord(body, parts, write.hardState, lastIndex)
    if open.firstTicket == .zero { open.firstTicket = write.ticket }
    open.lastTicket = write.ticket
    summary.hardState = write.hardState
    summary.lastIndex = lastIndex
    if write.isPlain {
      guard lastIndex > logEnd else { return }
      extents.note(
        write.entries.firstIndex, segment: segment.number, record: range,
        spacing: settings.indexSpacing)
      return
    }
    extents.note(
      RecordBody(write), logEnd: logEnd, segment: segment.number, record: range,
      spacing: settings.indexSpacing)
    guard let marker = write.snapshot else { return }
    precondition(marker.metadata.membership != .none, "a snapshot says who the members are")
    summary.snapshot = marker.metadata
    summary.logStart = marker.logStart
    open.keepSegments = extents.first?.segment ?? segment.number
    open.keepSnapshot = marker.metadata.lastIncluded.index
  }

  /// How many bytes of writes are not with the disk yet.
  public var waitingBytes: Int {
    var total = open.bytes.count
    for batch in sealed { total += batch.bytes.count }
    return total
  }

  /// Whether every write that was taken is durable.
  public var isIdle: Bool { flights.isEmpty && sealed.isEmpty && open.bytes.isEmpty }

  /// Writes a record that vouches for all before it, if there is none yet: to be called when
  /// nothing has happened for a while, and before a stop. Damage to the newest records is then
  /// told from a torn write for sure.
  ///
  /// No ticket comes back for it; `isIdle` tells when it is done.
  public mutating func vouch() {
    guard isIdle, failure == nil, newestSequence > vouchedSequence else { return }
    let newest = newestSequence
    // A sector that is lost as a whole must not take a record and its voucher with it.
    let distance = settings.sectorBytes - segment.end % settings.sectorBytes
    for padding in [distance > 72 ? Int(distance) - 72 : 0, 0] {
      let body = beginRecord(bytes: padding)
      // From an array it is copied as a whole, and not byte by byte.
      var missing = padding
      while missing > 0 {
        let part = min(missing, Journal.padding.count)
        open.bytes.append(contentsOf: Journal.padding[..<part])
        missing -= part
      }
      let parts = padding > 0 ? RecordBody.paddingPart : 0
      _ = endRecord(body, parts, summary.hardState, summary.lastIndex)
    }
    newestSequence = newest
  }

  private static let padding = [UInt8](repeating: RecordHead.filler, count: 4_096)

  /// Begins a record at the end of the open batch with an empty head; returns where its body
  /// begins. The body is of about so many bytes.
  private mutating func beginRecord(bytes: Int) -> Int {
    if open.bytes.count >= settings.maximumBatchBytes { seal() }
    if open.bytes.isEmpty {
      // Most batches are one record: room for just that, the fields of its parts and the filler.
      open.bytes.reserveCapacity(RecordHead.bytes + 56 + bytes)
    }
    withUnsafeBytes(of: RecordHead.empty) { open.bytes.append(contentsOf: $0) }
    return open.bytes.count
  }

  /// Ends the record whose body begins there: writes its head, with the hard state and the end of
  /// the log after it. Returns its place in the segment.
  private mutating func endRecord(
    _ bodyStart: Int, _ parts: UInt8, _ hardState: HardState, _ lastIndex: LogIndex
  ) -> Range<UInt64> {
    var start = bodyStart - RecordHead.bytes
    let bodyBytes = open.bytes.count - bodyStart
    precondition(UInt64(bodyBytes) < UInt64(UInt32.max), "a record holds less than 4 GiB")
    let bodyChecksum = open.bytes.withUnsafeBytes {
      RecordHead.checksum(
        ofBody: UnsafeRawBufferPointer(rebasing: $0[bodyStart...]), parts: parts)
    }
    let total = Int(RecordHead.total(bodyBytes: UInt64(bodyBytes)))
    withUnsafeBytes(of: RecordHead.fillers) { fillers in
      let missing = total - (open.bytes.count - start)
      open.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: fillers[..<missing]))
    }
    var offset = segment.end
    if offset + UInt64(total) > segment.capacity && offset > segment.headBytes {
      // The record moves to a segment of its own beginning.
      let moved = Array(open.bytes[start...])
      open.bytes.removeLast(total)
      beginSegment(for: UInt64(total))
      start = open.bytes.count
      open.bytes.append(contentsOf: moved)
      offset = segment.end
    }
    let head = RecordHead(
      bodyChecksum: bodyChecksum, bodyBytes: UInt32(truncatingIfNeeded: bodyBytes), parts: parts,
      sequence: nextSequence, durable: durableSequence, hardState: hardState,
      lastIndex: lastIndex)
    head.write(to: &open.bytes, at: start, salt: segment.salt, offset: offset)
    segment.end = offset + UInt64(total)
    open.lastSequence = nextSequence
    newestSequence = nextSequence
    vouchedSequence = max(vouchedSequence, durableSequence)
    nextSequence += 1
    return offset..<segment.end
  }

  /// Begins another batch.
  private mutating func seal() {
    if !open.bytes.isEmpty { sealed.append(open) }
    open = LogBatch(segment: segment.number, offset: segment.end)
  }

  /// Begins another segment, long enough for a record of so many bytes.
  private mutating func beginSegment(for record: UInt64) {
    let previous = SegmentEnd(number: segment.number, end: segment.end)
    seal()
    var head = SegmentHead(
      identity: identity, number: previous.number + 1, firstSequence: nextSequence,
      previousEnd: previous.end, summary: summary)
    open.bytes = head.encode()
    let headBytes = UInt64(head.bytes)
    segment = OpenSegment(
      number: head.number, salt: head.salt,
      capacity: max(settings.segmentBytes, headBytes + record), headBytes: headBytes,
      end: headBytes)
    open.segment = head.number
    open.offset = 0
    open.isNewSegment = true
    open.fileBytes = segment.capacity
    open.previous = previous
    segments.append(SegmentInfo(number: head.number, salt: head.salt))
    vouchedSequence = max(vouchedSequence, nextSequence - 1)
  }
}

// Reading back what is no longer in memory. Whatever is read is checked before it is believed.

import Raft

extension Journal {
  /// Reads entries back: as many from the first one on as fit, at least one.
  ///
  /// - Parameter maximumBytes: how many bytes of payload to give back at the most, but for a single
  ///   longer entry.
  public mutating func load(
    _ request: EntriesRequest, maximumBytes: UInt64 = 1 << 20, into events: inout [JournalEvent]
  ) {
    var parts: [ExtentRead] = []
    var bytes: UInt64 = 0
    var position = firstExtent(of: request.first)
    while position < extents.count, bytes < maximumBytes {
      let extent = extents[position]
      let end = position + 1 < extents.count ? extents[position + 1].first.previous : request.last
      let first = max(extent.first, request.first)
      let last = min(end, request.last)
      guard first <= last else { break }
      guard let info = segments.first(where: { $0.number == extent.segment }),
        let count = Int(exactly: extent.end - extent.offset)
      else { break }
      parts.append(
        ExtentRead(segment: info, offset: extent.offset, count: count, first: first, last: last))
      bytes += extent.end - extent.offset
      position += 1
    }
    guard let first = parts.first, first.first == request.first, request.last <= summary.lastIndex
    else {
      events.append(.entriesNotLoaded(request, .notHere))
      return
    }
    reads.append(
      ReadTask(
        steps: parts.map { .read(.segment($0.segment.number), at: $0.offset, count: $0.count) },
        purpose: .entries(request, parts, maximumBytes: maximumBytes)))
  }

  /// The position of the extent that holds this entry, or of the first one.
  private func firstExtent(of index: LogIndex) -> Int {
    var low = 0
    var high = extents.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if extents[middle].first <= index { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// Reads a piece of a whole snapshot: for a follower, or for this node's machine at the start and
  /// at `installSnapshot`.
  public mutating func load(_ request: SnapshotRead, into events: inout [JournalEvent]) {
    guard let info = snapshots.first(where: { $0.layout.lastIncluded == request.lastIncluded }),
      request.offset <= info.bytes
    else {
      events.append(.snapshotNotRead(request, .notHere))
      return
    }
    let end = min(info.bytes, request.offset + min(max(request.maximumBytes, 1), 1 << 30))
    let size = UInt64(info.layout.frameBytes)
    let firstFrame = request.offset / size
    guard end > request.offset else {
      events.append(.snapshotRead(request, bytes: [], isLast: true))
      return
    }
    let from = info.layout.place(ofFrame: firstFrame)
    let through = min(
      info.layout.place(ofFrame: (end - 1) / size + 1),
      info.layout.placeOfTrailer(bytes: info.bytes))
    reads.append(
      ReadTask(
        steps: [
          .read(.snapshot(request.lastIncluded), at: from, count: Int(through - from))
        ],
        purpose: .snapshot(request, info, firstFrame: firstFrame)))
  }

  mutating func nextRead() -> DiskJob? {
    let task = reads.removeFirst()
    return job(.read, task.steps, .read(task.purpose))
  }

  mutating func readFinished(
    _ purpose: ReadPurpose, _ result: JobResult, into events: inout [JournalEvent]
  ) {
    switch purpose {
    case .entries(let request, let parts, let maximumBytes):
      switch Journal.entries(of: request, in: parts, result, maximumBytes) {
      case .success(let entries): events.append(.entriesLoaded(request, entries))
      case .failure(let problem): events.append(.entriesNotLoaded(request, problem))
      }
    case .snapshot(let request, let info, let firstFrame):
      switch Journal.piece(of: request, info, firstFrame, result) {
      case .success(let bytes):
        events.append(
          .snapshotRead(
            request, bytes: bytes, isLast: request.offset + UInt64(bytes.count) == info.bytes))
      case .failure(let problem): events.append(.snapshotNotRead(request, problem))
      }
    }
  }

  enum ReadOutcome<Value> {
    case success(Value)
    case failure(ReadProblem)
  }

  private static func entries(
    of request: EntriesRequest, in parts: [ExtentRead], _ result: JobResult,
    _ maximumBytes: UInt64
  ) -> ReadOutcome<Entries> {
    let read: [[UInt8]]
    switch result {
    case .done(let bytes): read = bytes
    case .failed(_, let error):
      return .failure(error.problem == .notFound ? .notHere : .disk(error))
    }
    var runs: [EntryRun] = []
    var budget = maximumBytes
    for position in parts.indices {
      let part = parts[position]
      switch collect(part, read[position], into: &runs, &budget) {
      case .more: continue
      case .full:
        guard let entries = Entries(runs), !entries.isEmpty else { return .failure(.notHere) }
        return .success(entries)
      case .damaged(let damage): return .failure(.damaged(damage))
      }
    }
    guard let entries = Entries(runs), !entries.isEmpty, entries.firstIndex == request.first else {
      return .failure(.notHere)
    }
    return .success(entries)
  }

  private enum Collected {
    case more
    case full
    case damaged(Damage)
  }

  /// Takes the wanted entries out of the records of one extent.
  private static func collect(
    _ part: ExtentRead, _ bytes: [UInt8], into runs: inout [EntryRun], _ budget: inout UInt64
  ) -> Collected {
    var place = 0
    while place < part.count {
      let offset = part.offset + UInt64(place)
      func damage(_ kind: DamageKind) -> Collected {
        .damaged(Damage(file: .segment(part.segment.number), offset: offset, kind: kind))
      }
      guard place <= bytes.count else { return damage(.tooShort) }
      let record: (head: RecordHead, body: RecordBody)
      do {
        record = try RecordBody.read(bytes[place...], salt: part.segment.salt, offset: offset)
      } catch {
        return damage(error.kind)
      }
      place += Int(record.head.totalBytes)
      let entries = record.body.entries
      for position in 0..<entries.runCount {
        let run = entries.run(position)
        let first = max(run.firstIndex, part.first)
        let last = min(run.lastIndex, part.last)
        guard first <= last else { continue }
        let slice = run.slice(from: first, through: last)
        guard add(slice, to: &runs, &budget) else { return .full }
        if last == part.last { return .more }
      }
    }
    return .more
  }

  /// Adds as many entries of a run as fit; false if not all did.
  private static func add(
    _ run: EntryRun, to runs: inout [EntryRun], _ budget: inout UInt64
  ) -> Bool {
    let size = UInt64(run.payloadBytes)
    if size <= budget {
      budget -= size
      runs.append(run)
      return true
    }
    var fitting = 0
    while fitting < run.count {
      let bytes = UInt64(run.payload(fitting).count)
      guard bytes <= budget || (fitting == 0 && runs.isEmpty) else { break }
      budget -= min(budget, bytes)
      fitting += 1
    }
    if fitting > 0 {
      let last = run.firstIndex.advanced(by: UInt64(fitting - 1))
      runs.append(run.slice(from: run.firstIndex, through: last))
    }
    return fitting == run.count
  }

  private static func piece(
    of request: SnapshotRead, _ info: SnapshotInfo, _ firstFrame: UInt64, _ result: JobResult
  ) -> ReadOutcome<[UInt8]> {
    let bytes: [UInt8]
    switch result {
    case .done(let read): bytes = read.first ?? []
    case .failed(_, let error):
      return .failure(error.problem == .notFound ? .notHere : .disk(error))
    }
    let size = Int(info.layout.frameBytes)
    let end = min(info.bytes, request.offset + max(request.maximumBytes, 1))
    var output: [UInt8] = []
    output.reserveCapacity(Int(end - request.offset))
    var frame = firstFrame
    var place = 0
    while frame * UInt64(size) < end {
      let payload: ArraySlice<UInt8>
      do {
        payload = try info.layout.payload(ofFrame: frame, in: bytes[min(place, bytes.count)...])
      } catch {
        let offset = info.layout.place(ofFrame: frame)
        return .failure(
          .damaged(
            Damage(file: .snapshot(request.lastIncluded), offset: offset, kind: error.kind)))
      }
      let start = frame * UInt64(size)
      let expected = min(UInt64(size), info.bytes - start)
      guard UInt64(payload.count) == expected else {
        return .failure(
          .damaged(
            Damage(
              file: .snapshot(request.lastIncluded), offset: info.layout.place(ofFrame: frame),
              kind: .malformed)))
      }
      let from = request.offset > start ? Int(request.offset - start) : 0
      let to = Int(min(UInt64(payload.count), end - start))
      output.append(contentsOf: payload.dropFirst(from).prefix(to - from))
      place += 8 + payload.count
      frame += 1
    }
    return .success(output)
  }
}

extension FormatProblem {
  var kind: DamageKind {
    switch self {
    case .damaged(let kind): kind
    case .unknownVersion: .malformed
    }
  }
}

extension RecordBody {
  /// The whole record at the front of these bytes.
  static func read(
    _ bytes: ArraySlice<UInt8>, salt: UInt32, offset: UInt64
  ) throws(FormatProblem) -> (head: RecordHead, body: RecordBody) {
    guard let head = bytes.withUnsafeBytes({ RecordHead($0, salt: salt, offset: offset) }) else {
      throw .damaged(bytes.count < RecordHead.bytes ? .tooShort : .checksum)
    }
    return (head, try read(bytes, after: head))
  }

  /// The body of a record, of whose head it is known that it is whole and in its place.
  static func read(
    _ bytes: ArraySlice<UInt8>, after head: RecordHead
  ) throws(FormatProblem) -> RecordBody {
    guard head.totalBytes <= UInt64(bytes.count) else { throw .damaged(.tooShort) }
    let start = bytes.startIndex + RecordHead.bytes
    let body = bytes[start..<start + Int(head.bodyBytes)]
    let isWhole = bytes.withUnsafeBytes { record in
      let end = RecordHead.bytes + Int(head.bodyBytes)
      for place in end..<Int(head.totalBytes) where record[place] != RecordHead.filler {
        return false
      }
      let body = UnsafeRawBufferPointer(rebasing: record[RecordHead.bytes..<end])
      return RecordHead.checksum(ofBody: body, parts: head.parts) == head.bodyChecksum
    }
    guard isWhole else { throw .damaged(.checksum) }
    return try decode(body, parts: head.parts)
  }
}

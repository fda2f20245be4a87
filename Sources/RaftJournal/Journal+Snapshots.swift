// §7: snapshots are written beside the log, in frames, and get their names when they are whole and
// durable. The log says by a marker which one is in force.

import Raft

extension Journal {
  // MARK: Of the node's own machine

  /// Begins a snapshot through this entry. One that was begun and not finished is dropped.
  ///
  /// When space is low the reserve is given up for it.
  ///
  /// - Parameter metadata: what it stands for; no snapshot through the same entry is here yet.
  /// - Precondition: it has members.
  public mutating func beginSnapshot(_ metadata: SnapshotMetadata) {
    precondition(metadata.membership != .none, "a snapshot says who the members are")
    abandonSnapshot()
    let (head, layout) = SnapshotHead.encode(identity, metadata, frameBytes: settings.frameBytes)
    let draft = FileName.snapshotDraft(metadata.lastIncluded)
    var steps: [DiskStep] = []
    if isSpaceLow && hasReserve {
      hasReserve = false
      steps.append(.remove(.reserve))
    }
    steps.append(.create(draft, bytes: 0))
    steps.append(.write(draft, at: 0, head))
    taking = SnapshotWriter(metadata: metadata, layout: layout)
    snapshotTasks.append(
      SnapshotTask(steps: steps, purpose: .taking(metadata.lastIncluded, through: 0)))
  }

  /// Adds bytes to the snapshot. `snapshotWritten` tells how far they are with the disk: a machine
  /// of any size needs no more memory than what was added since.
  ///
  /// Nothing happens if the snapshot was dropped meanwhile; `snapshotNotTaken` said so.
  public mutating func writeSnapshot(_ bytes: [UInt8]) {
    guard var writer = taking else { return }
    taking = nil
    let place = writer.end
    let frames = writer.add(bytes[...])
    let position = writer.metadata.lastIncluded
    let through = writer.bytes
    taking = writer
    var steps: [DiskStep] = []
    if !frames.isEmpty { steps.append(.write(.snapshotDraft(position), at: place, frames)) }
    snapshotTasks.append(
      SnapshotTask(steps: steps, purpose: .taking(position, through: through)))
  }

  /// The snapshot is whole. `snapshotTaken` comes once it is durable.
  public mutating func finishSnapshot() {
    guard var writer = taking else { return }
    taking = nil
    let place = writer.end
    let bytes = writer.bytes
    let position = writer.metadata.lastIncluded
    let last = writer.finish()
    snapshotTasks.append(
      SnapshotTask(
        steps: Journal.finish(.snapshotDraft(position), position, at: place, last),
        purpose: .taken(position, bytes: bytes)))
    finishing = SnapshotInfo(layout: writer.layout, bytes: bytes)
  }

  /// Drops the snapshot that was begun.
  public mutating func abandonSnapshot() {
    guard let position = taking?.metadata.lastIncluded ?? finishing?.layout.lastIncluded else {
      return
    }
    taking = nil
    finishing = nil
    snapshotTasks.removeAll { $0.purpose.isTaking }
    snapshotTasks.append(
      SnapshotTask(steps: [.remove(.snapshotDraft(position))], purpose: .tidying))
  }

  private static func finish(
    _ draft: FileName, _ position: LogPosition, at place: UInt64, _ bytes: [UInt8]
  ) -> [DiskStep] {
    [
      .write(draft, at: place, bytes), .sync(draft), .rename(draft, to: .snapshot(position)),
      .syncDirectory,
    ]
  }

  // MARK: From a leader

  /// Keeps a piece of the leader's snapshot aside.
  ///
  /// Pieces come in order; what a piece repeats is put aside. A first piece of another snapshot
  /// drops what there was. After a restart the transfer goes on where `DurableState` says.
  public mutating func store(_ chunk: SnapshotChunk, into events: inout [JournalEvent]) {
    let position = chunk.metadata.lastIncluded
    guard failure == nil else { return }
    if snapshotBytes(position) != nil || isWholeIncoming(position) {
      events.append(
        .snapshotChunkStored(
          lastIncluded: position, through: chunk.offset + UInt64(chunk.bytes.count)))
      return
    }
    var steps: [DiskStep] = []
    let file = FileName.incoming(position)
    if chunk.offset == 0 && incoming?.writer.metadata != chunk.metadata {
      dropIncoming(into: &events)
      let (head, layout) = SnapshotHead.encode(
        identity, chunk.metadata, frameBytes: settings.frameBytes)
      incoming = IncomingFile(writer: SnapshotWriter(metadata: chunk.metadata, layout: layout))
      steps.append(.create(file, bytes: 0))
      steps.append(.write(file, at: 0, head))
      // Its name must survive with its first durable frame.
      steps.append(.syncDirectory)
    }
    guard var writer = incoming?.writer, writer.metadata == chunk.metadata,
      chunk.offset <= writer.bytes
    else {
      events.append(.snapshotChunkNotStored(lastIncluded: position, nil))
      return
    }
    incoming = nil
    let place = writer.end
    let known = Int(min(writer.bytes - chunk.offset, UInt64(chunk.bytes.count)))
    let through = chunk.offset + UInt64(chunk.bytes.count)
    let isLast = chunk.isLast && through >= writer.bytes
    var bytes = writer.add(chunk.bytes[...].dropFirst(known))
    if isLast {
      bytes.append(contentsOf: writer.finish())
      steps.append(contentsOf: Journal.finish(file, position, at: place, bytes))
    } else if !bytes.isEmpty {
      steps.append(.write(file, at: place, bytes))
      steps.append(.sync(file))
    }
    incoming = IncomingFile(writer: writer)
    snapshotTasks.append(
      SnapshotTask(
        steps: steps,
        purpose: isLast ? .lastChunk(position, bytes: through) : .chunk(position, through: through))
    )
  }

  private func isWholeIncoming(_ position: LogPosition) -> Bool {
    guard let incoming else { return false }
    return incoming.isWhole && incoming.writer.metadata.lastIncluded == position
  }

  private mutating func dropIncoming(into events: inout [JournalEvent]) {
    guard let position = incoming?.writer.metadata.lastIncluded else { return }
    incoming = nil
    var isAnyWaiting = false
    snapshotTasks.removeAll { task in
      guard task.purpose.isChunk else { return false }
      isAnyWaiting = true
      return true
    }
    if isAnyWaiting { events.append(.snapshotChunkNotStored(lastIncluded: position, nil)) }
    snapshotTasks.append(SnapshotTask(steps: [.remove(.incoming(position))], purpose: .tidying))
  }

  // MARK: Jobs

  mutating func nextSnapshotJob() -> DiskJob? {
    for task in running {
      if case .snapshot = task.purpose { return nil }
    }
    let task = snapshotTasks.removeFirst()
    return job(.snapshot, task.steps, .snapshot(task.purpose))
  }

  mutating func snapshotFinished(
    _ purpose: SnapshotPurpose, _ result: JobResult, into events: inout [JournalEvent]
  ) {
    if let error = result.error {
      snapshotFailed(purpose, error, into: &events)
      return
    }
    switch purpose {
    case .taking(let position, let through):
      if taking?.metadata.lastIncluded == position {
        events.append(.snapshotWritten(position, through: through))
      }
    case .taken(let position, _):
      guard let info = finishing, info.layout.lastIncluded == position else {
        // Dropped while it got its name.
        removeUnlessKept(position)
        return
      }
      finishing = nil
      keep(info)
      events.append(.snapshotTaken(position))
    case .chunk(let position, let through):
      guard incoming?.writer.metadata.lastIncluded == position else { return }
      events.append(.snapshotChunkStored(lastIncluded: position, through: through))
    case .lastChunk(let position, let bytes):
      guard let file = incoming, file.writer.metadata.lastIncluded == position else {
        removeUnlessKept(position)
        return
      }
      incoming = nil
      keep(SnapshotInfo(layout: file.writer.layout, bytes: bytes))
      events.append(.snapshotChunkStored(lastIncluded: position, through: bytes))
    case .tidying: if isSpaceLow { spaceMayBeBack() }
    }
  }

  private mutating func snapshotFailed(
    _ purpose: SnapshotPurpose, _ error: DiskError, into events: inout [JournalEvent]
  ) {
    if error.problem == .full { spaceIsLow(into: &events) }
    switch purpose {
    case .taking(let position, _), .taken(let position, _):
      let isCurrent =
        taking?.metadata.lastIncluded == position || finishing?.layout.lastIncluded == position
      guard isCurrent else { return }
      abandonSnapshot()
      events.append(.snapshotNotTaken(position, error))
    case .chunk(let position, _), .lastChunk(let position, _):
      guard incoming?.writer.metadata.lastIncluded == position else { return }
      incoming = nil
      snapshotTasks.removeAll { $0.purpose.isChunk }
      snapshotTasks.append(SnapshotTask(steps: [.remove(.incoming(position))], purpose: .tidying))
      events.append(.snapshotChunkNotStored(lastIncluded: position, error))
    case .tidying: return
    }
  }

  private mutating func keep(_ info: SnapshotInfo) {
    let position = info.layout.lastIncluded
    snapshots.removeAll { $0.layout.lastIncluded == position }
    snapshots.append(info)
    // It may come a second time: then what became of the first must not take it away.
    let removal = SnapshotTask(steps: [.remove(.snapshot(position))], purpose: .tidying)
    snapshotTasks.removeAll { $0 == removal }
  }

  /// A snapshot that was dropped has got its name all the same.
  private mutating func removeUnlessKept(_ position: LogPosition) {
    guard snapshotBytes(position) == nil else { return }
    snapshotTasks.append(SnapshotTask(steps: [.remove(.snapshot(position))], purpose: .tidying))
  }

  /// A snapshot through `index` is in force, durably: older ones, whole or not, are not needed.
  mutating func dropSnapshots(before index: LogIndex) {
    for info in snapshots where info.layout.lastIncluded.index < index {
      snapshotTasks.append(
        SnapshotTask(steps: [.remove(.snapshot(info.layout.lastIncluded))], purpose: .tidying))
    }
    snapshots.removeAll { $0.layout.lastIncluded.index < index }
    if let file = incoming, file.writer.metadata.lastIncluded.index <= index, !file.isWhole {
      incoming = nil
      snapshotTasks.removeAll { $0.purpose.isChunk }
      snapshotTasks.append(
        SnapshotTask(
          steps: [.remove(.incoming(file.writer.metadata.lastIncluded))], purpose: .tidying))
    }
  }

  /// How long the snapshot through this entry is, if it is here whole; in bytes.
  public func snapshotBytes(_ lastIncluded: LogPosition) -> UInt64? {
    for info in snapshots where info.layout.lastIncluded == lastIncluded { return info.bytes }
    return nil
  }
}

extension SnapshotPurpose {
  var isTaking: Bool {
    switch self {
    case .taking, .taken: true
    case .chunk, .lastChunk, .tidying: false
    }
  }

  var isChunk: Bool {
    switch self {
    case .chunk, .lastChunk: true
    case .taking, .taken, .tidying: false
    }
  }
}

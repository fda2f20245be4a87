// What leaves the journal for its disk, and what becomes of it.

import Raft

extension Journal {
  /// The next thing that the disk is to do, if there is one now.
  ///
  /// After `failed` there is none any more.
  public mutating func nextJob() -> DiskJob? {
    guard failure == nil else { return nil }
    // Mostly there is nothing to do, so that is asked first.
    if !sealed.isEmpty || !open.bytes.isEmpty, let job = nextLogJob() { return job }
    if !snapshotTasks.isEmpty, let job = nextSnapshotJob() { return job }
    if !reads.isEmpty, let job = nextRead() { return job }
    if care.isEmpty, spare == .ready || spare == .taken, hasReserve { return nil }
    return nextCareJob()
  }

  /// What became of a job.
  ///
  /// - Precondition: the job was given out by `nextJob` of this journal, or of the value that this
  ///   one is a copy of, and has not been finished.
  public mutating func finished(
    _ job: JobID, _ result: JobResult, into events: inout [JournalEvent]
  ) {
    for position in flights.indices where flights[position].job == job {
      if !flights[position].isDone { return logFinished(position, result, into: &events) }
    }
    guard let position = running.firstIndex(where: { $0.id == job }) else {
      preconditionFailure("\(job.description) is not under way")
    }
    let finished = running.remove(at: position)
    guard failure == nil else { return }
    if case .failed(let step, let error) = result, finished.syncs.contains(step) {
      fail(error, into: &events)
      return
    }
    switch finished.purpose {
    case .snapshot(let purpose): snapshotFinished(purpose, result, into: &events)
    case .read(let purpose): readFinished(purpose, result, into: &events)
    case .spare: spareFinished(result, into: &events)
    case .reserve: reserveFinished(result, into: &events)
    case .care(let task): careFinished(task, result)
    }
  }

  mutating func job(_ lane: DiskLane, _ steps: [DiskStep], _ purpose: JobPurpose) -> DiskJob {
    let id = nextJobID()
    running.append(RunningJob(id: id, purpose: purpose, syncs: StepSet(syncsOf: steps)))
    return DiskJob(id: id, lane: lane, steps: steps)
  }

  private mutating func nextJobID() -> JobID {
    nextJobNumber += 1
    return JobID(nextJobNumber - 1)
  }

  private mutating func fail(_ error: DiskError, into events: inout [JournalEvent]) {
    failure = error
    events.append(.failed(first: durableTicket.next, error))
  }

  // MARK: The log

  private mutating func nextLogJob() -> DiskJob? {
    guard !isLogStalled, flights.count < settings.maximumSyncsInFlight else { return nil }
    // A new segment vouches for all before it, and exists only under its name.
    if !flights.isEmpty, flights[flights.count - 1].batch.isNewSegment { return nil }
    let isNew = sealed.isEmpty ? open.isNewSegment : sealed[0].isNewSegment
    if isNew && (!flights.isEmpty || spare == .making) { return nil }
    var batch: LogBatch
    if sealed.isEmpty {
      batch = LogBatch(segment: segment.number, offset: segment.end)
      swap(&batch, &open)
    } else {
      batch = sealed.removeFirst()
    }
    let steps = steps(for: batch)
    let id = nextJobID()
    flights.append(LogFlight(job: id, syncs: StepSet(syncsOf: steps), batch: batch))
    return DiskJob(id: id, lane: .log, steps: steps)
  }

  private mutating func steps(for batch: LogBatch) -> [DiskStep] {
    let file = FileName.segment(batch.segment)
    guard batch.isNewSegment else {
      return [.write(file, at: batch.offset, batch.bytes), .sync(file)]
    }
    var steps: [DiskStep] = []
    if spare != .ready || batch.fileBytes != settings.segmentBytes {
      steps.append(.create(.spare, bytes: batch.fileBytes))
    }
    spare = .taken
    steps.append(.write(.spare, at: 0, batch.bytes))
    steps.append(.sync(.spare))
    steps.append(.rename(.spare, to: file))
    steps.append(.syncDirectory)
    return steps
  }

  private mutating func logFinished(
    _ position: Int, _ result: JobResult, into events: inout [JournalEvent]
  ) {
    flights[position].isDone = true
    guard failure == nil else { return }
    if case .failed(let step, let error) = result {
      let isFull = error.operation == .create || error.operation == .write
      guard error.problem == .full, isFull, !flights[position].syncs.contains(step) else {
        fail(error, into: &events)
        return
      }
      waitForRoom(flights.remove(at: position).batch, into: &events)
      return
    }
    if isSpaceLow && spare == .ready { isRetryDue = true }
    let first = durableTicket
    while !flights.isEmpty, flights[0].isDone,
      !isAnyWaiting(before: flights[0].batch.lastSequence)
    {
      settle((flights.count == 1 ? flights.removeLast() : flights.removeFirst()).batch)
    }
    if durableTicket > first { events.append(.persisted(first: first.next, last: durableTicket)) }
  }

  /// Nothing was promised, so the same bytes may be written to the same place again.
  private mutating func waitForRoom(_ batch: LogBatch, into events: inout [JournalEvent]) {
    if batch.isNewSegment { spare = .absent }
    var place = 0
    while place < sealed.count, sealed[place].lastSequence < batch.lastSequence { place += 1 }
    sealed.insert(batch, at: place)
    isLogStalled = true
    spaceIsLow(into: &events)
  }

  /// Whether a batch that comes before this one waits for room.
  private func isAnyWaiting(before sequence: UInt64) -> Bool {
    !sealed.isEmpty && sealed[0].lastSequence < sequence
  }

  /// A batch, and all before it, is durable.
  private mutating func settle(_ batch: consuming LogBatch) {
    durableSequence = batch.lastSequence
    if batch.lastTicket > .zero { durableTicket = batch.lastTicket }
    if batch.isNewSegment {
      spare = .absent
      durableSegment = batch.segment
      if let previous = batch.previous { care.append(.resize(previous)) }
      if !care.contains(where: { $0.isIdentity }) { care.append(.identify(standing)) }
    }
    while let oldest = segments.first, oldest.number < batch.keepSegments {
      segments.removeFirst()
      care.removeAll { $0.resizes(oldest.number) }
      care.append(.remove(.segment(oldest.number)))
    }
    if let index = batch.keepSnapshot { dropSnapshots(before: index) }
  }

  // MARK: Files

  private mutating func nextCareJob() -> DiskJob? {
    for task in running where task.purpose.isCare { return nil }
    if !care.isEmpty {
      let task = care.removeFirst()
      return job(.care, steps(for: task), .care(task))
    }
    guard !isSpaceLow || isRetryDue else { return nil }
    if spare == .absent && !isNewSegmentWaiting {
      isRetryDue = false
      spare = .making
      return job(.care, [.create(.spare, bytes: settings.segmentBytes)], .spare)
    }
    if spare == .ready && !hasReserve && settings.reserveBytes > 0 && taking == nil {
      isRetryDue = false
      return job(.care, [.create(.reserve, bytes: settings.reserveBytes)], .reserve)
    }
    return nil
  }

  private var isNewSegmentWaiting: Bool {
    (sealed.first?.isNewSegment ?? open.isNewSegment) && !isLogStalled
  }

  private func steps(for task: Chore) -> [DiskStep] {
    switch task {
    case .remove(let file): [.remove(file)]
    case .resize(let segment): [.resize(.segment(segment.number), to: segment.end)]
    case .identify(let standing):
      IdentityFile.steps(identity, standing, segment: durableSegment)
    }
  }

  private mutating func careFinished(_ task: Chore, _ result: JobResult) {
    // A file that could not be removed or cut is so when the journal is opened the next time.
    switch task {
    case .remove, .resize: if isSpaceLow && result.error == nil { spaceMayBeBack() }
    case .identify(let written): if result.error == nil { standing = written }
    }
  }

  private mutating func spareFinished(_ result: JobResult, into events: inout [JournalEvent]) {
    spare = result.error == nil ? .ready : .absent
    madeRoom(result, into: &events)
  }

  private mutating func reserveFinished(
    _ result: JobResult, into events: inout [JournalEvent]
  ) {
    hasReserve = result.error == nil
    madeRoom(result, into: &events)
  }

  /// Space was asked for ahead of need: the answer is the measure of how much there is.
  private mutating func madeRoom(_ result: JobResult, into events: inout [JournalEvent]) {
    if let error = result.error {
      if error.problem == .full { spaceIsLow(into: &events) } else { fail(error, into: &events) }
      return
    }
    guard isSpaceLow else { return }
    isLogStalled = false
    if spare == .ready && (hasReserve || settings.reserveBytes == 0) {
      isSpaceLow = false
      events.append(.spaceBack)
    } else {
      isRetryDue = true
    }
  }

  mutating func spaceIsLow(into events: inout [JournalEvent]) {
    guard !isSpaceLow else { return }
    isSpaceLow = true
    events.append(.spaceLow)
  }

  /// Tries again what a full disk stopped. To be called now and then while `isSpaceLow`.
  public mutating func spaceMayBeBack() {
    guard isSpaceLow else { return }
    isRetryDue = true
    // With a spare at hand it was a write into space that should have been there already.
    if spare == .ready { isLogStalled = false }
  }

  // MARK: Repair

  /// The node holds again all that it may have promised: it is a member from now on. `standing`
  /// says so once that is durable.
  public mutating func rejoin() {
    guard standing != .member else { return }
    care.removeAll { $0 == .identify(standing) }
    if !care.contains(.identify(.member)) { care.append(.identify(.member)) }
  }
}

extension JobResult {
  var error: DiskError? {
    switch self {
    case .done: nil
    case .failed(_, let error): error
    }
  }
}

extension DiskStep {
  var isSync: Bool {
    switch self {
    case .sync, .syncDirectory: true
    case .create, .write, .read, .resize, .rename, .remove: false
    }
  }
}

extension Chore {
  func resizes(_ number: UInt64) -> Bool {
    switch self {
    case .resize(let segment): segment.number == number
    case .remove, .identify: false
    }
  }
}

extension Chore {
  var isIdentity: Bool {
    switch self {
    case .identify: true
    case .remove, .resize: false
    }
  }
}

extension JobPurpose {
  var isCare: Bool {
    switch self {
    case .spare, .reserve, .care: true
    case .snapshot, .read: false
    }
  }
}

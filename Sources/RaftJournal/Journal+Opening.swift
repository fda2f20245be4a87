// The three ways to a journal: make it, open it, open a damaged one.

import Raft

extension Journal {
  /// Makes a journal where there is none. The only way to a new node: nothing else takes an empty
  /// directory for one.
  ///
  /// - Parameter state: what the new node begins with, `DurableState(bootstrapping:)` or
  ///   `.joining`; it has no entries.
  /// - Throws: `JournalError`, with `.alreadyExists` if there is one.
  public static func create<D: Disk>(
    on disk: inout D, identity owner: JournalIdentity, state: DurableState,
    settings: JournalSettings = JournalSettings()
  ) throws(JournalError) -> RecoveredJournal {
    precondition(state.entries.isEmpty && state.snapshot.lastIncluded.index == .zero)
    guard owner.node.rawValue > 0, owner.cluster != ClusterID(high: 0, low: 0) else {
      throw .badIdentity
    }
    var identity = owner
    identity.incarnation = 1
    try refuseAnyOther(&disk)
    let settings = settings.clamped
    do throws(DiskError) {
      var head = SegmentHead(
        identity: identity, number: 1, firstSequence: 1, previousEnd: 0,
        summary: LogSummary(
          hardState: state.hardState, snapshot: state.snapshot, logStart: state.logStart,
          lastIndex: state.logStart.index))
      try disk.carryOut(segmentSteps(&head, settings))
      // The identity is last: what was begun and not finished is no journal.
      try disk.carryOut(IdentityFile.steps(identity, .member, segment: 1))
      let journal = Journal(
        identity: identity, standing: .member, settings: settings, head: head,
        segments: [SegmentInfo(number: 1, salt: head.salt)], extents: [],
        capacity: settings.segmentBytes)
      return RecoveredJournal(journal: journal, state: state, tail: .clean)
    } catch {
      throw .disk(error)
    }
  }

  /// A directory that holds anything but the leftovers of `create` is not for a new journal.
  private static func refuseAnyOther<D: Disk>(_ disk: inout D) throws(JournalError) {
    let files: [FileName]
    do { files = try disk.list() } catch { throw .disk(error) }
    if files.contains(.identity) {
      throw .alreadyExists(try Scan.read(&disk, spacing: .max).identity)
    }
    for file in files {
      switch file {
      case .identity, .identityDraft, .spare, .reserve: continue
      case .segment(1):
        let isUnused: Bool
        do { isUnused = try Scan.isUnusedSegment(&disk) } catch { throw .disk(error) }
        guard isUnused else { throw .identityMissing(file) }
      case .segment, .snapshot, .snapshotDraft, .incoming, .damagedSegment:
        throw .identityMissing(file)
      }
    }
  }

  /// The steps that make a segment; a file of that name is replaced.
  private static func segmentSteps(
    _ head: inout SegmentHead, _ settings: JournalSettings
  ) -> [DiskStep] {
    [
      .create(.spare, bytes: settings.segmentBytes), .write(.spare, at: 0, head.encode()),
      .sync(.spare), .rename(.spare, to: .segment(head.number)), .syncDirectory,
    ]
  }

  /// Opens the journal of this node after a stop or a crash: reads and checks everything, discards
  /// a torn tail, begins a new incarnation and a new segment.
  ///
  /// - Parameter owner: whose journal it must be; its incarnation is not looked at.
  /// - Throws: `JournalError` if there is no journal or it is another's. Damage is no error but a
  ///   case of `Recovery`.
  /// - Complexity: O(bytes of the log); memory for the entries after the snapshot.
  public static func open<D: Disk>(
    on disk: inout D, owner: JournalIdentity, settings: JournalSettings = JournalSettings()
  ) throws(JournalError) -> Recovery {
    let settings = settings.clamped
    var scan = try Scan.read(&disk, spacing: settings.indexSpacing)
    guard scan.identity.cluster == owner.cluster, scan.identity.node == owner.node else {
      throw .wrongOwner(found: scan.identity, expected: owner)
    }
    if scan.state == nil && scan.damages.isEmpty {
      scan.note(.segment(scan.segments.first?.head.number ?? 1), at: 0, .malformed)
    }
    if let report = scan.report {
      let rest = scan.state ?? .joining
      return .damaged(
        DamagedJournal(
          report: report, identity: scan.identity, state: rest, settings: settings, scan: scan))
    }
    do throws(DiskError) {
      return .intact(try resume(scan, settings, &disk))
    } catch {
      guard error.problem == .full else { throw .disk(error) }
    }
    do throws(DiskError) {
      return .intact(try resumeInReserve(scan, settings, &disk))
    } catch {
      throw .disk(error)
    }
  }

  /// Goes on where there was no room for that, in the room that is kept for such a day. What was
  /// begun is done again: it was of the same life.
  private static func resumeInReserve<D: Disk>(
    _ scan: Scan, _ settings: JournalSettings, _ disk: inout D
  ) throws(DiskError) -> RecoveredJournal {
    var scan = scan
    for file in [FileName.spare, .reserve] { try disk.remove(file) }
    scan.files.removeAll { $0 == .spare || $0 == .reserve }
    return try resume(scan, settings, &disk)
  }

  /// Goes on after a scan that found no damage.
  private static func resume<D: Disk>(
    _ scan: Scan, _ settings: JournalSettings, _ disk: inout D
  ) throws(DiskError) -> RecoveredJournal {
    guard let newest = scan.segments.last, let state = scan.state else {
      preconditionFailure("a scan without damage has a segment and a state")
    }
    try makeSure(of: newest, scan, &disk)
    var identity = scan.identity
    identity.incarnation += 1
    try disk.carryOut(IdentityFile.steps(identity, scan.standing, segment: newest.head.number))
    // A segment without records is replaced, so that many restarts do not make many files.
    let isUnused = newest.records == 0 && scan.tail == .clean
    let head = SegmentHead(
      identity: identity, number: isUnused ? newest.head.number : newest.head.number + 1,
      firstSequence: scan.nextSequence,
      previousEnd: isUnused ? newest.head.previousEnd : newest.end, summary: scan.replay.summary)
    var kept = scan.segments.map { SegmentInfo(number: $0.head.number, salt: $0.head.salt) }
    if isUnused { kept.removeLast() }
    var journal = try begin(
      head, kept, scan.replay.extents, scan.standing, settings, &disk)
    if !isUnused {
      journal.care.append(.identify(journal.standing))
      journal.care.append(
        .resize(SegmentEnd(number: newest.head.number, end: newest.end)))
    }
    try journal.takeOver(scan, &disk)
    return RecoveredJournal(journal: journal, state: state, tail: scan.tail)
  }

  /// What was read may never have been synced, and from now on it is relied upon.
  private static func makeSure<D: Disk>(
    of newest: ScannedSegment, _ scan: Scan, _ disk: inout D
  ) throws(DiskError) {
    let file = FileName.segment(newest.head.number)
    if let start = scan.unvouched.start { try disk.rewrite(file, start..<newest.end) }
    if scan.tail != .clean { try disk.resize(file, to: newest.end) }
    try disk.sync(file)
  }

  private static func begin<D: Disk>(
    _ head: SegmentHead, _ kept: [SegmentInfo], _ extents: [Extent], _ standing: Standing,
    _ settings: JournalSettings, _ disk: inout D
  ) throws(DiskError) -> Journal {
    var head = head
    let steps = segmentSteps(&head, settings)
    // The old spare may be all the space that is left.
    try disk.remove(.spare)
    try disk.carryOut(steps)
    return Journal(
      identity: head.identity, standing: standing, settings: settings, head: head,
      segments: kept + [SegmentInfo(number: head.number, salt: head.salt)], extents: extents,
      capacity: settings.segmentBytes)
  }

  /// Takes over the snapshots that a scan found, and removes what nobody needs.
  private mutating func takeOver<D: Disk>(_ scan: Scan, _ disk: inout D) throws(DiskError) {
    let inForce = summary.snapshot.lastIncluded
    for snapshot in scan.snapshots {
      let position = snapshot.metadata.lastIncluded
      if position == inForce {
        snapshots.append(snapshot.info)
      } else if scan.incoming == nil && position == scan.snapshots.last?.metadata.lastIncluded {
        // Whole, and its marker was not written: should a leader send it again, it is here.
        snapshots.append(snapshot.info)
      }
    }
    if let writer = scan.incoming {
      incoming = IncomingFile(writer: writer)
      let file = FileName.incoming(writer.metadata.lastIncluded)
      try disk.resize(file, to: writer.end)
      // It is synced with its next frames.
      try disk.rewrite(file, 0..<writer.end)
    }
    for file in scan.files where !isKept(file) { try disk.remove(file) }
    hasReserve = scan.files.contains(.reserve)
  }

  private func isKept(_ file: FileName) -> Bool {
    switch file {
    case .identity, .reserve, .damagedSegment: true
    case .identityDraft, .spare, .snapshotDraft: false
    case .segment: true
    case .snapshot(let position): snapshotBytes(position) != nil
    case .incoming(let position): incoming?.writer.metadata.lastIncluded == position
    }
  }

  // MARK: Repair

  /// Goes on with what is left of a damaged journal.
  static func repair<D: Disk>(
    _ scan: Scan, _ settings: JournalSettings, _ disk: inout D
  ) throws(DiskError) -> RecoveredJournal {
    var identity = scan.identity
    identity.incarnation += 1
    var floor = scan.floor
    if case .outUntilRepaired(let earlier) = scan.standing {
      floor.term = max(floor.term, earlier.term)
      floor.index = max(floor.index, earlier.index)
    }
    let standing = Standing.outUntilRepaired(floor: floor)
    try disk.carryOut(IdentityFile.steps(identity, standing, segment: 0))

    var usable = scan
    usable.damages = []
    let isLogUsable = usable.isSnapshotHere && usable.state != nil && !scan.segments.isEmpty
    var state = isLogUsable ? usable.state ?? .joining : .joining
    // A vote of the newest term may be lost; in that term there is none any more.
    if state.hardState.currentTerm < floor.term {
      state.hardState = HardState(
        currentTerm: floor.term, votedFor: nil, commitIndex: state.hardState.commitIndex)
    }
    let kept = isLogUsable ? scan.segments : []
    let last = kept.last?.head.number ?? 0
    var steps: [DiskStep] = []
    var newest = last
    for file in scan.files.reversed() {
      guard case .segment(let number) = file, number > last else { continue }
      newest = max(newest, number)
      steps.append(.rename(file, to: .damagedSegment(number)))
    }
    steps.append(.syncDirectory)
    try disk.carryOut(steps)
    if let newest = kept.last { try makeSure(of: newest, scan, &disk) }
    let head = SegmentHead(
      identity: identity, number: (isLogUsable ? last : newest) + 1,
      firstSequence: scan.nextSequence, previousEnd: kept.last?.end ?? 0,
      summary: LogSummary(
        hardState: state.hardState, snapshot: state.snapshot, logStart: state.logStart,
        lastIndex: isLogUsable ? scan.replay.summary.lastIndex : .zero))
    var journal = try begin(
      head, kept.map { SegmentInfo(number: $0.head.number, salt: $0.head.salt) },
      isLogUsable ? scan.replay.extents : [], standing, settings, &disk)
    journal.care.append(.identify(standing))
    if isLogUsable { try journal.takeOver(scan, &disk) }
    return RecoveredJournal(journal: journal, state: state, tail: scan.tail)
  }
}

extension Disk {
  /// Carries out steps of which none reads.
  mutating func carryOut(_ steps: [DiskStep]) throws(DiskError) {
    switch perform(steps) {
    case .done: return
    case .failed(_, let error): throw error
    }
  }
}

extension Scan {
  /// Whether the snapshot in force, if any, is whole.
  var isSnapshotHere: Bool {
    let inForce = replay.summary.snapshot.lastIncluded
    if inForce.index == .zero { return true }
    return snapshots.contains { $0.metadata.lastIncluded == inForce }
      || replay.summary.snapshot.membership.isWitness(identity.node)
  }

  /// Whether the first segment is what a `create` leaves that did not come to its end.
  static func isUnusedSegment<D: Disk>(_ disk: inout D) throws(DiskError) -> Bool {
    var scan = Scan(
      identity: JournalIdentity(cluster: ClusterID(high: 0, low: 0), node: NodeID(0)),
      standing: .member, files: [.segment(1)])
    guard
      case .success(let head) = try scan.readHead(
        of: .segment(1), &disk, SegmentHead.decode)
    else { return true }
    var window = try FileWindow(.segment(1), on: &disk)
    let found = try scan.survey(&window, head, from: UInt64(head.bytes), &disk)
    return found.lastNonzero == nil
  }
}

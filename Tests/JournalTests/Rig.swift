import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import Testing

/// A journal on a simulated disk that does what it is told at once.
struct Rig {
  static let owner = JournalIdentity(cluster: ClusterID(high: 7, low: 9), node: 2)

  var disk: SimulatedDisk
  var journal: Journal
  var events: [JournalEvent] = []

  static var small: JournalSettings {
    var settings = JournalSettings()
    settings.segmentBytes = 4_096
    settings.reserveBytes = 2_048
    settings.frameBytes = 64
    settings.indexSpacing = 256
    settings.sectorBytes = 512
    return settings
  }

  /// A new journal.
  init(
    seed: UInt64 = 1, settings: JournalSettings = Rig.small,
    state: DurableState = WriteMaker.newborn, owner: JournalIdentity = Rig.owner
  ) throws {
    disk = SimulatedDisk(seed: seed)
    journal = try Journal.create(
      on: &disk, identity: owner, state: state, settings: settings
    ).journal
  }

  init(_ disk: SimulatedDisk, _ journal: Journal) {
    self.disk = disk
    self.journal = journal
  }

  /// Carries out everything that is to be done.
  mutating func settle() {
    while let job = journal.nextJob() {
      let result = disk.perform(job)
      journal.finished(job.id, result, into: &events)
    }
  }

  mutating func append(_ write: StorageWrite) {
    journal.append(write)
  }

  /// Takes the events so far.
  mutating func takeEvents() -> [JournalEvent] {
    defer { events = [] }
    return events
  }

  /// Expects just these events, and forgets them.
  mutating func expect(
    _ expected: [JournalEvent], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = takeEvents()
    #expect(found == expected, sourceLocation: sourceLocation)
  }

  /// The last ticket that was reported durable.
  var durable: Ticket {
    for event in events.reversed() {
      if case .persisted(_, let last) = event { return last }
    }
    return .zero
  }

  /// Stores a whole snapshot of the node's own machine.
  mutating func takeSnapshot(_ metadata: SnapshotMetadata, _ bytes: [UInt8], by part: Int = 100) {
    journal.beginSnapshot(metadata)
    var rest = bytes[...]
    while !rest.isEmpty {
      journal.writeSnapshot(Array(rest.prefix(part)))
      rest = rest.dropFirst(part)
    }
    journal.finishSnapshot()
    settle()
  }

  /// Opens what is on a disk, which must be intact.
  static func open(
    _ disk: inout SimulatedDisk, settings: JournalSettings = Rig.small,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> RecoveredJournal {
    switch try Journal.open(on: &disk, owner: owner, settings: settings) {
    case .intact(let recovered): return recovered
    case .damaged(let damaged):
      Issue.record("damaged: \(damaged.report.description)", sourceLocation: sourceLocation)
      throw Unexpected.damage(damaged.report)
    }
  }

  enum Unexpected: Error {
    case damage(DamageReport)
    case anotherState
  }

  /// Reads entries back.
  mutating func load(_ first: LogIndex, _ last: LogIndex) -> Entries? {
    let request = EntriesRequest(peer: 3, first: first, last: last)
    var answers: [JournalEvent] = []
    swap(&events, &answers)
    journal.load(request, into: &events)
    settle()
    swap(&events, &answers)
    for answer in answers {
      if case .entriesLoaded(request, let entries) = answer { return entries }
    }
    return nil
  }

  /// Reads a whole snapshot back, by pieces.
  mutating func readSnapshot(_ position: LogPosition, by part: UInt64) -> [UInt8]? {
    var bytes: [UInt8] = []
    while true {
      let request = SnapshotRead(
        lastIncluded: position, offset: UInt64(bytes.count), maximumBytes: part)
      events = []
      journal.load(request, into: &events)
      settle()
      guard
        let answer = events.first,
        case .snapshotRead(request, let piece, let isLast) = answer
      else { return nil }
      bytes += piece
      if isLast { return bytes }
    }
  }
}

/// Metadata of a snapshot through this entry.
func snapshotMetadata(_ index: LogIndex, _ term: Term) -> SnapshotMetadata {
  SnapshotMetadata(
    lastIncluded: LogPosition(index, term), membership: WriteMaker.membership,
    membershipIndex: .zero)
}

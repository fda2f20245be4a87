import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

@Suite("Opening a journal", .computing)
struct OpeningTests {
  @Test func `an empty directory is not taken for a new node`() {
    var disk = SimulatedDisk(seed: 1)
    #expect(throws: JournalError.notInitialised) {
      _ = try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small)
    }
  }

  @Test func `what holds a journal is not made one again`() throws {
    var rig = try Rig()
    #expect(throws: JournalError.alreadyExists(Rig.owner)) {
      _ = try Journal.create(
        on: &rig.disk, identity: Rig.owner, state: .joining, settings: Rig.small)
    }
  }

  @Test func `a journal without its identity is neither opened nor made anew`() throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 1)
    rig.append(maker.next())
    rig.settle()
    try rig.disk.remove(.identity)
    #expect(throws: JournalError.identityMissing(.segment(1))) {
      _ = try Journal.open(on: &rig.disk, owner: Rig.owner, settings: Rig.small)
    }
    #expect(throws: JournalError.identityMissing(.segment(1))) {
      _ = try Journal.create(
        on: &rig.disk, identity: Rig.owner, state: .joining, settings: Rig.small)
    }
  }

  @Test func `another's journal is refused`() throws {
    var rig = try Rig()
    for owner in [
      JournalIdentity(cluster: ClusterID(high: 7, low: 8), node: 2),
      JournalIdentity(cluster: ClusterID(high: 7, low: 9), node: 3),
    ] {
      #expect(throws: JournalError.wrongOwner(found: Rig.owner, expected: owner)) {
        _ = try Journal.open(on: &rig.disk, owner: owner, settings: Rig.small)
      }
    }
    var disk = SimulatedDisk(seed: 1)
    for owner in [
      JournalIdentity(cluster: ClusterID(high: 0, low: 0), node: 3),
      JournalIdentity(cluster: ClusterID(high: 1, low: 0), node: 0),
    ] {
      #expect(throws: JournalError.badIdentity) {
        _ = try Journal.create(on: &disk, identity: owner, state: .joining, settings: Rig.small)
      }
    }
  }

  @Test func `a making that did not finish can be begun again`() throws {
    var tape = Tape(SimulatedDisk(seed: 1))
    _ = try Journal.create(on: &tape, identity: Rig.owner, state: .joining, settings: Rig.small)
    for count in 0..<tape.steps.count {
      var cut = Tape(SimulatedDisk(seed: 1))
      cut.limit = count
      #expect(throws: JournalError.self) {
        _ = try Journal.create(on: &cut, identity: Rig.owner, state: .joining, settings: Rig.small)
      }
      for isKept in [true, false] {
        var disk = cut.disk
        disk.powerOff(keepingChanges: isKept, keepingNames: isKept)
        if try disk.list().contains(.identity) {
          _ = try Rig.open(&disk)
        } else {
          _ = try Journal.create(
            on: &disk, identity: Rig.owner, state: .joining, settings: Rig.small)
        }
      }
    }
  }

  @Test func `many restarts make no more files`() throws {
    var rig = try Rig()
    for _ in 0..<20 {
      let recovered = try Rig.open(&rig.disk)
      rig = Rig(rig.disk, recovered.journal)
      rig.settle()
    }
    #expect(try rig.disk.list() == [.identity, .segment(1), .spare, .reserve])
    #expect(rig.journal.identity.incarnation == 21)
  }

  @Test(arguments: [false, true])
  func `what a failed sync has left in the cache is not relied upon before it is on the disk`(
    isWhileVouched: Bool
  ) throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 8)
    for _ in 0..<5 {
      rig.append(maker.commands(count: 2, bytes: 60))
      rig.settle()
    }
    if isWhileVouched {
      rig.journal.vouch()
      rig.settle()
    }
    let before = maker.state
    rig.disk.faults.failingSyncs = 1_000_000
    rig.append(maker.commands(count: 3, bytes: 700))
    rig.settle()
    #expect(rig.takeEvents().contains { if case .failed = $0 { true } else { false } })
    rig.disk.faults.failingSyncs = 0
    rig.disk.stop()

    let first = try Rig.open(&rig.disk)
    #expect(maker.state.difference(from: first.state) == nil, "the cache has it")
    #expect(before.difference(from: first.state) != nil)
    rig.disk.powerOff(keepingChanges: false, keepingNames: false)
    let second = try Rig.open(&rig.disk)
    #expect(first.state.difference(from: second.state) == nil)
  }

  @Test func `a snapshot that was not whole goes on after a restart where it was`() throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 2)
    let metadata = snapshotMetadata(90, 4)
    let bytes = maker.bytes(1_000)
    for part in 0..<4 {
      rig.journal.store(
        SnapshotChunk(
          metadata: metadata, offset: UInt64(part) * 150,
          bytes: Array(bytes[part * 150..<part * 150 + 150]), isLast: false),
        into: &rig.events)
    }
    rig.settle()
    #expect(
      rig.takeEvents().last
        == .snapshotChunkStored(lastIncluded: metadata.lastIncluded, through: 600))
    rig.disk.powerOff(keepingChanges: false, keepingNames: false)
    let recovered = try Rig.open(&rig.disk)
    let partial = try #require(recovered.state.partialSnapshot)
    #expect(partial == PartialSnapshot(metadata: metadata, bytesStored: 600 / 64 * 64))
    rig = Rig(rig.disk, recovered.journal)
    let start = Int(partial.bytesStored)
    rig.journal.store(
      SnapshotChunk(
        metadata: metadata, offset: UInt64(start), bytes: Array(bytes[start...]), isLast: true),
      into: &rig.events)
    rig.settle()
    let read = rig.readSnapshot(metadata.lastIncluded, by: 333)
    #expect(read == bytes)
    // Its marker was never written: after a restart it is all there for when the leader asks.
    rig.disk.powerOff(keepingChanges: false, keepingNames: false)
    let again = try Rig.open(&rig.disk)
    #expect(
      again.state.partialSnapshot == PartialSnapshot(metadata: metadata, bytesStored: 1_000))
  }

  @Test func `a snapshot of nobody is a mistake of the program`() async {
    await #expect(processExitsWith: .failure) {
      var rig = try Rig()
      rig.journal.beginSnapshot(
        SnapshotMetadata(
          lastIncluded: LogPosition(9, 3), membership: .none, membershipIndex: .zero))
    }
  }

  @Test func `a snapshot that comes again while the first is dropped is kept`() throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 6)
    let metadata = snapshotMetadata(90, 4)
    let bytes = maker.bytes(500)
    rig.journal.beginSnapshot(metadata)
    rig.journal.writeSnapshot(bytes)
    rig.journal.finishSnapshot()
    // The node's own snapshot is dropped while it gets its name, for a leader's of the same place.
    var naming: DiskJob?
    while naming == nil, let job = rig.journal.nextJob() {
      if job.steps.contains(where: { if case .rename = $0 { true } else { false } }) {
        naming = job
      } else {
        rig.journal.finished(job.id, rig.disk.perform(job), into: &rig.events)
      }
    }
    let first = try #require(naming)
    rig.journal.abandonSnapshot()
    rig.journal.store(
      SnapshotChunk(metadata: metadata, offset: 0, bytes: bytes, isLast: true), into: &rig.events)
    rig.journal.finished(first.id, rig.disk.perform(first), into: &rig.events)
    rig.settle()

    #expect(rig.readSnapshot(metadata.lastIncluded, by: 77) == bytes)
    #expect(try rig.disk.list().contains(.snapshot(metadata.lastIncluded)))
  }

  @Test func `chunks that do not fit are refused, and repeated ones are not kept twice`() throws {
    var rig = try Rig()
    let metadata = snapshotMetadata(90, 4)
    func chunk(_ offset: UInt64, _ count: Int, isLast: Bool = false) -> SnapshotChunk {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: Int(offset) + $0) }
      return SnapshotChunk(metadata: metadata, offset: offset, bytes: bytes, isLast: isLast)
    }
    rig.journal.store(chunk(10, 5), into: &rig.events)
    rig.expect([.snapshotChunkNotStored(lastIncluded: metadata.lastIncluded, nil)])
    rig.journal.store(chunk(0, 100), into: &rig.events)
    rig.journal.store(chunk(50, 100), into: &rig.events)
    rig.journal.store(chunk(151, 5), into: &rig.events)
    rig.journal.store(chunk(150, 0, isLast: true), into: &rig.events)
    rig.settle()
    let read = rig.readSnapshot(metadata.lastIncluded, by: 1_000)
    #expect(read == (0..<150).map { UInt8($0) })
  }
}

@Suite("A full disk", .computing)
struct FullDiskTests {
  @Test func `is told early, keeps what is there, and recovers`() throws {
    var settings = Rig.small
    settings.reserveBytes = 2_048
    var rig = try Rig(settings: settings)
    rig.disk.faults.capacity = 22_000
    var maker = WriteMaker(seed: 1)
    var given = 0
    while !rig.journal.isSpaceLow {
      rig.append(maker.commands(count: 1, bytes: 100))
      rig.settle()
      given += 1
      try #require(given < 1_000)
    }
    #expect(rig.events.contains(.spaceLow))
    #expect(rig.durable == maker.ticket, "what was given until then is durable")
    // What is under way still fits.
    for _ in 0..<5 {
      rig.append(maker.commands(count: 1, bytes: 100))
      rig.settle()
    }
    #expect(rig.durable == maker.ticket)
    // Who goes on regardless has to wait; nothing is lost.
    for _ in 0..<60 {
      rig.append(maker.commands(count: 1, bytes: 100))
      rig.settle()
    }
    #expect(rig.durable < maker.ticket)
    rig.journal.spaceMayBeBack()
    rig.settle()
    #expect(rig.durable < maker.ticket)
    #expect(!rig.events.contains(.spaceBack))
    rig.disk.faults.capacity = .max
    rig.journal.spaceMayBeBack()
    rig.settle()
    #expect(rig.events.contains(.spaceBack))
    #expect(!rig.journal.isSpaceLow)
    #expect(rig.durable == maker.ticket)
    rig.disk.powerOff(keepingChanges: false, keepingNames: false)
    let recovered = try Rig.open(&rig.disk, settings: settings)
    #expect(maker.state.difference(from: recovered.state) == nil)
  }

  @Test func `a journal is opened on a disk that was filled up, in the room that it keeps`() throws
  {
    var settings = Rig.small
    settings.reserveBytes = 16_384
    var rig = try Rig(settings: settings)
    var maker = WriteMaker(seed: 1)
    for _ in 0..<20 {
      rig.append(maker.commands(count: 1, bytes: 100))
      rig.settle()
    }
    #expect(try rig.disk.list().contains(.reserve))
    rig.disk.faults.capacity = rig.disk.usedBytes
    rig.disk.powerOff(keepingChanges: true, keepingNames: true)
    var opened = Rig(rig.disk, try Rig.open(&rig.disk, settings: settings).journal)
    opened.disk = rig.disk
    #expect(try !opened.disk.list().contains(.reserve))
    opened.append(maker.commands(count: 1, bytes: 100))
    opened.settle()
    #expect(opened.durable == maker.ticket)
    opened.disk.faults.capacity = .max
    opened.journal.spaceMayBeBack()
    opened.settle()
    #expect(try opened.disk.list().contains(.reserve), "it is kept again when there is room")
    let recovered = try Rig.open(&opened.disk, settings: settings)
    #expect(maker.state.difference(from: recovered.state) == nil)
  }

  @Test func `makes room for itself by a snapshot in the reserve`() throws {
    var settings = Rig.small
    settings.reserveBytes = 4_096
    var rig = try Rig(settings: settings)
    rig.settle()
    rig.disk.faults.capacity = 30_000
    var maker = WriteMaker(seed: 1)
    while !rig.journal.isSpaceLow {
      rig.append(maker.commands(count: 1, bytes: 100))
      rig.settle()
    }
    let bytes = maker.bytes(3_000)
    rig.takeSnapshot(snapshotMetadata(maker.lastIndex, 1), bytes)
    #expect(rig.events.contains(.snapshotTaken(LogPosition(maker.lastIndex, 1))))
    rig.append(maker.compact(through: maker.lastIndex))
    rig.settle()
    #expect(!rig.journal.isSpaceLow)
    #expect(rig.events.contains(.spaceBack))
    #expect(try rig.disk.list().contains(.reserve))
  }

  @Test func `refuses a snapshot for which there is no room, and leaves nothing of it`() throws {
    var rig = try Rig()
    rig.settle()
    rig.disk.faults.capacity = rig.disk.usedBytes + 500
    var maker = WriteMaker(seed: 1)
    rig.append(maker.commands(count: 1, bytes: 10))
    rig.settle()
    let position = LogPosition(maker.lastIndex, 1)
    let used = rig.disk.usedBytes
    rig.takeSnapshot(snapshotMetadata(position.index, 1), maker.bytes(5_000))
    let error = DiskError(.write, .snapshotDraft(position), .full)
    #expect(rig.events.contains(.snapshotNotTaken(position, error)))
    #expect(!rig.events.contains(.snapshotTaken(position)))
    #expect(rig.disk.usedBytes <= used)
  }
}

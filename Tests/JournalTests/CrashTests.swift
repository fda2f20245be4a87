import Foundation
import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

/// How much of the exhaustive tests is run. `FLOTILLA_JOURNAL_EXHAUSTIVE=1` runs all of it, which
/// wants a release build.
enum Effort {
  static let isFull = ProcessInfo.processInfo.environment["FLOTILLA_JOURNAL_EXHAUSTIVE"] != nil

  /// Every `step`th of what can be tried, or every one.
  static func stride(_ step: Int) -> Int { isFull ? 1 : step }

  static func count(_ some: UInt64) -> UInt64 { isFull ? some * 20 : some }
}

/// A run that can be cut off anywhere: after each step of each job, and in each write after each
/// byte.
struct CrashRun {
  var rig: Rig
  var maker: WriteMaker
  /// What a storage holds after so many writes; the first is before any.
  var states: [DurableState]
  var acknowledged = 0
  var snapshots: [LogPosition: [UInt8]] = [:]
  var crashes = 0
  var stride: Int
  var byte = 0

  init(seed: UInt64, settings: JournalSettings = Rig.small, stride: Int) throws {
    rig = try Rig(seed: seed, settings: settings)
    maker = WriteMaker(seed: seed)
    states = [maker.state]
    self.stride = stride
  }

  mutating func append(_ write: StorageWrite) {
    rig.append(write)
    states.append(maker.state)
  }

  /// Carries out what is to be done, and crashes everywhere.
  mutating func settle() throws {
    while let job = rig.journal.nextJob() {
      for step in job.steps {
        if case .write(let file, let offset, let bytes) = step {
          try crashIn(file, offset, bytes)
        }
        _ = rig.disk.perform([step])
        try crashHere()
      }
      rig.journal.finished(job.id, .done(read: []), into: &rig.events)
      acknowledged = max(acknowledged, Int(rig.durable.rawValue))
    }
  }

  private mutating func crashIn(_ file: FileName, _ offset: UInt64, _ bytes: [UInt8]) throws {
    for count in bytes.indices {
      byte += 1
      guard byte % stride == 0 else { continue }
      var disk = rig.disk
      _ = disk.perform([.write(file, at: offset, Array(bytes.prefix(count)))])
      disk.powerOff(keepingChanges: true, keepingNames: byte / stride % 2 == 0)
      try recover(disk, "after byte \(count) of a write of \(bytes.count) to \(file)")
    }
  }

  private mutating func crashHere() throws {
    for isKeeping in [(true, true), (true, false), (false, true), (false, false)] {
      var disk = rig.disk
      disk.powerOff(keepingChanges: isKeeping.0, keepingNames: isKeeping.1)
      try recover(disk, "between steps")
    }
  }

  /// What is found is what a storage holds after some number of writes, of which none that was
  /// acknowledged is missing, and which were all given.
  private mutating func recover(_ crashed: SimulatedDisk, _ place: String) throws {
    crashes += 1
    var disk = crashed
    let recovered: RecoveredJournal
    switch try Journal.open(on: &disk, owner: Rig.owner, settings: rig.journal.settings) {
    case .intact(let found): recovered = found
    case .damaged(let found):
      Issue.record("\(place): \(found.report.description)")
      throw Rig.Unexpected.damage(found.report)
    }
    var differences: [String] = []
    for count in (acknowledged..<states.count).reversed() {
      guard let difference = states[count].difference(from: recovered.state) else {
        try checkSnapshot(recovered, disk, place)
        return
      }
      differences.append("\(count) writes: \(difference)")
    }
    Issue.record("\(place), \(acknowledged) acknowledged: \(differences)")
    throw Rig.Unexpected.anotherState
  }

  private func checkSnapshot(
    _ recovered: RecoveredJournal, _ disk: SimulatedDisk, _ place: String
  ) throws {
    let position = recovered.state.snapshot.lastIncluded
    guard position.index > .zero else { return }
    var rig = Rig(disk, recovered.journal)
    let bytes = rig.readSnapshot(position, by: 1 << 20)
    if bytes != snapshots[position] { Issue.record("\(place): another snapshot") }
  }
}

@Suite("A crash at any moment", .computing)
struct CrashTests {
  @Test func `loses nothing acknowledged and invents nothing, after any byte and any step`()
    throws
  {
    var crashes = 0
    for seed in 0..<Effort.count(3) {
      var run = try CrashRun(seed: seed, stride: Effort.stride(83))
      for _ in 0..<12 {
        for _ in 0...run.maker.draw(3) { run.append(run.maker.next()) }
        try run.settle()
        if run.maker.draw(4) == 0 {
          run.rig.journal.vouch()
          try run.settle()
        }
      }
      crashes += run.crashes
    }
    #expect(crashes > 300)
  }

  @Test func `loses nothing while snapshots are taken and the log is cut`() throws {
    for seed in 0..<Effort.count(2) {
      var run = try CrashRun(seed: seed, stride: Effort.stride(211))
      for _ in 0..<4 {
        for _ in 0..<6 { run.append(run.maker.commands(count: 3, bytes: 70)) }
        try run.settle()
        let position = LogPosition(run.maker.lastIndex, run.maker.term(at: run.maker.lastIndex))
        let bytes = run.maker.bytes(300)
        run.snapshots[position] = bytes
        run.rig.journal.beginSnapshot(snapshotMetadata(position.index, position.term))
        for part in 0..<3 {
          run.rig.journal.writeSnapshot(Array(bytes[part * 100..<part * 100 + 100]))
          try run.settle()
        }
        run.rig.journal.finishSnapshot()
        try run.settle()
        run.append(run.maker.compact(through: position.index, retaining: 4))
        run.append(run.maker.next())
        try run.settle()
      }
    }
  }

  @Test func `loses nothing while a leader's snapshot comes in and replaces the log`() throws {
    for seed in 0..<Effort.count(2) {
      var run = try CrashRun(seed: seed, stride: Effort.stride(127))
      for _ in 0..<5 { run.append(run.maker.next()) }
      try run.settle()
      for round in 1...2 as ClosedRange<UInt64> {
        let metadata = snapshotMetadata(LogIndex(1_000 * round), 50)
        let bytes = run.maker.bytes(500)
        run.snapshots[metadata.lastIncluded] = bytes
        for part in 0..<5 {
          let chunk = SnapshotChunk(
            metadata: metadata, offset: UInt64(part * 100),
            bytes: Array(bytes[part * 100..<part * 100 + 100]), isLast: part == 4)
          run.rig.journal.store(chunk, into: &run.rig.events)
          try run.settle()
        }
        run.append(run.maker.install(metadata))
        run.append(run.maker.next())
        try run.settle()
      }
    }
  }

  @Test func `in the middle of opening is a crash like any other`() throws {
    for seed in 0..<Effort.count(4) {
      var rig = try Rig(seed: seed)
      var maker = WriteMaker(seed: seed)
      for _ in 0..<20 { rig.append(maker.next()) }
      rig.settle()
      let acknowledged = maker.state
      rig.append(maker.next())
      if let job = rig.journal.nextJob() { rig.disk.crash(during: [job]) }
      var disk = Tape(rig.disk)
      _ = try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small)
      let whole = disk.steps.count
      for count in 0..<whole {
        for isKept in [true, false] {
          var disk = Tape(rig.disk)
          disk.limit = count
          #expect(throws: JournalError.self) {
            _ = try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small)
          }
          disk.disk.powerOff(keepingChanges: isKept, keepingNames: isKept)
          let recovered = try Rig.open(&disk.disk)
          let isOneOfBoth =
            maker.state.difference(from: recovered.state) == nil
            || acknowledged.difference(from: recovered.state) == nil
          #expect(isOneOfBoth, "seed \(seed), after \(count) steps")
        }
      }
    }
  }

  @Test func `of the process, and of the power after the restart, lose nothing that was relied on`()
    throws
  {
    var rig = try Rig()
    rig.settle()
    var maker = WriteMaker(seed: 1)
    rig.append(maker.commands(count: 3, bytes: 50))
    let next = rig.journal.nextJob()
    let job = try #require(next)
    // Written and not synced, when the process is killed: the next one finds it in the cache.
    _ = rig.disk.perform(Array(job.steps.prefix(1)))
    let recovered = try Rig.open(&rig.disk)
    #expect(maker.state.difference(from: recovered.state) == nil)
    rig.disk.powerOff(keepingChanges: false, keepingNames: false)
    let again = try Rig.open(&rig.disk)
    #expect(maker.state.difference(from: again.state) == nil)
  }

  @Test func `leaves no name behind of a segment that was not made yet`() throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 1)
    rig.append(maker.next())
    rig.settle()
    let reopened = try Rig.open(&rig.disk)
    rig = Rig(rig.disk, reopened.journal)
    let before = maker.state
    maker.restart(from: before)
    for _ in 0..<40 { rig.append(maker.commands(count: 2, bytes: 60)) }
    var running: [DiskJob] = []
    while let job = rig.journal.nextJob() { running.append(job) }
    #expect(running.contains { $0.lane == .care })
    // Jobs of different lanes are carried out in any order: here, none of the log's.
    for job in running where job.lane == .care { _ = rig.disk.perform(job) }
    rig.disk.powerOff(keepingChanges: false, keepingNames: false)
    let recovered = try Rig.open(&rig.disk)
    #expect(before.difference(from: recovered.state) == nil)
  }

  @Test func `of any kind, again and again, loses nothing acknowledged`() throws {
    for seed in 0..<Effort.count(15) {
      var rig = try Rig(seed: seed)
      var maker = WriteMaker(seed: seed)
      for _ in 0..<8 {
        var states = [maker.state]
        var acknowledged = 0
        var running: [DiskJob] = []
        for _ in 0..<maker.draw(25) {
          rig.append(maker.next())
          states.append(maker.state)
          guard maker.draw(2) == 0 else { continue }
          while let job = rig.journal.nextJob() { running.append(job) }
          guard maker.draw(3) > 0 else { continue }
          for job in running {
            rig.journal.finished(job.id, rig.disk.perform(job), into: &rig.events)
          }
          running = []
          acknowledged = Int(rig.durable.rawValue)
        }
        rig.disk.crash(during: running)
        let recovered = try Rig.open(&rig.disk)
        let found = (acknowledged..<states.count).last {
          states[$0].difference(from: recovered.state) == nil
        }
        let count = try #require(found, "seed \(seed), \(acknowledged) of \(states.count - 1)")
        rig = Rig(rig.disk, recovered.journal)
        maker.restart(from: states[count])
      }
    }
  }
}

/// A disk that keeps count of its changes, and stops when there were enough.
struct Tape: RaftJournal.Disk {
  var disk: SimulatedDisk
  var steps: [DiskOperation] = []
  var limit = Int.max

  init(_ disk: SimulatedDisk) { self.disk = disk }

  private mutating func count(_ operation: DiskOperation) throws(DiskError) {
    guard steps.count < limit else { throw DiskError(operation, nil, .system(99)) }
    steps.append(operation)
  }

  mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) {
    try count(.create)
    try disk.create(file, bytes: bytes)
  }

  mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    try count(.write)
    try disk.write(bytes, to: file, at: offset)
  }

  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    try disk.read(file, at: offset, into: buffer)
  }

  mutating func size(of file: FileName) throws(DiskError) -> UInt64 { try disk.size(of: file) }

  mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {
    try count(.resize)
    try disk.resize(file, to: bytes)
  }

  mutating func sync(_ file: FileName) throws(DiskError) {
    try count(.sync)
    try disk.sync(file)
  }

  mutating func syncDirectory() throws(DiskError) {
    try count(.syncDirectory)
    try disk.syncDirectory()
  }

  mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) {
    try count(.rename)
    try disk.rename(file, to: name)
  }

  mutating func remove(_ file: FileName) throws(DiskError) {
    try count(.remove)
    try disk.remove(file)
  }

  mutating func list() throws(DiskError) -> [FileName] { try disk.list() }
}

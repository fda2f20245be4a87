import Foundation
import Raft
import RaftFiles
import RaftJournal
import RaftTestSupport
import TestPace
import Testing

/// A directory that goes away with the test.
final class Scratch {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.path + "/flotilla-journal-\(UUID().uuidString)"
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func copy() throws -> Scratch {
    let other = Scratch()
    try FileManager.default.copyItem(atPath: path, toPath: other.path)
    return other
  }

  /// Every file and its bytes.
  func contents() throws -> [String: Data] {
    var contents: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      contents[name] = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
    }
    return contents
  }
}

@Suite("The real disk", .computing)
struct FileDiskTests {
  private func settle(_ journal: inout Journal, _ disk: inout FileDisk) -> [JournalEvent] {
    var events: [JournalEvent] = []
    while let job = journal.nextJob() {
      journal.finished(job.id, disk.perform(job), into: &events)
    }
    return events
  }

  private func open(_ path: String) throws -> (FileDisk, RecoveredJournal) {
    var disk = try FileDisk(taking: path)
    switch try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small) {
    case .intact(let recovered): return (disk, recovered)
    case .damaged(let found): throw Rig.Unexpected.damage(found.report)
    }
  }

  @Test func `knows without reading what was never written to`() throws {
    let scratch = Scratch()
    var disk = try FileDisk(taking: scratch.path)
    let size: UInt64 = 16 << 20
    try disk.create(.segment(1), bytes: size)
    try disk.sync(.segment(1))
    let bytes = [UInt8](repeating: 7, count: 100)
    let written = disk.perform([
      .write(.segment(1), at: 5 << 20, bytes), .write(.segment(1), at: 0, bytes),
    ])
    #expect(written == .done(read: []))
    // In the system's cache and on the disk: it is the same. A file system that does not tell says
    // that it may be anything.
    for isSynced in [false, true] {
      if isSynced { try disk.sync(.segment(1)) }
      let end = try disk.contentEnd(of: .segment(1))
      #expect(end == size || end > 5 << 20 && end < 6 << 20)
    }
    try disk.resize(.segment(1), to: 1_000)
    #expect(try disk.contentEnd(of: .segment(1)) == 1_000)
    #expect(throws: DiskError.self) { try disk.contentEnd(of: .segment(9)) }
  }

  @Test func `keeps a journal through kills and restarts, with snapshots and compaction`() throws {
    let scratch = Scratch()
    var maker = WriteMaker(seed: 1)
    do {
      var disk = try FileDisk(taking: scratch.path)
      _ = try Journal.create(
        on: &disk, identity: Rig.owner, state: maker.state, settings: Rig.small)
    }
    var snapshot: (LogPosition, [UInt8])?
    for round in 0..<6 {
      var (disk, recovered) = try open(scratch.path)
      #expect(maker.state.difference(from: recovered.state) == nil)
      var journal = recovered.journal
      maker.restart(from: maker.state)
      if let (position, bytes) = snapshot {
        var events: [JournalEvent] = []
        let request = SnapshotRead(lastIncluded: position, offset: 0, maximumBytes: 1 << 20)
        journal.load(request, into: &events)
        events += settle(&journal, &disk)
        #expect(events.contains(.snapshotRead(request, bytes: bytes, isLast: true)))
      }
      for _ in 0..<40 { journal.append(maker.next()) }
      let events = settle(&journal, &disk)
      guard case .persisted(_, maker.ticket) = events.last else {
        Issue.record("\(events)")
        return
      }
      if round % 2 == 1 {
        let position = LogPosition(maker.lastIndex, maker.term(at: maker.lastIndex))
        let bytes = maker.bytes(1_000)
        journal.beginSnapshot(snapshotMetadata(position.index, position.term))
        journal.writeSnapshot(bytes)
        journal.finishSnapshot()
        #expect(settle(&journal, &disk).contains(.snapshotTaken(position)))
        journal.append(maker.compact(through: position.index, retaining: 3))
        _ = settle(&journal, &disk)
        snapshot = (position, bytes)
      }
      // A kill: what was given and not yet carried out is gone, and so is the process's lock.
      let copy = try scratch.copy()
      let before = maker.state
      journal.append(maker.next())
      let (_, killed) = try open(copy.path)
      #expect(before.difference(from: killed.state) == nil)
      _ = settle(&journal, &disk)
    }
  }

  @Test func `is held by one process at a time`() throws {
    let scratch = Scratch()
    var first: FileDisk? = try FileDisk(taking: scratch.path)
    #expect(throws: DiskError(.lock, nil, .heldByAnother)) {
      _ = try FileDisk(taking: scratch.path)
    }
    withExtendedLifetime(first) {}
    first = nil
    _ = try FileDisk(taking: scratch.path)
  }

  @Test func `is given back although a child that is being started still has its descriptors`()
    throws
  {
    let scratch = Scratch()
    var disk: FileDisk? = try FileDisk(taking: scratch.path)
    let links = "/proc/self/fd"
    // As fork does it: the same open files, under other numbers.
    var copies: [Int32] = []
    for name in (try? FileManager.default.contentsOfDirectory(atPath: links)) ?? [] {
      let file = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(links)/\(name)")
      guard let file, file.hasPrefix(scratch.path), let number = Int32(name) else { continue }
      copies.append(dup(number))
    }
    defer { for copy in copies { close(copy) } }
    withExtendedLifetime(disk) {}
    disk = nil
    _ = try FileDisk(taking: scratch.path)
  }

  @Test func `is looked at without a lock and without a change`() throws {
    let scratch = Scratch()
    var maker = WriteMaker(seed: 2)
    var disk = try FileDisk(taking: scratch.path)
    var journal = try Journal.create(
      on: &disk, identity: Rig.owner, state: maker.state, settings: Rig.small
    ).journal
    for _ in 0..<50 { journal.append(maker.next()) }
    _ = settle(&journal, &disk)
    let before = try scratch.contents()
    var looking = try FileDisk(lookingAt: scratch.path)
    let found = try Journal.inspect(&looking, isThorough: true)
    #expect(try scratch.contents() == before)
    #expect(found.identity == Rig.owner)
    #expect(found.hardState == maker.state.hardState)
    #expect(found.last.index == maker.lastIndex)
    #expect(found.report == nil)
    #expect(throws: DiskError.self) { try looking.remove(.identity) }
    #expect(throws: DiskError.self) { try looking.create(.spare, bytes: 1) }
    #expect(throws: DiskError.self) { _ = try FileDisk(lookingAt: scratch.path + "/none") }
    _ = disk
  }

  @Test func `does what a disk must do`() throws {
    let scratch = Scratch()
    var disk = try FileDisk(taking: scratch.path)
    #expect(throws: DiskError(.read, .reserve, .notFound)) {
      _ = try disk.read(.reserve, at: 0, count: 1)
    }
    try disk.remove(.reserve)
    try disk.create(.reserve, bytes: 10_000)
    #expect(try disk.size(of: .reserve) == 10_000)
    #expect(try disk.read(.reserve, at: 9_998, count: 10) == [0, 0])
    try disk.write([1, 2, 3], to: .reserve, at: 9_999)
    #expect(try disk.size(of: .reserve) == 10_002)
    #expect(try disk.read(.reserve, at: 9_998, count: 10) == [0, 1, 2, 3])
    try disk.sync(.reserve)
    try disk.resize(.reserve, to: 3)
    try disk.rename(.reserve, to: .spare)
    try disk.syncDirectory()
    #expect(try disk.list() == [.spare])
    try disk.create(.spare, bytes: 0)
    #expect(try disk.size(of: .spare) == 0)
    try Data([1]).write(to: URL(fileURLWithPath: scratch.path + "/note.txt"))
    #expect(try disk.list() == [.spare])
    #expect(try disk.strangers() == ["note.txt"])
  }

  @Test func `names are found again as they were given`() throws {
    let names: [FileName] = [
      .identity, .identityDraft, .segment(1), .segment(.max), .damagedSegment(77), .spare,
      .reserve, .snapshot(LogPosition(.init(1 << 40), 3)), .snapshotDraft(LogPosition(5, 6)),
      .incoming(LogPosition(7, 8)),
    ]
    for name in names {
      #expect(FileName(utf8: Array(name.text.utf8)) == name)
      #expect(FileName(utf8: Array((name.text + "x").utf8)) == nil)
    }
    for text in ["", "log-", "log-0000000000000000", "log-000000000000000G", "snapshot-1-1"] {
      #expect(FileName(utf8: Array(text.utf8)) == nil)
    }
  }
}

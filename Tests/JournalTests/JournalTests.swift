import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

@Suite("A journal keeps what it is given", .computing)
struct JournalTests {
  @Test func `what was reported durable is found again`() throws {
    for seed in 0..<40 as Range<UInt64> {
      var rig = try Rig(seed: seed)
      var maker = WriteMaker(seed: seed)
      for _ in 0..<60 {
        rig.append(maker.next())
        if maker.draw(3) == 0 { rig.settle() }
      }
      rig.settle()
      #expect(rig.durable == maker.ticket)
      rig.disk.powerOff(keepingChanges: false, keepingNames: false)
      let recovered = try Rig.open(&rig.disk)
      #expect(maker.state.difference(from: recovered.state) == nil, "seed \(seed)")
      #expect(recovered.tail == .clean)
      #expect(recovered.journal.identity.incarnation == 2)
    }
  }

  @Test func `a journal that goes on after restarts has every life in it`() throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 5)
    for life in 2...12 as ClosedRange<UInt64> {
      for _ in 0..<maker.draw(20) { rig.append(maker.next()) }
      rig.settle()
      rig.disk.powerOff(keepingChanges: false, keepingNames: false)
      let recovered = try Rig.open(&rig.disk)
      #expect(maker.state.difference(from: recovered.state) == nil)
      #expect(recovered.journal.identity.incarnation == life)
      rig = Rig(rig.disk, recovered.journal)
      maker.restart(from: maker.state)
    }
  }

  @Test func `writes that wait for a sync leave together with the next`() throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 1)
    rig.settle()
    rig.append(maker.next())
    let nextfirst = rig.journal.nextJob()
    let first = try #require(nextfirst)
    for _ in 0..<9 { rig.append(maker.next()) }
    let none = rig.journal.nextJob()
    #expect(none == nil)
    rig.journal.finished(first.id, rig.disk.perform(first), into: &rig.events)
    rig.expect([.persisted(first: 1, last: 1)])
    let nextsecond = rig.journal.nextJob()
    let second = try #require(nextsecond)
    #expect(second.steps.filter { if case .sync = $0 { true } else { false } }.count == 1)
    rig.journal.finished(second.id, rig.disk.perform(second), into: &rig.events)
    rig.expect([.persisted(first: 2, last: 10)])
  }

  @Test func `with two syncs in flight a later one waits for the earlier`() throws {
    var settings = Rig.small
    settings.maximumSyncsInFlight = 2
    settings.segmentBytes = 1 << 20
    var rig = try Rig(settings: settings)
    rig.settle()
    var maker = WriteMaker(seed: 1)
    rig.append(maker.next())
    let nextfirst = rig.journal.nextJob()
    let first = try #require(nextfirst)
    rig.append(maker.next())
    let nextsecond = rig.journal.nextJob()
    let second = try #require(nextsecond)
    rig.append(maker.next())
    let none = rig.journal.nextJob()
    #expect(none == nil)
    rig.journal.finished(second.id, rig.disk.perform(second), into: &rig.events)
    rig.expect([])
    rig.journal.finished(first.id, rig.disk.perform(first), into: &rig.events)
    rig.expect([.persisted(first: 1, last: 2)])
  }

  @Test func `a failed sync ends the journal, whatever comes later`() throws {
    var rig = try Rig()
    rig.settle()
    var maker = WriteMaker(seed: 1)
    rig.append(maker.next())
    rig.settle()
    rig.events = []
    rig.disk.faults.failingSyncs = 1_000_000
    rig.append(maker.next())
    rig.settle()
    let error = DiskError(.sync, .segment(1), .system(5))
    rig.expect([.failed(first: 2, error)])
    rig.disk.faults.failingSyncs = 0
    rig.append(maker.next())
    let none = rig.journal.nextJob()
    #expect(none == nil)
    rig.disk.powerOff(keepingChanges: false, keepingNames: false)
    let recovered = try Rig.open(&rig.disk)
    #expect(recovered.state.hardState.currentTerm == 1)
  }

  @Test func `a journal is a value: a copy goes its own way`() throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 3)
    for _ in 0..<10 { rig.append(maker.next()) }
    rig.settle()
    let copy = rig
    var digest = Digest()
    copy.journal.feed(&digest)
    let before = digest.value
    rig.append(maker.next())
    rig.settle()
    digest = Digest()
    copy.journal.feed(&digest)
    #expect(digest.value == before)
    #expect(copy.journal != rig.journal)
    digest = Digest()
    rig.journal.feed(&digest)
    #expect(digest.value != before)
  }

  @Test func `entries are read back as they were written, also after truncations`() throws {
    for seed in 0..<20 as Range<UInt64> {
      var settings = Rig.small
      if seed % 2 == 0 { settings.indexSpacing = 2_048 }
      var rig = try Rig(seed: seed, settings: settings)
      var maker = WriteMaker(seed: seed)
      for _ in 0..<50 { rig.append(maker.next()) }
      rig.settle()
      try check(&rig, maker)
      rig.disk.powerOff(keepingChanges: false, keepingNames: false)
      let recovered = try Rig.open(&rig.disk, settings: settings)
      rig = Rig(rig.disk, recovered.journal)
      try check(&rig, maker)
    }
  }

  private func check(_ rig: inout Rig, _ maker: WriteMaker) throws {
    let all = maker.state.entries.array()
    var index = 0
    while index < all.count {
      let loaded = rig.load(all[index].index, maker.lastIndex)
      for entry in try #require(loaded).array() {
        #expect(entry == all[index])
        index += 1
      }
    }
    let beyond = rig.load(maker.lastIndex, maker.lastIndex.next)
    #expect(beyond == nil)
  }

  @Test func `old segments go when a snapshot is in force, and the retained tail stays`() throws {
    var rig = try Rig()
    var maker = WriteMaker(seed: 4)
    for round in 1...6 as ClosedRange<UInt64> {
      for _ in 0..<30 { rig.append(maker.commands(count: 2, bytes: 60)) }
      let position = LogPosition(maker.lastIndex, 1)
      let bytes = maker.bytes(1_000 + round)
      rig.takeSnapshot(snapshotMetadata(position.index, 1), bytes)
      #expect(rig.events.contains(.snapshotTaken(position)))
      rig.append(maker.compact(through: maker.lastIndex, retaining: 10))
      rig.settle()
      let files = try rig.disk.list()
      #expect(files.filter { if case .segment = $0 { true } else { false } }.count <= 2)
      #expect(files.filter { if case .snapshot = $0 { true } else { false } }.count == 1)
      rig.disk.powerOff(keepingChanges: false, keepingNames: false)
      let recovered = try Rig.open(&rig.disk)
      #expect(maker.state.difference(from: recovered.state) == nil)
      #expect(recovered.state.entries.head.payloads == .evicted)
      rig = Rig(rig.disk, recovered.journal)
      let read = rig.readSnapshot(position, by: 77)
      #expect(read == bytes)
      let tail = rig.load(position.index.previous, position.index)
      #expect(tail?.array() == maker.state.entries.array().suffix(2))
      maker.restart(from: maker.state)
    }
  }
}

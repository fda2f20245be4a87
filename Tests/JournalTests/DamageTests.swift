import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

/// A journal with several segments, a snapshot and a log, of which a later record vouches for all.
struct DamageSubject {
  var rig: Rig
  var maker: WriteMaker
  var snapshot: [UInt8]

  init(seed: UInt64, isVouched: Bool = true, owner: JournalIdentity = Rig.owner) throws {
    rig = try Rig(seed: seed, owner: owner)
    maker = WriteMaker(seed: seed)
    for _ in 0..<10 { rig.append(maker.commands(count: 2, bytes: 50)) }
    rig.settle()
    snapshot = maker.bytes(400)
    let position = LogPosition(maker.lastIndex, maker.term(at: maker.lastIndex))
    rig.takeSnapshot(snapshotMetadata(position.index, position.term), snapshot)
    rig.append(maker.compact(through: position.index, retaining: 5))
    for _ in 0..<30 {
      rig.append(maker.next())
      rig.settle()
    }
    if isVouched { rig.journal.vouch() }
    rig.settle()
    rig.disk.powerOff(keepingChanges: true, keepingNames: true)
  }

  enum Verdict {
    case same
    case refused
    case wrong(String)
  }

  /// Opens the disk and says whether that was told the truth.
  func judge(_ spoilt: SimulatedDisk) -> Verdict {
    var disk = spoilt
    do {
      switch try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small) {
      case .damaged(let found):
        if found.report.damages.isEmpty { return .wrong("a report of nothing") }
        return repair(found, disk)
      case .intact(let recovered):
        if let difference = maker.state.difference(from: recovered.state) {
          return .wrong(difference)
        }
        var rig = Rig(disk, recovered.journal)
        let position = recovered.state.snapshot.lastIncluded
        let bytes = rig.readSnapshot(position, by: 100)
        if bytes == nil { return .refused }
        return bytes == snapshot ? .same : .wrong("another snapshot")
      }
    } catch {
      return .refused
    }
  }

  /// What a repair keeps is a beginning of what was there, and is remembered as lacking something.
  private func repair(_ damaged: DamagedJournal, _ spoilt: SimulatedDisk) -> Verdict {
    var disk = spoilt
    do {
      let repaired = try damaged.openForRepair(on: &disk)
      guard case .outUntilRepaired = repaired.journal.standing else { return .wrong("a member") }
      var mine = maker.state.entries.array()[...]
      for entry in repaired.state.entries.array() {
        while let first = mine.first, first.index < entry.index { mine = mine.dropFirst() }
        // Entries that were truncated later may come back; they are of older terms.
        if let first = mine.first, first.term < entry.term { return .wrong("entry \(entry)") }
      }
      disk.powerOff(keepingChanges: false, keepingNames: false)
      switch try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small) {
      case .damaged(let again): return .wrong("after the repair: \(again.report)")
      case .intact(let reopened):
        guard case .outUntilRepaired = reopened.journal.standing else {
          return .wrong("a member after a restart")
        }
        if let difference = repaired.state.difference(from: reopened.state) {
          return .wrong("after the repair and a restart: \(difference)")
        }
        return .refused
      }
    } catch {
      return .refused
    }
  }
}

@Suite("Damage", .computing)
struct DamageTests {
  private func files(_ disk: SimulatedDisk) throws -> [(FileName, UInt64)] {
    var disk = disk
    return try disk.list().map { ($0, try disk.size(of: $0)) }
  }

  @Test(arguments: [true, false])
  func `of any single bit is noticed, or harmless`(isVouched: Bool) throws {
    let subject = try DamageSubject(seed: 3, isVouched: isVouched)
    var refused = 0
    var bit = 0
    for (file, size) in try files(subject.rig.disk) {
      for offset in 0..<size * 8 {
        bit += 1
        guard bit % Effort.stride(1_201) == 0 else { continue }
        var disk = subject.rig.disk
        disk.flipBit(offset % 8, of: file, at: offset / 8)
        switch subject.judge(disk) {
        case .same: continue
        case .refused: refused += 1
        case .wrong(let what): Issue.record("bit \(offset) of \(file): \(what)")
        }
      }
    }
    #expect(refused > 20)
  }

  @Test func `of any sector that cannot be read is noticed, or harmless`() throws {
    let subject = try DamageSubject(seed: 4)
    var refused = 0
    for (file, size) in try files(subject.rig.disk) {
      for sector in 0..<(size + 511) / 512 {
        var disk = subject.rig.disk
        disk.makeUnreadable(file, at: sector * 512)
        switch subject.judge(disk) {
        case .same: continue
        case .refused: refused += 1
        case .wrong(let what): Issue.record("sector \(sector) of \(file): \(what)")
        }
      }
    }
    #expect(refused > 5)
  }

  @Test func `of a sector that was written to another place, or nowhere, is noticed`() throws {
    for seed in 5..<5 + Effort.count(2) {
      let subject = try DamageSubject(seed: seed)
      var luck = RandomSource(seed: seed)
      let files = try files(subject.rig.disk).filter { $0.1 > 0 }
      for _ in 0..<60 {
        var disk = subject.rig.disk
        let from = files[Int(luck.draw(below: UInt64(files.count)))]
        let to = files[Int(luck.draw(below: UInt64(files.count)))]
        let source = luck.draw(below: from.1 / 512 + 1) * 512
        let target = luck.draw(below: to.1 / 512 + 1) * 512
        var bytes = try disk.read(from.0, at: source, count: 512)
        if luck.draw(below: 3) == 0 { bytes = [UInt8](repeating: 0, count: bytes.count) }
        guard target + UInt64(bytes.count) <= to.1 else { continue }
        try disk.write(bytes, to: to.0, at: target)
        disk.powerOff(keepingChanges: true, keepingNames: true)
        if case .wrong(let what) = subject.judge(disk) {
          Issue.record("\(source) of \(from.0) over \(target) of \(to.0): \(what)")
        }
      }
    }
  }

  @Test func `of a whole file that is lost or is another's is noticed`() throws {
    let subject = try DamageSubject(seed: 6)
    var other = try DamageSubject(
      seed: 7, owner: JournalIdentity(cluster: ClusterID(high: 7, low: 10), node: 2))
    for (file, _) in try files(subject.rig.disk) {
      var disk = subject.rig.disk
      try disk.remove(file)
      try disk.syncDirectory()
      if case .wrong(let what) = subject.judge(disk) { Issue.record("without \(file): \(what)") }
      guard let size = try? other.rig.disk.size(of: file) else { continue }
      let bytes = try other.rig.disk.read(file, at: 0, count: Int(size))
      disk = subject.rig.disk
      try disk.create(file, bytes: 0)
      try disk.write(bytes, to: file, at: 0)
      disk.powerOff(keepingChanges: true, keepingNames: true)
      if case .wrong(let what) = subject.judge(disk) { Issue.record("foreign \(file): \(what)") }
    }
  }

  @Test func `before the tail is told with file, offset and what to do`() throws {
    let subject = try DamageSubject(seed: 8)
    var disk = subject.rig.disk
    let segments = try disk.list().filter { if case .segment = $0 { true } else { false } }
    let first = try #require(segments.first)
    disk.flipBit(3, of: first, at: 700)
    guard
      case .damaged(let found) = try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small)
    else {
      Issue.record("not noticed")
      return
    }
    let damage = try #require(found.report.damages.first)
    #expect(damage.file == first)
    #expect(damage.offset <= 700)
    #expect(damage.promise == .certain)
    let text = found.report.description
    #expect(text.contains("\(first), byte \(damage.offset): the checksum does not fit"))
    #expect(text.contains("replace the node"))
    #expect(found.report.floor.index >= found.report.intactThrough.index)
    // Looking changes nothing.
    #expect(disk.usedBytes == subject.rig.disk.usedBytes)
    #expect(try disk.list() == subject.rig.disk.names())
  }

  @Test func `wherever an old segment is damaged, the newest term of all that follow is known`()
    throws
  {
    var tried = 0
    for seed in 0..<6 as Range<UInt64> {
      var rig = try Rig(seed: seed)
      var maker = WriteMaker(seed: seed)
      maker.maximumPayload = 400
      for _ in 0..<80 {
        rig.append(maker.next(withSnapshots: false))
        rig.settle()
      }
      rig.journal.vouch()
      rig.settle()
      rig.disk.powerOff(keepingChanges: true, keepingNames: true)
      var disk = rig.disk
      let segments = try Journal.inspect(&disk).segments
      for segment in segments.dropLast(2) {
        var spoilt = rig.disk
        spoilt.flipBit(3, of: .segment(segment.number), at: segment.end / 2)
        guard
          case .damaged(let found) = try Journal.open(
            on: &spoilt, owner: Rig.owner, settings: Rig.small)
        else { continue }
        tried += 1
        #expect(found.report.floor.term == maker.state.hardState.currentTerm)
        #expect(found.report.floor.index >= maker.lastIndex)
      }
    }
    #expect(tried > 5)
  }

  @Test func `whatever of the newest segment's head is damaged, its records leave their trace`()
    throws
  {
    var rig = try Rig(seed: 3)
    var maker = WriteMaker(seed: 3)
    maker.maximumPayload = 400
    for _ in 0..<40 {
      rig.append(maker.next(withSnapshots: false))
      rig.settle()
    }
    rig.journal.vouch()
    rig.settle()
    rig.disk.powerOff(keepingChanges: true, keepingNames: true)
    var disk = rig.disk
    let newest = try #require(try Journal.inspect(&disk).segments.last)
    #expect(newest.number > 1)
    for byte in 0..<48 as Range<UInt64> {
      var spoilt = rig.disk
      spoilt.flipBit(byte & 7, of: .segment(newest.number), at: byte)
      guard
        case .damaged(let found) = try Journal.open(
          on: &spoilt, owner: Rig.owner, settings: Rig.small)
      else {
        Issue.record("byte \(byte): not noticed")
        continue
      }
      #expect(found.report.floor.term == maker.state.hardState.currentTerm, "byte \(byte)")
      #expect(found.report.floor.index >= maker.lastIndex, "byte \(byte)")
    }
  }

  @Test func `to the newest record is known for what it is once another vouches for it`() throws {
    for isVouched in [true, false] {
      var rig = try Rig()
      var maker = WriteMaker(seed: 9)
      rig.append(maker.commands(count: 3, bytes: 40))
      rig.settle()
      if isVouched { rig.journal.vouch() }
      rig.settle()
      rig.disk.flipBit(1, of: .segment(1), at: 300)
      guard
        case .damaged(let found) = try Journal.open(
          on: &rig.disk, owner: Rig.owner, settings: Rig.small)
      else {
        Issue.record("not noticed")
        return
      }
      #expect(found.report.damages.map(\.promise) == [isVouched ? .certain : .possible])
    }
  }

  @Test func `a repaired node is a member again only when it says so, and stays one`() throws {
    let subject = try DamageSubject(seed: 10)
    var disk = subject.rig.disk
    disk.flipBit(0, of: .identity, at: 60)
    // One copy of two is damaged: the other one serves.
    _ = try Rig.open(&disk)
    let segments = try disk.list().filter { if case .segment = $0 { true } else { false } }
    disk.flipBit(3, of: try #require(segments.first), at: 700)
    guard
      case .damaged(let found) = try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small)
    else {
      Issue.record("not noticed")
      return
    }
    var rig = Rig(disk, try found.openForRepair(on: &disk).journal)
    rig.disk = disk
    rig.settle()
    rig.journal.rejoin()
    #expect(rig.journal.standing != .member)
    rig.settle()
    #expect(rig.journal.standing == .member)
    rig.disk.powerOff(keepingChanges: false, keepingNames: false)
    let recovered = try Rig.open(&rig.disk)
    #expect(recovered.journal.standing == .member)
  }
}

extension SimulatedDisk {
  func names() throws -> [FileName] {
    var copy = self
    return try copy.list()
  }
}

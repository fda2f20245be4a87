import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

@Suite("A bad disk", .computing)
struct FaultTests {
  /// Runs a journal on a disk with these faults until it fails or there is enough, crashes, and
  /// opens what is left. Returns what the disk did.
  private func torment(
    seed: UInt64, _ faults: (inout DiskFaults) -> Void, isVouched: Bool
  ) throws -> DiskDeeds {
    var rig = try Rig(seed: seed)
    var maker = WriteMaker(seed: seed)
    rig.settle()
    faults(&rig.disk.faults)
    var states = [maker.state]
    for _ in 0..<40 {
      rig.append(maker.next())
      states.append(maker.state)
      rig.settle()
    }
    if isVouched { rig.journal.vouch() }
    rig.settle()
    let acknowledged = Int(rig.durable.rawValue)
    var running: [DiskJob] = []
    if !isVouched {
      rig.append(maker.next())
      states.append(maker.state)
      while let job = rig.journal.nextJob() { running.append(job) }
    }
    rig.disk.crash(during: running)
    let deeds = rig.disk.deeds
    rig.disk.faults = DiskFaults()
    let opened: Recovery
    do {
      opened = try Journal.open(on: &rig.disk, owner: Rig.owner, settings: Rig.small)
    } catch {
      // Refused, and not taken for anything else.
      return deeds
    }
    if case .intact(let recovered) = opened {
      let isKnown = (acknowledged..<states.count).contains {
        states[$0].difference(from: recovered.state) == nil
      }
      #expect(isKnown, "seed \(seed): something acknowledged is missing, and nobody says so")
    }
    return deeds
  }

  @Test func `that cuts writes short, fails syncs or tears to garbage loses nothing silently`()
    throws
  {
    var short: UInt64 = 0
    var failed: UInt64 = 0
    var torn: UInt64 = 0
    for seed in 0..<Effort.count(15) {
      short += try torment(seed: seed, { $0.shortWrites = 40_000 }, isVouched: false).shortWrites
      failed += try torment(seed: seed, { $0.failingSyncs = 40_000 }, isVouched: false).failedSyncs
      torn += try torment(seed: seed, { $0.garbageTears = 1_000_000 }, isVouched: false).tornWrites
    }
    #expect(short > 0 && failed > 0 && torn > 0)
  }

  @Test func `that rots, goes blind or writes elsewhere loses nothing silently`() throws {
    var deeds = DiskDeeds()
    for seed in 0..<Effort.count(15) {
      let rot = try torment(
        seed: seed,
        {
          $0.rottenSectors = 30_000
          $0.unreadableSectors = 30_000
        }, isVouched: true)
      deeds.flippedBits += rot.flippedBits
      deeds.unreadableSectors += rot.unreadableSectors
    }
    #expect(deeds.flippedBits > 0 && deeds.unreadableSectors > 0)
  }

  // MARK: What the journal says of a write that did not go where it should have

  /// What was told of a disk that did something else with one write than it said.
  private enum Verdict: Hashable {
    /// All is there.
    case whole
    /// The log ends before the write, as if it had never been.
    case withoutIt
    /// The log is damaged, and a later record tells that what is missing was durable.
    case certain
    /// The log is damaged; nothing tells whether that was ever durable.
    case possible
  }

  /// Writes some, lets the disk spoil one write and say that it is done, and writes one more behind
  /// it if that is to vouch for it.
  private func verdict(
    seed: UInt64, isVouched: Bool, _ fault: (inout DiskFaults) -> Void
  ) throws -> (Verdict, DamageReport?, place: UInt64) {
    var rig = try Rig(seed: seed)
    var maker = WriteMaker(seed: seed)
    for _ in 0..<2 { rig.append(maker.commands(count: 2, bytes: 60)) }
    rig.settle()
    // The next record vouches for these two. For itself nothing does, should it be overwritten.
    let sure = maker.state
    rig.append(maker.commands(count: 2, bytes: 60))
    rig.settle()
    var copy = rig.disk
    let place = try Journal.inspect(&copy).segments.last?.end ?? 0
    let before = maker.state
    fault(&rig.disk.faults)
    rig.append(maker.commands(count: 2, bytes: 60))
    rig.settle()
    #expect(rig.durable == maker.ticket, "the journal believes its disk")
    rig.disk.faults = DiskFaults()
    if isVouched { rig.journal.vouch() }
    rig.settle()
    rig.disk.crash()
    switch try Journal.open(on: &rig.disk, owner: Rig.owner, settings: Rig.small) {
    case .damaged(let found):
      let isCertain = found.report.damages.contains { $0.promise == .certain }
      return (isCertain ? .certain : .possible, found.report, place)
    case .intact(let recovered):
      if maker.state.difference(from: recovered.state) == nil { return (.whole, nil, place) }
      let isLastGone = before.difference(from: recovered.state) != nil
      #expect(!isLastGone || sure.difference(from: recovered.state) == nil, "seed \(seed)")
      return (.withoutIt, nil, place)
    }
  }

  @Test func `that lost a write is found out by the next record, and not before`() throws {
    for seed in 0..<10 as Range<UInt64> {
      let lose: (inout DiskFaults) -> Void = { $0.lostWrites = 1_000_000 }
      let (alone, _, _) = try verdict(seed: seed, isVouched: false, lose)
      #expect(alone == .withoutIt)
      let (vouched, report, place) = try verdict(seed: seed, isVouched: true, lose)
      #expect(vouched == .certain)
      #expect(report?.damages.first?.file == .segment(1))
      #expect(report?.damages.first?.offset == place)
      #expect(report?.intactThrough.index == 6)
    }
  }

  @Test func `that wrote to another place is found out by the next record`() throws {
    var alone: Set<Verdict> = []
    var vouched: Set<Verdict> = []
    for seed in 0..<Effort.count(60) {
      let misdirect: (inout DiskFaults) -> Void = { $0.misdirectedWrites = 1_000_000 }
      do {
        alone.insert(try verdict(seed: seed, isVouched: false, misdirect).0)
        let (told, report, place) = try verdict(seed: seed, isVouched: true, misdirect)
        vouched.insert(told)
        // Where the bytes went, or where they are missing: not behind that.
        if let damage = report?.damages.first, damage.file == .segment(1) {
          #expect(damage.offset <= place)
        }
      } catch is JournalError {
        // It went over the file that tells whose journal this is.
      }
    }
    // By luck it may go where it belongs. What it overwrote may be told, too.
    #expect(alone.isSubset(of: [.whole, .withoutIt, .certain, .possible]))
    #expect(alone.contains(.withoutIt))
    #expect(vouched.isSubset(of: [.whole, .certain]))
    #expect(vouched.contains(.certain))
  }

  @Test func `answers each fault by its identity, so that runs repeat`() throws {
    for seed in 0..<5 as Range<UInt64> {
      let faults: (inout DiskFaults) -> Void = {
        $0.misdirectedWrites = 50_000
        $0.lostWrites = 50_000
        $0.rottenSectors = 10_000
      }
      var digests: [UInt64] = []
      for _ in 0..<2 {
        var rig = try Rig(seed: seed)
        faults(&rig.disk.faults)
        var maker = WriteMaker(seed: seed)
        for _ in 0..<30 {
          rig.append(maker.next())
          rig.settle()
        }
        rig.disk.crash()
        var digest = Digest()
        rig.disk.feed(&digest)
        rig.journal.feed(&digest)
        digests.append(digest.value)
      }
      #expect(digests[0] == digests[1])
    }
  }
}

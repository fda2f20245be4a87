import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import Testing

@Suite("A bad disk")
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

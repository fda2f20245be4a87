import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

@Suite("A new cluster out of what one survivor has", .computing)
struct NewClusterTests {
  static let cluster = ClusterID(high: 1, low: 2)
  static let owner = JournalIdentity(cluster: cluster, node: 2)

  /// A survivor with a snapshot, entries before and after it, and memberships in both.
  static func survivor(
    withSnapshot: Bool, seed: UInt64 = 1
  ) throws -> (disk: SimulatedDisk, state: DurableState, snapshot: [UInt8]) {
    var rig = try Rig()
    var maker = WriteMaker(seed: seed)
    var snapshot: [UInt8] = []
    rig.append(maker.memberships())
    for _ in 0..<20 { rig.append(maker.next(withSnapshots: false)) }
    rig.append(maker.commands(count: 3, bytes: 30))
    rig.settle()
    if withSnapshot {
      let index = maker.lastIndex.previous
      snapshot = maker.bytes(1_000)
      rig.takeSnapshot(snapshotMetadata(index, maker.term(at: index)), snapshot)
      rig.append(maker.compact(through: index, retaining: 2))
    }
    rig.append(maker.memberships())
    for _ in 0..<20 { rig.append(maker.next(withSnapshots: false)) }
    rig.append(maker.commands(count: 3, bytes: 30))
    rig.settle()
    #expect(rig.journal.isIdle)
    return (rig.disk, maker.state, snapshot)
  }

  static func open(_ disk: inout SimulatedDisk) throws -> RecoveredJournal {
    switch try Journal.open(on: &disk, owner: owner, settings: Rig.small) {
    case .intact(let recovered): return recovered
    case .damaged(let damaged): throw Rig.Unexpected.damage(damaged.report)
    }
  }

  @Test(arguments: [false, true], 1...5 as ClosedRange<UInt64>)
  func `it has every entry after the snapshot, the snapshot, and one voter`(
    withSnapshot: Bool, seed: UInt64
  ) throws {
    var old = try NewClusterTests.survivor(withSnapshot: withSnapshot, seed: seed)
    var disk = SimulatedDisk(seed: 9)
    let taken = try Journal.beginNewCluster(
      of: &old.disk, on: &disk, cluster: NewClusterTests.cluster, settings: Rig.small)
    #expect(taken.former == Rig.owner)
    #expect(taken.last.index == old.state.entries.lastIndex)
    disk.powerOff(keepingChanges: false, keepingNames: false)
    let expected = try old.state.forcingSeparateClusterWithPossibleDataLoss(soleSurvivor: 2)
    let found = try NewClusterTests.open(&disk)
    #expect(expected.difference(from: found.state) == nil)
    #expect(found.state.entries.lastIndex == taken.last.index.next)
    #expect(found.journal.identity.cluster == NewClusterTests.cluster)
    var rig = Rig(disk, found.journal)
    if withSnapshot {
      #expect(rig.readSnapshot(expected.snapshot.lastIncluded, by: 77) == old.snapshot)
    }
    let node = try RaftNode(Configuration(id: 2, seed: 1), restoring: found.state)
    #expect(node.membership.voters == [2])
  }

  @Test func `nothing of the survivor's files is changed`() throws {
    let old = try NewClusterTests.survivor(withSnapshot: true)
    var read = Tape(old.disk)
    var disk = SimulatedDisk(seed: 9)
    _ = try Journal.beginNewCluster(
      of: &read, on: &disk, cluster: NewClusterTests.cluster, settings: Rig.small)
    #expect(read.steps.isEmpty)
    let inspected = try Journal.inspect(&read, isThorough: true)
    #expect(inspected.identity == Rig.owner && inspected.report == nil)
  }

  @Test func `a disk that fails at any step is told, or what was made is whole`() throws {
    let old = try NewClusterTests.survivor(withSnapshot: true)
    var tape = Tape(SimulatedDisk(seed: 9))
    var source = old.disk
    _ = try Journal.beginNewCluster(
      of: &source, on: &tape, cluster: NewClusterTests.cluster, settings: Rig.small)
    let expected = try old.state.forcingSeparateClusterWithPossibleDataLoss(soleSurvivor: 2)
    for count in stride(from: 0, to: tape.steps.count, by: 3) {
      var cut = Tape(SimulatedDisk(seed: 9))
      cut.limit = count
      var source = old.disk
      do {
        _ = try Journal.beginNewCluster(
          of: &source, on: &cut, cluster: NewClusterTests.cluster, settings: Rig.small)
      } catch {
        guard case .new = error else { throw error }
        continue
      }
      // What failed was only ahead of need.
      var disk = cut.disk
      disk.powerOff(keepingChanges: false, keepingNames: false)
      let found = try NewClusterTests.open(&disk)
      #expect(expected.difference(from: found.state) == nil, "after \(count) steps")
    }
  }

  @Test func `it is refused with the identity of the old cluster`() throws {
    var old = try NewClusterTests.survivor(withSnapshot: false)
    var disk = SimulatedDisk(seed: 9)
    #expect(throws: NewClusterError.sameCluster(Rig.owner.cluster)) {
      _ = try Journal.beginNewCluster(
        of: &old.disk, on: &disk, cluster: Rig.owner.cluster, settings: Rig.small)
    }
    #expect(try disk.list().isEmpty)
  }

  @Test func `it is refused out of damaged data, also in the snapshot`() throws {
    var whole = try NewClusterTests.survivor(withSnapshot: true).disk
    var places: [(file: FileName, offset: UInt64)] = []
    for file in try whole.list() {
      switch file {
      case .segment: places.append((file, 100))
      case .snapshot: places += [(file, 100), (file, 400)]
      default: continue
      }
    }
    #expect(places.count > 3)
    for (file, offset) in places {
      var old = try NewClusterTests.survivor(withSnapshot: true)
      var bytes = try old.disk.read(file, at: offset, count: 1)
      bytes[0] ^= 4
      try old.disk.write(bytes, to: file, at: offset)
      var disk = SimulatedDisk(seed: 9)
      #expect {
        _ = try Journal.beginNewCluster(
          of: &old.disk, on: &disk, cluster: NewClusterTests.cluster, settings: Rig.small)
      } throws: { error in
        if case .damaged = error as? NewClusterError { true } else { false }
      }
    }
  }

  @Test func `it is refused out of a node that never belonged to a cluster`() throws {
    var rig = try Rig(state: .joining)
    rig.settle()
    #expect(throws: NewClusterError.unusable(.badMembership(at: .zero))) {
      _ = try Journal.surveyForNewCluster(&rig.disk)
    }
  }

  @Test func `it is refused over a journal that is there`() throws {
    var old = try NewClusterTests.survivor(withSnapshot: false)
    var other = try Rig()
    #expect(throws: NewClusterError.new(.alreadyExists(Rig.owner))) {
      _ = try Journal.beginNewCluster(
        of: &old.disk, on: &other.disk, cluster: NewClusterTests.cluster, settings: Rig.small)
    }
  }

  @Test func `no log or snapshot of the new cluster speaks of a lost voter`() throws {
    for withSnapshot in [false, true] {
      var old = try NewClusterTests.survivor(withSnapshot: withSnapshot)
      var disk = SimulatedDisk(seed: 9)
      _ = try Journal.beginNewCluster(
        of: &old.disk, on: &disk, cluster: NewClusterTests.cluster, settings: Rig.small)
      let state = try NewClusterTests.open(&disk).state
      #expect(state.snapshot.membership.nodes == [2])
      for entry in state.entries.array() where entry.kind == .membership {
        #expect(try Membership.decode(Array(entry.payload)[...]).nodes == [2])
      }
    }
  }
}

import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

/// What `SimulatedDisk` says it is, in the plainest way: every file whole, and twice.
private struct PlainDisk {
  struct File {
    var cached: [UInt8] = []
    var durable: [UInt8] = []
    var unsynced: [(offset: Int, bytes: [UInt8], size: Int?)] = []
  }

  var files: [FileName: File] = [:]

  static func apply(_ change: (offset: Int, bytes: [UInt8], size: Int?), _ bytes: inout [UInt8]) {
    if let size = change.size {
      bytes = Array(bytes.prefix(size))
      bytes += [UInt8](repeating: 0, count: size - bytes.count)
      return
    }
    let end = change.offset + change.bytes.count
    if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
    bytes.replaceSubrange(change.offset..<end, with: change.bytes)
  }

  mutating func change(_ file: FileName, _ change: (offset: Int, bytes: [UInt8], size: Int?)) {
    PlainDisk.apply(change, &files[file, default: File()].cached)
    files[file, default: File()].unsynced.append(change)
  }

  mutating func sync(_ file: FileName, fails: Bool) {
    guard var state = files[file] else { return }
    if !fails { for change in state.unsynced { PlainDisk.apply(change, &state.durable) } }
    state.unsynced = []
    files[file] = state
  }

  mutating func crash(keepingAll: Bool) {
    for file in files.keys {
      guard var state = files[file] else { continue }
      if keepingAll { for change in state.unsynced { PlainDisk.apply(change, &state.durable) } }
      state.unsynced = []
      state.cached = state.durable
      files[file] = state
    }
  }
}

@Suite("A simulated disk", .computing)
struct DiskTests {
  private let names: [FileName] = [.segment(1), .segment(2), .spare, .identity]

  private func expectSame(
    _ disk: inout SimulatedDisk, _ plain: PlainDisk, _ source: inout RandomSource
  ) throws {
    for file in names {
      guard let state = plain.files[file] else { continue }
      let size = try disk.size(of: file)
      #expect(size == UInt64(state.cached.count))
      let whole = try disk.read(file, at: 0, count: state.cached.count + 10)
      #expect(whole == state.cached)
      let from = Int(source.draw(below: UInt64(state.cached.count) + 1))
      let count = Int(source.draw(below: 1_500))
      let part = try disk.read(file, at: UInt64(from), count: count)
      #expect(part == Array(state.cached[from...].prefix(count)))
      let end = try disk.contentEnd(of: file)
      #expect(end <= size && state.cached[Int(end)...].allSatisfy { $0 == 0 })
    }
  }

  /// Through the protocol, by which bytes come as a buffer.
  private func performAsAny<D: RaftJournal.Disk>(_ step: DiskStep, on disk: inout D) -> JobResult {
    disk.perform([step])
  }

  private func makeFiles(_ disk: inout SimulatedDisk, _ plain: inout PlainDisk) throws {
    for file in names {
      try disk.create(file, bytes: 3_000)
      try disk.sync(file)
      plain.change(file, (0, [], 3_000))
      plain.sync(file, fails: false)
    }
    try disk.syncDirectory()
  }

  @Test func `holds what a plain one holds, also when syncs fail and after crashes`() throws {
    for seed in 0..<40 as Range<UInt64> {
      var source = RandomSource(seed: seed)
      var disk = SimulatedDisk(seed: seed)
      var plain = PlainDisk()
      try makeFiles(&disk, &plain)
      for round in 0..<60 {
        let file = names[Int(source.draw(below: 4))]
        switch source.draw(below: 12) {
        case 0...5:
          let offset = Int(source.draw(below: 5_000))
          let bytes = (0..<source.draw(below: 2_500)).map { _ in
            UInt8(truncatingIfNeeded: source.next())
          }
          let step = DiskStep.write(file, at: UInt64(offset), bytes)
          let result = round % 2 == 0 ? disk.perform([step]) : performAsAny(step, on: &disk)
          #expect(result == .done(read: []))
          plain.change(file, (offset, bytes, nil))
        case 6:
          let size = Int(source.draw(below: 6_000))
          try disk.resize(file, to: UInt64(size))
          plain.change(file, (0, [], size))
        case 7...9:
          try disk.sync(file)
          plain.sync(file, fails: false)
        case 10:
          disk.faults.failingSyncs = 1_000_000
          #expect(throws: DiskError(.sync, file, .system(5))) { try disk.sync(file) }
          disk.faults.failingSyncs = 0
          plain.sync(file, fails: true)
        default:
          let isKeepingAll = source.draw(below: 2) == 0
          disk.crash(keeping: isKeepingAll ? .all : .none)
          plain.crash(keepingAll: isKeepingAll)
        }
        try expectSame(&disk, plain, &source)
      }
    }
  }

  @Test func `forgets in any crash what a failed sync could not write`() throws {
    for keeping in CrashKeeping.allCases where keeping != .cache {
      var disk = SimulatedDisk(seed: 1)
      try disk.create(.identity, bytes: 4)
      try disk.sync(.identity)
      try disk.syncDirectory()
      try disk.write([1, 2, 3, 4], to: .identity, at: 0)
      disk.faults.failingSyncs = 1_000_000
      #expect(throws: DiskError.self) { try disk.sync(.identity) }
      let cached = try disk.read(.identity, at: 0, count: 9)
      #expect(cached == [1, 2, 3, 4])
      disk.crash(keeping: keeping)
      let left = try disk.read(.identity, at: 0, count: 9)
      #expect(left == [0, 0, 0, 0], "\(keeping.description)")
    }
  }

  @Test func `shows what a failed sync has left while the machine runs, and does not have it`()
    throws
  {
    var disk = SimulatedDisk(seed: 1)
    try disk.create(.identity, bytes: 4)
    try disk.sync(.identity)
    try disk.syncDirectory()
    try disk.write([1, 2, 3, 4], to: .identity, at: 0)
    disk.faults.failingSyncs = 1_000_000
    #expect(throws: DiskError.self) { try disk.sync(.identity) }
    disk.faults.failingSyncs = 0
    disk.crash(keeping: .cache)
    let cached = try disk.read(.identity, at: 0, count: 9)
    #expect(cached == [1, 2, 3, 4])
    try disk.sync(.identity)
    disk.crash()
    let left = try disk.read(.identity, at: 0, count: 9)
    #expect(left == [0, 0, 0, 0])
  }

  /// A disk on which three writes of a kilobyte and a name are not synced.
  private func unsynced(seed: UInt64) throws -> SimulatedDisk {
    var disk = SimulatedDisk(seed: seed)
    try disk.create(.segment(1), bytes: 3_072)
    try disk.sync(.segment(1))
    try disk.syncDirectory()
    for part in 0..<3 as Range<UInt64> {
      try disk.write([UInt8](repeating: 1, count: 1_024), to: .segment(1), at: part * 1_024)
    }
    try disk.create(.spare, bytes: 5)
    return disk
  }

  @Test func `keeps of what was not synced what it is told to, in each of four branches`() throws {
    var prefixes: Set<Int> = []
    var subsets: Set<[UInt8]> = []
    for seed in 0..<30 as Range<UInt64> {
      let disk = try unsynced(seed: seed)
      var left: [CrashKeeping: [UInt8]] = [:]
      for keeping in CrashKeeping.allCases where keeping != .cache {
        var branch = disk
        branch.crash(keeping: keeping)
        left[keeping] = try branch.read(.segment(1), at: 0, count: 4_096)
        if keeping == .none || keeping == .all {
          let files = try branch.list()
          #expect(files == (keeping == .none ? [.segment(1)] : [.segment(1), .spare]))
        }
        let deeds = branch.deeds
        let counts = [
          deeds.crashesKeepingAll, deeds.crashesKeepingNone, deeds.crashesKeepingPrefix,
          deeds.crashesKeepingSubset,
        ]
        #expect(counts.reduce(0, +) >= 1)
        #expect(deeds.crashesKeepingPrefix == 0 || keeping == .prefix || keeping == .drawn)
        #expect(deeds.crashesKeepingSubset == 0 || keeping == .subset || keeping == .drawn)
      }
      #expect(left[.none] == [UInt8](repeating: 0, count: 3_072))
      #expect(left[.all] == [UInt8](repeating: 1, count: 3_072))
      let prefix = try #require(left[.prefix])
      let kept = prefix.prefix { $0 == 1 }.count
      #expect(prefix.dropFirst(kept).allSatisfy { $0 == 0 })
      prefixes.insert(kept)
      let subset = try #require(left[.subset])
      for sector in 0..<6 {
        #expect(Set(subset[sector * 512..<sector * 512 + 512]).count == 1)
      }
      subsets.insert(subset)
      let drawn = try #require(left[.drawn])
      #expect(left.filter { $0.key != .drawn }.values.contains(drawn))
    }
    #expect(prefixes.count > 20)
    #expect(prefixes.contains { $0 % 512 != 0 })
    #expect(subsets.count > 15)
  }

  @Test func `has the log for sure when the journal says so, and not before`() throws {
    for seed in 0..<10 as Range<UInt64> {
      var rig = try Rig(seed: seed)
      var maker = WriteMaker(seed: seed)
      #expect(rig.disk.isLogDurable)
      var segments = 0
      for _ in 0..<60 {
        rig.append(maker.next())
        while let job = rig.journal.nextJob() {
          for step in job.steps {
            _ = rig.disk.perform([step])
            switch step {
            case .write(.segment, _, _): #expect(!rig.disk.isLogDurable)
            case .rename(_, to: .segment):
              #expect(!rig.disk.isLogDurable)
              segments += 1
            case .create, .write, .read, .resize, .sync, .syncDirectory, .rename, .remove: continue
            }
          }
          rig.journal.finished(job.id, .done(read: []), into: &rig.events)
          for event in rig.takeEvents() {
            if case .persisted = event { #expect(rig.disk.isLogDurable) }
          }
        }
      }
      #expect(segments > 0)
    }
  }

  @Test func `has nothing for sure whose sync failed`() throws {
    var disk = try unsynced(seed: 1)
    #expect(!disk.isLogDurable)
    disk.faults.failingSyncs = 1_000_000
    #expect(throws: DiskError.self) { try disk.sync(.segment(1)) }
    #expect(!disk.isLogDurable)
    disk.faults.failingSyncs = 0
    try disk.sync(.segment(1))
    #expect(!disk.isLogDurable)
    disk.crash()
    #expect(disk.isLogDurable)
  }

  @Test func `is a value: a copy goes its own way`() throws {
    var disk = try unsynced(seed: 1)
    var copy = disk
    try copy.write([9], to: .segment(1), at: 2_000)
    try copy.sync(.segment(1))
    #expect(copy != disk)
    let byte = try disk.read(.segment(1), at: 2_000, count: 1)
    #expect(byte == [1])
    let other = try copy.read(.segment(1), at: 1_999, count: 3)
    #expect(other == [1, 9, 1])
    var digests = [Digest(), Digest()]
    disk.feed(&digests[0])
    copy.feed(&digests[1])
    #expect(digests[0] != digests[1])
  }
}

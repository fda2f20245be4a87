// The journal against the simplest program that is as safe: one that appends the same bytes to a
// file and syncs it.

import Foundation
import Raft
import RaftFiles
import RaftJournal

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Does nothing, at once.
struct NoDisk: RaftJournal.Disk {
  mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) {}
  mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {}
  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int { 0 }
  mutating func size(of file: FileName) throws(DiskError) -> UInt64 { 0 }
  mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {}
  mutating func sync(_ file: FileName) throws(DiskError) {}
  mutating func syncDirectory() throws(DiskError) {}
  mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) {}
  mutating func remove(_ file: FileName) throws(DiskError) {}
  mutating func list() throws(DiskError) -> [FileName] { [] }
}

/// Measures the journal.
struct JournalBench {
  /// The directory that is filled and removed again.
  let folder: URL
  private let owner = JournalIdentity(cluster: ClusterID(high: 1, low: 1), node: NodeID(1))

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("flotilla-bench-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  /// A stream of writes of so many entries each.
  struct Source {
    var batch: Int
    private let block: EntryBlock
    private var next: LogIndex
    private var ticket = Ticket.zero

    init(batch: Int, bytes: Int = 128) {
      self.batch = batch
      block = EntryBlock(
        (0..<batch).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: bytes) })
      next = LogIndex(1)
    }

    mutating func write() -> StorageWrite {
      ticket = ticket.next
      defer { next = next.advanced(by: UInt64(batch)) }
      return StorageWrite(
        ticket: ticket, hardState: HardState(currentTerm: Term(1)), isHardStateChanged: false,
        entries: Entries(EntryRun(firstIndex: next, term: Term(1), block: block)))
    }
  }

  private func newJournal<D: RaftJournal.Disk>(on disk: inout D) throws -> Journal {
    try Journal.create(on: &disk, identity: owner, state: .joining).journal
  }

  /// Gives a journal so many writes, one sync each.
  static func run<D: RaftJournal.Disk>(
    _ journal: inout Journal, _ disk: inout D, _ source: inout Source, writes: Int
  ) {
    var events: [JournalEvent] = []
    for _ in 0..<writes {
      journal.append(source.write())
      while let job = journal.nextJob() {
        journal.finished(job.id, disk.perform(job), into: &events)
      }
      events.removeAll(keepingCapacity: true)
    }
  }

  /// What the journal alone costs: no system call is made.
  func encoding(batch: Int, entries: Int, rounds: Int, isStopped: () -> Bool) throws -> Rounds {
    var disk = NoDisk()
    var journal = try newJournal(on: &disk)
    var source = Source(batch: batch)
    return Rounds.measure(rounds, isStopped: isStopped) {
      JournalBench.run(&journal, &disk, &source, writes: entries / batch)
    }
  }

  /// Syncs a second of the journal and of a plain loop, ten and ten in turns; and the CPU time
  /// of each.
  struct SyncRates {
    var journal: [Double] = []
    var plain: [Double] = []
    var cpu = Rounds()
    var plainCPU = Rounds()
  }

  func syncs(batch: Int, writes: Int, rounds: Int, isStopped: () -> Bool) throws -> SyncRates {
    let place = folder.appendingPathComponent("syncs-\(batch)").path
    var disk = try FileDisk(taking: place)
    var journal = try newJournal(on: &disk)
    var source = Source(batch: batch)
    JournalBench.run(&journal, &disk, &source, writes: 20)
    let bytes = [UInt8](repeating: 7, count: batch * 132 + 100)
    let file = open(place + "/plain", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0o640)
    guard file >= 0 else { throw Failure(.cannotCreate, "\(place)/plain cannot be made", hint: "") }
    defer { close(file) }
    var rates = SyncRates()
    for round in 0...rounds where !isStopped() {
      var plain = 0.0
      var ours = 0.0
      var cpu = 0.0
      var plainCPU = 0.0
      for _ in 0..<writes / 10 {
        var used = processSeconds()
        var start = wallSeconds()
        for _ in 0..<10 {
          _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
          _ = fdatasync(file)
        }
        plain += wallSeconds() - start
        plainCPU += processSeconds() - used
        start = wallSeconds()
        used = processSeconds()
        JournalBench.run(&journal, &disk, &source, writes: 10)
        ours += wallSeconds() - start
        cpu += processSeconds() - used
      }
      // The first round warms up.
      guard round > 0 else { continue }
      rates.plain.append(Double(writes) / plain)
      rates.journal.append(Double(writes) / ours)
      rates.cpu.seconds.append(cpu)
      rates.plainCPU.seconds.append(plainCPU)
    }
    return rates
  }

  /// Opens a journal of so many bytes, again and again; returns its size, and what it took.
  func recovery(bytes: Int, rounds: Int, isStopped: () -> Bool) throws -> (bytes: Int, Rounds) {
    let place = folder.appendingPathComponent("recovery").path
    var total = 0
    do {
      var disk = try FileDisk(taking: place)
      var journal = try newJournal(on: &disk)
      var source = Source(batch: 256)
      while total < bytes {
        var events: [JournalEvent] = []
        for _ in 0..<100 { journal.append(source.write()) }
        while let job = journal.nextJob() {
          journal.finished(job.id, disk.perform(job), into: &events)
        }
        total += 100 * 256 * 132
      }
    }
    var found: JournalInspection?
    let measured = try Rounds.measure(rounds, isStopped: isStopped) {
      var disk = try FileDisk(lookingAt: place)
      found = try Journal.inspect(&disk)
    }
    let used = found?.segments.reduce(0) { $0 + Int($1.end) } ?? 0
    return (used, measured)
  }
}

/// Seconds on a clock that only goes forward.
private func wallSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

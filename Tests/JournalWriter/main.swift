// Writes a journal on real files until it is killed, and says on standard output what it was told
// is durable. `KillTests` starts it, kills it, and looks whether all of that is there.
//
//     JournalWriter DIRECTORY
//
//     try TERM LAST     a write is about to be given to the disk, after which the log ends so
//     ack TERM LAST     it is durable
//
// What an entry holds is a function of its term and index; see `Script`.

import Raft
import RaftFiles
import RaftJournal

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What is written, by term and index alone, so that whoever reads it back can tell.
enum Script {
  static func payload(_ term: UInt64, _ index: UInt64) -> [UInt8] {
    var source = RandomSource(seed: term << 32 ^ index)
    return (0..<source.draw(below: 300)).map { _ in UInt8(truncatingIfNeeded: source.next()) }
  }

  static var settings: JournalSettings {
    var settings = JournalSettings()
    settings.segmentBytes = 64 << 10
    settings.reserveBytes = 64 << 10
    return settings
  }
}

private func output(_ bytes: UnsafeRawBufferPointer) -> Int {
  write(1, bytes.baseAddress, bytes.count)
}

/// What the journal holds is damaged: what no kill may do.
struct Damaged: Error, CustomStringConvertible {
  var report: DamageReport
  var description: String { report.description }
}

struct Writer {
  var disk: FileDisk
  var journal: Journal
  var state: DurableState
  var source: RandomSource
  var ticket = Ticket.zero

  init(_ path: String) throws {
    let owner = JournalIdentity(cluster: ClusterID(high: 1, low: 2), node: NodeID(3))
    disk = try FileDisk(taking: path)
    let recovered: RecoveredJournal
    if try disk.list().contains(.identity) {
      switch try Journal.open(on: &disk, owner: owner, settings: Script.settings) {
      case .intact(let found): recovered = found
      case .damaged(let found): throw Damaged(report: found.report)
      }
    } else {
      recovered = try Journal.create(
        on: &disk, identity: owner,
        state: DurableState(bootstrapping: try Membership(voters: [NodeID(3)])),
        settings: Script.settings)
    }
    journal = recovered.journal
    state = recovered.state
    source = RandomSource(seed: UInt64(truncatingIfNeeded: getpid()))
  }

  private var last: LogPosition {
    state.entries.isEmpty
      ? state.logStart
      : LogPosition(term: state.entries.lastTerm, index: state.entries.lastIndex)
  }

  private func say(_ word: String, _ write: StorageWrite, _ last: LogIndex) {
    let line = Array("\(word) \(write.hardState.currentTerm.rawValue) \(last.rawValue)\n".utf8)
    var done = 0
    while done < line.count {
      let count = line[done...].withUnsafeBytes { output($0) }
      // Nobody listens any more.
      if count <= 0 { exit(0) }
      done += count
    }
  }

  /// Gives one write to the disk and says what became of it.
  mutating func write() {
    var hardState = state.hardState
    var first = last.index.next
    var truncateFrom: LogIndex?
    if hardState.currentTerm == .zero || source.draw(below: 12) == 0 {
      hardState.currentTerm = hardState.currentTerm.next
      // A new leader may put others in the place of the newest entries.
      let back = source.draw(below: 4)
      if back > 0, state.logStart.index.rawValue + back < last.index.rawValue {
        first = LogIndex(last.index.rawValue - back + 1)
        truncateFrom = first
      }
    }
    let term = hardState.currentTerm
    let count = 1 + source.draw(below: 12)
    let payloads = (0..<count).map {
      Script.payload(term.rawValue, first.advanced(by: $0).rawValue)
    }
    ticket = ticket.next
    let run = EntryRun(firstIndex: first, term: term, block: EntryBlock(payloads))
    carryOut(
      StorageWrite(
        ticket: ticket, hardState: hardState, isHardStateChanged: hardState != state.hardState,
        entries: Entries(run), truncateFrom: truncateFrom))
  }

  /// Takes a snapshot of nothing much through the newest entry, and cuts the log behind it.
  mutating func compact() {
    let position = last
    let metadata = SnapshotMetadata(
      lastIncluded: position, membership: state.snapshot.membership,
      membershipIndex: state.snapshot.membershipIndex)
    journal.beginSnapshot(metadata)
    journal.writeSnapshot(Script.payload(position.term.rawValue, position.index.rawValue))
    journal.finishSnapshot()
    settle()
    var hardState = state.hardState
    hardState.commitIndex = position.index
    ticket = ticket.next
    carryOut(
      StorageWrite(
        ticket: ticket, hardState: hardState, isHardStateChanged: false, entries: .none,
        snapshot: SnapshotMarker(metadata: metadata, logStart: position, isLogReset: false)))
  }

  private mutating func carryOut(_ write: StorageWrite) {
    let end = write.entries.isEmpty ? last.index : write.entries.lastIndex
    say("try", write, end)
    journal.append(write)
    guard settle() == write.ticket else { exit(70) }
    state.hardState = write.hardState
    if let marker = write.snapshot {
      state.snapshot = marker.metadata
      state.logStart = marker.logStart
      state.entries = .none
    } else {
      // Only where the log ends matters here.
      state.entries = write.entries
    }
    say("ack", write, end)
  }

  /// Has the disk do all that it is to do.
  ///
  /// - Returns: the newest write that became durable by that.
  @discardableResult
  private mutating func settle() -> Ticket {
    var events: [JournalEvent] = []
    while let job = journal.nextJob() {
      journal.finished(job.id, disk.perform(job), into: &events)
    }
    var newest = Ticket.zero
    for event in events { if case .persisted(_, let last) = event { newest = last } }
    return newest
  }
}

do {
  guard CommandLine.arguments.count == 2 else { exit(64) }
  var writer = try Writer(CommandLine.arguments[1])
  while true {
    writer.write()
    if writer.source.draw(below: 150) == 0 { writer.compact() }
  }
} catch {
  print("error \(error)")
  exit(70)
}

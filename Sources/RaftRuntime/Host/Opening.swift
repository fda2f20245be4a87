// From a directory to a journal.

import Raft
import RaftFiles
import RaftJournal
import RaftReplica

/// A journal that was opened, the disk that it lies on, and what the disk said.
struct OpenedJournal {
  var disk: FileDisk
  var recovered: RecoveredJournal
  var transcript: DiskTranscript

  /// Opens or makes the journal as the settings say. It blocks until all of it is read.
  static func open(_ settings: HostSettings) throws(HostError) -> OpenedJournal {
    let directory = settings.directory
    let files: FileDisk
    do throws(DiskError) { files = try FileDisk(taking: directory) } catch {
      throw .disk(directory, error)
    }
    var disk = TranscribedDisk(files)
    var report: DamageReport?
    do throws(JournalError) {
      let owner = JournalIdentity(cluster: settings.cluster, node: settings.node)
      let recovered = try recover(owner, settings.beginning, settings.journal, on: &disk) {
        report = $0
      }
      if let recovered {
        return OpenedJournal(
          disk: disk.content, recovered: recovered, transcript: disk.transcript)
      }
    } catch {
      throw .journal(directory, error)
    }
    guard let report else { preconditionFailure("a journal is whole or has a report") }
    throw .damaged(directory, report)
  }

  /// The journal; `nil` if it is damaged and nobody said that it is to be repaired.
  static func recover<D: Disk>(
    _ owner: JournalIdentity, _ beginning: Beginning, _ settings: JournalSettings,
    on disk: inout D, orReport report: (DamageReport) -> Void
  ) throws(JournalError) -> RecoveredJournal? {
    switch beginning {
    case .new(let membership):
      return try Journal.create(
        on: &disk, identity: owner, state: DurableState(bootstrapping: membership),
        settings: settings)
    case .joining:
      return try Journal.create(on: &disk, identity: owner, state: .joining, settings: settings)
    case .existing, .repairing:
      switch try Journal.open(on: &disk, owner: owner, settings: settings) {
      case .intact(let recovered): return recovered
      case .damaged(let damaged):
        guard beginning == .repairing else {
          report(damaged.report)
          return nil
        }
        return try damaged.openForRepair(on: &disk)
      }
    }
  }
}

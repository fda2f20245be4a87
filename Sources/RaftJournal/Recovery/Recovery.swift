// What opening a journal can lead to. A damaged one cannot be used by oversight: it comes as
// another case, and going on with it is recorded on the disk.

import Raft

/// What a journal held when it was opened.
public enum Recovery: Sendable {
  /// Everything that was ever reported durable is here.
  case intact(RecoveredJournal)
  /// Something that was, or may have been, reported durable is not.
  case damaged(DamagedJournal)
}

/// How the newest segment ended.
public enum LogTail: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// After a whole record.
  case clean
  /// With a write that a crash cut off, which was never reported durable and is now discarded.
  case torn(FileName, offset: UInt64, bytes: UInt64)

  /// The end in a sentence.
  public var description: String {
    switch self {
    case .clean: "the log ends with a whole record"
    case .torn(let file, let offset, let bytes):
      "\(file.description), byte \(offset): a write of up to \(bytes) bytes was cut off by a crash"
        + " before it was reported durable; it is discarded"
    }
  }
}

/// A journal that was opened, and what a node is to be restored from.
public struct RecoveredJournal: Sendable {
  /// The journal, ready for writes. Tickets begin anew.
  public var journal: Journal
  /// What the node is restored from. Payloads at or before the snapshot are not in memory
  /// (`evicted`); later ones are.
  public var state: DurableState
  /// How the log ended.
  public var tail: LogTail
}

/// A journal with damage. Nothing on the disk has been changed.
public struct DamagedJournal: Sendable {
  /// What is wrong, and what to do.
  public var report: DamageReport
  /// Whose journal it is.
  public var identity: JournalIdentity
  /// What is left before the first damage, for those who want to look.
  public var state: DurableState

  let settings: JournalSettings
  let scan: Scan

  /// Opens the journal with what is left, as a node that stays out until its peers have repaired
  /// it: see `Standing.outUntilRepaired`, which is written to the disk before anything else.
  ///
  /// What is left is the log before the first damage, if the snapshot below it is whole; else
  /// nothing, and the node waits like a new one for a snapshot from its leader. In both cases it
  /// knows the newest term of which there was a trace. Damaged files keep their bytes under names
  /// that begin with `damaged-`.
  ///
  /// - Throws: `JournalError.disk`.
  public func openForRepair<D: Disk>(on disk: inout D) throws(JournalError) -> RecoveredJournal {
    do throws(DiskError) {
      return try Journal.repair(scan, settings, &disk)
    } catch {
      throw .disk(error)
    }
  }
}

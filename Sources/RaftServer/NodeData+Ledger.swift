#if Server
// The ledger as a node's files tell it, without a node: of one that was stopped, or of a copy.

import Raft
import RaftFiles
import RaftJournal
import RaftMachines

/// A ledger that was read from a node's files.
package struct StoredLedger: Sendable {
  /// Its rows.
  package var extract: LedgerExtract
  /// How far the files say that the log was committed.
  package var knownCommitted: LogIndex
  /// The newest entry in the files. What is after `knownCommitted` may never have been committed.
  package var last: LogIndex
}

/// Why a node's files do not tell the ledger.
package enum StoredLedgerError: Error, CustomStringConvertible {
  /// The files are no journal, or one that cannot be relied upon.
  case journal(JournalReadingError)
  /// The directory or a file cannot be read.
  case disk(DiskError)
  /// The snapshot is none of such a node.
  case snapshot(MachineDecodingError)
  /// That entry is not in the files, or nobody knows whether it was committed.
  case notYet(asked: LogIndex, known: LogIndex, last: LogIndex)
  /// The past that was asked for is forgotten.
  case forgotten(HistoryForgotten)

  package var description: String {
    switch self {
    case .journal(let error): error.description
    case .disk(let error): error.description
    case .snapshot(let error): "the snapshot cannot be read: \(error.description)"
    case .notYet(let asked, let known, let last):
      asked > last
        ? "there is no entry \(asked.description): the newest one is \(last.description)"
        : "entry \(asked.description) may never have been committed: these files know it only of"
          + " those through \(known.description)"
    case .forgotten(let forgotten): forgotten.description
    }
  }
}

extension NodeData {
  /// Reads the ledger from a node's files, which are not changed.
  ///
  /// - Parameters:
  ///   - directory: the files of a node that does not run, or a copy of them.
  ///   - index: the entry after which the ledger is wanted; `nil` for the newest of which the files
  ///     know that it is committed.
  /// - Throws: `StoredLedgerError`.
  package static func ledger(
    in directory: String, at index: LogIndex? = nil
  ) throws(StoredLedgerError) -> StoredLedger {
    var disk: FileDisk
    do { disk = try FileDisk(lookingAt: directory) } catch { throw .disk(error) }
    let contents: JournalContents
    do { contents = try Journal.contents(&disk) } catch { throw .journal(error) }
    let known = contents.knownCommitted
    let wanted = index ?? known
    guard wanted <= known else {
      throw .notYet(asked: wanted, known: known, last: contents.last.index)
    }
    let machine = try replayed(contents, &disk, through: wanted)
    let origin = LedgerExtract.Origin(
      clusterHigh: contents.identity.cluster.high, clusterLow: contents.identity.cluster.low,
      index: machine.applied, term: contents.state.term(at: machine.applied), time: machine.time)
    let ledger = machine.machine.first.second
    guard wanted < machine.applied else {
      return StoredLedger(
        extract: LedgerExtract(of: ledger, stamps: machine.stamps, origin), knownCommitted: known,
        last: contents.last.index)
    }
    do throws(HistoryForgotten) {
      return StoredLedger(
        extract: try LedgerExtract(
          of: ledger, stamps: machine.stamps, origin, at: wanted,
          term: contents.state.term(at: wanted)),
        knownCommitted: known, last: contents.last.index)
    } catch {
      throw .forgotten(error)
    }
  }

  /// The machine after an entry, or after the snapshot if that is later.
  private static func replayed(
    _ contents: JournalContents, _ disk: inout FileDisk, through last: LogIndex
  ) throws(StoredLedgerError) -> ReplicatedMachine<ServerMachine> {
    var machine = ReplicatedMachine<ServerMachine>()
    if contents.state.snapshot.lastIncluded.index > .zero {
      var reader = SnapshotReader(into: machine)
      do {
        var number: UInt64 = 0
        while let piece = try contents.snapshotPiece(number, of: &disk) {
          try reader.read(piece[...])
          number += 1
        }
        machine = try reader.finish()
      } catch let error as MachineDecodingError {
        throw .snapshot(error)
      } catch let error as DiskError {
        throw .disk(error)
      } catch {
        preconditionFailure("a snapshot is read by nobody else: \(error)")
      }
    }
    var replies = Replies()
    let entries = contents.state.entries
    for position in 0..<entries.runCount {
      let run = entries.run(position)
      let first = max(run.firstIndex, machine.applied.next)
      guard first <= min(run.lastIndex, last) else { continue }
      machine.apply(run.slice(from: first, through: min(run.lastIndex, last)), into: &replies)
      replies.removeAll()
    }
    machine.skip(through: min(last, contents.last.index))
    return machine
  }
}

extension DurableState {
  /// The term of an entry, as far as it is here.
  fileprivate func term(at index: LogIndex) -> Term? {
    if snapshot.lastIncluded.index == index { return snapshot.lastIncluded.term }
    if logStart.index == index { return logStart.term }
    for position in 0..<entries.runCount {
      let run = entries.run(position)
      if run.firstIndex <= index, index <= run.lastIndex { return run.term }
    }
    return nil
  }
}
#endif

#if Server
// What a replica gives of its ledger to those who keep a copy of it.

import Raft
import RaftJournal
import RaftMachines

/// What is wanted of the ledger.
package struct LedgerWish: Hashable, Sendable {
  /// What changed after this entry; `nil` for all there is.
  package var after: LogIndex?
  /// The term of that entry, as the copy knows it; `nil` if it does not.
  package var term: Term?
  /// The ledger as it was after this entry; `nil` for the newest.
  package var at: LogIndex?

  package init(after: LogIndex? = nil, term: Term? = nil, at: LogIndex? = nil) {
    self.after = after
    self.term = term
    self.at = at
  }
}

/// What is given.
package enum LedgerOffer: Sendable {
  /// All bytes of an extract.
  case bytes([UInt8])
  /// An extract that is long enough to be written away from the replica.
  case long(LedgerExtract)
  /// The past that was asked for is forgotten.
  case forgotten(HistoryForgotten)
  /// The entry is not there yet; this one is the newest.
  case notYet(newest: LogIndex)
  /// The log has another term at the entry that the copy stands at: this one.
  case otherLog(Term)

  /// Up to so many rows are written at once: in less than a millisecond, and nothing is shared with
  /// the replica, which would have to copy what it shares when it goes on.
  private static let rowsAtOnce = 1_024

  /// - Parameter term: the terms of entries, as far as the log is kept.
  package init(
    _ wish: LedgerWish, of machine: ReplicatedMachine<ServerMachine>, cluster: ClusterID,
    term: (LogIndex) -> Term?
  ) {
    let ledger = machine.machine.first.second
    let origin = LedgerExtract.Origin(
      clusterHigh: cluster.high, clusterLow: cluster.low, index: machine.applied,
      term: term(machine.applied), time: machine.time)
    self.init(wish, ledger, machine.stamps, origin, term: term)
  }

  package init(
    _ wish: LedgerWish, _ ledger: Ledger, _ stamps: StampHistory, _ origin: LedgerExtract.Origin,
    term: (LogIndex) -> Term?
  ) {
    for asked in [wish.after, wish.at] {
      guard let asked, asked > origin.index else { continue }
      self = .notYet(newest: origin.index)
      return
    }
    if let after = wish.after, let expected = wish.term, let found = term(after),
      found != expected
    {
      self = .otherLog(found)
      return
    }
    let extract: LedgerExtract
    if let at = wish.at {
      do throws(HistoryForgotten) {
        extract = try LedgerExtract(of: ledger, stamps: stamps, origin, at: at, term: term(at))
      } catch {
        self = .forgotten(error)
        return
      }
    } else {
      extract = LedgerExtract(of: ledger, stamps: stamps, origin, after: wish.after)
    }
    guard extract.size <= LedgerOffer.rowsAtOnce else {
      self = .long(extract)
      return
    }
    var writer = LedgerExtractWriter(extract)
    self = .bytes(writer.all())
  }
}
#endif

// Forgetting transfers that are older than the rule keeps, so that a ledger takes a bounded amount
// of memory however long it lives. Sums are in the accounts; only what was is lost.

import Raft

extension Ledger {
  /// How many transfers one entry forgets at most: after a stricter rule came into force there may
  /// be millions, and nobody is to wait for all of them.
  static var forgottenAtOnce: Int { 65_536 }

  /// Forgets transfers that the rule does not keep, the oldest first.
  ///
  /// - Complexity: O(those forgotten); over many entries O(1) for each transfer.
  mutating func forgetTransfers(_ moment: Moment) {
    var digest = transfersDigest
    transfers.forgetEnded { digest &-= $0.record.digest($0.position) }
    let end = transfers.first + Ledger.forgottenAtOnce
    while transfers.first < min(keysFrom, end) {
      let position = transfers.first
      let record = transfers[position]
      guard isTooMany || isTooOld(record, moment.time) else { break }
      historyFrom = LogIndex(record.index)
      if transfers.forgetFirst() { digest &-= record.digest(position) }
    }
    transfersDigest = digest
  }

  private var isTooMany: Bool { UInt64(transfers.count - transfers.first) > history.transfers }

  private func isTooOld(_ record: TransferRecord, _ time: LogTime) -> Bool {
    LogTime(nanoseconds: record.time).advanced(by: history.nanoseconds) < time
  }

  /// The log's time at which the next transfer is forgotten; `nil` if none is, or its key must be
  /// forgotten first.
  var nextForgotten: LogTime? {
    guard history.isLimited, transfers.first < keysFrom else { return nil }
    let time = LogTime(nanoseconds: transfers[transfers.first].time)
    if isTooMany { return time }
    let end = time.advanced(by: history.nanoseconds)
    return end < .never ? end.advanced(by: 1) : nil
  }
}

// The ledger as rows, for a copy of it outside of the cluster: all of it as of an entry, or what an
// older copy lacks. Either is of one entry as a whole, however large it is.

import Raft
import RaftClocks

/// What stands at the head of an extract.
public struct LedgerExtractHead: Hashable, Sendable {
  /// The first half of the cluster's identity.
  public var clusterHigh: UInt64
  /// The second half of the cluster's identity.
  public var clusterLow: UInt64
  /// The entry as of which all rows are.
  public var index: LogIndex
  /// The term of that entry; `nil` if the log is not kept so far back.
  public var term: Term?
  /// The log's time at that entry; `nil` if the ledger was told as of an earlier entry.
  public var time: LogTime?
  /// The digest of the ledger; `nil` if it was told as of an earlier entry. Then limits, and
  /// whether an account is closed, are those of `limitsIndex`.
  public var digest: UInt64?
  /// The entry as of which limits are, and whether accounts are closed; `index` as a rule.
  public var limitsIndex: LogIndex
  /// The rows are what changed after this entry; `nil`: they are all there are.
  public var after: LogIndex?
  /// How many accounts there are.
  public var accounts: UInt64
  /// How many transfers there were, forgotten ones too.
  public var transfers: UInt64
  /// The number of the oldest transfer that is kept, but for older holds that are open.
  public var firstTransfer: UInt64
  /// Keys of transfers before this number are forgotten.
  public var firstKey: UInt64
  /// The oldest entry as of which the ledger can be told.
  public var historyFrom: LogIndex
  /// How long keys are remembered.
  public var settings: LedgerSettings
  /// How much of the past is kept.
  public var history: LedgerHistory
}

/// An account with its place among all accounts.
public struct AccountRow: Hashable, Sendable, BitwiseCopyable {
  /// Accounts are counted in the order in which they were opened, from 0 on.
  public var position: UInt64
  /// The account.
  public var account: Account
}

/// A transfer with all that the ledger keeps of it.
public struct TransferRow: Hashable, Sendable, BitwiseCopyable {
  /// The transfer as it stands.
  public var view: TransferView
  /// Of a capture, void or expiry: how much of the hold is no longer held.
  public var released: UInt64
  /// Whether it happened together with the next one of its batch, or not at all.
  public var isLinked: Bool
  /// Whether it is a capture that left the rest of the hold as it was.
  public var keepsRest: Bool
  /// Whether no amount was asked for, but all that was left.
  public var isAll: Bool
}

/// When an entry was, by the log's clocks.
public struct StampRow: Hashable, Sendable {
  /// The entry.
  public var index: LogIndex
  /// Its stamp.
  public var stamp: ClockStamp
}

/// A ledger as rows.
///
/// It shares memory with the ledger that it was made of until that changes.
public struct LedgerExtract: Sendable {
  /// What an extract is taken of.
  public struct Origin: Sendable {
    /// The first half of the cluster's identity.
    public var clusterHigh: UInt64
    /// The second half of the cluster's identity.
    public var clusterLow: UInt64
    /// The newest entry applied.
    public var index: LogIndex
    /// Its term; `nil` if the log is not kept so far back.
    public var term: Term?
    /// The log's time at it.
    public var time: LogTime

    /// An origin of these parts.
    public init(
      clusterHigh: UInt64, clusterLow: UInt64, index: LogIndex, term: Term?, time: LogTime
    ) {
      self.clusterHigh = clusterHigh
      self.clusterLow = clusterLow
      self.index = index
      self.term = term
      self.time = time
    }
  }

  /// What it is of.
  public private(set) var head: LedgerExtractHead
  private(set) var ledger: Ledger
  let stamps: StampHistory
  /// All transfers from this position on are in it.
  private(set) var newer: Int

  /// What changed in a ledger after an entry, or all of it if the ledger does not know that: if the
  /// past that it would be told from is forgotten, or `after` is `nil`.
  ///
  /// - Complexity: O(log transfers).
  public init(
    of ledger: Ledger, stamps: StampHistory, _ origin: Origin, after: LogIndex? = nil
  ) {
    self.ledger = ledger
    self.stamps = stamps
    let base = after.flatMap { ledger.knowsChanges(after: $0, at: origin.index) ? $0 : nil }
    newer = base.map { ledger.position(after: $0) } ?? ledger.transfers.first
    head = LedgerExtractHead(
      clusterHigh: origin.clusterHigh, clusterLow: origin.clusterLow, index: origin.index,
      term: origin.term, time: origin.time, digest: ledger.digest, limitsIndex: origin.index,
      after: base, accounts: UInt64(ledger.accounts.count),
      transfers: UInt64(ledger.transfers.count),
      firstTransfer: UInt64(ledger.transfers.first) + 1, firstKey: UInt64(ledger.keysFrom) + 1,
      historyFrom: ledger.historyFrom, settings: ledger.settings, history: ledger.history)
  }

  /// All of a ledger as it was after an earlier entry, but for limits and whether accounts are
  /// closed: those are as they are now, as is how much of the past is kept.
  ///
  /// - Parameters:
  ///   - ledger: the ledger as it is now.
  ///   - stamps: the stamps of the newest entries.
  ///   - origin: where the ledger is from, and the entry through which it has come.
  ///   - index: the earlier entry.
  ///   - term: the term of that entry; `nil` if the log is not kept so far back.
  /// - Throws: `HistoryForgotten` if something that was there then is.
  /// - Complexity: O(transfers since + accounts).
  public init(
    of ledger: Ledger, stamps: StampHistory, _ origin: Origin, at index: LogIndex, term: Term?
  ) throws(HistoryForgotten) {
    var earlier = ledger
    try earlier.rewind(to: index)
    var then = origin
    then.index = index
    then.term = term
    self.init(of: earlier, stamps: stamps, then)
    head.limitsIndex = origin.index
    head.time = nil
    head.digest = nil
  }

  /// About how many rows it has.
  public var size: Int {
    ledger.transfers.count - newer + (head.after == nil ? ledger.accounts.count : 0)
  }

  /// What is in it beside all transfers from `newer` on.
  struct Plan: Sendable {
    /// Positions of older transfers, ascending.
    var older: [Int] = []
    /// Positions of transfers that are forgotten and may be in the copy.
    var gone: [Int] = []
    /// Positions of accounts, ascending.
    var accounts: [Int] = []
  }

  /// - Complexity: O(rows × log rows).
  func plan() -> Plan {
    var plan = Plan()
    guard let after = head.after else {
      plan.older = ledger.transfers.holds.filter { $0.record.state == .open }.map { $0.position }
      plan.accounts = Array(ledger.accounts.indices)
      return plan
    }
    plan.accounts = ledger.accountChanges.slots(after: after)
    for position in newer..<ledger.transfers.count {
      let record = ledger.transfers[position]
      plan.accounts.append(Int(record.debit))
      plan.accounts.append(Int(record.credit))
      let about = Int(record.reference) - 1
      guard about >= 0, about < newer else { continue }
      if ledger.transfers.keeps(about) { plan.older.append(about) } else { plan.gone.append(about) }
    }
    var opened = ledger.accounts.count
    while opened > 0, ledger.accounts[opened - 1].opened > after {
      opened -= 1
      plan.accounts.append(opened)
    }
    plan.older = LedgerExtract.sorted(plan.older)
    plan.gone = LedgerExtract.sorted(plan.gone)
    plan.accounts = LedgerExtract.sorted(plan.accounts)
    return plan
  }

  /// Ascending, and none twice.
  private static func sorted(_ positions: [Int]) -> [Int] {
    var list: [Int] = []
    for position in positions.sorted() where list.last != position { list.append(position) }
    return list
  }
}

extension Ledger {
  /// Whether everything that has changed after an entry is known.
  func knowsChanges(after index: LogIndex, at applied: LogIndex) -> Bool {
    guard index <= applied, index >= historyFrom, let from = accountChanges.from else {
      return false
    }
    return index >= from
  }

  /// The position of the first transfer of an entry after this one.
  func position(after index: LogIndex) -> Int {
    var low = transfers.first
    var high = transfers.count
    while low < high {
      let middle = (low + high) / 2
      if transfers[middle].index <= index.rawValue { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Takes back what happened after an entry, but for changes of limits and the closing of
  /// accounts.
  ///
  /// The ledger is then good to be looked at, and for nothing else.
  mutating func rewind(to index: LogIndex) throws(HistoryForgotten) {
    guard index >= historyFrom else { throw HistoryForgotten(oldest: historyFrom) }
    let count = position(after: index)
    for position in (count..<transfers.count).reversed() {
      let record = transfers[position]
      guard record.reference > 0, !transfers.keeps(Int(record.reference) - 1) else { continue }
      // What it ended was open then, or could be refunded, and is not here any more.
      throw HistoryForgotten(oldest: LogIndex(record.index))
    }
    rollBack(to: count)
    while let last = accounts.last, last.opened > index { accounts.removeLast() }
  }

  func row(_ position: Int) -> TransferRow {
    let record = transfers[position]
    let endsHold = record.kind == .capture || record.kind == .void || record.kind == .expiry
    return TransferRow(
      view: view(position), released: endsHold ? record.extra : 0,
      isLinked: record.flags & TransferRecord.Flags.linked != 0,
      keepsRest: record.flags & TransferRecord.Flags.keepsRest != 0,
      isAll: record.flags & TransferRecord.Flags.all != 0)
  }
}

#if SQL
import Raft
import RaftClocks

@testable import RaftMachines
@testable import RaftSQL

/// What the tables of a ledger must hold, from the ledger itself and nothing in between.
enum ExpectedRows {
  private static func number(_ value: UInt64) -> SQLValue { .integer(Int64(clamping: value)) }

  private static func text(_ value: String) -> SQLValue { .text(Array(value.utf8)) }

  private static func number(_ value: UInt64, unless none: UInt64) -> SQLValue {
    value == none ? .null : number(value)
  }

  static func accounts(_ ledger: Ledger) -> [[SQLValue]] {
    ledger.accounts(after: 0, limit: .max).enumerated().map { position, account in
      let bytes = stride(from: 56, through: 0, by: -8)
      return [
        number(UInt64(position)), text(account.id.description),
        .blob(
          bytes.map { UInt8(truncatingIfNeeded: account.id.high >> UInt64($0)) }
            + bytes.map { UInt8(truncatingIfNeeded: account.id.low >> UInt64($0)) }),
        text(account.currency.description), number(UInt64(account.currency.digits)),
        number(UInt64(account.currency.rawValue)), number(account.postedDebits),
        number(account.postedCredits), number(account.pendingDebits),
        number(account.pendingCredits), number(account.limits.overdraft, unless: .max),
        number(account.limits.ceiling, unless: .max), number(account.opened.rawValue),
        number(UInt64(account.code)), number(UInt64(account.newestTransfer), unless: 0),
        number(account.isClosed ? 1 : 0),
      ]
    }
  }

  /// Those that are kept, but for old holds that have ended: they go with the next entry.
  static func transfers(_ ledger: Ledger) -> [[SQLValue]] {
    var rows: [[SQLValue]] = []
    for position in 0..<ledger.transferCount where ledger.transfers.keeps(position) {
      let record = ledger.transfers[position]
      if position < ledger.transfers.first, record.state != .open { continue }
      let debit = ledger.accounts[Int(record.debit)].id
      let credit = ledger.accounts[Int(record.credit)].id
      let endsHold = [.capture, .void, .expiry].contains(record.kind)
      let isHold = record.kind == .hold
      rows.append([
        number(UInt64(position) + 1), text(record.kind.description), text(debit.description),
        text(credit.description), number(record.amount), number(record.settled),
        endsHold ? number(record.extra) : .null, isHold ? text(record.state.description) : .null,
        isHold ? number(record.extra, unless: .max) : .null, number(record.reference, unless: 0),
        record.key == .none ? .null : text(record.key.ulid), number(record.index),
        number(record.time), .integer(Int64(bitPattern: record.note)), number(UInt64(record.code)),
        number(UInt64(record.flags & 1)), number(UInt64(record.flags >> 1 & 1)),
        number(UInt64(record.flags >> 2 & 1)),
      ])
    }
    return rows
  }

  static func entries(_ replica: ReplicatedMachine<Ledger>) -> [[SQLValue]] {
    let ledger = replica.machine
    var indexes: Set<UInt64> = []
    for position in 0..<ledger.transferCount where ledger.transfers.keeps(position) {
      let record = ledger.transfers[position]
      if position < ledger.transfers.first, record.state != .open { continue }
      if record.index >= ledger.historyFrom.rawValue { indexes.insert(record.index) }
    }
    return indexes.sorted().compactMap { index in
      guard let stamp = replica.stamps.stamp(at: LogIndex(index)) else { return nil }
      let vector = stamp.vector.components.map { "\"\($0.process)\":\"\($0.count)\"" }
      return [
        number(index), number(stamp.lamport.rawValue), number(stamp.hybrid.nanoseconds),
        number(UInt64(stamp.hybrid.logical)), text("{\(vector.joined(separator: ","))}"),
      ]
    }
  }

  static func all(_ replica: ReplicatedMachine<Ledger>) -> [[[SQLValue]]] {
    [accounts(replica.machine), transfers(replica.machine), entries(replica)]
  }
}

extension LedgerReading {
  func rows(_ sql: String) throws -> [[SQLValue]] {
    var rows: [[SQLValue]] = []
    try run(sql) { rows.append($0) }
    return rows
  }

  /// Accounts, transfers and entries.
  func tables() throws -> [[[SQLValue]]] {
    [
      try rows("SELECT * FROM accounts ORDER BY position"),
      try rows("SELECT * FROM transfers ORDER BY number"),
      try rows("SELECT * FROM entries ORDER BY log_index"),
    ]
  }

  /// All that is in the file.
  func everything() throws -> [[[SQLValue]]] {
    try tables() + [try rows("SELECT * FROM projection")]
  }
}
#endif

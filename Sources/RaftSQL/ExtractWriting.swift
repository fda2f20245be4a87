#if SQL
// An extract as rows of SQLite.

import Foundation
import GRDB
import Raft
import RaftClocks
import RaftInterface
import RaftMachines

/// Writes the parts of an extract, within a transaction that somebody else ends.
struct ExtractWriting {
  private let db: Database
  private let isReplacing: Bool
  private let accounts: Statement
  private let transfers: Statement
  private let entries: Statement
  private var head: LedgerExtractHead?
  private var rows = 0

  init(_ db: Database, isReplacing: Bool) throws {
    self.db = db
    self.isReplacing = isReplacing
    accounts = try db.cachedStatement(sql: LedgerSchema.accounts.upsert)
    transfers = try db.cachedStatement(sql: LedgerSchema.transfers.upsert)
    entries = try db.cachedStatement(sql: LedgerSchema.entries.upsert)
  }

  mutating func write(_ part: LedgerExtractPart) throws {
    switch part {
    case .head(let head): try begin(head)
    case .gone(let numbers):
      let delete = try db.cachedStatement(sql: "DELETE FROM transfers WHERE number = ?")
      for number in numbers { try delete.execute(arguments: [Int64(clamping: number)]) }
    case .accounts(let list):
      for row in list { try accounts.execute(arguments: StatementArguments(row.values)) }
      rows += list.count
    case .transfers(let list):
      for row in list { try transfers.execute(arguments: StatementArguments(row.values)) }
      rows += list.count
    case .stamps(let list):
      for row in list { try entries.execute(arguments: StatementArguments(row.values)) }
      rows += list.count
    case .end: break
    }
  }

  private mutating func begin(_ head: LedgerExtractHead) throws {
    let before = try LedgerProjection.position(db)
    if let before, !isReplacing || head.after != nil {
      guard before.cluster == head.cluster else {
        throw ProjectionError.otherCluster(file: before.cluster, rows: head.cluster)
      }
      guard before.index <= head.index else {
        throw ProjectionError.older(file: before.index, rows: head.index)
      }
    }
    if let after = head.after {
      guard before?.index == after else {
        throw ProjectionError.doesNotFit(file: before?.index, rows: after)
      }
    } else {
      for table in LedgerSchema.tables where table.name != "projection" {
        try db.execute(sql: "DELETE FROM \(table.name)")
      }
    }
    self.head = head
  }

  /// Forgets what the ledger has forgotten, and says where the file stands.
  func finish() throws -> ProjectionChange {
    guard let head else { throw MachineDecodingError.truncated }
    try db.execute(
      sql: """
        DELETE FROM transfers WHERE number < ? AND NOT (kind = 'hold' AND state = 'open')
        """, arguments: [Int64(clamping: head.firstTransfer)])
    let oldest = Int64(clamping: head.historyFrom.rawValue)
    try db.execute(
      sql: """
        DELETE FROM entries WHERE log_index < ? OR (log_index = ? AND NOT EXISTS
          (SELECT 1 FROM transfers WHERE transfers.log_index = entries.log_index))
        """, arguments: [oldest, oldest])
    try db.execute(sql: "DELETE FROM projection")
    try db.execute(
      sql: LedgerSchema.projection.upsert, arguments: StatementArguments(head.values))
    guard let position = try LedgerProjection.position(db) else {
      throw MachineDecodingError.truncated
    }
    return ProjectionChange(position: position, isWhole: head.after == nil, rows: rows)
  }
}

/// The value of a number of 64 bits that has more than 63 only where it makes no difference.
private func number(_ value: UInt64) -> DatabaseValue { Int64(clamping: value).databaseValue }

/// The same, with nothing in the place of one number.
private func number(_ value: UInt64, except none: UInt64) -> DatabaseValue {
  value == none ? .null : number(value)
}

private func flag(_ value: Bool) -> DatabaseValue { Int64(value ? 1 : 0).databaseValue }

extension LedgerExtractHead {
  /// The cluster's identity, in 32 hexadecimal digits.
  var cluster: String { hexadecimal(clusterHigh) + hexadecimal(clusterLow) }

  var values: [DatabaseValue] {
    [
      LedgerSchema.version.databaseValue, cluster.databaseValue, number(index.rawValue),
      term.map { number($0.rawValue) } ?? .null, time.map { number($0.nanoseconds) } ?? .null,
      digest.map { hexadecimal($0).databaseValue } ?? .null, number(limitsIndex.rawValue),
      number(accounts), number(transfers), number(firstTransfer), number(firstKey),
      number(historyFrom.rawValue), number(settings.keyWindow), number(settings.keyLead),
      number(UInt64(settings.maximumKeys)), number(history.transfers, except: .max),
      number(history.nanoseconds, except: .max),
    ]
  }
}

/// 16 digits.
func hexadecimal(_ number: UInt64) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

extension AccountRow {
  var values: [DatabaseValue] {
    var writer = ByteWriter(reserving: 16)
    writer.write(account.id.high.byteSwapped)
    writer.write(account.id.low.byteSwapped)
    return [
      number(position), account.id.description.databaseValue, Data(writer.bytes).databaseValue,
      account.currency.description.databaseValue, number(UInt64(account.currency.digits)),
      number(UInt64(account.currency.rawValue)), number(account.postedDebits),
      number(account.postedCredits), number(account.pendingDebits),
      number(account.pendingCredits),
      number(account.limits.overdraft, except: AccountLimits.unlimited),
      number(account.limits.ceiling, except: AccountLimits.unlimited),
      number(account.opened.rawValue), number(UInt64(account.code)),
      number(UInt64(account.newestTransfer), except: 0), flag(account.isClosed),
    ]
  }
}

extension TransferRow {
  var values: [DatabaseValue] {
    let isEnd = view.kind == .capture || view.kind == .void || view.kind == .expiry
    return [
      number(view.number), view.kind.description.databaseValue,
      view.debit.description.databaseValue, view.credit.description.databaseValue,
      number(view.amount), number(view.settled), isEnd ? number(released) : .null,
      view.kind == .hold ? view.state.description.databaseValue : .null,
      number(view.deadline.nanoseconds, except: LogTime.never.nanoseconds),
      number(view.reference, except: 0),
      view.key == .none ? .null : view.key.ulid.databaseValue, number(view.index.rawValue),
      number(view.time.nanoseconds),
      // Any 64 bits of the client's: kept as they are.
      Int64(bitPattern: view.note).databaseValue, number(UInt64(view.code)), flag(isLinked),
      flag(keepsRest), flag(isAll),
    ]
  }
}

extension StampRow {
  var values: [DatabaseValue] {
    let vector = JSONValue.object(
      stamp.vector.components.map { .init(String($0.process), .text($0.count)) })
    return [
      number(index.rawValue), number(stamp.lamport.rawValue), number(stamp.hybrid.nanoseconds),
      number(UInt64(stamp.hybrid.logical)), vector.line.databaseValue,
    ]
  }
}
#endif

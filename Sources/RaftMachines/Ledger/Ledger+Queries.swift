// Questions: balances, histories, and the whole ledger as of an entry.

import Raft

/// A transfer as it stands in the ledger.
public struct TransferView: Hashable, Sendable, BitwiseCopyable {
  /// Its number.
  public var number: UInt64
  /// What it does.
  public var kind: TransferKind
  /// Its key; `.none` if it has none.
  public var key: TransferKey
  /// The account that gave.
  public var debit: AccountID
  /// The account that got.
  public var credit: AccountID
  /// How much; of a void or expiry, how much was released.
  public var amount: UInt64
  /// How much of it was captured or refunded since.
  public var settled: UInt64
  /// How a hold stands; `.open` for everything else.
  public var state: HoldState
  /// The number of the transfer that it is about; 0 if none.
  public var reference: UInt64
  /// When a hold expires; `never` if nobody set a time, and for everything else.
  public var deadline: LogTime
  /// The entry that made it.
  public var index: LogIndex
  /// The log's time there.
  public var time: LogTime
  /// What its maker noted.
  public var note: UInt64
  /// What its maker noted.
  public var code: UInt16
}

/// The sums of all accounts of one currency.
public struct CurrencySum: Hashable, Sendable, BitwiseCopyable {
  /// The currency.
  public var currency: Currency
  /// How many accounts it has.
  public var accounts: Int = 0
  /// All that they gave. Sums of many accounts may pass 64 bits; they are kept modulo 2^64, on both
  /// sides alike.
  public var debits: UInt64 = 0
  /// All that they got.
  public var credits: UInt64 = 0
  /// All that is held for giving.
  public var pendingDebits: UInt64 = 0
  /// All that is held for getting.
  public var pendingCredits: UInt64 = 0

  /// Whether no money was made or lost.
  public var isBalanced: Bool { debits == credits && pendingDebits == pendingCredits }
}

/// The whole ledger in a few numbers, as of an entry.
public struct LedgerAudit: Hashable, Sendable {
  /// How many transfers there were.
  public var transfers: UInt64
  /// The sums, sorted by currency.
  public var currencies: [CurrencySum]

  /// Whether no money was made or lost.
  public var isBalanced: Bool { currencies.allSatisfy { $0.isBalanced } }
}

extension Ledger {
  /// What can be asked.
  public enum Query: Hashable, Sendable {
    /// An account as it is now.
    case account(AccountID)
    /// An account as it was after an entry.
    case accountAt(AccountID, LogIndex)
    /// A transfer by its number.
    case transfer(UInt64)
    /// A transfer by its key, as long as that is in the window.
    case transferOfKey(TransferKey)
    /// The transfers of an account before a number (0: from the newest on), newest first, at most
    /// so many.
    case history(AccountID, before: UInt64, limit: Int)
    /// Accounts in the order in which they were opened, behind so many of them, at most so many.
    case accounts(after: UInt64, limit: Int)
    /// All transfers before a number (0: from the newest on), newest first, at most so many.
    case recent(before: UInt64, limit: Int)
    /// The sums of all accounts as they are now.
    case audit
    /// The sums of all accounts as they were after an entry.
    case auditAt(LogIndex)
  }

  /// What a question returns.
  public enum Answer: Hashable, Sendable {
    /// The account; `nil` if there is none, or there was none then.
    case account(Account?)
    /// The transfer; `nil` if there is none.
    case transfer(TransferView?)
    /// Transfers, newest first.
    case history([TransferView])
    /// Accounts in the order in which they were opened, and how many there are in all.
    case accounts([Account], of: UInt64)
    /// The sums.
    case audit(LedgerAudit)
    /// It is forgotten; so much is not.
    case forgotten(HistoryForgotten)
  }

  /// Answers a question.
  public func query(_ query: Query) -> Answer {
    do throws(HistoryForgotten) {
      switch query {
      case .account(let id): return .account(account(id))
      case .accountAt(let id, let index): return .account(try account(id, at: index))
      case .transfer(let number): return .transfer(try transfer(number))
      case .transferOfKey(let key):
        return .transfer(key == .none ? nil : position(of: key).map { view($0) })
      case .history(let id, let number, let limit):
        return .history(try history(of: id, before: number, limit: limit))
      case .accounts(let count, let limit):
        return .accounts(accounts(after: count, limit: limit), of: UInt64(accounts.count))
      case .recent(let number, let limit):
        return .history(try recent(before: number, limit: limit))
      case .audit: return .audit(audit())
      case .auditAt(let index): return .audit(try audit(at: index))
      }
    } catch {
      return .forgotten(error)
    }
  }

  private var forgotten: HistoryForgotten { HistoryForgotten(oldest: historyFrom) }

  /// An account as it is now; `nil` if there is none.
  public func account(_ id: AccountID) -> Account? { slot(of: id).map { accounts[$0] } }

  /// An account as it was after an entry; `nil` if there was none.
  ///
  /// Its limits, and whether it is closed, are those of now.
  ///
  /// - Throws: `HistoryForgotten` if transfers since then are.
  /// - Complexity: O(its transfers since).
  public func account(
    _ id: AccountID, at index: LogIndex
  ) throws(HistoryForgotten) -> Account? {
    guard let slot = slot(of: id), accounts[slot].opened <= index else { return nil }
    guard index >= historyFrom else { throw forgotten }
    var account = accounts[slot]
    var number = account.newestTransfer
    // What is forgotten came no later than `historyFrom`.
    while Int(clamping: number) > transfers.first {
      let record = transfers[Int(number) - 1]
      if record.index <= index.rawValue { break }
      let isDebit = Int(record.debit) == slot
      Ledger.takeBack(record, isDebit, from: &account)
      number = isDebit ? record.debitPrevious : record.creditPrevious
      account.newestTransfer = number
    }
    return account
  }

  private static func takeBack(
    _ record: TransferRecord, _ isDebit: Bool, from account: inout Account
  ) {
    var both = [account, account]
    var copy = record
    copy.debit = isDebit ? 0 : 1
    copy.credit = isDebit ? 1 : 0
    takeBack(copy, from: &both)
    account = both[0]
  }

  /// A transfer by its number; `nil` if there is none.
  ///
  /// - Throws: `HistoryForgotten` if there was one.
  public func transfer(_ number: UInt64) throws(HistoryForgotten) -> TransferView? {
    guard number > 0, number <= UInt64(transfers.count) else { return nil }
    guard transfers.keeps(Int(number) - 1) else { throw forgotten }
    return view(Int(number) - 1)
  }

  /// The transfers of an account before a number (0: from the newest on), newest first.
  ///
  /// A page ends early at the oldest transfer that is kept; whoever asks for the one before it is
  /// told that there is no more. Old holds that are still open are found by their numbers only.
  ///
  /// - Throws: `HistoryForgotten` if the first of them is.
  /// - Complexity: O(its transfers from there on, through the last one returned).
  public func history(
    of id: AccountID, before number: UInt64, limit: Int
  ) throws(HistoryForgotten) -> [TransferView] {
    guard let slot = slot(of: id), limit > 0 else { return [] }
    let first = UInt64(transfers.first)
    if number > 0, number <= first { throw forgotten }
    var views: [TransferView] = []
    var next = accounts[slot].newestTransfer
    // A page ends with a transfer of the account: the next page begins at the one before it.
    if number > 0, number <= UInt64(transfers.count),
      let previous = previous(of: Int(number) - 1, slot)
    {
      next = previous
    }
    while UInt64(next) > first, views.count < limit {
      let position = Int(next) - 1
      if number == 0 || UInt64(next) < number { views.append(view(position)) }
      next = previous(of: position, slot) ?? 0
    }
    if views.isEmpty, next > 0 { throw forgotten }
    return views
  }

  /// Accounts in the order in which they were opened, behind the first so many of them.
  ///
  /// That order never changes and no account goes away, so pages fit together.
  ///
  /// - Complexity: O(limit).
  public func accounts(after count: UInt64, limit: Int) -> [Account] {
    guard count < UInt64(accounts.count), limit > 0 else { return [] }
    return Array(accounts[Int(count)...].prefix(limit))
  }

  /// All transfers before a number (0: from the newest on), newest first.
  ///
  /// A page ends early at the oldest transfer that is kept. Old holds that are still open are found
  /// by their numbers only.
  ///
  /// - Throws: `HistoryForgotten` if the first of them is.
  /// - Complexity: O(limit).
  public func recent(before number: UInt64, limit: Int) throws(HistoryForgotten) -> [TransferView] {
    let count = UInt64(transfers.count)
    let end = number == 0 || number > count ? count : number - 1
    let first = UInt64(transfers.first)
    guard limit > 0, end > 0 else { return [] }
    guard end > first else { throw forgotten }
    let start = end - first > UInt64(limit) ? end - UInt64(limit) : first
    return (Int(start)..<Int(end)).reversed().map { view($0) }
  }

  /// The number of the transfer before this one on an account; `nil` if this is not one of it.
  private func previous(of position: Int, _ slot: Int) -> UInt32? {
    let record = transfers[position]
    if Int(record.debit) == slot { return record.debitPrevious }
    return Int(record.credit) == slot ? record.creditPrevious : nil
  }

  func view(_ position: Int) -> TransferView {
    let record = transfers[position]
    return TransferView(
      number: UInt64(position) + 1, kind: record.kind, key: record.key,
      debit: accounts[Int(record.debit)].id, credit: accounts[Int(record.credit)].id,
      amount: record.amount, settled: record.settled, state: record.state,
      reference: record.reference,
      deadline: record.kind == .hold ? LogTime(nanoseconds: record.extra) : .never,
      index: LogIndex(record.index), time: LogTime(nanoseconds: record.time), note: record.note,
      code: record.code)
  }

  /// The sums of all accounts as they are now.
  ///
  /// - Complexity: O(accounts × currencies).
  public func audit() -> LedgerAudit {
    Ledger.audit(accounts, transfers: UInt64(transfers.count))
  }

  /// The sums of all accounts as they were after an entry.
  ///
  /// - Throws: `HistoryForgotten` if transfers since then are.
  /// - Complexity: O(accounts × currencies + transfers since).
  public func audit(at index: LogIndex) throws(HistoryForgotten) -> LedgerAudit {
    guard index >= historyFrom else { throw forgotten }
    var accounts = accounts
    var count = transfers.count
    while count > transfers.first, transfers[count - 1].index > index.rawValue {
      count -= 1
      Ledger.takeBack(transfers[count], from: &accounts)
    }
    // Accounts are in the order in which they were opened.
    while let last = accounts.last, last.opened > index { accounts.removeLast() }
    return Ledger.audit(accounts, transfers: UInt64(count))
  }

  private static func audit(_ accounts: [Account], transfers: UInt64) -> LedgerAudit {
    var sums: [CurrencySum] = []
    var newest = 0
    for account in accounts {
      if newest >= sums.count || sums[newest].currency != account.currency {
        newest = sums.firstIndex { $0.currency == account.currency } ?? sums.count
        if newest == sums.count { sums.append(CurrencySum(currency: account.currency)) }
      }
      sums[newest].accounts += 1
      sums[newest].debits &+= account.postedDebits
      sums[newest].credits &+= account.postedCredits
      sums[newest].pendingDebits &+= account.pendingDebits
      sums[newest].pendingCredits &+= account.pendingCredits
    }
    sums.sort { $0.currency < $1.currency }
    return LedgerAudit(transfers: transfers, currencies: sums)
  }
}

#if Server
// Accounts and transfers as clients ask for them, before anybody has looked whether they can be.
// Each surface fills in the form from what it reads; what is wrong with it is told in the same
// words on all of them.

import Raft
import RaftInterface
import RaftMachines

/// An account that somebody wants opened.
package struct AccountForm: Sendable {
  package var id: String?
  package var currency: String?
  package var digits: UInt64?
  package var overdraft: UInt64 = 0
  package var ceiling: UInt64 = AccountLimits.unlimited
  package var code: UInt64 = 0

  package init() {}

  /// The opening itself.
  ///
  /// - Throws: a ruling that names the first field that is wrong.
  package func opening() throws(Ruling) -> AccountOpening {
    guard let id else { throw LedgerText.problem("id", "id is missing") }
    let letters = currency ?? Amount.noCurrency
    guard (1...3).contains(letters.utf8.count),
      letters.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else {
      throw LedgerText.problem("currency", "a currency is one to three letters")
    }
    let digits = digits ?? 2
    guard digits <= 18 else { throw LedgerText.problem("digits", "digits is 0 to 18") }
    guard let note = UInt32(exactly: code) else {
      throw LedgerText.problem("code", "code has 32 bits")
    }
    return AccountOpening(
      try LedgerText.account(id, "id"), Currency(letters, digits: UInt8(digits)),
      limits: AccountLimits(overdraft: overdraft, ceiling: ceiling), code: note)
  }
}

/// A transfer that somebody wants made.
package struct TransferForm: Sendable {
  package var kind = TransferKind.transfer
  package var from: String?
  package var to: String?
  package var amount: UInt64?
  package var key: String?
  /// What it is about, by its number.
  package var of: UInt64?
  /// What it is about, by its key.
  package var ofKey: String?
  package var timeoutMilliseconds: UInt64 = 0
  package var note: UInt64 = 0
  package var code: UInt64 = 0
  package var isLinked = false
  package var keepsRest = false

  package init() {}

  /// The transfer itself.
  ///
  /// - Throws: a ruling that names the first field that is wrong.
  package func transfer() throws(Ruling) -> Transfer {
    var transfer = Transfer(kind, of: try reference)
    transfer.amount = amount ?? 0
    if let from { transfer.debit = try LedgerText.account(from, "from") }
    if let to { transfer.credit = try LedgerText.account(to, "to") }
    if kind == .transfer || kind == .hold {
      for (field, id) in [("from", transfer.debit), ("to", transfer.credit)] where id == .none {
        throw LedgerText.problem(field, "\(field) is missing")
      }
      guard amount != nil else { throw LedgerText.problem("amount", "amount is missing") }
    } else if transfer.reference == .none {
      throw LedgerText.problem("of", "say of what: a number in \"of\" or a key in \"ofKey\"")
    }
    if let key { transfer.key = try RequestRules.key(key) }
    let (timeout, overflow) = timeoutMilliseconds.multipliedReportingOverflow(by: 1_000_000)
    guard !overflow else { throw LedgerText.problem("timeoutMs", "timeoutMs is too large") }
    transfer.timeout = timeout
    transfer.note = note
    guard let code = UInt16(exactly: code) else {
      throw LedgerText.problem("code", "code has 16 bits")
    }
    transfer.code = code
    transfer.isLinked = isLinked
    transfer.keepsRest = keepsRest
    return transfer
  }

  private var reference: TransferReference {
    get throws(Ruling) {
      if let of {
        guard ofKey == nil else { throw LedgerText.problem("of", "say of or ofKey, not both") }
        return .number(of)
      }
      guard let ofKey else { return .none }
      return .key(try RequestRules.key(ofKey))
    }
  }
}
#endif

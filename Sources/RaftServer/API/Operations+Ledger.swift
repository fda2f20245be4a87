#if Server
// What can be done with the ledger, on values.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

/// What became of one transfer of a batch.
package struct TransferResult: Sendable {
  package var ruling: Ruling
  /// Its number, if it was made now or before.
  package var number: UInt64?
}

extension API {
  /// Opens accounts.
  ///
  /// - Returns: what became of each, in their order, and of all of them as one write.
  package func open(
    _ openings: [AccountOpening], _ terms: WriteTerms
  ) async throws(Ruling) -> (rulings: [Ruling], applied: Ruling) {
    guard RequestRules.batch.contains(openings.count) else {
      throw Ruling(.badRequest, reason: "accounts", "a request opens 1 to 8190 accounts")
    }
    let (result, applied) = try await apply(.ledger(.open(openings)), terms)
    guard case .accounts(let outcomes) = result.ledger, outcomes.count == openings.count else {
      throw API.confusion
    }
    let rulings = zip(openings, outcomes).map { LedgerText.ruling($1, $0.id, applied) }
    return (rulings, applied)
  }

  /// Makes one transfer.
  ///
  /// - Throws: what the client is told, if it was not made.
  package func submit(
    _ transfer: Transfer, _ terms: WriteTerms
  ) async throws(Ruling) -> TransferResult {
    guard !transfer.isLinked else {
      throw Ruling(.badRequest, reason: "linked", "linked transfers go in one batch")
    }
    let (result, applied) = try await apply(
      .ledger(.transfers([transfer])), terms, key: transfer.key)
    guard case .transfers(let outcomes) = result.ledger, let outcome = outcomes.first else {
      throw API.confusion
    }
    let ruling = LedgerText.ruling(outcome, transfer, applied)
    guard ruling.outcome.isDone ?? true else { throw ruling }
    return TransferResult(ruling: ruling, number: LedgerText.number(outcome))
  }

  /// Makes transfers in their order.
  ///
  /// - Returns: what became of each, in their order, and of all of them as one write.
  package func submit(
    batch transfers: [Transfer], _ terms: WriteTerms
  ) async throws(Ruling) -> (results: [TransferResult], applied: Ruling) {
    guard RequestRules.batch.contains(transfers.count) else {
      throw Ruling(.badRequest, reason: "transfers", "a batch has 1 to 8190 transfers")
    }
    let (result, applied) = try await apply(.ledger(.transfers(transfers)), terms)
    guard case .transfers(let outcomes) = result.ledger, outcomes.count == transfers.count else {
      throw API.confusion
    }
    let results = zip(transfers, outcomes).map { transfer, outcome in
      TransferResult(
        ruling: LedgerText.ruling(outcome, transfer, applied), number: LedgerText.number(outcome))
    }
    return (results, applied)
  }

  private func askLedger(
    _ query: Ledger.Query, _ terms: ReadTerms
  ) async throws(Ruling) -> (answer: Ledger.Answer, freshness: Freshness) {
    let (answer, freshness) = try await ask(.ledger(query), terms)
    guard let found = answer.ledger else { throw API.confusion }
    if case .forgotten(let forgotten) = found {
      throw Ruling(.notFound, reason: "historyForgotten", forgotten.description)
    }
    return (found, freshness)
  }

  /// An account, now or as it was after an entry.
  package func account(
    _ id: AccountID, at index: UInt64?, _ terms: ReadTerms
  ) async throws(Ruling) -> (account: Account, freshness: Freshness) {
    let query = index.map { Ledger.Query.accountAt(id, LogIndex($0)) } ?? .account(id)
    let (answer, freshness) = try await askLedger(query, terms)
    guard case .account(let account) = answer else { throw API.confusion }
    guard let account else {
      throw Ruling(.notFound, "there is no account \(id.description)")
    }
    return (account, freshness)
  }

  /// Accounts in the order in which they were opened, behind the first so many.
  package func accounts(
    after: UInt64, limit: Int, _ terms: ReadTerms
  ) async throws(Ruling) -> (accounts: [Account], count: UInt64, freshness: Freshness) {
    let (answer, freshness) = try await askLedger(.accounts(after: after, limit: limit), terms)
    guard case .accounts(let accounts, let count) = answer else { throw API.confusion }
    return (accounts, count, freshness)
  }

  /// Transfers before a number (0: from the newest on), newest first.
  ///
  /// - Parameter account: only those of this one.
  package func transfers(
    of account: AccountID?, before: UInt64, limit: Int, _ terms: ReadTerms
  ) async throws(Ruling) -> (transfers: [TransferView], freshness: Freshness) {
    let query =
      account.map { Ledger.Query.history($0, before: before, limit: limit) }
      ?? .recent(before: before, limit: limit)
    let (answer, freshness) = try await askLedger(query, terms)
    guard case .history(let transfers) = answer else { throw API.confusion }
    return (transfers, freshness)
  }

  /// The transfer with this number.
  package func transfer(
    number: UInt64, _ terms: ReadTerms
  ) async throws(Ruling) -> (transfer: TransferView, freshness: Freshness) {
    guard number > 0 else {
      throw Ruling(.badRequest, reason: "number", "transfers are numbered from 1 on")
    }
    return try await transfer(.transfer(number), terms)
  }

  /// The transfer that was made with this key.
  package func transfer(
    key: TransferKey, _ terms: ReadTerms
  ) async throws(Ruling) -> (transfer: TransferView, freshness: Freshness) {
    try await transfer(.transferOfKey(key), terms)
  }

  private func transfer(
    _ query: Ledger.Query, _ terms: ReadTerms
  ) async throws(Ruling) -> (transfer: TransferView, freshness: Freshness) {
    let (answer, freshness) = try await askLedger(query, terms)
    guard case .transfer(let transfer) = answer else { throw API.confusion }
    guard let transfer else { throw Ruling(.notFound, "there is no such transfer") }
    return (transfer, freshness)
  }

  /// The sums of all accounts, now or as they were after an entry.
  package func audit(
    at index: UInt64?, _ terms: ReadTerms
  ) async throws(Ruling) -> (audit: LedgerAudit, freshness: Freshness) {
    let query = index.map { Ledger.Query.auditAt(LogIndex($0)) } ?? .audit
    let (answer, freshness) = try await askLedger(query, terms)
    guard case .audit(let audit) = answer else { throw API.confusion }
    return (audit, freshness)
  }

  /// The transfers behind a number in the order in which they were made, as this node has them.
  ///
  /// - Parameter limit: how many are looked at.
  package func transfers(
    after number: UInt64, limit: UInt64 = 256
  ) async throws(Ruling) -> [TransferView] {
    guard number < UInt64.max - limit - 1 else { return [] }
    let (found, _) = try await transfers(
      of: nil, before: number + limit + 1, limit: Int(limit),
      ReadTerms(timeout: .seconds(1), kind: .stale))
    let new = found.reversed().filter { $0.number > number }
    // They are numbered without a gap.
    guard let first = new.first, first.number > number + 1 else { return new }
    throw Ruling(
      .notFound, reason: "historyForgotten",
      "the transfers before number \(first.number) are forgotten")
  }
}
#endif

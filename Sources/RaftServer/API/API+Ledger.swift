#if Server
// Accounts and transfers.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

extension API {
  func ledger(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    guard request.path.count >= 3 else { throw API.nothingHere(request) }
    switch (request.path[2], request.path.count) {
    case ("accounts", 3) where request.method == "GET":
      try access.check(request, .reader)
      return try await accounts(request)
    case ("accounts", 3):
      try access.check(request, .writer)
      guard request.method == "POST" else { throw API.wrongMethod(request, "GET, POST") }
      return try await open(request)
    case ("accounts", 4):
      try access.check(request, .reader)
      guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
      return try await account(try LedgerText.account(request.text(at: 3), "path"), request)
    case ("accounts", 5) where request.path[4] == "history":
      try access.check(request, .reader)
      guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
      return try await history(try LedgerText.account(request.text(at: 3), "path"), request)
    case ("transfers", 3) where request.method == "POST":
      try access.check(request, .writer)
      return try await transfer(request)
    case ("transfers", 3) where request.method == "GET":
      try access.check(request, .reader)
      guard let text = request.parameter("key") else { return try await recent(request) }
      return try await transfer(.transferOfKey(try APIRequest.key(text)), request)
    case ("transfers", 4) where request.path[3] == "batch":
      try access.check(request, .writer)
      guard request.method == "POST" else { throw API.wrongMethod(request, "POST") }
      return try await batch(request)
    case ("transfers", 4):
      try access.check(request, .reader)
      guard let number = UInt64(request.path[3]), number > 0, request.method == "GET" else {
        throw Ruling(.badRequest, reason: "number", "GET a transfer by its number, from 1 on")
      }
      return try await transfer(.transfer(number), request)
    case ("audit", 3):
      try access.check(request, .reader)
      guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
      return try await audit(request)
    case ("extract", 3):
      try access.check(request, .reader)
      guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
      return try await extract(request)
    default: throw API.nothingHere(request)
    }
  }

  // MARK: Accounts

  private func open(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let document = try request.document()
    let list = document["accounts"]?.array ?? [document]
    guard (1...8_190).contains(list.count) else {
      throw Ruling(.badRequest, reason: "accounts", "a request opens 1 to 8190 accounts")
    }
    var openings: [AccountOpening] = []
    for entry in list { openings.append(try LedgerText.opening(entry)) }
    let (result, ruling) = try await apply(.ledger(.open(openings)), request)
    guard case .accounts(let outcomes) = result.ledger, outcomes.count == openings.count else {
      throw API.confusion
    }
    if outcomes.count == 1 {
      let ruling = LedgerText.ruling(outcomes[0], openings[0].id, ruling)
      guard ruling.outcome.isDone ?? true else { throw ruling }
      return done(
        "account-opened", ruling, status: 201,
        [.init("account", .string(openings[0].id.description))])
    }
    var results: [JSONValue] = []
    for (opening, outcome) in zip(openings, outcomes) {
      results.append(
        .object(
          [.init("account", .string(opening.id.description))]
            + LedgerText.ruling(outcome, opening.id, ruling).members))
    }
    return done("accounts-opened", ruling, [.init("results", .array(results))])
  }

  private func account(
    _ id: AccountID, _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    let query: Ledger.Query
    if let index = try request.number("at") {
      query = .accountAt(id, LogIndex(index))
    } else {
      query = .account(id)
    }
    let (answer, freshness) = try await ask(.ledger(query), request)
    switch answer.ledger {
    case .account(let account?):
      return .json(
        .object(
          [
            .init("schema", .string("flotilla/account/1")),
            .init("index", .text(freshness.index.rawValue)),
          ] + LedgerText.members(account)), headers: headers(freshness, request))
    case .account(nil): throw Ruling(.notFound, "there is no account \(id.description)")
    case .forgotten(let forgotten):
      throw Ruling(.notFound, reason: "historyForgotten", forgotten.description)
    case .transfer, .history, .accounts, .audit, nil: throw API.confusion
    }
  }

  private func accounts(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let limit = try request.limit(100, at: 10_000)
    let after = try request.number("after") ?? 0
    let (answer, freshness) = try await ask(
      .ledger(.accounts(after: after, limit: limit)), request)
    guard case .accounts(let accounts, let count) = answer.ledger else { throw API.confusion }
    let next = min(after, count) + UInt64(accounts.count)
    return .json(
      .object([
        .init("schema", .string("flotilla/accounts/1")),
        .init("index", .text(freshness.index.rawValue)), .init("count", .text(count)),
        .init("next", .text(next)), .init("isComplete", .bool(next == count)),
        .init("accounts", .array(accounts.map { .object(LedgerText.members($0)) })),
      ]), headers: headers(freshness, request))
  }

  private func history(
    _ id: AccountID, _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    let limit = try request.limit(100, at: 10_000)
    let before = try request.number("before") ?? 0
    let (answer, freshness) = try await ask(
      .ledger(.history(id, before: before, limit: limit)), request)
    switch answer.ledger {
    case .history(let transfers):
      return .json(
        .object([
          .init("schema", .string("flotilla/account-history/1")),
          .init("index", .text(freshness.index.rawValue)),
          .init("account", .string(id.description)),
          .init("isComplete", .bool(transfers.count < limit)),
          .init("transfers", .array(transfers.map { .object(LedgerText.members($0)) })),
        ]), headers: headers(freshness, request))
    case .forgotten(let forgotten):
      throw Ruling(.notFound, reason: "historyForgotten", forgotten.description)
    case .account, .transfer, .accounts, .audit, nil: throw API.confusion
    }
  }

  /// All transfers, the newest first; with `stamps` also when each was, by the log's clocks.
  private func recent(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let wantsStamps = request.parameter("stamps").map { $0 != "false" } ?? false
    let limit = try request.limit(wantsStamps ? 20 : 100, at: wantsStamps ? 100 : 10_000)
    let before = try request.number("before") ?? 0
    let (answer, freshness) = try await ask(
      .ledger(.recent(before: before, limit: limit)), request)
    switch answer.ledger {
    case .history(let transfers):
      var list: [JSONValue] = []
      for transfer in transfers {
        var members = LedgerText.members(transfer)
        if wantsStamps { members.append(.init("stamp", await stamp(at: transfer.index))) }
        list.append(.object(members))
      }
      return .json(
        .object([
          .init("schema", .string("flotilla/transfers/1")),
          .init("index", .text(freshness.index.rawValue)),
          .init("isComplete", .bool(transfers.count < limit)), .init("transfers", .array(list)),
        ]), headers: headers(freshness, request))
    case .forgotten(let forgotten):
      throw Ruling(.notFound, reason: "historyForgotten", forgotten.description)
    case .account, .transfer, .accounts, .audit, nil: throw API.confusion
    }
  }

  private func audit(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let query: Ledger.Query
    if let index = try request.number("at") {
      query = .auditAt(LogIndex(index))
    } else {
      query = .audit
    }
    let (answer, freshness) = try await ask(.ledger(query), request)
    switch answer.ledger {
    case .audit(let audit):
      return .json(
        .object([
          .init("schema", .string("flotilla/ledger-audit/1")),
          .init("index", .text(freshness.index.rawValue)),
          .init("isBalanced", .bool(audit.isBalanced)),
          .init("transfers", .text(audit.transfers)),
          .init("currencies", .array(audit.currencies.map { .object(LedgerText.members($0)) })),
        ]), headers: headers(freshness, request))
    case .forgotten(let forgotten):
      throw Ruling(.notFound, reason: "historyForgotten", forgotten.description)
    case .account, .transfer, .history, .accounts, nil: throw API.confusion
    }
  }

  // MARK: Transfers

  private func transfer(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    var transfer = try LedgerText.transfer(try request.document())
    guard !transfer.isLinked else {
      throw Ruling(.badRequest, reason: "linked", "linked transfers go in one batch")
    }
    if let key = try request.key() {
      guard transfer.key == .none || transfer.key == key else {
        throw Ruling(.badRequest, reason: "key", "Idempotency-Key and key are not the same")
      }
      transfer.key = key
    }
    let (result, applied) = try await apply(
      .ledger(.transfers([transfer])), request, key: transfer.key)
    guard case .transfers(let outcomes) = result.ledger, let outcome = outcomes.first else {
      throw API.confusion
    }
    let ruling = LedgerText.ruling(outcome, transfer, applied)
    guard ruling.outcome.isDone ?? true else { throw ruling }
    return done("transfer-done", ruling, LedgerText.number(outcome))
  }

  private func batch(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    guard let list = try request.document()["transfers"]?.array,
      (1...8_190).contains(list.count)
    else {
      throw Ruling(
        .badRequest, reason: "transfers", "\"transfers\" is an array of 1 to 8190 transfers")
    }
    var transfers: [Transfer] = []
    for entry in list { transfers.append(try LedgerText.transfer(entry)) }
    let (result, ruling) = try await apply(.ledger(.transfers(transfers)), request)
    guard case .transfers(let outcomes) = result.ledger, outcomes.count == transfers.count else {
      throw API.confusion
    }
    var results: [JSONValue] = []
    for (transfer, outcome) in zip(transfers, outcomes) {
      let one = LedgerText.ruling(outcome, transfer, ruling)
      results.append(
        .object(
          one.members + [.init("detail", .string(one.detail))] + LedgerText.number(outcome)))
    }
    return done("transfers-done", ruling, [.init("results", .array(results))])
  }

  private func transfer(
    _ query: Ledger.Query, _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    let (answer, freshness) = try await ask(.ledger(query), request)
    switch answer.ledger {
    case .transfer(let transfer?):
      return .json(
        .object(
          [
            .init("schema", .string("flotilla/transfer/1")),
            .init("asOf", .text(freshness.index.rawValue)),
          ] + LedgerText.members(transfer)), headers: headers(freshness, request))
    case .transfer(nil): throw Ruling(.notFound, "there is no such transfer")
    case .forgotten(let forgotten):
      throw Ruling(.notFound, reason: "historyForgotten", forgotten.description)
    case .account, .history, .accounts, .audit, nil: throw API.confusion
    }
  }
}
#endif

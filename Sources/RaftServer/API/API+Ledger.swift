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
      let key = try RequestRules.key(text)
      return response(try await transfer(key: key, try request.readTerms()), request)
    case ("transfers", 4) where request.path[3] == "batch":
      try access.check(request, .writer)
      guard request.method == "POST" else { throw API.wrongMethod(request, "POST") }
      return try await batch(request)
    case ("transfers", 4):
      try access.check(request, .reader)
      guard let number = UInt64(request.path[3]), number > 0, request.method == "GET" else {
        throw Ruling(.badRequest, reason: "number", "GET a transfer by its number, from 1 on")
      }
      return response(try await transfer(number: number, try request.readTerms()), request)
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
    var openings: [AccountOpening] = []
    for entry in list { openings.append(try LedgerText.opening(entry)) }
    let (rulings, applied) = try await open(openings, try request.writeTerms())
    if let ruling = rulings.first, rulings.count == 1 {
      guard ruling.outcome.isDone ?? true else { throw ruling }
      return done(
        "account-opened", ruling, status: 201,
        [.init("account", .string(openings[0].id.description))])
    }
    let results = zip(openings, rulings).map { opening, ruling in
      JSONValue.object([.init("account", .string(opening.id.description))] + ruling.members)
    }
    return done("accounts-opened", applied, [.init("results", .array(results))])
  }

  private func account(
    _ id: AccountID, _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    let (account, freshness) = try await account(
      id, at: try request.number("at"), try request.readTerms())
    return .json(
      .object(
        [
          .init("schema", .string("flotilla/account/1")),
          .init("index", .text(freshness.index.rawValue)),
        ] + LedgerText.members(account)), headers: headers(freshness, request))
  }

  private func accounts(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let limit = try request.limit(100, at: 10_000)
    let after = try request.number("after") ?? 0
    let (accounts, count, freshness) = try await accounts(
      after: after, limit: limit, try request.readTerms())
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
    let (transfers, freshness) = try await transfers(
      of: id, before: try request.number("before") ?? 0, limit: limit, try request.readTerms())
    return .json(
      .object([
        .init("schema", .string("flotilla/account-history/1")),
        .init("index", .text(freshness.index.rawValue)),
        .init("account", .string(id.description)),
        .init("isComplete", .bool(transfers.count < limit)),
        .init("transfers", .array(transfers.map { .object(LedgerText.members($0)) })),
      ]), headers: headers(freshness, request))
  }

  /// All transfers, the newest first; with `stamps` also when each was, by the log's clocks.
  private func recent(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let wantsStamps = request.parameter("stamps").map { $0 != "false" } ?? false
    let limit = try request.limit(wantsStamps ? 20 : 100, at: wantsStamps ? 100 : 10_000)
    let (transfers, freshness) = try await transfers(
      of: nil, before: try request.number("before") ?? 0, limit: limit, try request.readTerms())
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
  }

  private func audit(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let (audit, freshness) = try await audit(
      at: try request.number("at"), try request.readTerms())
    return .json(
      .object([
        .init("schema", .string("flotilla/ledger-audit/1")),
        .init("index", .text(freshness.index.rawValue)),
        .init("isBalanced", .bool(audit.isBalanced)),
        .init("transfers", .text(audit.transfers)),
        .init("currencies", .array(audit.currencies.map { .object(LedgerText.members($0)) })),
      ]), headers: headers(freshness, request))
  }

  // MARK: Transfers

  private func transfer(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    var transfer = try LedgerText.transfer(try request.document())
    if let key = try request.key() {
      guard transfer.key == .none || transfer.key == key else {
        throw Ruling(.badRequest, reason: "key", "Idempotency-Key and key are not the same")
      }
      transfer.key = key
    }
    let result = try await submit(transfer, try request.writeTerms())
    return done("transfer-done", result.ruling, API.members(result))
  }

  private func batch(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    guard let list = try request.document()["transfers"]?.array else {
      throw Ruling(
        .badRequest, reason: "transfers", "\"transfers\" is an array of 1 to 8190 transfers")
    }
    var transfers: [Transfer] = []
    for entry in list { transfers.append(try LedgerText.transfer(entry)) }
    let (outcomes, applied) = try await submit(batch: transfers, try request.writeTerms())
    let results = outcomes.map { one in
      JSONValue.object(
        one.ruling.members + [.init("detail", .string(one.ruling.detail))] + API.members(one))
    }
    return done("transfers-done", applied, [.init("results", .array(results))])
  }

  private static func members(_ result: TransferResult) -> [JSONValue.Member] {
    result.number.map { [.init("number", .text($0))] } ?? []
  }

  private func response(
    _ found: (transfer: TransferView, freshness: Freshness), _ request: APIRequest
  ) -> APIResponse {
    .json(
      .object(
        [
          .init("schema", .string("flotilla/transfer/1")),
          .init("asOf", .text(found.freshness.index.rawValue)),
        ] + LedgerText.members(found.transfer)), headers: headers(found.freshness, request))
  }
}
#endif

#if Server
// The ledger as rows, for copies of it outside of the cluster.

import Raft
import RaftInterface
import RaftMachines

extension API {
  /// The ledger as rows: all of it, what changed after an entry, or as it was after one.
  func extract(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    var wish = LedgerWish()
    wish.after = try request.number("after").map { LogIndex($0) }
    wish.term = try request.number("term").map { Term($0) }
    wish.at = try request.number("at").map { LogIndex($0) }
    guard wish.after == nil || wish.at == nil else {
      throw Ruling(.badRequest, reason: "at", "after and at are not possible together")
    }
    // Nobody's account: what is wanted is the place in the log that the rows must have reached.
    let (_, freshness) = try await ask(
      .ledger(.account(.none)), try request.readTerms())
    guard let offer = await service.ledger(wish) else {
      throw Ruling(.unavailable, reason: "ledger", "this node has no ledger to give")
    }
    let known: [(name: String, value: String)] =
      [("content-type", "application/octet-stream")] + headers(freshness, request)
    switch offer {
    case .bytes(let bytes): return APIResponse(status: 200, headers: known, bytes: bytes)
    case .long(let extract):
      var response = APIResponse(status: 200, headers: known)
      response.body = .pieces { sink in
        var writer = LedgerExtractWriter(extract)
        while let part = writer.nextPart() { try await sink.write(part) }
      }
      return response
    case .forgotten(let forgotten):
      throw Ruling(.notFound, reason: "historyForgotten", forgotten.description)
    case .notYet(let newest):
      throw Ruling(
        .refused, reason: "notYet", "the newest entry here is \(newest.description)")
    case .otherLog(let term):
      throw Ruling(
        .refused, reason: "otherLog",
        "entry \(wish.after?.description ?? "?") is of term \(term.description) here: it is not the"
          + " log that was copied before")
    }
  }
}
#endif

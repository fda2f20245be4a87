#if Server
// Which of two entries could have known of the other.

import Raft
import RaftClocks
import RaftInterface

/// How two entries stand to each other, with their stamps.
package struct EntryCausality: Sendable {
  package var first: ClockStamp?
  package var second: ClockStamp?
  /// `nil` if it cannot be told: a stamp is not kept any more, or names none of the same nodes.
  package var relation: Causality?

  package init(first: ClockStamp?, second: ClockStamp?, relation: Causality?) {
    self.first = first
    self.second = second
    self.relation = relation
  }
}

extension API {
  /// `GET /v1/causality?first=INDEX&second=INDEX`, answered by the node that is asked.
  func causality(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    try access.check(request, .reader)
    guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
    guard let first = try request.number("first"), let second = try request.number("second") else {
      throw Ruling(
        .badRequest, reason: "first", "say which entries: ?first=INDEX&second=INDEX")
    }
    let found = await service.causality(LogIndex(first), LogIndex(second))
    for (index, stamp) in [(first, found.first), (second, found.second)] where stamp == nil {
      throw Ruling(
        .notFound, reason: "noStamp",
        "\(facts.node.description) has no stamp of entry \(index): it is no request, is not here"
          + " yet, or is forgotten")
    }
    return .json(
      .object([
        .init("schema", .string("flotilla/causality/1")), .init("outcome", .string("ok")),
        .init("relation", found.relation.map { .string($0.description) } ?? .null),
        .init("first", API.entry(first, found.first)),
        .init("second", API.entry(second, found.second)),
      ]), headers: [("flotilla-node", facts.node.description)])
  }

  /// When an entry was, by the log's clocks; `null` if this node has no stamp of it.
  func stamp(at index: LogIndex) async -> JSONValue {
    API.entry(index.rawValue, await service.causality(index, index).first)
  }

  private static func entry(_ index: UInt64, _ stamp: ClockStamp?) -> JSONValue {
    guard let stamp else { return .null }
    let vector = stamp.vector.components.map { component in
      JSONValue.object([
        .init("node", .string("n\(component.process)")), .init("count", .text(component.count)),
      ])
    }
    return .object([
      .init("index", .text(index)), .init("lamport", .text(stamp.lamport.rawValue)),
      .init("hybridNs", .text(stamp.hybrid.nanoseconds)),
      .init("logical", .text(stamp.hybrid.logical)), .init("vector", .array(vector)),
    ])
  }
}
#endif

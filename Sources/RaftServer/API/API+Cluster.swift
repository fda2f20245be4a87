#if Server
// What operators look at and do.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

extension API {
  func cluster(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let isReading = request.method == "GET"
    try access.check(request, isReading ? .reader : .operator)
    switch (request.method, request.path.count, request.path[1]) {
    case ("GET", 2, "status"): return .json(status(await service.report()))
    case ("GET", 2, "members"): return .json(members(await service.report()))
    case ("POST", 2, "members"): return try await changeMembers(request)
    case ("GET", 2, "leader"):
      let (leader, term) = try await leader()
      return .json(
        .object([
          .init("schema", .string("flotilla/leader/1")), .init("outcome", .string("ok")),
          .init("leader", .string(leader.description)), .init("term", .text(term)),
          .init("address", address(leader)),
        ]))
    case ("POST", 3, "leader") where request.path[2] == "transfer":
      return try await transferLeadership(request)
    case ("POST", 2, "snapshot"):
      return done("snapshot", try await takeSnapshot(try request.timeout()))
    default: throw API.nothingHere(request)
    }
  }

  private func address(_ node: NodeID) -> JSONValue {
    httpAddress(of: node).map { .string($0) } ?? .null
  }

  private static func text(_ number: UInt64?) -> JSONValue { number.map { .text($0) } ?? .null }

  private static func names(_ nodes: [NodeID]) -> JSONValue {
    .array(nodes.map { .string($0.description) })
  }

  /// A node by its name, `n2` or `2`.
  static func node(_ text: String) throws(Ruling) -> NodeID { try NodeID(named: text) }

  /// What this node knows, whoever leads, and how old it is.
  func status(_ report: ReplicaReport) -> JSONValue {
    let peers = report.peers.map { peer in
      JSONValue.object([
        .init("node", .string(peer.node.description)), .init("address", address(peer.node)),
        .init("isReachable", .bool(peer.isReachable)),
        .init("matchIndex", API.text(peer.matchIndex)),
        .init(
          "behind",
          API.text(peer.matchIndex.map { report.lastIndex > $0 ? report.lastIndex - $0 : 0 })),
        .init("lastHeardMs", API.text(peer.lastHeardMilliseconds)),
        .init("roundTripUs", API.text(peer.roundTripMicroseconds)),
        .init(
          "clockOffsetUs", peer.clockOffsetMicroseconds.map { .text($0) } ?? .null),
      ])
    }
    return .object([
      .init("schema", .string("flotilla/status/1")), .init("outcome", .string("ok")),
      .init("cluster", .string(facts.cluster)), .init("node", .string(facts.node.description)),
      .init("version", .string(facts.version)), .init("isInsecure", .bool(facts.isInsecure)),
      .init("isVolatile", .bool(facts.isVolatile)),
      .init("role", .string(report.role)), .init("term", .text(report.term)),
      .init("leader", report.leader.map { .string($0.description) } ?? .null),
      .init("firstIndex", .text(report.firstIndex)), .init("lastIndex", .text(report.lastIndex)),
      .init("commitIndex", .text(report.commitIndex)),
      .init("appliedIndex", .text(report.appliedIndex)),
      .init("durableIndex", .text(report.durableIndex)),
      .init("voters", API.names(report.membership.voters)),
      .init("outgoing", API.names(report.membership.outgoing)),
      .init("learners", API.names(report.membership.learners)),
      .init("requestsUnderWay", .count(report.requestsUnderWay)),
      .init("isReady", .bool(report.isReady)), .init("isStopping", .bool(report.isStopping)),
      .init("isDraining", .bool(drain.isDraining)), .init("isSpaceLow", .bool(report.isSpaceLow)),
      .init("isOutUntilRepaired", .bool(report.isOut)),
      .init("failure", report.failure.map { .string($0) } ?? .null),
      .init("leaderContactMs", API.text(report.leaderContactMilliseconds)),
      .init("diskP50Us", API.text(report.diskP50Microseconds)),
      .init("diskP99Us", API.text(report.diskP99Microseconds)),
      .init("chaos", chaosSentences), .init("peers", .array(peers)),
    ])
  }

  /// What is wrong on purpose; `null` where nothing can be.
  private var chaosSentences: JSONValue {
    guard let chaos = service.chaos else { return .null }
    return .array(chaos.episodes.map { .string($0.fault.sentence(at: facts.node)) })
  }

  private func members(_ report: ReplicaReport) -> JSONValue {
    let membership = report.membership
    let list = membership.nodes.map { node in
      JSONValue.object([
        .init("node", .string(node.description)), .init("address", address(node)),
        .init("isVoter", .bool(membership.isVoter(node))),
        .init("isLearner", .bool(membership.isLearner(node))),
        .init("isLeader", .bool(node == report.leader)),
      ])
    }
    return .object([
      .init("schema", .string("flotilla/members/1")), .init("outcome", .string("ok")),
      .init("asKnownAt", .text(report.appliedIndex)),
      .init("by", .string(facts.node.description)),
      .init("isJoint", .bool(membership.isJoint)), .init("members", .array(list)),
    ])
  }

  private func changeMembers(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let document = try request.document()
    guard let members = document.object else {
      throw Ruling(.badRequest, reason: "json", "a change is an object")
    }
    var steps: [MembershipStep] = []
    for member in members where member.name != "schema" {
      guard let text = member.value.string else {
        throw Ruling(.badRequest, reason: member.name, "\(shortened(member.name)) is a node")
      }
      let node = try API.node(text)
      switch member.name {
      case "add": steps.append(.addLearner(node))
      case "promote": steps.append(.addVoter(node))
      case "demote": steps.append(.demote(node))
      case "remove": steps.append(.remove(node))
      default:
        throw Ruling(
          .badRequest, reason: "change",
          "\"\(shortened(member.name))\" is not add, promote, demote or remove")
      }
    }
    return done("members-changed", try await change(members: steps, try request.timeout()))
  }

  private func transferLeadership(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    var target: NodeID?
    if let text = request.parameter("to") { target = try API.node(text) }
    let (ruling, term) = try await transferLeadership(to: target, try request.timeout())
    return done("leader-transferred", ruling, [.init("term", .text(term))])
  }
}

extension NodeID {
  /// A node by its name, `n2` or `2`.
  ///
  /// - Throws: a ruling if it is none.
  init(named text: String) throws(Ruling) {
    let digits = text.hasPrefix("n") ? text.dropFirst() : text[...]
    guard let number = UInt64(digits), number > 0 else {
      throw Ruling(.badRequest, reason: "node", "\"\(shortened(text))\" is no node, such as n2")
    }
    self.init(number)
  }
}
#endif

#if Server
// Those who bring faults about: which node is told what.

import FlotillaTerminal
import Foundation
import Raft
import RaftClient
import RaftInterface

/// Something that one node is told.
package struct ChaosDeed: Hashable, Sendable {
  package var node: NodeID
  package var members: [JSONValue.Member]

  /// A fault at a node.
  package init(_ node: NodeID, _ fault: String, _ members: [JSONValue.Member] = []) {
    self.node = node
    self.members = [.init("fault", .string(fault))] + members
  }

  /// Nothing gets through between the nodes of two lists; with `isOneWay` only nothing from the
  /// first to the second.
  ///
  /// Both ends are told, so that neither takes the other for reachable.
  package static func cut(_ nodes: [NodeID], from others: [NodeID], isOneWay: Bool = false)
    -> [ChaosDeed]
  {
    func deed(_ node: NodeID, _ peers: [NodeID], _ direction: String) -> ChaosDeed {
      ChaosDeed(
        node, "block",
        [
          .init("peers", .array(peers.map { .string($0.description) })),
          .init("direction", .string(direction)),
        ])
    }
    guard !isOneWay else { return nodes.map { deed($0, others, "outgoing") } }
    return nodes.map { deed($0, others, "both") } + others.map { deed($0, nodes, "both") }
  }
}

extension ChaosDeed {
  /// How a node is told.
  package func call(for nanoseconds: UInt64, seed: UInt64? = nil) -> ClientCall {
    var members = members
    members.append(.init("for", .string(timeText(nanoseconds: nanoseconds))))
    if let seed { members.append(.init("seed", .text(seed))) }
    return ClientCall("POST", "/v1/chaos", body: Array(JSONValue.object(members).line.utf8))
  }
}

/// The nodes of a cluster that can be told, each by its name.
package struct ChaosCrew {
  package let client: FlotillaClient
  /// Who answers, in the order of their names.
  package private(set) var members: [(node: NodeID, address: String, isLeader: Bool)] = []
  /// Addresses where nobody answers, each with the reason.
  package private(set) var silent: [String] = []

  /// Asks everybody who they are.
  package init(_ client: FlotillaClient, _ addresses: [String]) async throws {
    self.client = client
    try await look(addresses)
    guard !members.isEmpty else {
      throw Failure(
        .unavailable, "no node answers: " + silent.joined(separator: "; "),
        hint: "flotilla status")
    }
  }

  /// Asks everybody again.
  package mutating func look(_ addresses: [String]) async throws {
    let view = await ClusterView(client, addresses)
    members = []
    silent = []
    let leader = view.leader?["node"]?.string
    for row in view.rows {
      guard let name = row.status?["node"]?.string, let number = UInt64(name.dropFirst()) else {
        silent.append("\(row.address): \(row.problem ?? "no answer")")
        continue
      }
      members.append((NodeID(number), row.address, name == leader))
    }
    members.sort { $0.node < $1.node }
  }

  /// Every node that answers.
  package var nodes: [NodeID] { members.map { $0.node } }

  /// Who leads, if it answers.
  package var leader: NodeID? { members.first { $0.isLeader }?.node }

  package func address(_ node: NodeID) -> String? { members.first { $0.node == node }?.address }

  /// Makes sure that all of these answer and allow faults, before anything is done to any.
  package func check(_ nodes: [NodeID]) async throws {
    for node in nodes {
      guard let address = address(node) else {
        throw Failure(
          .unavailable,
          "\(node.description) does not answer; known are "
            + self.nodes.map { $0.description }.joined(separator: ", "),
          hint: "flotilla status")
      }
      let answer = await client.ask(address, ClientCall("GET", "/v1/chaos"))
      guard answer.status != 200 else { continue }
      throw ChaosCrew.failure(answer)
    }
  }

  /// Tells a node.
  @discardableResult
  package func tell(
    _ deed: ChaosDeed, for nanoseconds: UInt64, seed: UInt64? = nil
  ) async throws -> JSONValue {
    try await ask(deed.node, deed.call(for: nanoseconds, seed: seed))
  }

  /// Asks one node, once.
  @discardableResult
  package func ask(_ node: NodeID, _ call: ClientCall) async throws -> JSONValue {
    guard let address = address(node) else {
      throw Failure(.unavailable, "\(node.description) does not answer", hint: "flotilla status")
    }
    let answer = await client.ask(address, call)
    guard answer.status == 200, let document = answer.document else {
      throw ChaosCrew.failure(answer)
    }
    return document
  }

  private static func failure(_ answer: ClientAnswer) -> Failure {
    let ruling = answer.ruling
    let code = ExitCode(rawValue: ruling.outcome.exitCode) ?? .internalError
    switch ruling.reason {
    case "chaosNotAllowed":
      return Failure(
        code, ruling.detail, hint: "flotilla node start --allow-chaos",
        "flotilla cluster up --allow-chaos, for a cluster on this machine")
    case "role", "noToken", "unknownToken":
      return Failure(
        code, ruling.detail, hint: "flotilla token create --name drill --role chaos",
        "--token SECRET or FLOTILLA_TOKEN")
    default: return Failure(code, ruling.detail.isEmpty ? ruling.outcome.rawValue : ruling.detail)
    }
  }
}
#endif

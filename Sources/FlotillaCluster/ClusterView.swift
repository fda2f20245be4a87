#if Server
// What the nodes of a cluster say of themselves, all asked at the same time.

import FlotillaTerminal
import RaftClient
import RaftInterface

/// What all nodes say, asked one by one.
package struct ClusterView {
  package struct Row {
    package var address: String
    package var status: JSONValue?
    package var problem: String?
    /// Its name, where that is known without its answer.
    package var name: String?

    package init(address: String, status: JSONValue?, problem: String?) {
      self.address = address
      self.status = status
      self.problem = problem
    }
  }

  package var rows: [Row] = []

  /// Nobody was asked.
  package init() {}

  /// Asks everybody at the same time.
  ///
  /// - Parameter limit: how long each is waited for.
  package init(
    _ client: FlotillaClient, _ addresses: [String], within limit: Duration = .seconds(2)
  ) async {
    await withTaskGroup(of: (Int, Row).self) { group in
      for (place, address) in addresses.enumerated() {
        group.addTask {
          let answer = await client.ask(
            address, ClientCall("GET", "/v1/status"), within: limit)
          guard answer.status == 200, let document = answer.document else {
            return (place, Row(address: address, status: nil, problem: answer.ruling.detail))
          }
          return (place, Row(address: address, status: document, problem: nil))
        }
      }
      var found: [(Int, Row)] = []
      for await row in group { found.append(row) }
      rows = found.sorted { $0.0 < $1.0 }.map { $0.1 }
    }
  }

  /// The leader of the newest term that anybody reports of itself.
  package var leader: JSONValue? {
    rows.compactMap { $0.status }.filter { $0["role"]?.string == "leader" }
      .max { ($0["term"]?.unsigned ?? 0) < ($1["term"]?.unsigned ?? 0) }
  }

  /// The node that listens there, as the others know it.
  package func node(at address: String) -> String? {
    for status in rows.compactMap({ $0.status }) {
      let peers = status["peers"]?.array ?? []
      if let peer = peers.first(where: { $0["address"]?.string == address }) {
        return peer["node"]?.string
      }
    }
    return nil
  }

  /// What is wrong, worst first; empty if nothing is.
  package var problems: [String] {
    var list: [String] = []
    let known = rows.compactMap { $0.status }
    guard !known.isEmpty else { return ["no node can be reached"] }
    if leader == nil { list.append("no node leads") }
    let voters = (leader ?? known[0])["voters"]?.array ?? []
    for status in known {
      for peer in status["peers"]?.array ?? [] {
        let offset = peer["clockOffsetUs"]?.signed.map { $0.magnitude } ?? 0
        guard offset >= 500_000, peer["isReachable"]?.bool ?? false else { continue }
        list.append(
          "the clocks of \(status["node"]?.string ?? "?") and \(peer["node"]?.string ?? "?") are"
            + " \(wallTime(seconds: Double(offset) / 1e6)) apart: one does not believe the other")
      }
    }
    let reached = known.filter { status in voters.contains { $0 == status["node"] } }
    if reached.count <= voters.count / 2 {
      list.append("only \(reached.count) of \(voters.count) voters answer: no quorum")
    }
    for row in rows where row.status == nil {
      let name = node(at: row.address).map { "\($0) at " } ?? ""
      list.append("\(name)\(row.address) does not answer: \(row.problem ?? "")")
    }
    for status in known {
      let name = status["node"]?.string ?? "?"
      if let failure = status["failure"]?.string { list.append("\(name): \(failure)") }
      if status["isSpaceLow"]?.bool ?? false { list.append("\(name): the disk is nearly full") }
      if status["isOutUntilRepaired"]?.bool ?? false {
        list.append("\(name): the journal is being repaired")
      }
    }
    return list
  }
}
#endif

#if Server
// What the nodes say of themselves, looked at again and again, and the document that tells it all.

import FlotillaCluster
import Foundation
import Raft
import RaftClient
import RaftInterface
import RaftServer

/// What was seen at the last look.
struct Looks: Sendable {
  var model = WatchModel()
  var view = ClusterView()
  /// Faults that are on, as nodes tell of them.
  var faults: [JSONValue] = []
  /// Nodes that were paused: they cannot say so. `end` is in milliseconds since 1970; looks through
  /// `after` may have seen the node before.
  var pauses: [NodeID: (end: UInt64, after: UInt64)] = [:]
  /// How many looks were begun, and which of them is the newest that is done.
  var begun: UInt64 = 0
  var done: UInt64 = 0
  /// The node whose word counts for the cluster as a whole.
  var asked: NodeID?
  /// The node that was asked before, which no longer answers.
  var movedFrom: NodeID?

  func status(of node: NodeID) -> JSONValue? {
    view.rows.compactMap { $0.status }.first { $0["node"]?.string == node.description }
  }

  /// Who leads, as the node that is asked knows it.
  var leader: NodeID? {
    let own = asked.flatMap { status(of: $0)?["leader"]?.string }
    let name = own ?? view.leader?["node"]?.string
    return name.flatMap { UInt64($0.dropFirst()) }.map { NodeID($0) }
  }
}

extension Supervisor {
  /// How long one node is waited for, so that one that is paused holds the others up no longer.
  private static let patience = Duration.milliseconds(900)

  /// Looks at all nodes until the task is cancelled.
  package func watch() async {
    while !Task.isCancelled {
      await look()
      try? await Task.sleep(for: running.isEmpty ? .milliseconds(500) : .milliseconds(200))
    }
  }

  func look() async {
    refresh()
    looks.begun += 1
    let number = looks.begun
    guard let cluster, let client else { return publish() }
    let active = running
    let addresses = cluster.config.nodes.filter { active.contains($0.id) }
      .map { $0.http.description }
    let seen = await ClusterView(client, addresses, within: Supervisor.patience)
    var view = ClusterView()
    view.rows = cluster.config.nodes.map { node in
      let address = node.http.description
      var row =
        seen.rows.first { $0.address == address }
        ?? ClusterView.Row(address: address, status: nil, problem: "it does not run")
      // Somebody else may listen there.
      if let status = row.status, status["node"]?.string != node.id.description {
        row.status = nil
        row.problem = "another node answers there"
      }
      row.name = node.id.description
      return row
    }
    let faults = await listFaults(view, client)
    // Meanwhile the cluster may have been deleted, or somebody else may have looked later.
    guard self.cluster != nil, number > looks.done else { return }
    looks.done = number
    let wasQuiet = looks.model.nodes.allSatisfy { $0.role == nil }
    looks.view = view
    looks.faults = faults + pauses(view, number)
    let isQuiet = view.rows.allSatisfy { $0.status == nil }
    if !isQuiet || !wasQuiet {
      for event in looks.model.take(view, at: Supervisor.now) { feed.add(event) }
    }
    chooseWhomToAsk(active)
    publish()
  }

  /// Stays with the node that was asked for as long as it answers; then goes on with another, and
  /// says with which.
  private func chooseWhomToAsk(_ active: [NodeID]) {
    let answering = nodes.filter { looks.status(of: $0) != nil }
    if let old = looks.movedFrom, answering.contains(old) { looks.movedFrom = nil }
    if let asked = looks.asked, answering.contains(asked) { return }
    guard !active.isEmpty else {
      looks.asked = nil
      looks.movedFrom = nil
      return
    }
    let leading = answering.first { looks.status(of: $0)?["role"]?.string == "leader" }
    guard let next = leading ?? answering.first else { return }
    if let old = looks.asked {
      looks.movedFrom = old
      tell(
        "moved", next,
        "\(old.description) does not answer: the console asks \(next.description) now")
    }
    looks.asked = next
  }

  /// What is wrong on purpose at nodes that answer.
  private func listFaults(_ view: ClusterView, _ client: FlotillaClient) async -> [JSONValue] {
    let places = view.rows.filter { row in
      !(row.status?["chaos"]?.array ?? []).isEmpty
    }
    return await withTaskGroup(of: [JSONValue].self) { group in
      for row in places {
        group.addTask {
          let answer = await client.ask(
            row.address, ClientCall("GET", "/v1/chaos"), within: Supervisor.patience)
          let faults = answer.document?["faults"]?.array ?? []
          return faults.map { fault in
            .object(
              [.init("node", row.name.map { .string($0) } ?? .null)] + (fault.object ?? []))
          }
        }
      }
      var found: [JSONValue] = []
      for await list in group { found += list }
      return found.sorted { ($0["node"]?.string ?? "") < ($1["node"]?.string ?? "") }
    }
  }

  /// Pauses of nodes that do not answer.
  private func pauses(_ view: ClusterView, _ look: UInt64) -> [JSONValue] {
    let now = Supervisor.now
    for (node, pause) in looks.pauses {
      let answers = view.rows.contains { $0.name == node.description && $0.status != nil }
      let isOver = answers && look > pause.after || !state(node).isActive
      if isOver || pause.end <= now { looks.pauses[node] = nil }
    }
    return looks.pauses.sorted { $0.key < $1.key }.map { node, pause in
      .object([
        .init("node", .string(node.description)), .init("id", .string("pause")),
        .init("says", .string("\(node.description) does nothing")),
        .init("leftMs", .text(pause.end - now)),
      ])
    }
  }

  // MARK: The document

  /// Tells everybody the newest state.
  func publish() { feed.publish(document()) }

  /// The state of the cluster and of each node.
  package func document() -> JSONValue {
    func text(_ node: NodeID?) -> JSONValue { node.map { .string($0.description) } ?? .null }
    let asked = looks.asked.flatMap { looks.status(of: $0) }
    return .object([
      .init("schema", .string("flotilla/console/1")), .init("outcome", .string("ok")),
      .init("folder", .string(settings.folder)), .init("isMade", .bool(cluster != nil)),
      .init("problem", problem.map { .string($0) } ?? .null),
      .init("cluster", .string(cluster?.config.cluster ?? settings.name)),
      .init("usualNodes", .count(settings.nodes)),
      .init("asked", text(looks.asked)), .init("movedFrom", text(looks.movedFrom)),
      .init("leader", text(running.isEmpty ? nil : looks.leader)),
      .init("term", asked?["term"] ?? .null), .init("voters", asked?["voters"] ?? .array([])),
      .init("nodes", .array(nodes.map { document(of: $0) })),
      .init("faults", .array(looks.faults)), .init("commands", commands),
    ])
  }

  private var commands: JSONValue {
    .object([
      .init(
        "start",
        .string(
          cluster == nil
            ? equivalents.up(
              nodes: settings.nodes, firstPort: settings.firstPort, name: settings.name)
            : equivalents.up())),
      .init("stop", .string(equivalents.down)), .init("heal", .string(equivalents.heal)),
      .init("status", .string(equivalents.status)), .init("events", .string(equivalents.events)),
    ])
  }

  /// The state of one node.
  package func document(of node: NodeID) -> JSONValue {
    let process = state(node)
    let config = config(of: node)
    let row = looks.view.rows.first { $0.name == node.description }
    let status = process.isActive ? row?.status : nil
    var ending: JSONValue = .null
    if case .failed(let how) = process { ending = .string(how.words) }
    let problem = process.isActive && status == nil ? row?.problem : nil
    let remarks = row.map { WatchedNode($0, name: node.description).remarks } ?? []
    func address(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    var members: [JSONValue.Member] = [
      .init("node", .string(node.description)), .init("process", .string(process.word)),
      .init("pid", process.pid.map { .text($0) } ?? .null),
      .init("sinceMs", since(node).map { .text($0) } ?? .null), .init("ending", ending),
      .init("http", address(config?.http.description)),
      .init("peer", address(config?.peer.description)),
      .init("text", address(config?.text?.description)), .init("answers", .bool(status != nil)),
      .init("problem", address(problem)),
      .init("remarks", .array(status == nil ? [] : remarks.map { .string($0) })),
    ]
    for name in [
      "role", "term", "leader", "firstIndex", "lastIndex", "commitIndex", "appliedIndex",
    ] {
      members.append(.init(name, status?[name] ?? .null))
    }
    members.append(
      .init(
        "commands",
        .object([
          .init("start", .string(equivalents.start(node))),
          .init("stop", .string(equivalents.stop(node))),
          .init("kill", .string(equivalents.kill(node))),
          .init("restart", .string(equivalents.restart(node))),
          .init("log", .string(equivalents.log(node))),
        ])))
    return .object(members)
  }
}
#endif

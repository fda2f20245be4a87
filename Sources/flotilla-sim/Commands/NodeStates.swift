// Figure 2's variables of nodes at a moment of a run.

import Raft
import RaftSimulation

/// The state of one node or of all, after an event.
struct NodeStates {
  let event: UInt64
  /// The nodes themselves, where this code still runs as recorded.
  private var nodes: [(node: RaftNode, glance: NodeGlance)] = []
  /// What the recording tells otherwise.
  private var recorded: [(node: UInt64, state: TraceState)] = []

  init(_ name: String, at position: Int?, _ session: ReplaySession) throws(Failure) {
    let only: UInt64?
    if name == "all" {
      only = nil
    } else if let node = NodeArgument(argument: name) {
      only = node.number
    } else {
      throw Failure(.usage, "--state needs a node such as n4, or all; not \"\(name)\"")
    }
    let shown = session.shown
    event = position.map { shown.events[$0].event } ?? 0
    let isSame = shown.origin == nil && (session.departure ?? .max) > (position ?? 0)
    if isSame {
      let world = session.past.world(at: event)
      for id in world.nodeIDs where only == nil || only == id.rawValue {
        if let node = world.node(id), let glance = world.glance(id) {
          nodes.append((node, glance))
        }
      }
    } else {
      var states: [UInt64: TraceState] = [:]
      for event in shown.events.prefix((position ?? -1) + 1) {
        if let node = event.node, let state = event.state { states[node] = state }
      }
      recorded = states.filter { only == nil || only == $0.key }.sorted { $0.key < $1.key }
        .map { ($0.key, $0.value) }
    }
    if nodes.isEmpty, recorded.isEmpty {
      throw Failure(
        .usage, "there is no node \(name) in this run",
        hint: "it has n1 to n\(shown.plan.cluster.count)")
    }
  }

  func print(_ screen: Screen) {
    for (node, glance) in nodes {
      screen.print()
      let role = TraceState(glance).roleName
      screen.print(
        screen.toned("\(node.id)", .strong) + "  \(role)   after event \(grouped(event))")
      for (name, value) in NodeStates.lines(node) {
        screen.print("  \(pad(name, to: 14)) \(value)")
      }
    }
    for (node, state) in recorded {
      screen.print()
      screen.print(
        screen.toned("n\(node)", .strong)
          + "  \(state.roleName)   after event \(grouped(event)), as recorded")
      screen.print("  currentTerm    \(state.term)")
      screen.print("  votedFor       \(state.votedFor.map { "n\($0)" } ?? "none")")
      screen.print("  log            last \(state.lastIndex):\(state.lastTerm)")
      screen.print("  commitIndex    \(state.commit)")
      screen.print("  lastApplied    \(state.applied)")
    }
  }

  /// Figure 2's box of state, and what this implementation adds to it.
  private static func lines(_ node: RaftNode) -> [(name: String, value: String)] {
    var lines: [(name: String, value: String)] = [
      ("currentTerm", "\(node.currentTerm)"),
      ("votedFor", node.votedFor?.description ?? "none"),
      ("log", log(node)),
      ("commitIndex", "\(node.commitIndex)"),
      ("lastApplied", "\(node.lastApplied)"),
      ("durable", "through \(node.durableIndex)"),
      ("snapshot", "\(node.snapshot.lastIncluded)"),
      ("leader", node.leaderID?.description ?? "unknown"),
      ("members", "\(node.membership) since \(node.membershipIndex)"),
    ]
    if node.isHalted { lines.append(("halted", "yes")) }
    for progress in node.progress {
      lines.append(
        (
          "to \(progress.id)",
          "nextIndex \(progress.nextIndex)   matchIndex \(progress.matchIndex)   \(progress.state)"
        ))
    }
    return lines
  }

  /// The log as runs of one term: `1–40 term 2, 41–43 term 5`.
  private static func log(_ node: RaftNode) -> String {
    var runs: [String] = []
    var first = node.log.baseIndex.next
    guard first <= node.log.lastIndex else { return "empty after \(node.log.base)" }
    var term = node.log.term(at: first)
    var index = first
    while index <= node.log.lastIndex {
      let next = index.next
      let nextTerm = next <= node.log.lastIndex ? node.log.term(at: next) : nil
      if nextTerm != term {
        runs.append("\(first)–\(index) term \(term?.description ?? "?")")
        first = next
        term = nextTerm
      }
      index = next
    }
    return runs.joined(separator: ", ")
  }

  var json: [(key: String, value: JSON)] {
    let states =
      nodes.map { node, glance in
        JSON.object([
          ("node", .string(node.id.description)), ("state", TraceState(glance).json),
          ("durable", .number(node.durableIndex.rawValue)),
          ("members", .string(node.membership.description)),
          (
            "progress",
            .array(
              node.progress.map {
                .object([
                  ("node", .string($0.id.description)), ("state", .string($0.state.description)),
                  ("nextIndex", .number($0.nextIndex.rawValue)),
                  ("matchIndex", .number($0.matchIndex.rawValue)),
                ])
              })
          ),
        ])
      }
      + recorded.map { node, state in
        JSON.object([("node", .string("n\(node)")), ("state", state.json)])
      }
    return [("stateAfterEvent", .count(Int(clamping: event))), ("states", .array(states))]
  }
}

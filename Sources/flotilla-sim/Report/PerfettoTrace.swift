// A run for Perfetto and for chrome://tracing: the JSON form of trace events.

import Raft
import RaftSimulation

/// Writes a track for each node with its roles and its events, arrows for messages, the faults, the
/// clients' operations, and how far each node has committed.
struct PerfettoTrace {
  private var items: [JSON] = []
  private var roles: [Int: (name: String, since: UInt64)] = [:]
  private var flows: [UInt64: [(flow: Int, from: Int, to: Int, kind: MessageKind)]] = [:]
  private var flowCount = 0
  private var end: UInt64 = 0

  private enum Process: Int {
    case cluster = 1
    case faults
    case clients
  }

  /// The whole file.
  static func json(_ request: ReportRequest) -> JSON {
    var trace = PerfettoTrace()
    let plan = request.source.plan
    trace.name(.cluster, "cluster")
    trace.name(.faults, "faults")
    trace.name(.clients, "clients")
    for node in 1...plan.cluster.count {
      trace.name(.cluster, thread: node * 2 - 1, "n\(node) role")
      trace.name(.cluster, thread: node * 2, "n\(node) events")
    }
    let world = request.source.walk { event, _, changes in
      trace.take(event, changes, plan)
    }
    trace.finish(world?.history ?? [])
    return .object([
      ("displayTimeUnit", .string("ms")),
      (
        "otherData",
        .object([
          ("seed", .hex(plan.seed)), ("scenario", .string(plan.scenario.rawValue)),
          ("verdict", .string(request.verdict?.word ?? "UNFINISHED")),
          ("code", .string(request.code)),
        ])
      ),
      ("traceEvents", .array(trace.items)),
    ])
  }

  private mutating func take(
    _ event: WalkedEvent, _ changes: [(node: Int, figure: NodeFigure)], _ plan: Plan
  ) {
    end = event.time
    for change in changes {
      let figure = change.figure
      let name = "\(PerfettoTrace.roleName(figure.letter)), term \(figure.term)"
      if let role = roles[change.node], role.name != name { endRole(change.node, at: event.time) }
      if roles[change.node] == nil { roles[change.node] = (name, event.time) }
      add(
        "C", .cluster, thread: 0, "n\(change.node) commit", event.time,
        [("args", .object([("index", .count(Int(clamping: figure.commit)))]))])
    }
    for case .struck(let number, let nodes) in event.marks {
      fault(plan, number, nodes, event.time)
    }
    let isQuiet = changes.isEmpty && (event.text == "tick" || event.text.isEmpty)
    guard event.node > 0, !isQuiet else { return }
    let thread = event.node * 2
    let clauses = event.clauses
    add(
      "X", .cluster, thread: thread, String(clauses.first ?? "event"), event.time,
      [
        ("dur", .figure(1, digits: 3)), ("cat", .string(event.kind)),
        (
          "args",
          .object([
            ("event", .number(event.number)),
            ("then", .strings(clauses.dropFirst().map { String($0) })),
          ])
        ),
      ])
    for mark in event.marks { message(mark, event, thread) }
  }

  /// An arrow begins at the event that sent, and ends at the one that heard.
  private mutating func message(_ mark: TraceMark, _ event: WalkedEvent, _ thread: Int) {
    switch mark {
    case .sent(let from, let to, let kind, let fate, _):
      switch fate {
      case .lost, .blocked: return
      case .arrives, .isHeld, .arrivesAgain: break
      }
      flowCount += 1
      flows[event.number, default: []].append(
        (flowCount, Int(clamping: from.rawValue), Int(clamping: to.rawValue), kind))
      add(
        "s", .cluster, thread: thread, kind.description, event.time,
        [("id", .count(flowCount)), ("cat", .string("message"))])
    case .heard(let from, let kind):
      guard
        let place = flows[event.cause]?.firstIndex(where: {
          $0.from == Int(clamping: from.rawValue) && $0.to == event.node && $0.kind == kind
        }), let flow = flows[event.cause]?.remove(at: place)
      else { return }
      add(
        "f", .cluster, thread: thread, kind.description, event.time,
        [("id", .count(flow.flow)), ("cat", .string("message")), ("bp", .string("e"))])
    case .jobAsked, .jobDone, .jobsDropped, .asked, .replied, .struck: return
    }
  }

  private mutating func endRole(_ node: Int, at time: UInt64) {
    guard let role = roles.removeValue(forKey: node) else { return }
    add(
      "X", .cluster, thread: node * 2 - 1, role.name, role.since,
      [("dur", .figure(Double(time - role.since) / 1000, digits: 3)), ("cat", .string("role"))])
  }

  private mutating func fault(_ plan: Plan, _ number: Int, _ nodes: [NodeID], _ time: UInt64) {
    let fault = plan.faults[number]
    let name = ([fault.kind.rawValue] + nodes.map { "n\($0.rawValue)" }).joined(separator: " ")
    span(.faults, name, "fault", id: number, from: time, to: time + fault.duration)
  }

  private mutating func finish(_ history: [Operation]) {
    for node in roles.keys.sorted() { endRole(node, at: end) }
    for operation in history {
      span(
        .clients, operation.words, "client \(operation.client)",
        id: Int(clamping: operation.number) + 1_000_000, from: operation.began,
        to: operation.ended ?? end)
    }
  }

  private mutating func span(
    _ process: Process, _ name: String, _ category: String, id: Int, from start: UInt64,
    to end: UInt64
  ) {
    let shared: [(key: String, value: JSON)] = [("id", .count(id)), ("cat", .string(category))]
    add("b", process, thread: 0, name, start, shared)
    add("e", process, thread: 0, name, end, shared)
  }

  private mutating func name(_ process: Process, thread: Int? = nil, _ name: String) {
    var pairs: [(key: String, value: JSON)] = [
      ("ph", .string("M")), ("pid", .count(process.rawValue)),
      ("name", .string(thread == nil ? "process_name" : "thread_name")),
    ]
    if let thread { pairs.append(("tid", .count(thread))) }
    pairs.append(("args", .object([("name", .string(name))])))
    items.append(.object(pairs))
  }

  private mutating func add(
    _ phase: String, _ process: Process, thread: Int, _ name: String, _ time: UInt64,
    _ more: [(key: String, value: JSON)]
  ) {
    items.append(
      .object(
        [
          ("ph", .string(phase)), ("pid", .count(process.rawValue)), ("tid", .count(thread)),
          ("name", .string(name)), ("ts", .figure(Double(time) / 1000, digits: 3)),
        ] + more))
  }

  private static func roleName(_ letter: String) -> String {
    switch letter {
    case "L": "leader"
    case "C": "candidate"
    case "P": "pre-candidate"
    case "N": "learner"
    case "#": "crashed"
    default: "follower"
    }
  }
}

#if Server
import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface

struct Status: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What each node knows, and how old that is.",
    discussion: """
      A node that cannot be reached is a row that says why. --check prints one line and ends with \
      0 if all is well, 1 if something is wrong, 69 if there is no quorum.


      """ + ExitCode.discussion([.ok, .violated, .usage, .unavailable, .badConfiguration]))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.flags("check")

  @OptionGroup var connection: ConnectionOptions

  @Flag(help: .option("check", "One line, and a number for monitors."))
  var check = false

  func run() async throws {
    let screen = connection.screen
    let started = ContinuousClock.now
    let view = await ClusterView(try connection.client(), connection.addresses)
    let took = (ContinuousClock.now - started) / .milliseconds(1)
    let problems = view.problems
    if !connection.printed(document(view)) {
      if check {
        screen.print(problems.isEmpty ? "ok" : problems.joined(separator: "; "))
      } else {
        show(view, problems, milliseconds: Int(took), screen)
      }
    }
    let isServing = view.leader != nil && !problems.contains { $0.contains("no quorum") }
    if !isServing { throw Stop(code: .unavailable) }
    if check, !problems.isEmpty { throw Stop(code: .violated) }
  }

  private func document(_ view: ClusterView) -> JSONValue {
    .object([
      .init("schema", .string("flotilla/cluster-status/1")),
      .init("isHealthy", .bool(view.problems.isEmpty)),
      .init("problems", .array(view.problems.map { .string($0) })),
      .init("leader", view.leader?["node"] ?? .null),
      .init(
        "nodes",
        .array(
          view.rows.map { row in
            row.status
              ?? .object([
                .init("node", view.node(at: row.address).map { .string($0) } ?? .null),
                .init("address", .string(row.address)),
                .init("problem", .string(row.problem ?? "")),
              ])
          })),
    ])
  }

  private func show(
    _ view: ClusterView, _ problems: [String], milliseconds: Int, _ screen: Screen
  ) {
    guard let first = view.leader ?? view.rows.compactMap({ $0.status }).first else {
      screen.print("no node can be reached")
      for row in view.rows { screen.print("  \(row.address)   \(row.problem ?? "")") }
      return
    }
    let voters = first["voters"]?.array?.count ?? 0
    let learners = first["learners"]?.array?.count ?? 0
    let ruling = problems.isEmpty ? "healthy" : "not healthy"
    screen.print(
      "cluster \(first["cluster"]?.string ?? "?")   \(counted(voters, "voter"))"
        + (learners > 0 ? ", \(counted(learners, "learner"))" : "")
        + "   quorum \(voters / 2 + 1)   "
        + screen.toned(ruling, problems.isEmpty ? .good : .bad) + "   \(milliseconds) ms")
    screen.print()
    var table = Table([
      "node", "role", ">term", ">log", ">commit", ">applied", ">behind", ">last heard", ">rtt",
      ">disk p99", "version", "",
    ])
    for row in view.rows { table.rows.append(cells(row, view)) }
    for line in table.lines(screen) { screen.print(line) }
    guard !problems.isEmpty else { return }
    screen.print()
    for problem in problems { screen.print("  " + problem) }
  }

  private func cells(_ row: ClusterView.Row, _ view: ClusterView) -> [String] {
    guard let status = row.status else {
      let name = view.node(at: row.address) ?? row.address
      return [name, "?", "", "", "", "", "", "", "", "", "", row.problem ?? "no answer"]
    }
    func number(_ name: String) -> String { status[name]?.unsigned.map { grouped($0) } ?? "-" }
    let peer = view.leader?["peers"]?.array?.first { $0["node"] == status["node"] }
    let microseconds = { (value: JSONValue?) -> String in
      value?.unsigned.map { wallTime(seconds: Double($0) / 1e6) } ?? "-"
    }
    var remarks: [String] = []
    if status["isSpaceLow"]?.bool ?? false { remarks.append("disk nearly full") }
    if status["isDraining"]?.bool ?? false { remarks.append("leaving") }
    if !(status["isReady"]?.bool ?? true) { remarks.append("loading") }
    remarks += (status["chaos"]?.array ?? []).compactMap { $0.string.map { "on purpose: \($0)" } }
    if status["isInsecure"]?.bool ?? false { remarks.append("no tokens") }
    return [
      status["node"]?.string ?? "?", status["role"]?.string ?? "?", number("term"),
      "\(number("firstIndex"))..\(number("lastIndex"))", number("commitIndex"),
      number("appliedIndex"), peer?["behind"]?.unsigned.map { grouped($0) } ?? "-",
      peer?["lastHeardMs"]?.unsigned.map { "\($0) ms" } ?? "-",
      microseconds(peer?["roundTripUs"]),
      microseconds(status["diskP99Us"]), status["version"]?.string ?? "?",
      remarks.joined(separator: ", "),
    ]
  }
}

struct Ping: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "ping", abstract: "Which nodes answer, and how quickly.",
    discussion: ExitCode.discussion([.ok, .usage, .unavailable]))
  static let variableOptions = ConnectionOptions.variableOptions

  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    var list: [JSONValue] = []
    var isAnyThere = false
    for address in connection.addresses {
      let started = ContinuousClock.now
      let answer = await client.ask(address, ClientCall("GET", "/v1/ping"))
      let microseconds = Int((ContinuousClock.now - started) / .microseconds(1))
      let isThere = answer.status == 200
      isAnyThere = isAnyThere || isThere
      list.append(
        .object([
          .init("address", .string(address)), .init("isThere", .bool(isThere)),
          .init("node", answer.document?["node"] ?? .null),
          .init("microseconds", .count(microseconds)),
          .init("problem", isThere ? .null : .string(answer.ruling.detail)),
        ]))
      if connection.output.format == .text {
        let name = answer.document?["node"]?.string ?? "-"
        connection.screen.print(
          "\(pad(name, to: 4)) \(address)   "
            + (isThere ? wallTime(seconds: Double(microseconds) / 1e6) : answer.ruling.detail))
      }
    }
    _ = connection.printed(
      .object([
        .init("schema", .string("flotilla/pings/1")), .init("nodes", .array(list)),
      ]))
    if !isAnyThere { throw Stop(code: .unavailable) }
  }
}
#endif

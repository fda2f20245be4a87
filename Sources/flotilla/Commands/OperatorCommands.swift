#if Server
import ArgumentParser
import Crypto
import FlotillaCluster
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface
import RaftServer

private let operatorCodes: [ExitCode] = [
  .ok, .refused, .usage, .unavailable, .notSettled, .notPermitted,
]

/// Who belongs to the cluster.
struct MemberGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "member", abstract: "Who belongs to the cluster.",
    subcommands: [
      MemberList.self, MemberAdd.self, MemberPromote.self, MemberRemove.self,
      MemberReplace.self,
    ])
}

struct MemberList: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The members, as some node knows them; needs no leader.",
    discussion: ExitCode.discussion(operatorCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let document = try connection.result(
      await (try connection.client()).send(ClientCall("GET", "/v1/members")))
    guard !connection.printed(document) else { return }
    for member in document["members"]?.array ?? [] {
      let kind = member["isLearner"]?.bool ?? false ? "learner" : "voter"
      let leads = member["isLeader"]?.bool ?? false ? "   leads" : ""
      connection.screen.print(
        "\(member["node"]?.string ?? "?")   \(pad(kind, to: 8))"
          + (member["address"]?.string ?? "-") + leads)
    }
    connection.screen.note(
      "as known to \(document["by"]?.string ?? "?") at index"
        + " \(document["asKnownAt"]?.string ?? "?")")
  }
}

extension ConnectionOptions {
  /// Changes the members.
  func change(_ verb: String, _ node: String, _ words: String) async throws {
    let body = JSONValue.object([.init(verb, .string(node))]).line
    // A change that was made already is refused as one: repeating it does no harm.
    let answer = await (try client()).send(
      ClientCall("POST", "/v1/members", body: Array(body.utf8), isRepeatable: true))
    try finish(
      answer, "\(node) \(words)   index \(answer.document?["index"]?.string ?? "?")")
  }
}

struct MemberAdd: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a node: it learns first, and votes when it is promoted.",
    discussion: ExitCode.discussion(operatorCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @Argument(help: "The node, such as n4.") var node: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    try await connection.change("add", node, "learns")
    connection.screen.note("next: on its machine  flotilla node join --node \(node)")
    connection.screen.note("then: flotilla member promote \(node)")
  }
}

struct MemberPromote: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote", abstract: "Let a node vote that has caught up.",
    discussion: ExitCode.discussion(operatorCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @Argument(help: "The node, such as n4.") var node: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws { try await connection.change("promote", node, "votes") }
}

struct MemberRemove: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take a node out, if the rest has a quorum that answers.",
    discussion: ExitCode.discussion(operatorCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @Argument(help: "The node, such as n2.") var node: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws { try await connection.change("remove", node, "is out") }
}

/// Who leads.
struct LeaderGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "leader", abstract: "Who leads, and who shall.",
    subcommands: [LeaderShow.self, LeaderTransfer.self])
}

struct LeaderShow: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Who leads, as some node knows.",
    discussion: ExitCode.discussion(operatorCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let document = try connection.result(
      await (try connection.client()).send(ClientCall("GET", "/v1/leader")))
    guard !connection.printed(document) else { return }
    connection.screen.print(
      "\(document["leader"]?.string ?? "?")   term \(document["term"]?.string ?? "?")"
        + "   \(document["address"]?.string ?? "")")
  }
}

struct LeaderTransfer: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfer", abstract: "Have another node lead.",
    discussion: ExitCode.discussion(operatorCodes))
  static let variableOptions = ConnectionOptions.variableOptions + VariableOption.values("to")

  @Option(help: .option("to", "Which; without it the best there is.", value: "node"))
  var to: String?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let target = to.map { "?to=" + Paths.encoded($0) } ?? ""
    let started = ContinuousClock.now
    let answer = await (try connection.client()).send(
      ClientCall("POST", "/v1/leader/transfer\(target)"))
    let took = wallTime(seconds: Double((ContinuousClock.now - started) / .microseconds(1)) / 1e6)
    try connection.finish(
      answer,
      "\(answer.document?["leader"]?["node"]?.string ?? "?") leads"
        + "   term \(answer.document?["term"]?.string ?? "?")   \(took)")
  }
}

struct TakeSnapshot: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "A snapshot now, on the node that is asked.",
    discussion: ExitCode.discussion(operatorCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let answer = await (try connection.client()).send(
      ClientCall("POST", "/v1/snapshot", isRepeatable: true))
    try connection.finish(
      answer,
      "\(answer.endpoint ?? "") has a snapshot through entry"
        + " \(answer.document?["index"]?.string ?? "?")")
  }
}

/// The configuration of a cluster.
struct ConfigGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Look at a configuration, or check one.",
    subcommands: [ConfigCheck.self, ConfigShow.self])
}

struct ConfigCheck: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Tell every problem of a file, with its place.",
    discussion: ExitCode.discussion([.ok, .badConfiguration]))
  static let variableOptions = OutputOptions.variableOptions

  @Argument(help: "The file.") var file: String = "cluster.yaml"
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let config = try ConfigReader.read(file)
    output.screen.print(
      "\(file) is well   cluster \(config.cluster)   \(counted(config.nodes.count, "node"))")
  }
}

struct ConfigShow: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "The values in force, and where each came from.",
    discussion: ExitCode.discussion([.ok, .badConfiguration]))
  static let variableOptions = VariableOption.values("config") + OutputOptions.variableOptions

  @Option(help: .option("config", "The file of the cluster.", value: "file"))
  var config: String = "cluster.yaml"
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let config = try ConfigReader.read(config)
    let values: [(key: String, value: String)] = [
      ("cluster", config.cluster), ("id", config.clusterID.description),
      ("electionTimeout", timeText(nanoseconds: config.electionTimeout)),
      ("heartbeat", timeText(nanoseconds: config.heartbeat)),
      ("key", config.key == nil ? "none" : "set, not shown"),
      ("tls", config.tls?.certificate ?? "none"),
      ("clientTLS", config.clientTLS?.certificate ?? "none"),
      (
        "tokens",
        config.tokens.isEmpty
          ? "none" : config.tokens.map { "\($0.name) (\($0.role))" }.joined(separator: ", ")
      ),
      (
        "rateLimit",
        config.rate == 0 ? "none" : "\(config.rate) per second, burst \(config.burst)"
      ),
      ("data", config.data ?? "flotilla-data"),
      ("insecurePublic", config.isPublicAllowed ? "true" : "false"),
      ("tracing", config.tracing.summary),
      ("nodes", config.nodes.map { $0.id.description }.joined(separator: ", ")),
    ]
    guard output.format == .text else {
      let list = values.map { value in
        JSONValue.Member(
          value.key,
          .object([
            .init("value", .string(value.value)),
            .init("from", .string((config.origins[value.key] ?? .usual).description)),
          ]))
      }
      let document = JSONValue.object(
        [.init("schema", .string("flotilla/config/1"))] + list)
      output.screen.print(output.format == .json ? document.page : document.line)
      return
    }
    var table = Table(["key", "value", "from"])
    table.rows = values.map {
      [$0.key, $0.value, (config.origins[$0.key] ?? .usual).description]
    }
    for line in table.lines(output.screen, indent: "") { output.screen.print(line) }
  }
}

/// Tokens for clients.
struct TokenGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Tokens for clients.", subcommands: [TokenCreate.self])
}

struct TokenCreate: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Draw a token; it is shown once and kept nowhere.",
    discussion: ExitCode.discussion([.ok, .usage]))
  static let variableOptions =
    VariableOption.values("name", "role") + OutputOptions.variableOptions

  @Option(help: .option("name", "Whose it is.", value: "name")) var name: String
  @Option(
    help: .option("role", "What it allows: reader, writer, operator or chaos.", value: "role"))
  var role: String
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if Role(role) == nil {
      throw ValidationError("--role must be reader, writer, operator or chaos, not \(role)")
    }
    if !name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !"{}[],:\"'#".utf8.contains($0) })
      || name.isEmpty
    {
      throw ValidationError("--name must be a word")
    }
  }

  func run() async throws {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    let token = "flt_" + ClusterConfig.hexadecimal(bytes)
    let digest = ClusterConfig.hexadecimal(TokenRecord.digest(of: token))
    guard output.format == .text else {
      let document = JSONValue.object([
        .init("schema", .string("flotilla/token/1")), .init("name", .string(name)),
        .init("role", .string(role)), .init("token", .string(token)),
        .init("sha256", .string(digest)),
      ])
      output.screen.print(output.format == .json ? document.page : document.line)
      return
    }
    output.screen.print(token)
    output.screen.note("It is not kept anywhere. Under tokens: in the file of every node, write")
    output.screen.note("  - { name: \(name), role: \(role), sha256: \(digest) }")
  }
}
#endif

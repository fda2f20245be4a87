#if Server
// Faults on purpose, at nodes that allow it. Each says what happens, for how long, and how to undo
// it; each ends by itself.

import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftClient
import RaftInterface

let chaosCodes: [ExitCode] = [.ok, .usage, .unavailable, .notSettled, .notPermitted]

/// Faults on purpose.
struct ChaosGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chaos", abstract: "Faults on purpose, at nodes started with --allow-chaos.",
    subcommands: [
      ChaosPartition.self, ChaosIsolate.self, ChaosSlow.self, ChaosDrop.self, ChaosPause.self,
      ChaosSkew.self, ChaosDiskFault.self, ChaosKill.self, ChaosHeal.self, ChaosList.self,
      ChaosRun.self,
    ])
}

/// What the commands take that bring a fault about.
struct ChaosOptions: ParsableArguments {
  @Option(
    name: .customLong("for"),
    help: .option("for", "How long it lasts; then it ends by itself.", value: "time"))
  var duration: TimeArgument?

  @OptionGroup var connection: ConnectionOptions

  static let variableOptions = VariableOption.values("for") + ConnectionOptions.variableOptions

  var nanoseconds: UInt64 { duration?.nanoseconds ?? 30_000_000_000 }

  static func nodes(_ text: String) throws -> [NodeID] {
    try text.split(separator: ",").map { word in
      let digits = word.hasPrefix("n") ? word.dropFirst() : word
      guard let number = UInt64(digits), number > 0 else {
        throw ValidationError("\"\(word)\" is no node; write names such as n1,n2")
      }
      return NodeID(number)
    }
  }

  /// Says what happens, and has it happen.
  func perform(
    _ crew: ChaosCrew, _ act: ChaosAct, seed: UInt64? = nil
  ) async throws {
    let sentence = act.sentence
    try await crew.check(act.deeds.map { $0.node })
    if connection.output.format == .text {
      connection.screen.print("\(sentence), for \(timeText(nanoseconds: nanoseconds))")
    }
    var done: [JSONValue] = []
    for deed in act.deeds { done.append(try await crew.tell(deed, for: nanoseconds, seed: seed)) }
    if !connection.printed(
      .object([
        .init("schema", .string("flotilla/chaos-deeds/1")), .init("says", .string(sentence)),
        .init("forMs", .text(nanoseconds / 1_000_000)), .init("deeds", .array(done)),
      ]))
    {
      connection.screen.print("undo:  flotilla chaos heal     (it ends by itself all the same)")
    }
  }
}

struct ChaosPartition: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "partition", abstract: "Cut nodes off from others.",
    discussion: """
      flotilla chaos partition n1,n2 from n3,n4,n5
      flotilla chaos partition n1 from n2 --one-way     n2 does not hear n1; n1 hears n2


      """ + ExitCode.discussion(chaosCodes))
  static let variableOptions =
    ChaosOptions.variableOptions + VariableOption.flags("one-way")

  @Argument(help: "NODES from OTHERS; without others, from all.") var words: [String]
  @Flag(help: .option("one-way", "Only what the first send does not arrive.")) var oneWay = false
  @OptionGroup var options: ChaosOptions

  func validate() throws {
    guard words.count == 1 || words.count == 3 && words[1] == "from" else {
      throw ValidationError("write it so: partition n1,n2 from n3")
    }
    _ = try ChaosOptions.nodes(words[0])
    if let last = words.last { _ = try ChaosOptions.nodes(last) }
  }

  func run() async throws {
    let crew = try await ChaosCrew.of(options.connection)
    let nodes = try ChaosOptions.nodes(words[0])
    let others =
      words.count == 3
      ? try ChaosOptions.nodes(words[2]) : crew.nodes.filter { !nodes.contains($0) }
    if let both = nodes.first(where: { others.contains($0) }) {
      throw Failure(.usage, "\(both.description) cannot be on both sides")
    }
    guard !others.isEmpty else { throw Failure(.usage, "there is nobody to be cut off from") }
    try await options.perform(crew, .partition(nodes, from: others, isOneWay: oneWay))
  }
}

struct ChaosIsolate: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "isolate", abstract: "Cut a node off from all others.",
    discussion: ExitCode.discussion(chaosCodes))
  static let variableOptions = ChaosOptions.variableOptions

  @Argument(help: "The node, such as n1, or leader.") var node: String
  @OptionGroup var options: ChaosOptions

  func run() async throws {
    let crew = try await ChaosCrew.of(options.connection)
    let node = try crew.named(node)
    try await options.perform(crew, .isolation(of: node, among: crew.nodes))
  }
}

struct ChaosSlow: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "slow", abstract: "What a node sends to others leaves later.",
    discussion: ExitCode.discussion(chaosCodes))
  static let variableOptions = ChaosOptions.variableOptions

  @Argument(help: "The node, such as n3, or leader.") var node: String
  @Argument(help: "How much later, such as 200ms; at most 60s.") var time: TimeArgument
  @OptionGroup var options: ChaosOptions

  func run() async throws {
    let crew = try await ChaosCrew.of(options.connection)
    let node = try crew.named(node)
    try await options.perform(crew, .delay(node, by: time.nanoseconds))
  }
}

struct ChaosDrop: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "drop", abstract: "A share of what a node sends to others is lost.",
    discussion: ExitCode.discussion(chaosCodes))
  static let variableOptions = ChaosOptions.variableOptions + VariableOption.values("seed")

  @Argument(help: "The node, such as n2, or leader.") var node: String
  @Argument(help: "How much of it, such as 5%.") var share: String
  @Option(help: .option("seed", "What the dice begin with.", value: "seed"))
  var seed: SeedArgument?
  @OptionGroup var options: ChaosOptions

  func validate() throws {
    if SettingUnit.share.parse(share) == nil {
      throw ValidationError("\"\(share)\" is no share such as 5%")
    }
  }

  func run() async throws {
    let crew = try await ChaosCrew.of(options.connection)
    let node = try crew.named(node)
    let share = SettingUnit.share.parse(share) ?? 0
    try await options.perform(crew, .loss(node, share: share), seed: seed?.value)
  }
}

struct ChaosPause: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "A node does nothing, as if its process were stopped.",
    discussion: ExitCode.discussion(chaosCodes))
  static let variableOptions = ChaosOptions.variableOptions

  @Argument(help: "The node, such as n4, or leader.") var node: String
  @OptionGroup var options: ChaosOptions

  func run() async throws {
    let crew = try await ChaosCrew.of(options.connection)
    let node = try crew.named(node)
    try await options.perform(crew, .pause(node))
  }
}

struct ChaosSkew: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "skew", abstract: "The clock on the wall of a node is wrong.",
    discussion: ExitCode.discussion(chaosCodes))
  static let variableOptions = ChaosOptions.variableOptions + VariableOption.flags("behind")

  @Argument(help: "The node, such as n2, or leader.") var node: String
  @Argument(help: "How far it is ahead, such as +3s.") var amount: String
  @Flag(help: .option("behind", "Behind instead of ahead.")) var behind = false
  @OptionGroup var options: ChaosOptions

  private var nanoseconds: UInt64? {
    parseTime(amount.hasPrefix("+") ? String(amount.dropFirst()) : amount)
  }

  func validate() throws {
    if nanoseconds == nil { throw ValidationError("\"\(amount)\" is no time such as +3s") }
  }

  func run() async throws {
    let crew = try await ChaosCrew.of(options.connection)
    let node = try crew.named(node)
    try await options.perform(crew, .skew(node, by: nanoseconds ?? 0, isBehind: behind))
  }
}

struct ChaosDiskFault: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "disk", abstract: "The disk of a node is full or slow, or its sync fails.",
    discussion: """
      full          no room for more than what is there already
      slow          each sync takes --by longer
      sync-error    the next sync fails; the process ends, and has to be started again


      """ + ExitCode.discussion(chaosCodes))
  static let variableOptions = ChaosOptions.variableOptions + VariableOption.values("by")

  @Argument(help: "The node, such as n3, or leader.") var node: String
  @Argument(help: "full, slow or sync-error.") var how: String
  @Option(help: .option("by", "How much longer a sync takes; 100ms if not said.", value: "time"))
  var by: TimeArgument?
  @OptionGroup var options: ChaosOptions

  func validate() throws {
    if !["full", "slow", "sync-error"].contains(how) {
      throw ValidationError("\"\(how)\" is not full, slow or sync-error")
    }
  }

  func run() async throws {
    let crew = try await ChaosCrew.of(options.connection)
    let node = try crew.named(node)
    try await options.perform(
      crew, .disk(node, how: how, by: by?.nanoseconds ?? ChaosAct.usualSlowness))
    if how == "sync-error", options.connection.output.format == .text {
      options.connection.screen.print(
        "after: flotilla cluster start \(node.description) --allow-chaos")
    }
  }
}

struct ChaosKill: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "kill", abstract: "A node ends at once, as in a power cut.",
    discussion: ExitCode.discussion(chaosCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @Argument(help: "The node, such as n1, or leader.") var node: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let crew = try await ChaosCrew.of(connection)
    let node = try crew.named(node)
    try await crew.check([node])
    let document = try await crew.tell(ChaosDeed(node, "kill"), for: 1_000_000)
    guard !connection.printed(document) else { return }
    connection.screen.print("\(node.description) ends, as in a power cut; it keeps its data")
    connection.screen.print(
      "undo:  flotilla cluster start \(node.description) --allow-chaos     (it does not come back"
        + " by itself)")
  }
}

struct ChaosHeal: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "heal", abstract: "End all faults at all nodes that answer.",
    discussion: ExitCode.discussion(chaosCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    if connection.endpoints == nil, let cluster = try? LocalCluster.open(connection.data) {
      for node in cluster.config.nodes { cluster.wake(node.id) }
    }
    let crew = try await ChaosCrew.of(connection)
    var answers: [JSONValue] = []
    var count: UInt64 = 0
    for node in crew.nodes {
      let answer = try await crew.ask(node, ClientCall("DELETE", "/v1/chaos"))
      count += answer["healed"]?.unsigned ?? 0
      answers.append(answer)
    }
    guard
      !connection.printed(
        .object([
          .init("schema", .string("flotilla/chaos-healed/1")), .init("nodes", .array(answers)),
        ]))
    else { return }
    connection.screen.print(
      count == 0 ? "nothing was wrong on purpose" : "healed \(counted(Int(count), "fault"))")
    for line in crew.silent { connection.screen.note("not asked: \(line)") }
  }
}

struct ChaosList: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "What is wrong on purpose, and for how long yet.",
    discussion: ExitCode.discussion(chaosCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let crew = try await ChaosCrew.of(connection)
    var answers: [JSONValue] = []
    for node in crew.nodes {
      answers.append(try await crew.ask(node, ClientCall("GET", "/v1/chaos")))
    }
    guard
      !connection.printed(
        .object([
          .init("schema", .string("flotilla/chaos-list/1")), .init("nodes", .array(answers)),
        ]))
    else { return }
    var isCalm = true
    for answer in answers {
      for fault in answer["faults"]?.array ?? [] {
        isCalm = false
        let left = fault["leftMs"]?.unsigned ?? 0
        connection.screen.print(
          "\(fault["says"]?.string ?? "?")   \(wallTime(seconds: Double(left) / 1e3)) left")
      }
    }
    if isCalm { connection.screen.print("nothing is wrong on purpose") }
    for line in crew.silent { connection.screen.note("not asked: \(line)") }
  }
}

extension ChaosCrew {
  /// The nodes that the options of a command name.
  static func of(_ connection: ConnectionOptions) async throws -> ChaosCrew {
    try await ChaosCrew(try connection.client(), connection.addresses)
  }

  /// A node by its name, or the one that leads.
  func named(_ text: String) throws -> NodeID {
    if text == "leader" {
      guard let leader else { throw Failure(.unavailable, "no node leads") }
      return leader
    }
    guard let node = try ChaosOptions.nodes(text).first else {
      throw Failure(.usage, "\"\(text)\" is no node; write a name such as n1")
    }
    return node
  }
}
#endif

#if Server
import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftClient
import RaftInterface

/// A cluster of processes on this machine.
struct ClusterGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster", abstract: "A whole cluster of processes on this machine.",
    subcommands: [
      ClusterUp.self, ClusterDown.self, ClusterList.self, ClusterStart.self, ClusterStop.self,
      ClusterKill.self, ClusterRestart.self, ClusterLogs.self, ClusterWipe.self,
    ])
}

/// What every command takes that is about one node of a local cluster.
struct LocalNodeOptions: ParsableArguments {
  @Argument(help: "The node, such as n1.")
  var node: String

  @Option(help: .option("data", "The folder of the cluster.", value: "folder"))
  var data: String = ConnectionOptions.usualData

  @OptionGroup var output: OutputOptions

  static let variableOptions = VariableOption.values("data") + OutputOptions.variableOptions

  func found() throws(Failure) -> (cluster: LocalCluster, node: NodeID) {
    let cluster = try LocalCluster.open(data)
    return (cluster, try cluster.node(node))
  }
}

/// Waits for nodes of a local cluster.
struct ClusterWatcher {
  let cluster: LocalCluster
  let client: FlotillaClient

  init(_ cluster: LocalCluster, token: String? = nil) throws(Failure) {
    self.cluster = cluster
    do throws(FlotillaClient.AddressError) {
      client = try FlotillaClient(
        endpoints: cluster.config.nodes.map { $0.http.description }, token: token,
        tls: cluster.config.clientTLS.map { ClientTLS(authorities: $0.authority) })
    } catch {
      throw Failure(.badConfiguration, error.description)
    }
  }

  /// What a node that runs says of itself; its role in words where it says nothing.
  private func status(_ node: NodeConfig) async -> (document: JSONValue?, role: String) {
    let answer = await client.ask(
      node.http.description, ClientCall("GET", "/v1/status"), within: .seconds(1))
    switch answer.status {
    case 200:
      let document = answer.document
      return (document, document?["role"]?.string ?? "up")
    case 401, 403: return (nil, "up, wants a token")
    case 0: return (nil, "no answer")
    default: return (nil, "up, answers \(answer.status)")
    }
  }

  /// Waits until these nodes answer and one of all leads whom the others know.
  func untilReady(_ nodes: [NodeID], within limit: Duration) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
      var isReady = true
      for node in cluster.config.nodes where nodes.contains(node.id) {
        if cluster.pid(node.id) == nil { throw gone(node.id) }
        let answer = await client.ask(
          node.http.description, ClientCall("GET", "/readyz"), within: .seconds(1))
        if answer.status != 200 { isReady = false }
      }
      if isReady { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw Failure(
      .unavailable, "the cluster did not become ready within \(limit)",
      hint: "flotilla status", "flotilla cluster logs n1")
  }

  private func gone(_ node: NodeID) -> Failure {
    var failure = Failure(
      .unavailable, "\(node.description) ended as soon as it was started; its log says:")
    failure.what += cluster.lastLines(node, 6).map { "\n  " + $0 }.joined()
    failure.hints = ["flotilla cluster logs \(node.description)"]
    return failure
  }

  /// One line for each node.
  func lines(_ screen: Screen) async -> [String] {
    let nodes = cluster.config.nodes
    let hasGRPC = nodes.contains { $0.grpc != nil }
    var table = Table(Array(repeating: "", count: hasGRPC ? 7 : 6))
    for node in nodes {
      let pid = cluster.pid(node.id)
      let role = pid == nil ? "stopped" : await status(node).role
      var row = [
        node.id.description, role,
        "http " + node.http.description, "peer " + node.peer.description,
        node.text.map { "text " + $0.description } ?? "",
      ]
      if hasGRPC { row.append(node.grpc.map { "grpc " + $0.description } ?? "") }
      table.rows.append(row + [pid.map { "pid \($0)" } ?? ""])
    }
    return Array(table.lines(screen, indent: "").dropFirst())
  }

  func document() async -> JSONValue {
    var nodes: [JSONValue] = []
    for node in cluster.config.nodes {
      let pid = cluster.pid(node.id)
      let status = pid == nil ? nil : await status(node).document
      nodes.append(
        .object([
          .init("node", .string(node.id.description)),
          .init("role", status?["role"] ?? .null), .init("http", .string(node.http.description)),
          .init("peer", .string(node.peer.description)),
          .init("text", node.text.map { .string($0.description) } ?? .null),
          .init("grpc", node.grpc.map { .string($0.description) } ?? .null),
          .init("pid", pid.map { .text($0) } ?? .null),
        ]))
    }
    return .object([
      .init("schema", .string("flotilla/local-cluster/1")),
      .init("cluster", .string(cluster.config.cluster)), .init("data", .string(cluster.folder)),
      .init("nodes", .array(nodes)),
    ])
  }
}

struct ClusterUp: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Start a cluster on this machine; make it if there is none.",
    discussion: """
      Without --detach it stays until Ctrl-C and then stops its nodes. The data is kept, and the \
      next up goes on with it; --throwaway deletes it at the end.


      """ + ExitCode.discussion([.ok, .usage, .unavailable, .cannotCreate, .badConfiguration]))

  static let variableOptions =
    VariableOption.values("nodes", "data", "first-port", "name", "ports-file")
    + VariableOption.flags("detach", "throwaway", "allow-chaos", "tls")
    + OutputOptions.variableOptions

  @Option(help: .option("nodes", "How many nodes a new cluster has.", value: "n"))
  var nodes: Int = 3

  @Option(help: .option("data", "The folder of the cluster.", value: "folder"))
  var data: String = ConnectionOptions.usualData

  @Option(
    help: .option(
      "first-port", "HTTP is on the ports after this, peers 100, text 200 and gRPC 300 further.",
      value: "port"))
  var firstPort: UInt16 = 7100

  @Option(help: .option("name", "The name of a new cluster.", value: "name"))
  var name: String = "local"

  @Option(help: .option("ports-file", "Write what listens where to this file.", value: "file"))
  var portsFile: String?

  @Flag(help: .option("detach", "Leave the nodes running and return."))
  var detach = false

  @Flag(help: .option("throwaway", "Delete the data at the end."))
  var throwaway = false

  @Flag(help: .option("allow-chaos", "Let flotilla chaos do harm to the nodes."))
  var allowChaos = false

  @Flag(
    help: .option("tls", "TLS between nodes and for clients, with certificates made for it."))
  var tls = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(1...9).contains(nodes) { throw ValidationError("--nodes must be 1 to 9, not \(nodes)") }
    if firstPort > 65_000 { throw ValidationError("--first-port must be at most 65000") }
    if detach, throwaway {
      throw ValidationError("--detach and --throwaway do not go together: nobody would delete it")
    }
  }

  func run() async throws {
    let screen = output.screen
    let cluster =
      LocalCluster.exists(data)
      ? try LocalCluster.open(data)
      : try LocalCluster.make(data, nodes: nodes, firstPort: firstPort, name: name, tls: tls)
    if tls, cluster.config.clientTLS == nil {
      throw Failure(
        .usage, "the cluster in \(data) was made without TLS",
        hint: "flotilla cluster up --data ANOTHER-DIR --tls")
    }
    if !detach { Interrupt.shared.install(screen) }
    for node in cluster.config.nodes {
      _ = try cluster.start(node.id, allowsChaos: allowChaos)
    }
    let watcher = try ClusterWatcher(cluster)
    do {
      try await watcher.untilReady(cluster.config.nodes.map { $0.id }, within: .seconds(30))
    } catch {
      if !detach { stop(cluster) }
      throw error
    }
    let document = await watcher.document()
    if let portsFile {
      do {
        try document.page.write(toFile: portsFile, atomically: true, encoding: .utf8)
      } catch {
        throw Failure(.cannotCreate, "\(portsFile) cannot be written")
      }
    }
    switch output.format {
    case .text: await show(watcher, screen)
    case .json: screen.print(document.page)
    case .jsonl: screen.print(document.line)
    }
    guard !detach else { return }
    while !Interrupt.shared.isRequested {
      cluster.reap()
      try await Task.sleep(for: .milliseconds(100))
    }
    stop(cluster)
    if throwaway {
      try? FileManager.default.removeItem(atPath: data)
      screen.note("deleted \(data)")
    } else {
      screen.note("stopped; the data is kept in \(data)")
    }
    throw Stop(code: .interrupted)
  }

  private func stop(_ cluster: LocalCluster) {
    for node in cluster.config.nodes { _ = cluster.end(node.id, politely: true) }
  }

  /// What keeps others out.
  private func protection(isSecured: Bool, hasTokens: Bool) -> String {
    switch (isSecured, hasTokens) {
    case (true, true): "TLS by certificates in \(data)/certs, and tokens"
    case (true, false): "TLS by certificates in \(data)/certs, no tokens: local only"
    case (false, true): "tokens, but no TLS: local only"
    case (false, false): "insecure: local only"
    }
  }

  private func show(_ watcher: ClusterWatcher, _ screen: Screen) async {
    for line in await watcher.lines(screen) { screen.print(line) }
    let isSecured = watcher.cluster.config.clientTLS != nil
    let hasTokens = !watcher.cluster.config.tokens.isEmpty
    screen.print("data  \(data)   " + protection(isSecured: isSecured, hasTokens: hasTokens))
    if hasTokens { screen.print("       commands take --token SECRET or FLOTILLA_TOKEN") }
    if let node = watcher.cluster.config.nodes.first {
      let scheme = isSecured ? "https" : "http"
      screen.print("page  \(scheme)://\(node.http)/   to pay in a browser; every node has it")
    }
    screen.print()
    screen.print("try:   flotilla pay open alice --credit 100")
    screen.print("       flotilla status")
    screen.print("       flotilla cluster kill n1        then  flotilla status")
    screen.print(
      detach
        ? "stop:  flotilla cluster down    (data kept)"
        : "stop:  Ctrl-C   (data kept; --throwaway to delete)    background: --detach")
  }
}

struct ClusterDown: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "Stop all nodes politely; the data is kept.",
    discussion: ExitCode.discussion([.ok, .badConfiguration]))
  static let variableOptions = VariableOption.values("data") + OutputOptions.variableOptions

  @Option(help: .option("data", "The folder of the cluster.", value: "folder"))
  var data: String = ConnectionOptions.usualData

  @OptionGroup var output: OutputOptions

  func run() async throws {
    let cluster = try LocalCluster.open(data)
    var stopped = 0
    for node in cluster.config.nodes where cluster.end(node.id, politely: true) { stopped += 1 }
    output.screen.print("stopped \(counted(stopped, "node")); the data is kept in \(data)")
  }
}

struct ClusterList: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The nodes, and which of them run.",
    discussion: ExitCode.discussion([.ok, .badConfiguration]))
  static let variableOptions = VariableOption.values("data") + OutputOptions.variableOptions

  @Option(help: .option("data", "The folder of the cluster.", value: "folder"))
  var data: String = ConnectionOptions.usualData

  @OptionGroup var output: OutputOptions

  func run() async throws {
    let watcher = try ClusterWatcher(try LocalCluster.open(data))
    let screen = output.screen
    switch output.format {
    case .text:
      for line in await watcher.lines(screen) { screen.print(line) }
    case .json: screen.print(await watcher.document().page)
    case .jsonl: screen.print(await watcher.document().line)
    }
  }
}

struct ClusterStart: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Start a node that is not running.",
    discussion: ExitCode.discussion([.ok, .unavailable, .badConfiguration]))
  static let variableOptions =
    LocalNodeOptions.variableOptions + VariableOption.flags("allow-chaos")

  @OptionGroup var options: LocalNodeOptions

  @Flag(help: .option("allow-chaos", "Let flotilla chaos do harm to it."))
  var allowChaos = false

  func run() async throws {
    let (cluster, node) = try options.found()
    let pid = try cluster.start(node, allowsChaos: allowChaos)
    options.output.screen.print("started \(node.description)   pid \(pid)")
  }
}

struct ClusterStop: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Stop a node politely: it hands over leadership first.",
    discussion: ExitCode.discussion([.ok, .badConfiguration]))
  static let variableOptions = LocalNodeOptions.variableOptions

  @OptionGroup var options: LocalNodeOptions

  func run() async throws {
    let (cluster, node) = try options.found()
    let screen = options.output.screen
    screen.print(
      cluster.end(node, politely: true)
        ? "stopped \(node.description): it handed over what it could   (kill does not ask)"
        : "\(node.description) was not running")
  }
}

struct ClusterKill: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "kill", abstract: "Kill a node, as a power cut would.",
    discussion: ExitCode.discussion([.ok, .badConfiguration]))
  static let variableOptions = LocalNodeOptions.variableOptions

  @OptionGroup var options: LocalNodeOptions

  func run() async throws {
    let (cluster, node) = try options.found()
    let screen = options.output.screen
    screen.print(
      cluster.end(node, politely: false)
        ? "killed \(node.description): nothing was handed over   (stop is polite);"
          + " flotilla cluster start \(node.description) brings it back"
        : "\(node.description) was not running")
  }
}

struct ClusterRestart: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "restart", abstract: "Stop a node politely and start it again.",
    discussion: ExitCode.discussion([.ok, .unavailable, .badConfiguration]))
  static let variableOptions =
    LocalNodeOptions.variableOptions + VariableOption.flags("allow-chaos")

  @OptionGroup var options: LocalNodeOptions

  @Flag(help: .option("allow-chaos", "Let flotilla chaos do harm to it."))
  var allowChaos = false

  func run() async throws {
    let (cluster, node) = try options.found()
    _ = cluster.end(node, politely: true)
    let pid = try cluster.start(node, allowsChaos: allowChaos)
    try await ClusterWatcher(cluster).untilReady([node], within: .seconds(30))
    options.output.screen.print("restarted \(node.description)   pid \(pid)")
  }
}

struct ClusterLogs: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "What a node has logged.",
    discussion: ExitCode.discussion([.ok, .badConfiguration, .interrupted]))
  static let variableOptions =
    LocalNodeOptions.variableOptions + VariableOption.values("last")
    + VariableOption.flags("follow")

  @OptionGroup var options: LocalNodeOptions

  @Option(help: .option("last", "How many lines.", value: "n"))
  var last: Int = 50

  @Flag(help: .option("follow", "Go on as lines are written, until Ctrl-C."))
  var follow = false

  func run() async throws {
    let (cluster, node) = try options.found()
    let screen = options.output.screen
    for line in cluster.lastLines(node, max(0, last)) { screen.print(line) }
    guard follow else { return }
    guard let handle = FileHandle(forReadingAtPath: cluster.log(node)) else { return }
    _ = try handle.seekToEnd()
    while true {
      let data = try handle.readToEnd() ?? Data()
      if !data.isEmpty { FileHandle.standardOutput.write(data) }
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}

struct ClusterWipe: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "wipe", abstract: "Delete a cluster that does not run, with all its data.",
    discussion: ExitCode.discussion([.ok, .usage, .refused, .badConfiguration]))
  static let variableOptions =
    VariableOption.values("data") + VariableOption.flags("yes") + OutputOptions.variableOptions

  @Option(help: .option("data", "The folder of the cluster.", value: "folder"))
  var data: String = ConnectionOptions.usualData

  @Flag(help: .option("yes", "Really."))
  var yes = false

  @OptionGroup var output: OutputOptions

  func run() async throws {
    let cluster = try LocalCluster.open(data)
    let running = cluster.config.nodes.filter { cluster.pid($0.id) != nil }
    guard running.isEmpty else {
      throw Failure(
        .refused, "\(running.map { $0.id.description }.joined(separator: ", ")) still run",
        hint: "flotilla cluster down")
    }
    guard yes else {
      throw Failure(
        .usage, "this deletes \(data) with everything that its nodes have stored",
        hint: "flotilla cluster wipe --data \(data) --yes")
    }
    do {
      // Only what is ours: the folder may have been somebody's before.
      for node in cluster.config.nodes {
        for path in [
          cluster.data(node.id), cluster.log(node.id), LocalCluster.certificates(data),
        ]
        where FileManager.default.fileExists(atPath: path) {
          try FileManager.default.removeItem(atPath: path)
        }
      }
      try FileManager.default.removeItem(atPath: LocalCluster.configPath(data))
    } catch {
      throw Failure(.cannotCreate, "\(data) cannot be deleted: \(error.localizedDescription)")
    }
    let rest = (try? FileManager.default.contentsOfDirectory(atPath: data)) ?? []
    if rest.isEmpty { try? FileManager.default.removeItem(atPath: data) }
    output.screen.print("deleted the cluster \(cluster.config.cluster) in \(data)")
  }
}
#endif

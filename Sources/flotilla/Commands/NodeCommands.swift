#if Server
import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import Logging
import Raft
import RaftJournal
import RaftRuntime
import RaftServer

/// One node, as a machine of its own runs it. Four verbs, so that what is meant is never guessed.
struct NodeGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node", abstract: "One node of a cluster, as a machine of its own runs it.",
    subcommands: [NodeInit.self, NodeStart.self, NodeJoin.self, NodeRecover.self])
}

/// What the commands of a node take.
struct NodeOptions: ParsableArguments {
  @Option(help: .option("config", "The file of the cluster.", value: "file"))
  var config: String = "cluster.yaml"

  @Option(help: .option("node", "Which node this is, such as n1.", value: "node"))
  var node: String

  @Option(
    help: .option(
      "directory",
      "Where the node keeps its data; default: data of the file, and the node's name.",
      value: "folder"))
  var directory: String?

  static let variableOptions = VariableOption.values("config", "node", "directory")

  func read() throws(Failure) -> (config: ClusterConfig, id: NodeID, directory: String) {
    let config = try ConfigReader.read(config)
    let digits = node.hasPrefix("n") ? node.dropFirst() : node[...]
    guard let number = UInt64(digits), number > 0 else {
      throw Failure(.usage, "\"\(node)\" is no node; write a name such as n1")
    }
    let id = try config.node(NodeID(number)).id
    let directory = directory ?? "\(config.data ?? "flotilla-data")/\(id.description)"
    return (config, id, directory)
  }
}

struct NodeInit: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make the data of one of the first nodes of a new cluster.",
    discussion: """
      All first nodes must be given the same file. A node whose disk was lost must never be made \
      anew: it would forget what it promised, and the cluster could elect two leaders.


      """ + ExitCode.discussion([.ok, .usage, .cannotCreate, .badConfiguration]))
  static let variableOptions = NodeOptions.variableOptions

  @OptionGroup var options: NodeOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let (config, id, directory) = try options.read()
    try NodeFolder.create(config, id, directory, isJoining: false)
    output.screen.print(
      "made \(id.description) of cluster \(config.cluster) in \(directory)")
    output.screen.note(
      "next: flotilla node start --config \(config.path) --node \(id.description)"
        + " --directory \(directory)")
  }
}

struct NodeJoin: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "join", abstract: "Make the data of a new node, and start it as one that waits.",
    discussion: """
      The node must be in the file, as in those of the others, and be added by member add. It \
      learns first and votes when it is promoted.


      """ + ExitCode.discussion([.ok, .usage, .cannotCreate, .badConfiguration]))
  static let variableOptions = NodeOptions.variableOptions

  @OptionGroup var options: NodeOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let (config, id, directory) = try options.read()
    try NodeFolder.create(config, id, directory, isJoining: true)
    output.screen.note("next: flotilla member add \(id.description)")
    try await NodeStart.serve(config, id, directory)
  }
}

struct NodeStart: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Start a node that has its data.",
    discussion: ExitCode.discussion([
      .ok, .usage, .badData, .cannotCreate, .badConfiguration,
    ]))
  static let variableOptions =
    NodeOptions.variableOptions + VariableOption.flags("allow-chaos", "while-stdin-open")
    + VariableOption.values("tracing", "trace-sample", "trace-file")

  @OptionGroup var options: NodeOptions

  @Flag(help: .option("allow-chaos", "Let flotilla chaos do harm to this node."))
  var allowChaos = false

  @Flag(
    help: .option(
      "while-stdin-open", "End when standard input ends: a node does not outlive its supervisor."))
  var whileStdinOpen = false

  @Option(help: .option("tracing", "Whether requests are followed: on or off.", value: "switch"))
  var tracing: String?

  @Option(
    help: .option(
      "trace-sample", "How many requests are followed, such as 1%, unless their sender says.",
      value: "share"))
  var traceSample: String?

  @Option(
    help: .option("trace-file", "Where spans are written, a document on each line.", value: "file"))
  var traceFile: String?

  func run() async throws {
    if whileStdinOpen { InputWatch.begin() }
    var (config, id, directory) = try options.read()
    try config.set(.isOn, flag: tracing)
    try config.set(.sample, flag: traceSample)
    try config.set(.file, flag: traceFile)
    if let what = config.tracing.contradiction {
      throw Failure(.badConfiguration, what, hint: "--trace-file FILE")
    }
    guard !NodeFolder.isEmpty(directory) else {
      throw Failure(
        .badConfiguration,
        "\(id.description) has no data in \(directory), but the file of cluster \(config.cluster)"
          + " knows it as a voter.\n       Starting it empty could lose committed entries: it may"
          + " have promised a vote or stored an entry\n       that it no longer has.",
        hint: "a new cluster:           flotilla node init --config \(config.path) --node"
          + " \(id.description)",
        "the path is wrong:       --directory DIR, or data in \(config.path)",
        "the disk was lost:       flotilla node recover --config \(config.path) --node NEW"
          + " --replace \(id.description)")
    }
    try await NodeStart.serve(config, id, directory, allowsChaos: allowChaos)
  }

  static func serve(
    _ config: ClusterConfig, _ id: NodeID, _ directory: String, allowsChaos: Bool = false
  ) async throws {
    NodeProcess.takeOver()
    LoggingSystem.bootstrap { JSONLog(label: $0) }
    // `JSONLog` begins at `info`.
    let logger = Logger(label: "flotilla")
    var settings = try config.settings(of: id, data: directory)
    settings.isChaosAllowed = allowsChaos
    do {
      let node = try await ServerNode(settings, logger: logger)
      try await node.run { ports in
        var metadata: Logger.Metadata = ["event": "node.started", "http": "\(ports.http)"]
        if let grpc = ports.grpc { metadata["grpc"] = "\(grpc)" }
        logger.info("\(id.description) serves HTTP on port \(ports.http)", metadata: metadata)
      }
    } catch let error as HostError {
      throw NodeStart.failure(error)
    } catch let error as TraceError {
      throw Failure(.badConfiguration, error.description, hint: "--trace-file ANOTHER-FILE")
    }
  }

  private static func failure(_ error: HostError) -> Failure {
    switch error {
    case .settings, .restore, .unprotected, .certificate, .listen:
      Failure(.badConfiguration, error.description)
    case .disk, .journal(_, .disk): Failure(.cannotCreate, error.description)
    case .journal, .damaged: Failure(.badData, error.description)
    }
  }
}

/// Ends this process when its standard input ends, which it does when whoever holds the other end
/// is gone, in whichever way it went.
enum InputWatch {
  /// How long the process has to leave politely. Unit: seconds.
  static let grace: UInt32 = 5

  /// Begins to watch, on a thread of its own: a node that is paused, or that works hard, would not
  /// notice.
  static func begin() {
    Thread.detachNewThread {
      var byte: UInt8 = 0
      var count = 1
      repeat { count = read(STDIN_FILENO, &byte, 1) } while count > 0 || count < 0 && errno == EINTR
      kill(getpid(), SIGTERM)
      sleep(grace)
      kill(getpid(), SIGKILL)
    }
  }
}
#endif

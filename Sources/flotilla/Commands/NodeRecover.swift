#if Server
// A node whose disk is lost, and a cluster whose majority is.

import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftClient

struct NodeRecover: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Replace a node whose disk is lost, or a cluster whose majority is.",
    discussion: """
      A voter that has lost its disk has forgotten its votes and its entries; back under its name \
      it could have two leaders elected. So a node with another name takes its place: it must be \
      in the file, as in those of the others. It is made, started, added, and votes when it has \
      caught up; in the same change the lost one is taken out. Broken off, the same command goes on:

        flotilla node recover --config cluster.yaml --node n4 --replace n2

      Only when so many nodes are lost for ever that no majority can come back: the data of one \
      that is left begins a new cluster. What the others had stored and it had not is lost. The \
      file must name the new cluster otherwise than the old one. The old data is read and not \
      changed. Asked without --yes, it tells what would be taken over, and what cannot be known:

        flotilla node recover --config new.yaml --node n1 \
          --force-new-cluster-with-data-loss --from flotilla-data/n1 --directory data/n1


      """
        + ExitCode.discussion([
          .ok, .refused, .usage, .badData, .unavailable, .cannotCreate, .notSettled,
          .notPermitted, .badConfiguration,
        ]))
  static let variableOptions =
    NodeOptions.variableOptions + VariableOption.values("replace", "token", "patience", "from")
    + VariableOption.flags("force-new-cluster-with-data-loss", "yes")

  @OptionGroup var options: NodeOptions
  @Option(help: .option("replace", "The node whose disk is lost, such as n2.", value: "node"))
  var replace: String?
  @Flag(
    help: .option(
      "force-new-cluster-with-data-loss",
      "Begin a new cluster with what one node has left; its majority is lost for ever."))
  var forceNewClusterWithDataLoss = false
  @Option(
    help: .option("from", "The data of the node that is left; it is not changed.", value: "folder"))
  var from: String?
  @Flag(help: .option("yes", "Really begin a new cluster, and lose what this node never got."))
  var yes = false
  @Option(help: .option("token", "The token of an operator to show the others.", value: "secret"))
  var token: String?
  @Option(
    help: .option("patience", "How long it may take to catch up; usually 10m.", value: "time"))
  var patience: TimeArgument?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (replace != nil) != forceNewClusterWithDataLoss else {
      throw ValidationError("write --replace NODE, or --force-new-cluster-with-data-loss")
    }
    guard forceNewClusterWithDataLoss == (from != nil) else {
      throw ValidationError(
        "--from FOLDER belongs to --force-new-cluster-with-data-loss: the data that is left")
    }
  }

  func run() async throws {
    let (config, id, directory) = try options.read()
    if let from {
      try ForcedRecovery(config: config, node: id, from: from, to: directory)
        .run(output, isConfirmed: yes)
    } else if let replace {
      try await run(replacing: replace, config, id, directory)
    }
  }

  private func run(
    replacing replace: String, _ config: ClusterConfig, _ id: NodeID, _ directory: String
  ) async throws {
    guard let old = try ChaosOptions.nodes(replace).first, replace.split(separator: ",").count == 1
    else { throw Failure(.usage, "\"\(replace)\" is no node; write a name such as n2") }
    guard old != id else {
      throw Failure(
        .usage,
        "\(id.description) cannot come back as itself: it has forgotten what it promised, and the"
          + " cluster could elect two leaders",
        hint: "add a node of a new name to \(config.path), and give that as --node")
    }
    if NodeFolder.isEmpty(directory) {
      try NodeFolder.create(config, id, directory, isJoining: true)
      output.screen.note("made \(id.description) in \(directory)")
    }
    let others = config.nodes.filter { $0.id != id && $0.id != old }
    guard !others.isEmpty else {
      throw Failure(.badConfiguration, "\(config.path) has no other node to ask")
    }
    let client: FlotillaClient
    do throws(FlotillaClient.AddressError) {
      client = try FlotillaClient(
        endpoints: others.map { $0.http.description }, token: token,
        tls: config.clientTLS.map { ClientTLS(authorities: $0.authority) })
    } catch {
      throw Failure(.badConfiguration, error.description)
    }
    let screen = output.screen
    let replacement = MemberReplacement(
      client: client, old: old, new: id,
      patience: .nanoseconds(Int64(clamping: patience?.nanoseconds ?? 600_000_000_000))
    ) { screen.note($0) }
    // The node goes on whatever becomes of the change: asked again, the change does, too.
    let change = Task {
      do { try await replacement.run() } catch let failure as Failure {
        for line in failure.lines { screen.note(line) }
      }
    }
    defer { change.cancel() }
    try await NodeStart.serve(config, id, directory)
  }
}
#endif

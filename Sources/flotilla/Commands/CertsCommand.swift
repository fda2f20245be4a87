#if Server
// Certificates for a cluster of one's own: an authority, and one certificate for each node. Made by
// the program openssl, which nearly every machine has.

import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftInterface
import RaftRuntime

struct Certs: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "certs", abstract: "An authority and certificates for the nodes of a file.",
    discussion: """
      For development, and for clusters without an authority of their own. Each certificate names \
      its node, n1.flotilla, and the hosts at which the file says that it listens, so it serves \
      links between nodes and clients alike. What is there already is kept: run it again for a new \
      node, or with --renew for certificates of the same authority.


      """ + ExitCode.discussion([.ok, .usage, .unavailable, .cannotCreate, .badConfiguration]))
  static let variableOptions =
    VariableOption.values("config", "out", "days") + VariableOption.flags("renew")
    + OutputOptions.variableOptions

  @Option(help: .option("config", "The file of the cluster.", value: "file"))
  var config: String = "cluster.yaml"

  @Option(help: .option("out", "The folder that they go to.", value: "folder"))
  var out: String = "certs"

  @Option(help: .option("days", "How long they hold.", value: "n"))
  var days: Int = 365

  @Flag(help: .option("renew", "New certificates for all nodes; the authority stays."))
  var renew = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(1...36_500).contains(days) {
      throw ValidationError("--days must be 1 to 36500, not \(days)")
    }
  }

  func run() async throws {
    let config = try ConfigReader.read(config)
    let maker = try CertificateMaker(folder: out, days: days)
    var made = try maker.authority(named: "Flotilla \(config.cluster)") ? ["ca.pem"] : []
    for node in config.nodes where try maker.certificate(node, isRenewed: renew) {
      made.append("\(node.id.description).pem")
    }
    guard output.format == .text else {
      let document = JSONValue.object([
        .init("schema", .string("flotilla/certs/1")), .init("folder", .string(out)),
        .init("made", .array(made.map { .string($0) })),
      ])
      output.screen.print(output.format == .json ? document.page : document.line)
      return
    }
    output.screen.print(
      made.isEmpty
        ? "all certificates were there already in \(out)   (--renew makes them anew)"
        : "made \(made.joined(separator: ", ")) in \(out)")
    output.screen.note("ca.key makes nodes of this cluster: keep it away from them. In the file:")
    for key in ["tls", "clientTLS"] {
      output.screen.note(
        "  \(key): { certificate: \"\(out)/{node}.pem\", key: \"\(out)/{node}.key\", authority:"
          + " \"\(out)/ca.pem\" }")
    }
    output.screen.note("A node that runs reads its certificates again on SIGHUP.")
  }
}
#endif

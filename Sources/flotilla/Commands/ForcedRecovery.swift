#if Server
// When a majority is lost for ever: what one node has left begins a new cluster.

import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftInterface
import RaftJournal
import RaftServer

/// Makes the data of the sole voter of a new cluster out of what one node has left.
struct ForcedRecovery {
  let config: ClusterConfig
  let node: NodeID
  /// What is left.
  let from: String
  /// Where the new data belongs.
  let to: String

  /// Tells what is known, asks, and does it.
  func run(_ output: OutputOptions, isConfirmed: Bool) throws {
    let screen = output.screen
    let found = try survey()
    for line in lines(found) { screen.note(line) }
    if !isConfirmed { try confirm(screen) }
    do {
      _ = try NodeData.beginNewCluster(
        from: from, at: to, cluster: config.clusterID, node: node)
    } catch {
      throw ForcedRecovery.failure(error, from)
    }
    let start =
      "flotilla node start --config \(config.path) --node \(node.description) --directory \(to)"
    switch output.format {
    case .text:
      screen.print(
        "made \(node.description) of cluster \(config.cluster) in \(to), the only voter;"
          + " \(from) is as it was")
    case .json: screen.print(document(found).page)
    case .jsonl: screen.print(document(found).line)
    }
    screen.note("next: \(start)")
    screen.note("then: on each new machine, with this file and an empty folder")
    screen.note("        flotilla node join --node nX,  flotilla member add and promote nX")
  }

  /// What is left, if it can be used.
  func survey() throws(Failure) -> TakenOver {
    guard !NodeFolder.isEmpty(from) else {
      throw Failure(.badData, "there is no data in \(from)", hint: "--from FOLDER")
    }
    guard NodeFolder.isEmpty(to) else {
      throw Failure(
        .cannotCreate, "\(to) is not empty, and data that is left is never written over",
        hint: "--directory ANOTHER-DIR")
    }
    let found: TakenOver
    do { found = try NodeData.survey(from) } catch { throw ForcedRecovery.failure(error, from) }
    guard found.former.cluster != config.clusterID else {
      throw Failure(
        .badConfiguration,
        "\(config.path) has the identity of the cluster that \(from) belongs to: a node that was"
          + " believed lost could come back to it, and both would answer",
        hint: "another name under cluster:, and no id: or another one, in \(config.path)")
    }
    return found
  }

  /// What is known, and what is not.
  func lines(_ found: TakenOver) -> [String] {
    let members = found.membership.nodes.map { $0.description }.joined(separator: ", ")
    let doubtful = found.knownCommitted.distance(to: found.last.index)
    var lines = [
      "left       \(found.former.description), with members \(members)",
      "kept       every entry through \(found.last.index), the last of term \(found.last.term);"
        + " all that this node acknowledged",
    ]
    if doubtful > 0 {
      let first = found.knownCommitted.next
      lines.append(
        "in doubt   \(first) to \(found.last.index): not known to be committed, kept all the same")
    }
    lines.append(
      "lost       what the others committed after entry \(found.last.index), if anything: this"
        + " node cannot know")
    lines.append(
      "choose     of several that are left the one with the greatest term, then the greatest entry")
    return lines
  }

  private func confirm(_ screen: Screen) throws(Failure) {
    let refusal = Failure(
      .usage, "nothing was done: beginning a new cluster loses what this node never got",
      hint: "the same command with --yes")
    guard isatty(STDIN_FILENO) == 1, screen.isErrorTerminal else { throw refusal }
    screen.note("type the name of the new cluster, \(config.cluster), to go on:")
    guard readLine() == config.cluster else { throw refusal }
  }

  private func document(_ found: TakenOver) -> JSONValue {
    .object([
      .init("schema", .string("flotilla/recovered/1")), .init("outcome", .string("ok")),
      .init("node", .string(node.description)), .init("cluster", .string(config.cluster)),
      .init("id", .string(config.clusterID.description)), .init("directory", .string(to)),
      .init("from", .string(from)),
      .init("formerId", .string(found.former.cluster.description)),
      .init("lastIndex", .string("\(found.last.index)")),
      .init("lastTerm", .string("\(found.last.term)")),
      .init("knownCommitted", .string("\(found.knownCommitted)")),
    ])
  }

  private static func failure(_ error: any Error, _ from: String) -> Failure {
    switch error {
    case let error as NewClusterError:
      switch error {
      case .survivor, .damaged, .outUntilRepaired, .unusable:
        Failure(.badData, "\(from): \(error.description)")
      case .sameCluster: Failure(.badConfiguration, error.description)
      case .new: Failure(.cannotCreate, error.description)
      }
    case let error as DiskError where error.problem == .heldByAnother:
      Failure(
        .refused, "a node runs on \(from): the cluster may not be lost",
        hint: "flotilla status", "stop the node first, if no majority can come back")
    default: Failure(.cannotCreate, "\(error)")
    }
  }
}
#endif

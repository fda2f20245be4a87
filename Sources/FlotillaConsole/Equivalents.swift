#if Server
// The command lines that do the same as a button: what is learnt on the page is of use without it.

import FlotillaCluster
import Raft

/// Command lines for one cluster.
package struct Equivalents: Sendable {
  /// The folder of the cluster.
  package var folder: String
  /// The folder that commands take if none is named.
  package static let usualFolder = "flotilla-data"

  package init(folder: String) { self.folder = folder }

  /// A word as a shell takes it for one word.
  package static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
      default: "-_./,:+%=@".utf8.contains($0)
      }
    }
    if isPlain, !word.isEmpty { return word }
    return "'" + word.replacing("'", with: "'\\''") + "'"
  }

  private func command(_ words: [String]) -> String {
    let place = folder == Equivalents.usualFolder ? [] : ["--data", folder]
    return (["flotilla"] + words + place).map(Equivalents.quoted).joined(separator: " ")
  }

  /// Starts all nodes; with a number of nodes, of a cluster that is not there yet.
  package func up(nodes: Int? = nil, firstPort: UInt16 = 7100, name: String = "local") -> String {
    guard let nodes else { return command(["cluster", "up", "--detach", "--allow-chaos"]) }
    var words = ["cluster", "up", "--nodes", "\(nodes)", "--detach", "--allow-chaos"]
    if firstPort != 7100 { words += ["--first-port", "\(firstPort)"] }
    if name != "local" { words += ["--name", name] }
    return command(words)
  }

  package var down: String { command(["cluster", "down"]) }
  package var heal: String { command(["chaos", "heal"]) }
  package var status: String { command(["status"]) }
  package var faults: String { command(["chaos", "list"]) }
  package var events: String { command(["watch"]) }

  package func start(_ node: NodeID) -> String {
    command(["cluster", "start", node.description, "--allow-chaos"])
  }

  package func stop(_ node: NodeID) -> String { command(["cluster", "stop", node.description]) }

  package func kill(_ node: NodeID) -> String { command(["cluster", "kill", node.description]) }

  package func restart(_ node: NodeID) -> String {
    command(["cluster", "restart", node.description, "--allow-chaos"])
  }

  package func log(_ node: NodeID) -> String {
    command(["cluster", "logs", node.description, "--follow"])
  }

  package func fault(_ order: FaultOrder) -> String { command(["chaos"] + order.words) }
}
#endif

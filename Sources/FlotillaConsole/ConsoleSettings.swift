#if Server
// What a console is told before it starts.

import FlotillaCluster
import FlotillaTerminal
import RaftRuntime

/// What a console is told before it starts.
package struct ConsoleSettings: Sendable {
  /// Where it listens: an address that only this machine reaches.
  package var listen: PeerAddress
  /// The folder of the cluster.
  package var folder: String
  /// How many nodes a new cluster has, if nobody says.
  package var nodes: Int
  /// The port before those of a new cluster.
  package var firstPort: UInt16
  /// The name of a new cluster.
  package var name: String
  /// The program of a node.
  package var program: String
  /// What nodes are shown, if they want tokens.
  package var token: String?

  /// How many nodes a cluster of the console may have.
  package static let possibleNodes = 1...9

  /// - Throws: a failure if others could reach the address.
  package init(
    listen: PeerAddress, folder: String, nodes: Int, firstPort: UInt16, name: String,
    program: String
  ) throws(Failure) {
    guard ClusterConfig.isLoopback(listen) else {
      throw Failure(
        .usage,
        "the console starts and kills processes, so it listens on this machine only, not on"
          + " \(listen)",
        hint: "--listen 127.0.0.1:\(listen.port)",
        "from another machine: ssh -L \(listen.port):127.0.0.1:\(listen.port) THIS-MACHINE")
    }
    self.listen = listen
    // A name could come to mean another machine.
    if listen.host == "localhost" { self.listen.host = "127.0.0.1" }
    self.folder = folder
    self.nodes = nodes
    self.firstPort = firstPort
    self.name = name
    self.program = program
  }
}
#endif

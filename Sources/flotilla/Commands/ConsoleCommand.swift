#if Server
import ArgumentParser
import FlotillaCluster
import FlotillaConsole
import FlotillaTerminal
import Foundation
import RaftInterface
import RaftRuntime

/// A page to start, watch and break a cluster on this machine.
struct Console: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "console", abstract: "A page to start, watch and break a cluster on this machine.",
    discussion: """
      Serves a page, and the same over REST, on this machine only. It makes the cluster of --data, \
      or takes the one that is there; its nodes are children of the console and end with it, in \
      whichever way it ends. All other commands see the same cluster. Whoever uses it shows the \
      token in the address that is printed, or in console.token beside the cluster.

      flotilla console
      flotilla console --listen 127.0.0.1:8080 --data ./drill --first-port 8100 --nodes 5
      flotilla status                              in another terminal, of the same cluster


      """ + ExitCode.discussion([.ok, .usage, .cannotCreate, .badConfiguration, .interrupted]))

  static let variableOptions =
    VariableOption.values("listen", "nodes", "data", "first-port", "name", "token")
    + OutputOptions.variableOptions

  @Option(
    help: .option(
      "listen", "Where the page is served: an address of this machine.", value: "address")
  )
  var listen: String = "127.0.0.1:7100"

  @Option(
    help: .option(
      "nodes", "How many nodes a new cluster has, if the page does not say.", value: "n"))
  var nodes: Int = 3

  @Option(help: .option("data", "The folder of the cluster.", value: "folder"))
  var data: String = ConnectionOptions.usualData

  @Option(
    help: .option(
      "first-port",
      "Of a new cluster: HTTP is on the ports after this, peers 100 and text 200 further.",
      value: "port"))
  var firstPort: UInt16 = 7100

  @Option(help: .option("name", "The name of a new cluster.", value: "name"))
  var name: String = "local"

  @Option(help: .option("token", "The token to show to nodes that want one.", value: "secret"))
  var token: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !ConsoleSettings.possibleNodes.contains(nodes) {
      throw ValidationError("--nodes must be 1 to 9, not \(nodes)")
    }
    if firstPort > 65_000 { throw ValidationError("--first-port must be at most 65000") }
  }

  func run() async throws {
    let address: PeerAddress
    do throws(PeerAddressError) { address = try PeerAddress(listen) } catch {
      throw Failure(.usage, error.description, hint: "--listen 127.0.0.1:7100")
    }
    var settings = try ConsoleSettings(
      listen: address, folder: data, nodes: nodes, firstPort: firstPort, name: name,
      program: try LocalCluster.program())
    settings.token = token
    let server = try ConsoleServer(settings)
    let screen = output.screen
    Interrupt.shared.install(screen)
    let host = PeerAddress(host: settings.listen.host, port: 0)
    try await server.run { port in
      show(server, "http://\(PeerAddress(host: host.host, port: UInt16(port)))/", screen)
    } untilAsked: {
      while !Interrupt.shared.isRequested { try await Task.sleep(for: .milliseconds(50)) }
    }
    screen.note("the console has ended, and its nodes with it; the data is kept in \(data)")
    throw Stop(code: .interrupted)
  }

  /// Says where the console is. Whoever reads it may use the console.
  private func show(_ server: ConsoleServer, _ address: String, _ screen: Screen) {
    let page = "\(address)#token=\(server.token.text)"
    let document = JSONValue.object([
      .init("schema", .string("flotilla/console-address/1")), .init("page", .string(page)),
      .init("rest", .string("\(address)v1")), .init("token", .string(server.token.text)),
      .init("tokenFile", .string(server.keyPath)), .init("data", .string(data)),
    ])
    switch output.format {
    case .text:
      screen.print("page   \(page)")
      screen.print("rest   \(address)v1   with the token in \(server.keyPath)")
      screen.print("data   \(data)   nodes run as long as the console does")
      screen.print("stop   Ctrl-C   (data kept)")
    case .json: screen.print(document.page)
    case .jsonl: screen.print(document.line)
    }
  }
}
#endif

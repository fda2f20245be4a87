#if Server
import ArgumentParser
import FlotillaTerminal
import RaftClient
import RaftInterface

struct ShowCausality: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "causality", abstract: "Whether one transfer could have known of another.",
    discussion: """
      Each entry carries the clocks of the node that took it in. One happened before the other if \
      its vector says that it was known there; if neither knew of the other, they are concurrent, \
      although the log has them in an order.


      """ + ExitCode.discussion(payCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @Argument(help: "A transfer: its number, such as t-14, or its key.") var first: String
  @Argument(help: "Another one.") var second: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    var names: [String] = []
    var indexes: [String] = []
    for transfer in [first, second] {
      let answer = await client.send(ClientCall("GET", ReferenceOptions.path(of: transfer)))
      let document = try connection.result(answer)
      names.append("t-\(document["number"]?.string ?? "?")")
      indexes.append(document["index"]?.string ?? "0")
    }
    let document = try connection.result(
      await client.send(
        ClientCall("GET", "/v1/causality?first=\(indexes[0])&second=\(indexes[1])")))
    guard !connection.printed(document) else { return }
    let relation = document["relation"]?.string
    connection.screen.print(ShowCausality.sentence(names[0], names[1], relation))
    for (name, member) in [(names[0], "first"), (names[1], "second")] {
      connection.screen.print("  \(name)   \(ShowCausality.stamp(document[member] ?? .null))")
    }
  }

  static func sentence(_ a: String, _ b: String, _ relation: String?) -> String {
    switch relation {
    case "before": "\(a) happened before \(b)"
    case "after": "\(b) happened before \(a)"
    case "concurrent": "concurrent: neither \(a) nor \(b) knew of the other"
    case "same": "\(a) and \(b) are one entry"
    default: "not known: their stamps name no node in common"
    }
  }

  static func stamp(_ entry: JSONValue) -> String {
    let vector = (entry["vector"]?.array ?? []).map {
      "\($0["node"]?.string ?? "?"):\($0["count"]?.string ?? "?")"
    }
    return "index \(entry["index"]?.string ?? "?")   lamport \(entry["lamport"]?.string ?? "?")"
      + "   vector \(vector.joined(separator: " "))"
  }
}
#endif

#if Server
import ArgumentParser
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface

/// Keys and values.
struct KeyValueGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kv", abstract: "Keys and values.",
    subcommands: [
      GetKey.self, PutKey.self, DeleteKey.self, CompareKey.self, ListKeys.self, WatchKeys.self,
    ])
}

/// How fresh an answer must be.
enum ReadChoice: String, CaseIterable, ExpressibleByArgument {
  case linearizable, lease, follower, stale
}

private let usualCodes: [ExitCode] = [
  .ok, .refused, .usage, .unavailable, .notSettled, .notPermitted,
]

struct GetKey: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print a value, and nothing else.",
    discussion: ExitCode.discussion(usualCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("read")
    + VariableOption.flags("verbose")

  @Argument(help: "The key.") var key: String
  @Option(
    help: .option(
      "read", "How fresh it must be: linearizable, lease, follower or stale.", value: "kind"))
  var read: ReadChoice = .linearizable
  @Flag(help: .option("verbose", "Say on stderr where the answer came from."))
  var verbose = false
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    let started = ContinuousClock.now
    let answer = await client.send(
      ClientCall(
        "GET", Paths.key(key) + "?read=\(read.rawValue)",
        headers: [("accept", connection.output.format == .text ? "*/*" : "application/json")]))
    let document = try connection.result(answer)
    if !connection.printed(document) {
      FileHandle.standardOutput.write(Data(answer.body))
      FileHandle.standardOutput.write(Data("\n".utf8))
    }
    if read == .stale, let age = answer.header("flotilla-age-ms") {
      connection.screen.note("age \(age) ms")
    }
    if verbose {
      let took = wallTime(
        seconds: Double((ContinuousClock.now - started) / .microseconds(1)) / 1e6)
      connection.screen.note(
        "index \(answer.header("flotilla-index") ?? "?")   read \(read.rawValue)"
          + "   by \(answer.header("flotilla-node") ?? "?")   \(took)")
    }
  }
}

/// What commands take that change something.
struct WriteOptions: ParsableArguments {
  @Option(
    help: .option("acks", "How many nodes must have it: majority, all or a number.", value: "n"))
  var acks: String?

  static let variableOptions = VariableOption.values("acks")

  var query: String { acks.map { "acks=" + Paths.encoded($0) } ?? "" }
}

extension ConnectionOptions {
  /// Does one write in a session of its own, so that it happens once however often it is sent.
  func write(_ call: ClientCall) async throws -> ClientAnswer {
    let client = try client()
    let session: ClientSession
    do throws(Ruling) { session = try await ClientSession.open(client) } catch {
      // Nothing but a session can have been opened.
      var ruling = error
      if ruling.outcome == .unknown { ruling.outcome = .unavailable }
      return ClientAnswer(ruling)
    }
    let answer = await session.send(call)
    if answer.ruling.outcome != .unknown { await session.close() }
    return answer
  }

  /// The same, and what it printed.
  func finish(_ answer: ClientAnswer, _ words: String? = nil) throws {
    let document = try result(answer)
    if !printed(document), let words { screen.print(words) }
    try noteCopies(answer)
  }
}

struct PutKey: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "put", abstract: "Set a key; - reads the value from stdin.",
    discussion: ExitCode.discussion(usualCodes))
  static let variableOptions = ConnectionOptions.variableOptions + WriteOptions.variableOptions

  @Argument(help: "The key.") var key: String
  @Argument(help: "The value.") var value: String
  @OptionGroup var write: WriteOptions
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let bytes =
      value == "-"
      ? Array(FileHandle.standardInput.readDataToEndOfFile()) : Array(value.utf8)
    let query = write.query.isEmpty ? "" : "?" + write.query
    let answer = try await connection.write(
      ClientCall("PUT", Paths.key(key) + query, body: bytes))
    try connection.finish(answer)
  }
}

struct DeleteKey: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Take a key away.",
    discussion: ExitCode.discussion(usualCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @Argument(help: "The key.") var key: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    try connection.finish(try await connection.write(ClientCall("DELETE", Paths.key(key))))
  }
}

struct CompareKey: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "cas", abstract: "Set a key if it has the value that you expect.",
    discussion: ExitCode.discussion(usualCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @Argument(help: "The key.") var key: String
  @Option(name: .customLong("if"), help: "The value that it must have; without it: none.")
  var expected: String?
  @Option(help: "The value that it gets.") var to: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let condition = expected.map { "?if=" + Paths.encoded($0) } ?? "?ifAbsent"
    let answer = try await connection.write(
      ClientCall("PUT", Paths.key(key) + condition, body: Array(to.utf8)))
    if answer.ruling.outcome == .refused, answer.ruling.reason == Ruling.mismatch {
      let actual = await connection.clientOrNil?.send(
        ClientCall("GET", Paths.key(key), headers: [("accept", "*/*")]))
      let shown =
        actual?.status == 200
        ? "\"\(String(decoding: actual?.body ?? [], as: UTF8.self))\"" : "no value"
      throw Failure(.refused, "refused: \(key) has \(shown)")
    }
    try connection.finish(answer)
  }
}

extension ConnectionOptions {
  var clientOrNil: FlotillaClient? { try? client() }
}

struct ListKeys: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Keys with a prefix, in order.",
    discussion: ExitCode.discussion(usualCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("prefix", "limit")

  @Option(help: .option("prefix", "How they begin.", value: "text")) var prefix: String = ""
  @Option(help: .option("limit", "At most so many.", value: "n")) var limit: Int = 1000
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let target = "/v1/kv?prefix=\(Paths.encoded(prefix))&limit=\(limit)"
    let document = try connection.result(
      await (try connection.client()).send(ClientCall("GET", target)))
    guard !connection.printed(document) else { return }
    for pair in document["pairs"]?.array ?? [] {
      let key = pair["key"]?.string ?? pair["keyBase64"]?.string ?? "?"
      let value = pair["value"]?.string ?? pair["valueBase64"]?.string ?? "?"
      connection.screen.print("\(key)   \(value)")
    }
    if document["isComplete"]?.bool == false {
      connection.screen.note("there are more: --limit N, or a longer --prefix")
    }
  }
}

struct WatchKeys: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Changes as they happen, until Ctrl-C.",
    discussion: ExitCode.discussion(usualCodes + [.interrupted]))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("after", "count")

  @Argument(help: "How the keys begin.") var prefix: String = ""
  @Option(help: .option("after", "From this entry on, not only new ones.", value: "index"))
  var after: UInt64?
  @Option(help: .option("count", "Stop after so many.", value: "n")) var count: UInt64?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let start = after.map { "&after=\($0)" } ?? ""
    let target = "/v1/watch?prefix=\(Paths.encoded(prefix))\(start)"
    let printer = StreamPrinter(connection.screen, connection.output.format, count)
    let ruling = await (try connection.client()).stream(target) { event in
      printer.print(event) { data in
        let key = data["key"]?.string ?? data["keyBase64"]?.string ?? "?"
        let value = data["value"]?.string ?? data["valueBase64"]?.string
        return "\(event.id)   \(event.name)   \(key)" + (value.map { "   \($0)" } ?? "")
      }
    }
    try StreamPrinter.finish(ruling)
  }
}
#endif

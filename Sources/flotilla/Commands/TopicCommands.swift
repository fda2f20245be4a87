#if Server
import ArgumentParser
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface
import RaftMachines
import Synchronization

/// Prints events as they come, and counts them.
final class StreamPrinter: Sendable {
  private let screen: Screen
  private let format: Format
  private let count: UInt64?
  private let printed = Mutex<UInt64>(0)
  private let last = Mutex<String?>(nil)

  init(_ screen: Screen, _ format: Format, _ count: UInt64?) {
    self.screen = screen
    self.format = format
    self.count = count
  }

  /// The number of the event that was printed last.
  var lastID: String? { last.withLock { $0 } }

  /// Prints an event.
  ///
  /// - Returns: whether more are wanted.
  func print(_ event: StreamEvent, _ line: (JSONValue) -> String) -> Bool {
    let data = (try? JSONValue(parsing: event.data)) ?? .null
    switch format {
    case .text: screen.print(line(data))
    case .json, .jsonl: screen.print(data.line)
    }
    last.withLock { $0 = event.id }
    return printed.withLock { printed in
      printed += 1
      return count.map { printed < $0 } ?? true
    }
  }

  static func finish(_ ruling: Ruling) throws(Failure) {
    guard ruling.outcome != .ok else { return }
    throw Failure(
      ExitCode(rawValue: ruling.outcome.exitCode) ?? .internalError, ruling.detail)
  }
}

private let usualCodes: [ExitCode] = [
  .ok, .refused, .usage, .unavailable, .notSettled, .notPermitted,
]

extension JSONValue {
  /// A message on a line.
  var messageLine: String {
    let time = (self["timeNs"]?.unsigned ?? 0) / 1_000_000
    let seconds = time / 1_000 % 86_400
    func two(_ number: UInt64) -> String { (number < 10 ? "0" : "") + String(number) }
    let clock = "\(two(seconds / 3_600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    let payload = self["payload"]?.string ?? self["payloadBase64"]?.string ?? ""
    return
      "[#\(self["offset"]?.string ?? "?")] \(clock).\(String(1_000 + time % 1_000).dropFirst())Z"
      + "  \(payload)"
  }
}

struct Publish: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Publish a message; each is stored once.",
    discussion: ExitCode.discussion(usualCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + WriteOptions.variableOptions
    + VariableOption.values("key") + VariableOption.flags("stdin")

  @Argument(help: "The topic.") var topic: String
  @Argument(help: "The message.") var message: String?
  @Option(
    help: .option("key", "The key of a message that was sent before; a ULID.", value: "key"))
  var key: String?
  @Flag(help: .option("stdin", "One message for each line of stdin."))
  var stdin = false
  @OptionGroup var write: WriteOptions
  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    if stdin == (message != nil) {
      throw ValidationError("say a message, or --stdin for one on each line")
    }
    if stdin, key != nil { throw ValidationError("--key is for one message, not for --stdin") }
  }

  func run() async throws {
    let client = try connection.client()
    if let message { return try await publish(message, client) }
    while let line = readLine() { try await publish(line, client) }
  }

  private func publish(_ message: String, _ client: FlotillaClient) async throws {
    let key = key ?? PaymentKey.fresh().ulid
    let query = write.query.isEmpty ? "" : "?" + write.query
    let answer = await client.send(
      ClientCall(
        "POST", "/v1/topics/\(Paths.encoded(topic))/messages\(query)",
        headers: [("idempotency-key", key)], body: Array(message.utf8)))
    let retry = "flotilla publish \(topic) '\(message)' --key \(key)"
    let document = try connection.result(answer, retry: retry)
    if !connection.printed(document) {
      let word = answer.ruling.outcome == .duplicate ? "already there   " : ""
      connection.screen.print(
        "\(word)\(topic) #\(document["offset"]?.string ?? "?")"
          + "   index \(document["index"]?.unsigned.map { grouped($0) } ?? "?")")
    }
    try connection.noteCopies(answer)
  }
}

struct Subscribe: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "subscribe", abstract: "Messages as they come, until Ctrl-C.",
    discussion: """
      With --group the place of the group is noted after each message: the next reader of that \
      group goes on there, wherever it runs. A message that was being dealt with when a reader \
      died comes once more. With --exec a command line gets each message on its standard input, \
      and FLOTILLA_TOPIC and FLOTILLA_OFFSET in its environment; if it fails, reading ends there.


      """ + ExitCode.discussion(usualCodes + [.violated, .interrupted]))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("from", "count", "group", "exec")

  @Argument(help: "The topic.") var topic: String
  @Option(help: .option("from", "From this offset on, not only new ones.", value: "offset"))
  var from: UInt64?
  @Option(help: .option("count", "Stop after so many.", value: "n")) var count: UInt64?
  @Option(help: .option("group", "Go on where this group is, and note its place.", value: "name"))
  var group: String?
  @Option(help: .option("exec", "Give each message to this command line.", value: "command"))
  var exec: String?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    if group != nil || exec != nil {
      Interrupt.shared.install(connection.screen)
      let reader = TopicReader(
        client: try connection.client(), connection: connection, topic: topic, group: group,
        command: exec)
      try await reader.run(from: from, count: count)
      if Interrupt.shared.isRequested { throw Stop(code: .interrupted) }
      return
    }
    let start = from.map { "?from=\($0)" } ?? ""
    let printer = StreamPrinter(connection.screen, connection.output.format, count)
    let client = try connection.client()
    let target = "/v1/topics/\(Paths.encoded(topic))/subscribe\(start)"
    Interrupt.shared.install(connection.screen)
    let reading = Task {
      await client.stream(target) { event in printer.print(event) { $0.messageLine } }
    }
    let watching = Task {
      while !Interrupt.shared.isRequested { try await Task.sleep(for: .milliseconds(50)) }
      reading.cancel()
    }
    let ruling = await reading.value
    watching.cancel()
    if let hint = Subscribe.next(topic, after: printer.lastID, from: from) {
      connection.screen.note(hint)
    }
    if Interrupt.shared.isRequested { throw Stop(code: .interrupted) }
    try StreamPrinter.finish(ruling)
  }

  /// The command that goes on behind the last message; `nil` if nobody knows where that is.
  static func next(_ topic: String, after last: String?, from: UInt64?) -> String? {
    guard let next = last.flatMap({ UInt64($0) }).map({ $0 + 1 }) ?? from else { return nil }
    return "next: flotilla subscribe \(topic) --from \(next)"
  }
}

struct History: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Messages that are stored.",
    discussion: ExitCode.discussion(usualCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("from", "limit")

  @Argument(help: "The topic.") var topic: String
  @Option(help: .option("from", "From this offset on.", value: "offset")) var from: UInt64 = 0
  @Option(help: .option("limit", "At most so many.", value: "n")) var limit: Int = 100
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let target = "/v1/topics/\(Paths.encoded(topic))/messages?from=\(from)&limit=\(limit)"
    let document = try connection.result(
      await (try connection.client()).send(ClientCall("GET", target)))
    let messages = document["messages"]?.array ?? []
    switch connection.output.format {
    case .text: for message in messages { connection.screen.print(message.messageLine) }
    case .json: connection.screen.print(document.page)
    case .jsonl: for message in messages { connection.screen.print(message.line) }
    }
    if let next = document["next"]?.string, messages.count == limit {
      connection.screen.note("next: flotilla history \(topic) --from \(next)")
    }
  }
}
#endif

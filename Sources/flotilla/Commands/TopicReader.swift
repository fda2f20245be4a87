#if Server
// Messages one after the other, each dealt with before the next is asked for: for programs, and for
// groups whose members take turns.

import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface

/// Reads a topic at the pace at which its messages are dealt with.
struct TopicReader {
  let client: FlotillaClient
  let connection: ConnectionOptions
  let topic: String
  /// Whose place is noted after each message.
  var group: String?
  /// A command line for the shell that gets each message on its standard input.
  var command: String?

  private var path: String { "/v1/topics/\(Paths.encoded(topic))" }

  /// Where to begin: at the place that was asked for, or the group's, or at the newest message.
  ///
  /// A group that has no place yet begins with the oldest message.
  private func start(_ asked: UInt64?) async throws -> UInt64 {
    if let asked { return asked }
    guard let group else {
      let answer = await client.send(ClientCall("GET", path))
      if answer.ruling.outcome == .notFound { return 0 }
      return try connection.result(answer)["next"]?.unsigned ?? 0
    }
    let answer = await client.send(ClientCall("GET", "\(path)/groups/\(Paths.encoded(group))"))
    if answer.ruling.outcome == .notFound { return 0 }
    return try connection.result(answer)["next"]?.unsigned ?? 0
  }

  /// Deals with messages until there were enough of them, or Ctrl-C.
  ///
  /// - Throws: a failure, if a command failed: its message is not noted as dealt with.
  func run(from asked: UInt64?, count: UInt64?) async throws {
    var next = try await start(asked)
    var left = count ?? .max
    while left > 0, !Interrupt.shared.isRequested {
      let answer = await client.send(
        ClientCall("GET", "\(path)/messages?from=\(next)&limit=\(min(left, 100))"))
      if answer.ruling.outcome == .notFound {
        try await Task.sleep(for: .milliseconds(200))
        continue
      }
      let document = try connection.result(answer)
      let messages = document["messages"]?.array ?? []
      for message in messages where !Interrupt.shared.isRequested {
        try await take(message)
        next = (message["offset"]?.unsigned ?? next) + 1
        left -= 1
        // With a command each message is noted as soon as it is done; printed ones together.
        if command != nil { try await note(next) }
      }
      if messages.isEmpty {
        // What is no longer stored is passed over.
        next = max(next, document["next"]?.unsigned ?? next)
        try await Task.sleep(for: .milliseconds(200))
      } else if command == nil {
        try await note(next)
      }
    }
  }

  private func note(_ next: UInt64) async throws {
    guard let group else { return }
    let body = JSONValue.object([.init("next", .text(next))]).line
    // The same place noted twice is noted once.
    let answer = await client.send(
      ClientCall(
        "PUT", "\(path)/groups/\(Paths.encoded(group))", body: Array(body.utf8),
        isRepeatable: true))
    _ = try connection.result(answer)
  }

  private func take(_ message: JSONValue) async throws {
    guard let command else {
      let isText = connection.output.format == .text
      connection.screen.print(isText ? message.messageLine : message.line)
      return
    }
    let offset = message["offset"]?.string ?? "?"
    let payload =
      message["payload"]?.string.map { Array($0.utf8) }
      ?? message["payloadBase64"]?.string.flatMap { Data(base64Encoded: $0).map(Array.init) } ?? []
    let code = try TopicReader.execute(
      command, input: payload,
      environment: ["FLOTILLA_TOPIC": topic, "FLOTILLA_OFFSET": offset])
    guard code == 0 else {
      throw Failure(
        .violated, "the command ended with \(code) on message #\(offset) of \(topic)",
        hint: group.map { "flotilla subscribe \(topic) --group \($0) …   begins with it again" }
          ?? "flotilla subscribe \(topic) --from \(offset) …   begins with it again")
    }
  }

  /// Runs a command line with something on its standard input, and waits for its end.
  static func execute(
    _ command: String, input: [UInt8], environment: [String: String]
  ) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let pipe = Pipe()
    process.standardInput = pipe
    do { try process.run() } catch {
      throw Failure(.cannotCreate, "/bin/sh cannot be started: \(error.localizedDescription)")
    }
    // Whoever does not read all of it is not waited for: SIGPIPE is ignored.
    try? pipe.fileHandleForWriting.write(contentsOf: Data(input))
    try? pipe.fileHandleForWriting.close()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
#endif

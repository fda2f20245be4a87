#if Server
// The process of one node as a child of the console: what it says, how it is told to end, how it
// ended.

import Foundation
import RaftInterface
import Subprocess

/// How a process ended.
package enum ChildEnding: Hashable, Sendable {
  case exited(Int32)
  case signalled(Int32)
  /// It was never there.
  case notStarted(String)

  /// In words, as an end that nobody asked for.
  package var words: String {
    switch self {
    case .exited(0): "ended by itself"
    case .exited(let code): "ended with code \(code)"
    case .signalled(SIGKILL): "was killed"
    case .signalled(let signal): "was ended by signal \(signal)"
    case .notStarted(let reason): "could not be started: \(reason)"
    }
  }
}

/// What a child can be told.
enum ChildOrder: Sendable {
  /// Leave, and hand over first.
  case leave
  /// End at once.
  case die
}

enum NodeChild {
  /// A line that is longer is not shown; none of ours is. Unit: bytes.
  static let maximumLineBytes = 16 << 10

  /// Runs a process to its end. Its standard input is open for as long as this process lives: a
  /// node that watches it ends with us, in whichever way we end.
  ///
  /// - Parameters:
  ///   - program: the program.
  ///   - arguments: its arguments.
  ///   - log: the file that its output is added to.
  ///   - orders: what it is told.
  ///   - onStart: called with its number when it is there.
  ///   - onLine: called with each line that it prints.
  /// - Returns: how it ended.
  static func run(
    _ program: String, _ arguments: [String], log: String, orders: AsyncStream<ChildOrder>,
    onStart: @Sendable (Int32) async -> Void, onLine: @Sendable (String) -> Void
  ) async -> ChildEnding {
    var options = PlatformOptions()
    // What the terminal sends us, it does not get: it is told to leave by us.
    options.createSession = true
    let file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { if file >= 0 { close(file) } }
    do {
      let result = try await Subprocess.run(
        .path(.init(program)), arguments: Arguments(arguments), platformOptions: options,
        input: .inputWriter, output: .sequence, error: .combinedWithOutput
      ) { execution in
        await onStart(execution.processIdentifier.value)
        let obeying = Task {
          for await order in orders {
            try? execution.send(signal: order == .die ? .kill : .terminate)
          }
        }
        await read(execution.standardOutput, file, onLine)
        obeying.cancel()
        await obeying.value
      }
      switch result.terminationStatus {
      case .exited(let code): return .exited(code)
      case .signaled(let signal): return .signalled(signal)
      }
    } catch {
      return .notStarted("\(error)")
    }
  }

  /// Reads until the process ends, in whichever way it does.
  private static func read(
    _ output: SubprocessOutputSequence, _ file: Int32, _ onLine: @Sendable (String) -> Void
  ) async {
    var lines = TextLines(maximumBytes: maximumLineBytes)
    do {
      for try await chunk in output {
        let bytes = chunk.withUnsafeBytes { Array($0) }
        keep(bytes, in: file)
        for piece in lines.take(bytes) {
          switch piece {
          case .line(let line): onLine(String(decoding: line, as: UTF8.self))
          case .tooLong: onLine("(a line of more than \(maximumLineBytes) bytes)")
          }
        }
      }
    } catch {
      // What is told of its end is how it ended.
    }
  }

  private static func keep(_ bytes: [UInt8], in file: Int32) {
    guard file >= 0 else { return }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
#endif

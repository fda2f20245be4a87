#if Server
// Takes spans out of their queue, on a thread that may wait: into a file, or to a collector.

import Dispatch
import Logging
import Metrics
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What a node is told of tracing.
package struct TraceSettings: Hashable, Sendable {
  /// How many of a million requests are followed of which nobody else has said so.
  package var samplePerMillion: UInt64
  /// The file to which lines are added; `nil` for none.
  package var file: String?
  /// How many spans wait to be exported at most.
  package var queueLimit: Int

  package init(
    samplePerMillion: UInt64, file: String?, queueLimit: Int = SpanQueue.usualLimit
  ) {
    self.samplePerMillion = samplePerMillion
    self.file = file
    self.queueLimit = queueLimit
  }
}

/// Why spans cannot be exported.
package enum TraceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file cannot be opened.
  case file(String, code: Int32)

  package var description: String {
    switch self {
    case .file(let path, let code):
      "spans cannot be written to \(path): \(String(cString: strerror(code)))"
    }
  }
}

/// Writes what is in a queue, every second and when it is half full, on a thread of its own.
package final class TraceExporter: Sendable {
  /// How many spans are in one document at most.
  private static let batch = 512
  /// How often is exported, if there is not much. Unit: milliseconds.
  private static let interval = 1_000

  private let spans: SpanQueue
  private let resource: [(name: String, value: String)]
  private let version: String
  private let logger: Logger
  private let file: TraceFile?
  private let thread = DispatchQueue(label: "flotilla.traces", qos: .utility)
  private let timer: TraceTimer
  private let isFailing = Mutex(false)

  /// - Parameters:
  ///   - settings: where to.
  ///   - resource: what made the spans.
  ///   - version: of the code that made them.
  /// - Throws: `TraceError` if a file cannot be opened.
  init(
    _ settings: TraceSettings, _ spans: SpanQueue, resource: [(name: String, value: String)],
    version: String, logger: Logger
  ) throws(TraceError) {
    self.spans = spans
    self.resource = resource
    self.version = version
    self.logger = logger
    if let path = settings.file { file = try TraceFile(path) } else { file = nil }
    timer = TraceTimer(on: thread, milliseconds: TraceExporter.interval)
    timer.begin { [weak self] in self?.export() }
    spans.onMuch { [weak self] in
      guard let self else { return }
      thread.async { self.export() }
    }
  }

  deinit { timer.cancel() }

  /// Writes what there is, and returns when that is done. Nothing is taken from now on.
  package func stop() async {
    spans.close()
    await withCheckedContinuation { continuation in
      thread.async {
        self.export()
        self.timer.cancel()
        continuation.resume()
      }
    }
  }

  private func export() {
    let all = spans.takeAll()
    var first = 0
    while first < all.count {
      let part = Array(all[first..<min(all.count, first + TraceExporter.batch)])
      first += part.count
      let document = TraceDocument.document(part, resource: resource, version: version)
      let code = file?.append(Array((document.line + "\n").utf8)) ?? 0
      if code == 0 {
        spans.count(exported: part.count)
      } else {
        spans.count(failed: part.count)
      }
      tell(code)
    }
  }

  /// Says once that it fails, and once that it does no more.
  private func tell(_ code: Int32) {
    let wasFailing = isFailing.withLock { isFailing in
      defer { isFailing = code != 0 }
      return isFailing
    }
    guard wasFailing != (code != 0) else { return }
    if code == 0 {
      logger.info("spans are exported again", metadata: ["event": "trace.exported"])
    } else {
      logger.warning(
        "spans cannot be exported, and are dropped: \(String(cString: strerror(code)))",
        metadata: ["event": "trace.export_failed"])
    }
  }
}

/// Calls a function again and again, on its thread.
private final class TraceTimer: @unchecked Sendable {
  // Set up by one thread, and only cancelled by others.
  private let source: any DispatchSourceTimer

  init(on thread: DispatchQueue, milliseconds: Int) {
    source = DispatchSource.makeTimerSource(queue: thread)
    source.schedule(
      deadline: .now() + .milliseconds(milliseconds), repeating: .milliseconds(milliseconds))
  }

  func begin(_ body: @escaping @Sendable () -> Void) {
    source.setEventHandler { body() }
    source.activate()
  }

  func cancel() { source.cancel() }
}

/// A file to which lines are added. Used by one thread.
private final class TraceFile: @unchecked Sendable {
  private let handle: Int32
  /// The last line is not whole.
  private var isTorn = false

  init(_ path: String) throws(TraceError) {
    handle = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
    guard handle >= 0 else { throw .file(path, code: errno) }
  }

  deinit { close(handle) }

  /// Adds a line with its end.
  ///
  /// - Returns: 0, or the code of the system for what went wrong.
  func append(_ line: [UInt8]) -> Int32 {
    let bytes = isTorn ? [UInt8(ascii: "\n")] + line : line
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        write(handle, buffer.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = errno
        isTorn = isTorn || written > 0
        return code == 0 ? EIO : code
      }
      written += count
    }
    isTorn = false
    return 0
  }
}
#endif

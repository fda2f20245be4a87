#if Server
// Where spans wait to be exported. Who brings one never waits: if there is no room, it is counted
// and forgotten.

import Metrics
import Synchronization

/// The spans that have ended and are not exported yet.
package final class SpanQueue: Sendable {
  /// How many may wait, unless somebody says otherwise.
  package static let usualLimit = 8_192

  private struct State {
    var spans: [EndedSpan] = []
    var isClosed = false
    /// Called when there is much to export.
    var wake: (@Sendable () -> Void)?
  }

  private let limit: Int
  private let state = Mutex(State())
  private let full: Counter
  private let failed: Counter
  private let exported: Counter

  /// - Parameters:
  ///   - limit: how many spans wait at most.
  ///   - metrics: what counts them.
  package init(limit: Int = SpanQueue.usualLimit, metrics: any MetricsFactory) {
    self.limit = limit
    exported = Counter(label: "trace_spans_exported_total", factory: metrics)
    let dropped = "trace_spans_dropped_total"
    full = Counter(label: dropped, dimensions: [("reason", "queueFull")], factory: metrics)
    failed = Counter(label: dropped, dimensions: [("reason", "exportFailed")], factory: metrics)
  }

  /// Calls a function whenever half of the room is used up.
  func onMuch(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

  func add(_ span: EndedSpan) {
    let (isTaken, wake) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
      guard !state.isClosed, state.spans.count < limit else { return (false, nil) }
      state.spans.append(span)
      return (true, state.spans.count == limit / 2 ? state.wake : nil)
    }
    if !isTaken { full.increment() }
    wake?()
  }

  /// All that wait; they wait no more.
  package func takeAll() -> [EndedSpan] {
    state.withLock { state in
      var taken: [EndedSpan] = []
      swap(&taken, &state.spans)
      return taken
    }
  }

  /// Has what waits exported soon.
  func wake() { state.withLock { $0.wake }?() }

  /// From now on nothing is taken.
  func close() { state.withLock { $0.isClosed = true } }

  func count(exported count: Int) { exported.increment(by: count) }
  func count(failed count: Int) { failed.increment(by: count) }
}
#endif

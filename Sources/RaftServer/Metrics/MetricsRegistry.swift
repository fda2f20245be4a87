#if Server
// What takes the figures that the runtime gives to the ecosystem's metrics, and shows them as
// Prometheus reads them.

import Metrics
import Synchronization

/// The metrics of one node.
package final class MetricsRegistry: MetricsFactory, Sendable {
  /// The dimensions of one line, sorted by nobody: as they were given.
  typealias Labels = [(name: String, value: String)]

  private let series = Mutex<[String: [MetricSeries]]>([:])

  package init() {}

  private func find(_ name: String, _ labels: [(String, String)], _ value: MetricValue)
    -> MetricSeries
  {
    series.withLock { series in
      let labels = labels.map { (name: $0.0, value: $0.1) }
      let known = series[name, default: []].first { old in
        old.labels.count == labels.count
          && zip(old.labels, labels).allSatisfy { $0.name == $1.name && $0.value == $1.value }
      }
      if let known { return known }
      let new = MetricSeries(name, labels, value)
      series[name, default: []].append(new)
      return new
    }
  }

  private func remove(_ handler: AnyObject) {
    guard let old = handler as? MetricSeries else { return }
    series.withLock { $0[old.name]?.removeAll { $0 === old } }
  }

  /// All lines there are, by name; those of one name in the order in which they appeared.
  func list() -> [(name: String, series: [MetricSeries])] {
    series.withLock { all in
      all.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
        .map { (name: $0.key, series: $0.value) }
    }
  }

  // MARK: MetricsFactory

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    find(label, dimensions, .counter(0))
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    find(label, dimensions, .gauge(0))
  }

  package func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    find(label, dimensions, .gauge(0))
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    find(label, dimensions, .histogram(Histogram()))
  }

  package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}

/// What a line of metrics holds.
enum MetricValue: Sendable {
  case counter(UInt64)
  case gauge(Double)
  case histogram(Histogram)

  /// The word of the text format.
  var kind: String {
    switch self {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    }
  }
}

/// One line of metrics, or the lines of one histogram.
final class MetricSeries: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
  let name: String
  let labels: MetricsRegistry.Labels
  private let held: Mutex<MetricValue>

  init(_ name: String, _ labels: MetricsRegistry.Labels, _ value: MetricValue) {
    self.name = name
    self.labels = labels
    held = Mutex(value)
  }

  var value: MetricValue { held.withLock { $0 } }

  func increment(by amount: Int64) {
    held.withLock { value in
      guard case .counter(let count) = value, amount > 0 else { return }
      value = .counter(count &+ UInt64(amount))
    }
  }

  func reset() { held.withLock { if case .counter = $0 { $0 = .counter(0) } } }

  func set(_ new: Double) { held.withLock { if case .gauge = $0 { $0 = .gauge(new) } } }

  func set(_ new: Int64) { set(Double(new)) }

  func increment(by amount: Double) {
    held.withLock { if case .gauge(let old) = $0 { $0 = .gauge(old + amount) } }
  }

  func decrement(by amount: Double) { increment(by: -amount) }

  func record(_ new: Int64) { set(Double(new)) }

  func record(_ new: Double) { set(new) }

  func recordNanoseconds(_ duration: Int64) {
    held.withLock { value in
      guard case .histogram(var histogram) = value else { return }
      // What the value holds is let go first, or it would be copied.
      value = .gauge(0)
      histogram.record(UInt64(max(0, duration)))
      value = .histogram(histogram)
    }
  }
}
#endif

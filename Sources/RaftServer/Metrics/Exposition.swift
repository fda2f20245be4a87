#if Server
// The text format of Prometheus, version 0.0.4.

/// Metrics as text. What a name means is said by `MetricDescription`.
struct Exposition {
  private(set) var text = ""
  private var known: [String] = []

  typealias Labels = MetricsRegistry.Labels

  /// One line of a metric.
  typealias Sample = (labels: Labels, value: String)

  mutating func add(_ name: String, _ value: UInt64) { add(name, [([], String(value))]) }

  /// Nothing if there is no sample, or the name is there already.
  mutating func add(_ name: String, _ samples: [Sample]) {
    guard !samples.isEmpty, begin(name) else { return }
    for sample in samples { line(name, sample.labels, sample.value) }
  }

  mutating func addHistograms(_ name: String, _ list: [(labels: Labels, histogram: Histogram)]) {
    guard !list.isEmpty, begin(name) else { return }
    for item in list { add(name, item.labels, item.histogram) }
  }

  private mutating func add(_ name: String, _ labels: Labels, _ histogram: Histogram) {
    for sample in histogram.samples {
      let bound = sample.bound.map { [(name: "le", value: $0)] } ?? []
      line(name + sample.suffix, labels + bound, sample.value)
    }
  }

  /// All of a registry but what is there already, because the interfaces know it better.
  mutating func add(_ registry: MetricsRegistry) {
    for (name, series) in registry.list() {
      guard begin(name, kind: series[0].value.kind) else { continue }
      for one in series {
        switch one.value {
        case .counter(let count): line(name, one.labels, String(count))
        case .gauge(let value): line(name, one.labels, Exposition.text(value))
        case .histogram(let histogram): add(name, one.labels, histogram)
        }
      }
    }
  }

  /// Whole numbers without a fraction, which the others have.
  static func text(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map { String($0) } ?? "\(value)"
  }

  private mutating func begin(_ name: String, kind: String = "untyped") -> Bool {
    guard !known.contains(name) else { return false }
    known.append(name)
    let description = MetricDescription.of(name)
    if let description { text += "# HELP \(name) \(description.help)\n" }
    text += "# TYPE \(name) \(description?.kind ?? kind)\n"
    return true
  }

  private mutating func line(_ name: String, _ labels: Labels, _ value: String) {
    let list = labels.map { label in
      var value = ""
      for character in label.value {
        switch character {
        case "\"", "\\": value += "\\\(character)"
        case "\n": value += "\\n"
        default: value.append(character)
        }
      }
      return "\(label.name)=\"\(value)\""
    }
    let braces = list.isEmpty ? "" : "{" + list.joined(separator: ",") + "}"
    text += "\(name)\(braces) \(value)\n"
  }
}
#endif

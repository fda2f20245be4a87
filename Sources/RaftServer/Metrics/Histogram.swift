#if Server
// How long things took, as Prometheus counts it.

/// Durations by size: how many were within each bound, and what they sum up to.
struct Histogram: Sendable {
  /// The bounds as the text format says them, in seconds, and in nanoseconds.
  static let bounds: [(text: String, nanoseconds: UInt64)] = [
    ("0.0001", 100_000), ("0.00025", 250_000), ("0.0005", 500_000), ("0.001", 1_000_000),
    ("0.0025", 2_500_000), ("0.005", 5_000_000), ("0.01", 10_000_000), ("0.025", 25_000_000),
    ("0.05", 50_000_000), ("0.1", 100_000_000), ("0.25", 250_000_000), ("0.5", 500_000_000),
    ("1", 1_000_000_000), ("2.5", 2_500_000_000), ("5", 5_000_000_000), ("10", 10_000_000_000),
  ]

  /// How many lay between each bound and the one before it; the last: beyond all.
  private(set) var counts: [UInt64] = []
  private(set) var nanoseconds: UInt64 = 0

  var count: UInt64 { counts.reduce(0, +) }

  mutating func record(_ duration: UInt64) {
    if counts.isEmpty { counts = [UInt64](repeating: 0, count: Histogram.bounds.count + 1) }
    var place = 0
    while place < Histogram.bounds.count, duration > Histogram.bounds[place].nanoseconds {
      place += 1
    }
    counts[place] += 1
    nanoseconds &+= duration
  }

  /// The lines of the text format: what follows the name, and the value.
  var samples: [(suffix: String, bound: String?, value: String)] {
    var samples: [(suffix: String, bound: String?, value: String)] = []
    var sum: UInt64 = 0
    for (bound, count) in zip(Histogram.bounds, counts) {
      sum += count
      samples.append(("_bucket", bound.text, String(sum)))
    }
    samples.append(("_bucket", "+Inf", String(count)))
    samples.append(("_sum", nil, "\(Double(nanoseconds) / 1e9)"))
    samples.append(("_count", nil, String(count)))
    return samples
  }
}
#endif

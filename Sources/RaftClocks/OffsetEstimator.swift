// Mills, Network Time Protocol (RFC 5905): how far another clock is from ours, from the four times
// of a question and its answer, and which of many such samples to believe.

/// The four times of one exchange, in nanoseconds; the first and the last by our clock, the two
/// others by the other one.
public struct ClockExchange: Hashable, Sendable, BitwiseCopyable {
  /// When the question left us.
  public var sent: UInt64
  /// When it came to the other.
  public var received: UInt64
  /// When the answer left the other.
  public var answered: UInt64
  /// When it came to us.
  public var returned: UInt64

  /// An exchange of these four.
  public init(sent: UInt64, received: UInt64, answered: UInt64, returned: UInt64) {
    self.sent = sent
    self.received = received
    self.answered = answered
    self.returned = returned
  }
}

/// What one exchange says.
public struct OffsetSample: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// By how much the other clock is ahead of ours; negative if it is behind.
  public var offset: Int64
  /// How long question and answer were under way together.
  public var delay: UInt64
  /// When the answer came, by our clock.
  public var taken: UInt64

  /// The offset cannot be wrong by more than half of the delay, plus a nanosecond of rounding:
  /// even if one of the two ways took no time at all.
  public var error: UInt64 { delay / 2 + 1 }

  /// The true offset lies between these two.
  public var bounds: ClosedRange<Int64> {
    let error = Int64(clamping: error)
    let (low, isLow) = offset.subtractingReportingOverflow(error)
    let (high, isHigh) = offset.addingReportingOverflow(error)
    return (isLow ? .min : low)...(isHigh ? .max : high)
  }

  /// A sample of these.
  public init(offset: Int64, delay: UInt64, taken: UInt64) {
    self.offset = offset
    self.delay = delay
    self.taken = taken
  }

  /// The sample of an exchange; `nil` if its times cannot be: the answer came before the question
  /// left, or the other took longer for it than we waited, or a time is after the year 2262.
  public init?(_ exchange: ClockExchange) {
    let bound = UInt64(Int64.max)
    guard exchange.sent <= bound, exchange.received <= bound, exchange.answered <= bound,
      exchange.returned <= bound, exchange.returned >= exchange.sent,
      exchange.answered >= exchange.received
    else { return nil }
    let waited = exchange.returned - exchange.sent
    let worked = exchange.answered - exchange.received
    guard waited >= worked else { return nil }
    // All are within 63 bits, so the differences fit; their sum might not, so each is halved first.
    let there = Int64(exchange.received) - Int64(exchange.sent)
    let back = Int64(exchange.answered) - Int64(exchange.returned)
    offset = (there >> 1) + (back >> 1) + ((there & 1) + (back & 1)) / 2
    delay = waited - worked
    taken = exchange.returned
  }

  /// For example `+1500 ns ± 200`.
  public var description: String {
    "\(offset < 0 ? "" : "+")\(offset) ns \u{b1} \(error)"
  }
}

/// Follows how far another clock is from ours.
///
/// Of the newest eight samples the one with the shortest delay is believed, as in NTP's clock
/// filter: what delays a packet makes its sample worse, so the fastest one knows best. Its error
/// grows with its age by what the two clocks may have drifted apart.
public struct OffsetEstimator: Hashable, Sendable {
  /// How many samples are looked at.
  public static let window = 8

  /// How much the two clocks may drift apart, in parts per million. The default is 400: twice what
  /// one of them may.
  public var driftPerMillion: UInt64
  /// The newest samples, oldest first.
  public private(set) var samples: [OffsetSample] = []

  /// An estimator that has seen nothing.
  public init(driftPerMillion: UInt64 = 400) { self.driftPerMillion = driftPerMillion }

  /// Takes in an exchange.
  ///
  /// - Returns: whether its times can be; if not, it is left out.
  @discardableResult
  public mutating func add(_ exchange: ClockExchange) -> Bool {
    guard let sample = OffsetSample(exchange) else { return false }
    add(sample)
    return true
  }

  /// Takes in a sample.
  public mutating func add(_ sample: OffsetSample) {
    if samples.count == OffsetEstimator.window { samples.removeFirst() }
    samples.append(sample)
  }

  /// Forgets all samples, for example because our own clock was set.
  public mutating func removeAll() { samples.removeAll() }

  /// The offset and how wrong it may be, now by our clock; `nil` before the first sample.
  ///
  /// - Complexity: O(samples).
  public func estimate(at now: UInt64) -> (offset: Int64, error: UInt64)? {
    var best: (offset: Int64, error: UInt64)?
    for sample in samples {
      let error = error(of: sample, at: now)
      // Of equals the newer one.
      if best.map({ error <= $0.error }) ?? true { best = (sample.offset, error) }
    }
    return best
  }

  /// The root mean square would need a square root: this is the mean distance of the samples from
  /// the one that is believed, NTP's jitter in spirit.
  ///
  /// - Unit: nanoseconds; 0 before the second sample.
  public func jitter(at now: UInt64) -> UInt64 {
    guard samples.count > 1, let best = estimate(at: now) else { return 0 }
    var sum: UInt64 = 0
    for sample in samples {
      let (difference, overflow) = sample.offset.subtractingReportingOverflow(best.offset)
      sum += (overflow ? UInt64.max : difference.magnitude) / UInt64(samples.count)
    }
    return sum
  }

  private func error(of sample: OffsetSample, at now: UInt64) -> UInt64 {
    let age = now > sample.taken ? now - sample.taken : 0
    return drift(in: age, perMillion: driftPerMillion, sample.error)
  }
}

// Marzullo and Owicki, Maintaining the Time in a Distributed System (1983): of several sources some
// of which may be wrong, find the interval that most of them agree on.

/// What several sources agree on.
public struct ClockAgreement: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The true offset is not below this, if the sources that agree are right.
  public var low: Int64
  /// The true offset is not above this.
  public var high: Int64
  /// How many sources agree: their intervals all contain `low...high`.
  public var sources: Int

  /// The middle.
  public var offset: Int64 { (low >> 1) + (high >> 1) + (low & high & 1) }

  /// By how much the middle may be wrong.
  public var error: UInt64 {
    max(offset.distanceMagnitude(to: low), offset.distanceMagnitude(to: high))
  }

  /// The smallest interval that the largest number of sources allows; `nil` without sources.
  ///
  /// Of several such intervals it is the lowest. Whoever needs to be sure asks for `sources` to be
  /// more than half of them: then at least one of any majority of right sources is among them.
  ///
  /// - Complexity: O(n log n).
  public init?(of intervals: [ClosedRange<Int64>]) {
    guard !intervals.isEmpty else { return nil }
    // The end of an interval still belongs to it, so at one place beginnings come before ends.
    var edges: [Edge] = []
    edges.reserveCapacity(2 * intervals.count)
    for interval in intervals {
      edges.append(Edge(place: interval.lowerBound, isEnd: false))
      edges.append(Edge(place: interval.upperBound, isEnd: true))
    }
    edges.sort { $0.place != $1.place ? $0.place < $1.place : !$0.isEnd && $1.isEnd }
    var open = 0
    var best = 0
    low = 0
    high = 0
    for (position, edge) in edges.enumerated() {
      open += edge.isEnd ? -1 : 1
      guard open > best else { continue }
      best = open
      low = edge.place
      // After the last beginning there is an end: every interval has one.
      high = position + 1 < edges.count ? edges[position + 1].place : edge.place
    }
    sources = best
  }

  /// What the estimates of several sources agree on, if more than half of them do.
  ///
  /// - Complexity: O(n log n).
  public static func majority(of estimates: [(offset: Int64, error: UInt64)]) -> ClockAgreement? {
    let intervals = estimates.map { estimate -> ClosedRange<Int64> in
      OffsetSample(offset: estimate.offset, delay: 0, taken: 0)
        .widened(by: estimate.error)
    }
    guard let agreement = ClockAgreement(of: intervals),
      2 * agreement.sources > estimates.count
    else { return nil }
    return agreement
  }

  /// For example `-20...30 ns by 3`.
  public var description: String { "\(low)...\(high) ns by \(sources)" }

  private struct Edge: BitwiseCopyable {
    var place: Int64
    var isEnd: Bool
  }
}

extension OffsetSample {
  fileprivate func widened(by error: UInt64) -> ClosedRange<Int64> {
    let error = Int64(clamping: error)
    let (low, isLow) = offset.subtractingReportingOverflow(error)
    let (high, isHigh) = offset.addingReportingOverflow(error)
    return (isLow ? .min : low)...(isHigh ? .max : high)
  }
}

extension Int64 {
  /// How far apart two numbers are.
  fileprivate func distanceMagnitude(to other: Int64) -> UInt64 {
    self <= other
      ? UInt64(bitPattern: other &- self) : UInt64(bitPattern: self &- other)
  }
}

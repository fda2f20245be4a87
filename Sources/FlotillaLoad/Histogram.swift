// Latencies, counted and not kept: as exact at a microsecond as at a minute, and a run of an hour
// takes no more memory than one of a second. The idea is HdrHistogram's.

/// A log-linear histogram of whole numbers, here nanoseconds.
///
/// Numbers below 256 have a slot each. Above, each power of two is cut into 256 slots of the same
/// width, so a number is told with an error of at most 1/256 of itself.
package struct Histogram: Hashable, Sendable {
  /// As many slots as a power of two is cut into.
  private static let part = 256
  private static let partBits = 8

  private var slots: [UInt64] = []
  /// How many numbers were recorded.
  package private(set) var count: UInt64 = 0
  /// The least of them; 0 if there is none.
  package private(set) var minimum: UInt64 = 0
  /// The greatest of them, exactly; 0 if there is none.
  package private(set) var maximum: UInt64 = 0
  private var sum: UInt64 = 0

  package init() {}

  /// The slot of a number.
  private static func slot(_ value: UInt64) -> Int {
    guard value >= UInt64(part) else { return Int(value) }
    let shift = UInt64.bitWidth - 1 - value.leadingZeroBitCount - partBits
    return shift * part + Int(value >> UInt64(shift))
  }

  /// The greatest number of a slot.
  private static func greatest(of slot: Int) -> UInt64 {
    guard slot >= 2 * part else { return UInt64(slot) }
    let shift = UInt64(slot / part - 1)
    let digits = UInt64(slot % part + part)
    return (digits << shift) | ((1 << shift) - 1)
  }

  /// Records a number.
  ///
  /// - Complexity: O(1), but where the number is greater than all before it.
  package mutating func record(_ value: UInt64) {
    let slot = Histogram.slot(value)
    if slot >= slots.count {
      slots.append(contentsOf: repeatElement(0, count: slot + 1 - slots.count))
    }
    slots[slot] += 1
    minimum = count == 0 ? value : min(minimum, value)
    maximum = max(maximum, value)
    count += 1
    let (total, overflow) = sum.addingReportingOverflow(value)
    sum = overflow ? .max : total
  }

  /// Adds all that another one has recorded.
  package mutating func add(_ other: Histogram) {
    guard other.count > 0 else { return }
    if other.slots.count > slots.count {
      slots.append(contentsOf: repeatElement(0, count: other.slots.count - slots.count))
    }
    for (slot, number) in other.slots.enumerated() { slots[slot] += number }
    minimum = count == 0 ? other.minimum : min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
    count += other.count
    let (total, overflow) = sum.addingReportingOverflow(other.sum)
    sum = overflow ? .max : total
  }

  /// The number that a share of all is not above, at most 1/256 too great; 0 if there is none.
  ///
  /// - Parameter perMillion: the share: 500,000 for the median, 999,000 for 99.9 %.
  /// - Complexity: O(slots).
  package func quantile(perMillion: UInt64) -> UInt64 {
    guard count > 0 else { return 0 }
    let product = count.multipliedFullWidth(by: min(perMillion, 1_000_000))
    let share = UInt64(1_000_000).dividingFullWidth(product)
    let rank = max(1, share.quotient + (share.remainder > 0 ? 1 : 0))
    var seen: UInt64 = 0
    for (slot, number) in slots.enumerated() {
      seen += number
      if seen >= rank { return min(maximum, Histogram.greatest(of: slot)) }
    }
    return maximum
  }

  /// The mean, rounded down; 0 if there is none.
  package var mean: UInt64 { count == 0 ? 0 : sum / count }
}

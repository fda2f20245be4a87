#if Server
// What the interfaces count of themselves.

import RaftInterface
import Synchronization

/// A value behind a lock.
final class LockedBox<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: sending Value) { mutex = Mutex(value) }

  func read<R: Sendable>(_ body: (Value) -> R) -> R { mutex.withLock { body($0) } }

  func change<R: Sendable>(_ body: (inout Value) -> R) -> R {
    mutex.withLock { value in body(&value) }
  }
}

/// How often each outcome was told.
package final class Counters: Sendable {
  private let counts = LockedBox([UInt64](repeating: 0, count: Outcome.allCases.count))

  private static let order = Outcome.allCases

  package init() {}

  /// An answer was given.
  package func count(_ outcome: Outcome) {
    let place = Counters.order.firstIndex(of: outcome) ?? 0
    counts.change { $0[place] += 1 }
  }

  /// In the order of the table.
  var list: [(outcome: Outcome, count: UInt64)] {
    let now = counts.read { $0 }
    return Outcome.allCases.enumerated().map { ($0.element, now[$0.offset]) }
  }
}
#endif

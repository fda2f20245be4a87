#if Server
// What the interfaces count of themselves.

import RaftInterface
import RaftReplica
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

/// How often each outcome was told, and how long requests took.
package final class Counters: Sendable {
  /// What is timed by itself: commands, and each kind of read.
  enum Kind: Hashable {
    case command
    case read(ReadKind)

    fileprivate var place: Int {
      switch self {
      case .command: 0
      case .read(let kind): 1 + Int(kind.rawValue)
      }
    }

    fileprivate static let all: [Kind] =
      [.command] + [ReadKind.linearizable, .lease, .follower, .stale].map { .read($0) }
  }

  private struct State {
    var outcomes = [UInt64](repeating: 0, count: Outcome.allCases.count)
    /// By kind, then outcome.
    var durations = [Histogram](
      repeating: Histogram(), count: Kind.all.count * Outcome.allCases.count)
  }

  private let state = LockedBox(State())

  private static let order = Outcome.allCases

  package init() {}

  private static func place(_ outcome: Outcome) -> Int { order.firstIndex(of: outcome) ?? 0 }

  /// An answer was given.
  package func count(_ outcome: Outcome) {
    let place = Counters.place(outcome)
    state.change { $0.outcomes[place] += 1 }
  }

  /// Notes the answer of the replica to a request.
  func note(_ kind: Kind, _ outcome: Outcome, since start: ContinuousClock.Instant) {
    let nanoseconds = UInt64(max(.zero, start.duration(to: .now)) / .nanoseconds(1))
    let place = kind.place * Counters.order.count + Counters.place(outcome)
    state.change { $0.durations[place].record(nanoseconds) }
  }

  /// In the order of the table.
  var list: [(outcome: Outcome, count: UInt64)] {
    let now = state.read { $0.outcomes }
    return Counters.order.enumerated().map { ($0.element, now[$0.offset]) }
  }

  /// What was asked for at least once, with what came of it.
  var durations: [(kind: Kind, outcome: Outcome, histogram: Histogram)] {
    let now = state.read { $0.durations }
    var list: [(kind: Kind, outcome: Outcome, histogram: Histogram)] = []
    for kind in Kind.all {
      for (place, outcome) in Counters.order.enumerated() {
        let histogram = now[kind.place * Counters.order.count + place]
        if histogram.count > 0 { list.append((kind, outcome, histogram)) }
      }
    }
    return list
  }
}
#endif

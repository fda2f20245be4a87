// How long to wait before a connection is tried again.

import Raft

/// Waits that double from try to try, each shortened by a random part, so that nodes which lost
/// each other at the same moment do not all come back at the same moment.
struct Backoff: Hashable, Sendable, BitwiseCopyable {
  let shortest: UInt64
  let longest: UInt64
  private var random: RandomSource
  private var wait: UInt64

  /// Waits between these two, in nanoseconds.
  init(shortest: UInt64, longest: UInt64, seed: UInt64) {
    self.shortest = max(shortest, 2)
    self.longest = max(longest, max(shortest, 2))
    random = RandomSource(seed: seed)
    wait = max(shortest, 2)
  }

  /// The next wait, between a half and the whole of what it grew to.
  mutating func next() -> UInt64 {
    let current = wait
    wait = min(longest, wait &* 2)
    return current / 2 + random.draw(below: current / 2 + 1)
  }

  /// It worked: the next wait is the shortest.
  mutating func reset() { wait = shortest }
}

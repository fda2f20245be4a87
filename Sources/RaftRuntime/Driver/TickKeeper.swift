// When ticks are due. A host that was stopped makes up for the ticks that it missed, before it
// looks at anything that arrived meanwhile: a leader must not think its lease younger than it is.

/// Says how many ticks are due, by a clock that goes on while the process does not.
struct TickKeeper: Hashable, Sendable, BitwiseCopyable {
  /// Nanoseconds from tick to tick.
  let interval: UInt64
  /// How many are made up for at a time. More than two election timeouts change nothing: by then a
  /// leader has stepped down and a follower has begun to ask for votes.
  let maximum: UInt64
  private(set) var next: UInt64
  /// Ticks that were missed and not made up for.
  private(set) var skipped: UInt64 = 0

  init(interval: UInt64, maximum: UInt64, now: UInt64) {
    self.interval = max(interval, 1)
    self.maximum = max(maximum, 1)
    next = now &+ max(interval, 1)
  }

  /// How many ticks are to be given now. Whoever asks gives them.
  mutating func due(at now: UInt64) -> UInt64 {
    guard now >= next else { return 0 }
    let count = (now - next) / interval + 1
    next += count * interval
    guard count > maximum else { return count }
    skipped += count - maximum
    return maximum
  }
}

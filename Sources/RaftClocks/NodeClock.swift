// The three clocks of one process, moved together.

/// The Lamport, hybrid and vector clock of one process.
///
/// Every message is sent with `tick(physical:)`, and every message received goes through
/// `receive(_:physical:)`, requests and responses alike.
public struct NodeClock: Hashable, Sendable {
  /// Whose clock it is.
  public let process: UInt64
  private var lamport: LamportClock
  private var hybrid: HybridClock
  private var vector: VectorClock

  /// The clock of a process, continued from its newest stamp if there is one.
  public init(
    process: UInt64, continuing stamp: ClockStamp? = nil,
    maximumAheadNanoseconds: UInt64 = 500_000_000
  ) {
    self.process = process
    lamport = LamportClock(stamp?.lamport ?? .zero)
    hybrid = HybridClock(
      stamp?.hybrid ?? .zero, maximumAheadNanoseconds: maximumAheadNanoseconds)
    vector = stamp?.vector ?? VectorClock()
  }

  /// The stamp of the newest event.
  public var latest: ClockStamp {
    ClockStamp(lamport: lamport.time, hybrid: hybrid.latest, vector: vector)
  }

  /// An event of our own, at a physical time in nanoseconds since 1970.
  ///
  /// A process that finds no room in the vector goes without a component there: its events then
  /// look like those of the last one that it heard of.
  public mutating func tick(physical: UInt64) -> ClockStamp {
    _ = lamport.tick()
    _ = hybrid.tick(physical: physical)
    tickVector()
    return latest
  }

  /// Forgets a hybrid reading that a wrong physical clock has led to; see
  /// `HybridClock.forgetWrongTime(physical:)`.
  public mutating func forgetWrongTime(physical: UInt64) {
    hybrid.forgetWrongTime(physical: physical)
  }

  /// A stamp was received, at a physical time of our own.
  ///
  /// - Throws: `ClockError`; none of the three clocks has then moved.
  @discardableResult
  public mutating func receive(
    _ stamp: ClockStamp, physical: UInt64
  ) throws(ClockError) -> ClockStamp {
    try check(stamp, physical: physical)
    try take(stamp, physical: physical)
    return latest
  }

  /// What `receive` does with a stamp that `check` has let pass.
  ///
  /// - Throws: what `check` would have thrown.
  package mutating func take(_ stamp: ClockStamp, physical: UInt64) throws(ClockError) {
    try lamport.receive(stamp.lamport)
    try hybrid.receive(stamp.hybrid, physical: physical)
    if !vector.receive(stamp.vector, by: process) {
      try vector.merge(stamp.vector)
      tickVector()
    }
  }

  /// Whether `receive` would take this stamp now.
  ///
  /// - Throws: `ClockError` if it would not.
  /// - Complexity: O(1); O(components) for vectors of very many processes.
  public func check(_ stamp: ClockStamp, physical: UInt64) throws(ClockError) {
    try lamport.check(stamp.lamport)
    try hybrid.check(stamp.hybrid, physical: physical)
    try vector.check(stamp.vector)
  }

  /// Forgets a process that has left for good; see `VectorClock.forget(_:)`.
  public mutating func forget(_ process: UInt64) { vector.forget(process) }

  /// How many processes the vector knows of.
  public var componentCount: Int { vector.components.count }

  /// Forgets all processes but its own for which `isGone` is true; see `VectorClock.forget(_:)`.
  ///
  /// - Complexity: O(components).
  public mutating func forget(where isGone: (UInt64) -> Bool) {
    let process = process
    vector.forget { $0 != process && isGone($0) }
  }

  private mutating func tickVector() {
    do { try vector.tick(process) } catch {
      // Full: the vector stays as it is, and so does the order of everybody else's events.
    }
  }
}

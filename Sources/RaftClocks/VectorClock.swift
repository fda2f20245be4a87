// Fidge (1988) and Mattern (1989): one counter for each process, so that the order of two stamps is
// the order of what happened, and stamps without an order belong to events without one.

/// How two events stand to each other.
public enum Causality: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// They are the same, as far as their stamps tell.
  case same
  /// The first happened before the second: it may have been a cause of it.
  case before
  /// The first happened after the second.
  case after
  /// Neither knew of the other.
  case concurrent

  /// The word.
  public var description: String {
    switch self {
    case .same: "same"
    case .before: "before"
    case .after: "after"
    case .concurrent: "concurrent"
    }
  }
}

/// A vector clock that holds only the processes that it has heard of.
public struct VectorClock: Hashable, Sendable, CustomStringConvertible {
  /// How many events of one process are known.
  public struct Component: Hashable, Sendable, BitwiseCopyable {
    /// The process.
    public var process: UInt64
    /// How many of its events are known; 1 or more.
    public var count: UInt64

    /// A component of these two parts.
    @inlinable public init(process: UInt64, count: UInt64) {
      self.process = process
      self.count = count
    }
  }

  /// No vector has more components: a stamp of 64 takes a kilobyte in every message.
  public static let maximumComponents = 64

  /// The processes heard of, sorted by number.
  public private(set) var components: [Component] = []

  /// A vector that knows of nothing.
  public init() {}

  /// The vector of these components.
  ///
  /// - Throws: `ClockError` if they are not sorted and distinct, if one is zero or absurd, or if
  ///   there are too many.
  public init(_ components: [Component]) throws(ClockError) {
    guard components.count <= VectorClock.maximumComponents else {
      throw .tooManyComponents(count: components.count, limit: VectorClock.maximumComponents)
    }
    for (position, component) in components.enumerated() {
      guard component.count < LamportTime.maximum.rawValue else {
        throw .absurdCounter(component.count)
      }
      guard component.count > 0,
        position == 0 || components[position - 1].process < component.process
      else { throw .disordered }
    }
    self.components = components
  }

  /// How many events of a process are known; 0 if it was never heard of.
  ///
  /// - Complexity: O(log components).
  public subscript(process: UInt64) -> UInt64 {
    let place = place(of: process)
    guard place < components.count, components[place].process == process else { return 0 }
    return components[place].count
  }

  /// An event of a process.
  ///
  /// - Throws: `ClockError.tooManyComponents` if the process is new and there is no room for it.
  public mutating func tick(_ process: UInt64) throws(ClockError) {
    let place = place(of: process)
    if place < components.count, components[place].process == process {
      if components[place].count + 1 < LamportTime.maximum.rawValue {
        components[place].count += 1
      }
      return
    }
    guard components.count < VectorClock.maximumComponents else {
      throw .tooManyComponents(
        count: components.count + 1, limit: VectorClock.maximumComponents)
    }
    components.insert(Component(process: process, count: 1), at: place)
  }

  /// Learns all that another vector knows.
  ///
  /// Merging is associative and commutative, and merging twice changes nothing more.
  ///
  /// - Throws: `ClockError.tooManyComponents`; the vector is then as it was.
  /// - Complexity: O(components of both).
  public mutating func merge(_ other: VectorClock) throws(ClockError) {
    guard missing(of: other) > 0 else { return raise(to: other) }
    try check(other)
    var merged: [Component] = []
    merged.reserveCapacity(components.count + missing(of: other))
    var mine = 0
    for component in other.components {
      while mine < components.count, components[mine].process < component.process {
        merged.append(components[mine])
        mine += 1
      }
      if mine < components.count, components[mine].process == component.process {
        merged.append(
          Component(
            process: component.process, count: max(components[mine].count, component.count)))
        mine += 1
      } else {
        merged.append(component)
      }
    }
    merged.append(contentsOf: components[mine...])
    components = merged
  }

  /// Merges and ticks at once, if both vectors know the same processes, and this one among them, as
  /// they mostly do. If not, does nothing and returns false.
  mutating func receive(_ other: VectorClock, by process: UInt64) -> Bool {
    let count = components.count
    guard count == other.components.count else { return false }
    let own = components.withUnsafeBufferPointer { mine in
      other.components.withUnsafeBufferPointer { theirs in
        var own: Int?
        for place in 0..<count {
          if mine[place].process != theirs[place].process { return Int?.none }
          if mine[place].process == process { own = place }
        }
        return own
      }
    }
    guard let own else { return false }
    components.withUnsafeMutableBufferPointer { mine in
      other.components.withUnsafeBufferPointer { theirs in
        for place in 0..<count {
          mine[place].count = max(mine[place].count, theirs[place].count)
        }
      }
      if mine[own].count + 1 < LamportTime.maximum.rawValue { mine[own].count += 1 }
    }
    return true
  }

  /// Whether there is room for what another vector knows.
  ///
  /// - Throws: `ClockError.tooManyComponents` if there is not.
  func check(_ other: VectorClock) throws(ClockError) {
    // Two vectors of less than half as many need no counting.
    guard components.count + other.components.count > VectorClock.maximumComponents else { return }
    let count = components.count + missing(of: other)
    guard count <= VectorClock.maximumComponents else {
      throw .tooManyComponents(count: count, limit: VectorClock.maximumComponents)
    }
  }

  /// How many processes another vector knows that this one does not.
  private func missing(of other: VectorClock) -> Int {
    components.withUnsafeBufferPointer { mine in
      other.components.withUnsafeBufferPointer { theirs in
        var count = 0
        var place = 0
        for component in theirs {
          while place < mine.count, mine[place].process < component.process { place += 1 }
          if place == mine.count || mine[place].process != component.process { count += 1 }
        }
        return count
      }
    }
  }

  /// Learns all that a vector knows whose processes are all known here.
  private mutating func raise(to other: VectorClock) {
    components.withUnsafeMutableBufferPointer { mine in
      other.components.withUnsafeBufferPointer { theirs in
        var place = 0
        for component in theirs {
          while mine[place].process < component.process { place += 1 }
          mine[place].count = max(mine[place].count, component.count)
        }
      }
    }
  }

  /// Forgets a process, for example one that has left for good.
  ///
  /// Stamps made before and after then compare as if the process had never been, so all should
  /// forget it at the same entry of the log.
  public mutating func forget(_ process: UInt64) {
    let place = place(of: process)
    guard place < components.count, components[place].process == process else { return }
    components.remove(at: place)
  }

  /// Forgets the processes for which `isGone` is true; see `forget(_:)`.
  ///
  /// - Complexity: O(components).
  public mutating func forget(where isGone: (UInt64) -> Bool) {
    components.removeAll { isGone($0.process) }
  }

  /// How the event of this stamp stands to that of another.
  ///
  /// - Complexity: O(components of both).
  public func compared(to other: VectorClock) -> Causality {
    var isLess = false
    var isMore = false
    var mine = 0
    var theirs = 0
    while mine < components.count || theirs < other.components.count {
      if theirs == other.components.count {
        isMore = true
        mine += 1
      } else if mine == components.count
        || other.components[theirs].process < components[mine].process
      {
        isLess = true
        theirs += 1
      } else if components[mine].process < other.components[theirs].process {
        isMore = true
        mine += 1
      } else {
        let left = components[mine].count
        let right = other.components[theirs].count
        if left < right { isLess = true }
        if left > right { isMore = true }
        mine += 1
        theirs += 1
      }
    }
    return isLess ? (isMore ? .concurrent : .before) : (isMore ? .after : .same)
  }

  private func place(of process: UInt64) -> Int {
    var low = 0
    var high = components.count
    while low < high {
      let middle = (low + high) / 2
      if components[middle].process < process { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// For example `{1:4 3:2}`.
  public var description: String {
    var text = "{"
    for (position, component) in components.enumerated() {
      text += "\(position == 0 ? "" : " ")\(component.process):\(component.count)"
    }
    return text + "}"
  }
}

// What is to come, in the order of time.

/// What an event of the queue does. Ticks and the clients' own timers are not among them: they are
/// so many and so regular that they have a place of their own, in `Timers`.
enum EventKind: UInt8 {
  /// A message arrives. `slot` is its place in the mail.
  case deliver
  /// An input of the host's own arrives, if the node still lives the same life. `slot` is its place
  /// in the arena.
  case input
  /// The disk has done the first job of a lane. `slot` is the lane.
  case disk
  /// A fault begins. `slot` is its position in the plan.
  case faultStart
  /// A fault strikes again.
  case faultBeat
  /// A fault is over.
  case faultEnd
  /// A node is started.
  case restart
  /// An operator asks again. `slot` is the position of the fault.
  case operatorRetry
  /// Everything is healed.
  case heal
  /// The end state is looked at.
  case check
}

/// One event that is to come.
struct QueuedEvent: BitwiseCopyable {
  var time: UInt64
  /// Orders events of one moment, by who they are and not by when they were put here.
  var key: UInt64
  var slot: UInt32
  var cause: UInt32
  var life: UInt32
  var kind: EventKind
  var node: UInt8

  @inline(__always)
  static func < (a: QueuedEvent, b: QueuedEvent) -> Bool {
    a.time != b.time ? a.time < b.time : a.key < b.key
  }
}

/// A heap of four children a node: the earliest event is in front.
struct EventQueue: Sendable {
  private var heap: [QueuedEvent] = []

  init() { heap.reserveCapacity(128) }

  /// The earliest event's time; the end of time if there is none.
  @inline(__always)
  var nextTime: UInt64 { heap.isEmpty ? .max : heap[0].time }

  var isEmpty: Bool { heap.isEmpty }
  var count: Int { heap.count }

  /// Adds an event.
  ///
  /// - Complexity: O(log events).
  @inline(__always)
  mutating func push(_ event: QueuedEvent) {
    heap.append(event)
    heap.withUnsafeMutableBufferPointer { heap in
      var hole = heap.count - 1
      while hole > 0 {
        let parent = (hole - 1) >> 2
        guard event < heap[parent] else { break }
        heap[hole] = heap[parent]
        hole = parent
      }
      heap[hole] = event
    }
  }

  /// Takes the earliest event.
  ///
  /// - Precondition: there is one.
  /// - Complexity: O(log events).
  @inline(__always)
  mutating func pop() -> QueuedEvent {
    let first = heap[0]
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap.withUnsafeMutableBufferPointer { heap in
      var hole = 0
      let count = heap.count
      while true {
        let child = hole << 2 + 1
        guard child < count else { break }
        var least = child
        let end = min(child + 4, count)
        var other = child + 1
        while other < end {
          if heap[other] < heap[least] { least = other }
          other += 1
        }
        guard heap[least] < last else { break }
        heap[hole] = heap[least]
        hole = least
      }
      heap[hole] = last
    }
    return first
  }
}

/// The ticks of the nodes and the timers of the clients: a short row of times, searched from end to
/// end, which for so few is quicker than any heap.
struct Timers: Sendable {
  private(set) var times: [UInt64]
  /// The position of the earliest.
  private(set) var first = 0
  /// The earliest time; the end of time if no timer is set.
  private(set) var nextTime = UInt64.max

  init(count: Int) { times = [UInt64](repeating: .max, count: count) }

  subscript(position: Int) -> UInt64 { times[position] }

  /// Sets a timer, or takes it away with the end of time.
  ///
  /// - Complexity: O(timers), which are few.
  @inline(__always)
  mutating func set(_ position: Int, to time: UInt64) {
    times[position] = time
    if time < nextTime || (time == nextTime && position < first) {
      first = position
      nextTime = time
    } else if position == first {
      search()
    }
  }

  private mutating func search() {
    times.withUnsafeBufferPointer { times in
      var best = 0
      var bestTime = times[0]
      var position = 1
      while position < times.count {
        if times[position] < bestTime {
          best = position
          bestTime = times[position]
        }
        position += 1
      }
      first = best
      nextTime = bestTime
    }
  }
}

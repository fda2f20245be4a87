// The place where inputs wait that come later.

/// Inputs on their way: messages, results, requests. A place is used again once its input arrived.
struct Arena<Element: Sendable>: Sendable {
  private var places: [Element?] = []
  private var free: [UInt32] = []

  @inline(__always)
  mutating func put(_ element: consuming Element) -> UInt32 {
    if !free.isEmpty {
      let slot = free.removeLast()
      places[Int(slot)] = element
      return slot
    }
    places.append(element)
    return UInt32(places.count - 1)
  }

  /// - Precondition: it was put there, and not taken since.
  @inline(__always)
  mutating func take(_ slot: UInt32) -> Element {
    var taken: Element?
    swap(&taken, &places[Int(slot)])
    free.append(slot)
    guard let taken else { preconditionFailure("nothing waits at place \(slot)") }
    return taken
  }

  /// How many are on their way.
  var count: Int { places.count - free.count }
}

// A first-in first-out list for what there is mostly one of.

/// A queue whose first element is held in place, so that a queue of one needs no memory of its own.
@usableFromInline
struct ShortQueue<Element: Sendable & BitwiseCopyable>: Sendable {
  /// The number of elements.
  @usableFromInline var count = 0
  /// The oldest element; what was there before if there is none.
  @usableFromInline var first: Element?
  /// All but the first.
  private var others: [Element] = []

  init() {}

  /// Appends an element.
  @inline(__always)
  mutating func append(_ element: Element) {
    if count == 0 { first = element } else { others.append(element) }
    count += 1
  }

  /// Takes the first element away.
  ///
  /// - Complexity: O(elements).
  @inlinable
  @inline(__always)
  mutating func popFirst() -> Element? {
    if count == 0 { return nil }
    let element = first
    count -= 1
    if count > 0 { moveUp() }
    return element
  }

  @usableFromInline
  @inline(never)
  mutating func moveUp() { first = others.removeFirst() }

  mutating func removeAll() {
    count = 0
    others.removeAll(keepingCapacity: true)
  }
}

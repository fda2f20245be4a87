// A small first-in first-out list. The core keeps its waiting requests in such.

/// A queue in one array. Equal queues hold equal elements, wherever these lie in memory.
struct Queue<Element: Hashable & Sendable & BitwiseCopyable>: Hashable, Sendable {
  private var storage: [Element] = []
  private var head = 0

  var count: Int { storage.count - head }
  var isEmpty: Bool { storage.count == head }

  var first: Element? { isEmpty ? nil : storage[head] }
  var last: Element? { isEmpty ? nil : storage[storage.count - 1] }

  /// The element at `position`, counted from the front.
  subscript(position: Int) -> Element {
    get { storage[head + position] }
    set { storage[head + position] = newValue }
  }

  @inline(__always)
  mutating func append(_ element: Element) { storage.append(element) }

  mutating func insert(_ element: Element, at position: Int) {
    storage.insert(element, at: head + position)
  }

  @discardableResult
  @inline(__always)
  mutating func popFirst() -> Element? {
    guard head < storage.count else { return nil }
    let element = storage[head]
    if head == 0 && storage.count == 1 {
      storage.removeLast()
    } else {
      forgetFirst()
    }
    return element
  }

  private mutating func forgetFirst() {
    head += 1
    if head == storage.count {
      storage.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64 && head * 2 > storage.count {
      storage.removeFirst(head)
      head = 0
    }
  }

  mutating func removeAll() {
    storage.removeAll(keepingCapacity: true)
    head = 0
  }

  mutating func removeAll(where isGone: (Element) -> Bool) {
    storage.removeFirst(head)
    head = 0
    storage.removeAll(where: isGone)
  }

  static func == (a: Queue, b: Queue) -> Bool {
    a.storage[a.head...] == b.storage[b.head...]
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    for position in 0..<count { hasher.combine(self[position]) }
  }
}

// What a step puts its actions in: a list that is filled and emptied again all the time.

/// A list of actions of one kind, in order.
///
/// A value like an array. Emptying it costs only what its elements cost and keeps the memory, and
/// its elements can be taken away without being copied.
public struct ActionList<Element: Sendable>: Sendable {
  /// A value has its box to itself whenever it changes it, as with an array's buffer.
  @usableFromInline
  final class Box: @unchecked Sendable {
    @usableFromInline let elements: UnsafeMutablePointer<Element>
    @usableFromInline let capacity: Int
    // Reached through a unique reference only, so there is nothing to check while running.
    @exclusivity(unchecked) @usableFromInline var count = 0

    @usableFromInline
    init(capacity: Int) {
      self.capacity = capacity
      elements = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    }

    deinit {
      elements.deinitialize(count: count)
      elements.deallocate()
    }
  }

  @usableFromInline var box: Box?

  /// An empty list.
  @inlinable public init() { box = nil }

  /// Appends an element.
  ///
  /// - Complexity: O(1) amortised.
  @inlinable
  @inline(__always)
  public mutating func append(_ element: consuming Element) {
    if !hasRoom { grow() }
    let count = box.unsafelyUnwrapped.count
    (box.unsafelyUnwrapped.elements + count).initialize(to: element)
    box.unsafelyUnwrapped.count = count + 1
  }

  @inlinable
  var hasRoom: Bool {
    @inline(__always) mutating get {
      isKnownUniquelyReferenced(&box)
        && box.unsafelyUnwrapped.count < box.unsafelyUnwrapped.capacity
    }
  }

  @usableFromInline
  @inline(never)
  mutating func grow() {
    let old = box
    let count = old?.count ?? 0
    let new = Box(capacity: Swift.max(4, 2 * count))
    if let old { new.elements.initialize(from: old.elements, count: count) }
    new.count = count
    box = new
  }

  /// Gives each element away, in order, and leaves the list empty. Nothing is copied, where the
  /// memory is not shared with a copy of the list.
  @inlinable
  @inline(__always)
  public mutating func drain(_ body: (__owned Element) -> Void) {
    guard let taken = takeBox() else { return }
    let count = taken.count
    taken.count = 0
    for place in 0..<count { body((taken.elements + place).move()) }
    if box == nil { box = taken }
  }

  /// Gives each element in place, in order, and leaves the list empty.
  @inlinable
  @inline(__always)
  mutating func consume(
    _ body: (inout Element) -> Void, isBare: (borrowing Element) -> Bool
  ) {
    guard let taken = takeBox() else { return }
    let count = taken.count
    taken.count = 0
    for place in 0..<count {
      body(&taken.elements[place])
      if !isBare(taken.elements[place]) { (taken.elements + place).deinitialize(count: 1) }
    }
    if box == nil { box = taken }
  }

  /// The memory with its elements, no longer shared with anybody; `nil` if there are none.
  @inlinable
  @inline(__always)
  mutating func takeBox() -> Box? {
    if isEmpty { return nil }
    if !isKnownUniquelyReferenced(&box) { grow() }
    let taken = box
    box = nil
    return taken
  }

  /// Forgets all elements and keeps the memory.
  @inline(__always)
  mutating func removeAll() {
    if isEmpty { return }
    if isKnownUniquelyReferenced(&box) {
      // One by one: for the few elements there are, that is quicker than asking the runtime.
      for place in 0..<box.unsafelyUnwrapped.count {
        _ = (box.unsafelyUnwrapped.elements + place).move()
      }
      box.unsafelyUnwrapped.count = 0
    } else {
      box = nil
    }
  }
}

extension ActionList: RandomAccessCollection {
  /// The first position: 0.
  @inlinable public var startIndex: Int { 0 }
  /// The number of elements.
  @inlinable public var endIndex: Int { box?.count ?? 0 }
  /// The number of elements.
  @inlinable public var count: Int { box?.count ?? 0 }
  /// Whether there are none.
  @inlinable public var isEmpty: Bool { count == 0 }
}

extension ActionList: MutableCollection {
  /// The element at `position`, to be looked at or replaced.
  ///
  /// - Precondition: `position` is in `0..<count`.
  @inlinable
  public subscript(position: Int) -> Element {
    _read {
      precondition(position >= 0 && position < count, "no action at this position")
      yield box.unsafelyUnwrapped.elements[position]
    }
    _modify {
      precondition(position >= 0 && position < count, "no action at this position")
      if !isKnownUniquelyReferenced(&box) { grow() }
      yield &box.unsafelyUnwrapped.elements[position]
    }
  }
}

extension ActionList: Equatable where Element: Equatable {
  /// Two lists are equal if their elements are, in order.
  public static func == (a: ActionList, b: ActionList) -> Bool { a.elementsEqual(b) }
}

extension ActionList: Hashable where Element: Hashable {
  /// Feeds the number of elements and each of them.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    for element in self { hasher.combine(element) }
  }
}

extension ActionList: ExpressibleByArrayLiteral {
  /// A list of these elements.
  public init(arrayLiteral elements: Element...) {
    self.init()
    for element in elements { append(element) }
  }
}

extension ActionList where Element == Message {
  /// Gives each message in place, in order, and leaves the list empty. To be taken by
  /// `RaftNode.receive(_:into:)`, which leaves little to clean up.
  @inlinable
  @inline(__always)
  public mutating func deliver(_ body: (inout Message) -> Void) {
    consume(body, isBare: { $0.isBare })
  }
}

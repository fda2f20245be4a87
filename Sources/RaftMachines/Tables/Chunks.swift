// A long list whose growth copies nothing old, and of which a copy shares all chunks but those that
// change afterwards: what is needed to keep millions of records and to fork them.

/// A list in chunks of equal size. Its oldest elements may be removed; positions stay as they are.
struct Chunks<Element: BitwiseCopyable & Sendable>: Sendable {
  /// 16,384 elements: with records of 96 bytes, a megabyte and a half.
  private static var shift: Int { 14 }
  private static var size: Int { 1 << 14 }

  private var chunks: [[Element]] = []
  /// How many chunks were removed at the front.
  private var gone = 0
  /// The position of the oldest element that is there.
  private(set) var first = 0
  /// The position of the next element.
  private(set) var count = 0

  init() {}

  /// An empty list whose first element will be at a position.
  init(from first: Int) {
    gone = first >> Chunks.shift
    self.first = first
    count = first
  }

  /// - Precondition: the position is in `first..<count`.
  subscript(position: Int) -> Element {
    @inline(__always) get {
      chunks[(position >> Chunks.shift) - gone][position & (Chunks.size - 1)]
    }
    @inline(__always) _modify {
      yield &chunks[(position >> Chunks.shift) - gone][position & (Chunks.size - 1)]
    }
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count & (Chunks.size - 1) == 0 || chunks.isEmpty { addChunk(for: element) }
    chunks[chunks.count - 1].append(element)
    count += 1
  }

  private mutating func addChunk(for element: Element) {
    var chunk: [Element] = []
    // The first chunk grows as it must, so that small lists stay small.
    if !chunks.isEmpty || gone > 0 { chunk.reserveCapacity(Chunks.size) }
    // What would stand before a list that begins within a chunk is never looked at.
    for _ in 0..<(count & (Chunks.size - 1)) { chunk.append(element) }
    chunks.append(chunk)
  }

  /// - Precondition: the list is not empty.
  mutating func removeLast() {
    chunks[chunks.count - 1].removeLast()
    count -= 1
    if chunks[chunks.count - 1].isEmpty { chunks.removeLast() }
  }

  /// Removes the oldest element; its chunk goes with its last one.
  ///
  /// - Precondition: the list is not empty.
  mutating func removeFirst() {
    first += 1
    if first & (Chunks.size - 1) == 0 {
      chunks.removeFirst()
      gone += 1
    }
  }

  /// How many bytes the list takes.
  var bytes: Int {
    var sum = chunks.capacity * MemoryLayout<[Element]>.stride
    for chunk in chunks { sum += chunk.capacity * MemoryLayout<Element>.stride + 32 }
    return sum
  }
}

extension Chunks: Equatable where Element: Equatable {
  static func == (a: Chunks, b: Chunks) -> Bool {
    guard a.first == b.first, a.count == b.count else { return false }
    var position = a.first
    while position < a.count {
      if a[position] != b[position] { return false }
      position += 1
    }
    return true
  }
}

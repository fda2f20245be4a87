// A long list whose growth copies nothing old, and of which a copy shares all chunks but those that
// change afterwards: what is needed to keep millions of records and to fork them.

/// A list in chunks of equal size.
struct Chunks<Element: BitwiseCopyable & Sendable>: Sendable {
  /// 16,384 elements: with records of 96 bytes, a megabyte and a half.
  private static var shift: Int { 14 }
  private static var size: Int { 1 << 14 }

  private var chunks: [[Element]] = []
  private(set) var count = 0

  init() {}

  subscript(position: Int) -> Element {
    @inline(__always) get { chunks[position >> Chunks.shift][position & (Chunks.size - 1)] }
    @inline(__always) _modify {
      yield &chunks[position >> Chunks.shift][position & (Chunks.size - 1)]
    }
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count & (Chunks.size - 1) == 0 {
      var chunk: [Element] = []
      // The first chunk grows as it must, so that small lists stay small.
      if !chunks.isEmpty { chunk.reserveCapacity(Chunks.size) }
      chunks.append(chunk)
    }
    chunks[chunks.count - 1].append(element)
    count += 1
  }

  mutating func removeLast() {
    chunks[chunks.count - 1].removeLast()
    if chunks[chunks.count - 1].isEmpty { chunks.removeLast() }
    count -= 1
  }

  /// How many bytes the list takes.
  var bytes: Int {
    var sum = chunks.capacity * MemoryLayout<[Element]>.stride
    for chunk in chunks { sum += chunk.capacity * MemoryLayout<Element>.stride + 32 }
    return sum
  }
}

extension Chunks: Equatable where Element: Equatable {
  static func == (a: Chunks, b: Chunks) -> Bool { a.chunks == b.chunks }
}

// States one after the other in one array: no state is an allocation of its own.

/// A list of states in the numbers of `Tables`.
struct StateBuffer: Sendable {
  private(set) var words: [UInt32] = []
  /// Where each state ends.
  private(set) var ends: [Int] = []

  var count: Int { ends.count }

  @inline(__always)
  func range(_ position: Int) -> Range<Int> {
    (position == 0 ? 0 : ends[position - 1])..<ends[position]
  }

  @inline(__always)
  func withState<R>(_ position: Int, _ body: (UnsafeBufferPointer<UInt32>) -> R) -> R {
    let range = range(position)
    return words.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
  }

  @inline(__always)
  mutating func append(_ word: UInt32) { words.append(word) }

  /// The words since the last end are a state.
  @inline(__always)
  mutating func end() { ends.append(words.count) }

  mutating func append(_ other: StateBuffer, _ position: Int) {
    words.append(contentsOf: other.words[other.range(position)])
    end()
  }

  /// Puts a word between the last end and here, so that the words from `start` on stay sorted.
  @inline(__always)
  mutating func insert(_ word: UInt32, from start: Int, _ isBefore: (UInt32, UInt32) -> Bool) {
    words.append(word)
    var place = words.count - 1
    while place > start && isBefore(word, words[place - 1]) {
      words[place] = words[place - 1]
      place -= 1
    }
    words[place] = word
  }

  /// Puts another word in the place of one of the state that is not ended yet.
  @inline(__always)
  mutating func replace(at place: Int, _ word: UInt32) { words[place] = word }

  mutating func removeAll() {
    words.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  /// Keeps the first `count` states.
  mutating func keep(_ count: Int) {
    words.removeLast(words.count - (count == 0 ? 0 : ends[count - 1]))
    ends.removeLast(ends.count - count)
  }

  /// How much memory is in use.
  var bytes: Int { words.capacity * 4 + ends.capacity * 8 }
}

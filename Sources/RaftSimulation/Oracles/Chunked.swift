// Where the oracles keep what they know: flat, by index, and cheap to branch.

/// An array in pieces of 256, so that a copy shares all pieces but those that change after it.
struct Chunked<Element: BitwiseCopyable & Sendable>: Sendable {
  private var pieces: [[Element]] = []
  private let filler: Element

  /// How many elements there are.
  private(set) var count = 0

  /// No elements yet; those between the ones written are `filler`.
  init(filler: Element) { self.filler = filler }

  /// The element at `position`, or the filler where none was written.
  subscript(position: UInt64) -> Element {
    @inline(__always) get {
      guard position < UInt64(count) else { return filler }
      return pieces[Int(position >> 8)][Int(position & 255)]
    }
    @inline(__always) set {
      if position >= UInt64(count) { grow(through: position) }
      pieces[Int(position >> 8)][Int(position & 255)] = newValue
    }
  }

  private mutating func grow(through position: UInt64) {
    while UInt64(pieces.count) <= position >> 8 {
      pieces.append([Element](repeating: filler, count: 256))
    }
    count = Int(position) + 1
  }
}

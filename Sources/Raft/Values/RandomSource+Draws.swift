// Draws that people write by hand: from a range, from a list, by a share. The same on every
// platform, whatever the width of `Int`.

extension RandomSource {
  /// A number of the range, uniform: `random.draw(in: 0..<10)`.
  ///
  /// - Precondition: the range is not empty.
  public mutating func draw<Number: FixedWidthInteger>(in range: Range<Number>) -> Number {
    precondition(!range.isEmpty, "a draw from an empty range")
    let width = UInt64(truncatingIfNeeded: range.upperBound &- range.lowerBound)
    return range.lowerBound
      &+ Number(truncatingIfNeeded: draw(below: width & mask(of: Number.self)))
  }

  /// A number of the range, uniform: `random.draw(in: 1...6)`.
  public mutating func draw<Number: FixedWidthInteger>(in range: ClosedRange<Number>) -> Number {
    let width = UInt64(truncatingIfNeeded: range.upperBound &- range.lowerBound)
    let last = width & mask(of: Number.self)
    let step = last == .max ? next() : draw(below: last + 1)
    return range.lowerBound &+ Number(truncatingIfNeeded: step)
  }

  /// One of these, each as likely as any other.
  ///
  /// - Precondition: there is one at least.
  public mutating func draw<Element>(from choices: [Element]) -> Element {
    precondition(!choices.isEmpty, "a draw from nothing")
    return choices[Int(draw(below: UInt64(choices.count)))]
  }

  /// True so many times in a hundred.
  public mutating func happens(percent share: UInt64) -> Bool { draw(below: 100) < share }

  /// The bits of a number of this type: the difference of two is their distance.
  private func mask<Number: FixedWidthInteger>(of type: Number.Type) -> UInt64 {
    type.bitWidth >= 64 ? .max : (1 << UInt64(type.bitWidth)) - 1
  }
}

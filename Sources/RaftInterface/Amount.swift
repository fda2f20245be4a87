// Amounts are whole numbers of a currency's smallest unit inside, and decimal text outside. Never a
// binary fraction: 0.1 is none.

/// Why a text is no amount.
public enum AmountError: Error, Hashable, Sendable, CustomStringConvertible {
  /// It is no decimal number without a sign.
  case notANumber(String)
  /// It has more digits after the point than the currency.
  case tooFine(String, digits: UInt8)
  /// It does not fit 63 bits.
  case tooLarge(String)

  /// What is wrong, with the text.
  public var description: String {
    switch self {
    case .notANumber(let text): "\"\(text)\" is no amount: write digits with at most one point"
    case .tooFine(let text, let digits):
      digits == 0
        ? "\"\(text)\" is too fine: the currency has no digits after the point"
        : "\"\(text)\" is too fine: the currency has \(digits) digits after the point"
    case .tooLarge(let text): "\"\(text)\" is too large: amounts have 63 bits"
    }
  }
}

/// Amounts as people write them.
public enum Amount {
  /// The currency of accounts for which none was named: the code that ISO 4217 has for that.
  public static let noCurrency = "XXX"

  /// The amount that a decimal text is, in units of a currency with so many digits after the point.
  ///
  /// - Throws: `AmountError`; nothing is ever rounded.
  public static func units(_ text: String, digits: UInt8) throws(AmountError) -> UInt64 {
    var value: UInt64 = 0
    var after: Int?
    var count = 0
    for byte in text.utf8 {
      if byte == UInt8(ascii: "."), after == nil, count > 0 {
        after = 0
        continue
      }
      guard (0x30...0x39).contains(byte) else { throw .notANumber(text) }
      count += 1
      if let places = after {
        guard places < Int(digits) else {
          if byte == 0x30 { continue }
          throw .tooFine(text, digits: digits)
        }
        after = places + 1
      }
      value = try appended(UInt64(byte - 0x30), to: value, text)
    }
    guard count > 0, after != 0 || digits == 0 else { throw .notANumber(text) }
    for _ in (after ?? 0)..<Int(digits) { value = try appended(0, to: value, text) }
    return value
  }

  private static func appended(
    _ digit: UInt64, to value: UInt64, _ text: String
  ) throws(AmountError) -> UInt64 {
    let (product, overflow) = value.multipliedReportingOverflow(by: 10)
    guard !overflow, product <= UInt64(Int64.max) - digit else { throw .tooLarge(text) }
    return product + digit
  }

  /// An amount of units as decimal text, with all digits of the currency.
  public static func text(_ units: UInt64, digits: UInt8) -> String {
    guard digits > 0 else { return String(units) }
    var figures = String(units)
    let missing = Int(digits) + 1 - figures.utf8.count
    if missing > 0 { figures = String(repeating: "0", count: missing) + figures }
    let point = figures.index(figures.endIndex, offsetBy: -Int(digits))
    return figures[..<point] + "." + figures[point...]
  }

  /// The same with a sign where it is below zero.
  public static func text(_ units: Int64, digits: UInt8) -> String {
    (units < 0 ? "-" : "") + text(units.magnitude, digits: digits)
  }
}

// What numbers in files count, and how each kind is written.

/// What the number behind a setting counts.
package enum SettingUnit {
  /// Things, ticks, bytes: a whole number.
  case number
  /// A share of a million, written in per cent.
  case share
  /// Nanoseconds, written with a unit.
  case time

  /// The number that `text` stands for.
  package func parse(_ text: String) -> UInt64? {
    switch self {
    case .number:
      return UInt64(text.filter { $0 != "_" })
    case .share:
      guard text.hasSuffix("%") else { return text == "0" ? 0 : nil }
      let digits = text.dropLast().filter { $0 != " " }
      guard let value = parseDecimal(String(digits), scale: 10_000), value <= 1_000_000 else {
        return nil
      }
      return value
    case .time:
      return text == "0" ? 0 : parseTime(text)
    }
  }

  /// How the number is written.
  package func text(_ value: UInt64) -> String {
    switch self {
    case .number: return String(value)
    case .share:
      var digits = String(value % 10_000)
      digits = String(repeating: "0", count: 4 - digits.count) + digits
      while digits.hasSuffix("0") { digits.removeLast() }
      return String(value / 10_000) + (digits.isEmpty ? "" : "." + digits) + "%"
    case .time: return timeText(nanoseconds: value)
    }
  }

  /// What to write, for messages.
  package var expectation: String {
    switch self {
    case .number: "a whole number"
    case .share: "a share such as 2.5% (at most 100%)"
    case .time: "a time such as 250ms"
    }
  }
}

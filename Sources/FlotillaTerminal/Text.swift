// Numbers and words as people read them.

package enum Side { case left, right }

/// `text` filled with spaces to `width` columns.
package func pad(_ text: String, to width: Int, _ side: Side = .left) -> String {
  let missing = width - text.count
  guard missing > 0 else { return text }
  let spaces = String(repeating: " ", count: missing)
  return side == .left ? text + spaces : spaces + text
}

/// `12345` as `12,345`.
package func grouped(_ number: some BinaryInteger) -> String {
  var digits = String(number)
  var sign = ""
  if digits.hasPrefix("-") {
    digits.removeFirst()
    sign = "-"
  }
  var result = ""
  for (position, digit) in digits.enumerated() {
    if position > 0, (digits.count - position) % 3 == 0 { result.append(",") }
    result.append(digit)
  }
  return sign + result
}

/// A 64-bit number as 16 hexadecimal digits, the form in which seeds and digests are printed.
package func hex(_ number: UInt64) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

/// `1 run`, `2 runs`.
package func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
  "\(grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// A number with so many digits after the point.
package func fixed(_ number: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  guard number.isFinite, abs(number * scale) < 9e15 else { return "?" }
  let rounded = Int64((abs(number) * scale).rounded())
  let whole = rounded / Int64(scale)
  let sign = number < 0 && rounded != 0 ? "-" : ""
  guard digits > 0 else { return sign + grouped(whole) }
  let rest = String(rounded % Int64(scale))
  return sign + grouped(whole) + "." + String(repeating: "0", count: digits - rest.count) + rest
}

/// A span of wall time in the unit that suits it.
package func wallTime(seconds: Double) -> String {
  if seconds < 0.000_001 { return "\(fixed(seconds * 1e9, 0)) ns" }
  if seconds < 0.001 { return "\(fixed(seconds * 1e6, 1)) us" }
  if seconds < 1 { return "\(fixed(seconds * 1e3, 0)) ms" }
  if seconds < 120 { return "\(fixed(seconds, 1)) s" }
  let whole = Int(seconds.rounded())
  if whole < 7200 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}

/// A seed as it was printed (16 hexadecimal digits), in decimal, or in hexadecimal after `0x`.
package func parseSeed(_ text: String) -> UInt64? {
  if text.hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16) }
  if text.utf8.count == 16 { return UInt64(text, radix: 16) }
  return UInt64(text)
}

/// The units of time that are accepted, in nanoseconds; a longer name before its prefix.
private let timeUnits: [(name: String, nanoseconds: UInt64)] = [
  ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
  ("min", 60_000_000_000), ("h", 3_600_000_000_000),
]

/// A span of time such as `250ms`, `1.5s` or `10m`, in nanoseconds.
package func parseTime(_ text: String) -> UInt64? {
  let unit = text.reversed().prefix { $0.isLetter }.reversed().map(String.init).joined()
  guard let scale = timeUnits.first(where: { $0.name == unit })?.nanoseconds else { return nil }
  let number = text.dropLast(unit.count).filter { $0 != "_" }
  return parseDecimal(String(number), scale: scale)
}

/// A decimal number times `scale`, exactly; `nil` if a fraction would be left.
package func parseDecimal(_ text: String, scale: UInt64) -> UInt64? {
  let parts = text.split(separator: ".", omittingEmptySubsequences: false)
  guard parts.count <= 2, let whole = parts.first, let value = UInt64(whole) else { return nil }
  var (result, overflow) = value.multipliedReportingOverflow(by: scale)
  guard !overflow else { return nil }
  guard parts.count == 2 else { return result }
  var remaining = scale
  guard !parts[1].isEmpty else { return nil }
  for digit in parts[1] {
    guard digit.isASCII, let value = digit.wholeNumberValue else { return nil }
    guard remaining % 10 == 0 || value == 0 else { return nil }
    remaining /= 10
    (result, overflow) = result.addingReportingOverflow(remaining * UInt64(value))
    guard !overflow else { return nil }
  }
  return result
}

/// A span of time as it is written in files: the largest unit that leaves no fraction.
package func timeText(nanoseconds: UInt64) -> String {
  if nanoseconds == 0 { return "0s" }
  for (name, scale) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)]
    as [(String, UInt64)]
  where nanoseconds % scale == 0 {
    return "\(nanoseconds / scale)\(name)"
  }
  return "\(nanoseconds)ns"
}

/// A moment of virtual time for a table, in seconds with milliseconds.
package func virtualTime(nanoseconds: UInt64) -> String {
  fixed(Double(nanoseconds / 1_000_000) / 1000, 3) + " s"
}

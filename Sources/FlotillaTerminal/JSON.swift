// What machines read. Keys stand in the order in which they are written here; numbers of 64 bits
// (seeds, digests, terms, indexes) are strings, because many readers keep only 53 bits.

package enum JSON {
  case null
  case bool(Bool)
  /// A count that surely fits 53 bits.
  case count(Int)
  /// A measured figure, with so many digits after the point.
  case figure(Double, digits: Int)
  case string(String)
  case array([JSON])
  case object([(key: String, value: JSON)])

  /// A 64-bit number in decimal, as a string.
  package static func number(_ value: UInt64) -> JSON { .string(String(value)) }

  /// A seed or digest.
  package static func hex(_ value: UInt64) -> JSON { .string(FlotillaTerminal.hex(value)) }

  package static func strings(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }

  /// On one line, without spaces.
  package var line: String {
    var text = ""
    write(to: &text, indent: nil)
    return text
  }

  /// On many lines, indented by two spaces.
  package var page: String {
    var text = ""
    write(to: &text, indent: 0)
    return text
  }

  private func write(to text: inout String, indent: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .count(let value): text += String(value)
    case .figure(let value, let digits):
      text += value.isFinite ? fixed(value, digits).filter { $0 != "," } : "null"
    case .string(let value): JSON.write(value, to: &text)
    case .array(let values):
      JSON.writeGroup("[", "]", values.indices, to: &text, indent) { index, inner, text in
        values[index].write(to: &text, indent: inner)
      }
    case .object(let pairs):
      JSON.writeGroup("{", "}", pairs.indices, to: &text, indent) { index, inner, text in
        JSON.write(pairs[index].key, to: &text)
        text += inner == nil ? ":" : ": "
        pairs[index].value.write(to: &text, indent: inner)
      }
    }
  }

  private static func writeGroup(
    _ open: String, _ close: String, _ indices: Range<Int>, to text: inout String, _ indent: Int?,
    _ body: (Int, Int?, inout String) -> Void
  ) {
    text += open
    let inner = indent.map { $0 + 2 }
    for index in indices {
      if index > indices.lowerBound { text += "," }
      if let inner { text += "\n" + String(repeating: " ", count: inner) }
      body(index, inner, &text)
    }
    if let indent, !indices.isEmpty { text += "\n" + String(repeating: " ", count: indent) }
    text += close
  }

  package static func write(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case let control where control.value < 0x20 || control.value == 0x7f:
        let digits = String(control.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

#if SQL
// A value of a row, and how each form of an answer writes it.

import RaftInterface

/// A value of a row, as SQLite has it. Text and blobs are the bytes that are there, whatever they
/// are.
public enum SQLValue: Hashable, Sendable {
  /// No value.
  case null
  /// A whole number.
  case integer(Int64)
  /// Another number.
  case real(Double)
  /// Text: UTF-8, unless somebody made it of other bytes.
  case text([UInt8])
  /// Bytes.
  case blob([UInt8])
}

extension SQLValue {
  /// How many bytes it has, if it is made of bytes.
  package var size: Int {
    switch self {
    case .null, .integer, .real: 0
    case .text(let bytes), .blob(let bytes): bytes.count
    }
  }

  /// Whether a column of such values stands on the right.
  package var isNumber: Bool {
    switch self {
    case .integer, .real, .null: true
    case .text, .blob: false
    }
  }

  private static let digits = Array("0123456789abcdef".utf8)

  /// Appends two digits for each byte.
  ///
  /// - Complexity: O(bytes), without a value for each of them.
  static func appendHexadecimal(_ bytes: some Sequence<UInt8>, to text: inout [UInt8]) {
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
  }

  /// The bytes as SQLite writes them, at most so many of them.
  private static func literal(_ bytes: [UInt8], upTo limit: Int) -> String {
    let count = min(bytes.count, limit)
    var text = Array("x'".utf8)
    text.reserveCapacity(2 * count + 3)
    appendHexadecimal(bytes[..<count], to: &text)
    return String(decoding: text, as: UTF8.self) + (count < bytes.count ? "…" : "'")
  }

  /// The text, if the bytes are UTF-8.
  private static func string(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    return text.utf8.elementsEqual(bytes) ? text : nil
  }

  /// The value as a terminal may show it: nothing in it moves the cursor.
  ///
  /// - Parameter limit: how many of its bytes are shown; `…` stands for the rest.
  package func cell(upTo limit: Int) -> String {
    switch self {
    case .null: return "NULL"
    case .integer(let number): return String(number)
    case .real(let number): return String(number)
    case .blob(let bytes): return SQLValue.literal(bytes, upTo: limit)
    case .text(let bytes):
      guard let text = SQLValue.string(bytes) else {
        return SQLValue.literal(bytes, upTo: limit)
      }
      var cell = ""
      var count = 0
      for scalar in text.unicodeScalars {
        count += scalar.utf8.count
        guard count <= limit else { return cell + "…" }
        SQLValue.append(scalar, to: &cell)
      }
      return cell
    }
  }

  private static func append(_ scalar: Unicode.Scalar, to cell: inout String) {
    switch scalar {
    case "\n": cell += "\\n"
    case "\t": cell += "\\t"
    case "\r": cell += "\\r"
    default:
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        cell += "\\u{\(String(scalar.value, radix: 16))}"
      default: cell.unicodeScalars.append(scalar)
      }
    }
  }

  /// The value in a document: whole numbers are strings, as everywhere; what is no text is base64.
  package var json: JSONValue {
    switch self {
    case .null: return .null
    case .integer(let number): return .text(number)
    case .real(let number): return number.isFinite ? .number("\(number)") : .string("\(number)")
    case .text(let bytes):
      if let text = SQLValue.string(bytes) { return .string(text) }
      return .object([.init("base64", .string(Base64.text(bytes)))])
    case .blob(let bytes): return .object([.init("base64", .string(Base64.text(bytes)))])
    }
  }

  /// The value as a field of CSV (RFC 4180). Nothing at all is NULL; text that is empty has quotes.
  package var csv: [UInt8] {
    switch self {
    case .null: return []
    case .integer(let number): return Array(String(number).utf8)
    case .real(let number): return Array(String(number).utf8)
    case .blob(let bytes):
      var field = Array("\\x".utf8)
      field.reserveCapacity(2 * bytes.count + 2)
      SQLValue.appendHexadecimal(bytes, to: &field)
      return field
    case .text(let bytes): return SQLValue.quoted(bytes)
    }
  }

  private static func quoted(_ bytes: [UInt8]) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    let isPlain = bytes.allSatisfy { byte in
      byte != quote && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "\n")
        && byte != UInt8(ascii: "\r")
    }
    guard bytes.isEmpty || !isPlain else { return bytes }
    var field = [quote]
    field.reserveCapacity(bytes.count + 2)
    for byte in bytes {
      if byte == quote { field.append(quote) }
      field.append(byte)
    }
    field.append(quote)
    return field
  }
}
#endif

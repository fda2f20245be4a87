// What travels between server, client library and command line.

/// A JSON document. Members keep the order in which they stand.
///
/// Numbers of 64 bits are written as strings, because many readers keep only 53 bits of a number;
/// they are read from either.
public enum JSONValue: Hashable, Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number as it is written.
  case number(String)
  /// A string.
  case string(String)
  /// Values in their order.
  case array([JSONValue])
  /// Members in their order.
  case object([Member])

  /// A name and its value.
  public struct Member: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The value.
    public var value: JSONValue

    /// A member.
    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// A number of 64 bits: a string of decimal digits.
  public static func text(_ number: some BinaryInteger) -> JSONValue { .string(String(number)) }

  /// A small number: one that surely fits 53 bits.
  public static func count(_ number: Int) -> JSONValue { .number(String(number)) }

  /// The value of a member; `nil` if there is none, or this is no object.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The string, if it is one.
  public var string: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// The number, if it is one without sign and fraction that fits 64 bits, written as a number or
  /// as a string.
  public var unsigned: UInt64? {
    switch self {
    case .number(let text), .string(let text):
      guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      return UInt64(text)
    case .null, .bool, .array, .object: return nil
    }
  }

  /// The number with its sign, if it is one that fits 64 bits.
  public var signed: Int64? {
    switch self {
    case .number(let text), .string(let text): return Int64(text)
    case .null, .bool, .array, .object: return nil
    }
  }

  /// Whether it is true, if it is a truth value.
  public var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// The values of an array, if it is one.
  public var array: [JSONValue]? {
    guard case .array(let values) = self else { return nil }
    return values
  }

  /// The members, if it is an object.
  public var object: [Member]? {
    guard case .object(let members) = self else { return nil }
    return members
  }

  // MARK: Writing

  /// The document on one line.
  public var line: String {
    var text = ""
    write(to: &text, margin: nil)
    return text
  }

  /// The document on many lines, indented by two spaces.
  public var page: String {
    var text = ""
    write(to: &text, margin: "\n")
    return text
  }

  private func write(to text: inout String, margin: String?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += value
    case .string(let value): JSONValue.write(value, to: &text)
    case .array(let values):
      let inner = margin.map { $0 + "  " }
      text += "["
      for (position, value) in values.enumerated() {
        text += (position > 0 ? "," : "") + (inner ?? "")
        value.write(to: &text, margin: inner)
      }
      text += (values.isEmpty ? "" : margin ?? "") + "]"
    case .object(let members):
      let inner = margin.map { $0 + "  " }
      text += "{"
      for (position, member) in members.enumerated() {
        text += (position > 0 ? "," : "") + (inner ?? "")
        JSONValue.write(member.name, to: &text)
        text += inner == nil ? ":" : ": "
        member.value.write(to: &text, margin: inner)
      }
      text += (members.isEmpty ? "" : margin ?? "") + "}"
    }
  }

  private static func write(_ value: String, to text: inout String) {
    text += "\""
    // Nearly all strings have nothing to escape, and are copied as they are.
    if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c && $0 != 0x7f }) {
      text += value
      text += "\""
      return
    }
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

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
  public var line: String { String(decoding: bytes, as: UTF8.self) }

  /// The document on many lines, indented by two spaces.
  public var page: String {
    var bytes: [UInt8] = []
    write(to: &bytes, margin: "\n")
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The document on one line, as UTF-8.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    write(to: &bytes, margin: nil)
    return bytes
  }

  // Bytes are appended many times quicker than pieces of a string.
  private func write(to bytes: inout [UInt8], margin: String?) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let value): bytes.append(contentsOf: value.utf8)
    case .string(let value): JSONValue.write(value, to: &bytes)
    case .array(let values):
      let inner = margin.map { $0 + "  " }
      bytes.append(UInt8(ascii: "["))
      for (position, value) in values.enumerated() {
        if position > 0 { bytes.append(UInt8(ascii: ",")) }
        if let inner { bytes.append(contentsOf: inner.utf8) }
        value.write(to: &bytes, margin: inner)
      }
      if let margin, !values.isEmpty { bytes.append(contentsOf: margin.utf8) }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      let inner = margin.map { $0 + "  " }
      bytes.append(UInt8(ascii: "{"))
      for (position, member) in members.enumerated() {
        if position > 0 { bytes.append(UInt8(ascii: ",")) }
        if let inner { bytes.append(contentsOf: inner.utf8) }
        JSONValue.write(member.name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        if inner != nil { bytes.append(UInt8(ascii: " ")) }
        member.value.write(to: &bytes, margin: inner)
      }
      if let margin, !members.isEmpty { bytes.append(contentsOf: margin.utf8) }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func write(_ value: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { text in
      // Nearly all strings have nothing to escape, and are copied as they are.
      if text.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c && $0 != 0x7f }) {
        bytes.append(contentsOf: text)
      } else {
        for byte in text { writeEscaped(byte, to: &bytes) }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func writeEscaped(_ byte: UInt8, to bytes: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
    case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
    case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
    case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
    case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
    case 0..<0x20, 0x7f:
      let digits = String(byte, radix: 16)
      bytes.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count)).utf8)
      bytes.append(contentsOf: digits.utf8)
    default: bytes.append(byte)
    }
  }
}

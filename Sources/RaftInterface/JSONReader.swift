// Reads JSON as RFC 8259 has it, and nothing beside it. What it reads comes from anybody.

/// Why bytes are no JSON document.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public var what: String
  /// At which byte, counted from 0.
  public var offset: Int

  /// What and where, in a sentence.
  public var description: String { "\(what) at byte \(offset)" }
}

extension JSONValue {
  /// How deep arrays and objects may lie in each other.
  public static let maximumDepth = 32

  /// The document that these bytes are.
  ///
  /// - Throws: `JSONError` if they are none, if a name stands twice in one object, or if values lie
  ///   in each other deeper than `maximumDepth`.
  /// - Complexity: O(bytes), and O(members²) within one object.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    var reader = JSONReader(bytes)
    self = try reader.document()
  }

  /// The document that this text is.
  public init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }
}

private struct JSONReader {
  let bytes: [UInt8]
  var place = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  func problem(_ what: String) -> JSONError { JSONError(what: what, offset: place) }

  mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
      place += 1
    }
  }

  mutating func document() throws(JSONError) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard next == nil else { throw problem("something follows the document") }
    return value
  }

  mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipSpace()
    guard depth <= JSONValue.maximumDepth else { throw problem("values lie too deep") }
    guard let byte = next else { throw problem("the document ends too early") }
    switch byte {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), 0x30...0x39: return .number(try number())
    default: throw problem("no value begins like this")
    }
  }

  mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for byte in word.utf8 {
      guard next == byte else { throw problem("expected \(word)") }
      place += 1
    }
    return value
  }

  mutating func array(_ depth: Int) throws(JSONError) -> JSONValue {
    place += 1
    var values: [JSONValue] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      place += 1
      return .array([])
    }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      guard let byte = next else { throw problem("an array does not end") }
      place += 1
      if byte == UInt8(ascii: "]") { return .array(values) }
      guard byte == UInt8(ascii: ",") else {
        place -= 1
        throw problem("expected , or ]")
      }
    }
  }

  mutating func object(_ depth: Int) throws(JSONError) -> JSONValue {
    place += 1
    var members: [JSONValue.Member] = []
    skipSpace()
    if next == UInt8(ascii: "}") {
      place += 1
      return .object([])
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw problem("expected a name in quotes") }
      let start = place
      let name = try string()
      guard members.count < 256 else { throw problem("an object has too many members") }
      guard !members.contains(where: { $0.name == name }) else {
        throw JSONError(what: "\"\(name)\" stands twice", offset: start)
      }
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw problem("expected :") }
      place += 1
      members.append(JSONValue.Member(name, try value(depth: depth + 1)))
      skipSpace()
      guard let byte = next else { throw problem("an object does not end") }
      place += 1
      if byte == UInt8(ascii: "}") { return .object(members) }
      guard byte == UInt8(ascii: ",") else {
        place -= 1
        throw problem("expected , or }")
      }
    }
  }

  mutating func digits() throws(JSONError) {
    let start = place
    while let byte = next, (0x30...0x39).contains(byte) { place += 1 }
    guard place > start else { throw problem("expected a digit") }
  }

  mutating func number() throws(JSONError) -> String {
    let start = place
    if next == UInt8(ascii: "-") { place += 1 }
    if next == UInt8(ascii: "0") {
      place += 1
      if let byte = next, (0x30...0x39).contains(byte) { throw problem("a number begins with 0") }
    } else {
      try digits()
    }
    if next == UInt8(ascii: ".") {
      place += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      place += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place += 1 }
      try digits()
    }
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }

  mutating func string() throws(JSONError) -> String {
    place += 1
    let start = place
    // Nearly all strings hold no escape: they are decoded where they stand.
    var isASCII = true
    while let byte = next, byte != UInt8(ascii: "\\"), byte >= 0x20 {
      place += 1
      if byte >= 0x80 { isASCII = false }
      guard byte == UInt8(ascii: "\"") else { continue }
      let plain = bytes[start..<place - 1]
      let string = String(decoding: plain, as: UTF8.self)
      guard isASCII || string.utf8.elementsEqual(plain) else {
        throw JSONError(what: "a string is not UTF-8", offset: start)
      }
      return string
    }
    var text = Array(bytes[start..<place])
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        place += 1
        let string = String(decoding: text, as: UTF8.self)
        // Decoding repairs what is wrong; what was right comes out as it went in.
        guard string.utf8.elementsEqual(text) else {
          throw JSONError(what: "a string is not UTF-8", offset: start)
        }
        return string
      case UInt8(ascii: "\\"):
        place += 1
        text.append(contentsOf: try escape())
      case 0..<0x20: throw problem("a control character stands in a string")
      default:
        text.append(byte)
        place += 1
      }
    }
    throw problem("a string does not end")
  }

  mutating func escape() throws(JSONError) -> [UInt8] {
    guard let byte = next else { throw problem("a string does not end") }
    place += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xd800..<0xdc00).contains(code) {
        guard next == UInt8(ascii: "\\") else { throw problem("half of a surrogate pair") }
        place += 1
        guard next == UInt8(ascii: "u") else { throw problem("half of a surrogate pair") }
        place += 1
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low) else { throw problem("half of a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw problem("half of a surrogate pair") }
      return Array(String(Character(scalar)).utf8)
    default:
      place -= 1
      throw problem("no escape is written like this")
    }
  }

  mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw problem("expected four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      place += 1
    }
    return value
  }
}

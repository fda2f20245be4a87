// Reads one line of JSON (RFC 8259), quickly: traces have many. What is no JSON is refused with its
// place; places of what is right are not kept.

/// Why a line is not read, and where.
struct JSONFault: Error, Hashable {
  /// The line, and the column in letters, both counted from 1.
  var mark: Mark
  var what: String
}

/// A reader of one JSON value in UTF-8.
struct JSONLine {
  /// How many lists and objects may stand in each other.
  static let deepest = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  private let mark: Mark
  /// Whether a key may stand in one object twice; the first one counts.
  private let mayRepeat: Bool

  /// The value on a line that we wrote, or `nil` if it is no JSON. Keys are not compared.
  ///
  /// - Parameter line: the bytes without the end of the line.
  /// - Parameter number: the number of the line, from 1.
  static func parse(_ line: UnsafeBufferPointer<UInt8>, number: Int) -> Node? {
    var reader = JSONLine(line, number, mayRepeat: true)
    return try? reader.whole()
  }

  /// The value on a line that anybody wrote.
  ///
  /// - Parameter line: the bytes without the end of the line.
  /// - Parameter number: the number of the line, from 1.
  /// - Throws: what is not UTF-8 or no JSON, a key that stands in an object twice, and what is
  ///   nested too deeply.
  static func read(
    _ line: UnsafeBufferPointer<UInt8>, number: Int
  ) throws(JSONFault) -> Node {
    var reader = JSONLine(line, number, mayRepeat: false)
    return try reader.whole()
  }

  private init(_ bytes: UnsafeBufferPointer<UInt8>, _ line: Int, mayRepeat: Bool) {
    self.bytes = bytes
    self.mayRepeat = mayRepeat
    mark = Mark(line: line, column: 1)
  }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private func fault(_ what: String, at place: Int) -> JSONFault {
    // The letters before it: each has one byte that does not go on with another one.
    let before = bytes[..<min(place, bytes.count)].count { $0 & 0xc0 != 0x80 }
    return JSONFault(mark: Mark(line: mark.line, column: before + 1), what: what)
  }

  private mutating func whole() throws(JSONFault) -> Node {
    if let place = invalidPlace(in: bytes) {
      let digits = String(bytes[place], radix: 16, uppercase: true)
      throw fault(
        "this is no UTF-8 (byte \(digits.count < 2 ? "0" : "")\(digits))", at: place)
    }
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      throw fault("a byte order mark stands before the JSON value; leave it out", at: 0)
    }
    let node = try value(depth: 0)
    skipSpaces()
    guard at == bytes.count else {
      throw fault("more stands behind the JSON value that ends here", at: at)
    }
    return node
  }

  private mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0D { at += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpaces()
    guard next == byte else { return false }
    at += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONFault) -> Node {
    skipSpaces()
    switch next {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard depth < JSONLine.deepest else {
        throw fault(
          "this is nested too deeply: \(JSONLine.deepest) lists and objects in each other are the"
            + " most", at: at)
      }
      return next == UInt8(ascii: "{") ? try keys(depth) : try list(depth)
    case UInt8(ascii: "\""):
      return Node(mark: mark, value: .scalar(try text(), isQuoted: true))
    default: return try word()
    }
  }

  private mutating func keys(_ depth: Int) throws(JSONFault) -> Node {
    at += 1
    var pairs: [(key: String, mark: Mark, value: Node)] = []
    var seen = SeenKeys()
    if take(UInt8(ascii: "}")) { return Node(mark: mark, value: .keys(pairs)) }
    while true {
      skipSpaces()
      guard next == UInt8(ascii: "\"") else {
        throw fault("expected a key between quotation marks here", at: at)
      }
      let place = at
      let key = try text()
      guard mayRepeat || seen.insert(key, after: pairs) else {
        throw fault("\"\(key)\" stands twice in one object", at: place)
      }
      guard take(UInt8(ascii: ":")) else { throw fault("expected a colon here", at: at) }
      pairs.append((key, mark, try value(depth: depth + 1)))
      if take(UInt8(ascii: "}")) { return Node(mark: mark, value: .keys(pairs)) }
      guard take(UInt8(ascii: ",")) else { throw fault("expected a comma or } here", at: at) }
    }
  }

  private mutating func list(_ depth: Int) throws(JSONFault) -> Node {
    at += 1
    var items: [Node] = []
    if take(UInt8(ascii: "]")) { return Node(mark: mark, value: .list(items)) }
    while true {
      items.append(try value(depth: depth + 1))
      if take(UInt8(ascii: "]")) { return Node(mark: mark, value: .list(items)) }
      guard take(UInt8(ascii: ",")) else { throw fault("expected a comma or ] here", at: at) }
    }
  }

  // MARK: Words and numbers

  /// A number, `true`, `false` or `null`.
  private mutating func word() throws(JSONFault) -> Node {
    let start = at
    while let byte = next, byte > 0x20, !JSONLine.isMark(byte) { at += 1 }
    guard at > start else { throw fault("expected a JSON value here", at: at) }
    let slice = UnsafeBufferPointer(rebasing: bytes[start..<at])
    let text = String(decoding: slice, as: UTF8.self)
    if text == "null" { return Node(mark: mark, value: .null) }
    guard text == "true" || text == "false" || JSONLine.isNumber(slice) else {
      let shown = text.count > 40 ? text.prefix(40) + "…" : text[...]
      let advice =
        "+-.0123456789".utf8.contains(bytes[start])
        ? "no number as JSON writes it" : "no JSON value; a text stands between quotation marks"
      throw fault("\"\(shown)\" is \(advice)", at: start)
    }
    return Node(mark: mark, value: .scalar(text, isQuoted: false))
  }

  /// Whether a byte has a meaning of its own between values.
  private static func isMark(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "\""), UInt8(ascii: "{"),
      UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"):
      true
    default: false
    }
  }

  /// Whether these bytes are a number: no plus before it, no zeros before it, digits on both sides
  /// of the point and behind the exponent.
  private static func isNumber(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var at = 0
    func byte() -> UInt8 { at < bytes.count ? bytes[at] : 0 }
    func digits() -> Int {
      let start = at
      while byte() >= UInt8(ascii: "0"), byte() <= UInt8(ascii: "9") { at += 1 }
      return at - start
    }
    if byte() == UInt8(ascii: "-") { at += 1 }
    let hasZero = byte() == UInt8(ascii: "0")
    let whole = digits()
    guard whole == 1 || whole > 1 && !hasZero else { return false }
    if byte() == UInt8(ascii: ".") {
      at += 1
      guard digits() > 0 else { return false }
    }
    if byte() | 0x20 == UInt8(ascii: "e") {
      at += 1
      if byte() == UInt8(ascii: "+") || byte() == UInt8(ascii: "-") { at += 1 }
      guard digits() > 0 else { return false }
    }
    return at == bytes.count
  }

  // MARK: Texts

  private mutating func text() throws(JSONFault) -> String {
    let open = at
    at += 1
    var text = ""
    while true {
      let start = at
      while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        at += 1
      }
      let part = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)
      if text.isEmpty { text = part } else { text += part }
      switch next {
      case nil: throw fault("this text has no closing quotation mark on its line", at: open)
      case UInt8(ascii: "\""):
        at += 1
        return text
      case UInt8(ascii: "\\"): text.unicodeScalars.append(try escape())
      default:
        let digits = String(bytes[at], radix: 16)
        throw fault(
          "a control character in a text is written \\u00\(digits.count < 2 ? "0" : "")\(digits)",
          at: at)
      }
    }
  }

  private mutating func escape() throws(JSONFault) -> Unicode.Scalar {
    let start = at
    at += 2
    switch start + 1 < bytes.count ? bytes[start + 1] : 0 {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "u"): return try letter(from: start)
    default: throw fault("JSON knows no such escape", at: start)
    }
  }

  /// The letter of `\u` and its four digits; what does not fit 16 bits is written as two halves.
  private mutating func letter(from start: Int) throws(JSONFault) -> Unicode.Scalar {
    guard let value = fourDigits() else {
      throw fault("\\u needs four hexadecimal digits", at: start)
    }
    if let letter = Unicode.Scalar(value) { return letter }
    guard value & 0xfc00 == 0xd800, at + 2 <= bytes.count, bytes[at] == UInt8(ascii: "\\"),
      bytes[at + 1] == UInt8(ascii: "u")
    else { throw fault("this is half a letter without its other half", at: start) }
    at += 2
    guard let low = fourDigits(), low & 0xfc00 == 0xdc00,
      let letter = Unicode.Scalar(0x10000 + (value & 0x3ff) << 10 + low & 0x3ff)
    else { throw fault("this is half a letter without its other half", at: start) }
    return letter
  }

  private mutating func fourDigits() -> UInt32? {
    guard at + 4 <= bytes.count else { return nil }
    var value: UInt32 = 0
    for byte in bytes[at..<at + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      value = value << 4 | UInt32(digit)
    }
    at += 4
    return value
  }
}

/// The keys of one object so far, compared byte by byte: `é` has two ways to be written, which are
/// two keys.
private struct SeenKeys {
  // order-free: only asked for membership
  private var many: Set<[UInt8]> = []

  /// Notes a key. False if it was there before.
  ///
  /// - Parameter key: the key.
  /// - Parameter pairs: what stands before it in the object.
  /// - Complexity: O(bytes); with few keys they are compared one after the other.
  mutating func insert(
    _ key: String, after pairs: [(key: String, mark: Mark, value: Node)]
  ) -> Bool {
    if pairs.count < 12 {
      return !pairs.contains { $0.key.utf8.elementsEqual(key.utf8) }
    }
    if many.isEmpty { for pair in pairs { many.insert(Array(pair.key.utf8)) } }
    return many.insert(Array(key.utf8)).inserted
  }
}

/// The first byte that belongs to no letter of UTF-8 (RFC 3629): strays, letters that are cut off,
/// longer than they must be, halves of UTF-16 or beyond U+10FFFF. `nil` if there is none.
///
/// - Parameter bytes: the text.
private func invalidPlace(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
  var at = 0
  while at < bytes.count {
    let first = bytes[at]
    guard first >= 0x80 else {
      at += 1
      continue
    }
    // How many bytes follow, and between which bounds the first of them is.
    let (more, bounds): (Int, ClosedRange<UInt8>)
    switch first {
    case 0xc2...0xdf: (more, bounds) = (1, 0x80...0xbf)
    case 0xe0: (more, bounds) = (2, 0xa0...0xbf)
    case 0xed: (more, bounds) = (2, 0x80...0x9f)
    case 0xe1...0xef: (more, bounds) = (2, 0x80...0xbf)
    case 0xf0: (more, bounds) = (3, 0x90...0xbf)
    case 0xf1...0xf3: (more, bounds) = (3, 0x80...0xbf)
    case 0xf4: (more, bounds) = (3, 0x80...0x8f)
    default: return at
    }
    guard at + more < bytes.count, bounds.contains(bytes[at + 1]) else { return at }
    for place in at + 2..<at + 1 + more where bytes[place] & 0xc0 != 0x80 { return at }
    at += 1 + more
  }
  return nil
}

// Reads the lines that we write, quickly: traces have many. Places within a line are not kept.

/// A reader of one JSON value in UTF-8.
struct JSONLine {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  private let mark: Mark

  /// The value on a line, or `nil` if it is no JSON.
  static func parse(_ line: UnsafeBufferPointer<UInt8>, number: Int) -> Node? {
    var reader = JSONLine(bytes: line, mark: Mark(line: number, column: 1))
    guard let node = reader.value(depth: 0) else { return nil }
    reader.skipSpaces()
    return reader.at == line.count ? node : nil
  }

  private init(bytes: UnsafeBufferPointer<UInt8>, mark: Mark) {
    self.bytes = bytes
    self.mark = mark
  }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0D { at += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpaces()
    guard next == byte else { return false }
    at += 1
    return true
  }

  private mutating func value(depth: Int) -> Node? {
    guard depth < 64 else { return nil }
    skipSpaces()
    switch next {
    case UInt8(ascii: "{"): return keys(depth)
    case UInt8(ascii: "["): return list(depth)
    case UInt8(ascii: "\""):
      return text().map { Node(mark: mark, value: .scalar($0, isQuoted: true)) }
    default: return word()
    }
  }

  private mutating func keys(_ depth: Int) -> Node? {
    at += 1
    var pairs: [(key: String, mark: Mark, value: Node)] = []
    if take(UInt8(ascii: "}")) { return Node(mark: mark, value: .keys(pairs)) }
    while true {
      skipSpaces()
      guard next == UInt8(ascii: "\""), let key = text(), take(UInt8(ascii: ":")),
        let value = value(depth: depth + 1)
      else { return nil }
      pairs.append((key, mark, value))
      if take(UInt8(ascii: "}")) { return Node(mark: mark, value: .keys(pairs)) }
      guard take(UInt8(ascii: ",")) else { return nil }
    }
  }

  private mutating func list(_ depth: Int) -> Node? {
    at += 1
    var items: [Node] = []
    if take(UInt8(ascii: "]")) { return Node(mark: mark, value: .list(items)) }
    while true {
      guard let item = value(depth: depth + 1) else { return nil }
      items.append(item)
      if take(UInt8(ascii: "]")) { return Node(mark: mark, value: .list(items)) }
      guard take(UInt8(ascii: ",")) else { return nil }
    }
  }

  /// A number, `true`, `false` or `null`.
  private mutating func word() -> Node? {
    let start = at
    while let byte = next, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}"),
      byte != UInt8(ascii: "]"), byte > 0x20
    { at += 1 }
    guard at > start else { return nil }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    return Node(mark: mark, value: text == "null" ? .null : .scalar(text, isQuoted: false))
  }

  private mutating func text() -> String? {
    at += 1
    let start = at
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { at += 1 }
    var text = String(decoding: bytes[start..<at], as: UTF8.self)
    while let byte = next {
      at += 1
      if byte == UInt8(ascii: "\"") { return text }
      if byte == UInt8(ascii: "\\") {
        guard let letter = escape() else { return nil }
        text.unicodeScalars.append(letter)
      } else {
        let from = at - 1
        while let more = next, more != UInt8(ascii: "\""), more != UInt8(ascii: "\\") { at += 1 }
        text += String(decoding: bytes[from..<at], as: UTF8.self)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    guard let byte = next else { return nil }
    at += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "u"):
      guard let value = fourDigits() else { return nil }
      guard value & 0xfc00 == 0xd800 else { return Unicode.Scalar(value) }
      // What does not fit 16 bits is written as two halves.
      guard at + 2 <= bytes.count, bytes[at] == UInt8(ascii: "\\"),
        bytes[at + 1] == UInt8(ascii: "u")
      else { return nil }
      at += 2
      guard let low = fourDigits(), low & 0xfc00 == 0xdc00 else { return nil }
      return Unicode.Scalar(0x10000 + (value & 0x3ff) << 10 + low & 0x3ff)
    default: return Unicode.Scalar(byte)
    }
  }

  private mutating func fourDigits() -> UInt32? {
    guard at + 4 <= bytes.count, bytes[at] != UInt8(ascii: "+"),
      let value = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
    else { return nil }
    at += 4
    return value
  }
}

/// Splits Swift source into tokens and comments, so that no rule is fooled by what stands in a
/// string or a comment.
///
/// It knows nested block comments, raw and multi-line strings with interpolations, names in
/// backticks and regular expression literals. It does not know Swift's grammar.
struct Lexer {
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1

  private(set) var tokens: [Token] = []
  /// The text of every comment, by the line on which that part of it stands.
  private(set) var comments: [Int: String] = [:]
  /// Lines that a documentation comment covers.
  private(set) var documented: Set<Int> = []

  init(_ source: String) {
    bytes = Array(source.utf8)
    lexCode(inInterpolation: false)
  }

  // MARK: Characters

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func peek(_ distance: Int) -> UInt8? {
    position + distance < bytes.count ? bytes[position + distance] : nil
  }

  private func starts(with text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    for offset in 0..<count where bytes[position + offset] != text.utf8Start[offset] {
      return false
    }
    return true
  }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where position < bytes.count {
      if bytes[position] == UInt8(ascii: "\n") { line += 1 }
      position += 1
    }
  }

  private func text(from start: Int) -> String {
    String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 128...255:
      true
    default: false
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (9...13).contains(byte)
  }

  private static let operatorBytes = Set("/=-+!*%<>&|^~?".utf8)

  private var isBoundLeft: Bool {
    guard position > 0 else { return false }
    let before = bytes[position - 1]
    return !Self.isSpace(before) && !"([{,;:".utf8.contains(before)
  }

  // MARK: Code

  private mutating func add(_ kind: Token.Kind, from start: Int, line: Int, bound: Bool) {
    let text = kind == .literal ? "" : text(from: start)
    tokens.append(Token(kind: kind, text: text, line: line, isBoundLeft: bound))
  }

  /// Lexes to the end of the file, or to the parenthesis that closes an interpolation.
  private mutating func lexCode(inInterpolation: Bool) {
    var depth = 0
    while let byte = current {
      if Self.isSpace(byte) {
        advance()
      } else if starts(with: "//") {
        lexLineComment()
      } else if starts(with: "/*") {
        lexBlockComment()
      } else if !lexLiteral() {
        if byte == UInt8(ascii: "(") { depth += 1 }
        if byte == UInt8(ascii: ")") { depth -= 1 }
        lexToken()
        if inInterpolation, depth == 0 { return }
      }
    }
  }

  private mutating func lexToken() {
    guard let byte = current else { return }
    let start = position
    let firstLine = line
    let bound = isBoundLeft
    if byte == UInt8(ascii: "`") {
      repeat { advance() } while current != nil && current != UInt8(ascii: "`")
      advance()
      add(.word, from: start, line: firstLine, bound: bound)
    } else if Self.isDigit(byte) {
      lexNumber()
      add(.number, from: start, line: firstLine, bound: bound)
    } else if Self.isWord(byte) || byte == UInt8(ascii: "@") || byte == UInt8(ascii: "#") {
      repeat { advance() } while current.map(Self.isWord) ?? false
      add(.word, from: start, line: firstLine, bound: bound)
    } else {
      lexSymbol(bound: bound)
      add(.symbol, from: start, line: firstLine, bound: bound)
    }
  }

  private mutating func lexNumber() {
    let afterDot = tokens.last.map { $0.text == "." } ?? false
    while current.map(Self.isWord) ?? false { advance() }
    // A fraction; but not the range `0..<3`, nor the tuple element `pair.0.1`.
    if !afterDot, current == UInt8(ascii: "."), peek(1).map(Self.isDigit) ?? false {
      advance()
      while current.map(Self.isWord) ?? false { advance() }
    }
  }

  private mutating func lexSymbol(bound: Bool) {
    guard let byte = current else { return }
    advance()
    let isPostfix = bound && (byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?"))
    if isPostfix && current != UInt8(ascii: "=") && current != byte { return }
    if byte == UInt8(ascii: "."), current == byte {
      while let next = current, next == byte || Self.operatorBytes.contains(next) { advance() }
      return
    }
    guard Self.operatorBytes.contains(byte) else { return }
    // An angle bracket closes a generic argument list more often than it starts an operator.
    if byte == UInt8(ascii: ">"), let next = current, ">?!".utf8.contains(next) { return }
    while let next = current, Self.operatorBytes.contains(next) { advance() }
  }

  // MARK: Comments

  private mutating func lexLineComment() {
    let start = position
    while let byte = current, byte != UInt8(ascii: "\n") { advance() }
    note(text(from: start), on: line)
  }

  private mutating func lexBlockComment() {
    let isDocumentation = starts(with: "/**")
    var depth = 0
    var start = position
    repeat {
      if starts(with: "/*") {
        depth += 1
        advance(2)
      } else if starts(with: "*/") {
        depth -= 1
        advance(2)
      } else {
        if current == UInt8(ascii: "\n") {
          note(text(from: start), on: line, isDocumentation: isDocumentation)
          start = position + 1
        }
        advance()
      }
    } while depth > 0 && current != nil
    note(text(from: start), on: line, isDocumentation: isDocumentation)
  }

  private mutating func note(_ text: String, on line: Int, isDocumentation: Bool = false) {
    comments[line, default: ""] += text
    if isDocumentation || (text.hasPrefix("///") && !text.hasPrefix("////")) {
      documented.insert(line)
    }
  }

  // MARK: Literals

  /// Lexes a string or regular expression that starts here; false if none does.
  private mutating func lexLiteral() -> Bool {
    var pounds = 0
    while peek(pounds) == UInt8(ascii: "#") { pounds += 1 }
    if peek(pounds) == UInt8(ascii: "\"") {
      lexString(pounds: pounds)
      return true
    }
    if peek(pounds) == UInt8(ascii: "/"), pounds > 0 || startsBareExpression {
      lexExpression(pounds: pounds)
      return true
    }
    return false
  }

  private mutating func lexString(pounds: Int) {
    let start = position
    add(.literal, from: start, line: line, bound: isBoundLeft)
    advance(pounds)
    let quotes = starts(with: "\"\"\"") ? 3 : 1
    advance(quotes)
    while let byte = current {
      if byte == UInt8(ascii: "\\"), hasPounds(pounds, at: 1) {
        advance(1 + pounds)
        if current == UInt8(ascii: "(") {
          lexCode(inInterpolation: true)
        } else {
          advance()
        }
      } else if closesString(quotes: quotes, pounds: pounds) {
        advance(quotes + pounds)
        return
      } else {
        advance()
      }
    }
  }

  private func closesString(quotes: Int, pounds: Int) -> Bool {
    (0..<quotes).allSatisfy { peek($0) == UInt8(ascii: "\"") } && hasPounds(pounds, at: quotes)
  }

  private func hasPounds(_ count: Int, at distance: Int) -> Bool {
    (0..<count).allSatisfy { peek(distance + $0) == UInt8(ascii: "#") }
  }

  /// A slash that begins a regular expression stands where no left operand can stand, is followed
  /// by no space, and has its partner on the same line.
  private var startsBareExpression: Bool {
    guard !isBoundLeft || "([,:".utf8.contains(bytes[position - 1]) else { return false }
    guard let next = peek(1), !Self.isSpace(next), let before = tokens.last else { return false }
    guard ["(", "[", "{", ",", ":", "=", "return"].contains(before.text) else { return false }
    var index = position + 1
    while index < bytes.count, bytes[index] != UInt8(ascii: "\n") {
      if bytes[index] == UInt8(ascii: "/") { return true }
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return false
  }

  private mutating func lexExpression(pounds: Int) {
    add(.literal, from: position, line: line, bound: isBoundLeft)
    advance(pounds + 1)
    while let byte = current {
      if byte == UInt8(ascii: "\\") {
        advance(2)
      } else if byte == UInt8(ascii: "/"), hasPounds(pounds, at: 1) {
        advance(1 + pounds)
        return
      } else {
        advance()
      }
    }
  }
}

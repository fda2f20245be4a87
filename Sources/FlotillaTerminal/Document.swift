// What a scenario file holds before anybody asks what it means: scalars, lists and keys, each with
// the place where it stands, so that every complaint can point at it.

/// A place in a file, counted from 1.
package struct Mark: Hashable, Comparable {
  package var line: Int
  package var column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  package static func < (a: Mark, b: Mark) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// Something that is wrong with a file.
package struct Problem: Hashable {
  package var mark: Mark
  package var what: String

  package init(mark: Mark, what: String) {
    self.mark = mark
    self.what = what
  }
}

/// A value of a file.
package struct Node {
  package enum Value {
    /// Nothing stands here.
    case null
    case scalar(String, isQuoted: Bool)
    case list([Node])
    case keys([(key: String, mark: Mark, value: Node)])
  }

  package var mark: Mark
  package var value: Value

  package init(mark: Mark, value: Value) {
    self.mark = mark
    self.value = value
  }

  /// What kind of thing it is, for messages.
  package var kind: String {
    switch value {
    case .null: "nothing"
    case .scalar(let text, let isQuoted): isQuoted ? "the text \"\(text)\"" : "\"\(text)\""
    case .list: "a list"
    case .keys: "a group of keys"
    }
  }
}

/// The part of YAML 1.2 that scenario files use, and with it all of JSON: block and flow lists and
/// keys, plain and quoted scalars, comments. Anchors, tags, merge keys, block scalars and several
/// documents are refused with a word why.
package struct DocumentParser {
  private let lines: [[Character]]
  package private(set) var problems: [Problem] = []
  /// The line and column that are read next, counted from 0.
  private var row = 0
  private var column = 0

  package init(_ text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      Array(line.hasSuffix("\r") ? line.dropLast() : line)
    }
  }

  /// Reads the whole text. `nil` with problems if it cannot be understood at all.
  package static func parse(_ text: String) -> (root: Node, problems: [Problem]) {
    var parser = DocumentParser(text)
    parser.skipBlanks()
    if parser.row < parser.lines.count, parser.rest == "---" {
      parser.nextLine()
      parser.skipBlanks()
    }
    guard !parser.isAtEnd else {
      return (Node(mark: Mark(line: 1, column: 1), value: .null), parser.problems)
    }
    let root = parser.block(minimumIndent: 0)
    parser.skipBlanks()
    if !parser.isAtEnd, parser.problems.isEmpty {
      parser.complain("this does not belong to anything above it; check the indentation")
    }
    return (root, parser.problems)
  }

  // MARK: Characters

  private var isAtEnd: Bool { row >= lines.count }
  private var line: [Character] { isAtEnd ? [] : lines[row] }
  private var peek: Character? { column < line.count ? line[column] : nil }
  private var mark: Mark { Mark(line: row + 1, column: column + 1) }
  private var rest: String { String(line.dropFirst(column)) }

  private func character(after distance: Int) -> Character? {
    column + distance < line.count ? line[column + distance] : nil
  }

  private mutating func complain(_ what: String, at place: Mark? = nil) {
    problems.append(Problem(mark: place ?? mark, what: what))
  }

  private mutating func nextLine() {
    row += 1
    column = 0
  }

  /// Skips spaces on this line.
  private mutating func skipSpaces() {
    while let next = peek, next == " " || next == "\t" { column += 1 }
  }

  private var isAtComment: Bool {
    peek == "#" && (column == 0 || line[column - 1] == " " || line[column - 1] == "\t")
  }

  /// Goes to the next line that holds something, and to its first character.
  private mutating func skipBlanks() {
    while !isAtEnd {
      while peek == " " { column += 1 }
      if peek == "\t" {
        complain("a tab cannot indent; use spaces")
        skipSpaces()
      }
      guard peek == nil || isAtComment else { return }
      nextLine()
    }
  }

  /// Skips what may stand behind a value on its line.
  private mutating func endOfLine() {
    skipSpaces()
    if let next = peek, !isAtComment {
      complain("unexpected \"\(next)\" after the value")
    }
    nextLine()
  }

  // MARK: Blocks

  /// Reads a value that begins at the current place and whose lines are indented as it is.
  private mutating func block(minimumIndent: Int) -> Node {
    skipBlanks()
    guard !isAtEnd, column >= minimumIndent else { return Node(mark: mark, value: .null) }
    if isDash { return blockList(indent: column) }
    if isAtKey { return blockKeys(indent: column) }
    let value = inlineValue()
    if !isAtEnd { endOfLine() }
    return value
  }

  private var isDash: Bool {
    peek == "-" && (character(after: 1) == nil || character(after: 1) == " ")
  }

  private mutating func blockList(indent: Int) -> Node {
    let start = mark
    var items: [Node] = []
    while !isAtEnd, column == indent, isDash {
      column += 1
      let dash = row
      skipSpaces()
      if peek == nil || isAtComment {
        nextLine()
        items.append(block(minimumIndent: indent + 1))
      } else if isDash {
        items.append(blockList(indent: column))
      } else if isAtKey {
        items.append(blockKeys(indent: column))
      } else {
        items.append(inlineValue())
        if row >= dash, !isAtEnd, column > 0 { endOfLine() }
      }
      skipBlanks()
    }
    return Node(mark: start, value: .list(items))
  }

  private mutating func blockKeys(indent: Int) -> Node {
    let start = mark
    var pairs: [(key: String, mark: Mark, value: Node)] = []
    while !isAtEnd, column == indent, !isDash {
      guard isAtKey else {
        complain("expected a key and a colon, found \"\(rest)\"")
        nextLine()
        skipBlanks()
        continue
      }
      let place = mark
      let key = readKey()
      note(key, at: place, among: pairs)
      skipSpaces()
      let value: Node
      if peek == nil || isAtComment {
        let after = mark
        nextLine()
        skipBlanks()
        // A list may stand at its key's own indentation.
        let least = !isAtEnd && column == indent && isDash ? indent : indent + 1
        value =
          !isAtEnd && column >= least
          ? block(minimumIndent: least) : Node(mark: after, value: .null)
      } else {
        value = inlineValue()
        if !isAtEnd { endOfLine() }
      }
      pairs.append((key, place, value))
      skipBlanks()
      if !isAtEnd, column > indent {
        complain("this line is indented further than the key above it that has a value already")
        nextLine()
        skipBlanks()
      }
    }
    return Node(mark: start, value: .keys(pairs))
  }

  private mutating func note(
    _ key: String, at place: Mark, among pairs: [(key: String, mark: Mark, value: Node)]
  ) {
    if key == "<<" { complain("merge keys are not supported; write the keys out", at: place) }
    if let first = pairs.first(where: { $0.key == key }) {
      complain("\"\(key)\" stands here twice; first on line \(first.mark.line)", at: place)
    }
  }

  /// Whether a scalar and a colon stand here.
  private var isAtKey: Bool {
    var copy = self
    return copy.scanKey()
  }

  private mutating func scanKey() -> Bool {
    guard let first = peek, first != "{", first != "[" else { return false }
    if first == "\"" || first == "'" {
      _ = quoted(first)
      skipSpaces()
      return peek == ":" && isColonEnd
    }
    while let next = peek {
      if next == ":" && isColonEnd { return true }
      if isAtComment { return false }
      column += 1
    }
    return false
  }

  private var isColonEnd: Bool {
    guard let next = character(after: 1) else { return true }
    return next == " " || next == "\t"
  }

  private mutating func readKey() -> String {
    if let first = peek, first == "\"" || first == "'" {
      let key = quoted(first)
      skipSpaces()
      column += 1
      return key
    }
    var key = ""
    while let next = peek, !(next == ":" && isColonEnd) {
      key.append(next)
      column += 1
    }
    column += 1
    while key.hasSuffix(" ") { key.removeLast() }
    return key
  }

  // MARK: Values on one line, and JSON

  private mutating func inlineValue() -> Node {
    let start = mark
    switch peek {
    case nil: return Node(mark: start, value: .null)
    case "{": return flowKeys()
    case "[": return flowList()
    case "\"", "'":
      let text = quoted(peek ?? "\"")
      return Node(mark: start, value: .scalar(text, isQuoted: true))
    default: return plain(isFlow: false)
    }
  }

  private mutating func plain(isFlow: Bool) -> Node {
    let start = mark
    var text = ""
    while let next = peek, !isAtComment {
      if isFlow, ",]}".contains(next) { break }
      if next == ":", isFlow, isFlowColon { break }
      if next == ":", !isFlow, isColonEnd {
        complain("a second colon on this line; put the text in quotes if it belongs to it")
      }
      text.append(next)
      column += 1
    }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    refuse(text, at: start)
    return Node(
      mark: start,
      value: text.isEmpty || text == "null" || text == "~"
        ? .null : .scalar(text, isQuoted: false))
  }

  /// Complains of what YAML knows and these files do not.
  private mutating func refuse(_ text: String, at start: Mark) {
    switch text.first {
    case "&", "*": complain("anchors are not supported; write the value out", at: start)
    case "!": complain("tags are not supported; leave \"\(text)\" out", at: start)
    case "|", ">": complain("block texts are not supported; use quotes", at: start)
    case "@", "`", "%": complain("a value cannot begin like this; use quotes", at: start)
    default: break
    }
    if ["yes", "no", "on", "off"].contains(text.lowercased()) {
      let meant = ["yes", "on"].contains(text.lowercased())
      complain("\"\(text)\" could mean several things; write \(meant)", at: start)
    }
  }

  private var isFlowColon: Bool {
    guard let next = character(after: 1) else { return true }
    return next == " " || next == "\t" || ",]}".contains(next)
  }

  /// Skips spaces, ends of lines and comments inside brackets.
  private mutating func skipFlow() {
    while !isAtEnd {
      skipSpaces()
      guard peek == nil || isAtComment else { return }
      nextLine()
    }
  }

  private mutating func flowValue() -> Node {
    switch peek {
    case "{": return flowKeys()
    case "[": return flowList()
    case "\"", "'":
      let start = mark
      let text = quoted(peek ?? "\"")
      return Node(mark: start, value: .scalar(text, isQuoted: true))
    default: return plain(isFlow: true)
    }
  }

  private mutating func flowList() -> Node {
    let start = mark
    column += 1
    var items: [Node] = []
    while true {
      skipFlow()
      if isAtEnd {
        complain("this bracket is never closed", at: start)
        break
      }
      if peek == "]" {
        column += 1
        break
      }
      let before = mark
      items.append(flowValue())
      skipFlow()
      if peek == "," {
        column += 1
      } else if peek != "]", !isAtEnd {
        complain("expected a comma or ] here")
        if mark == before { column += 1 }
      }
    }
    return Node(mark: start, value: .list(items))
  }

  private mutating func flowKeys() -> Node {
    let start = mark
    column += 1
    var pairs: [(key: String, mark: Mark, value: Node)] = []
    while true {
      skipFlow()
      if isAtEnd {
        complain("this brace is never closed", at: start)
        break
      }
      if peek == "}" {
        column += 1
        break
      }
      let place = mark
      let key = flowKey()
      note(key, at: place, among: pairs)
      skipFlow()
      var value = Node(mark: mark, value: .null)
      if peek == ":" {
        column += 1
        skipFlow()
        value = flowValue()
      } else {
        complain("expected a colon after \"\(key)\"")
      }
      pairs.append((key, place, value))
      skipFlow()
      if peek == "," {
        column += 1
      } else if peek != "}", !isAtEnd {
        complain("expected a comma or } here")
        if mark == place { column += 1 }
      }
    }
    return Node(mark: start, value: .keys(pairs))
  }

  private mutating func flowKey() -> String {
    if let first = peek, first == "\"" || first == "'" { return quoted(first) }
    var key = ""
    while let next = peek, !",]}".contains(next), !(next == ":" && isFlowColon) {
      key.append(next)
      column += 1
    }
    while key.hasSuffix(" ") { key.removeLast() }
    return key
  }

  /// Reads a text in quotes, which ends on its line.
  private mutating func quoted(_ quote: Character) -> String {
    let start = mark
    column += 1
    var text = ""
    while let next = peek {
      column += 1
      if next == quote {
        guard quote == "'", peek == "'" else { return text }
        column += 1
        text.append("'")
      } else if next == "\\", quote == "\"" {
        text += escape()
      } else {
        text.append(next)
      }
    }
    complain("this text has no closing quote on its line", at: start)
    return text
  }

  private mutating func escape() -> String {
    let place = Mark(line: row + 1, column: column)
    guard let next = peek else { return "\\" }
    column += 1
    switch next {
    case "n": return "\n"
    case "t": return "\t"
    case "r": return "\r"
    case "b": return "\u{8}"
    case "f": return "\u{C}"
    case "0": return "\0"
    case "\"", "\\", "/": return String(next)
    case "u":
      var digits = ""
      while digits.count < 4, let digit = peek, digit.isHexDigit {
        digits.append(digit)
        column += 1
      }
      if digits.count == 4, let value = UInt32(digits, radix: 16),
        let scalar = Unicode.Scalar(value)
      {
        return String(Character(scalar))
      }
      complain("\\u needs four hexadecimal digits of a letter", at: place)
      return "?"
    default:
      complain("unknown escape \\\(next)", at: place)
      return String(next)
    }
  }
}

import Foundation

/// A declaration that the rules care about: a type, a function, a member, a case of an enumeration.
struct Declaration {
  var keyword: String
  var name: String
  var modifiers: Set<String>
  /// Token indexes: the first attribute or modifier, and the keyword.
  var first: Int
  var index: Int
  /// The declaration in whose braces this one stands directly.
  var parent: Int?
  /// The tokens between the braces of its body.
  var body: Range<Int>?

  var isPublic: Bool { modifiers.contains("public") || modifiers.contains("open") }

  var isFunction: Bool { ["func", "init", "deinit", "subscript", "var"].contains(keyword) }
}

/// A Swift file, read for its declarations.
struct SourceFile {
  /// Relative to the root of the repository, with forward slashes.
  let path: String
  let lines: [String]
  let tokens: [Token]
  let comments: [Int: String]
  let documented: Set<Int>
  let declarations: [Declaration]

  init(path: String, source: String) {
    let lexer = Lexer(source)
    self.path = path
    lines = source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    tokens = lexer.tokens
    comments = lexer.comments
    documented = lexer.documented
    declarations = Outline(lexer.tokens).declarations
  }

  /// The folder below `Sources` or `Tests`.
  var module: String {
    let parts = path.split(separator: "/")
    return parts.count > 2 ? String(parts[1]) : ""
  }

  var isSource: Bool { path.hasPrefix("Sources/") }

  /// Whether the file belongs to a module that must be free of clocks, threads and packages.
  var isPure: Bool { isSource && (House.rooms[module]?.isPure ?? true) }

  func text(_ index: Int) -> String { tokens.indices.contains(index) ? tokens[index].text : "" }

  /// Whether `words` stand next to each other, beginning at token `index`.
  func matches(_ index: Int, _ words: String...) -> Bool {
    words.enumerated().allSatisfy { text(index + $0.offset) == $0.element }
  }

  /// The index behind the bracket that closes the one at `index`.
  func end(ofGroupAt index: Int) -> Int { tokens.end(ofGroupAt: index) }

  /// The innermost declared function around a token.
  func function(around index: Int) -> Declaration? {
    declarations.last { $0.isFunction && ($0.body?.contains(index) ?? false) }
  }

  /// Whether the line, or the one above it, says `key: some reason` in a comment.
  func hasReason(_ key: String, at line: Int) -> Bool {
    [line, line - 1].contains { line in
      guard let comment = comments[line], let found = comment.range(of: key + ": ") else {
        return false
      }
      return comment[found.upperBound...].contains { $0.isLetter }
    }
  }

  func finding(_ line: Int, _ message: String) -> Finding {
    Finding(path: path, line: line, message: message)
  }
}

extension [Token] {
  func end(ofGroupAt index: Int) -> Int {
    var depth = 0
    for next in index..<count {
      switch self[next].text {
      case "(", "[", "{": depth += 1
      case ")", "]", "}":
        depth -= 1
        if depth == 0 { return next + 1 }
      default: break
      }
    }
    return count
  }
}

/// What a rule complains about. It prints as compilers do, so that editors can jump to it.
struct Finding: Hashable, CustomStringConvertible {
  var path: String
  var line: Int
  var message: String

  var description: String { "\(path):\(line): \(message)" }
}

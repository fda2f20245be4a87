/// Finds the declarations in a file's tokens, with their modifiers and bodies.
struct Outline {
  private(set) var declarations: [Declaration] = []
  private let tokens: [Token]

  private static let types: Set = ["struct", "class", "enum", "protocol", "extension", "actor"]
  private static let functions: Set = ["func", "init", "deinit", "subscript"]
  private static let members: Set = ["var", "let", "typealias", "associatedtype"]
  private static let modifiers: Set = [
    "public", "open", "package", "internal", "fileprivate", "private", "static", "class", "final",
    "mutating", "nonmutating", "override", "convenience", "required", "indirect", "lazy", "weak",
    "unowned", "nonisolated", "prefix", "postfix", "infix", "borrowing", "consuming", "dynamic",
  ]

  init(_ tokens: [Token]) {
    self.tokens = tokens
    var bodies: [Int: Int] = [:]
    var open: [(declaration: Int?, brace: Int)] = []
    for index in tokens.indices {
      switch tokens[index].text {
      case "{":
        open.append((bodies[index], index))
      case "}":
        guard let scope = open.popLast(), let declaration = scope.declaration else { continue }
        declarations[declaration].body = scope.brace + 1..<index
      default:
        let parent = open.last.flatMap(\.declaration)
        guard isDeclaration(index, in: open.isEmpty ? .file : scope(parent)) else { continue }
        if let brace = bodyBrace(after: index) { bodies[brace] = declarations.count }
        declarations.append(declaration(at: index, parent: parent))
      }
    }
  }

  private enum Scope {
    case file
    case type
    case enumeration
    case statements
  }

  private func scope(_ parent: Int?) -> Scope {
    guard let parent else { return .statements }
    let keyword = declarations[parent].keyword
    if keyword == "enum" { return .enumeration }
    return Self.types.contains(keyword) ? .type : .statements
  }

  private func text(_ index: Int) -> String {
    tokens.indices.contains(index) ? tokens[index].text : ""
  }

  private func isDeclaration(_ index: Int, in scope: Scope) -> Bool {
    guard tokens[index].kind == .word, text(index - 1) != "." else { return false }
    let next = text(index + 1)
    switch tokens[index].text {
    case "case": return scope == .enumeration
    case "deinit": return next == "{"
    case "init", "subscript": return scope != .statements && ["(", "<", "?", "!"].contains(next)
    case "func": return next != ":"
    case let keyword where Self.types.contains(keyword):
      return next.first.map { $0.isUppercase || $0 == "`" || $0 == "_" } ?? false
    case let keyword where Self.members.contains(keyword):
      return scope != .statements && next != ":"
    default: return false
    }
  }

  private func declaration(at index: Int, parent: Int?) -> Declaration {
    var first = index
    var modifiers: Set<String> = []
    while first > 0 {
      var word = first - 1
      if tokens[word].text == ")" {
        while word > 0, tokens[word].text != "(" { word -= 1 }
        word -= 1
        guard word >= 0, isModifier(word) else { break }
      } else {
        guard isModifier(word) else { break }
        modifiers.insert(tokens[word].text)
      }
      first = word
    }
    return Declaration(
      keyword: tokens[index].text, name: text(index + 1), modifiers: modifiers, first: first,
      index: index, parent: parent)
  }

  private func isModifier(_ index: Int) -> Bool {
    let text = tokens[index].text
    return text.hasPrefix("@") || Self.modifiers.contains(text)
  }

  /// The brace that opens the body of the declaration at `index`, if it has one.
  private func bodyBrace(after index: Int) -> Int? {
    guard text(index) != "case", text(index) != "let" else { return nil }
    let continuations: Set = [
      "{", "->", "throws", "rethrows", "async", "where", ":", ",", "&", "==",
    ]
    var next = index + 1
    while next < tokens.count {
      let token = tokens[next]
      let startsLine = token.line > tokens[next - 1].line
      switch token.text {
      case "{": return next
      case "}", ";": return nil
      case "=" where text(index) == "var": return nil
      case "(", "[":
        next = tokens.end(ofGroupAt: next)
        continue
      case let text where startsLine && !continuations.contains(text):
        // The line before may end in the middle of a signature.
        guard [",", "->", ":", "where", "&", "=="].contains(self.text(next - 1)) else { return nil }
      default: break
      }
      next += 1
    }
    return nil
  }
}

extension Rule {
  static let documentation = [
    Rule(
      name: "each public declaration has a doc comment",
      check: { file in
        guard file.isSource else { return [] }
        return file.declarations.filter { file.needsDocumentation($0) && !file.isDocumented($0) }
          .map {
            let name = $0.keyword == "init" ? "init" : $0.name
            return file.finding(
              file.tokens[$0.first].line, "say in a doc comment what \(name) is, in one sentence")
          }
      },
      examples: [
        Example(
          """
          /// A node.
          @frozen
          public struct Node: Hashable {  // fine
            public let id: NodeID  // ←
            /// The term.
            public private(set) var term: Term
            public static func == (a: Node, b: Node) -> Bool { a.id == b.id }
            public func hash(into hasher: inout Hasher) {}
            public init(id: NodeID) {}  // ←
            @inlinable  // ←
            public mutating func step() {}
            func hidden() { let inner = 1 }
          }
          /// What it does.
          public enum Action {
            case send  // ←
            /// Stores.
            case store(Write)
            func f() { switch self { case .send: break } }
          }
          public enum Undocumented {}  // ←
          /// A machine.
          public protocol StateMachine {
            func apply()  // ←
            /// Its state.
            var state: [UInt8] { get }
          }
          enum Inner { case hidden }
          public extension Node {}
          // public var commented: Int
          """),
        Example(
          """
          /** A block comment
              on two lines. */
          // swift-format-ignore
          @available(*, unavailable, message: "Enable the trait (see the page).")
          public struct Stub {}
          """),
      ])
  ]
}

extension SourceFile {
  /// The standard library documents these, and documentation tools inherit it.
  private static let inherited: Set = [
    "==", "<", "hash", "description", "debugDescription", "startIndex", "endIndex", "index",
    "makeIterator",
  ]

  func needsDocumentation(_ declaration: Declaration) -> Bool {
    if declaration.keyword == "extension" || Self.inherited.contains(declaration.name) {
      return false
    }
    if declaration.isPublic { return true }
    guard let parent = declaration.parent.map({ declarations[$0] }), parent.isPublic else {
      return false
    }
    return parent.keyword == "protocol" || declaration.keyword == "case"
  }

  func isDocumented(_ declaration: Declaration) -> Bool {
    let codeLines = Set(tokens[declaration.first...declaration.index].map(\.line))
    var line = tokens[declaration.first].line
    // Attributes may stand above, below or among comments.
    while line > 1, comments[line - 1] != nil || codeLines.contains(line - 1) {
      line -= 1
      if documented.contains(line) { return true }
    }
    return false
  }
}

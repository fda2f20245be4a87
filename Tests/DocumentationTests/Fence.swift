/// A fenced block of a Markdown page.
struct Fence: Hashable {
  var page: String
  /// The line of the opening fence, counted from one.
  var line: Int
  /// The words behind the opening fence: a language, then what is special about the block.
  var words: [String]
  var lines: [String]

  var language: String { words.first ?? "" }

  static func all(in text: String, page: String) -> [Fence] {
    var fences: [Fence] = []
    var open: Fence?
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let start = line.drop { $0 == " " }
      if start.hasPrefix("```") {
        if let fence = open {
          fences.append(fence)
          open = nil
        } else {
          let words = start.drop { $0 == "`" }.split(separator: " ").map(String.init)
          open = Fence(page: page, line: number + 1, words: words, lines: [])
        }
      } else {
        open?.lines.append(String(line))
      }
    }
    return fences
  }
}

/// Lines of Swift without what does not matter for being the same: indentation and empty lines. The
/// imports stand apart, as code inside a function cannot repeat them.
struct Code: Hashable {
  var imports: Set<String> = []
  var lines: [String] = []

  init(_ source: some Sequence<String>) {
    for line in source {
      let trimmed = line.trimmed
      if trimmed.hasPrefix("import ") {
        imports.insert(trimmed)
      } else if !trimmed.isEmpty {
        lines.append(trimmed)
      }
    }
  }
}

extension String {
  var trimmed: String {
    let start = drop { $0.isWhitespace }
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...end])
  }
}

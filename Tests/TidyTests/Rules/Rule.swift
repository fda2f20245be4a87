import Testing

/// One rule of the house, with the examples that show it working.
struct Rule: Sendable, CustomTestStringConvertible {
  var name: String
  var check: @Sendable (SourceFile) -> [Finding]
  /// Each line that the rule must complain about ends in the comment `// ←`, and no other line may.
  var examples: [Example]

  var testDescription: String { name }

  static let all: [Rule] =
    imports + determinism + embedding + safety + protocols + documentation + layout
}

struct Example: Sendable {
  var path = "Sources/Raft/Example.swift"
  var source: String

  init(_ source: String) { self.source = source }

  init(at path: String, _ source: String) {
    self.path = path
    self.source = source
  }
}

extension SourceFile {
  /// Findings for each token that `matches`.
  func findings(_ message: String, where matches: (Int) -> Bool) -> [Finding] {
    tokens.indices.filter(matches).map { finding(tokens[$0].line, message) }
  }

  /// Whether the token at `index` is the free-standing name `word`: no member, no label.
  func isName(_ index: Int, _ word: String) -> Bool {
    tokens[index].text == word && text(index - 1) != "." && text(index + 1) != ":"
  }
}

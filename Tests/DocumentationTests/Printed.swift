import Testing

/// Collects what the twin of a block prints, and compares it with the page.
///
/// The twin stands in a test that shadows `print`:
///
///     let printed = Printed()
///     func print(_ items: Any...) { printed.add(items) }
///     // begin README.md
///     print("hello")
///     // end
///     printed.check()
final class Printed {
  private(set) var text = ""

  func add(_ items: [Any]) {
    text += items.map { "\($0)" }.joined(separator: " ") + "\n"
  }

  /// Compares with the text block that follows the block whose twin ends above the calling line.
  func check(
    file: String = #filePath, line: Int = #line, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let twin = Pages.twins.last { file.hasSuffix($0.file) && $0.end < line }
    let comparison = Comparison(fences: Pages.fences, twins: [])
    let block = twin.flatMap { twin in
      Pages.fences.first { $0.words.contains("prints") && twin.doubles($0) }
    }
    guard let twin, let block, let expected = comparison.output(of: block) else {
      Issue.record(
        "no block 'swift prints' with output for this twin", sourceLocation: sourceLocation)
      return
    }
    let page = expected.joined(separator: "\n").trimmed
    #expect(text.trimmed == page, "differs from \(twin.page)", sourceLocation: sourceLocation)
  }
}

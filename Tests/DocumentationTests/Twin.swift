/// The compiled double of a Swift block on a page: what stands between `// begin PAGE` and `// end`
/// in a file of this target.
struct Twin {
  var page: String
  var file: String
  /// The line of the opening marker, counted from one.
  var line: Int
  /// The line of the closing marker.
  var end: Int
  var code: Code
  /// Whether a line below asks `Printed` to compare what was printed with the page.
  var isRun = false

  static func all(in source: String, file: String) -> [Twin] {
    var twins: [Twin] = []
    var open: (page: String, line: Int, lines: [String])?
    var imports: Set<String> = []
    for (index, text) in source.split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      let line = String(text).trimmed
      if line.hasPrefix("import ") || line.hasPrefix("@testable import ") { imports.insert(line) }
      if line.hasPrefix("// begin ") {
        open = (String(line.dropFirst("// begin ".count)), index + 1, [])
      } else if line == "// end", let begun = open {
        twins.append(
          Twin(
            page: begun.page, file: file, line: begun.line, end: index + 1,
            code: Code(begun.lines)))
        open = nil
      } else if open != nil {
        open?.lines.append(line)
      } else if line.hasPrefix("printed.check("), let last = twins.indices.last {
        twins[last].isRun = true
      }
    }
    for index in twins.indices { twins[index].code.imports = imports }
    return twins
  }

  func doubles(_ fence: Fence) -> Bool {
    let block = Code(fence.lines)
    return fence.page == page && block.lines == code.lines
      && block.imports.isSubset(of: code.imports)
  }
}

/// Compares the blocks of all pages with the twins, in both directions.
struct Comparison {
  var fences: [Fence]
  var twins: [Twin]

  var complaints: [String] {
    let blocks = fences.filter { $0.language == "swift" && !$0.words.contains("manifest") }
    let missing = blocks.flatMap(complaints(about:))
    let stale = twins.filter { twin in !blocks.contains(where: twin.doubles) }.map {
      "\($0.file):\($0.line): matches no block of \($0.page); change both, or remove it"
    }
    return missing + stale
  }

  private func complaints(about block: Fence) -> [String] {
    guard let twin = twins.first(where: { $0.doubles(block) }) else {
      return [
        "\(block.page):\(block.line): this block is not compiled: repeat it between"
          + " '// begin \(block.page)' and '// end' in a file of Tests/DocumentationTests/Twins,"
          + " which imports what the block imports"
      ]
    }
    guard block.words.contains("prints") else { return [] }
    var complaints: [String] = []
    if output(of: block) == nil {
      complaints.append("\(block.page):\(block.line): put what it prints into the next block, text")
    }
    if !twin.isRun {
      complaints.append("\(twin.file):\(twin.line): run it: 'printed.check(…)' after '// end'")
    }
    return complaints
  }

  /// The text block that follows a Swift block directly.
  func output(of block: Fence) -> [String]? {
    guard let next = fences.first(where: { $0.page == block.page && $0.line > block.line }),
      next.language == "text"
    else { return nil }
    return next.lines
  }
}

extension Rule {
  static let layout = [
    Rule(
      name: "a line has at most 100 columns",
      check: { file in
        var exempt = false
        return file.lines.enumerated().compactMap { number, line in
          let comment = file.comments[number + 1]
          if !file.isSource, comment?.contains("wide-table: ") ?? false { exempt = true }
          if comment?.contains("end of wide-table") ?? false { exempt = false }
          guard !exempt, line.utf8.count > 100, line.count > 100 else { return nil }
          let advice =
            file.isSource
            ? "break the line"
            : "break the line; a table may stand between '// wide-table: why' and"
              + " '// end of wide-table'"
          return file.finding(number + 1, "\(line.count) columns: \(advice)")
        }
      },
      examples: [
        Example("let x = 1  // \(String(repeating: "–", count: 86))\nlet y = 1"),
        Example("let x = 1  // \(String(repeating: "–", count: 84)) // ←"),
        Example(
          at: "Tests/PaperTests/Table.swift",
          """
          // wide-table: one row is one case
          // \(String(repeating: "–", count: 100))
          // end of wide-table
          // \(String(repeating: "–", count: 100)) // ←
          """),
      ]),
    Rule(
      name: "a function has at most 70 lines",
      check: { file in
        file.declarations.compactMap { declaration in
          guard declaration.isFunction, let body = declaration.body else { return nil }
          let first = file.tokens[declaration.index].line
          let count = file.tokens[body.upperBound].line - first + 1
          guard count > 70 else { return nil }
          return file.finding(
            first, "\(declaration.name) has \(count) lines: split it where a comment wants to stand"
          )
        }
      },
      examples: [
        Example(
          "func long() {  // ←" + String(repeating: "\n", count: 70) + "}\n"
            + "func short()\n  -> Int\n{" + String(repeating: "\n", count: 67) + "}\n"
            + "protocol P {\n  func a()\n  var b: Int { get }\n}\n"
            + "var c: Int {  // ←" + String(repeating: "\n", count: 80) + "}\n"
            + "struct S {\n" + String(repeating: "  var x = 1\n", count: 80) + "}\n")
      ]),
    Rule(
      name: "a file has at most 600 lines, a test file 800",
      check: { file in
        let limit = file.isSource ? 600 : 800
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        guard count > limit else { return [] }
        return [file.finding(1, "\(count) lines, the limit is \(limit): a file has one subject")]
      },
      examples: [
        Example(String(repeating: "\n", count: 600)),
        Example("// ←" + String(repeating: "\n", count: 601)),
        Example(at: "Tests/PaperTests/Long.swift", String(repeating: "\n", count: 800)),
        Example(at: "Tests/PaperTests/Long.swift", "// ←" + String(repeating: "\n", count: 801)),
      ]),
    Rule(
      name: "nothing is left to do",
      check: { file in
        file.comments.sorted { $0.key < $1.key }.compactMap { line, comment in
          let words = comment.split { !$0.isLetter }
          let left = ["TODO", "FIXME", "XXX", "HACK"].first { words.contains($0[...]) }
          return left.map {
            file.finding(line, "\($0): do it now, or open an issue and leave it out")
          }
        }
      },
      examples: [
        Example(
          """
          let x = 1  // TODO: the rest  // ←
          // FIXME later  // ←
          /* a
             HACK */  // ←
          let text = "TODO"
          // todos are fine
          """)
      ]),
  ]
}

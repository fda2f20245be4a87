extension Rule {
  static let protocols = [
    Rule(
      name: "a switch over our own enumerations names every case",
      check: { file in
        guard file.isSource else { return [] }
        return file.tokens.indices.flatMap { index -> [Finding] in
          guard file.isName(index, "switch"), let body = file.switchBody(at: index) else {
            return []
          }
          // A switch over text or numbers has no cases that a compiler could count.
          let first = file.tokens[body].dropFirst().first
          if first?.kind == .literal || first?.kind == .number { return [] }
          let subjects: Set = ["role", "input", "message", "action", "body"]
          guard
            file.subjectNames(index + 1..<body.lowerBound - 1).contains(where: subjects.contains)
          else { return [] }
          return file.catchAlls(in: body).map {
            file.finding(
              $0, "name the cases: then the compiler finds this switch when one is added")
          }
        }
      },
      examples: [
        Example(
          """
          switch role {
          case .leader: lead()
          default: follow()  // ←
          }
          switch (node.role, message.body) {
          case (.leader, .vote): switch count { default: break }
          case _: break  // ←
          }
          switch message.count {
          default: break
          }
          switch role(of: node) {
          default: break
          }
          switch role {
          case "L": lead()
          default: follow()
          }
          """)
      ]),
    Rule(
      name: "a cited section exists",
      check: { file in
        file.lines.enumerated().flatMap { number, line in
          citedSections(in: line).filter { !isSection($0) }.map {
            file.finding(number + 1, "\u{A7}\($0) is in neither the Raft paper nor the thesis")
          }
        }
      },
      examples: [
        Example(
          """
          /// Candidate to leader (§5.2). See also thesis §6.4.1, and §5.4.2.
          /// Wrong: \u{A7}5.7  // ←
          let name = "\u{A7}13.1"  // ←
          /// A list: §5.1, \u{A7} 5.2  // ←
          let sign = "\u{A7}"
          """)
      ]),
  ]

  /// The number behind each section sign of a line, with the space that must not be before it.
  static func citedSections(in line: String) -> [String] {
    line.split(separator: "\u{A7}", omittingEmptySubsequences: false).dropFirst().compactMap {
      text in
      let space = text.prefix { $0 == " " }
      let number = text[space.endIndex...].prefix { $0.isNumber || "AB.".contains($0) }
      guard number.contains(where: \.isNumber) else { return nil }
      return String(space + (number.last == "." ? number.dropLast() : number))
    }
  }

  static func isSection(_ section: String) -> Bool {
    House.paperSections.contains(section) || House.thesisSections.contains(section)
  }
}

extension SourceFile {
  /// The tokens between the braces of the `switch` at `index`.
  func switchBody(at index: Int) -> Range<Int>? {
    var next = index + 1
    while next < tokens.count {
      switch tokens[next].text {
      case "(", "[":
        next = end(ofGroupAt: next)
        continue
      case "{": return next + 1..<end(ofGroupAt: next) - 1
      case "}": return nil
      default: next += 1
      }
    }
    return nil
  }

  /// The last component of each path in the subject of a switch: `role` for `(node.role, 3)`.
  func subjectNames(_ subject: Range<Int>) -> [String] {
    subject.filter { tokens[$0].kind == .word && ![".", "("].contains(text($0 + 1)) }.map(text)
  }

  /// Lines with `default:` or `case _:` that belong to this switch and to no inner one.
  func catchAlls(in body: Range<Int>) -> [Int] {
    var lines: [Int] = []
    var next = body.lowerBound
    while next < body.upperBound {
      switch text(next) {
      case "(", "[", "{":
        next = end(ofGroupAt: next)
        continue
      case "default" where text(next + 1) == ":": lines.append(tokens[next].line)
      case "case" where matches(next + 1, "_", ":"): lines.append(tokens[next].line)
      default: break
      }
      next += 1
    }
    return lines
  }

  /// Lines outside initialisers on which `role` is assigned.
  var roleAssignments: [Int] {
    tokens.indices.compactMap { index in
      guard matches(index, "role", "="), !["let", "var"].contains(text(index - 1)) else {
        return nil
      }
      return function(around: index)?.keyword == "init" ? nil : tokens[index].line
    }
  }
}

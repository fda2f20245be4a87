extension Rule {
  static let safety = [
    Rule(
      name: "sources trap only with a message",
      check: { file in
        guard file.isSource else { return [] }
        return file.findings("say which invariant broke") { index in
          file.matches(index, "fatalError", "(", ")")
            || file.matches(index, "preconditionFailure", "(", ")")
        }
      },
      examples: [
        Example(
          """
          fatalError()  // ←
          preconditionFailure()  // ←
          preconditionFailure("leader without a quorum")
          """)
      ]),
    Rule(
      name: "sources unwrap nothing by force",
      check: { file in
        guard file.isSource else { return [] }
        return file.forcedUnwraps.filter { finding in
          !House.allowances.contains { $0.excuses(finding, in: file) }
        }
      },
      examples: [
        Example(
          """
          let entry = log.last!  // ←
          let first = entries[0]!.term  // ←
          let value = try! decode()  // ←
          let leader = role as! Leader  // ←
          var later: Entry!  // ←
          if !log.isEmpty, term != other { return a! + b }  // ←
          let text = "really!" + `odd name!`
          let joined = "\\(entry!)"  // ←
          if (try? decode()) != nil {}
          """)
      ]),
  ]
}

extension SourceFile {
  var forcedUnwraps: [Finding] {
    tokens.indices.compactMap { index in
      guard tokens[index].text == "!", tokens[index].isBoundLeft, index > 0 else { return nil }
      let line = tokens[index].line
      let before = tokens[index - 1]
      switch before.text {
      case "try": return finding(line, "handle the error, or let it out")
      case "as": return finding(line, "cast with as?, and say what happens otherwise")
      default:
        // A prefix operator may also be bound to what stands before it, as in `f(-!x)`.
        guard before.kind != .symbol || [")", "]", "}", "?", ">"].contains(before.text) else {
          return nil
        }
        return finding(
          line,
          "bind it with guard, and trap with a message if nil is a bug; or add the line to"
            + " House.allowances with its reason")
      }
    }
  }
}

extension Allowance {
  func excuses(_ finding: Finding, in file: SourceFile) -> Bool {
    finding.path == path && file.lines[finding.line - 1].contains(code)
  }
}

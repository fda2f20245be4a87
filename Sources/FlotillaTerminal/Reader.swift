// Turns what stands in a file into values, and keeps every complaint on the way.

/// Collects the problems of one file.
package final class Reader {
  package let name: String
  /// Keys whose values are secret: a line that has one is quoted no further than to its colon.
  private let secrets: [String]
  private let lines: [Substring]
  package private(set) var problems: [Problem] = []

  package init(name: String, text: String, secrets: [String] = []) {
    self.name = name
    self.secrets = secrets
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  package func complain(_ mark: Mark, _ what: String) {
    problems.append(Problem(mark: mark, what: what))
  }

  package func add(_ found: [Problem]) { problems += found }

  /// Each problem with its place, its line and a caret below it.
  package func report() -> String {
    problems.sorted { $0.mark < $1.mark }.map { problem in
      let mark = problem.mark
      var text = "\(name):\(mark.line):\(mark.column): \(problem.what)"
      if mark.line <= lines.count, !lines[mark.line - 1].allSatisfy(\.isWhitespace) {
        let line = shown(lines[mark.line - 1]).map { $0 == "\t" ? " " : String($0) }.joined()
        let number = pad(String(mark.line), to: 5, .right)
        text += "\n\(number) | \(line)\n      | "
        text += String(repeating: " ", count: mark.column - 1) + "^"
      }
      return text
    }.joined(separator: "\n")
  }

  /// A line without what is secret in it.
  private func shown(_ line: Substring) -> Substring {
    var rest = line
    while let colon = rest.firstIndex(of: ":") {
      let before = line[..<colon].reversed().drop { " \t\"'".contains($0) }
      let key = String(before.prefix { $0.isLetter || $0.isNumber }.reversed())
      if secrets.contains(key) { return line[...colon] + " ..." }
      rest = line[line.index(after: colon)...]
    }
    return line
  }

  /// The failure that all problems together are, if there are any.
  package func check() throws(Failure) {
    guard !problems.isEmpty else { return }
    throw Failure(
      .badConfiguration, "\(name) has \(counted(problems.count, "problem")):\n" + report())
  }

  // MARK: Values

  /// The pairs of a group of keys, each key among `known`.
  package func keys(_ node: Node, of what: String, known: [String]) -> [(
    key: String, mark: Mark, value: Node
  )] {
    guard case .keys(let pairs) = node.value else {
      if case .null = node.value { return [] }
      complain(node.mark, "\(what) must be a group of keys, not \(node.kind)")
      return []
    }
    return pairs.filter { pair in
      if known.contains(pair.key) { return true }
      let suggestion = nearest(to: pair.key, among: known)
      let advice =
        suggestion.map { "Did you mean \($0)?" }
        ?? "The keys of \(what) are \(known.joined(separator: ", "))."
      complain(pair.mark, "unknown key \"\(pair.key)\". \(advice)")
      return false
    }
  }

  /// The text of a value that is neither a list nor a group.
  package func text(_ node: Node, _ what: String, _ expectation: String) -> String? {
    guard case .scalar(let text, _) = node.value else {
      complain(node.mark, "\(what) must be \(expectation), not \(node.kind)")
      return nil
    }
    return text
  }

  /// A value by its unit and within its range.
  package func number(
    _ node: Node, _ what: String, _ unit: SettingUnit = .number,
    in range: ClosedRange<UInt64> = 0...UInt64.max
  ) -> UInt64? {
    guard let text = text(node, what, unit.expectation) else { return nil }
    guard let value = unit.parse(text) else {
      complain(node.mark, "\(what) must be \(unit.expectation), not \(node.kind)")
      return nil
    }
    guard range.contains(value) else {
      let limit =
        value < range.lowerBound
        ? "at least \(unit.text(range.lowerBound))" : "at most \(unit.text(range.upperBound))"
      complain(node.mark, "\(what) must be \(limit), not \(unit.text(value))")
      return nil
    }
    return value
  }

  /// One of several words.
  package func word<Value: CaseIterable & RawRepresentable>(
    _ node: Node, _ what: String, as type: Value.Type
  ) -> Value? where Value.RawValue == String {
    let known = Value.allCases.map(\.rawValue)
    guard let text = text(node, what, "one of \(known.joined(separator: ", "))") else { return nil }
    if let value = Value(rawValue: text) { return value }
    let advice =
      nearest(to: text, among: known).map { "Did you mean \($0)?" }
      ?? "Known are \(known.joined(separator: ", "))."
    complain(node.mark, "unknown \(what) \"\(text)\". \(advice)")
    return nil
  }

  /// A node by its name, `n3` or `3`.
  package func nodeNumber(_ node: Node) -> UInt64? {
    guard let text = text(node, "a node", "a name such as n3") else { return nil }
    let digits = text.hasPrefix("n") ? String(text.dropFirst()) : text
    guard let number = UInt64(digits), number > 0 else {
      complain(node.mark, "\"\(text)\" is no node; write a name such as n3")
      return nil
    }
    return number
  }

  /// A list of nodes, or one.
  package func nodeNumbers(_ node: Node) -> [UInt64] {
    if case .list(let items) = node.value { return items.compactMap(nodeNumber).sorted() }
    return nodeNumber(node).map { [$0] } ?? []
  }
}

import Foundation

/// A Markdown page, read for its titles and links.
struct Page {
  let path: String
  let lines: [String]

  init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// Lines outside fenced code, with code spans blanked.
  var prose: [(number: Int, text: String)] {
    var fence: Substring?
    return lines.enumerated().compactMap { index, line in
      let start = line.drop { $0 == " " }
      let mark = start.prefix { $0 == "`" || $0 == "~" }
      if mark.count >= 3 {
        if fence == nil {
          fence = mark
        } else if let open = fence, mark.hasPrefix(open), mark.count == start.count {
          fence = nil
        }
        return nil
      }
      guard fence == nil else { return nil }
      return (index + 1, line.replacing(#/`[^`]*`/#, with: "``"))
    }
  }

  func findings(exists: (String) -> Bool, anchors: (String) -> Set<String>) -> [Finding] {
    titleFindings + linkFindings(exists: exists, anchors: anchors)
      + prose.flatMap { number, text in
        Rule.citedSections(in: text).filter { !Rule.isSection($0) }.map {
          finding(number, "section \($0) is in neither the Raft paper nor the thesis")
        }
      }
  }

  private var titleFindings: [Finding] {
    let titles = prose.filter { $0.text.hasPrefix("# ") }.map(\.number)
    if titles.isEmpty { return [finding(1, "begin the page with one '# Title'")] }
    return titles.dropFirst().map { finding($0, "a page has one title: make this a section") }
  }

  private func linkFindings(
    exists: (String) -> Bool, anchors: (String) -> Set<String>
  ) -> [Finding] {
    prose.flatMap { number, text in
      text.matches(of: #/\]\(([^)\s]+)[^)]*\)/#).compactMap { match -> Finding? in
        let link = String(match.1)
        if link.contains("://") || link.hasPrefix("mailto:") || link.hasPrefix("doc:") {
          return nil
        }
        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let target = parts[0].isEmpty ? path : resolve(String(parts[0]))
        guard exists(target) else { return finding(number, "dead link: \(link)") }
        guard parts.count == 2, target.hasSuffix(".md") else { return nil }
        return anchors(target).contains(String(parts[1]))
          ? nil : finding(number, "\(target) has no heading for #\(parts[1])")
      }
    }
  }

  /// The anchors of its headings, as code hosts make them.
  var anchors: Set<String> {
    var result: Set<String> = []
    for (_, text) in lines.enumerated() where text.hasPrefix("#") {
      let title = text.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
      result.insert(
        String(title.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) })
          .replacing(" ", with: "-"))
    }
    return result
  }

  private func resolve(_ link: String) -> String {
    var parts = path.split(separator: "/").dropLast()
    for part in link.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts.joined(separator: "/")
  }

  private func finding(_ line: Int, _ message: String) -> Finding {
    Finding(path: path, line: line, message: message)
  }
}

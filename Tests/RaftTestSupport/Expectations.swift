// Exhaustive expectations: every action counts, and a failure is a diff.

import Raft
import Testing

/// Expects exactly these actions, one a line, in the order in which a host is given them; events
/// are not counted.
///
/// Lines are the actions' `text`. Blank lines and indentation do not matter; no line at all
/// expects no action.
public func expectExactly(
  _ actions: [Action], _ expected: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  var actual: [String] = []
  for action in actions {
    if case .observe = action { continue }
    actual.append(action.text)
  }
  let wanted = lines(of: expected)
  guard actual != wanted else { return }
  Issue.record(
    "Actions differ (- expected, + actual):\n\(difference(wanted, actual))",
    sourceLocation: sourceLocation)
}

/// The lines of a text without indentation and without blank lines.
public func lines(of text: String) -> [String] {
  text.split(separator: "\n").compactMap { line in
    let words = line.split(separator: " ", omittingEmptySubsequences: true)
    return words.isEmpty ? nil : words.joined(separator: " ")
  }
}

/// What to take away and what to add to come from one list of lines to another, with the lines that
/// stay.
public func difference(_ expected: [String], _ actual: [String]) -> String {
  // The longest common subsequence, from the end: lengths[i][j] is that of the rests from i and j.
  var lengths = [[Int]](
    repeating: [Int](repeating: 0, count: actual.count + 1), count: expected.count + 1)
  for i in expected.indices.reversed() {
    for j in actual.indices.reversed() {
      lengths[i][j] =
        expected[i] == actual[j]
        ? lengths[i + 1][j + 1] + 1 : max(lengths[i + 1][j], lengths[i][j + 1])
    }
  }
  var out: [String] = []
  var i = 0
  var j = 0
  while i < expected.count || j < actual.count {
    if i < expected.count, j < actual.count, expected[i] == actual[j] {
      out.append("    " + expected[i])
      i += 1
      j += 1
    } else if j == actual.count || (i < expected.count && lengths[i + 1][j] >= lengths[i][j + 1]) {
      out.append("  - " + expected[i])
      i += 1
    } else {
      out.append("  + " + actual[j])
      j += 1
    }
  }
  return out.joined(separator: "\n")
}

import Raft
import TestPace
import Testing

/// The tables to look things up in are complete: nothing public is missing there.
@Suite(.computing) struct ReferenceTests {
  /// The names of the cases of an enum, in the order of its file.
  private func cases(of name: String, in path: String) -> [String] {
    let text = Pages.text(path)
    guard let start = text.range(of: "public enum \(name):")?.upperBound else { return [] }
    let body = text[start...].prefix(upTo: text[start...].range(of: "\n}")?.lowerBound ?? start)
    return body.matches(of: #/\n  case (\w+)/#).map { String($0.1) }
  }

  private func names(in page: String) -> Set<String> {
    Set(Pages.text(page).matches(of: #/`(\w+)[^`]*`/#).map { String($0.1) })
  }

  @Test(arguments: [
    ("Input", "Sources/Raft/Input.swift"), ("Action", "Sources/Raft/Action.swift"),
    ("Outcome", "Sources/Raft/Outcome.swift"), ("Refusal", "Sources/Raft/Outcome.swift"),
    ("UnknownReason", "Sources/Raft/Outcome.swift"), ("Event", "Sources/Raft/Event.swift"),
    ("StepDownReason", "Sources/Raft/Event.swift"), ("DropReason", "Sources/Raft/Event.swift"),
  ])
  func `the reference of the core names every case`(_ name: String, _ path: String) {
    let cases = cases(of: name, in: path)
    #expect(cases.count > 2, "no cases of \(name) found in \(path)")
    let known = names(in: "Docs/Reference/core.md")
    for missing in cases where !known.contains(missing) {
      Issue.record("Docs/Reference/core.md lacks \(name).\(missing)")
    }
  }

  @Test func `the table of settings has every field with its default`() {
    let rows = Pages.text("Docs/Reference/configuration.md")
      .matches(of: #/\n\| `(\w+)` \| [^|]+ \| [^|]+ \| ([^|]+) \|/#)
    let table = rows.map { "\($0.1)=\($0.2)" }.filter { !$0.hasSuffix("you say") }
    let fields = Mirror(reflecting: Configuration(id: NodeID(1), seed: 1)).children
      .map { "\($0.label ?? "")=\($0.value)" }.filter { !["id=n1", "seed=1"].contains($0) }
    #expect(table == fields)
    #expect(rows.count == fields.count + 2)
  }
}

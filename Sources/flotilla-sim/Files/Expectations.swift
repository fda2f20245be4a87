// What a scenario file expects of its runs: what always holds, what is reached, what comes in time.

import RaftSimulation

extension ScenarioFile {
  /// Something that must be so within a time after the healing.
  struct Deadline: Hashable {
    enum Goal: String, CaseIterable {
      /// A node leads.
      case leader
      /// Every request is answered, and all replicas are equal.
      case caughtUp = "caught-up"
    }

    var goal: Goal
    /// Unit: virtual nanoseconds after the healing.
    var within: UInt64
  }

  static let expectationKeys = ["always", "sometimes", "eventually"]

  /// The names that `always` takes: properties, and words for several of them: those of the paper,
  /// what clients see, and that no money comes or goes.
  static var alwaysNames: [String] {
    ["raft", "linearizable", "money-conserved"] + Property.allCases.map(\.name)
  }

  mutating func readExpectations(_ node: Node, _ reader: Reader) {
    for (key, _, value) in reader.keys(node, of: "expect", known: ScenarioFile.expectationKeys) {
      guard case .list(let items) = value.value else {
        let what = key == "always" ? "properties" : key == "sometimes" ? "situations" : "deadlines"
        reader.complain(value.mark, "\(key) must be a list of \(what), not \(value.kind)")
        continue
      }
      for item in items {
        switch key {
        case "always":
          let found = ScenarioFile.name(
            item, "property", ScenarioFile.alwaysNames, "flotilla-sim schema scenario", reader)
          if let found { always.append(found) }
        case "sometimes":
          let found = ScenarioFile.name(
            item, "situation", Situation.allCases.map(\.description),
            "flotilla-sim simulate --list-situations", reader)
          if let found { sometimes.append(found) }
        default:
          if let found = ScenarioFile.deadline(item, reader) { eventually.append(found) }
        }
      }
    }
  }

  private static func name(
    _ item: Node, _ what: String, _ known: [String], _ list: String, _ reader: Reader
  ) -> String? {
    guard let name = reader.text(item, "a \(what)", "a name") else { return nil }
    if known.contains(name) { return name }
    let advice = nearest(to: name, among: known).map { "Did you mean \($0)?" } ?? "See \(list)."
    reader.complain(item.mark, "unknown \(what) \"\(name)\". \(advice)")
    return nil
  }

  /// `caught-up within 10s`.
  private static func deadline(_ item: Node, _ reader: Reader) -> Deadline? {
    let expectation = "such as \"leader within 2s\" or \"caught-up within 10s\""
    guard let text = reader.text(item, "a deadline", expectation) else { return nil }
    let words = text.split(separator: " ").map(String.init)
    guard words.count == 3, words[1] == "within", let goal = Deadline.Goal(rawValue: words[0]),
      let time = parseTime(words[2])
    else {
      reader.complain(item.mark, "\"\(text)\" is no deadline; write one \(expectation)")
      return nil
    }
    return Deadline(goal: goal, within: time)
  }

  /// What came too late in a run that passed, in words.
  func late(_ summary: RunSummary) -> [String] {
    eventually.compactMap { deadline in
      let time = deadline.goal == .leader ? summary.leaderTime : summary.caughtUpTime
      let took = time.map { $0 - min($0, summary.healTime) }
      if let took, took <= deadline.within { return nil }
      return "\(deadline.goal.rawValue) should have come within "
        + "\(timeText(nanoseconds: deadline.within)) of the healing, but "
        + (took.map { "took \(virtualTime(nanoseconds: $0))" } ?? "never came")
    }
  }
}

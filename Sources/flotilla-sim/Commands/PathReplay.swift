// A path of an exploration, followed again and told.

import Raft
import RaftExploration

struct PathReplay {
  let file: PathFile
  let format: Format

  init(_ file: PathFile, _ format: Format) {
    self.file = file
    self.format = format
  }

  /// Follows the path; ends with 1 if it still shows what it was written for.
  func run(_ screen: Screen) throws {
    let story = try file.followed()
    let finding = try file.finding(after: story)
    switch format {
    case .text: printText(story, finding, screen)
    case .json: screen.print(json(story, finding).page)
    case .jsonl: screen.print(json(story, finding).line)
    }
    if finding != nil { throw Stop(code: .violated) }
  }

  private func printText(_ story: [PathStep], _ finding: String?, _ screen: Screen) {
    screen.printWrapped("bounds      ", file.bounds.description.components(separatedBy: ", "))
    screen.print()
    PathReplay.print(story, screen)
    screen.print()
    if let finding {
      screen.print(screen.toned("VIOLATED", .bad) + "  " + finding)
    } else {
      screen.print(
        screen.toned("PASS", .good) + "  the path no longer shows: \(file.sentence)")
    }
  }

  private func json(_ story: [PathStep], _ finding: String?) -> JSON {
    .object([
      ("schema", .string("flotilla-sim.explore-replay/1")),
      ("property", .string(file.property)),
      ("violated", finding.map { .string($0) } ?? .null),
      (
        "steps",
        .array(
          story.map { step in
            .object([
              ("says", .string(step.sentence)), ("does", .strings(step.consequences)),
              ("node", .string(step.state)),
            ])
          })
      ),
    ])
  }

  /// A path in words: what happens, what the node does, and how it is then.
  static func print(_ story: [PathStep], _ screen: Screen) {
    for (number, step) in story.enumerated() {
      let head = pad("\(number + 1)", to: 4, .right) + "  "
      var parts = [step.sentence]
      if !step.consequences.isEmpty {
        parts.append("→ " + step.consequences.joined(separator: ", "))
      }
      screen.printWrapped(head, parts)
      screen.printWrapped("         ", [step.state])
      if let finding = step.finding { screen.print("      ← \(finding.sentence)") }
    }
  }
}

/// A Swift test that follows a path.
enum PathTest {
  /// Sixteen hexadecimal digits in groups of four.
  fileprivate static func digits(_ word: UInt64) -> String {
    let digits = Array(hex(word))
    return stride(from: 0, to: 16, by: 4).map { String(digits[$0..<$0 + 4]) }
      .joined(separator: "_")
  }

  static func text(_ file: PathFile) -> String {
    var lines = [
      "import Raft",
      "import RaftExploration",
      "import Testing",
      "",
      "/// \(file.sentence)",
      "@Test func `\(file.property) holds on a path that once broke it`() throws {",
      "  var bounds = Bounds()",
    ]
    let bounds = file.bounds
    func optional(_ value: Int?) -> String { value.map { String($0) } ?? "nil" }
    let values: [(name: String, value: String)] = [
      ("nodes", String(bounds.nodes)), ("spares", String(bounds.spares)),
      ("terms", String(bounds.terms)), ("entries", String(bounds.entries)),
      ("crashes", String(bounds.crashes)), ("losses", String(bounds.losses)),
      ("duplicates", optional(bounds.duplicates)), ("inFlight", optional(bounds.inFlight)),
      ("heartbeats", String(bounds.heartbeats)), ("snapshots", String(bounds.snapshots)),
      ("reads", String(bounds.reads)), ("timeouts", optional(bounds.timeouts)),
      ("isPreVoteEnabled", String(bounds.isPreVoteEnabled)),
    ]
    for (name, value) in values { lines.append("  bounds.\(name) = \(value)") }
    if bounds.disks != .any { lines.append("  bounds.disks = .\(bounds.disks)") }
    for change in bounds.changes { lines += change.code }
    lines.append("  let choices: [PathChoice] = [")
    for step in file.steps {
      var code =
        "    PathChoice(action: .\(step.choice.action), node: NodeID(\(step.choice.node.rawValue))"
      if step.choice.argument != 0 { code += ", argument: \(step.choice.argument)" }
      if step.choice.message != 0 { code += ", message: 0x\(PathTest.digits(step.choice.message))" }
      lines.append("    // " + step.says)
      lines.append(code + "),")
    }
    lines += [
      "  ]",
      "  let explorer = try Explorer(",
      "    bounds,",
      "    reductions: Reductions(isSymmetric: false, isReduced: \(file.reductions.isReduced)),",
      "    " + (file.fault == .none ? "" : "fault: .\(file.fault.code), ") + "healsEvery: 0)",
    ]
    if file.property == Property.eventuallyCommits.description {
      lines.append("  #expect(try explorer.recovers(after: choices))")
    } else {
      lines.append("  // A core that no longer goes this way throws, which is no failure of it.")
      lines.append("  let steps = (try? explorer.follow(choices)) ?? []")
      lines.append("  #expect(steps.allSatisfy { $0.finding == nil })")
    }
    return (lines + ["}", ""]).joined(separator: "\n")
  }
}

extension MembershipChange {
  fileprivate var code: [String] {
    let steps = steps.map { step in
      switch step {
      case .addVoter(let node): ".addVoter(NodeID(\(node.rawValue)))"
      case .addLearner(let node): ".addLearner(NodeID(\(node.rawValue)))"
      case .addWitness(let node): ".addWitness(NodeID(\(node.rawValue)))"
      case .demote(let node): ".demote(NodeID(\(node.rawValue)))"
      case .remove(let node): ".remove(NodeID(\(node.rawValue)))"
      }
    }
    return [
      "  bounds.changes.append(",
      "    MembershipChange([\(steps.joined(separator: ", "))], isJointForced: \(isJointForced)))",
    ]
  }
}

extension HostFault {
  /// The case, as Swift code.
  fileprivate var code: String {
    switch self {
    case .none: "none"
    case .forgetsVote: "forgetsVote"
    case .saysDurableTooEarly: "saysDurableTooEarly"
    case .forgetsEntries: "forgetsEntries"
    }
  }
}

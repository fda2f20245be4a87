// What shrinking came to: the passes, what is left, and what happens in it.

import Foundation
import RaftSimulation

struct ShrinkReport {
  let screen: Screen
  let name: String
  let folder: String

  func printHead(_ shrinker: Shrinker) {
    screen.printWrapped("goal  ", ["still", "\(shrinker.goal)"], separator: " ")
    screen.print()
  }

  func printEnd(_ shrinker: Shrinker, _ run: Run, isOutOfTime: Bool) {
    var table = Table(["pass", ">before", ">after", ">runs"])
    for count in shrinker.passes where count.pass != .round {
      table.rows.append([
        count.pass.title, count.pass.text(count.before), count.pass.text(count.after),
        grouped(count.runs),
      ])
    }
    for line in table.lines(screen) { screen.print(line) }
    let end = isOutOfTime ? "stopped by its budget after" : "done in"
    screen.print(
      " \(end) \(wallTime(seconds: run.seconds))   (\(counted(shrinker.runs, "run")))")
    screen.print()
    screen.printWrapped(
      "left  ", [shrinker.plan.size.text, "of", shrinker.original.size.text],
      separator: " ")
    printOthers(shrinker)
    screen.print()
    screen.print("A failing run in words:")
    for (number, line) in Survey.story(run).enumerated() {
      let words = line.text.split(separator: " ").map(String.init)
      screen.printWrapped(
        pad("\(number + 1)", to: 3, .right) + ". ",
        words + ["(event \(grouped(line.event)))"], separator: " ")
    }
    screen.print()
    let files = ShrinkReport.files.filter {
      FileManager.default.fileExists(atPath: "\(folder)/shrunk/\($0)")
    }
    screen.print("wrote \(folder)/shrunk/  \(files.joined(separator: "  "))")
    screen.print()
    screen.print("next:       flotilla-sim replay \(folder)/shrunk --last 20")
    screen.print("keep:       cp \(folder)/shrunk/scenario.yaml Simulations/Seeds/NAME.yaml")
  }

  private static let files = [
    "scenario.yaml", "trace.jsonl", "report.html", "RegressionTest.swift",
  ]

  /// Plans that failed otherwise: the same bug seen by somebody else, or another one.
  private func printOthers(_ shrinker: Shrinker) {
    for other in shrinker.others {
      screen.printWrapped(
        "met   ", ["on the way, and not followed:", "\(other.goal)"],
        separator: " ")
    }
  }

  func json(_ shrinker: Shrinker, _ run: Run, isOutOfTime: Bool) -> JSON {
    .object([
      ("schema", .string("flotilla-sim.shrink/1")),
      ("of", .string(name)),
      ("seed", .hex(shrinker.plan.seed)),
      ("goal", .string("\(shrinker.goal)")),
      ("isComplete", .bool(!isOutOfTime)),
      ("before", json(shrinker.original.size)),
      ("after", json(shrinker.plan.size)),
      ("events", .count(Int(clamping: shrinker.best.events))),
      ("runs", .count(shrinker.runs)),
      ("seconds", .figure(run.seconds, digits: 3)),
      (
        "passes",
        .array(
          shrinker.passes.map {
            .object([
              ("pass", .string("\($0.pass)")), ("before", .number($0.before)),
              ("after", .number($0.after)), ("runs", .count($0.runs)),
            ])
          })
      ),
      ("others", .strings(shrinker.others.map { "\($0.goal)" })),
      (
        "story",
        .array(
          Survey.story(run).map {
            .object([("event", .count(Int(clamping: $0.event))), ("text", .string($0.text))])
          })
      ),
      ("folder", .string(folder + "/shrunk")),
    ])
  }

  private func json(_ size: PlanSize) -> JSON {
    .object([
      ("elements", .count(size.elements)), ("faults", .count(size.faults)),
      ("operations", .count(size.operations)), ("settings", .count(size.settings)),
      ("nodes", .count(size.nodes)),
    ])
  }
}

extension PlanSize {
  /// The size for people.
  var text: String {
    "\(counted(elements, "element")) (\(counted(faults, "fault")),"
      + " \(counted(operations, "operation")), \(counted(settings, "setting"))) on"
      + " \(counted(nodes, "node"))"
  }
}

extension ShrinkPass {
  /// What it does, in a table.
  var title: String {
    switch self {
    case .least: "begin with the least"
    case .operations: "drop client operations"
    case .faults: "drop faults"
    case .nodes: "remove nodes"
    case .settings: "usual settings"
    case .delays: "straighten delays"
    case .shorten: "shorten"
    case .round: "round times"
    }
  }

  /// A figure of its, with a unit.
  func text(_ figure: UInt64) -> String {
    switch self {
    case .least: "\(grouped(figure)) elements"
    case .operations, .faults, .nodes, .settings: grouped(figure)
    case .delays: fixed(Double(figure) / 1e6, figure < 10_000_000 ? 1 : 0) + " ms"
    case .shorten, .round: "\(grouped(figure)) events"
    }
  }
}

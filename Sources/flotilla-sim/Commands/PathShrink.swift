// A counterexample of an exploration in fewer steps.

import Raft
import RaftExploration

/// Leaves out of a path whatever it does not need.
struct PathShrink {
  let file: PathFile
  /// The folder that the path is in; what is left goes into `shrunk/` there.
  let folder: String
  let format: Format

  func run(_ screen: Screen) throws(Failure) {
    guard let property = Property.allCases.first(where: { $0.description == file.property }) else {
      throw Failure(.badData, "\"\(file.property)\" is no property of an exploration")
    }
    let before = try file.followed()
    guard try file.finding(after: before) != nil else {
      throw Failure(
        .usage, "the path passes with this code (\(Version.code)): there is no failure to keep",
        hint: "explore the same bounds again")
    }
    let start = Progress.now()
    let explorer = try file.explorer()
    let choices = explorer.shortened(file.steps.map(\.choice), property: property)
    var left = file
    left.steps = choices.map { ($0, "") }
    let story = try left.followed()
    left.steps = story.map { ($0.choice, $0.sentence) }
    if let finding = try left.finding(after: story) { left.sentence = finding }
    try left.write(to: folder + "/shrunk")
    let seconds = Progress.now() - start
    switch format {
    case .text: printText(screen, before.count, left, story, seconds)
    case .json: screen.print(json(before.count, left, seconds).page)
    case .jsonl: screen.print(json(before.count, left, seconds).line)
    }
  }

  private func printText(
    _ screen: Screen, _ before: Int, _ left: PathFile, _ story: [PathStep], _ seconds: Double
  ) {
    screen.printWrapped("goal  ", ["still", left.title], separator: " ")
    screen.print()
    screen.print(
      "left  \(counted(story.count, "step")) of \(grouped(before)), in"
        + " \(wallTime(seconds: seconds))")
    screen.print()
    PathReplay.print(story, screen)
    screen.print()
    screen.print(
      "wrote \(folder)/shrunk/  path.jsonl  trace.jsonl  report.html  RegressionTest.swift")
    screen.print()
    screen.print("next:       flotilla-sim replay \(folder)/shrunk")
  }

  private func json(_ before: Int, _ left: PathFile, _ seconds: Double) -> JSON {
    .object([
      ("schema", .string("flotilla-sim.path-shrink/1")),
      ("property", .string(left.property)), ("sentence", .string(left.sentence)),
      ("before", .count(before)), ("after", .count(left.steps.count)),
      ("seconds", .figure(seconds, digits: 3)),
      ("story", .strings(left.steps.map(\.says))),
      ("folder", .string(folder + "/shrunk")),
    ])
  }
}

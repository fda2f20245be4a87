// The rare situations that a simulator must reach to be worth its time.

import RaftSimulation

enum SituationReport {
  /// What a run or sweep has to reach: what its scenario file expects, otherwise everything.
  static func required(_ setup: SimulationSetup) -> [String] {
    if let file = setup.file, !file.sometimes.isEmpty { return file.sometimes }
    return Situation.allCases.map(\.description)
  }

  static func missing(_ reached: [String], required: [String]) -> [String] {
    required.filter { !reached.contains($0) }
  }

  /// All of them, without a run.
  static func list(_ screen: Screen, _ format: Format) {
    let names = Situation.allCases.map(\.description)
    switch format {
    case .text:
      for name in names { screen.print(name) }
    case .json:
      screen.print(
        JSON.object([
          ("schema", .string("flotilla-sim.situations/1")), ("situations", .strings(names)),
        ]).page)
    case .jsonl:
      for name in names { screen.print(JSON.object([("situation", .string(name))]).line) }
    }
  }

  static func print(_ screen: Screen, _ reached: [String], required: [String]) {
    screen.print()
    screen.print("situations")
    for name in Situation.allCases.map(\.description) {
      let isReached = reached.contains(name)
      let word = isReached ? screen.toned("reached", .good) : screen.toned("never  ", .warning)
      screen.print("  \(word)  \(name)\(required.contains(name) ? "" : "   (not required)")")
    }
  }
}

/// The results in the form that build servers read.
enum JUnit {
  static func write(_ runs: [Run], _ setup: SimulationSetup, to path: String) throws(Failure) {
    let failures = runs.filter(setup.isFailing)
    var file = try RunFile(path)
    file.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
    file.write(
      "<testsuite name=\"flotilla-sim\" tests=\"\(runs.count)\" failures=\"\(failures.count)\""
        + " time=\"\(seconds(runs.map(\.seconds).reduce(0, +)))\">")
    for run in runs {
      let open =
        "  <testcase classname=\"\(escaped(setup.scenarioName))\" name=\"\(hex(run.plan.seed))\""
        + " time=\"\(seconds(run.seconds))\""
      guard setup.isFailing(run) else {
        file.write(open + "/>")
        continue
      }
      let command = escaped(setup.command(seed: run.plan.seed))
      file.write(open + ">")
      file.write(
        "    <failure type=\"\(escaped(FailureGroup.name(run)))\""
          + " message=\"\(escaped(FailureGroup.sentence(run)))\">\(command)</failure>")
      file.write("  </testcase>")
    }
    file.write("</testsuite>")
    file.close()
  }

  private static func seconds(_ value: Double) -> String { fixed(value, 3).filter { $0 != "," } }

  private static func escaped(_ text: String) -> String {
    text.map { letter in
      switch letter {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      case "\n": " "
      default: String(letter)
      }
    }.joined()
  }
}

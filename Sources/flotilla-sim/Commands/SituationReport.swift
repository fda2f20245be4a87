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

  /// How often each was reached: what never was comes first, then what rarely was.
  static func print(_ screen: Screen, _ counts: [String: UInt64], required: [String]) {
    screen.print()
    screen.print("situations")
    for name in ranked(counts) {
      let count = counts[name] ?? 0
      let word =
        count > 0
        ? screen.toned(pad(grouped(count), to: 9, .right), .good)
        : screen.toned("    never", .warning)
      screen.print("  \(word)  \(name)\(required.contains(name) ? "" : "   (not required)")")
    }
  }

  /// All situations, those first that were reached least often.
  static func ranked(_ counts: [String: UInt64]) -> [String] {
    let names = Situation.allCases.map(\.description)
    return names.indices.sorted { a, b in
      (counts[names[a]] ?? 0, a) < (counts[names[b]] ?? 0, b)
    }.map { names[$0] }
  }

  /// The counts by name.
  static func counts(_ situations: SituationCounts) -> [String: UInt64] {
    var counts: [String: UInt64] = [:]
    for situation in Situation.allCases {
      counts[situation.description] = UInt64(situations[situation])
    }
    return counts
  }

  /// For programs, in the same order as for people.
  static func json(_ counts: [String: UInt64]) -> JSON {
    .object(ranked(counts).map { ($0, .count(Int(clamping: counts[$0] ?? 0))) })
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

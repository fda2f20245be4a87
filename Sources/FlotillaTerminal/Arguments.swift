// The kinds of values that options take, and the options that all commands share.

import ArgumentParser

/// A seed on the command line.
package struct SeedArgument: ExpressibleByArgument {
  package var value: UInt64

  package init?(argument: String) {
    guard let value = parseSeed(argument) else { return nil }
    self.value = value
  }
}

/// A span of time on the command line, such as `250ms` or `10m`.
package struct TimeArgument: ExpressibleByArgument {
  package var nanoseconds: UInt64

  package init?(argument: String) {
    var text = argument
    if text.hasPrefix("t=") { text.removeFirst(2) }
    guard let value = parseTime(text) else { return nil }
    nanoseconds = value
  }
}

/// A part of a sweep, `2/5` for the second fifth.
package struct ShardArgument: ExpressibleByArgument {
  package var number: UInt64
  package var count: UInt64

  package init?(argument: String) {
    let parts = argument.split(separator: "/").compactMap { UInt64($0) }
    guard parts.count == 2, parts[0] >= 1, parts[0] <= parts[1] else { return nil }
    number = parts[0]
    count = parts[1]
  }
}

extension ColourChoice: ExpressibleByArgument {}
extension Format: ExpressibleByArgument {}
extension ProgressChoice: ExpressibleByArgument {}

/// What every command takes.
package struct OutputOptions: ParsableArguments {
  @Option(help: .option("format", "How results are written: text, json or jsonl.", value: "form"))
  package var format: Format = .text

  @Option(help: .option("color", "When to colour text: auto, always or never.", value: "when"))
  package var color: ColourChoice = .auto

  @Option(
    help: .option("progress", "How progress is told on stderr: auto, plain or none.", value: "how"))
  package var progress: ProgressChoice = .auto

  package init() {}

  package static let variableOptions = VariableOption.values("format", "color", "progress")

  package var screen: Screen { Screen(colour: color) }
}

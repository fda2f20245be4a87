import ArgumentParser
import Foundation
import RaftSimulation

/// In which form a run is drawn.
enum ReportFormat: String, CaseIterable, ExpressibleByArgument {
  case html, shiviz, perfetto

  /// What the file is called where nobody says otherwise.
  var fileName: String {
    switch self {
    case .html: "report.html"
    case .shiviz: "shiviz.log"
    case .perfetto: "perfetto.json"
    }
  }
}

/// Draws a run.
struct Report: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw a run: as a page for a browser, for ShiViz or for Perfetto.",
    usage: """
      flotilla-sim report RUN|TRACE|SEED [--out report.html] [--around 40990]
      flotilla-sim report RUN --format shiviz
      flotilla-sim report RUN --format perfetto
      """,
    discussion: """
      RUN is a run folder or the beginning of its name; TRACE a trace.jsonl; SEED a seed, which \
      needs the options that it was run with. The page holds everything that it shows: it opens \
      from the disk, without a network, and can be attached to a report. Of a long run it draws \
      what led to the violation and what lies around it.


      """
        + ExitCode.discussion([
          .ok, .usage, .badData, .cannotCreate, .badConfiguration,
        ]))

  static let variableOptions =
    VariableOption.values("format", "out", "around", "limit", "runs", "color")
    + ReplayPlanArguments.variableOptions

  @Argument(help: "A run folder, a trace, a scenario file or a seed.")
  var target: String = "runs/latest"

  @Option(help: .option("format", "What to write: html, shiviz or perfetto.", value: "form"))
  var format: ReportFormat = .html

  @Option(
    help: .option(
      "out", "The file to write, - for stdout; default: one in the run folder.", value: "file"))
  var out: String?

  @Option(
    help: .option(
      "around", "Draw what lies around this event and led to it; html only.", value: "event"))
  var around: UInt64?

  @Option(help: .option("limit", "Draw at most so many events; html only.", value: "n"))
  var limit: Int = ReportPage.mostEvents

  @Option(help: .option("runs", "The folder that runs are in.", value: "folder"))
  var runs: String = "runs"

  @Option(help: .option("color", "When to colour text: auto, always or never.", value: "when"))
  var color: ColourChoice = .auto

  @OptionGroup var planned: ReplayPlanArguments

  func validate() throws {
    if !(100...200_000).contains(limit) {
      throw ValidationError("--limit must be 100 to 200,000, not \(limit)")
    }
  }

  func run() throws {
    let screen = Screen(colour: color)
    let setup = try planned.setup()
    let found = try ReplayTarget.find(target, runs: runs) { setup.plan(seed: $0) }
    var request = try ReportRequest.find(found)
    request.centre = around
    request.limit = limit
    if let warning = request.warning { screen.note("note: \(warning)") }
    let text: String
    switch format {
    case .html: text = ReportPage.html(request)
    case .shiviz: text = ShiVizLog.lines(request).joined(separator: "\n")
    case .perfetto: text = PerfettoTrace.json(request).line
    }
    guard out != "-" else { return screen.print(text) }
    let path = out ?? Report.place(request.name) + format.fileName
    try writeFile(text, to: path)
    screen.print("wrote  \(path)   \(grouped(text.utf8.count)) bytes")
  }

  /// The folder that a run is in, or the one that one is in.
  private static func place(_ name: String) -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: name, isDirectory: &isFolder),
      isFolder.boolValue
    else { return "" }
    return name + "/"
  }
}

// One folder for each run that is kept. It holds nothing of the machine it was made on, so that it
// can be attached to a report.

import Foundation
import RaftSimulation

struct RunFolder {
  /// Where the folders are.
  let root: String

  /// The folder of a seed: its first eight digits. The seeds of a sweep that begins at a small
  /// number all begin with zeros, so those go by their last eight.
  static func name(_ seed: UInt64) -> String {
    String(seed >> 32 == 0 ? hex(seed).suffix(8) : hex(seed).prefix(8))
  }

  /// The name for a seed, all of its digits if another seed has the short one.
  private func freeName(_ seed: UInt64) -> String {
    let name = RunFolder.name(seed)
    guard let other = FileManager.default.contents(atPath: "\(root)/\(name)/seed.txt"),
      String(decoding: other, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        != hex(seed)
    else { return name }
    return hex(seed)
  }

  /// Runs the plan of a run once more and writes all about it.
  ///
  /// - Parameter given: the name of the folder; `nil` for one after the seed, to which `latest`
  ///   points then.
  /// - Returns: the path of the folder.
  func write(_ run: Run, as given: String? = nil) throws(Failure) -> String {
    let name = given ?? freeName(run.plan.seed)
    let path = root + "/" + name
    let files = FileManager.default
    do {
      try files.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .cannotCreate, "the folder \(path) cannot be made: \(error.localizedDescription)",
        hint: "--runs ANOTHER-DIR, or --keep none")
    }
    var kept = run
    kept.folder = path
    try writeFile(hex(run.plan.seed), to: path + "/seed.txt")
    try writeFile(ScenarioText.page(run.plan), to: path + "/scenario.yaml")

    var world = World(run.plan)
    var trace = try TraceWriter(
      path: path + "/trace.jsonl", plan: run.plan, limit: run.summary.events)
    while world.eventCount < run.summary.events, world.step(trace: &trace) {}
    trace.finish(run.summary)

    try RunFolder.write(HistoryLines.all(world.history), to: path + "/history.jsonl")
    for extract in HistoryLines.extracts {
      let lines = HistoryLines.lines(world.history, of: extract.machine)
      if !lines.isEmpty {
        try RunFolder.write(lines, to: path + "/history-\(extract.model).jsonl")
      }
    }
    try writeFile(RunRecord.summaryPage(kept).page, to: path + "/summary.json")
    try ReportPage.write(ReportRequest(run, name: "runs/\(name)"), to: path + "/report.html")
    if given == nil { link(name) }
    return path
  }

  private static func write(_ lines: [String], to path: String) throws(Failure) {
    var file = try RunFile(path)
    for line in lines { file.write(line) }
    file.close()
  }

  /// Points `latest` to a run. It is only a convenience: where links cannot be made, there is none.
  func link(_ name: String) {
    let latest = root + "/latest"
    try? FileManager.default.removeItem(atPath: latest)
    try? FileManager.default.createSymbolicLink(atPath: latest, withDestinationPath: name)
  }
}

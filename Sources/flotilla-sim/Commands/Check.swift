import ArgumentParser
import Foundation
import Linearizability

/// The models that histories are held against.
enum CheckModel: String, CaseIterable, ExpressibleByArgument {
  case register, kv, ledger, topics
}

/// How a key that is missing reads.
enum MissingValue: String, CaseIterable, ExpressibleByArgument {
  case empty, null
}

/// Checks histories of anything.
struct Check: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check whether a history is linearizable.",
    usage: """
      flotilla-sim check --model kv HISTORY.jsonl
      my-test | flotilla-sim check --model register -
      """,
    discussion: """
      A history is one JSON object for each operation, one on each line:

        {"client":"c1","call":12,"return":19,
         "op":{"type":"put","key":"x","value":"1"},"result":{"status":"ok"}}

      call and return are whole numbers of one clock; return is null if the answer never came. The
      status is ok, failed (surely without effect) or unknown (it may have happened, or may yet).
      All fields of all models: Docs/Reference/history-format.md.

      """ + ExitCode.discussion([.ok, .violated, .undecided, .usage, .badData]))

  static let schema = "flotilla-sim.check/1"

  static let variableOptions =
    VariableOption.values("model", "missing", "steps", "memory", "timeout")
    + OutputOptions.variableOptions

  @Argument(help: "History files; - for standard input.")
  var files: [String]

  @Option(
    help: .option("model", "What the history is of: register, kv, ledger or topics.", value: "name")
  )
  var model: CheckModel

  @Option(
    help: .option(
      "missing", "How what is not there reads: empty (as \"\") or null.", value: "how"))
  var missing: MissingValue = .empty

  @Option(help: .option("steps", "Give up after so many steps of search.", value: "n"))
  var steps: UInt64 = 50_000_000

  @Option(help: .option("memory", "Give up beyond so many MiB of memory for it.", value: "mib"))
  var memory: UInt64 = 1024

  @Option(help: .option("timeout", "Give up after about so long, such as 10s.", value: "time"))
  var timeout: TimeArgument?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("name a history file, or - for stdin") }
    for (name, value) in [("steps", steps), ("memory", memory)] where value < 1 {
      throw ValidationError("--\(name) must be 1 or more, not \(value)")
    }
    guard files.count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("standard input (-) can be read only once")
    }
  }

  func run() throws {
    var reports: [CheckReport] = []
    for file in files {
      let report: CheckReport
      switch model {
      case .register: report = try check(file, RegisterModel.self)
      case .kv: report = try check(file, KeyValueModel.self)
      case .ledger: report = try check(file, LedgerModel.self)
      case .topics: report = try check(file, TopicsModel.self)
      }
      report.print(output.format, output.screen)
      reports.append(report)
    }
    if output.format == .json { output.screen.print(CheckReport.page(reports).page) }
    if reports.contains(where: { $0.code == .violated }) { throw Stop(code: .violated) }
    if reports.contains(where: { $0.code == .undecided }) { throw Stop(code: .undecided) }
  }

  private func check<Model: HistoryFileModel>(
    _ path: String, _: Model.Type
  ) throws(Failure) -> CheckReport {
    let isInput = path == "-"
    let data =
      isInput
      ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: path)
    guard let data else {
      throw Failure(.badData, "\(path) cannot be read", hint: "name a history file, or - for stdin")
    }
    let file = try HistoryFile<Model>(
      name: isInput ? "stdin" : path, data, isMissingEmpty: missing == .empty)
    let start = DispatchTime.now().uptimeNanoseconds
    let checked = search(file, since: start)
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    return CheckReport(file, checked, model, seconds, output.screen)
  }

  /// The search itself reads no clock. To keep to a time it is begun anew with four times as many
  /// steps as long as there is time: at most a third of all work is done twice.
  private func search<Model: HistoryFileModel>(
    _ file: HistoryFile<Model>, since start: UInt64
  ) -> Checked {
    let bytes = memory << 20
    guard let timeout else {
      return Linearizability.check(
        file.records, file.model, CheckLimits(steps: steps, bytes: bytes))
    }
    var budget = min(steps, 100_000)
    while true {
      let checked = Linearizability.check(
        file.records, file.model, CheckLimits(steps: budget, bytes: bytes))
      let elapsed = DispatchTime.now().uptimeNanoseconds - start
      guard case .undecided(.steps) = checked.verdict, budget < steps,
        elapsed < timeout.nanoseconds / 4
      else { return checked }
      budget = min(steps, budget * 4)
    }
  }
}

/// What was found in one file.
struct CheckReport {
  var code: ExitCode
  private var json: [(key: String, value: JSON)]
  private var text: [String]

  init<Model: HistoryFileModel>(
    _ file: HistoryFile<Model>, _ checked: Checked, _ model: CheckModel, _ seconds: Double,
    _ screen: Screen
  ) {
    var figures = "\(counted(file.records.count, "operation")), \(counted(checked.parts, "part"))"
    if file.failed > 0 { figures += ", \(grouped(file.failed)) failed and left out" }
    figures += ", \(counted(Int(clamping: checked.steps), "step")), \(wallTime(seconds: seconds))"
    json = [
      ("file", .string(file.name)), ("model", .string(model.rawValue)),
      ("operations", .count(file.records.count)), ("failed", .count(file.failed)),
      ("parts", .count(checked.parts)), ("certified", .count(checked.certified)),
      ("steps", .number(checked.steps)), ("seconds", .figure(seconds, digits: 6)),
    ]
    switch checked.verdict {
    case .linearizable:
      code = .ok
      json.insert(("verdict", .string("linearizable")), at: 2)
      text = ["\(file.name): " + screen.toned("linearizable", .good) + "   " + figures]
    case .undecided(let reason):
      code = .undecided
      json.insert(("verdict", .string("undecided")), at: 2)
      json.append(("reason", .string(reason.description)))
      text = [
        "\(file.name): " + screen.toned("undecided", .warning) + ", \(reason)   " + figures,
        "  the history may be linearizable or not; --steps and --memory allow more",
      ]
    case .violated(let counterexample):
      code = .violated
      json.insert(("verdict", .string("violated")), at: 2)
      json += CheckReport.fields(file, counterexample)
      text = ["\(file.name): " + screen.toned("NOT linearizable", .bad) + "   " + figures, ""]
      text += CheckReport.explanation(file, counterexample, screen)
    }
  }

  private static func fields<Model: HistoryFileModel>(
    _ file: HistoryFile<Model>, _ found: Counterexample
  ) -> [(key: String, value: JSON)] {
    let record = file.records[found.stuck]
    return [
      (
        "cannotBePlaced",
        .object([
          ("line", .count(file.lines[found.stuck])),
          ("client", .string(file.clientName(found.stuck))),
          ("operation", .string(file.model.describe(record.operation, record.result))),
        ])
      ),
      ("longestOrder", .array(found.order.map { .count(file.lines[$0]) })),
      ("stateAfter", .string(found.state)),
      ("partLines", .array(found.part.map { .count(file.lines[$0]) })),
    ]
  }

  private static func explanation<Model: HistoryFileModel>(
    _ file: HistoryFile<Model>, _ found: Counterexample, _ screen: Screen
  ) -> [String] {
    let record = file.records[found.stuck]
    let what = file.model.describe(record.operation, record.result)
    let picture = HistoryPicture(file, found)
    var lines = [
      "  line \(grouped(file.lines[found.stuck])), client \(file.clientName(found.stuck)):"
        + " \(what)   cannot be placed", "",
    ]
    lines += picture.lines(screen).map { "  " + $0 }
    if picture.hidden > 0 {
      let more = counted(picture.hidden, "more operation")
      lines.append(pad("", to: 18) + "(\(more) of this part)")
    }
    let count = counted(found.order.count, "operation")
    lines += [
      "",
      found.order.isEmpty
        ? "  Nothing can be placed before it returns. The state is then \(found.state)."
        : "  The longest order before it returns has \(count); the state is then \(found.state).",
    ]
    return lines
  }

  func print(_ format: Format, _ screen: Screen) {
    switch format {
    case .text: for line in text { screen.print(line) }
    case .json: break
    case .jsonl: screen.print(JSON.object([("schema", .string(Check.schema))] + json).line)
    }
  }

  /// All files as one document.
  static func page(_ reports: [CheckReport]) -> JSON {
    .object([
      ("schema", .string(Check.schema)), ("files", .array(reports.map { .object($0.json) })),
    ])
  }
}

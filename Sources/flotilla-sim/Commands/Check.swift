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
      flotilla-sim check HISTORY.jsonl
      flotilla-sim check runs/latest
      my-test | flotilla-sim check --model register -
      """,
    discussion: """
      A history is one JSON object for each operation, one on each line:

        {"client":"c1","call":12,"return":19,
         "op":{"type":"put","key":"x","value":"1"},"result":{"status":"ok"}}

      Of a folder that simulate wrote the operations of one machine in its history.jsonl are
      checked: --model kv, which is the default there. Otherwise, without --model, the first
      operation tells what the history is of.

      call and return are whole numbers of one clock; return is null if the answer never came. The
      status is ok, failed (surely without effect) or unknown (it may have happened, or may yet).
      All fields of all models: Docs/Reference/history-format.md.

      """ + ExitCode.discussion([.ok, .violated, .undecided, .usage, .badData]))

  static let schema = "flotilla-sim.check/1"

  static let variableOptions =
    VariableOption.values("model", "missing", "steps", "memory", "timeout")
    + VariableOption.flags("whole") + OutputOptions.variableOptions

  /// As many MiB as are a number of bytes of 64 bits.
  private static let mostMemory = UInt64.max >> 20

  @Argument(help: "History files, or folders of runs; - for standard input.")
  var files: [String]

  @Option(
    help: .option("model", "What the history is of: register, kv, ledger or topics.", value: "name")
  )
  var model: CheckModel?

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

  @Flag(
    help: .option(
      "whole", "Check all keys of a store together: slower, with the same verdict."))
  var whole = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("name a history file, or - for stdin") }
    for (name, value) in [("steps", steps), ("memory", memory)] where value < 1 {
      throw ValidationError("--\(name) must be 1 or more, not \(value)")
    }
    guard memory <= Check.mostMemory else {
      throw ValidationError("--memory must be \(Check.mostMemory) or less, not \(memory)")
    }
    guard files.count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("standard input (-) can be read only once")
    }
  }

  func run() throws {
    var reports: [CheckReport] = []
    for file in files {
      let report = try report(file)
      report.print(output.format, output.screen)
      reports.append(report)
    }
    if output.format == .json { output.screen.print(CheckReport.page(reports).page) }
    if reports.contains(where: { $0.code == .violated }) { throw Stop(code: .violated) }
    if reports.contains(where: { $0.code == .undecided }) { throw Stop(code: .undecided) }
  }

  private func report(_ path: String) throws(Failure) -> CheckReport {
    let (name, data) = try read(path)
    guard let model = model ?? CheckModel(of: data) else {
      if let fault = CheckModel.fault(of: data) {
        throw Failure(
          .badData, "\(name):\(fault.mark.line):\(fault.mark.column): \(fault.what)",
          hint: "what may stand on a line: Docs/Reference/history-format.md")
      }
      throw Failure(
        .usage, "\(name) does not tell what it is a history of",
        hint: "--model register, kv, ledger or topics")
    }
    switch model {
    case .register: return try check(HistoryFile<RegisterModel>.self, name, data, model, solve)
    case .kv: return try check(HistoryFile<KeyValueListModel>.self, name, data, model, solveStore)
    case .ledger: return try check(HistoryFile<LedgerModel>.self, name, data, model, solve)
    case .topics: return try check(HistoryFile<TopicsModel>.self, name, data, model, solve)
    }
  }

  /// What a file holds, and what it is called in reports.
  private func read(_ path: String) throws(Failure) -> (name: String, data: Data) {
    if path == "-" { return ("stdin", FileHandle.standardInput.readDataToEndOfFile()) }
    var isFolder: ObjCBool = false
    let files = FileManager.default
    let isThere = files.fileExists(atPath: path, isDirectory: &isFolder)
    let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
    let file = isThere && isFolder.boolValue ? folder + "/history.jsonl" : path
    if let data = files.contents(atPath: file) {
      return (file, isThere && isFolder.boolValue ? CheckModel.part(of: data, model ?? .kv) : data)
    }
    throw Failure(
      .badData, "\(file) cannot be read",
      hint: "name a history file, the folder of a run, or - for stdin")
  }

  private func check<Model: HistoryFileModel>(
    _: HistoryFile<Model>.Type, _ name: String, _ data: Data, _ model: CheckModel,
    _ solve: (HistoryFile<Model>, CheckLimits) -> Checked
  ) throws(Failure) -> CheckReport {
    let file = try HistoryFile<Model>(name: name, data, isMissingEmpty: missing == .empty)
    let start = DispatchTime.now().uptimeNanoseconds
    let checked = search(file, since: start, solve)
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    return CheckReport(file, checked, model, seconds, output.screen)
  }

  private func solve<Model: HistoryFileModel>(
    _ file: HistoryFile<Model>, _ limits: CheckLimits
  ) -> Checked {
    Linearizability.check(file.records, file.model, limits)
  }

  /// A store by its keys, unless there are questions about several or it shall not be split.
  private func solveStore(
    _ file: HistoryFile<KeyValueListModel>, _ limits: CheckLimits
  ) -> Checked {
    guard let single = file.single else { return solve(file, limits) }
    var model = KeyValueModel()
    model.symbols = file.model.symbols
    if whole { return Linearizability.check(single, KeyValueMapModel(model), limits) }
    return Linearizability.check(single, model, limits)
  }

  /// The search itself reads no clock. To keep to a time it is begun anew with up to four times as
  /// many steps as long as that much time is left: less than half of all work is done twice.
  private func search<Model: HistoryFileModel>(
    _ file: HistoryFile<Model>, since start: UInt64,
    _ solve: (HistoryFile<Model>, CheckLimits) -> Checked
  ) -> Checked {
    let bytes = memory << 20
    guard let timeout else { return solve(file, CheckLimits(steps: steps, bytes: bytes)) }
    // With large states 1,000 steps may take a second; before them stands work for each operation.
    var budget = min(steps, UInt64(max(1_000, file.records.count)))
    var now = start
    while true {
      let begun = now
      let checked = solve(file, CheckLimits(steps: budget, bytes: bytes))
      now = DispatchTime.now().uptimeNanoseconds
      guard case .undecided(.steps) = checked.verdict, budget < steps,
        now - start < timeout.nanoseconds
      else { return checked }
      let factor = min(4, (timeout.nanoseconds - (now - start)) / max(1, now - begun))
      guard factor >= 2 else { return checked }
      let (product, isTooMuch) = budget.multipliedReportingOverflow(by: factor)
      budget = isTooMuch ? steps : min(steps, product)
    }
  }
}

extension CheckModel {
  /// The lines of a run's history that are about one kind of machine: a run has several. Those of
  /// others are left empty, so that each keeps its number; what is no JSON stays and is told.
  static func part(of data: Data, _ model: CheckModel) -> Data {
    var part = Data()
    for line in data.split(separator: 0x0A, omittingEmptySubsequences: false) {
      let line = Data(line)
      let found = CheckModel(of: line)
      if found == model || found == nil && fault(of: line) != nil { part.append(line) }
      part.append(0x0A)
    }
    return part
  }

  /// Why the first operation of a history is not read; `nil` if it is, or if there is none.
  static func fault(of data: Data) -> JSONFault? {
    data.withUnsafeBytes { raw in
      let lines = raw.bindMemory(to: UInt8.self).split(
        separator: 0x0A, omittingEmptySubsequences: false)
      for (number, line) in lines.enumerated() {
        let line = UnsafeBufferPointer(rebasing: line)
        guard line.isFilled else { continue }
        do throws(JSONFault) {
          _ = try JSONLine.read(line, number: number + 1)
          return nil
        } catch {
          return error
        }
      }
      return nil
    }
  }

  /// What the first operation of a history is about; `nil` if it does not tell.
  init?(of data: Data) {
    let found = data.withUnsafeBytes { raw -> CheckModel? in
      let bytes = raw.bindMemory(to: UInt8.self)
      for line in bytes.split(separator: 0x0A) {
        let line = UnsafeBufferPointer(rebasing: line)
        guard line.isFilled else { continue }
        let node = JSONLine.parse(line, number: 1)
        guard let operation = node?["op"], let type = operation["type"]?.text else { return nil }
        switch type {
        case "read": return operation["topic"] == nil ? .register : .topics
        case "write": return .register
        case "cas": return operation["key"] == nil ? .register : .kv
        case "get", "put", "append", "delete", "list": return .kv
        case "open", "transfer", "balance": return .ledger
        case "publish": return .topics
        default: return nil
        }
      }
      return nil
    }
    guard let found else { return nil }
    self = found
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

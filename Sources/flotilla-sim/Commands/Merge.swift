import ArgumentParser
import Foundation
import RaftSimulation

/// Puts the reports of shards together.
struct Merge: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put the reports of a campaign's shards together.",
    usage: """
      flotilla-sim merge REPORT.json ... [--require-coverage] [--format json]
      """,
    discussion: """
      A report is what simulate with --seeds or --for and --format json prints. The result is a \
      report, too, and can be merged again.


      """
        + ExitCode.discussion([
          .ok, .violated, .undecided, .stalled, .nondeterministic, .usage, .badData, .interrupted,
        ]))

  static let variableOptions =
    VariableOption.flags("require-coverage") + OutputOptions.variableOptions

  @Argument(help: "Reports of sweeps.")
  var reports: [String]

  @Flag(help: .option("require-coverage", "Exit 2 if a situation was not reached."))
  var requireCoverage = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let screen = output.screen
    var merged = try SweepReport(path: reports[0])
    for path in reports.dropFirst() { try merged.add(SweepReport(path: path)) }
    let missing = Situation.allCases.map(\.description).filter { merged.counts[$0] ?? 0 == 0 }
    if merged.codes.count > 1 {
      screen.note(
        "note: these reports are of different code: \(merged.codes.joined(separator: ", "))")
    }
    var code = merged.code
    if code == .ok, requireCoverage, !missing.isEmpty { code = .undecided }
    switch output.format {
    case .text: print(merged, missing, code, screen)
    case .json: screen.print(merged.json(missing, code).page)
    case .jsonl: screen.print(merged.json(missing, code).line)
    }
    if code != .ok { throw Stop(code: code) }
  }

  private func print(
    _ merged: SweepReport, _ missing: [String], _ code: ExitCode, _ screen: Screen
  ) {
    screen.printWrapped(
      "merged     ",
      [
        counted(reports.count, "report"), counted(merged.runs, "seed"),
        "\(grouped(merged.events)) events",
      ])
    if !merged.groups.isEmpty {
      screen.print()
      var table = Table([
        ">seeds", "property", "at", "earliest seed", ">event", "what happened",
      ])
      for group in merged.sortedGroups {
        table.rows.append([
          grouped(group.count), group.name, group.at, hex(group.seed), grouped(group.event),
          group.sentence,
        ])
      }
      for line in table.lines(screen) { screen.print(line) }
    }
    SituationReport.print(
      screen, merged.counts, required: Situation.allCases.map(\.description))
    screen.print()
    let passed =
      "\(grouped(merged.runs - merged.failing)) of \(counted(merged.runs, "seed")) passed"
    switch code {
    case .ok: screen.print(screen.toned("PASS", .good) + "  \(counted(merged.runs, "seed"))")
    case .undecided:
      screen.print(
        screen.toned("UNDECIDED", .warning) + "  \(passed), but"
          + " \(counted(missing.count, "situation was", "situations were")) never reached")
    default: screen.print(screen.toned(code.name.uppercased(), .bad) + "  \(passed)")
    }
    if let group = merged.sortedGroups.first {
      screen.print()
      screen.print("reproduce:  flotilla-sim simulate --seed \(hex(group.seed))")
    }
  }
}

/// What a sweep has found, as it was written.
struct SweepReport {
  private(set) var runs = 0
  private(set) var failing = 0
  private(set) var events: UInt64 = 0
  private(set) var seconds = 0.0
  private(set) var firstSeed: UInt64 = 0
  private(set) var scenario = ""
  private(set) var verdicts: [String] = []
  private(set) var groups: [FailureGroup] = []
  private(set) var counts: [String: UInt64] = [:]
  private(set) var shards: [String] = []
  private(set) var codes: [String] = []
  private var isGuided = false
  private let path: String

  static let schema = "flotilla-sim.sweep/1"

  init(path: String) throws(Failure) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.badData, "the report \(path) cannot be read")
    }
    let (root, problems) = DocumentParser.parse(String(decoding: data, as: UTF8.self))
    guard problems.isEmpty, root["schema"]?.text == SweepReport.schema else {
      throw Failure(
        .badData, "\(path) is no report of a sweep",
        hint: "flotilla-sim simulate --seeds 1000 --format json > \(path)")
    }
    self.path = path
    guard let runs = root["runs"]?.number, let failing = root["failing"]?.number,
      let events = root["events"]?.number, let verdict = root["verdict"]?.text,
      case .keys(let situations) = root["situationCounts"]?.value
    else {
      throw Failure(.badData, "\(path) lacks runs, failing, events, verdict or situationCounts")
    }
    self.runs = Int(clamping: runs)
    self.failing = Int(clamping: failing)
    self.events = events
    seconds = root["seconds"]?.text.flatMap { Double($0) } ?? 0
    firstSeed = root["firstSeed"]?.hex ?? 0
    scenario = root["scenario"]?.text ?? ""
    isGuided = root["guided"]?.text == "true"
    verdicts = [verdict]
    codes = [root["code"]?.text ?? "?"]
    for pair in situations { counts[pair.key] = pair.value.number ?? 0 }
    for item in SweepReport.items(root["shards"]) { shards.append(item.text ?? "?") }
    groups = SweepReport.items(root["groups"]).map { item in
      FailureGroup(
        name: item["property"]?.text ?? "?", at: item["at"]?.text ?? "",
        sentence: item["sentence"]?.text ?? "",
        event: item["event"]?.number ?? 0, seed: item["seed"]?.hex ?? 0,
        folder: item["folder"]?.text, count: Int(clamping: item["count"]?.number ?? 0))
    }
  }

  private static func items(_ node: Node?) -> [Node] {
    guard case .list(let items) = node?.value else { return [] }
    return items
  }

  /// Adds another part of the same campaign.
  mutating func add(_ other: SweepReport) throws(Failure) {
    if let shard = other.shards.first(where: { shards.contains($0) }) {
      throw Failure(
        .badData, "\(other.path) and a report before it are both of shard \(shard)",
        hint: "give each shard once; a shard that was run twice counts once")
    }
    runs += other.runs
    failing += other.failing
    events &+= other.events
    seconds += other.seconds
    firstSeed = min(firstSeed, other.firstSeed)
    isGuided = isGuided || other.isGuided
    for verdict in other.verdicts where !verdicts.contains(verdict) { verdicts.append(verdict) }
    for code in other.codes where !codes.contains(code) { codes.append(code) }
    for (name, count) in other.counts { counts[name, default: 0] += count }
    shards = (shards + other.shards).sorted { SweepReport.order($0) < SweepReport.order($1) }
    for group in other.groups { add(group) }
  }

  private static func order(_ shard: String) -> Int {
    Int(shard.prefix { $0.isNumber }) ?? 0
  }

  private mutating func add(_ group: FailureGroup) {
    guard let place = groups.firstIndex(where: { $0.name == group.name && $0.at == group.at })
    else {
      groups.append(group)
      return
    }
    var both = groups[place]
    if (group.event, group.seed) < (both.event, both.seed) { both = group }
    both.count = groups[place].count + group.count
    groups[place] = both
  }

  var sortedGroups: [FailureGroup] {
    groups.sorted(by: FailureGroup.isTold)
  }

  /// The worst of all verdicts, as one sweep would end.
  var code: ExitCode {
    for code in [ExitCode.nondeterministic, .violated, .stalled, .interrupted, .undecided]
    where verdicts.contains(code.name) {
      return code
    }
    return .ok
  }

  func json(_ missing: [String], _ code: ExitCode) -> JSON {
    let reached = Situation.allCases.map(\.description).filter { counts[$0] ?? 0 > 0 }
    return .object([
      ("schema", .string(SweepReport.schema)),
      ("firstSeed", .hex(firstSeed)),
      ("scenario", .string(scenario)),
      ("verdict", .string(code.name)),
      ("runs", .count(runs)),
      ("failing", .count(failing)),
      ("events", .number(events)),
      ("seconds", .figure(seconds, digits: 3)),
      ("code", .string(codes.joined(separator: ", "))),
      (
        "groups",
        .array(
          sortedGroups.map {
            .object([
              ("property", .string($0.name)), ("at", .string($0.at)), ("count", .count($0.count)),
              ("seed", .hex($0.seed)), ("event", .count(Int(clamping: $0.event))),
              ("sentence", .string($0.sentence)),
              ("folder", $0.folder.map { .string($0) } ?? .null),
            ])
          })
      ),
      ("situationsReached", .strings(reached)),
      ("situationsMissing", .strings(missing)),
      ("situationCounts", SituationReport.json(counts)),
      ("shards", .strings(shards)),
      ("guided", .bool(isGuided)),
    ])
  }
}

// The lines of trace.jsonl: a header, one line for each event, and the digest at the end.

import Raft
import RaftSimulation

/// A trace as it was written: everything that a table shows, without the run itself.
struct TraceEvent: Hashable {
  var event: UInt64
  var time: UInt64
  var node: UInt64?
  var kind: String
  var cause: UInt64
  var text: String
  var state: TraceState?
  var digest: UInt64

  init(_ record: TraceRecord) {
    event = record.event
    time = record.time
    node = record.node?.rawValue
    kind = record.kind.rawValue
    cause = record.cause
    text = record.text
    state = record.after.map(TraceState.init)
    digest = record.digest
  }

  /// The event on one line.
  var json: JSON {
    var pairs: [(key: String, value: JSON)] = [
      ("event", .count(Int(clamping: event))),
      ("time", .count(Int(clamping: time))),
      ("node", node.map { .string("n\($0)") } ?? .null),
      ("kind", .string(kind)),
      ("cause", .count(Int(clamping: cause))),
      ("text", .string(text)),
    ]
    if let state { pairs.append(("state", state.json)) }
    pairs.append(("digest", .hex(digest)))
    return .object(pairs)
  }

  /// Reads a line; `nil` if it is no event.
  init?(_ node: Node) {
    guard let event = node["event"]?.number, let time = node["time"]?.number,
      let kind = node["kind"]?.text, let cause = node["cause"]?.number,
      let text = node["text"]?.text, let digest = node["digest"]?.hex
    else { return nil }
    self.event = event
    self.time = time
    self.node = node["node"]?.text.flatMap { UInt64($0.dropFirst()) }
    self.kind = kind
    self.cause = cause
    self.text = text
    state = node["state"].flatMap(TraceState.init)
    self.digest = digest
  }
}

/// The state of a node after an event.
struct TraceState: Hashable {
  var role: String
  var term: UInt64
  var votedFor: UInt64?
  var commit: UInt64
  var applied: UInt64
  var lastIndex: UInt64
  var lastTerm: UInt64

  init(_ glance: NodeGlance) {
    role = glance.letter
    term = glance.term.rawValue
    votedFor = glance.votedFor?.rawValue
    commit = glance.commitIndex.rawValue
    applied = glance.lastApplied.rawValue
    lastIndex = glance.last.index.rawValue
    lastTerm = glance.last.term.rawValue
  }

  var json: JSON {
    .object([
      ("role", .string(role)), ("term", .number(term)),
      ("votedFor", votedFor.map { .string("n\($0)") } ?? .null), ("commit", .number(commit)),
      ("applied", .number(applied)), ("lastIndex", .number(lastIndex)),
      ("lastTerm", .number(lastTerm)),
    ])
  }

  init?(_ node: Node) {
    guard let role = node["role"]?.text, let term = node["term"]?.number,
      let commit = node["commit"]?.number, let applied = node["applied"]?.number,
      let lastIndex = node["lastIndex"]?.number, let lastTerm = node["lastTerm"]?.number
    else { return nil }
    self.role = role
    self.term = term
    votedFor = node["votedFor"]?.text.flatMap { UInt64($0.dropFirst()) }
    self.commit = commit
    self.applied = applied
    self.lastIndex = lastIndex
    self.lastTerm = lastTerm
  }

  /// The legend is one for all tables.
  static let legend =
    "L leader  F follower  P pre-candidate  C candidate  N learner  # crashed"

  var roleName: String {
    switch role {
    case "L": "leader"
    case "F": "follower"
    case "P": "preCandidate"
    case "C": "candidate"
    case "N": "learner"
    case "#": "crashed"
    default: role
    }
  }
}

extension Node {
  /// The value under a key.
  subscript(key: String) -> Node? {
    guard case .keys(let pairs) = value else { return nil }
    return pairs.first { $0.key == key }?.value
  }

  var text: String? {
    guard case .scalar(let text, _) = value else { return nil }
    return text
  }

  var number: UInt64? { text.flatMap { UInt64($0) } }

  var hex: UInt64? { text.flatMap { UInt64($0, radix: 16) } }
}

/// Writes a trace while a run goes on.
struct TraceWriter: TraceSink {
  static var isRecording: Bool { true }

  static let schema = "flotilla-sim.trace/1"

  private var file: RunFile
  /// How many events are written; the rest is cut off.
  private let limit: UInt64
  private(set) var count: UInt64 = 0
  private(set) var digest: UInt64 = 0

  init(path: String, plan: Plan, limit: UInt64 = .max) throws(Failure) {
    file = try RunFile(path)
    self.limit = limit
    let scenario = ScenarioText.page(plan)
    var scenarioDigest = Digest()
    scenarioDigest.combine(bytes: Array(scenario.utf8))
    file.write(
      JSON.object([
        ("schema", .string(TraceWriter.schema)),
        ("code", .string(Version.code)),
        ("swift", .string(Version.swift)),
        ("platform", .string(Version.platform)),
        ("build", .string(Version.build)),
        ("seed", .hex(plan.seed)),
        ("machine", .string(MachineName(plan.workload.mix).rawValue)),
        ("scenario", .string(plan.scenario.rawValue)),
        ("scenarioDigest", .hex(scenarioDigest.value)),
        ("plan", .string(scenario)),
      ]).line)
  }

  mutating func record(_ record: TraceRecord) {
    guard count < limit else { return }
    count += 1
    digest = record.digest
    file.write(TraceEvent(record).json.line)
  }

  /// Writes the last line.
  mutating func finish(_ summary: RunSummary) {
    file.write(
      JSON.object([
        ("end", .string(summary.verdict.name)), ("events", .count(Int(clamping: count))),
        ("digest", .hex(summary.digest)),
      ]).line)
    file.close()
  }
}

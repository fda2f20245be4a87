// A run as lines of text: what a test attaches to its report.

import Raft

/// Writes each event of a run as one line of JSON, and keeps the newest of them.
public struct TraceText: TraceSink, Sendable {
  /// Yes.
  public static var isRecording: Bool { true }

  /// How many lines are kept.
  public let limit: Int
  /// How many lines there were.
  public private(set) var count: UInt64 = 0
  private var digest: UInt64 = 0
  private var lines: [String] = []

  /// Keeps so many of the newest lines, at least.
  public init(keeping limit: Int = 20_000) { self.limit = max(limit, 1) }

  /// Takes one record.
  public mutating func record(_ record: TraceRecord) {
    var line = TraceText.line(record.event, record.time, record.node, record.kind.rawValue)
    TraceText.add("cause", "\(record.cause)", to: &line)
    TraceText.add("text", quoted: record.text, to: &line)
    if let after = record.after { TraceText.add(after, to: &line) }
    digest = record.digest
    TraceText.add("digest", quoted: TraceText.hex(digest), to: &line)
    append(line + "}")
  }

  /// Takes something that was done from outside, between two events.
  mutating func note(_ event: UInt64, _ time: UInt64, _ node: NodeID?, _ text: String) {
    var line = TraceText.line(event, time, node, "test")
    TraceText.add("cause", "\(event)", to: &line)
    TraceText.add("text", quoted: text, to: &line)
    TraceText.add("digest", quoted: TraceText.hex(digest), to: &line)
    append(line + "}")
  }

  private mutating func append(_ line: String) {
    count += 1
    if lines.count >= 2 * limit { lines.removeFirst(limit) }
    lines.append(line)
  }

  /// All lines that are kept, each with its end.
  public var text: String {
    var text = ""
    for line in lines.suffix(limit) {
      text += line
      text += "\n"
    }
    return text
  }

  /// The lines between a header and an end, as a trace file of a run that no plan alone makes:
  /// `flotilla-sim replay` and `report` show it, and say that only the test can run it again.
  func page(_ failure: SimulationFailure, nodes: Int) -> String {
    var text = "{\"schema\":\"flotilla-sim.trace/1\",\"madeBy\":\"test\""
    TraceText.add("seed", quoted: TraceText.hex(failure.seed.rawValue), to: &text)
    TraceText.add("nodes", "\(nodes)", to: &text)
    TraceText.add(
      "about", quoted: "a test of its own machine, with seed \(failure.seed.description)", to: &text
    )
    TraceText.add(
      "again", quoted: "in that test: Simulation(seed: \(failure.seed.description), …)", to: &text)
    text += "}\n" + self.text + "{\"end\":"
    TraceText.quote(failure.kind == .stalled ? "stalled" : "violated", into: &text)
    TraceText.add("events", "\(count)", to: &text)
    TraceText.add("property", quoted: failure.property, to: &text)
    TraceText.add("sentence", quoted: failure.sentence, to: &text)
    TraceText.add("digest", quoted: TraceText.hex(digest), to: &text)
    return text + "}\n"
  }

  static func hex(_ word: UInt64) -> String { String(Seed(word).description.dropFirst(2)) }

  private static func line(
    _ event: UInt64, _ time: UInt64, _ node: NodeID?, _ kind: String
  ) -> String {
    var line = "{\"event\":\(event),\"time\":\(time)"
    if let node {
      add("node", quoted: node.description, to: &line)
    } else {
      line += ",\"node\":null"
    }
    add("kind", quoted: kind, to: &line)
    return line
  }

  private static func add(_ glance: NodeGlance, to line: inout String) {
    line += ",\"state\":{\"role\":"
    quote(glance.letter, into: &line)
    add("term", quoted: glance.term.description, to: &line)
    if let vote = glance.votedFor {
      add("votedFor", quoted: vote.description, to: &line)
    } else {
      line += ",\"votedFor\":null"
    }
    add("commit", quoted: glance.commitIndex.description, to: &line)
    add("applied", quoted: glance.lastApplied.description, to: &line)
    add("lastIndex", quoted: glance.last.index.description, to: &line)
    add("lastTerm", quoted: glance.last.term.description, to: &line)
    line += "}"
  }

  private static func add(_ key: String, _ value: String, to line: inout String) {
    line += ",\"\(key)\":\(value)"
  }

  static func add(_ key: String, quoted value: String, to line: inout String) {
    line += ",\"\(key)\":"
    quote(value, into: &line)
  }

  /// Writes a text as JSON has it.
  static func quote(_ value: String, into text: inout String) {
    let digits = Array("0123456789abcdef".utf8)
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar.value {
      case 0x22: text += "\\\""
      case 0x5c: text += "\\\\"
      case 0x0a: text += "\\n"
      case 0x0d: text += "\\r"
      case 0x09: text += "\\t"
      case 0..<0x20, 0x7f:
        let low = digits[Int(scalar.value & 15)]
        let high = digits[Int(scalar.value >> 4)]
        text += "\\u00" + String(decoding: [high, low], as: UTF8.self)
      case _: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

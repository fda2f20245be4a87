// A run that was recorded, or is recorded now: its plan and all its events.

import Foundation
import Raft
import RaftSimulation

/// The events of a run.
struct Recording {
  /// What it was read from, for people.
  var name: String
  var plan: Plan
  var events: [TraceEvent] = []
  /// The digest at the end; `nil` if the recording was broken off.
  var digest: UInt64?
  var verdict: String?
  /// How it ended, if this process ran it.
  var outcome: Verdict?
  /// The code that made it; `nil` if this process did.
  var code: String?
  /// Who made it, if not the simulator from a plan.
  var origin: TraceOrigin?
  /// What a picture needs beside the words, by position; empty if that is not known.
  var marks: [[TraceMark]] = []
  /// The nodes after the events, by position; empty if that is not known.
  var figures: [NodeFigure] = []

  /// Runs a plan and keeps its events, and what leads back to any of them.
  static func make(_ plan: Plan, name: String, past: RunPast? = nil) -> Recording {
    var world = World(plan)
    var sink = TraceCollector()
    var goesOn = true
    while goesOn {
      goesOn = world.step(trace: &sink)
      past?.pass(world)
    }
    let summary = world.summary
    return Recording(
      name: name, plan: plan, events: sink.events, digest: summary.digest,
      verdict: summary.verdict.name, outcome: summary.verdict)
  }

  /// Reads a trace file.
  static func read(path: String) throws(Failure) -> Recording {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.badData, "\(path) cannot be read")
    }
    var recording: Recording?
    var failure: Failure?
    data.withUnsafeBytes { raw in
      let bytes = raw.bindMemory(to: UInt8.self)
      var start = 0
      var number = 0
      while start < bytes.count, failure == nil {
        let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
        number += 1
        let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
        let isWhole = end < bytes.count
        start = end + 1
        do throws(Failure) {
          try add(JSONLine.parse(line, number: number), number, isWhole, to: &recording, path)
        } catch {
          failure = error
        }
      }
    }
    if let failure { throw failure }
    guard let recording else { throw Failure(.badData, "\(path) is empty") }
    return recording
  }

  private static func add(
    _ node: Node?, _ number: Int, _ isWhole: Bool, to recording: inout Recording?, _ path: String
  ) throws(Failure) {
    guard let node else {
      // What an interrupted run leaves: a line that is not whole at the end.
      guard isWhole || recording == nil else { return }
      throw Failure(.badData, "\(path):\(number): this line is no JSON")
    }
    guard recording != nil else {
      recording = try header(node, path)
      return
    }
    if let event = TraceEvent(node) {
      recording?.events.append(event)
    } else if let end = node["end"]?.text {
      recording?.verdict = end
      recording?.origin?.property = node["property"]?.text
      recording?.origin?.sentence = node["sentence"]?.text
      recording?.digest = node["digest"]?.hex
    } else {
      throw Failure(.badData, "\(path):\(number): this line is no event of a trace")
    }
  }

  private static func header(_ node: Node, _ path: String) throws(Failure) -> Recording {
    guard let schema = node["schema"]?.text else {
      throw Failure(
        .badData, "\(path) is no trace: its first line has no \"schema\"",
        hint: "a trace is the trace.jsonl of a run folder")
    }
    guard schema == TraceWriter.schema else {
      throw Failure(
        .badData,
        "\(path) is a \"\(schema)\"; this version reads \"\(TraceWriter.schema)\"")
    }
    if let origin = try TraceOrigin(node, path) {
      return Recording(
        name: path,
        plan: .plain(nodes: UInt64(origin.nodes), seed: node["seed"]?.hex ?? 0),
        code: node["code"]?.text, origin: origin)
    }
    guard let text = node["plan"]?.text, let seed = node["seed"]?.hex else {
      throw Failure(.badData, "\(path):1: the header names no plan or no seed")
    }
    let file = try ScenarioFile.read(name: path + " (plan)", text: text)
    return Recording(
      name: path, plan: file.plan(seed: seed, options: PlanOptions()), code: node["code"]?.text)
  }

  /// Where two recordings of what should be one run part: the first position that differs, if any.
  func departure(from other: Recording) -> Int? {
    let count = min(events.count, other.events.count)
    for position in 0..<count where events[position].digest != other.events[position].digest {
      return position
    }
    // One that was broken off agrees as far as it goes.
    if events.count < other.events.count, digest == nil { return nil }
    if other.events.count < events.count, other.digest == nil { return nil }
    return events.count == other.events.count && digest == other.digest ? nil : count
  }
}

/// Keeps every event.
struct TraceCollector: TraceSink {
  static var isRecording: Bool { true }
  private(set) var events: [TraceEvent] = []

  mutating func record(_ record: TraceRecord) { events.append(TraceEvent(record)) }
}

/// What `replay` is given: a run folder, a trace, a scenario file or a seed.
enum ReplayTarget {
  /// Something that was recorded.
  case recorded(Recording)
  /// Something to record first.
  case plan(Plan, name: String)

  static func find(
    _ text: String, runs: String, _ plan: (UInt64) -> Plan
  ) throws(Failure) -> ReplayTarget {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    if files.fileExists(atPath: text, isDirectory: &isFolder) {
      return try isFolder.boolValue ? folder(text) : file(text, plan)
    }
    let names = ((try? files.contentsOfDirectory(atPath: runs)) ?? []).sorted()
    let matches = names.filter { $0.hasPrefix(text) }
    if matches.contains(text) || matches.count == 1 {
      return try folder(runs + "/" + (matches.contains(text) ? text : matches[0]))
    }
    if matches.count > 1 {
      throw Failure(
        .usage, "\"\(text)\" could be \(matches.prefix(4).joined(separator: ", "))",
        hint: "write more of the name")
    }
    guard let seed = parseSeed(text) else {
      let nearest = nearest(to: text, among: names)
      throw Failure(
        .usage,
        "there is no run, trace or seed \"\(text)\"."
          + (nearest.map { " Did you mean \(runs)/\($0)?" } ?? ""),
        hint: "a seed has 16 hexadecimal digits or is decimal; runs are in \(runs)/")
    }
    return .plan(plan(seed), name: "seed \(hex(seed))")
  }

  private static func folder(_ path: String) throws(Failure) -> ReplayTarget {
    let trace = path + "/trace.jsonl"
    guard FileManager.default.fileExists(atPath: trace) else {
      throw Failure(
        .badData, "\(path) is no run folder: it has no trace.jsonl",
        hint: "flotilla-sim simulate --keep all writes one")
    }
    var recording = try Recording.read(path: trace)
    recording.name = path
    return .recorded(recording)
  }

  private static func file(
    _ path: String, _ plan: (UInt64) -> Plan
  ) throws(Failure) -> ReplayTarget {
    guard path.hasSuffix(".yaml") || path.hasSuffix(".yml") || path.hasSuffix(".json") else {
      return .recorded(try Recording.read(path: path))
    }
    let file = try ScenarioFile.read(path: path)
    return .plan(file.plan(seed: file.seed ?? 1, options: PlanOptions()), name: path)
  }
}

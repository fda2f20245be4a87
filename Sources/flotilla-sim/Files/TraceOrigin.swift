// Traces that the simulator cannot execute by itself: it has no plan for them, or not the machine.

import Foundation
import RaftSimulation

/// Who made a trace, and how it is made again.
struct TraceOrigin: Hashable {
  enum Maker: String, CaseIterable {
    /// `explore`: a path of choices, which lies beside the trace.
    case exploration
    /// A test of somebody's own machine.
    case test
  }

  var maker: Maker
  /// How many nodes there are.
  var nodes: Int
  /// What makes it again, as a line for the terminal.
  var again: String
  /// What it is a trace of, in words.
  var about: String
  /// What did not hold at its end, in words; `nil` if everything did or it is not known.
  var property: String?
  var sentence: String?

  /// The first event's line, as it stands in the file.
  func header(seed: UInt64) -> JSON {
    .object([
      ("schema", .string(TraceWriter.schema)),
      ("madeBy", .string(maker.rawValue)),
      ("code", .string(Version.code)),
      ("swift", .string(Version.swift)),
      ("seed", .hex(seed)),
      ("nodes", .count(nodes)),
      ("about", .string(about)),
      ("again", .string(again)),
    ])
  }
}

extension TraceOrigin {
  /// Reads it from the header of a trace; `nil` if the trace has a plan.
  init?(_ node: Node, _ path: String) throws(Failure) {
    guard let word = node["madeBy"]?.text else { return nil }
    guard let maker = Maker(rawValue: word) else {
      let known = Maker.allCases.map(\.rawValue).joined(separator: " or ")
      throw Failure(.badData, "\(path):1: \"madeBy\" is \"\(word)\", not \(known)")
    }
    guard let nodes = node["nodes"]?.number, (1...9).contains(nodes) else {
      throw Failure(.badData, "\(path):1: \"nodes\" must be 1 to 9")
    }
    self.init(
      maker: maker, nodes: Int(nodes), again: node["again"]?.text ?? "",
      about: node["about"]?.text ?? "")
  }
}

extension Recording {
  /// Writes a recording that no plan makes.
  func write(to path: String) throws(Failure) {
    guard let origin else { preconditionFailure("a recording of a plan is written as it is made") }
    var file = try RunFile(path)
    file.write(origin.header(seed: plan.seed).line)
    for event in events { file.write(event.json.line) }
    file.write(
      JSON.object([
        ("end", .string(verdict ?? "unfinished")), ("events", .count(events.count)),
        ("property", origin.property.map { .string($0) } ?? .null),
        ("sentence", origin.sentence.map { .string($0) } ?? .null),
        ("digest", .hex(digest ?? 0)),
      ]).line)
    file.close()
  }

  /// The recording with everything that a picture needs, made again by this code where that is
  /// possible; otherwise as it was recorded.
  func madeAgain() throws(Failure) -> Recording {
    switch origin?.maker {
    case .exploration:
      guard let path = PathFile.path(at: name) else { return self }
      return try PathFile.read(path).recording(name: name)
    case .test, nil: return self
    }
  }
}

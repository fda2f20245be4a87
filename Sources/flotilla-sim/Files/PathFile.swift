// A counterexample of an exploration as a file: one line with the bounds, then one for each step.
// What is read back is followed by the core that is there, step by step, and may fail to be.

import Foundation
import Raft
import RaftExploration

/// A path through the states of an exploration.
struct PathFile {
  static let schema = "flotilla-sim.path/1"

  var bounds: Bounds
  var reductions: Reductions
  var fault: HostFault
  /// The property that does not hold at its end, by name.
  var property: String
  var sentence: String
  var steps: [(choice: PathChoice, says: String)]

  init(_ explorer: Explorer, _ finding: Finding, _ story: [PathStep]) {
    bounds = explorer.bounds
    reductions = explorer.reductions
    fault = explorer.fault
    property = finding.property.description
    sentence = finding.sentence
    steps = story.map { ($0.choice, $0.sentence) }
  }

  // MARK: Writing

  private var header: JSON {
    let disks: [(String, JSON)] =
      bounds.disks == .any ? [] : [("disks", .string(bounds.disks.description))]
    return .object(
      [
        ("schema", .string(PathFile.schema)),
        ("property", .string(property)),
        ("sentence", .string(sentence)),
        ("nodes", .count(bounds.nodes)), ("spares", .count(bounds.spares)),
        ("terms", .count(bounds.terms)), ("entries", .count(bounds.entries)),
        ("crashes", .count(bounds.crashes)), ("losses", .count(bounds.losses)),
        ("duplicates", bounds.duplicates.map { .count($0) } ?? .null),
        ("inFlight", bounds.inFlight.map { .count($0) } ?? .null),
        ("heartbeats", .count(bounds.heartbeats)), ("snapshots", .count(bounds.snapshots)),
        ("reads", .count(bounds.reads)),
        ("timeouts", bounds.timeouts.map { .count($0) } ?? .null),
        ("preVote", .bool(bounds.isPreVoteEnabled)),
        ("changes", .strings(bounds.changes.map(PathFile.text))),
        ("isReduced", .bool(reductions.isReduced)),
        ("hostFault", .string(fault.description)),
      ] + disks)
  }

  /// A change as `--change` takes it.
  static func text(_ change: MembershipChange) -> String {
    let steps = change.steps.map { step in
      switch step {
      case .addVoter(let node): "add \(node)"
      case .addLearner(let node): "learner \(node)"
      case .addWitness(let node): "witness \(node)"
      case .demote(let node): "demote \(node)"
      case .remove(let node): "remove \(node)"
      }
    }
    return (change.isJointForced ? "joint " : "") + steps.joined(separator: ", ")
  }

  var text: String {
    var lines = [header.line]
    for step in steps {
      lines.append(
        JSON.object([
          ("do", .string(step.choice.action.description)),
          ("node", .count(Int(clamping: step.choice.node.rawValue))),
          ("argument", .count(step.choice.argument)),
          ("message", .hex(step.choice.message)),
          ("says", .string(step.says)),
        ]).line)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes a run folder: the path, its trace and picture, and a test that follows it.
  ///
  /// - Returns: the folder.
  func write(into runs: String) throws(Failure) -> String {
    var digest = Digest(bounds.digest)
    for step in steps {
      digest.combine(step.choice.message)
      digest.combine(UInt64(step.choice.action.rawValue) << 8 | step.choice.node.rawValue)
    }
    digest.combine(bytes: Array(property.utf8))
    let name = "explore-\(hex(digest.value))"
    try write(to: "\(runs)/\(name)")
    RunFolder(root: runs).link(name)
    return "\(runs)/\(name)"
  }

  /// Writes the same into this folder.
  func write(to folder: String) throws(Failure) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Failure(.cannotCreate, "\(folder) cannot be made", hint: "--runs ANOTHER-DIR")
    }
    try writeFile(text, to: "\(folder)/path.jsonl")
    try writeFile(PathTest.text(self), to: "\(folder)/RegressionTest.swift")
    let recording = try recording(name: folder)
    try recording.write(to: "\(folder)/trace.jsonl")
    try ReportPage.write(
      ReportRequest(recorded: recording, name: folder), to: "\(folder)/report.html")
  }

  // MARK: Reading

  /// Whether this is such a file, or a folder with one.
  static func path(at target: String) -> String? {
    for path in [target, "\(target)/path.jsonl"] where path.hasSuffix(".jsonl") {
      guard let handle = FileHandle(forReadingAtPath: path) else { continue }
      defer { try? handle.close() }
      let start = String(decoding: handle.readData(ofLength: 64), as: UTF8.self)
      if start.hasPrefix("{\"schema\":\"flotilla-sim.path/") { return path }
    }
    return nil
  }

  static func read(_ path: String) throws(Failure) -> PathFile {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.badData, "\(path) cannot be read", hint: "name the path.jsonl of a folder")
    }
    var lines = String(decoding: data, as: UTF8.self).components(separatedBy: "\n")
    if lines.last == "" { lines.removeLast() }
    guard let first = lines.first else { throw Failure(.badData, "\(path) is empty") }
    var file = try PathFile(PathLine(first, 1, path))
    for (number, line) in lines.enumerated().dropFirst() {
      file.steps.append(try PathFile.step(PathLine(line, number + 1, path)))
    }
    return file
  }

  private init(_ given: PathLine) throws(Failure) {
    var line = given
    let schema = try line.text("schema")
    guard schema == PathFile.schema else {
      throw line.failure("the schema is \"\(schema)\", not \(PathFile.schema)")
    }
    property = try line.text("property")
    sentence = try line.text("sentence")
    bounds = Bounds()
    bounds.nodes = try line.count("nodes")
    bounds.spares = try line.count("spares")
    bounds.terms = try line.count("terms")
    bounds.entries = try line.count("entries")
    bounds.crashes = try line.count("crashes")
    bounds.losses = try line.count("losses")
    bounds.duplicates = try line.optionalCount("duplicates")
    bounds.inFlight = try line.optionalCount("inFlight")
    bounds.heartbeats = try line.count("heartbeats")
    bounds.snapshots = try line.count("snapshots")
    bounds.reads = try line.count("reads")
    bounds.timeouts = try line.optionalCount("timeouts")
    bounds.isPreVoteEnabled = try line.flag("preVote")
    if line.has("disks") {
      let name = try line.text("disks")
      guard let disks = DiskBound.allCases.first(where: { $0.description == name }) else {
        throw line.failure("\"disks\" must be any or prompt, not \"\(name)\"")
      }
      bounds.disks = disks
    }
    for text in try line.texts("changes") {
      guard let change = ChangeArgument(argument: text) else {
        throw line.failure("\"\(text)\" is no change of a membership")
      }
      bounds.changes.append(change.value)
    }
    // Names may be told apart in a path, whatever the search did with them.
    reductions = Reductions(isSymmetric: false, isReduced: try line.flag("isReduced"))
    let name = try line.text("hostFault")
    guard let fault = HostFault.allCases.first(where: { $0.description == name }) else {
      throw line.failure("\"\(name)\" is no fault of a host")
    }
    self.fault = fault
    steps = []
    try line.end()
  }

  private static func step(_ given: PathLine) throws(Failure) -> (PathChoice, String) {
    var line = given
    let name = try line.text("do")
    guard let action = PathAction.allCases.first(where: { $0.description == name }) else {
      throw line.failure("\"\(name)\" is nothing that can happen")
    }
    let node = try line.count("node")
    let argument = try line.count("argument")
    let digits = try line.text("message")
    guard digits.count == 16, let message = UInt64(digits, radix: 16) else {
      throw line.failure("\"\(digits)\" is no fingerprint of a message, of 16 hexadecimal digits")
    }
    let says = try line.text("says")
    try line.end()
    let choice = PathChoice(
      action: action, node: NodeID(UInt64(node)), argument: argument, message: message)
    return (choice, says)
  }
}

/// One line of a path file: every key once, none that is not asked for.
private struct PathLine {
  private var pairs: [(key: String, mark: Mark, value: Node)]
  private let number: Int
  private let path: String

  init(_ text: String, _ number: Int, _ path: String) throws(Failure) {
    self.number = number
    self.path = path
    pairs = []
    let bytes = Array(text.utf8)
    let node = bytes.withUnsafeBufferPointer { JSONLine.parse($0, number: number) }
    guard case .keys(let pairs)? = node?.value else {
      throw failure("this line is no JSON object")
    }
    self.pairs = pairs
  }

  func failure(_ what: String) -> Failure {
    Failure(
      .badData, "\(path):\(number): \(what)", hint: "write it again with flotilla-sim explore")
  }

  private mutating func take(_ key: String) throws(Failure) -> Node.Value {
    guard let place = pairs.firstIndex(where: { $0.key == key }) else {
      throw failure("the key \"\(key)\" is missing")
    }
    return pairs.remove(at: place).value.value
  }

  mutating func text(_ key: String) throws(Failure) -> String {
    guard case .scalar(let text, isQuoted: true) = try take(key) else {
      throw failure("\"\(key)\" must be a text")
    }
    return text
  }

  mutating func texts(_ key: String) throws(Failure) -> [String] {
    guard case .list(let nodes) = try take(key) else { throw failure("\"\(key)\" must be a list") }
    var texts: [String] = []
    for node in nodes {
      guard case .scalar(let text, isQuoted: true) = node.value else {
        throw failure("\"\(key)\" must be a list of texts")
      }
      texts.append(text)
    }
    return texts
  }

  mutating func optionalCount(_ key: String) throws(Failure) -> Int? {
    switch try take(key) {
    case .null: return nil
    case .scalar(let text, isQuoted: false):
      if let number = Int(text), number >= 0 { return number }
      throw failure("\"\(key)\" must be a whole number, not \(text)")
    case .scalar, .list, .keys: throw failure("\"\(key)\" must be a whole number")
    }
  }

  mutating func count(_ key: String) throws(Failure) -> Int {
    guard let number = try optionalCount(key) else {
      throw failure("\"\(key)\" must be a whole number, not null")
    }
    return number
  }

  mutating func flag(_ key: String) throws(Failure) -> Bool {
    guard case .scalar(let text, isQuoted: false) = try take(key), text == "true" || text == "false"
    else { throw failure("\"\(key)\" must be true or false") }
    return text == "true"
  }

  func has(_ key: String) -> Bool { pairs.contains { $0.key == key } }

  func end() throws(Failure) {
    if let pair = pairs.first { throw failure("the key \"\(pair.key)\" is not known") }
  }
}

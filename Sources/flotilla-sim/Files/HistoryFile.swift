// Histories of anything: one JSON object for each operation, one on each line. The page
// Docs/Reference/history-format.md says what may stand there; whatever else does is complained of
// with its line.

import Foundation
import Linearizability

/// Something that is wrong with a line of a history.
struct HistoryProblem: Error {
  var what: String

  init(_ what: String) { self.what = what }
}

/// A model that histories in files can be held against.
protocol HistoryFileModel: SequentialModel {
  init()

  /// What `op` asks for.
  mutating func operation(_ fields: HistoryFields) throws(HistoryProblem) -> Operation

  /// What `result` says, where its status is `ok`.
  mutating func answer(
    to operation: Operation, _ fields: HistoryFields
  ) throws(HistoryProblem) -> Result

  /// What may stand in `result` beside its status.
  ///
  /// - Parameter operation: what was asked for.
  static func answerKeys(of operation: Operation) -> [String]

  /// The result of an operation that the rules of the object turned down; `nil` if there are none.
  static var refusal: Result? { get }
}

extension HistoryFileModel {
  static var refusal: Result? { nil }
}

/// A history as it was read, with the lines that it came from.
struct HistoryFile<Model: HistoryFileModel> {
  typealias Entry = History<Model>.Entry

  let name: String
  private(set) var model = Model()
  private(set) var records: [Entry] = []
  /// For each record the line of the file.
  private(set) var lines: [Int] = []
  /// How many operations surely had no effect and are left out.
  private(set) var failed = 0
  /// The names of the clients, by the numbers in the records.
  private(set) var clients: [String] = []
  private var clientNumbers: [String: UInt64] = [:]
  /// What is wrong, each with its line, and its column where it is no JSON.
  private var problems: [(place: String, what: String)] = []
  /// Whether a value that is missing reads as an empty text.
  private let isMissingEmpty: Bool

  /// Reads a history.
  ///
  /// - Throws: one failure with the first twenty problems, each with its line.
  init(name: String, _ data: Data, isMissingEmpty: Bool) throws(Failure) {
    self.name = name
    self.isMissingEmpty = isMissingEmpty
    data.withUnsafeBytes { raw in
      let bytes = raw.bindMemory(to: UInt8.self)
      var start = 0
      var number = 0
      while start < bytes.count {
        let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
        number += 1
        add(UnsafeBufferPointer(rebasing: bytes[start..<end]), number)
        start = end + 1
      }
    }
    guard problems.isEmpty else { throw failure }
    guard !records.isEmpty || failed > 0 else {
      throw Failure(
        .badData, "\(name) holds no operation",
        hint: "a history has one JSON object on each line, see Docs/Reference/history-format.md")
    }
  }

  private var failure: Failure {
    let shown = problems.prefix(20).map { "\(name):\($0.place): \($0.what)" }
    let rest = problems.count - shown.count
    return Failure(
      .badData,
      "\(name) has \(counted(problems.count, "problem")):\n" + shown.joined(separator: "\n")
        + (rest > 0 ? "\nand \(grouped(rest)) more" : ""),
      hint: "what may stand on a line: Docs/Reference/history-format.md")
  }

  private mutating func add(_ line: UnsafeBufferPointer<UInt8>, _ number: Int) {
    guard line.isFilled else { return }
    let node: Node
    do throws(JSONFault) {
      node = try JSONLine.read(line, number: number)
    } catch {
      problems.append(("\(error.mark.line):\(error.mark.column)", error.what))
      return
    }
    do throws(HistoryProblem) {
      guard case .keys = node.value else {
        throw HistoryProblem("this line is \(node.kind), not one JSON object")
      }
      if let record = try record(HistoryFields(node, isMissingEmpty)) {
        records.append(record)
        lines.append(number)
      } else {
        failed += 1
      }
    } catch {
      problems.append(("\(number)", error.what))
    }
  }

  private mutating func record(_ line: HistoryFields) throws(HistoryProblem) -> Entry? {
    try line.only(["client", "call", "return", "op", "result", "position"])
    let call = try line.time("call")
    let returned = try line.optionalTime("return")
    if let returned, returned < call {
      throw HistoryProblem("\"return\" is before \"call\"; both must be times of one clock")
    }
    let operation = try model.operation(try line.group("op"))
    let position = try line.optionalNumber("position")
    let client = client(try line.text("client"))
    var record = Entry(
      client: client, call: call, returned: returned, operation, nil, position: position)
    guard let result = line["result"], !result.isNull else {
      guard returned == nil else {
        throw HistoryProblem("\"result\" is missing although the operation returned")
      }
      return record
    }
    let fields = try line.group("result")
    let status = try fields.word("status", of: ["ok", "failed", "unknown", "refused"])
    try fields.only(["status"] + Model.answerKeys(of: operation))
    switch status {
    case "unknown": return record
    case "failed": return nil
    case "refused":
      guard let refusal = Model.refusal else {
        throw HistoryProblem(
          "the status refused is for ledgers; an operation without effect has the status failed")
      }
      record.result = refusal
    default: record.result = try model.answer(to: operation, fields)
    }
    guard returned != nil else {
      throw HistoryProblem(
        "\"return\" is null, so the client cannot know a result: the status must be unknown")
    }
    return record
  }

  private mutating func client(_ name: String) -> UInt64 {
    if let number = clientNumbers[name] { return number }
    let number = UInt64(clients.count)
    clients.append(name)
    clientNumbers[name] = number
    return number
  }

  /// The name of the client of a record.
  func clientName(_ record: Int) -> String { clients[Int(records[record].client)] }
}

/// The fields of one JSON object of a history.
struct HistoryFields {
  private let node: Node
  /// What the object is called in complaints: nothing for the whole line.
  private let name: String
  let isMissingEmpty: Bool

  init(_ node: Node, _ isMissingEmpty: Bool, name: String = "") {
    self.node = node
    self.name = name
    self.isMissingEmpty = isMissingEmpty
  }

  /// What runs of the simulator have beside the documented keys, for readers only.
  private var notes: [String] {
    switch name {
    case "op": ["read"]
    case "result": ["index", "reason"]
    default: ["operation"]
    }
  }

  /// Refuses every key but these: what is misspelled must not be taken for missing.
  ///
  /// - Parameter known: the keys that may stand here.
  func only(_ known: [String]) throws(HistoryProblem) {
    guard case .keys(let pairs) = node.value else { return }
    for pair in pairs where !known.contains(pair.key) && !notes.contains(pair.key) {
      let advice =
        nearest(to: pair.key, among: known).map { "Did you mean \($0)?" }
        ?? "Known are \(known.joined(separator: ", "))."
      throw HistoryProblem("unknown key \(quoted(pair.key)). \(advice)")
    }
  }

  /// The type of an operation, which tells what else may stand beside it.
  ///
  /// - Parameter known: each type with the keys that belong to it.
  func type(_ known: [(type: String, keys: [String])]) throws(HistoryProblem) -> String {
    let type = try word("type", of: known.map { $0.type })
    for (name, keys) in known where name == type { try only(["type"] + keys) }
    return type
  }

  subscript(key: String) -> Node? { node[key] }

  private func quoted(_ key: String) -> String {
    name.isEmpty ? "\"\(key)\"" : "\"\(key)\" of \"\(name)\""
  }

  /// A time or another whole number that may be negative, moved so that it sorts as it should.
  func time(_ key: String) throws(HistoryProblem) -> UInt64 {
    guard let time = try optionalTime(key) else {
      throw HistoryProblem("\(quoted(key)) is missing; it must be a whole number")
    }
    return time
  }

  func optionalTime(_ key: String) throws(HistoryProblem) -> UInt64? {
    guard let value = try optionalInteger(key) else { return nil }
    return UInt64(bitPattern: value) ^ 1 << 63
  }

  func optionalInteger(_ key: String) throws(HistoryProblem) -> Int64? {
    guard let node = node[key], !node.isNull else { return nil }
    guard case .scalar(let text, false) = node.value, let value = Int64(text) else {
      throw HistoryProblem("\(quoted(key)) must be a whole number of 64 bits, not \(node.kind)")
    }
    return value
  }

  /// A whole number that must be there and may be null.
  func nullableInteger(_ key: String) throws(HistoryProblem) -> Int64? {
    guard node[key] != nil else {
      throw HistoryProblem("\(quoted(key)) is missing; it must be a whole number or null")
    }
    return try optionalInteger(key)
  }

  func integer(_ key: String) throws(HistoryProblem) -> Int64 {
    guard let value = try optionalInteger(key) else {
      throw HistoryProblem("\(quoted(key)) is missing; it must be a whole number")
    }
    return value
  }

  func optionalNumber(_ key: String) throws(HistoryProblem) -> UInt64? {
    guard let value = try optionalInteger(key) else { return nil }
    guard value >= 0 else { throw HistoryProblem("\(quoted(key)) must be 0 or more, not \(value)") }
    return UInt64(value)
  }

  func number(_ key: String) throws(HistoryProblem) -> UInt64 {
    guard let value = try optionalNumber(key) else {
      throw HistoryProblem("\(quoted(key)) is missing; it must be a whole number")
    }
    return value
  }

  /// A text; a number is taken as it is written.
  func text(_ key: String) throws(HistoryProblem) -> String {
    guard let text = try optionalText(key) else {
      throw HistoryProblem("\(quoted(key)) is missing; it must be a text")
    }
    return text
  }

  func optionalText(_ key: String) throws(HistoryProblem) -> String? {
    guard let node = node[key], !node.isNull else { return nil }
    guard let text = node.textOrNumber else {
      throw HistoryProblem("\(quoted(key)) must be a text, not \(node.shown)")
    }
    return text
  }

  /// A key that must be there and may be null.
  func nullableText(_ key: String) throws(HistoryProblem) -> String? {
    guard node[key] != nil else {
      throw HistoryProblem("\(quoted(key)) is missing; it must be a text or null")
    }
    let text = try optionalText(key)
    return isMissingEmpty && text == "" ? nil : text
  }

  func texts(_ key: String) throws(HistoryProblem) -> [String] {
    guard let node = node[key], case .list(let items) = node.value else {
      throw HistoryProblem("\(quoted(key)) must be a list of texts")
    }
    var texts: [String] = []
    for item in items {
      guard let text = item.textOrNumber else {
        throw HistoryProblem("\(quoted(key)) must be a list of texts; it has \(item.shown)")
      }
      texts.append(text)
    }
    return texts
  }

  /// The pairs of an object of texts.
  func pairs(_ key: String) throws(HistoryProblem) -> [(key: String, value: String)] {
    guard let node = node[key], case .keys(let fields) = node.value else {
      throw HistoryProblem("\(quoted(key)) must be an object of texts")
    }
    var pairs: [(key: String, value: String)] = []
    for (name, _, value) in fields {
      guard let text = value.textOrNumber else {
        throw HistoryProblem(
          "\(quoted(key)) must be an object of texts; \(name) is \(value.shown)")
      }
      pairs.append((name, text))
    }
    return pairs
  }

  func truth(_ key: String) throws(HistoryProblem) -> Bool {
    guard let node = node[key] else {
      throw HistoryProblem("\(quoted(key)) is missing; it must be true or false")
    }
    switch node.value {
    case .scalar("true", isQuoted: false): return true
    case .scalar("false", isQuoted: false): return false
    default: throw HistoryProblem("\(quoted(key)) must be true or false, not \(node.shown)")
    }
  }

  func word(_ key: String, of known: [String]) throws(HistoryProblem) -> String {
    let word = try text(key)
    if known.contains(word) { return word }
    let advice =
      nearest(to: word, among: known).map { "Did you mean \($0)?" }
      ?? "Known are \(known.joined(separator: ", "))."
    throw HistoryProblem("unknown \(quoted(key)) \"\(word)\". \(advice)")
  }

  func group(_ key: String) throws(HistoryProblem) -> HistoryFields {
    guard let inner = node[key], !inner.isNull else {
      throw HistoryProblem("\(quoted(key)) is missing; it must be an object")
    }
    guard case .keys = inner.value else {
      throw HistoryProblem("\(quoted(key)) must be an object, not \(inner.kind)")
    }
    return HistoryFields(inner, isMissingEmpty, name: key)
  }
}

extension Node {
  var isNull: Bool {
    if case .null = value { true } else { false }
  }

  /// A text, or a number as it is written; `nil` for anything else.
  fileprivate var textOrNumber: String? {
    guard case .scalar(let text, let isQuoted) = value, isQuoted || !isTruth else { return nil }
    return text
  }

  private var isTruth: Bool {
    switch value {
    case .scalar("true", isQuoted: false), .scalar("false", isQuoted: false): true
    default: false
    }
  }

  /// What kind of thing it is, for messages: `true` is no text.
  fileprivate var shown: String {
    if isTruth, case .scalar(let text, _) = value { return text }
    return kind
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether a line holds more than spaces.
  var isFilled: Bool { contains { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D } }
}

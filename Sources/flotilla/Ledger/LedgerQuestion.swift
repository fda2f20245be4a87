#if SQL
// One statement and its rows, in the form that was asked for.

import FlotillaTerminal
import Foundation
import RaftInterface
import RaftSQL
import Synchronization

/// Standard output, for bytes that need not be text.
enum Output {
  /// Writes all of it, also through a pipe that takes it piecemeal.
  ///
  /// - Throws: `Stop` once nobody reads any more.
  static func write(_ bytes: [UInt8]) throws {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count > 0 else { throw Stop(code: .ok) }
      done += count
    }
  }
}

/// A statement that is asked of a file.
struct LedgerQuestion {
  let statement: String
  let path: String
  let isCSV: Bool
  let connection: ConnectionOptions

  func ask() throws {
    let reading: LedgerReading
    let position: ProjectionPosition?
    do {
      reading = try LedgerReading(at: path)
      position = try reading.position()
    } catch {
      throw Failure(projection: error, path)
    }
    let deadline = connection.timeout.map {
      ContinuousClock.now + .nanoseconds(Int64(clamping: $0.nanoseconds))
    }
    let watch = StatementWatch(reading, deadline)
    defer { watch.end() }
    do {
      try print(reading, position)
    } catch ProjectionError.interrupted {
      guard !Interrupt.shared.isRequested else {
        throw Failure(.interrupted, "the statement was stopped")
      }
      throw Failure(
        .undecided,
        "the statement was stopped: it was not done after"
          + " \(timeText(nanoseconds: connection.timeout?.nanoseconds ?? 0))",
        hint: "--timeout 5m, or a question with less to do")
    } catch ProjectionError.sqlite(let words) {
      throw Failure(
        .usage, words,
        hint: "flotilla ledger sql \"SELECT name, sql FROM sqlite_master\" shows what there is")
    } catch let error as ProjectionError {
      throw Failure(projection: error, path)
    }
  }

  private func print(_ reading: LedgerReading, _ position: ProjectionPosition?) throws {
    if isCSV { return try printCSV(reading) }
    switch connection.output.format {
    case .text: try printTable(reading, position)
    case .json: try printDocument(reading, position)
    case .jsonl: try printLines(reading, position)
    }
  }

  private func printTable(
    _ reading: LedgerReading, _ position: ProjectionPosition?
  ) throws {
    var table = Table([])
    var numeric: [Bool] = []
    try reading.run(statement) { names in
      table = Table(names.map { SQLValue.text(Array($0.utf8)).cell })
      numeric = names.map { _ in true }
    } onRow: { row in
      for (column, value) in row.enumerated() where !value.isNumber { numeric[column] = false }
      table.rows.append(row.map { $0.cell })
    }
    if !table.rows.isEmpty { table.sides = numeric.map { $0 ? .right : .left } }
    for line in table.lines(connection.screen, indent: "") { connection.screen.print(line) }
    connection.screen.note(
      "\(counted(table.rows.count, "row"))   index"
        + " \(position.map { grouped($0.index.rawValue) } ?? "-")")
  }

  private func printDocument(
    _ reading: LedgerReading, _ position: ProjectionPosition?
  ) throws {
    var columns: [JSONValue] = []
    var rows: [JSONValue] = []
    try reading.run(statement) { names in
      columns = names.map { .string($0) }
    } onRow: { row in
      rows.append(.array(row.map { $0.json }))
    }
    connection.screen.print(
      JSONValue.object([
        .init("schema", .string("flotilla/ledger-rows/1")),
        .init("index", position.map { .text($0.index.rawValue) } ?? .null),
        .init("columns", .array(columns)), .init("rows", .array(rows)),
      ]).page)
  }

  private func printLines(
    _ reading: LedgerReading, _ position: ProjectionPosition?
  ) throws {
    let index = position.map { JSONValue.text($0.index.rawValue) } ?? .null
    var names: [String] = []
    try reading.run(statement) {
      names = $0
    } onRow: { row in
      let members = zip(names, row).map { JSONValue.Member($0, $1.json) }
      let line = JSONValue.object([
        .init("schema", .string("flotilla/ledger-row/1")), .init("index", index),
        .init("row", .object(members)),
      ]).line
      try Output.write(Array(line.utf8) + [UInt8(ascii: "\n")])
    }
  }

  private func printCSV(_ reading: LedgerReading) throws {
    func line(_ cells: [[UInt8]]) -> [UInt8] {
      Array(cells.joined(separator: [UInt8(ascii: ",")])) + Array("\r\n".utf8)
    }
    try reading.run(statement) { names in
      try Output.write(line(names.map { SQLValue.text(Array($0.utf8)).csv }))
    } onRow: { row in
      try Output.write(line(row.map { $0.csv }))
    }
  }
}

/// Stops a statement at Ctrl-C, and when its time is over.
///
/// A thread of its own: the one that waits for the statement may be the only one there is.
private final class StatementWatch: Sendable {
  private let isOver = Atomic<Bool>(false)

  init(_ reading: LedgerReading, _ deadline: ContinuousClock.Instant?) {
    Thread.detachNewThread { [self] in
      while !isOver.load(ordering: .relaxed) {
        let isLate = deadline.map { ContinuousClock.now >= $0 } ?? false
        // Again and again: it only reaches a statement that is under way.
        if isLate || Interrupt.shared.isRequested { reading.interrupt() }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
  }

  func end() { isOver.store(true, ordering: .relaxed) }
}

extension SQLValue {
  var isNumber: Bool {
    switch self {
    case .integer, .real, .null: true
    case .text, .blob: false
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The text, if the bytes are UTF-8.
  private static func string(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    return text.utf8.elementsEqual(bytes) ? text : nil
  }

  /// The value as a terminal may show it: nothing in it moves the cursor.
  var cell: String {
    switch self {
    case .null: return "NULL"
    case .integer(let number): return String(number)
    case .real(let number): return String(number)
    case .blob(let bytes): return "x'\(SQLValue.hexadecimal(bytes))'"
    case .text(let bytes):
      guard let text = SQLValue.string(bytes) else { return "x'\(SQLValue.hexadecimal(bytes))'" }
      var cell = ""
      for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": cell += "\\n"
        case "\t": cell += "\\t"
        case "\r": cell += "\\r"
        default:
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator:
            cell += "\\u{\(String(scalar.value, radix: 16))}"
          default: cell.unicodeScalars.append(scalar)
          }
        }
      }
      return cell
    }
  }

  /// The value in a document: whole numbers are strings, as everywhere; what is no text is base64.
  var json: JSONValue {
    switch self {
    case .null: return .null
    case .integer(let number): return .text(number)
    case .real(let number): return number.isFinite ? .number("\(number)") : .string("\(number)")
    case .text(let bytes):
      if let text = SQLValue.string(bytes) { return .string(text) }
      return .object([.init("base64", .string(Base64.text(bytes)))])
    case .blob(let bytes): return .object([.init("base64", .string(Base64.text(bytes)))])
    }
  }

  /// The value as a field of CSV (RFC 4180). Nothing at all is NULL; text that is empty has quotes.
  var csv: [UInt8] {
    switch self {
    case .null: return []
    case .integer(let number): return Array(String(number).utf8)
    case .real(let number): return Array(String(number).utf8)
    case .blob(let bytes): return Array("\\x\(SQLValue.hexadecimal(bytes))".utf8)
    case .text(let bytes):
      let quote = UInt8(ascii: "\"")
      let special = [quote, UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r")]
      guard bytes.isEmpty || bytes.contains(where: { special.contains($0) }) else { return bytes }
      return [quote] + bytes.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }
  }
}
#endif

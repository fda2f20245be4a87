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
  /// - Parameters:
  ///   - bytes: what to write.
  ///   - check: throws if no more is to be written, also while nobody takes what is.
  /// - Throws: `Stop` once nobody reads any more, or what `check` throws.
  static func write(_ bytes: [UInt8], _ check: () throws -> Void = {}) throws {
    var done = 0
    while done < bytes.count {
      try check()
      var place = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
      guard poll(&place, 1, 100) != 0 else { continue }
      // So many a pipe that is ready takes without waiting.
      let end = min(bytes.count, done + 4_096)
      let count = bytes[done..<end].withUnsafeBytes {
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
      try print(reading, position, watch)
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

  private func print(
    _ reading: LedgerReading, _ position: ProjectionPosition?, _ watch: StatementWatch
  ) throws {
    if isCSV { return try printCSV(reading, watch) }
    switch connection.output.format {
    case .text: try printTable(reading, position, watch)
    case .json: try printDocument(reading, position, watch)
    case .jsonl: try printLines(reading, position, watch)
    }
  }

  private func printTable(
    _ reading: LedgerReading, _ position: ProjectionPosition?, _ watch: StatementWatch
  ) throws {
    var parts = TableParts(connection.screen, watch)
    try reading.run(statement) { names in
      parts.begin(names)
    } onRow: { row in
      try parts.add(row)
    }
    try parts.write()
    if parts.isCut {
      connection.screen.note(
        "values are cut after \(TableParts.cellBytes) bytes: --csv has them whole, and so have"
          + " --format json and jsonl")
    }
    connection.screen.note(
      "\(counted(parts.count, "row"))   index"
        + " \(position.map { grouped($0.index.rawValue) } ?? "-")")
  }

  private func printDocument(
    _ reading: LedgerReading, _ position: ProjectionPosition?, _ watch: StatementWatch
  ) throws {
    var document = RowsDocument(index: position?.index, columns: [])
    try reading.run(statement) { names in
      document = RowsDocument(index: position?.index, columns: names)
    } onRow: { row in
      try Output.write(document.piece(row), watch.check)
    }
    try Output.write(document.end(), watch.check)
  }

  private func printLines(
    _ reading: LedgerReading, _ position: ProjectionPosition?, _ watch: StatementWatch
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
      try Output.write(Array(line.utf8) + [UInt8(ascii: "\n")], watch.check)
    }
  }

  private func printCSV(_ reading: LedgerReading, _ watch: StatementWatch) throws {
    func line(_ cells: [[UInt8]]) -> [UInt8] {
      Array(cells.joined(separator: [UInt8(ascii: ",")])) + Array("\r\n".utf8)
    }
    try reading.run(statement) { names in
      try Output.write(line(names.map { SQLValue.text(Array($0.utf8)).csv }), watch.check)
    } onRow: { row in
      try Output.write(line(row.map { $0.csv }), watch.check)
    }
  }
}

/// A table that is written in parts, none of which is large. Most tables have one.
private struct TableParts {
  /// How many bytes of a value are shown.
  static let cellBytes = 10_000
  /// How many characters a part has at most, if it has more than one row.
  private static let partSize = 4 << 20

  private let screen: Screen
  private let watch: StatementWatch
  private var table = Table([])
  private var numeric: [Bool] = []
  private var widths: [Int] = []
  private var isFirst = true
  /// How many rows there were.
  private(set) var count = 0
  /// Whether something was too long to be shown.
  private(set) var isCut = false

  init(_ screen: Screen, _ watch: StatementWatch) {
    self.screen = screen
    self.watch = watch
  }

  /// Takes the names of the columns.
  mutating func begin(_ names: [String]) {
    table.headings = names.map {
      SQLValue.text(Array($0.utf8)).cell(upTo: TableParts.cellBytes)
    }
    table.sides = names.map { _ in .left }
    numeric = names.map { _ in true }
    widths = table.headings.map { $0.utf8.count }
  }

  /// Takes a row, and writes those before it if they are a part.
  mutating func add(_ row: [SQLValue]) throws {
    try watch.check()
    let cells = row.map { $0.cell(upTo: TableParts.cellBytes) }
    let wider = zip(widths, cells).map { max($0, $1.utf8.count) }
    if !table.rows.isEmpty, (table.rows.count + 2) * wider.reduce(0, +) > TableParts.partSize {
      try write()
      widths = table.headings.map { $0.utf8.count }
    }
    widths = zip(widths, cells).map { max($0, $1.utf8.count) }
    if isFirst {
      for (column, value) in row.enumerated() where !value.isNumber { numeric[column] = false }
    }
    if row.contains(where: { $0.size > TableParts.cellBytes }) { isCut = true }
    table.rows.append(cells)
    count += 1
  }

  /// Writes what is there.
  mutating func write() throws {
    if isFirst, !table.rows.isEmpty { table.sides = numeric.map { $0 ? .right : .left } }
    for line in table.lines(screen, indent: "").dropFirst(isFirst ? 0 : 1) {
      try Output.write(Array((line + "\n").utf8), watch.check)
    }
    // The next part has no headings, and columns that are at least as wide as they are.
    if isFirst {
      table.headings = table.headings.map {
        String(repeating: " ", count: screen.glyphs($0).count)
      }
    }
    table.rows = []
    isFirst = false
  }
}

/// Stops a statement at Ctrl-C, and when its time is over; so it does what becomes of its rows.
///
/// A thread of its own: the one that waits for the statement may be the only one there is.
private final class StatementWatch: Sendable {
  private let isOver = Atomic<Bool>(false)
  private let mustStop = Atomic<Bool>(false)

  init(_ reading: LedgerReading, _ deadline: ContinuousClock.Instant?) {
    Thread.detachNewThread { [self] in
      while !isOver.load(ordering: .relaxed) {
        let isLate = deadline.map { ContinuousClock.now >= $0 } ?? false
        // Again and again: it only reaches a statement that is under way.
        if isLate || Interrupt.shared.isRequested {
          mustStop.store(true, ordering: .relaxed)
          reading.interrupt()
        }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
  }

  /// Whether to go on.
  ///
  /// - Throws: `ProjectionError.interrupted` if not.
  func check() throws {
    if mustStop.load(ordering: .relaxed) { throw ProjectionError.interrupted }
  }

  /// Watches no longer.
  func end() { isOver.store(true, ordering: .relaxed) }
}
#endif

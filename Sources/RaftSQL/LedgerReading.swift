#if SQL
// Questions in SQL. The file is opened for reading alone, and what would do more is refused before
// it runs.

import GRDB
import GRDBSQLite
import Raft
import RaftMachines

/// The ledger in a file of SQLite, for reading.
public final class LedgerReading: Sendable {
  /// How many bytes a value may have, and a row: one row at a time is held in memory.
  public static let longest = 16 << 20

  private let queue: DatabaseQueue
  /// Where the file is.
  public let path: String

  /// Opens a file that is there.
  ///
  /// - Throws: `ProjectionError` if it is none of a ledger.
  public init(at path: String) throws(ProjectionError) {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { db in
      _ = sqlite3_limit(db.sqliteConnection, SQLITE_LIMIT_LENGTH, Int32(LedgerReading.longest))
    }
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
      let isOurs = try queue.read { try LedgerProjection.isOurs($0, path) }
      guard isOurs else { throw ProjectionError.notOurs(path) }
    } catch {
      throw ProjectionError(error, path)
    }
    self.path = path
  }

  /// Where the file stands; `nil` if nothing was ever written.
  ///
  /// - Throws: `ProjectionError.sqlite`.
  public func position() throws(ProjectionError) -> ProjectionPosition? {
    do {
      return try queue.read { try LedgerProjection.position($0) }
    } catch {
      throw ProjectionError(error, path)
    }
  }

  /// Ends what is running, from any thread: it throws `ProjectionError.interrupted`.
  public func interrupt() { queue.interrupt() }

  /// Runs one statement, and gives its rows away as they come.
  ///
  /// - Parameters:
  ///   - onColumns: called once, before the rows, with the names of the columns.
  ///   - onRow: called for each row; what it throws ends the statement, and is thrown on.
  /// - Throws: `ProjectionError`: with `.writes` before anything is done if the statement does more
  ///   than read; with `.tooLong` if a value or a row has more bytes than `longest`.
  public func run(
    _ sql: String, onColumns: ([String]) throws -> Void = { _ in },
    onRow: ([SQLValue]) throws -> Void
  ) throws {
    do {
      try queue.read { db in
        let statement = try LedgerReading.only(sql, db)
        // What returns no columns changes something, be it only the connection.
        guard statement.isReadonly, statement.columnCount > 0 else {
          throw ProjectionError.writes(sql)
        }
        try onColumns(statement.columnNames)
        try LedgerReading.step(statement.sqliteStatement, path, onRow)
      }
    } catch let error as DatabaseError {
      throw ProjectionError(error, path)
    }
  }

  /// The statement that a text is.
  private static func only(_ sql: String, _ db: Database) throws -> Statement {
    do {
      return try db.makeStatement(sql: sql)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_MISUSE {
      // GRDB's word for a second one.
      throw ProjectionError.severalStatements
    }
  }

  private static func step(
    _ statement: OpaquePointer, _ path: String, _ onRow: ([SQLValue]) throws -> Void
  ) throws {
    defer { sqlite3_reset(statement) }
    let count = sqlite3_column_count(statement)
    var row: [SQLValue] = []
    row.reserveCapacity(Int(count))
    while true {
      let code = sqlite3_step(statement)
      switch code {
      case SQLITE_ROW:
        row.removeAll(keepingCapacity: true)
        var size = 0
        for column in 0..<count {
          let value = SQLValue(statement, column)
          size += value.size
          guard size <= longest else { throw ProjectionError.tooLong(limit: longest) }
          row.append(value)
        }
        try onRow(row)
      case SQLITE_DONE: return
      default:
        let words = sqlite3_errmsg(sqlite3_db_handle(statement)).map { String(cString: $0) }
        throw ProjectionError(ResultCode(rawValue: code), words ?? "SQLite failed", path)
      }
    }
  }

  // MARK: For PostgreSQL

  /// Writes a script for `psql` that makes the same tables there, with the same rows, in one
  /// transaction. Run again, it puts the newer rows in the place of the older ones.
  ///
  /// - Parameters:
  ///   - schema: the schema in which the tables are.
  ///   - write: called with the next piece of the script.
  /// - Throws: `ProjectionError`, or what `write` throws.
  public func copy(
    toSchema schema: String, _ write: ([UInt8]) throws -> Void
  ) throws {
    do {
      try queue.read { db in
        guard let position = try LedgerProjection.position(db) else {
          throw ProjectionError.sqlite("\(path): nothing was ever written to it")
        }
        try write(Array(PostgresScript.opening(schema, position).utf8))
        for table in LedgerSchema.tables {
          try write(Array("COPY \(table.name) (\(table.names)) FROM stdin;\n".utf8))
          let key = table.columns[0].name
          let statement = try db.makeStatement(
            sql: "SELECT \(table.names) FROM \(table.name) ORDER BY \(key)")
          var lines: [UInt8] = []
          try LedgerReading.step(statement.sqliteStatement, path) { row in
            PostgresScript.append(row, to: &lines)
            guard lines.count > 65_536 else { return }
            try write(lines)
            lines.removeAll(keepingCapacity: true)
          }
          try write(lines + Array("\\.\n".utf8))
        }
        try write(Array("COMMIT;\n".utf8))
      }
    } catch let error as DatabaseError {
      throw ProjectionError(error, path)
    }
  }
}

extension SQLValue {
  fileprivate init(_ statement: OpaquePointer, _ column: Int32) {
    switch sqlite3_column_type(statement, column) {
    case SQLITE_INTEGER: self = .integer(sqlite3_column_int64(statement, column))
    case SQLITE_FLOAT: self = .real(sqlite3_column_double(statement, column))
    case SQLITE_TEXT:
      let bytes = sqlite3_column_text(statement, column)
      let count = Int(sqlite3_column_bytes(statement, column))
      self = .text(Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count)))
    case SQLITE_BLOB:
      let bytes = sqlite3_column_blob(statement, column)
      let count = Int(sqlite3_column_bytes(statement, column))
      self = .blob(Array(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)))
    default: self = .null
    }
  }
}

/// The words of a script for `psql`.
enum PostgresScript {
  /// A name as PostgreSQL takes any.
  static func quoted(_ name: String) -> String {
    "\"" + name.replacing("\"", with: "\"\"") + "\""
  }

  static func opening(_ schema: String, _ position: ProjectionPosition) -> String {
    let name = quoted(schema)
    let tables = LedgerSchema.tables.map { "DELETE FROM \($0.name);" }.joined(separator: "\n")
    // Of another cluster, or with other columns, what is there is somebody's, and stays.
    return """
      \\set ON_ERROR_STOP on
      SET client_encoding TO 'UTF8';
      SET standard_conforming_strings TO on;
      BEGIN;
      SET LOCAL client_min_messages TO warning;
      CREATE SCHEMA IF NOT EXISTS \(name);
      SET LOCAL search_path TO \(name);
      \(LedgerSchema.postgres)
      LOCK TABLE \(LedgerSchema.tables.map { $0.name }.joined(separator: ", ")) IN EXCLUSIVE MODE;
      DO $$
      BEGIN
        IF EXISTS (SELECT FROM projection WHERE cluster <> '\(position.cluster)') THEN
          RAISE EXCEPTION 'these tables hold the ledger of another cluster than \(position.cluster)'
            USING HINT = 'copy it into a schema of its own';
        END IF;
        IF EXISTS (SELECT FROM projection WHERE schema_version <> \(LedgerSchema.version)) THEN
          RAISE EXCEPTION 'these tables are of another version than \(LedgerSchema.version)'
            USING HINT = 'drop the schema, or copy into another one';
        END IF;
      END
      $$;
      \(tables)

      """
  }

  /// Appends a line of a COPY in text format.
  static func append(_ row: [SQLValue], to line: inout [UInt8]) {
    for (column, value) in row.enumerated() {
      if column > 0 { line.append(UInt8(ascii: "\t")) }
      switch value {
      case .null: line += [UInt8(ascii: "\\"), UInt8(ascii: "N")]
      case .integer(let number): line += Array(String(number).utf8)
      case .real(let number): line += Array(String(number).utf8)
      case .text(let bytes): for byte in bytes { append(byte, to: &line) }
      case .blob(let bytes):
        line += Array("\\\\x".utf8)
        SQLValue.appendHexadecimal(bytes, to: &line)
      }
    }
    line.append(UInt8(ascii: "\n"))
  }

  private static func append(_ byte: UInt8, to line: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\\"): line += [byte, byte]
    case UInt8(ascii: "\t"): line += Array("\\t".utf8)
    case UInt8(ascii: "\n"): line += Array("\\n".utf8)
    case UInt8(ascii: "\r"): line += Array("\\r".utf8)
    default: line.append(byte)
    }
  }
}
#endif

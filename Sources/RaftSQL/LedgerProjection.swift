#if SQL
// The ledger in a file of SQLite. Whatever happens to the process, the file is the ledger as of one
// entry: rows and the entry they are of change in one transaction.

import GRDB
import Raft
import RaftInterface
import RaftMachines

/// Why a file is not brought up to date, or not read.
public enum ProjectionError: Error, Sendable, CustomStringConvertible {
  /// There is something else in the file.
  case notOurs(String)
  /// The file was made by code that knows another schema.
  case otherVersion(Int64)
  /// The file is of another cluster than the rows.
  case otherCluster(file: String, rows: String)
  /// The rows begin after another entry than the one the file stands at.
  case doesNotFit(file: LogIndex?, rows: LogIndex)
  /// The rows are of an entry before the one the file stands at.
  case older(file: LogIndex, rows: LogIndex)
  /// The bytes are no extract of a ledger.
  case undecodable(MachineDecodingError)
  /// The statement does more than read.
  case writes(String)
  /// There is more than one statement.
  case severalStatements
  /// A value or a row of the answer is longer than this many bytes.
  case tooLong(limit: Int)
  /// The file is one of ours, and damaged.
  case malformed(String)
  /// The file cannot be opened, and why.
  case cannotOpen(String, String)
  /// SQLite said no; its words.
  case sqlite(String)
  /// Somebody stopped the statement.
  case interrupted

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .notOurs(let path): "\(path) is no file of a ledger; nothing in it was changed"
    case .otherVersion(let version):
      "the file has version \(version) of the tables, and this is code for version"
        + " \(LedgerSchema.version); nothing in it was changed"
    case .otherCluster(let file, let rows):
      "the file is of cluster \(file), and this is cluster \(rows); nothing in it was changed"
    case .doesNotFit(let file, let rows):
      "the rows begin after entry \(rows.description), and the file stands at"
        + " \(file.map { "entry \($0.description)" } ?? "no entry")"
    case .older(let file, let rows):
      "the file stands at entry \(file.description), and this is entry \(rows.description), an"
        + " earlier one"
    case .undecodable(let error): "the rows cannot be read: \(error.description)"
    case .writes(let text): "only statements that read are allowed here, and this is not: \(text)"
    case .severalStatements: "one statement at a time"
    case .tooLong(let limit):
      "a value or a row is longer than \(limit >> 20) MiB, which is the most that is told"
    case .malformed(let path):
      "\(path) is malformed: a part of it is missing, or something else was written into it"
    case .cannotOpen(let path, let reason): "\(path) cannot be opened: \(reason)"
    case .sqlite(let text): text
    case .interrupted: "the statement was stopped"
    }
  }
}

/// Where a file of a ledger stands.
public struct ProjectionPosition: Hashable, Sendable {
  /// The cluster's identity, in 32 hexadecimal digits.
  public var cluster: String
  /// The entry as of which all rows are.
  public var index: LogIndex
  /// The term of that entry; `nil` if it is not known.
  public var term: Term?
  /// The digest of the ledger, in 16 hexadecimal digits; `nil` if it is not known.
  public var digest: String?
  /// The entry as of which limits are, and whether accounts are closed.
  public var limitsIndex: LogIndex
  /// How many accounts there are.
  public var accounts: UInt64
  /// How many transfers there were.
  public var transfers: UInt64
}

/// What was done to a file.
public struct ProjectionChange: Hashable, Sendable {
  /// Where it stands now.
  public var position: ProjectionPosition
  /// Whether all rows were written anew.
  public var isWhole: Bool
  /// How many rows were written.
  public var rows: Int
}

/// A ledger as tables in a file of SQLite, which this process changes.
///
/// Another process may read the file at the same time, and sees one entry or the next.
public final class LedgerProjection: Sendable {
  private let queue: DatabaseQueue
  /// Where the file is.
  public let path: String

  /// Opens the file, or makes it.
  ///
  /// - Parameter path: where; `nil` for tables in memory.
  /// - Throws: `ProjectionError` if there is something else in it.
  public init(at path: String?) throws(ProjectionError) {
    self.path = path ?? "memory"
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    configuration.foreignKeysEnabled = false
    do {
      if let path {
        queue = try DatabaseQueue(path: path, configuration: configuration)
      } else {
        queue = try DatabaseQueue(configuration: configuration)
      }
    } catch {
      throw ProjectionError(error, path ?? "memory")
    }
    let name = self.path
    try change { db in
      if try LedgerProjection.isOurs(db, name) { return }
      try db.execute(sql: LedgerSchema.sqlite)
    }
  }

  /// Whether a file is one of ours by its head, and so damaged that only a file that is made anew
  /// can take its place.
  public static func isMalformed(at path: String) -> Bool { LedgerFile.isMalformed(path) }

  /// Whether the tables are there; not if there is nothing at all.
  static func isOurs(_ db: Database, _ path: String) throws -> Bool {
    let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let version = try Int64.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let count = try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    if application == 0, version == 0, count == 0 { return false }
    guard application == LedgerSchema.applicationID else { throw ProjectionError.notOurs(path) }
    guard version == LedgerSchema.version else { throw ProjectionError.otherVersion(version) }
    return true
  }

  private func change<Value>(
    _ body: (Database) throws -> Value
  ) throws(ProjectionError) -> Value {
    do { return try queue.write(body) } catch { throw ProjectionError(error, path) }
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

  static func position(_ db: Database) throws -> ProjectionPosition? {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM projection") else { return nil }
    func number(_ name: String) -> UInt64 {
      UInt64(clamping: Int64.fromDatabaseValue(row[name]) ?? 0)
    }
    let term = Int64.fromDatabaseValue(row["log_term"]).map { Term(UInt64(clamping: $0)) }
    return ProjectionPosition(
      cluster: String.fromDatabaseValue(row["cluster"]) ?? "",
      index: LogIndex(number("log_index")), term: term,
      digest: String.fromDatabaseValue(row["digest"]),
      limitsIndex: LogIndex(number("limits_index")), accounts: number("accounts"),
      transfers: number("transfers"))
  }

  /// Brings the file to the entry of an extract, in one transaction: all of it or nothing.
  ///
  /// - Parameters:
  ///   - isReplacing: whether an extract of everything may take the place of what is of another
  ///     cluster, or of a later entry.
  ///   - next: gives the bytes of the extract, in pieces of any size; `nil` after the last one.
  ///     What it throws is thrown on, and the file is as before.
  /// - Throws: `ProjectionError`; then the file is as before.
  /// - Complexity: O(rows × log rows in the file), in time; memory for a piece.
  public func apply(
    isReplacing: Bool = false, _ next: () throws -> [UInt8]?
  ) throws -> ProjectionChange {
    do {
      return try queue.write { db in
        var applying = try ExtractWriting(db, isReplacing: isReplacing)
        var reader = LedgerExtractReader()
        while let piece = try next() {
          for part in try reader.read(piece[...]) { try applying.write(part) }
        }
        try reader.finish()
        return try applying.finish()
      }
    } catch let error as DatabaseError {
      throw ProjectionError(error, path)
    } catch let error as MachineDecodingError {
      throw ProjectionError.undecodable(error)
    }
  }

  /// The same with all bytes at hand.
  ///
  /// - Throws: `ProjectionError`; then the file is as before.
  public func apply(
    _ bytes: [UInt8], isReplacing: Bool = false
  ) throws -> ProjectionChange {
    var rest: [UInt8]? = bytes
    return try apply(isReplacing: isReplacing) {
      defer { rest = nil }
      return rest
    }
  }

  /// Reads with statements of one's own, on the connection that writes.
  func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try queue.read(body) }
}

extension ProjectionError {
  /// What went wrong, in the words for the user.
  init(_ error: any Error, _ path: String) {
    switch error {
    case let known as ProjectionError: self = known
    case let error as MachineDecodingError: self = .undecodable(error)
    case let error as DatabaseError:
      let words = error.message ?? error.resultCode.description
      self = ProjectionError(error.extendedResultCode, words, path)
    default: self = .sqlite("\(path): \(error)")
    }
  }

  /// The same of a code of SQLite and its words for it.
  init(_ code: ResultCode, _ words: String, _ path: String) {
    switch code {
    case .SQLITE_INTERRUPT: self = .interrupted
    case .SQLITE_TOOBIG: self = .tooLong(limit: LedgerReading.longest)
    case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_IOERR_SHORT_READ:
      self = LedgerFile.isOursByHead(path) ? .malformed(path) : .notOurs(path)
    case .SQLITE_CANTOPEN, .SQLITE_IOERR:
      guard let reason = LedgerFile.obstacle(path) else {
        self = .sqlite("\(path): \(words)")
        return
      }
      self = .cannotOpen(path, reason)
    default: self = .sqlite("\(path): \(words)")
    }
  }
}
#endif

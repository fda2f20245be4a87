#if Server
// The ledger as tables: asked, kept in a file, or copied to PostgreSQL.

import ArgumentParser
import FlotillaTerminal
import Foundation
import RaftInterface

/// The ledger as tables.
struct LedgerGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "The ledger as tables of SQLite, and for PostgreSQL.",
    subcommands: [AskLedger.self, ExportLedger.self, FollowLedger.self, CopyLedger.self])
}

let ledgerCodes: [ExitCode] = [
  .ok, .refused, .usage, .badData, .unavailable, .cannotCreate, .notPermitted,
]

/// Where the ledger is read from.
struct LedgerSourceOptions: ParsableArguments {
  @Option(
    name: .customLong("data-dir"),
    help: .option(
      "data-dir", "The folder of a node that does not run, or a copy of one; only read.",
      value: "folder"))
  var directory: String?

  @Option(help: .option("at", "As it was after this entry.", value: "index"))
  var at: UInt64?

  @Flag(
    help: .option(
      "rebuild", "Write all rows anew, also over another cluster's or later ones."))
  var rebuild = false

  @OptionGroup var connection: ConnectionOptions

  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("data-dir", "at")
    + VariableOption.flags("rebuild")
}

/// Which file the tables are in.
struct LedgerFileOptions: ParsableArguments {
  @Option(
    help: .option("file", "Keep the tables there, and write only what changed.", value: "file"))
  var file: String?

  @Flag(
    name: .customLong("as-is"),
    help: .option("as-is", "Take the file as it stands; no node is asked."))
  var asIs = false

  static let variableOptions = VariableOption.values("file") + VariableOption.flags("as-is")

  func check(_ source: LedgerSourceOptions) throws {
    guard asIs else { return }
    guard file != nil else { throw ValidationError("--as-is takes a file: name it with --file") }
    guard source.directory == nil, source.at == nil, !source.rebuild else {
      throw ValidationError(
        "--as-is takes the file as it stands, without --data-dir, --at and --rebuild")
    }
  }
}

struct AskLedger: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "sql", abstract: "Ask the ledger in SQL; the tables are SQLite's.",
    usage: """
      flotilla ledger sql "SELECT account, balance FROM balances"
      flotilla ledger sql "SELECT ..." --file ledger.sqlite --csv
      flotilla ledger sql "SELECT ..." --data-dir flotilla-data/n1 --at 120
      """,
    discussion: """
      Tables: accounts, transfers, entries, projection. Views: balances, postings, open_holds, \
      currencies, zero_sums. The rows are of one entry of the log, which no write that was \
      acknowledged before comes after. Only statements that read are taken. --timeout also bounds \
      the statement, and Ctrl-C ends it.


      """ + ExitCode.discussion(ledgerCodes + [.undecided, .interrupted]))
  static let variableOptions =
    LedgerSourceOptions.variableOptions + LedgerFileOptions.variableOptions
    + VariableOption.flags("csv")

  @Argument(help: "The statement.") var statement: String
  @Flag(help: .option("csv", "Rows as CSV, after the names of the columns.")) var csv = false
  @OptionGroup var files: LedgerFileOptions
  @OptionGroup var source: LedgerSourceOptions

  func validate() throws { try files.check(source) }

  func run() async throws {
    #if SQL
    let work = WorkingFile(files.file)
    defer { work.remove() }
    if !files.asIs { _ = try await source.bringUp(work) }
    Interrupt.shared.install(source.connection.screen)
    let question = LedgerQuestion(
      statement: statement, path: work.path, isCSV: csv, connection: source.connection)
    try question.ask()
    #else
    throw Failure.withoutSQL
    #endif
  }
}

struct ExportLedger: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Bring a file of SQLite up to date with the ledger.",
    usage: """
      flotilla ledger export ledger.sqlite
      flotilla ledger export ledger.sqlite --data-dir flotilla-data/n1 --at 120
      """,
    discussion: """
      The file is made if it is not there. Otherwise it must be of the same cluster, and only what \
      has changed since is written. Whatever happens meanwhile, the file is the ledger as of one \
      entry.


      """ + ExitCode.discussion(ledgerCodes))
  static let variableOptions = LedgerSourceOptions.variableOptions

  @Argument(help: "The file.") var file: String
  @OptionGroup var source: LedgerSourceOptions

  func run() async throws {
    #if SQL
    let change = try await source.bringUp(WorkingFile(file))
    source.show(change, of: file)
    #else
    throw Failure.withoutSQL
    #endif
  }
}

struct FollowLedger: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "follow", abstract: "Keep a file of SQLite up to date, until Ctrl-C.",
    usage: """
      flotilla ledger follow ledger.sqlite
      flotilla ledger follow ledger.sqlite --every 5s --format jsonl
      """,
    discussion: """
      As export, again and again; a line for each time that something has changed. While no node \
      answers it waits. Killed at any moment, it leaves the ledger as of an entry, and goes on \
      there when it is started again.


      """ + ExitCode.discussion(ledgerCodes + [.interrupted]))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("every", "count")

  @Argument(help: "The file.") var file: String
  @Option(help: .option("every", "How often the cluster is asked.", value: "time"))
  var every: TimeArgument?
  @Option(help: .option("count", "Stop after so many changes.", value: "n")) var count: UInt64?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    #if SQL
    Interrupt.shared.install(connection.screen)
    try await LedgerFollower(
      file: file, pause: every?.nanoseconds ?? 1_000_000_000, count: count ?? .max,
      connection: connection
    ).run()
    #else
    throw Failure.withoutSQL
    #endif
  }
}

struct CopyLedger: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy", abstract: "The ledger as a script for PostgreSQL's psql.",
    usage: """
      flotilla ledger copy | psql DATABASE
      flotilla ledger copy --file ledger.sqlite --schema ledger | psql DATABASE
      """,
    discussion: """
      The script makes the tables and fills them, in one transaction: whoever reads them sees the \
      ledger as of one entry. Run again, it puts newer rows in the place of the older ones.


      """ + ExitCode.discussion(ledgerCodes))
  static let variableOptions =
    LedgerSourceOptions.variableOptions + LedgerFileOptions.variableOptions
    + VariableOption.values("schema")

  @Option(help: .option("schema", "The schema of PostgreSQL for the tables.", value: "name"))
  var schema: String = "flotilla"
  @OptionGroup var files: LedgerFileOptions
  @OptionGroup var source: LedgerSourceOptions

  func validate() throws {
    try files.check(source)
    guard (1...63).contains(schema.utf8.count), !schema.utf8.contains(where: { $0 < 0x20 }) else {
      throw ValidationError("--schema is a name of 1 to 63 bytes")
    }
  }

  func run() async throws {
    #if SQL
    let work = WorkingFile(files.file)
    defer { work.remove() }
    if !files.asIs {
      let change = try await source.bringUp(work)
      source.connection.screen.note(change.sentence)
    }
    do {
      try work.reading().copy(toSchema: schema) { try Output.write($0) }
    } catch let stop as Stop {
      throw stop
    } catch {
      throw Failure(projection: error, work.path)
    }
    #else
    throw Failure.withoutSQL
    #endif
  }
}

#if !SQL
extension Failure {
  /// What these commands say where they are not built.
  static var withoutSQL: Failure {
    Failure(
      .usage, "this flotilla was built without SQL",
      hint: "swift build -c release --traits SQL --product flotilla")
  }
}
#endif
#endif

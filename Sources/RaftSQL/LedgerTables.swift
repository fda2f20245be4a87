#if SQL
// The tables and views of a ledger. One description makes what SQLite gets and what PostgreSQL
// gets; `Docs/Reference/sql.md` says what the columns mean.

/// A column of a table.
struct LedgerColumn: Sendable {
  enum Kind: Sendable {
    case integer
    case text
    case bytes
  }

  var name: String
  var kind: Kind
  var isOptional = false

  static func integer(_ name: String) -> LedgerColumn { LedgerColumn(name: name, kind: .integer) }
  static func text(_ name: String) -> LedgerColumn { LedgerColumn(name: name, kind: .text) }
  static func bytes(_ name: String) -> LedgerColumn { LedgerColumn(name: name, kind: .bytes) }

  /// The same, which may be NULL.
  var optional: LedgerColumn {
    var column = self
    column.isOptional = true
    return column
  }
}

/// A table of the ledger.
struct LedgerTable: Sendable {
  var name: String
  /// The first is the primary key.
  var columns: [LedgerColumn]
  /// Columns that have an index, beside the key.
  var indexed: [String] = []

  /// The columns' names, separated by commas.
  var names: String { columns.map { $0.name }.joined(separator: ", ") }

  /// What makes the table in SQLite.
  var sqlite: String {
    let lines = columns.enumerated().map { place, column in
      let type =
        switch column.kind {
        case .integer: "INTEGER"
        case .text: "TEXT"
        case .bytes: "BLOB"
        }
      let key = place == 0 ? " PRIMARY KEY" : ""
      return "  \(column.name) \(type)\(column.isOptional ? "" : " NOT NULL")\(key)"
    }
    return "CREATE TABLE \(name) (\n\(lines.joined(separator: ",\n"))\n);"
  }

  /// What makes the table in PostgreSQL, if it is not there.
  var postgres: String {
    let lines = columns.enumerated().map { place, column in
      let type =
        switch column.kind {
        case .integer: "bigint"
        case .text: "text"
        case .bytes: "bytea"
        }
      let key = place == 0 ? " PRIMARY KEY" : ""
      return "  \(column.name) \(type)\(column.isOptional ? "" : " NOT NULL")\(key)"
    }
    return "CREATE TABLE IF NOT EXISTS \(name) (\n\(lines.joined(separator: ",\n"))\n);"
  }

  /// The indexes, in both.
  var indexes: [String] {
    indexed.map { "CREATE INDEX IF NOT EXISTS \(name)_by_\($0) ON \(name) (\($0));" }
  }

  /// A statement that puts a row in the place of the one that has its key.
  var upsert: String {
    let marks = columns.map { _ in "?" }.joined(separator: ", ")
    return "INSERT OR REPLACE INTO \(name) (\(names)) VALUES (\(marks))"
  }
}

/// The schema of a ledger as tables.
enum LedgerSchema {
  /// Grows when a table or a view changes.
  static let version: Int64 = 1
  /// What tells a file of ours from others: "Flot", in the head of the file.
  static let applicationID: Int64 = 0x466c_6f74

  static let projection = LedgerTable(
    name: "projection",
    columns: [
      .integer("schema_version"), .text("cluster"), .integer("log_index"),
      .integer("log_term").optional, .integer("log_time_ns").optional, .text("digest").optional,
      .integer("limits_index"), .integer("accounts"), .integer("transfers"),
      .integer("first_transfer"), .integer("first_key"), .integer("history_from"),
      .integer("key_window_ns"), .integer("key_lead_ns"), .integer("maximum_keys"),
      .integer("history_transfers").optional, .integer("history_ns").optional,
    ])

  static let accounts = LedgerTable(
    name: "accounts",
    columns: [
      .integer("position"), .text("id"), .bytes("id_bytes"), .text("currency"),
      .integer("digits"), .integer("currency_number"), .integer("posted_debits"),
      .integer("posted_credits"), .integer("pending_debits"), .integer("pending_credits"),
      .integer("overdraft").optional, .integer("ceiling").optional, .integer("opened_index"),
      .integer("code"), .integer("newest_transfer").optional, .integer("is_closed"),
    ], indexed: ["id"])

  static let transfers = LedgerTable(
    name: "transfers",
    columns: [
      .integer("number"), .text("kind"), .text("debit"), .text("credit"), .integer("amount"),
      .integer("settled"), .integer("released").optional, .text("state").optional,
      .integer("deadline_ns").optional, .integer("reference").optional, .text("key").optional,
      .integer("log_index"), .integer("time_ns"), .integer("note"), .integer("code"),
      .integer("is_linked"), .integer("keeps_rest"), .integer("is_all"),
    ], indexed: ["debit", "credit", "log_index", "reference", "key"])

  static let entries = LedgerTable(
    name: "entries",
    columns: [
      .integer("log_index"), .integer("lamport"), .integer("hybrid_ns"),
      .integer("hybrid_logical"), .text("vector"),
    ])

  static let tables = [projection, accounts, transfers, entries]

  /// The views that both databases take as they are.
  private static let views: [(name: String, text: String)] = [
    (
      "balances",
      """
      SELECT id AS account, currency, digits, posted_credits - posted_debits AS balance,
        posted_credits - posted_debits - pending_debits AS free,
        pending_debits AS held_out, pending_credits AS held_in, overdraft, ceiling, is_closed
      FROM accounts
      """
    ),
    (
      "postings",
      """
      SELECT number, debit AS account, credit AS other, -amount AS amount, kind, log_index, time_ns
      FROM transfers WHERE kind IN ('transfer', 'capture', 'refund')
      UNION ALL
      SELECT number, credit, debit, amount, kind, log_index, time_ns
      FROM transfers WHERE kind IN ('transfer', 'capture', 'refund')
      """
    ),
    (
      "open_holds",
      """
      SELECT number, debit, credit, amount - settled AS held, deadline_ns, log_index, time_ns, key
      FROM transfers WHERE kind = 'hold' AND state = 'open'
      """
    ),
  ]

  /// Sums of SQLite fail beyond 63 bits, so these are added in two halves.
  private static let sqliteViews: [(name: String, text: String)] = [
    ("currencies", sqliteCurrencies), ("zero_sums", sqliteZeroSums),
  ]

  private static let sqliteCurrencies: String = {
    let sums = ["posted_debits", "posted_credits", "pending_debits", "pending_credits"]
    let halves = sums.map {
      "sum(\($0) >> 32) AS \($0)_high, sum(\($0) & 4294967295) AS \($0)_low"
    }
    let wholes = sums.map {
      """
      CASE WHEN \($0)_high + (\($0)_low >> 32) < 2147483648
          THEN (\($0)_high << 32) + \($0)_low
          ELSE \($0)_high * 4294967296.0 + \($0)_low END AS \($0)
      """
    }
    return """
      SELECT currency, digits, currency_number, accounts,
        \(wholes.joined(separator: ",\n  "))
      FROM (SELECT currency, digits, currency_number, count(*) AS accounts,
        \(halves.joined(separator: ",\n  "))
        FROM accounts GROUP BY currency_number, currency, digits)
      """
  }()

  private static let sqliteZeroSums = """
    SELECT currency, digits, currency_number, 'posted' AS what,
      (sum(posted_credits >> 32) - sum(posted_debits >> 32)) * 4294967296
      + sum(posted_credits & 4294967295) - sum(posted_debits & 4294967295) AS sum
    FROM accounts GROUP BY currency_number, currency, digits
    UNION ALL
    SELECT currency, digits, currency_number, 'pending',
      (sum(pending_credits >> 32) - sum(pending_debits >> 32)) * 4294967296
      + sum(pending_credits & 4294967295) - sum(pending_debits & 4294967295)
    FROM accounts GROUP BY currency_number, currency, digits
    UNION ALL
    SELECT currency, digits, currency_number, 'holds',
      sum(((pending_debits - held) >> 32)) * 4294967296
      + sum((pending_debits - held) & 4294967295)
    FROM (SELECT a.*, coalesce(h.held, 0) AS held FROM accounts AS a
      LEFT JOIN (SELECT debit, sum(held) AS held FROM open_holds GROUP BY debit) AS h
      ON h.debit = a.id)
    GROUP BY currency_number, currency, digits
    """

  private static let postgresViews: [(name: String, text: String)] = [
    (
      "currencies",
      """
      SELECT currency, digits, currency_number, count(*) AS accounts,
        sum(posted_debits) AS posted_debits, sum(posted_credits) AS posted_credits,
        sum(pending_debits) AS pending_debits, sum(pending_credits) AS pending_credits
      FROM accounts GROUP BY currency_number, currency, digits
      """
    ),
    (
      "zero_sums",
      """
      SELECT currency, digits, currency_number, 'posted' AS what,
        sum(posted_credits) - sum(posted_debits) AS sum
      FROM accounts GROUP BY currency_number, currency, digits
      UNION ALL
      SELECT currency, digits, currency_number, 'pending',
        sum(pending_credits) - sum(pending_debits)
      FROM accounts GROUP BY currency_number, currency, digits
      UNION ALL
      SELECT currency, digits, currency_number, 'holds', sum(pending_debits - coalesce(held, 0))
      FROM accounts LEFT JOIN (SELECT debit, sum(held) AS held FROM open_holds GROUP BY debit) AS h
      ON h.debit = id
      GROUP BY currency_number, currency, digits
      """
    ),
  ]

  /// Makes all of it in an empty file of SQLite.
  static let sqlite: String = {
    let made = tables.map { $0.sqlite } + tables.flatMap { $0.indexes }
    let seen = (views + sqliteViews).map { "CREATE VIEW \($0.name) AS\n\($0.text);" }
    return
      (made + seen + [
        "PRAGMA application_id = \(applicationID);", "PRAGMA user_version = \(version);",
      ]).joined(separator: "\n")
  }()

  /// Makes all of it in PostgreSQL where it is not there, in the schema that is first on the path.
  static let postgres: String = {
    let made = tables.map { $0.postgres } + tables.flatMap { $0.indexes }
    let seen = (views + postgresViews).map {
      "CREATE OR REPLACE VIEW \($0.name) AS\n\($0.text);"
    }
    return (made + seen).joined(separator: "\n")
  }()
}
#endif

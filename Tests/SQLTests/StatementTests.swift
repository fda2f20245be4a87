#if SQL
import Foundation
import Raft
import Testing

@testable import RaftMachines
@testable import RaftSQL

@Suite("Statements, and files that are not ours")
struct StatementTests {
  private static func file(entries: Int = 30) throws -> TemporaryFile {
    var log = RandomLedger(seed: 20)
    for _ in 0..<entries { log.step() }
    let file = try TemporaryFile()
    _ = try LedgerProjection(at: file.path).apply(log.extract())
    return file
  }

  @Test(
    "A statement that does more than read is refused before it runs",
    arguments: [
      "DELETE FROM accounts", "UPDATE accounts SET code = 1", "DROP TABLE accounts",
      "INSERT INTO entries VALUES (1, 2, 3, 4, '') RETURNING lamport",
      "CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "ATTACH 'other.sqlite' AS other",
      "VACUUM INTO 'copy.sqlite'", "VACUUM", "BEGIN", "PRAGMA user_version = 7",
      "WITH a AS (SELECT 1) DELETE FROM accounts", "SAVEPOINT a",
    ])
  func refusesWriting(statement: String) throws {
    let file = try StatementTests.file()
    let reading = try LedgerReading(at: file.path)
    let before = try reading.everything()
    #expect {
      try reading.rows(statement)
    } throws: { error in
      guard case .writes? = error as? ProjectionError else { return false }
      return true
    }
    #expect(try reading.everything() == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: file.folder) == ["ledger.sqlite"])
  }

  @Test(
    "What is no statement, or two, is told in the words of SQLite",
    arguments: [
      "", "SELEC 1", "SELECT nothing FROM accounts", "SELECT 1; DELETE FROM accounts",
      "SELECT * FROM accounts WHERE id = \"alice\"", "SELECT load_extension('a')",
    ])
  func malformed(statement: String) throws {
    let file = try StatementTests.file()
    let reading = try LedgerReading(at: file.path)
    let before = try reading.everything()
    #expect(throws: ProjectionError.self) { try reading.rows(statement) }
    #expect(try reading.everything() == before)
  }

  @Test("A statement without end can be stopped, and the next one runs")
  func interrupts() throws {
    let file = try StatementTests.file()
    defer { withExtendedLifetime(file) {} }
    let reading = try LedgerReading(at: file.path)
    Thread.detachNewThread {
      for _ in 0..<40 {
        Thread.sleep(forTimeInterval: 0.05)
        reading.interrupt()
      }
    }
    #expect {
      try reading.rows(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n")
    } throws: { error in
      guard case .interrupted? = error as? ProjectionError else { return false }
      return true
    }
    #expect(try reading.rows("SELECT 1") == [[.integer(1)]])
  }

  @Test("Values come as the bytes that they are, zeros and all")
  func values() throws {
    let file = try StatementTests.file()
    defer { withExtendedLifetime(file) {} }
    let reading = try LedgerReading(at: file.path)
    #expect(
      try reading.rows("SELECT NULL, -1, 1.5, cast(x'61006280ff' AS TEXT), x'00ff', ''")
        == [
          [
            .null, .integer(-1), .real(1.5), .text([0x61, 0, 0x62, 0x80, 0xff]), .blob([0, 0xff]),
            .text([]),
          ]
        ])
  }

  @Test("A file of somebody else's is left as it is")
  func foreignFiles() throws {
    let file = try TemporaryFile()
    let text = Data(String(repeating: "no tables here ", count: 100).utf8)
    try text.write(to: URL(fileURLWithPath: file.path))
    #expect(throws: ProjectionError.self) { try LedgerProjection(at: file.path) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: file.path)) == text)
    #expect(throws: ProjectionError.self) { try LedgerReading(at: file.path) }
    #expect(throws: ProjectionError.self) { try LedgerReading(at: file.folder + "/nothing") }
    #expect(throws: ProjectionError.self) { try LedgerProjection(at: file.folder + "/no/f") }
  }

  @Test("Rows of another cluster, of an earlier entry, or after another one do not get in")
  func doesNotFit() throws {
    var log = RandomLedger(seed: 21)
    for _ in 0..<20 { log.step() }
    let early = log.extract()
    for _ in 0..<5 { log.step() }
    let middle = log.replica.applied
    for _ in 0..<5 { log.step() }
    let file = try TemporaryFile()
    let projection = try LedgerProjection(at: file.path)
    _ = try projection.apply(log.extract())
    let before = try LedgerReading(at: file.path).everything()
    #expect(throws: ProjectionError.self) { try projection.apply(early) }
    #expect(throws: ProjectionError.self) { try projection.apply(log.extract(after: middle)) }
    var origin = log.origin
    origin.clusterLow = 2
    var other = LedgerExtractWriter(
      LedgerExtract(of: log.ledger, stamps: log.replica.stamps, origin))
    let bytes = other.all()
    #expect(throws: ProjectionError.self) { try projection.apply(bytes) }
    #expect(try LedgerReading(at: file.path).everything() == before)
    #expect(try projection.apply(bytes, isReplacing: true).isWhole)
    #expect(try projection.apply(early, isReplacing: true).isWhole)
  }

  @Test("The lines for COPY say again what the tables hold")
  func copyLines() throws {
    let file = try StatementTests.file(entries: 80)
    let reading = try LedgerReading(at: file.path)
    var script: [UInt8] = []
    try reading.copy(toSchema: "a \"b\"") { script += $0 }
    let lines = script.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    #expect(script.starts(with: Array("\\set ON_ERROR_STOP on\n".utf8)))
    #expect(
      lines.contains { $0.elementsEqual(Array(#"SET LOCAL search_path TO "a ""b""";"#.utf8)) })
    for (table, rows) in zip(["accounts", "transfers", "entries"], try reading.tables()) {
      let start = try #require(
        lines.firstIndex { $0.starts(with: Array("COPY \(table) (".utf8)) })
      let found = lines[(start + 1)...].prefix { !$0.elementsEqual(Array("\\.".utf8)) }
      #expect(
        found.map { $0.split(separator: 9, omittingEmptySubsequences: false).count }
          == rows.map { $0.count })
      #expect(
        found.map { StatementTests.fields($0) } == rows.map { $0.map { StatementTests.bytes($0) } })
    }
  }

  /// The fields of a line as PostgreSQL reads them.
  private static func fields(_ line: ArraySlice<UInt8>) -> [[UInt8]?] {
    line.split(separator: 9, omittingEmptySubsequences: false).map { field in
      if field.elementsEqual(Array("\\N".utf8)) { return nil }
      var bytes: [UInt8] = []
      var iterator = field.makeIterator()
      while let byte = iterator.next() {
        guard byte == UInt8(ascii: "\\"), let next = iterator.next() else {
          bytes.append(byte)
          continue
        }
        switch next {
        case UInt8(ascii: "t"): bytes.append(9)
        case UInt8(ascii: "n"): bytes.append(10)
        case UInt8(ascii: "r"): bytes.append(13)
        default: bytes.append(next)
        }
      }
      return bytes
    }
  }

  private static func bytes(_ value: SQLValue) -> [UInt8]? {
    switch value {
    case .null: nil
    case .integer(let number): Array(String(number).utf8)
    case .real(let number): Array(String(number).utf8)
    case .text(let bytes): bytes
    case .blob(let bytes):
      Array("\\x".utf8)
        + bytes.flatMap { Array(($0 < 16 ? "0" : "").utf8) + Array(String($0, radix: 16).utf8) }
    }
  }
}
#endif

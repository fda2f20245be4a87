#if SQL
import Foundation
import Raft
import RaftInterface
import Testing

@testable import RaftMachines
@testable import RaftSQL

/// What is told of large answers, and of files that cannot be read.
struct AnswerTests {
  private static func file() throws -> TemporaryFile {
    var log = RandomLedger(seed: 30)
    for _ in 0..<60 { log.step() }
    let file = try TemporaryFile()
    _ = try LedgerProjection(at: file.path).apply(log.extract())
    return file
  }

  private static func content(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private static func failure(_ body: () throws -> Void) -> ProjectionError? {
    do { try body() } catch { return error as? ProjectionError }
    return nil
  }

  @Test func `of two statements neither is run`() throws {
    let file = try AnswerTests.file()
    defer { withExtendedLifetime(file) {} }
    let reading = try LedgerReading(at: file.path)
    for text in ["SELECT 1; DROP TABLE accounts", "SELECT 1; SELEC"] {
      let failure = AnswerTests.failure { _ = try reading.rows(text) }
      guard case .severalStatements? = failure else {
        Issue.record("\(text): \(String(describing: failure))")
        continue
      }
      #expect(failure?.description == "one statement at a time")
    }
    #expect(try reading.rows("SELECT 1;") == [[.integer(1)]])
  }

  @Test func `a value and a row have a greatest length, which is told`() throws {
    let file = try AnswerTests.file()
    defer { withExtendedLifetime(file) {} }
    let reading = try LedgerReading(at: file.path)
    for text in [
      "SELECT hex(zeroblob(400000000))", "SELECT zeroblob(9000000), zeroblob(9000000)",
      "SELECT replace(hex(zeroblob(8000000)), '0', '00')",
    ] {
      let failure = AnswerTests.failure { _ = try reading.rows(text) }
      guard case .tooLong? = failure else {
        Issue.record("\(text): \(String(describing: failure))")
        continue
      }
      #expect(failure?.description.contains("16 MiB") ?? false)
    }
    #expect(
      try reading.rows("SELECT length(hex(zeroblob(8000000)))") == [[.integer(16_000_000)]])
  }

  @Test func `each form writes bytes as it should`() {
    let blob = SQLValue.blob([0, 0x0f, 0xf0, 0xff])
    #expect(blob.cell(upTo: 10) == "x'000ff0ff'")
    #expect(blob.cell(upTo: 2) == "x'000f…")
    #expect(blob.csv == Array("\\x000ff0ff".utf8))
    #expect(SQLValue.text([0xff]).cell(upTo: 10) == "x'ff'")
    #expect(SQLValue.text(Array("a\u{1B}\n".utf8)).cell(upTo: 10) == "a\\u{1b}\\n")
    #expect(SQLValue.text(Array("abc".utf8)).cell(upTo: 3) == "abc")
    #expect(SQLValue.text(Array("abü".utf8)).cell(upTo: 3) == "ab…")
    #expect(SQLValue.text([]).csv == Array("\"\"".utf8))
    #expect(SQLValue.text(Array("a\",b".utf8)).csv == Array("\"a\"\",b\"".utf8))
    #expect(SQLValue.text(Array("a b".utf8)).csv == Array("a b".utf8))
  }

  @Test(arguments: [0, 1, 3])
  func `a document in pieces is the same as one page`(count: Int) {
    let row: [SQLValue] = [.integer(-7), .null, .text(Array("a\nb".utf8)), .blob([1, 2])]
    let columns = ["a", "b", "c", "d"]
    var document = RowsDocument(index: LogIndex(9), columns: columns)
    var bytes: [UInt8] = []
    for _ in 0..<count { bytes += document.piece(row) }
    bytes += document.end()
    let whole = JSONValue.object([
      .init("schema", .string("flotilla/ledger-rows/1")), .init("index", .string("9")),
      .init("columns", .array(columns.map { .string($0) })),
      .init("rows", .array(Array(repeating: .array(row.map { $0.json }), count: count))),
    ])
    #expect(String(decoding: bytes, as: UTF8.self) == whole.page + "\n")
  }

  @Test func `a file of ours that is cut off is malformed, and known to be ours`() throws {
    let file = try AnswerTests.file()
    defer { withExtendedLifetime(file) {} }
    #expect(!LedgerProjection.isMalformed(at: file.path))
    let whole = try AnswerTests.content(file.path)
    let torn = whole.prefix(whole.count / 8_192 * 4_096)
    try torn.write(to: URL(fileURLWithPath: file.path))
    let openings: [() throws -> Void] = [
      { _ = try LedgerReading(at: file.path) }, { _ = try LedgerProjection(at: file.path) },
    ]
    for open in openings {
      let failure = AnswerTests.failure(open)
      guard case .malformed? = failure else {
        Issue.record("\(String(describing: failure))")
        continue
      }
    }
    #expect(LedgerProjection.isMalformed(at: file.path))
    #expect(try AnswerTests.content(file.path) == torn)
  }

  @Test func `a file of ours with other bytes in its middle is malformed`() throws {
    let file = try AnswerTests.file()
    defer { withExtendedLifetime(file) {} }
    var bytes = Array(try AnswerTests.content(file.path))
    for place in (bytes.count / 2)..<bytes.count { bytes[place] = 0xa5 }
    try Data(bytes).write(to: URL(fileURLWithPath: file.path))
    #expect(LedgerProjection.isMalformed(at: file.path))
  }

  @Test func `a damaged file of somebody else's is not ours`() throws {
    let file = try AnswerTests.file()
    defer { withExtendedLifetime(file) {} }
    var bytes = Array(try AnswerTests.content(file.path))
    bytes.removeLast(bytes.count / 2)
    for place in 68..<72 { bytes[place] = 0 }
    try Data(bytes).write(to: URL(fileURLWithPath: file.path))
    let failure = AnswerTests.failure { _ = try LedgerProjection(at: file.path) }
    guard case .notOurs? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(!LedgerProjection.isMalformed(at: file.path))
    #expect(Array(try AnswerTests.content(file.path)) == bytes)
  }

  @Test func `what cannot be opened is told with the reason`() throws {
    let file = try TemporaryFile()
    defer { withExtendedLifetime(file) {} }
    for (path, reason) in [
      (file.path, "it does not exist"), (file.folder, "it is a folder"),
      (file.folder + "/none/x.sqlite", "the folder \(file.folder)/none does not exist"),
    ] {
      let failure = AnswerTests.failure { _ = try LedgerReading(at: path) }
      #expect(failure?.description == "\(path) cannot be opened: \(reason)")
    }
    let made = AnswerTests.failure { _ = try LedgerProjection(at: file.folder + "/none/x.sqlite") }
    #expect(made?.description.contains("none does not exist") ?? false)
  }
}
#endif

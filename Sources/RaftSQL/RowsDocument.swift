#if SQL
// Rows as one document of JSON, which is never held as a whole.

import Raft
import RaftInterface

/// A document with rows, a piece at a time. All pieces together are the page of that document.
package struct RowsDocument {
  private let head: [UInt8]
  private var hasRows = false

  /// A document without rows so far.
  ///
  /// - Parameters:
  ///   - index: the entry that the rows are of, if it is known.
  ///   - columns: the names of the columns.
  package init(index: LogIndex?, columns: [String]) {
    let page = JSONValue.object([
      .init("schema", .string("flotilla/ledger-rows/1")),
      .init("index", index.map { .text($0.rawValue) } ?? .null),
      .init("columns", .array(columns.map { .string($0) })),
    ]).page
    // Its last line is the end of the object, which comes after the rows.
    head = Array(page.utf8.dropLast(2)) + Array(",\n  \"rows\": [".utf8)
  }

  /// The piece with one more row; the first has what comes before all rows.
  package mutating func piece(_ row: [SQLValue]) -> [UInt8] {
    var piece = hasRows ? [UInt8(ascii: ",")] : head
    hasRows = true
    piece += Array("\n    ".utf8)
    for byte in JSONValue.array(row.map { $0.json }).page.utf8 {
      piece.append(byte)
      if byte == UInt8(ascii: "\n") { piece += Array("    ".utf8) }
    }
    return piece
  }

  /// The last piece.
  package func end() -> [UInt8] {
    (hasRows ? Array("\n  ]".utf8) : head + Array("]".utf8)) + Array("\n}\n".utf8)
  }
}
#endif

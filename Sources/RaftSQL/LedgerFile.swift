#if SQL
// What a file is, where SQLite says that it cannot be read.

import Foundation
import GRDB

/// A file by itself, without its tables.
enum LedgerFile {
  /// How long the head of a file of SQLite is.
  private static let headBytes = 100

  /// Whether the head of a file says that it is one of ours, whatever became of the rest.
  static func isOursByHead(_ path: String) -> Bool {
    guard let file = FileHandle(forReadingAtPath: path) else { return false }
    defer { try? file.close() }
    guard let data = try? file.read(upToCount: headBytes), data.count == headBytes else {
      return false
    }
    let head = Array(data)
    guard head.starts(with: Array("SQLite format 3\0".utf8)) else { return false }
    let application = head[68..<72].reduce(Int64(0)) { $0 << 8 | Int64($1) }
    return application == LedgerSchema.applicationID
  }

  /// Why a file cannot be opened; `nil` if it is not known.
  static func obstacle(_ path: String) -> String? {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      if isFolder.boolValue { return "it is a folder" }
      return FileManager.default.isReadableFile(atPath: path) ? nil : "it may not be read"
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
      return "the folder \(folder) does not exist"
    }
    guard isFolder.boolValue else { return "\(folder) is no folder" }
    return FileManager.default.isWritableFile(atPath: folder)
      ? "it does not exist" : "it does not exist, and the folder \(folder) may not be written"
  }

  /// Whether a file is one of ours, and so damaged that it cannot be brought up to date.
  ///
  /// - Complexity: O(bytes in the file).
  static func isMalformed(_ path: String) -> Bool {
    guard isOursByHead(path) else { return false }
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      return try queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") } != "ok"
    } catch {
      guard case .malformed = ProjectionError(error, path) else { return false }
      return true
    }
  }
}
#endif

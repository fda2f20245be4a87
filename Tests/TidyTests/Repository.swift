import Foundation

/// The files of this checkout that the rules look at.
enum Repository {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let swiftFiles: [SourceFile] =
    (files(below: ["Sources", "Tests", "Simulations"], "swift").filter { !isGenerated($0) }
    + ["Package.swift"]).map { SourceFile(path: $0, source: text($0)) }

  /// Whether a program wrote the file, by a style of its own. Its source, the description of the
  /// messages, is what people read.
  private static func isGenerated(_ path: String) -> Bool {
    path.hasPrefix("Sources/RaftGRPC/Generated/")
  }

  static let pages: [Page] =
    (["README.md", "CONTRIBUTING.md"].filter(exists)
    + files(below: ["Docs", "Sources", "Simulations"], "md")).map { Page(path: $0, text: text($0)) }

  static func text(_ path: String) -> String {
    let data = (try? Data(contentsOf: root.appending(path: path))) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  /// Paths relative to the root, sorted; folders whose name begins with a dot are passed over.
  private static func files(below folders: [String], _ suffix: String) -> [String] {
    folders.flatMap { folder -> [String] in
      let start = root.appending(path: folder)
      let names = FileManager.default.enumerator(atPath: start.path)?.compactMap { $0 as? String }
      return (names ?? []).filter { name in
        name.hasSuffix("." + suffix) && !name.split(separator: "/").contains { $0.hasPrefix(".") }
      }.sorted().map { folder + "/" + $0 }
    }
  }
}

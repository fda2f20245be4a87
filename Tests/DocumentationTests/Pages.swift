import Foundation

/// What this checkout holds of pages, twins, and the things that pages talk about.
enum Pages {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let paths =
    ["README.md", "CONTRIBUTING.md"].filter { !text($0).isEmpty } + files("Docs", "md")

  static let fences = paths.flatMap { Fence.all(in: text($0), page: $0) }

  static let twins = files("Tests/DocumentationTests/Twins", "swift").flatMap {
    Twin.all(in: text($0), file: $0)
  }

  static let catalogue = Catalogue(
    manifest: text("Package.swift"),
    sources: files("Sources", "swift").map { ($0, text($0)) },
    tests: files("Tests", "swift").map { ($0, text($0)) })

  static func text(_ path: String) -> String {
    let data = (try? Data(contentsOf: root.appending(path: path))) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  static func files(_ folder: String, _ suffix: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)?
      .compactMap { $0 as? String }
    return (names ?? []).filter { $0.hasSuffix("." + suffix) }.sorted().map { folder + "/" + $0 }
  }
}

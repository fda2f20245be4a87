import Foundation

/// What this checkout holds of pages, twins, and the things that pages talk about.
enum Pages {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let paths =
    ["README.md", "CONTRIBUTING.md"].filter { !text($0).isEmpty } + files("Docs", "md")

  static let fences = paths.flatMap { Fence.all(in: text($0), page: $0) }

  /// The package in the tutorial is compiled and tested by itself: `.ci/tutorial`.
  static let twins = ["Tests/DocumentationTests/Twins", "Docs/Tutorial/Bank"].flatMap {
    files($0, "swift")
  }.flatMap { Twin.all(in: text($0), file: $0) }

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
    // What a build has left is not ours.
    return (names ?? []).filter { $0.hasSuffix("." + suffix) && !$0.contains(".build/") }.sorted()
      .map { folder + "/" + $0 }
  }
}

// Which code this is, for trace headers and for the sentence that a seed belongs to it.

import Foundation

package enum Version {
  package static let number = "0.1.0"

  package static let swift: String = {
    #if swift(>=6.4)
    "Swift 6.4 or later"
    #elseif swift(>=6.3)
    "Swift 6.3"
    #else
    "Swift 6.2"
    #endif
  }()

  package static let platform: String = {
    #if os(Linux)
    let system = "linux"
    #elseif os(macOS)
    let system = "macos"
    #else
    let system = "other"
    #endif
    #if arch(x86_64)
    return system + "-x86_64"
    #elseif arch(arm64)
    return system + "-arm64"
    #else
    return system
    #endif
  }()

  package static let build: String = {
    #if DEBUG
    "debug"
    #else
    "release"
    #endif
  }()

  package static var isDebug: Bool { build == "debug" }

  /// The first seven digits of the commit that the checkout around the executable stands at, if
  /// there is one. It tells nothing of changes that are not committed.
  package static let commit: String? = {
    guard let executable = Bundle.main.executableURL else { return nil }
    var folder = executable.resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/" {
      if let hash = head(of: folder.appendingPathComponent(".git")) {
        return String(hash.prefix(7))
      }
      folder.deleteLastPathComponent()
    }
    return nil
  }()

  /// `0.1.0+3c1d9aa`, or `0.1.0`.
  package static var code: String { number + (commit.map { "+" + $0 } ?? "") }

  package static var line: String { "\(code), \(swift), \(platform), \(build)" }

  private static func head(of git: URL) -> String? {
    var folder = git
    if let pointer = read(git), pointer.hasPrefix("gitdir: ") {
      folder = URL(
        fileURLWithPath: String(pointer.dropFirst(8)), relativeTo: git.deletingLastPathComponent())
    }
    guard let head = read(folder.appendingPathComponent("HEAD")) else { return nil }
    guard head.hasPrefix("ref: ") else { return head }
    let name = String(head.dropFirst(5))
    var shared = folder
    if let common = read(folder.appendingPathComponent("commondir")) {
      shared = URL(fileURLWithPath: common, relativeTo: folder)
    }
    if let hash = read(shared.appendingPathComponent(name)) { return hash }
    let packed = read(shared.appendingPathComponent("packed-refs")) ?? ""
    let line = packed.split(separator: "\n").first { $0.hasSuffix(" " + name) }
    return line.map { String($0.prefix(40)) }
  }

  private static func read(_ file: URL) -> String? {
    guard let data = try? Data(contentsOf: file) else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

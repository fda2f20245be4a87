import Foundation
import Testing

/// The built command line, run as a process of its own, as a user runs it.
enum Tool {
  struct Result {
    var code: Int32
    var out: String
    var err: String

    var lines: [String] { out.split(separator: "\n").map(String.init) }
  }

  /// Where the build put the executable: beside the bundle of these tests.
  static let path: String = {
    let folders =
      Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }
      .map { $0.bundleURL.deletingLastPathComponent() }
      + [Bundle.main.executableURL, Bundle.main.bundleURL].compactMap { $0 }
      .map { $0.deletingLastPathComponent() } + [Bundle.main.bundleURL]
    let candidates = folders.map { $0.appendingPathComponent("flotilla-sim").path }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
      ?? "flotilla-sim was not built beside the tests"
  }()

  /// Our own environment without anything that steers the tool.
  static func environment(_ more: [String: String]) -> [String: String] {
    var clean = ProcessInfo.processInfo.environment.filter { name, _ in
      !name.hasPrefix("FLOTILLA_") && !["NO_COLOR", "COLUMNS", "TERM"].contains(name)
    }
    clean["LC_ALL"] = "C.UTF-8"
    return clean.merging(more) { $1 }
  }

  /// Runs a command line to its end.
  static func run(
    _ arguments: String..., environment: [String: String] = [:], folder: URL? = nil
  ) throws -> Result {
    try start(arguments, environment: environment, folder: folder).finish()
  }

  static func start(
    _ arguments: [String], environment: [String: String] = [:], folder: URL? = nil
  ) throws -> Running {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = Tool.environment(environment)
    process.currentDirectoryURL = folder ?? Scratch.root
    process.standardInput = FileHandle.nullDevice
    return try Running(process)
  }
}

/// A process under way. Both streams are read all the time, so that it never waits for us.
final class Running: @unchecked Sendable {
  let process: Process
  private let lock = NSLock()
  private var out = Data()
  private var err = Data()
  private let readers = DispatchGroup()

  init(_ process: Process) throws {
    self.process = process
    let outPipe = Pipe()
    let errPipe = Pipe()
    process.standardOutput = outPipe
    process.standardError = errPipe
    try process.run()
    read(outPipe) { self.out.append($0) }
    read(errPipe) { self.err.append($0) }
  }

  private func read(_ pipe: Pipe, _ take: @escaping @Sendable (Data) -> Void) {
    readers.enter()
    let handle = pipe.fileHandleForReading
    Thread { [self] in
      while true {
        let data = handle.availableData
        if data.isEmpty { break }
        lock.lock()
        take(data)
        lock.unlock()
      }
      readers.leave()
    }.start()
  }

  /// What was written to standard output so far.
  var output: String {
    lock.lock()
    defer { lock.unlock() }
    return String(decoding: out, as: UTF8.self)
  }

  /// Waits until the output has something, for a while.
  func waitForOutput(_ isEnough: (String) -> Bool) -> Bool {
    for _ in 0..<600 {
      if isEnough(output) { return true }
      if !process.isRunning { return isEnough(output) }
      Thread.sleep(forTimeInterval: 0.05)
    }
    return false
  }

  /// Waits for the end, but not for ever: a command that takes so long is ended and fails its test.
  func finish(within seconds: Int = 240) -> Tool.Result {
    if readers.wait(timeout: .now() + .seconds(seconds)) == .timedOut {
      process.terminate()
      Thread.sleep(forTimeInterval: 1)
      process.terminate()
      readers.wait()
    }
    process.waitUntilExit()
    return Tool.Result(
      code: process.terminationStatus, out: output, err: String(decoding: err, as: UTF8.self))
  }
}

/// A folder of its own for each run of the tests.
enum Scratch {
  static let root: URL = {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("flotilla-command-tests-\(ProcessInfo.processInfo.processIdentifier)")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }()

  /// A new folder.
  static func folder(_ name: String = #function) throws -> URL {
    let word = String(name.filter { $0.isLetter })
    let folder = root.appendingPathComponent("\(word)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// A file with this text in a new folder.
  static func file(_ name: String, _ text: String) throws -> URL {
    let file = try folder(name).appendingPathComponent(name)
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file
  }
}

/// Files of expected output beside the tests.
enum Golden {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden")

  /// Compares `text` with the file, or writes the file if FLOTILLA_REWRITE is set. Commit a
  /// rewritten file only if you can explain each changed line.
  static func expect(
    _ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = folder.appendingPathComponent(name + ".txt")
    if ProcessInfo.processInfo.environment["FLOTILLA_REWRITE"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    guard text != expected else { return }
    let old = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let new = text.split(separator: "\n", omittingEmptySubsequences: false)
    let difference = new.difference(from: old).map { change in
      switch change {
      case .insert(_, let line, _): "+ \(line)"
      case .remove(_, let line, _): "- \(line)"
      }
    }
    Issue.record(
      "\(name) differs (- expected, + actual):\n\(difference.joined(separator: "\n"))",
      sourceLocation: sourceLocation)
  }

  /// The text with every number, digest and unit of time replaced, so that only the form is left.
  /// What is measured or depends on the protocol's details would change with every improvement.
  static func form(_ text: String) -> String {
    let whole = text.replacing(#/\n {11,}/#, with: " ").replacing(";\non other", with: "; on other")
      .replacing(#/\d+\.\d+\.\d+(\+[0-9a-f]+)?,? Swift [\d.]+/#, with: "VERSION")
      .replacing(#/missing: .*? (?=\(--)|missing: .*/#, with: "missing: LIST ")
    return whole.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var previous = ""
      let words = line.split(separator: " ").map { word -> String in
        defer { previous = String(word) }
        if previous.contains(where: \.isNumber), ["ns", "us", "ms", "s"].contains(word) {
          return "T"
        }
        return word.contains(where: \.isNumber) ? masked(word) : String(word)
      }
      return words.joined(separator: " ")
    }.joined(separator: "\n")
  }

  private static func masked(_ word: Substring) -> String {
    if word.count(where: \.isHexDigit) >= 16 { return "HEX" }
    var result = ""
    for letter in word {
      if letter.isNumber {
        if !result.hasSuffix("N") { result.append("N") }
      } else if !result.hasSuffix("N") || (letter != "," && letter != ".") {
        result.append(letter)
      }
    }
    return result
  }
}

import Foundation
import TestPace
import Testing

@Suite(.computing) struct Output {
  @Test func `a run in the form of text`() throws {
    let result = try Tool.run("simulate", "--scenario", "calm.yaml", folder: samples())
    try Golden.expect(Golden.form(result.out), "simulate-passed")
  }

  @Test func `a run that stalled in the form of text`() throws {
    let result = try Tool.run("simulate", "--scenario", "never-answered.yaml", folder: samples())
    try Golden.expect(Golden.form(result.out), "simulate-stalled")
  }

  @Test func `a sweep in the form of text`() throws {
    let result = try Tool.run(
      "simulate", "--scenario", "never-answered.yaml", "--seeds", "3", "--keep", "none", "--jobs",
      "2", folder: samples())
    #expect(result.code == 3)
    try Golden.expect(Golden.form(result.out), "sweep-stalled")
  }

  @Test func `a run for programs has stable keys and strings for wide numbers`() throws {
    let result = try Tool.run("simulate", "--scenario", Samples.calm, "--format", "json")
    let object = try decode(result.out)
    #expect(object["schema"] as? String == "flotilla-sim.run/1")
    #expect((object["seed"] as? String) == "0000000000000007")
    #expect((object["digest"] as? String)?.count == 16)
    #expect(object["virtualNanoseconds"] is String)
    try Golden.expect(keys(result.out), "simulate-json-keys")
  }

  @Test func `a sweep for programs is a line for each seed in order, then one for all`() throws {
    let result = try Tool.run(
      "simulate", "--scenario", Samples.calm, "--seed", "3", "--seeds", "6", "--jobs", "3",
      "--format", "jsonl")
    let objects = try result.lines.map(decode)
    #expect(objects.count == 7)
    let seeds = objects.compactMap { $0["seed"] as? String }.map { UInt64($0, radix: 16) }
    #expect(seeds == [3, 4, 5, 6, 7, 8])
    #expect(objects.last?["schema"] as? String == "flotilla-sim.sweep/1")
    #expect(objects.last?["runs"] as? Int == 6)
    // What CI compares must not be in the last line.
    #expect(objects.last?["digest"] == nil)
  }

  @Test func `the number of threads does not change what is found`() throws {
    func digests(_ jobs: String) throws -> [String] {
      try Tool.run(
        "simulate", "--seed", "1", "--seeds", "8", "--until", "300ms", "--jobs", jobs, "--format",
        "jsonl", "--keep", "none", "--no-corpus"
      ).lines.compactMap { try decode($0)["digest"] as? String }
    }
    let alone = try digests("1")
    #expect(alone.count == 8)
    #expect(try digests("4") == alone)
  }

  @Test func `shards are parts of the same sweep`() throws {
    func seeds(_ more: String...) throws -> [String] {
      let arguments =
        [
          "simulate", "--scenario", Samples.calm, "--seed", "1", "--seeds", "5", "--format",
          "jsonl",
        ]
        + more
      return try Tool.start(arguments).finish().lines.compactMap {
        try decode($0)["seed"] as? String
      }
    }
    let all = try seeds()
    #expect(all.count == 5)
    #expect(try (seeds("--shard", "1/2") + seeds("--shard", "2/2")).sorted() == all)
  }

  @Test func `results go to standard output, all else to standard error`() throws {
    let result = try Tool.run("simulate", "--scenario", Samples.calm, "--format", "json")
    _ = try decode(result.out)
    let wrong = try Tool.run("simulate", "--nodes", "10")
    #expect(wrong.out.isEmpty)
    #expect(!wrong.err.isEmpty)
  }

  @Test func `a pipe gets no colours, and a colour never says anything alone`() throws {
    let plain = try Tool.run("simulate", "--scenario", Samples.calm)
    #expect(!plain.out.contains("\u{1B}"))
    let coloured = try Tool.run("simulate", "--scenario", Samples.calm, "--color", "always")
    #expect(coloured.out.contains("\u{1B}[32mPASS\u{1B}[0m"))
    let bare = coloured.out.replacing(#/\u{1B}\[[0-9;]*m/#, with: "")
    #expect(Golden.form(bare) == Golden.form(plain.out))
    let asked = try Tool.run(
      "simulate", "--scenario", Samples.calm, "--color", "never", environment: ["TERM": "xterm"])
    #expect(!asked.out.contains("\u{1B}"))
  }

  @Test(arguments: [["NO_COLOR": "1", "TERM": "xterm"], ["TERM": "dumb"]])
  func `a terminal that wants no colour gets none`(environment: [String: String]) throws {
    // `script` gives the command a terminal.
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/script") else { return }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    process.arguments = [
      "-qec", "'\(Tool.path)' simulate --scenario '\(Samples.calm)'", "/dev/null",
    ]
    process.environment = Tool.environment(environment)
    process.currentDirectoryURL = try Scratch.folder()
    process.standardInput = FileHandle.nullDevice
    let result = try Running(process).finish()
    #expect(result.out.contains("PASS"))
    #expect(!result.out.contains("\u{1B}[3"))
  }

  @Test func `without UTF-8 only ASCII is written`() throws {
    let result = try Tool.run(
      "simulate", "--scenario", Samples.calm, environment: ["LC_ALL": "C"])
    #expect(result.out.utf8.allSatisfy { $0 < 0x80 })
    #expect(result.out.contains("delay 1.0-2.0 ms"))
  }

  @Test func `no line of a run is wider than the terminal`() throws {
    for width in [60, 80] {
      let result = try Tool.run(
        "simulate", "--seed", "1", "--until", "200ms", "--keep", "none",
        environment: ["COLUMNS": String(width)])
      for line in result.lines where !line.contains("flotilla-sim") {
        #expect(line.count <= width, "\(line)")
      }
    }
    for page in [["help"], ["help", "exit-codes"], ["help", "environment"]] {
      for line in try Tool.start(page).finish().lines { #expect(line.count <= 95, "\(line)") }
    }
  }

  @Test func `help answers at once`() throws {
    _ = try Tool.run("--help")
    let times = try (0..<5).map { _ in
      let start = ContinuousClock.now
      _ = try Tool.run("--help")
      return ContinuousClock.now - start
    }
    // Under 100 ms on a quiet machine; tests share theirs with a whole build.
    #expect(try #require(times.min()) < .milliseconds(500))
  }

  @Test func `JUnit names each seed and each failure`() throws {
    let file = try Scratch.folder().appendingPathComponent("report.xml")
    let result = try Tool.run(
      "simulate", "--scenario", Samples.neverAnswered, "--seeds", "2", "--keep", "none", "--junit",
      file.path)
    #expect(result.code == 3)
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains("tests=\"2\" failures=\"2\""))
    #expect(text.contains("<failure type=\"liveness\""))
  }

  private func samples() -> URL {
    let source = URL(fileURLWithPath: Samples.calm).deletingLastPathComponent()
    let folder = Scratch.root.appendingPathComponent("samples-\(UUID().uuidString)")
    // A copy, because failing runs are written beside it.
    try? FileManager.default.copyItem(at: source, to: folder)
    return folder
  }

  private func decode(_ text: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }

  /// The keys of a document in the order in which they stand.
  private func keys(_ text: String) -> String {
    text.split(separator: "\n").compactMap { line in
      line.split(separator: "\":").count > 1
        ? String(line.prefix { $0 != ":" }).replacing(" ", with: "") : nil
    }.joined(separator: "\n") + "\n"
  }
}

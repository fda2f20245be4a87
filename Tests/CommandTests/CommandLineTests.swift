import Foundation
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct `The command line` {
  @Test func `an unknown command is answered with the nearest`() throws {
    let result = try Tool.run("simulat")
    #expect(result.code == 64)
    #expect(result.err.contains("Did you mean simulate?"))
  }

  @Test(arguments: [
    (["simulate", "--sed", "1"], "--seed"), (["replay", "--stat", "n1"], "--state"),
    (["simulate", "--scenario", "chaso"], "chaos"),
    (["simulate", "--set", "network.los=2%"], "network.loss"),
    (["simulate", "--only-property", "log-machting"], "log-matching"),
    (["replay", "1", "--only", "elction"], "election"),
  ])
  func `an unknown word is answered with the nearest`(arguments: [String], meant: String) throws {
    let result = try Tool.start(arguments).finish()
    #expect(result.code == 64)
    #expect(result.err.contains("Did you mean"))
    #expect(result.err.contains(meant))
  }

  @Test(arguments: [
    Simulate.helpMessage(), Replay.helpMessage(), Shrink.helpMessage(), Merge.helpMessage(),
    Check.helpMessage(), JournalCommand.helpMessage(), Bench.helpMessage(),
    SchemaCommand.helpMessage(),
  ])
  func `every option names its environment variable`(help: String) {
    let text = help.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " ")
    for part in text.split(separator: " --").dropFirst() {
      let name = String(part.prefix { $0.isLetter || $0 == "-" })
      // Options in examples and sentences have no description of their own.
      guard text.contains("--\(name) <") || part.contains("[FLOTILLA_"), name != "version" else {
        continue
      }
      #expect(text.contains("[\(VariableOption.variable(name))]"), "--\(name)")
    }
  }

  @Test func `every option can come from the environment`() {
    let commands: [(any EnvironmentCommand.Type, String)] = [
      (Simulate.self, Simulate.helpMessage(columns: 400)),
      (Replay.self, Replay.helpMessage(columns: 400)),
      (Shrink.self, Shrink.helpMessage(columns: 400)),
      (Merge.self, Merge.helpMessage(columns: 400)),
      (SchemaCommand.self, SchemaCommand.helpMessage(columns: 400)),
      (Check.self, Check.helpMessage(columns: 400)),
      (JournalCommand.self, JournalCommand.helpMessage(columns: 400)),
      (Bench.self, Bench.helpMessage(columns: 400)),
    ]
    for (command, help) in commands {
      let described = help.split(separator: "\n").filter { $0.hasPrefix("  --") }
      let names = described.map { $0.dropFirst(4).prefix { $0.isLetter || $0 == "-" } }
        .map(String.init).filter { $0 != "version" && $0 != "help" }
      #expect(command.variableOptions.map(\.name).sorted() == names.sorted())
      for option in command.variableOptions {
        let line = described.first { $0.hasPrefix("  --\(option.name) ") }
        let takesValue = line?.dropFirst(4 + option.name.count).hasPrefix(" <") ?? false
        #expect(option.takesValue == takesValue, "--\(option.name)")
      }
    }
  }

  @Test func `an option comes before its variable, a variable before the default`() throws {
    func seed(_ arguments: String..., environment: [String: String]) throws -> String {
      let all = ["simulate", "--scenario", Samples.calm] + arguments
      return try Tool.start(all, environment: environment).finish().out
    }
    let variable = ["FLOTILLA_SEED": "11", "FLOTILLA_FORMAT": "json"]
    #expect(try seed(environment: variable).contains("\"seed\": \"000000000000000b\""))
    #expect(
      try seed("--seed", "12", environment: variable).contains("\"seed\": \"000000000000000c\""))
    #expect(
      try seed("--seed=12", environment: variable).contains("\"seed\": \"000000000000000c\""))
    #expect(try seed(environment: [:]).contains("0000000000000007"))
  }

  @Test(arguments: [
    ("7f3a9c51e0b2d846", 0x7f3a_9c51_e0b2_d846 as UInt64?), ("0x7f", 0x7f), ("127", 127),
    ("0000000000000010", 16), ("7f", nil), ("", nil), ("-1", nil), ("18446744073709551615", .max),
    ("18446744073709551616", nil),
  ])
  func `a seed is read as it is printed, or in decimal`(text: String, seed: UInt64?) {
    #expect(parseSeed(text) == seed)
  }

  @Test(arguments: [
    ("250ms", 250_000_000 as UInt64?), ("1.5s", 1_500_000_000), ("10m", 600_000_000_000),
    ("2h", 7_200_000_000_000), ("1us", 1_000), ("3", nil), ("s", nil), ("1.5ns", nil), ("1.s", nil),
    ("-1s", nil), ("99999999999h", nil),
  ])
  func `a time needs a unit`(text: String, nanoseconds: UInt64?) {
    #expect(parseTime(text) == nanoseconds)
  }

  @Test func `times and shares are written as they are read`() {
    for value in [0, 1, 999, 1_000, 1_500, 1_000_000, 1_000_000_000, 90_000_000_000] as [UInt64] {
      #expect(SettingUnit.time.parse(SettingUnit.time.text(value)) == value)
    }
    for value in [0, 1, 10, 12_345, 10_000, 999_999, 1_000_000] as [UInt64] {
      #expect(SettingUnit.share.parse(SettingUnit.share.text(value)) == value)
    }
  }

  @Test func `interrupted once, a sweep ends with its summary`() throws {
    let runs = try Scratch.folder()
    let running = try Tool.start([
      "simulate", "--seed", "1", "--for", "10m", "--format", "jsonl", "--until", "200ms", "--runs",
      runs.path, "--no-corpus",
    ])
    #expect(running.waitForOutput { $0.contains("\n") })
    running.process.interrupt()
    let result = running.finish()
    #expect(result.code == 130)
    #expect(result.lines.last?.contains("\"flotilla-sim.sweep/1\"") ?? false)
    #expect(result.lines.last?.contains("\"verdict\":\"interrupted\"") ?? false)
  }

  @Test func `interrupted once, a run writes what there is of it`() throws {
    let runs = try Scratch.folder()
    let running = try Tool.start([
      "simulate", "--scenario", Samples.calm, "--until", "24h", "--operations", "100000000",
      "--runs", runs.path,
    ])
    #expect(running.waitForOutput { $0.contains("drawn") })
    running.process.interrupt()
    let result = running.finish()
    #expect(result.code == 130)
    #expect(result.out.contains("INTERRUPTED"))
    let trace = try String(
      contentsOf: runs.appendingPathComponent("latest/trace.jsonl"), encoding: .utf8)
    #expect(trace.hasPrefix("{\"schema\":\"flotilla-sim.trace/1\""))
    #expect(trace.split(separator: "\n").count > 1)
  }

  @Test func `interrupted twice, a run ends at once`() throws {
    let running = try Tool.start([
      "simulate", "--scenario", Samples.calm, "--until", "24h", "--operations", "100000000",
    ])
    #expect(running.waitForOutput { $0.contains("drawn") })
    running.process.interrupt()
    Thread.sleep(forTimeInterval: 0.02)
    running.process.interrupt()
    #expect(running.finish().code == 130)
  }
}

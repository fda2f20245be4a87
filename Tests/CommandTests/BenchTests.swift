import Foundation
import Linearizability
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct Benchmarks {
  @Test(arguments: [1, 16, 256])
  func `the minimal host commits and applies everything on all nodes`(batch: Int) throws {
    var host = try CoreBench.cluster()
    let scenario = ReplicationCase(batch: batch, payload: 128, source: .given)
    let before = host.committed
    let count = CoreBench.replicate(
      2 * batch + 20_000, BenchClient(scenario), batch: batch, on: &host)
    for _ in 0..<30 { host.tick() }
    #expect(host.committed - before == count / batch)
    for node in host.replicas.map(\.node) {
      #expect(node.lastApplied == host.replicas[0].node.log.lastIndex)
      // Snapshots keep the log short.
      #expect(node.log.count < 20_000)
    }
  }

  @Test func `a fixed amount of work is done without a clock`() throws {
    let result = try Tool.run("bench", "core", "--batch", "16", "--entries", "100")
    #expect(result.code == 0)
    #expect(result.out.hasPrefix("112 entries"))
    #expect(try Tool.run("bench", "core", "--ticks", "100").code == 0)
    #expect(try Tool.run("bench", "core", "--forks", "2").code == 0)
    let replicas = try Tool.run("bench", "replica", "--batch", "16", "--entries", "100")
    #expect(replicas.out == "112 commands, 112 replies\n")
    let watched = try Tool.run("bench", "simulator", "--runs-of", "2")
    #expect(watched.code == 0 && watched.out.hasPrefix("2 seeds"))
    #expect(try Tool.run("bench", "simulator", "--runs-of", "2", "--no-oracles").out == watched.out)
  }

  @Test func `the simulator is measured with its oracles and without, and by its memory`() throws {
    let result = try Tool.run(
      "bench", "simulator", "--seeds", "1", "--rounds", "1", "--format", "json")
    #expect(result.code == 0)
    for name in ["events", "seeds", "oracles", "memory"] {
      #expect(result.out.contains("\"simulator.\(name).nodes-5\""))
    }
    let bare = try Tool.run(
      "bench", "simulator", "--seeds", "1", "--rounds", "1", "--no-oracles")
    #expect(bare.out.contains("simulator.events.nodes-5.no-oracles"))
    #expect(!bare.out.contains("memory.nodes-5"))
  }

  @Test func `paragraphs of help are broken by the width of the terminal alone`() throws {
    for command in ["bench", "replay"] {
      let lines = try Tool.run(command, "--help").out.split(
        separator: "\n", omittingEmptySubsequences: false)
      let end = try #require(lines.firstIndex { $0.hasPrefix("EXIT CODES") })
      #expect(lines[end - 1].isEmpty)
      // A line broken too early is one after which a word of the next would still have fitted.
      for place in 2..<end - 2 where !lines[place + 1].isEmpty && !lines[place].isEmpty {
        let word = lines[place + 1].prefix { $0 != " " }
        #expect(lines[place].count + 1 + word.count > 79, "\(lines[place])")
      }
    }
  }

  @Test func `figures are compared with those of a file`() throws {
    var rounds = Rounds()
    rounds.seconds = [3, 1, 2]
    let cost = BenchResult("a", "entry", rounds, work: 1_000_000_000)
    #expect(cost.best == 1 && cost.median == 2)
    let rate = BenchResult("b", rate: "events", rounds, work: 600)
    #expect(rate.best == 600 && rate.median == 300)
    for (old, worse) in [("0.95", []), ("0.5", ["a"]), ("2", [] as [String])] {
      let file = try Scratch.file(
        "old.json",
        """
        {"schema": "flotilla-sim.bench/1", "results": [
          {"name": "a", "best": \(old)}, {"name": "b", "best": 650.00}, {"name": "c", "best": 1}]}
        """)
      let comparison = try BenchComparison.read(file.path).compared(with: [cost, rate])
      #expect(comparison.worse == worse)
      #expect(comparison.lines.map(\.name) == ["a", "b"])
    }
  }

  @Test func `the histories that the checker is measured at are written for other checkers`() throws
  {
    let folder = try Scratch.folder()
    let arguments = ["bench", "check", "--write", "histories"]
    let result = try Tool.start(arguments, folder: folder).finish()
    #expect(result.code == 0, "\(result.err)")
    let expected = CheckBench.cases.map {
      "histories/\($0.folder): \($0.seeds.count) histories"
    }
    #expect(result.lines == expected)
    for scenario in CheckBench.cases {
      let kind = folder.appendingPathComponent("histories/\(scenario.folder)")
      let files = try FileManager.default.contentsOfDirectory(atPath: kind.path)
      #expect(files.count == scenario.seeds.count)
      let drawing = HistoryDrawing(scenario.shape, seed: 3)
      let data = try Data(contentsOf: kind.appendingPathComponent("003.jsonl"))
      if scenario.shape.keys == 1 {
        try expectSame(
          try HistoryFile<RegisterModel>(name: "h", data, isMissingEmpty: true), drawing)
      } else {
        let file = try HistoryFile<KeyValueListModel>(name: "h", data, isMissingEmpty: true)
        try expectSame(file, drawing)
        // Not only the same calls at the same times: the same keys, values and answers.
        let words = drawing.records.map { drawing.model.describe($0.operation, $0.result) }
        #expect(file.records.map { file.model.describe($0.operation, $0.result) } == words)
      }
    }
    let again = try Tool.start(arguments, folder: folder).finish()
    #expect(again.code == 73)
    #expect(again.err.contains("histories is there already"))
    #expect(try Tool.run("bench", "core", "--write", "histories").code == 64)
  }

  /// The calls and returns of a file are those of the drawing, and so is the verdict.
  private func expectSame<Model: HistoryFileModel>(
    _ file: HistoryFile<Model>, _ drawing: HistoryDrawing
  ) throws {
    let drawn = drawing.unplaced
    #expect(file.records.map { $0.call ^ 1 << 63 } == drawn.map(\.call))
    #expect(
      file.records.map { record in record.returned.map { $0 ^ 1 << 63 } }
        == drawn.map(\.returned))
    #expect(file.records.map { $0.result == nil } == drawn.map { $0.result == nil })
    let verdicts = [
      check(file.records, file.model).verdict, check(drawn, drawing.model).verdict,
    ].map { verdict in
      if case .linearizable = verdict { true } else { false }
    }
    #expect(verdicts[0] == verdicts[1])
  }

  @Test func `a file to compare with is looked at before anything is measured`() throws {
    let result = try Tool.run("bench", "core", "--compare", Samples.calm)
    #expect(result.code == 65)
    #expect(result.err.contains("flotilla-sim.bench/1"))
  }
}

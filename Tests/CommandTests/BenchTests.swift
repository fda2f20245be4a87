import Foundation
import Testing

@testable import flotilla_sim

@Suite struct Benchmarks {
  @Test(arguments: [1, 16, 256])
  func `the minimal host commits and applies everything on all nodes`(batch: Int) throws {
    var host = try CoreBench.cluster()
    let scenario = ReplicationCase(batch: batch, payload: 128, source: .given)
    let before = host.committed
    let count = CoreBench.replicate(
      2 * batch + 20_000, BenchClient(scenario), batch: batch, on: &host)
    for _ in 0..<30 { host.tick() }
    #expect(host.committed - before == count / batch)
    for node in host.nodes {
      #expect(node.lastApplied == host.nodes[0].log.lastIndex)
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
  }

  @Test func `figures are compared with those of a file`() throws {
    let folder = try Scratch.folder()
    func bench(_ more: String...) throws -> Tool.Result {
      try Tool.start(["bench", "core", "--batch", "1", "--rounds", "1"] + more, folder: folder)
        .finish()
    }
    let first = try bench("--format", "json")
    #expect(first.code == 0, "\(first.err)")
    let name = "core.replicate.batch-1.bytes-128.given"
    #expect(first.out.contains("\"\(name)\""))
    for (figure, code) in [("0.01", 1 as Int32), ("900000000.00", 0)] {
      let old = """
        {"schema": "flotilla-sim.bench/1", "results": [{"name": "\(name)", "best": \(figure)}]}
        """
      let file = folder.appendingPathComponent("old.json")
      try old.write(to: file, atomically: true, encoding: .utf8)
      let result = try bench("--compare", file.path)
      #expect(result.code == code, "\(result.out)\(result.err)")
    }
    #expect(try bench("--compare", Samples.calm).code == 65)
  }
}

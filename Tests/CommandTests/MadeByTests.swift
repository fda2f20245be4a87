import Foundation
import Raft
import RaftMachines
import RaftSimulation
import TestPace
import Testing

@testable import flotilla_sim

/// A count that goes wrong at ten.
private struct Tally: StateMachine {
  var total: UInt64 = 0

  mutating func apply(_ command: UInt64, at moment: RaftMachines.Moment) -> UInt64 {
    total += command
    return total
  }
  func write(into writer: inout ByteWriter) { writer.write(total) }
  init() {}
  init(from reader: inout ByteReader) throws(MachineDecodingError) { total = try reader.read() }
}

@Suite(.computing) struct `The trace of a test of somebody's own machine` {
  private func trace() throws -> (path: String, failure: SimulationFailure) {
    let failure = try #require(throws: SimulationFailure.self) {
      try Simulation(seed: 3, scenario: .chaos(nodes: 3)) { Tally() }
        .always("less than ten") { $0.total < 10 }
        .check(operations: 30, seeds: 5, shrinking: 0) { random in random.draw(in: 1...3) }
    }
    let text = try #require(failure.text(of: "trace.jsonl"))
    return (try Scratch.file("trace.jsonl", text).path, failure)
  }

  @Test func `is shown and drawn without the machine, and says what runs it again`() throws {
    let (path, failure) = try trace()
    let shown = try Tool.run("replay", path, "--last", "4")
    #expect(shown.code == 0, "\(shown.err)")
    #expect(shown.out.contains("made by a test"))
    #expect(shown.out.contains("in that test: Simulation(seed: \(failure.seed), …)"))
    #expect(shown.out.contains("less than ten: on n"))
    let state = try Tool.run("replay", path, "--state", "n2", "--last", "1")
    #expect(state.out.contains("as recorded"))
    let page = try Tool.run("report", path, "--out", "-")
    #expect(page.code == 0)
    #expect(page.out.contains("less than ten no longer holds: "))
  }

  @Test func `is not executed by those who do not have the machine`() throws {
    let (path, _) = try trace()
    for command in [
      ["replay", path, "--verify"], ["replay", path, "--as-test"], ["shrink", path],
    ] {
      let result = try Tool.start(command).finish()
      #expect(result.code == 64, "\(command)")
      #expect(result.err.contains("in that test: Simulation(seed: "))
    }
  }

  @Test func `is refused with its line if its header says nonsense`() throws {
    let (path, _) = try trace()
    let good = try String(contentsOfFile: path, encoding: .utf8)
    for (old, new, said) in [
      (#/"madeBy":"test"/#, "\"madeBy\":\"nobody\"", ":1: \"madeBy\" is \"nobody\""),
      (#/"nodes":[0-9]+/#, "\"nodes\":40", ":1: \"nodes\" must be 1 to 9"),
    ] {
      let bad = try Scratch.file("bad.jsonl", good.replacing(old, with: new, maxReplacements: 1))
      let result = try Tool.run("replay", bad.path)
      #expect(result.code == 65)
      #expect(result.err.contains(said))
    }
  }
}

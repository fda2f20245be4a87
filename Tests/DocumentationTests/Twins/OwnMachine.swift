import RaftMachines
import RaftSimulation
import TestPace
import Testing

/// The README's own machine.
@Suite(.computing) struct OwnMachineTwins {
  // begin README.md
  struct Counter: StateMachine {  // deterministic: no clock, no randomness, no I/O
    var total: Int64 = 0

    mutating func apply(_ step: Int64, at moment: Moment) -> Int64 {
      total += step
      return total
    }

    init() {}
    init(from reader: inout ByteReader) throws(MachineDecodingError) { total = try reader.read() }
    func write(into writer: inout ByteWriter) { writer.write(total) }
  }

  @Test func `my counter survives chaos`() throws {
    try Simulation(seed: 42, scenario: .chaos(nodes: 5)) { Counter() }
      .always("never negative") { $0.total >= 0 }
      .check(operations: 1_000) { random in random.draw(in: 0..<10) }
  }
  // end
}

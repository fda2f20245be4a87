import Raft
import RaftMachines
import RaftReplica
import RaftSimulation
import Testing

@testable import RaftRuntime

/// Keeps the kind of each event.
private struct Kinds: TraceSink {
  static var isRecording: Bool { true }
  var newest: TraceRecord?
  mutating func record(_ record: TraceRecord) { newest = record }
}

/// The host's driver beside a node of the simulator, given the same inputs.
@Suite struct DriverTests {
  @Test(arguments: 1...3 as ClosedRange<UInt64>)
  func `a driver that is given a simulated node's inputs comes to the same digest`(
    _ seed: UInt64
  ) throws {
    let node = NodeID(1 + seed % 3)
    var world = World(Plan(seed: seed))
    var driver: ReplicaDriver<SimulatedMachine>?
    var sink = Kinds()
    var compared = 0
    var given = 0
    for step in 0..<3_000 {
      guard world.step(trace: &sink) else { break }
      guard let replica = world.replica(of: node) else {
        driver = nil
        continue
      }
      let life = replica.journal.identity.incarnation
      guard var running = driver, running.replica.journal.identity.incarnation == life else {
        // A new life begins where the simulator has just begun it.
        driver = ReplicaDriver(replica, remembering: 100)
        continue
      }
      for entry in world.watchedInputs where entry.node == node {
        var work = HostWork<SimulatedMachine>()
        running.give(entry.input, into: &work)
        given += 1
      }
      driver = running
      if step % 50 == 0 {
        #expect(running.replica.digest() == replica.digest(), "seed \(seed), step \(step)")
        compared += 1
      }
    }
    #expect(compared > 10 && given > 60)
  }
}

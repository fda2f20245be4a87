import Raft
import RaftMachines
import TestPace
import Testing

@testable import RaftSimulation

@Suite(.computing) struct ControlTests {
  private let second: UInt64 = 1_000_000_000

  @Test func `a world in the hand elects, loses and replaces a leader`() throws {
    var world = World(nodes: 3, seed: 1)
    let first = try need(world.runUntilLeader())
    world.crash(first)
    #expect(!world.isUp(first))
    let second = try need(world.runUntilLeader())
    #expect(second != first)
    world.start(first)
    world.run(for: self.second)
    #expect(world.isUp(first))
    #expect(world.leader == second)
  }

  @Test func `a command that is submitted reaches every machine`() throws {
    var world = World(nodes: 5, seed: 2)
    _ = try need(world.runUntilLeader())
    let key: [UInt8] = Array("colour".utf8)
    let value: [UInt8] = Array("blue".utf8)
    let request = try need(world.submit(KeyValue.Command.put(key: key, value: value)))
    world.run(for: second)
    guard case .applied = world.reply(to: request) else {
      Issue.record("not committed")
      return
    }
    for id in world.nodeIDs {
      #expect(world.machine(id)?.ours.first.value(of: key)?.bytes == value)
    }
  }

  @Test func `a minority commits nothing, and catches up when it is joined again`() throws {
    var world = World(nodes: 5, seed: 3)
    let old = try need(world.runUntilLeader())
    let rest = world.nodeIDs.filter { $0 != old }
    world.partition([[old, rest[0]], Array(rest[1...])])
    let request = try need(world.submit(KeyValue.Command.put(key: [1], value: [1]), to: old))
    world.run(for: 3 * second)
    let new = try need(world.runUntilLeader())
    #expect(rest[1...].contains(new))
    if case .applied = world.reply(to: request) { Issue.record("a minority committed") }
    world.heal()
    world.run(for: 2 * second)
    if case .applied = world.reply(to: request) { Issue.record("committed after all") }
    for id in world.nodeIDs { #expect(world.machine(id)?.ours.first.value(of: [1]) == nil) }
    #expect(Set(world.nodeIDs.map { world.machine($0)?.digest }).count == 1)
  }

  @Test func `an unanswered question ends when time does`() {
    var world = World(nodes: 2, seed: 4)
    world.partition([[NodeID(1)], [NodeID(2)]])
    #expect(world.runUntilLeader(within: 5 * second) == nil)
    #expect(world.now <= 6 * second)
  }
}

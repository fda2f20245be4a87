// The place where inputs wait that come later.

import Raft
import RaftMachines
import RaftReplica

/// Inputs on their way: messages, results, requests. A place is used again once its input arrived.
struct InputArena: Sendable {
  private var inputs: [ReplicaInput<SimulatedMachine>] = []
  private var free: [UInt32] = []

  @inline(__always)
  mutating func put(_ input: consuming ReplicaInput<SimulatedMachine>) -> UInt32 {
    if let slot = free.popLast() {
      inputs[Int(slot)] = input
      return slot
    }
    inputs.append(input)
    return UInt32(inputs.count - 1)
  }

  @inline(__always)
  mutating func take(_ slot: UInt32) -> ReplicaInput<SimulatedMachine> {
    var input = ReplicaInput<SimulatedMachine>.campaign
    swap(&input, &inputs[Int(slot)])
    free.append(slot)
    return input
  }

  /// How many inputs are on their way.
  var count: Int { inputs.count - free.count }
}

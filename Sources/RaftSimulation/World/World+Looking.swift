// What a tool may look at between two events.

import Raft
import RaftReplica

extension World {
  /// The identities of all nodes, sorted; also of those that are down or not members.
  public var nodeIDs: [NodeID] { slots.map { $0.id } }

  /// A node as it is now, or as it was when it went down; `nil` if there is none of this number.
  ///
  /// - Complexity: O(1): a copy that shares the log.
  public func node(_ id: NodeID) -> RaftNode? {
    let position = Int(truncatingIfNeeded: id.rawValue) - 1
    return slots.indices.contains(position) ? slots[position].node : nil
  }

  /// How far what clients were told can be brought into an order, if it cannot be as a whole; `nil`
  /// if it can, or if the machine is a guest.
  ///
  /// - Complexity: a search, which gives up at a bound.
  public var partialOrder: PartialOrder? {
    guest == nil ? ClientHistory(history, effects: effects()).withoutOrder?.partialOrder : nil
  }

  /// The replica of a node as it is now, for a test that drives another beside it.
  package func replica(of id: NodeID) -> Replica<SimulatedMachine>? {
    slots.first { $0.id == id && $0.isUp }?.replica
  }

  /// What replicas were given in the event that was recorded last, in its order.
  package var watchedInputs: [(node: NodeID, input: ReplicaInput<SimulatedMachine>)] {
    watch.inputs
  }
}

// What the machines and the clocks of one replica show at a moment, in the numbers of the workload:
// what a picture draws over time.

import Raft
import RaftClocks
import RaftMachines
import RaftReplica

/// One replica's machines and clocks, in figures.
public struct MachineGlance: Hashable, Sendable {
  /// How far the machine has come.
  public var applied: LogIndex
  /// The accounts that are open, by the workload's numbers, and their balances.
  public var balances: [(account: UInt64, balance: Int64)] = []
  /// All that was ever debited and credited. Equal in a ledger that is whole.
  public var debits: UInt64 = 0
  /// See `debits`.
  public var credits: UInt64 = 0
  /// The keys that are there, and the numbers that their values were made of.
  public var values: [(key: UInt64, value: UInt64)] = []
  /// The topics that are there, and how many messages each was ever given.
  public var offsets: [(topic: UInt64, next: UInt64)] = []
  /// What the clock of the host reads. Unit: nanoseconds since 1970.
  public var wall: UInt64 = 0
  /// The Lamport clock.
  public var lamport: UInt64 = 0
  /// The hybrid clock. Unit of its first part: nanoseconds since 1970.
  public var hybrid = HybridTime.zero

  public static func == (a: MachineGlance, b: MachineGlance) -> Bool {
    a.applied == b.applied && a.debits == b.debits && a.credits == b.credits && a.wall == b.wall
      && a.lamport == b.lamport && a.hybrid == b.hybrid
      && a.balances.elementsEqual(b.balances, by: ==)
      && a.values.elementsEqual(b.values, by: ==)
      && a.offsets.elementsEqual(b.offsets, by: ==)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(applied)
    hasher.combine(wall)
  }
}

extension World {
  /// What virtual time zero is on the hosts' clocks. Unit: nanoseconds since 1970.
  public static var epoch: UInt64 { Names.epoch }

  /// What the machines and clocks of a node show now; `nil` if there is no node of this number.
  ///
  /// - Complexity: O(keys + accounts + topics).
  public func machineGlance(_ id: NodeID) -> MachineGlance? {
    guard let position = position(id) else { return nil }
    let replica = slots[position].replica
    let machine = replica.machine.machine
    var glance = MachineGlance(applied: slots[position].node.lastApplied)
    for account in 0..<(plan.workload.accounts + 2) {
      guard let found = machine.ours.second.first.account(Names.account(account)) else { continue }
      glance.balances.append((account, found.balance))
    }
    for sum in machine.ours.second.first.audit().currencies {
      glance.debits &+= sum.debits
      glance.credits &+= sum.credits
    }
    for key in 0..<plan.workload.keys {
      guard let found = machine.ours.first.value(of: Names.key(key)),
        let number = Names.number(found.bytes, ballast: plan.workload.valueBytes)
      else { continue }
      glance.values.append((key, number))
    }
    for topic in 0..<plan.workload.topics {
      guard
        case .topic(_, let next, _, _) = machine.ours.second.second.first.query(
          .topic(Names.topic(topic)))
      else { continue }
      glance.offsets.append((topic, next))
    }
    let stamp = replica.clock.latest
    glance.wall = wallClock(position)
    glance.lamport = stamp.lamport.rawValue
    glance.hybrid = stamp.hybrid
    return glance
  }
}

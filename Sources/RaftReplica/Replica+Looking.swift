// What can be seen of a replica.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

extension Replica {
  /// The settings.
  @inlinable public var settings: ReplicaSettings { engine.settings }
  // These three are large: who only looks must not copy them.

  /// The core, to be looked at.
  @inlinable public var node: RaftNode { _read { yield engine.node } }
  /// The journal, to be looked at.
  @inlinable public var journal: Journal { _read { yield engine.journal } }
  /// The machine and its sessions, as of the newest entry that was applied.
  @inlinable public var machine: ReplicatedMachine<Machine> { _read { yield state } }

  /// The newest entry that the machine has applied.
  @inlinable package var appliedIndex: LogIndex { state.applied }
  /// The digest of the machine with its sessions.
  @inlinable package var machineDigest: UInt64 { state.digest }
  /// The clocks of this replica.
  @inlinable public var clock: NodeClock { engine.clock }

  /// Ticks since the start, by which deadlines are counted.
  @inlinable public var ticks: Ticks { engine.ticks }
  /// The host's clock at the newest tick, in nanoseconds since the beginning of 1970.
  @inlinable public var nanoseconds: UInt64 { engine.nanoseconds }

  /// Why the replica can go on no more, if it cannot.
  @inlinable public var failure: ReplicaFailure? { engine.failure }
  /// The host wants to stop: no requests are taken.
  @inlinable public var isStopping: Bool { engine.isStopping }
  /// The disk is nearly full: no commands are taken.
  @inlinable public var isSpaceLow: Bool { engine.isSpaceLow }

  /// This node.
  @inlinable public var id: NodeID { engine.id }
  /// Whether this replica leads.
  @inlinable public var isLeader: Bool { engine.node.isLeader }
  /// Whether this node holds entries without their commands, and so no machine.
  @inlinable public var isWitness: Bool { engine.node.isWitness }
  /// Whether the machine is there: not being read from a snapshot.
  @inlinable public var isReady: Bool { engine.loading == nil && engine.failure == nil }
  /// Whether the journal was damaged and the peers have not yet repaired it. Till then the node
  /// follows, votes for nobody, and its copies count for nothing.
  @inlinable public var isOut: Bool { engine.isOut }
  /// How many requests wait for their reply.
  @inlinable public var requestsUnderWay: Int { engine.requestsUnderWay }

  /// How old an answer from this replica may be, if nobody is asked.
  ///
  /// A follower was level when a leader last told it no more than it had applied. A leader was when
  /// a majority last answered it: until then nobody else can have led.
  @inlinable public var staleness: Freshness { engine.staleness }

  /// A 64-bit digest of everything that decides what the replica will do, the same in every process
  /// and on every platform.
  ///
  /// - Complexity: O(entries in memory + bytes not with the disk yet), and what the machine's
  ///   digest takes.
  @inlinable
  public func digest() -> UInt64 { engine.digest(machine: state.digest) }
}

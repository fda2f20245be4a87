// Figure 3, watched: what the world tells the oracles after each event, and what they find.

import Raft

/// The watchers of a whole cluster: told of each event, they say when a property stops to hold.
///
/// They believe no node: what is durable they know from the disks, what is committed from the first
/// leader to commit it. Each event costs time in proportion to what changed, never to what there
/// is. A copy goes its own way, like the world that holds it.
///
/// Nodes are numbered from 1 without large gaps, and requests count up from 1 over the whole run,
/// so that both index flat arrays.
public struct Oracles: Sendable {
  /// The first property that did not hold, if any. Nothing is checked after it.
  public internal(set) var breach: Breach?
  /// How often each situation worth reaching was reached.
  public internal(set) var situations = SituationCounts()

  /// Watchers that have seen nothing yet.
  public init() {}

  /// Call after a node was made from what its disk holds, for the first time or again.
  ///
  /// The disk's surviving writes must have been told before, by `crashed`.
  public mutating func started(_ node: RaftNode, from state: DurableState) {}

  /// Call after each step of a node, before its actions are carried out, with all of them.
  public mutating func stepped(_ node: RaftNode, _ input: Input, _ actions: ActionBuffer) {}

  /// Call when the node's disk has made its writes durable up to and including this ticket, before
  /// the receipt reaches the node.
  public mutating func becameDurable(_ node: NodeID, through ticket: Ticket) {}

  /// Call when a node dies. Of its writes those up to and including `survivor` are on the disk: at
  /// least those reported durable; `.zero` if it wrote nothing in this life that survived.
  public mutating func crashed(_ node: NodeID, keeping survivor: Ticket) {}

  /// Call when a node's machine has applied everything up to `index`, with the machine's digest.
  ///
  /// At best after each entry, at least after each batch.
  public mutating func machineApplied(
    _ node: NodeID, through index: LogIndex, digest: UInt64
  ) {}

  /// Call when a snapshot of the node's machine at this index was made, with the digest of a
  /// machine restored from it.
  public mutating func snapshotTaken(_ node: NodeID, at index: LogIndex, digest: UInt64) {}

  /// Call when a node's machine was replaced by a snapshot, on `installSnapshot` and at the start
  /// of a node that has one, with the digest of the machine after it.
  public mutating func machineRestored(
    _ node: NodeID, from snapshot: SnapshotMetadata, digest: UInt64
  ) {}

  /// Call when everything is healed and quiet and all these nodes should agree: each acknowledged
  /// write must be in every one of them that is a member and holds commands, and each request that
  /// a living node took must be answered.
  public mutating func settled(_ nodes: [RaftNode]) {}
}

/// One node of a cluster: the whole protocol as a value.
public struct RaftNode: Sendable, Hashable {
  /// This node's identity.
  public let id: NodeID
  /// Starts a node from what its storage holds.
  ///
  /// - Throws: `RestoreError` if the settings or the state cannot be used.
  public init(
    _ configuration: Configuration, restoring state: DurableState
  ) throws(RestoreError) { id = configuration.id }
  /// Gives the node one input and appends what its host should do.
  public mutating func step(_ input: Input, into actions: inout ActionBuffer) {}
  // public var currentTerm: Term, votedFor: NodeID?, log: RaftLog, commitIndex, lastApplied, durableIndex: LogIndex,
  // role: RoleName, leaderID: NodeID?, membership: Membership, membershipIndex: LogIndex, snapshot: SnapshotMetadata,
  // isHalted: Bool, progress: [Progress], isTransferring: Bool, hasLease: Bool, digest: UInt64
}

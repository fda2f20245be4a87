// What each property is called and where it comes from.

extension Property {
  /// Its name in words.
  public var title: String {
    switch self {
    case .electionSafety: "Election Safety"
    case .oneVotePerTerm: "One Vote per Term"
    case .monotonicity: "Monotonicity"
    case .logMatching: "Log Matching"
    case .leaderAppendOnly: "Leader Append-Only"
    case .leaderCompleteness: "Leader Completeness"
    case .stateMachineSafety: "State Machine Safety"
    case .commitOnlyOwnTerm: "Commit Only the Own Term"
    case .commitDurable: "Committed Is Durable on a Quorum"
    case .durableBeforeSaid: "Durable Before Said"
    case .membershipOverlap: "Memberships Overlap"
    case .membershipIsOfTheLog: "Membership Is of the Log"
    case .snapshotIsPrefix: "Snapshot Is the Applied Prefix"
    case .machinesAgree: "Machines Agree"
    case .appliedInOrder: "Applied in Order"
    case .readsAreFresh: "Reads Are Fresh"
    case .acknowledgedSurvives: "Acknowledged Survives"
    case .oneAnswer: "One True Answer"
    case .ticketsCount: "Tickets Count Up"
    case .silentAfterHalt: "Silent After Halt"
    case .logIsWhatWasStored: "The Log Is What Was Stored"
    case .stalledLeaderLeaves: "A Stalled Leader Leaves"
    case .nodeInvariant: "Node Invariants"
    case .linearizability: "Linearizability"
    case .exactlyOnce: "Exactly Once"
    case .machineInvariant: "Machine Invariants"
    case .handOver: "Leadership Is Handed Over in Order"
    }
  }

  /// The section of the Raft paper, or of the thesis, that it comes from.
  public var section: String {
    switch self {
    case .electionSafety: "§5.2, Figure 3"
    case .oneVotePerTerm: "§5.2, Figure 2"
    case .monotonicity: "§5.1, Figure 2"
    case .logMatching: "§5.3, Figure 3"
    case .leaderAppendOnly: "§5.3, Figure 3"
    case .leaderCompleteness: "§5.4, Figure 3"
    case .stateMachineSafety: "§5.4.3, Figure 3"
    case .commitOnlyOwnTerm: "§5.4.2, Figure 8"
    case .commitDurable: "§5.3, §6"
    case .durableBeforeSaid: "Figure 2; thesis §3.8"
    case .membershipOverlap: "§6; thesis §4.1, §4.3"
    case .membershipIsOfTheLog: "§6; thesis §4.1"
    case .snapshotIsPrefix: "§7"
    case .machinesAgree: "§2, §5.4.3"
    case .appliedInOrder: "§5.3"
    case .readsAreFresh: "§8; thesis §6.4"
    case .acknowledgedSurvives: "§8"
    case .oneAnswer: "§8"
    case .ticketsCount: "thesis §3.8"
    case .silentAfterHalt: "thesis §3.8"
    case .logIsWhatWasStored: "Figure 2; thesis §3.8"
    case .stalledLeaderLeaves: "thesis §10.2.1"
    case .nodeInvariant: "Figure 2"
    case .linearizability: "§8"
    case .exactlyOnce: "§8; thesis §6.3"
    case .machineInvariant: "§2"
    case .handOver: "thesis §3.10"
    }
  }
}

// Figure 2, read as what is true of a node in each state.

/// What holds of one node after each step.
public enum StateInvariant: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// Applied ≤ handed out ≤ committed ≤ last (§5.3).
  case appliedBeforeCommitted = 1
  /// The log begins at or before the snapshot, which is committed (§7).
  case snapshotIsCommitted
  /// No entry is newer than the current term (§5.1).
  case lastTermIsKnown
  /// What was handed out to be applied is durable here (§5.3).
  case handedOutIsDurable
  /// What is durable is in the log, and the receipts are of writes asked for (thesis §10.2.1).
  case durableIsInTheLog
  /// All that changed was handed to storage with the step (thesis §10.2.1).
  case everythingIsStored
  /// What is known to match the leader lies between commit and end (§5.3).
  case verifiedIsBetween
  /// A leader or candidate has its own vote in this term (§5.2).
  case leaderVotedForItself
  /// A leader follows itself, a candidate nobody (§5.2).
  case leaderKnowsItself
  /// A leader's log has the entry that opened its term (§8).
  case leaderHasOpenedItsTerm
  /// A leader has one progress for each other node, ascending (§5.3).
  case progressIsOrdered
  /// Match < next ≤ last + 1 for every follower (§5.3).
  case nextFollowsMatch
  /// No other role has what belongs to a leader (§5.3).
  case onlyLeadersLead
  /// A candidate is a voter that holds commands and installs nothing (§5.2, §6).
  case onlyVotersStand
  /// The membership in force comes from the log or the snapshot, and is a possible one (§6).
  case membershipIsInTheLog
  /// The oldest open proposal is not committed (§8).
  case pendingIsUndecided
  /// What waits for a receipt waits for one that has not come (thesis §10.2.1).
  case heldIsNotDurable
  /// A lease needs a leader with a committed entry of its term (thesis §6.4.1).
  case leaseNeedsItsTerm
  /// A snapshot on its way in is in force in the log and not before it applied (§7).
  case installingIsNotApplied
  /// Terms along the log never decrease and indexes leave no gap (§5.3).
  case termsNeverDecrease
  /// The memberships remembered are those of the log, each once (§6).
  case membershipsAreOfTheLog
  /// Open proposals stand in the order of their indexes (§8).
  case openRequestsAreOrdered

  /// The number by which code and tests cite it, for example `I3`.
  public var id: String { "I\(rawValue)" }

  /// What holds, in words.
  public var title: String {
    switch self {
    case .appliedBeforeCommitted: "applied ≤ handed out ≤ committed ≤ last"
    case .snapshotIsCommitted: "the log begins at or before the snapshot, which is committed"
    case .lastTermIsKnown: "no entry is newer than the current term"
    case .handedOutIsDurable: "what was handed out to be applied is durable here"
    case .durableIsInTheLog:
      "what is durable is in the log, and the receipts are of writes asked for"
    case .everythingIsStored: "all that changed was handed to storage with the step"
    case .verifiedIsBetween: "what is known to match the leader lies between commit and end"
    case .leaderVotedForItself: "a leader or candidate has its own vote in this term"
    case .leaderKnowsItself: "a leader follows itself, a candidate nobody"
    case .leaderHasOpenedItsTerm: "a leader's log has the entry that opened its term"
    case .progressIsOrdered: "a leader has one progress for each other node, ascending"
    case .nextFollowsMatch: "match < next ≤ last + 1 for every follower"
    case .onlyLeadersLead: "no other role has what belongs to a leader"
    case .onlyVotersStand: "a candidate is a voter that holds commands and installs nothing"
    case .membershipIsInTheLog:
      "the membership in force comes from the log or the snapshot, and is a possible one"
    case .pendingIsUndecided: "the oldest open proposal is not committed"
    case .heldIsNotDurable: "what waits for a receipt waits for one that has not come"
    case .leaseNeedsItsTerm: "a lease needs a leader with a committed entry of its term"
    case .installingIsNotApplied:
      "a snapshot on its way in is in force in the log and not before it applied"
    case .termsNeverDecrease: "terms along the log never decrease and indexes leave no gap"
    case .membershipsAreOfTheLog: "the memberships remembered are those of the log, each once"
    case .openRequestsAreOrdered: "open proposals stand in the order of their indexes"
    }
  }

  /// The section of the Raft paper, or of the thesis, that it comes from.
  public var section: String {
    switch self {
    case .appliedBeforeCommitted, .handedOutIsDurable, .verifiedIsBetween, .progressIsOrdered,
      .nextFollowsMatch, .onlyLeadersLead, .termsNeverDecrease:
      "§5.3"
    case .snapshotIsCommitted, .installingIsNotApplied: "§7"
    case .lastTermIsKnown: "§5.1"
    case .durableIsInTheLog, .everythingIsStored, .heldIsNotDurable: "thesis §10.2.1"
    case .leaderVotedForItself, .leaderKnowsItself: "§5.2"
    case .leaderHasOpenedItsTerm, .pendingIsUndecided, .openRequestsAreOrdered: "§8"
    case .onlyVotersStand: "§5.2, §6"
    case .membershipIsInTheLog, .membershipsAreOfTheLog: "§6"
    case .leaseNeedsItsTerm: "thesis §6.4.1"
    }
  }

  /// Number and title.
  public var description: String { id + " " + title }
}

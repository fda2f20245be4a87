// §5.1: "at any given time each server is in one of three states", and thesis §9.6 adds a fourth.
//
// Follower: issues nothing, answers leaders and candidates. `leaderID` is whom it follows.
//   Next: pre-candidate or candidate (timeout); candidate (the leader asks for it).
// Pre-candidate: has changed nothing durable. `leaderID` is nil.
//   Next: candidate (a quorum would vote); follower (a leader, a newer term, or a quorum would
//   not).
// Candidate: voted for itself in `currentTerm`. `leaderID` is nil.
//   Next: leader (quorum); candidate of the next term (timeout); follower (leader, newer term,
//   lost).
// Leader: see LeaderState.

/// The role of a node and what only this role has. Assigned in `Transitions.swift` and nowhere
/// else.
enum Role: Hashable, Sendable {
  case follower
  case preCandidate(Poll)
  case candidate(Poll)
  case leader

  var name: RoleName {
    switch self {
    case .follower: .follower
    case .preCandidate: .preCandidate
    case .candidate: .candidate
    case .leader: .leader
    }
  }
}

/// The votes that a candidate or pre-candidate has counted.
struct Poll: Hashable, Sendable {
  /// Who granted, in the order of arrival.
  var granted: [NodeID] = []
  /// Who refused.
  var refused: [NodeID] = []
  /// The own vote counts once this is durable; `nil` once it was counted, or if there is none.
  var ownTicket: Ticket?
  var isTransfer = false
}

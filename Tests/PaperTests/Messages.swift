// Messages as a peer would write them, short enough to be read in a test.

import RaftTestSupport

@testable import Raft

extension Message {
  static func requestVote(
    from candidate: NodeID, to node: NodeID, term: Term, log: LogPosition,
    isTransfer: Bool = false
  ) -> Message {
    Message(
      from: candidate, to: node, term: term,
      body: .requestVote(
        RequestVote(candidateTerm: term, lastLog: log, isTransfer: isTransfer)))
  }

  /// A pre-vote for `next`, from a candidate that is still in the term before or in `term`.
  static func requestPreVote(
    from candidate: NodeID, to node: NodeID, for next: Term, log: LogPosition
  ) -> Message {
    Message(
      from: candidate, to: node, term: Term(next.rawValue - 1),
      body: .requestPreVote(
        RequestVote(candidateTerm: next, lastLog: log, isTransfer: false)))
  }

  static func vote(
    from voter: NodeID, to node: NodeID, term: Term, for candidateTerm: Term? = nil,
    isGranted: Bool = true
  ) -> Message {
    Message(
      from: voter, to: node, term: term,
      body: .requestVoteReply(
        RequestVoteReply(candidateTerm: candidateTerm ?? term, voteGranted: isGranted)))
  }

  static func preVote(
    from voter: NodeID, to node: NodeID, term: Term, for candidateTerm: Term,
    isGranted: Bool = true
  ) -> Message {
    Message(
      from: voter, to: node, term: term,
      body: .requestPreVoteReply(
        RequestVoteReply(candidateTerm: candidateTerm, voteGranted: isGranted)))
  }

  static func appendEntries(
    from leader: NodeID, to node: NodeID, term: Term, prev: LogPosition,
    _ entries: Entries = .none, commit: LogIndex = 0, round: UInt64 = 0
  ) -> Message {
    Message(
      from: leader, to: node, term: term,
      body: .appendEntries(
        AppendEntries(
          prevLog: prev, leaderCommit: commit, round: round, isQuiescing: false)),
      entries: entries)
  }

  static func accepted(
    from follower: NodeID, to leader: NodeID, term: Term, match: LogIndex, round: UInt64 = 0
  ) -> Message {
    Message(
      from: follower, to: leader, term: term,
      body: .appendEntriesReply(
        AppendEntriesReply(
          success: true, matchIndex: match, receivedIndex: match, rejectedIndex: 0,
          hint: LogPosition(0, 0), round: round)))
  }

  static func rejected(
    from follower: NodeID, to leader: NodeID, term: Term, at index: LogIndex,
    hint: LogPosition, match: LogIndex = 0, round: UInt64 = 0
  ) -> Message {
    Message(
      from: follower, to: leader, term: term,
      body: .appendEntriesReply(
        AppendEntriesReply(
          success: false, matchIndex: match, receivedIndex: match, rejectedIndex: index,
          hint: hint, round: round)))
  }

  static func timeoutNow(from leader: NodeID, to node: NodeID, term: Term) -> Message {
    Message(from: leader, to: node, term: term, body: .timeoutNow)
  }

  static func installSnapshot(
    from leader: NodeID, to node: NodeID, term: Term, _ position: LogPosition,
    of membership: Membership, offset: UInt64 = 0, _ text: String, isDone: Bool = true
  ) -> Message {
    Message(
      from: leader, to: node, term: term,
      body: .installSnapshot(
        InstallSnapshot(lastIncluded: position, offset: offset, isDone: isDone, round: 0)),
      snapshot: SnapshotPart(
        bytes: Array(text.utf8), membership: membership, membershipIndex: 0))
  }
}

extension Entries {
  /// The entries from this index on.
  func suffix(from first: LogIndex) -> Entries {
    var runs: [EntryRun] = []
    for position in 0..<runCount where run(position).firstIndex >= first {
      runs.append(run(position))
    }
    return Entries(runs) ?? .none
  }
}

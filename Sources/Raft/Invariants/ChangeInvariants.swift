// The change invariants, checked. The earlier state is remembered as a few words, not as a copy of
// the node: a copy would make the next append pay for itself.

/// What of a node's state the change invariants compare.
public struct Vitals: Hashable, Sendable, BitwiseCopyable {
  var currentTerm: Term
  var votedFor: NodeID?
  var role: RoleName
  var leaderID: NodeID?
  var last: LogPosition
  var commitIndex: LogIndex
  var lastApplied: LogIndex
  var handedToApply: LogIndex
  var snapshotIndex: LogIndex
  var lastTicket: Ticket
  var durableTicket: Ticket
  var isHalted: Bool
}

extension RaftNode {
  /// What to remember of this state, to compare a later one with.
  ///
  /// - Complexity: O(1).
  @inline(__always)
  public var vitals: Vitals {
    Vitals(
      currentTerm: currentTerm, votedFor: votedFor, role: role, leaderID: leaderID, last: log.last,
      commitIndex: commitIndex, lastApplied: lastApplied, handedToApply: handedToApply,
      snapshotIndex: snapshot.lastIncluded.index, lastTicket: storage.lastTicket,
      durableTicket: storage.durableTicket, isHalted: isHalted)
  }

  /// The change invariants that do not hold between the state before a step and this one, right
  /// after it; none in a correct node.
  ///
  /// - Complexity: O(1).
  public func checkInvariants(since before: Vitals) -> [ChangeInvariant] {
    var violated: [ChangeInvariant] = []
    let isSameTerm = currentTerm == before.currentTerm
    if currentTerm < before.currentTerm { violated.append(.termGrows) }
    if isSameTerm, before.votedFor != nil, votedFor != before.votedFor {
      violated.append(.voteStays)
    }
    if commitIndex < before.commitIndex { violated.append(.commitGrows) }
    if lastApplied < before.lastApplied || handedToApply < before.handedToApply {
      violated.append(.appliedGrows)
    }
    if isSameTerm, before.role == .leader, isLeader, !hasKept(before.last) {
      violated.append(.leaderAppends)
    }
    if isSameTerm, before.leaderID != nil, let leaderID, leaderID != before.leaderID {
      violated.append(.leaderStays)
    }
    if storage.lastTicket < before.lastTicket
      || storage.lastTicket.rawValue - before.lastTicket.rawValue > 1
      || storage.durableTicket < before.durableTicket
    {
      violated.append(.ticketsCount)
    }
    if before.isHalted, vitals != before { violated.append(.haltIsFinal) }
    if snapshot.lastIncluded.index < before.snapshotIndex { violated.append(.snapshotGrows) }
    if isLeader, before.role != .leader, before.role != .candidate || !isSameTerm {
      violated.append(.leadersWereCandidates)
    }
    return violated
  }

  /// Whether all invariants of a node hold, those of this state and those since the state that is
  /// remembered in `before`; if they do, remembers this state there.
  ///
  /// The two lists at once for whoever asks after each step and mostly hears that all is well. If
  /// it is not, they say what does not hold. `inout` because so the node is read where it is, and
  /// not copied first.
  ///
  /// - Complexity: O(nodes), with `isDeep` O(entries).
  package static func holdsInvariants(
    _ node: inout RaftNode, since before: inout Vitals?, isDeep: Bool
  ) -> Bool {
    guard node.isLogSound, node.isRoleSoundInPlace() else { return false }
    if isDeep {
      guard node.isDeeplySound else { return false }
    }
    let vitals = node.vitals
    if let before {
      guard isSoundChange(from: before, to: vitals) else { return false }
      if before.role == .leader, vitals.role == .leader, vitals.currentTerm == before.currentTerm,
        vitals.last != before.last
      {
        guard node.hasKeptInPlace(before.last) else { return false }
      }
    }
    before = vitals
    return true
  }

  /// Whether `checkInvariants(since:)` finds nothing in these, said without an array. Whether a
  /// leader has kept its log, only the log can tell.
  @inline(__always)
  private static func isSoundChange(from before: Vitals, to now: Vitals) -> Bool {
    guard now.currentTerm >= before.currentTerm, now.commitIndex >= before.commitIndex,
      now.lastApplied >= before.lastApplied, now.handedToApply >= before.handedToApply,
      now.lastTicket >= before.lastTicket,
      now.lastTicket.rawValue &- before.lastTicket.rawValue <= 1,
      now.durableTicket >= before.durableTicket, now.snapshotIndex >= before.snapshotIndex
    else { return false }
    let isSameTerm = now.currentTerm == before.currentTerm
    if isSameTerm {
      if before.votedFor != nil, now.votedFor != before.votedFor { return false }
      if before.leaderID != nil, now.leaderID != nil, now.leaderID != before.leaderID {
        return false
      }
    }
    if now.role == .leader, before.role != .leader, before.role != .candidate || !isSameTerm {
      return false
    }
    return !before.isHalted || now == before
  }

  /// `hasKept`, read where the node is: nothing changes.
  @inline(never)
  private mutating func hasKeptInPlace(_ last: LogPosition) -> Bool { hasKept(last) }

  /// Whether the log still ends with this entry, or goes on after it.
  @inline(__always)
  private func hasKept(_ last: LogPosition) -> Bool {
    last.index <= log.lastIndex && (last.index < log.baseIndex || log.contains(last))
  }
}

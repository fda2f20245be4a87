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
    let now = vitals
    var broken = RaftNode.brokenInvariants(from: before, to: now)
    if RaftNode.isSameReign(before, now), !hasKept(before.last) {
      broken |= RaftNode.bit(.leaderAppends)
    }
    return ChangeInvariant.allCases.filter { broken & RaftNode.bit($0) != 0 }
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
      guard brokenInvariants(from: before, to: vitals) == 0 else { return false }
      if isSameReign(before, vitals), vitals.last != before.last {
        guard node.hasKeptInPlace(before.last) else { return false }
      }
    }
    before = vitals
    return true
  }

  /// The change invariants that do not hold between these, a bit for each. Whether a leader has
  /// kept its log, only the log can tell.
  @inline(__always)
  private static func brokenInvariants(from before: Vitals, to now: Vitals) -> UInt64 {
    var broken: UInt64 = 0
    let isSameTerm = now.currentTerm == before.currentTerm
    if now.currentTerm < before.currentTerm { broken |= bit(.termGrows) }
    if isSameTerm, before.votedFor != nil, now.votedFor != before.votedFor {
      broken |= bit(.voteStays)
    }
    if now.commitIndex < before.commitIndex { broken |= bit(.commitGrows) }
    if now.lastApplied < before.lastApplied || now.handedToApply < before.handedToApply {
      broken |= bit(.appliedGrows)
    }
    if isSameTerm, before.leaderID != nil, now.leaderID != nil, now.leaderID != before.leaderID {
      broken |= bit(.leaderStays)
    }
    if now.lastTicket < before.lastTicket
      || now.lastTicket.rawValue - before.lastTicket.rawValue > 1
      || now.durableTicket < before.durableTicket
    {
      broken |= bit(.ticketsCount)
    }
    if before.isHalted, now != before { broken |= bit(.haltIsFinal) }
    if now.snapshotIndex < before.snapshotIndex { broken |= bit(.snapshotGrows) }
    if now.role == .leader, before.role != .leader, before.role != .candidate || !isSameTerm {
      broken |= bit(.leadersWereCandidates)
    }
    return broken
  }

  @inline(__always)
  private static func bit(_ invariant: ChangeInvariant) -> UInt64 { 1 << invariant.rawValue }

  /// Whether the node led before and leads now, in one term.
  @inline(__always)
  private static func isSameReign(_ before: Vitals, _ now: Vitals) -> Bool {
    before.role == .leader && now.role == .leader && now.currentTerm == before.currentTerm
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

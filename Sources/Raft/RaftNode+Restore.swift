// What a node checks before it believes its own disk.

extension RaftNode {
  struct Restored {
    var log: RaftLog
    var memberships: MembershipHistory
  }

  /// Rebuilds the log and its memberships.
  static func restore(_ state: DurableState) throws(RestoreError) -> Restored {
    let end = state.snapshot.lastIncluded
    guard state.logStart.index <= end.index else {
      throw .snapshotBeforeLog(snapshot: end.index, logStart: state.logStart.index)
    }
    var log = RaftLog(base: state.logStart)
    if !state.snapshot.membership.voters.isEmpty || end.index > .zero {
      do { try state.snapshot.membership.validate() } catch {
        throw .badMembership(at: state.snapshot.membershipIndex)
      }
    }
    var memberships = MembershipHistory(
      state.snapshot.membership, at: state.snapshot.membershipIndex)
    guard state.entries.isEmpty || state.entries.isWellFormed else {
      throw .logHasGap(after: state.logStart.index)
    }
    for position in 0..<state.entries.runCount {
      let run = state.entries.run(position)
      guard run.firstIndex == log.lastIndex.next, run.term >= log.lastTerm else {
        throw .logHasGap(after: log.lastIndex)
      }
      log.append(run)
      guard run.kind == .membership else { continue }
      for offset in 0..<run.count {
        let index = run.firstIndex.advanced(by: UInt64(offset))
        guard index > end.index else { continue }
        do {
          memberships.append(try Membership.decode(run.payload(offset)), at: index)
        } catch {
          throw .badMembership(at: index)
        }
      }
    }
    guard log.contains(end) else { throw .logContradictsSnapshot(at: end.index) }
    guard log.lastTerm <= state.hardState.currentTerm else {
      throw .termBehindLog(state.hardState.currentTerm, log.lastIndex)
    }
    return Restored(log: log, memberships: memberships)
  }
}

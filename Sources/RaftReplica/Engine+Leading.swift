// What a leader does of its own accord: it moves the log's time on for those who wait for it, and
// leaves the lead to another when its disk is nearly full.

import Raft
import RaftClocks
import RaftMachines

extension ReplicaEngine {
  /// The names under which the core knows what nobody asked for; no request comes to them.
  private static var timeID: RequestID { RequestID(.max) }
  private static var yieldID: RequestID { RequestID(.max - 1) }

  // MARK: Time

  /// Whether the log's time may be moved on at the end of this tick, if something waits for it.
  ///
  /// One entry at a time: while any is under way nothing more is proposed, so a leader that is cut
  /// off adds one at most.
  var mayMoveTime: Bool {
    guard let patience = settings.idleTimeTicks, node.isLeader, !isStopping, !isSpaceLow else {
      return false
    }
    return ticks.rawValue - proposedAt >= patience.rawValue
      && loading == nil && applied == node.log.lastIndex
      && node.log.term(at: applied) == node.currentTerm
  }

  /// What in the machine waits for time.
  @usableFromInline
  mutating func noteDeadline(_ deadline: LogTime?) { machineDeadline = deadline }

  /// Moves the log's time on if something waits for it and nobody has proposed anything lately.
  mutating func moveTimeIfDue() {
    guard let deadline = machineDeadline else { return }
    machineDeadline = nil
    let now = LogTime(nanoseconds: max(nanoseconds, clock.latest.hybrid.nanoseconds))
    guard deadline <= now, mayMoveTime else { return }
    proposedAt = ticks.rawValue
    let payload = Envelope(stamp: stampEvent(), request: .time).encoded()
    coreInputs.append(
      .other(
        .propose(
          Proposal(ReplicaEngine.timeID, EntryBlock(payload), writeConcern: .majority))))
  }

  // MARK: A full disk

  /// A leader whose disk is nearly full takes no commands: so it hands over to the voter that lacks
  /// least among those that are heard and have space. If there is none, it stays: then nobody could
  /// take commands.
  mutating func yieldIfSpaceLow() {
    guard isSpaceLow, node.isLeader, !isStopping, failure == nil else { return }
    var best: Progress?
    for peer in node.progress where canTakeOver(peer) {
      if best.map({ peer.matchIndex > $0.matchIndex }) ?? true { best = peer }
    }
    guard let best else { return }
    coreInputs.append(.other(.transferLeadership(ReplicaEngine.yieldID, to: best.id)))
  }

  private func canTakeOver(_ peer: Progress) -> Bool {
    let silence = node.uptime.rawValue - peer.lastHeard
    return node.membership.voters.contains(peer.id) && !node.membership.isWitness(peer.id)
      && silence <= settings.core.electionTimeoutTicks.rawValue && !links.isSpaceLow(peer.id)
  }
}

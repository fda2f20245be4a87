// Idle groups: a leader with nothing to do stretches its heartbeats, and its followers their
// patience, all by the same factor. A timer still covers every state, only a slower one.

extension RaftNode {
  /// Goes idle if nothing is open anywhere and everybody has everything.
  mutating func considerQuiescence(_ actions: inout ActionBuffer) {
    guard let patience = configuration.quiescenceTicks, !isQuiescent,
      now - leader.busyAt >= patience.rawValue, commitIndex == log.lastIndex,
      clients.pending.isEmpty, !leader.reads.isWaiting, leader.transfer == nil,
      leader.concerned.isEmpty, !membership.isJoint
    else { return }
    for peer in leader.progress {
      guard peer.state == .replicate, peer.matchIndex == log.lastIndex,
        peer.sentCommit == commitIndex, !peer.isDeparting
      else { return }
    }
    isQuiescent = true
    leader.heartbeatWait =
      configuration.heartbeatTicks.rawValue * configuration.quiescenceFactor
    actions.observe(.quiescenceChanged(true))
  }

  /// There is something to do: everybody's clocks run as usual again.
  mutating func wake(_ actions: inout ActionBuffer) {
    guard isLeader, isQuiescent else { return }
    isQuiescent = false
    leader.heartbeatWait = configuration.heartbeatTicks.rawValue
    leader.busyAt = now
    leader.heartbeatElapsed = 0
    leader.graceUntil = now + configuration.electionTimeoutTicks.rawValue
    actions.observe(.quiescenceChanged(false))
    sendHeartbeats(&actions)
  }

  /// A follower does as its leader does.
  @inline(__always)
  mutating func stretchClocks(_ isStretched: Bool, _ actions: inout ActionBuffer) {
    if isStretched != isQuiescent { changeClocks(isStretched, &actions) }
  }

  private mutating func changeClocks(_ isStretched: Bool, _ actions: inout ActionBuffer) {
    isQuiescent = isStretched
    resetElectionTimer()
    actions.observe(.quiescenceChanged(isStretched))
  }
}

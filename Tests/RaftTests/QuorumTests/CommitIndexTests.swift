import Testing

@testable import Raft

/// §5.3, §6: "the leader decides when it is safe": the greatest index that a quorum has.
@Suite struct CommitIndexTests {
  @Test(arguments: 0..<8 as Range<UInt64>)
  func `what a quorum has reached is the greatest value whose holders are a quorum`(
    seed: UInt64
  ) {
    var samples = MembershipSamples(seed: 400 + seed)
    for _ in 0..<300 {
      var membership = samples.simple()
      if let next = try? membership.applying(samples.change(of: membership)) { membership = next }
      let own = NodeID(1 + samples.draw(9))
      var values: [NodeID: UInt64] = [own: samples.draw(12)]
      var leader = LeaderState()
      leader.incomingCount = membership.voters.count
      leader.outgoingCount = membership.outgoing.count
      leader.isSelfIncoming = membership.voters.contains(own)
      leader.isSelfOutgoing = membership.outgoing.contains(own)
      // One node more, which is leaving and counts for nothing.
      for node in membership.nodes + [NodeID(50)] where node != own {
        var progress = Progress(node, nextIndex: LogIndex(1), now: 0)
        progress.matchIndex = LogIndex(samples.draw(12))
        progress.isIncoming = membership.voters.contains(node)
        progress.isOutgoing = membership.outgoing.contains(node)
        values[node] = progress.matchIndex.rawValue
        leader.progress.append(progress)
      }
      let naive = NaiveMembership(membership)
      var expected: UInt64 = 0
      for value in 0..<12 as Range<UInt64> {
        let holders = Set(values.filter { $0.value >= value }.keys)
        if naive.isQuorum(holders) { expected = value }
      }
      let reached = leader.quorumValue(own: values[own] ?? 0) { $0.matchIndex.rawValue }
      #expect(reached == expected, "\(membership.description) \(values)")
    }
  }
}

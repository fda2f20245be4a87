#if Server
// What operators can do, on values.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

extension API {
  /// Who leads, as this node knows it.
  package func leader() async throws(Ruling) -> (node: NodeID, term: UInt64) {
    let report = await service.report()
    guard let leader = report.leader else {
      throw Ruling(.unavailable, reason: "noLeader", "this node knows no leader")
    }
    return (leader, report.term)
  }

  /// Changes the members.
  package func change(
    members steps: [MembershipStep], _ timeout: Duration
  ) async throws(Ruling) -> Ruling {
    try checkQuorum(without: steps, await service.report())
    let reply = await service.administer(
      .changeMembership(MembershipChange(steps)), within: timeout)
    guard case .membershipChanged = reply else { throw ruling(reply) }
    return ruling(reply)
  }

  /// Refuses to take a voter out if too few of the others could be asked.
  ///
  /// Raft itself would let it be: the cluster would wait for nodes that do not come.
  private func checkQuorum(
    without steps: [MembershipStep], _ report: ReplicaReport
  ) throws(Ruling) {
    var left = report.membership.voters
    for step in steps {
      switch step {
      case .remove(let node), .demote(let node): left.removeAll { $0 == node }
      case .addLearner, .addVoter, .addWitness: break
      }
    }
    guard left.count < report.membership.voters.count, report.role == "leader" else { return }
    let reachable = left.filter { node in
      node == facts.node || report.peers.contains { $0.node == node && $0.isReachable }
    }
    guard reachable.count > left.count / 2 else {
      throw Ruling(
        .refused, reason: "quorum",
        "of the \(left.count) voters that would be left only \(reachable.count) can be reached,"
          + " and \(left.count / 2 + 1) are needed")
    }
  }

  /// Hands leadership over.
  ///
  /// - Parameter target: to whom; `nil` for whoever is best.
  /// - Returns: a ruling that names the new leader, and its term.
  package func transferLeadership(
    to target: NodeID?, _ timeout: Duration
  ) async throws(Ruling) -> (ruling: Ruling, term: UInt64) {
    let reply = await service.administer(.transferLeadership(to: target), within: timeout)
    guard case .transferred(let node, let term) = reply else { throw ruling(reply) }
    var ruling = ruling(reply)
    ruling.leader = LeaderHint(node: node.description, address: httpAddress(of: node))
    return (ruling, term.rawValue)
  }

  /// Has this node take a snapshot.
  package func takeSnapshot(_ timeout: Duration) async throws(Ruling) -> Ruling {
    let reply = await service.administer(.takeSnapshot, within: timeout)
    guard case .snapshotTaken = reply else { throw ruling(reply) }
    return ruling(reply)
  }
}
#endif

// The first election of a new cluster, which has nothing to wait for.

import Raft

/// Whether an election may begin before its timeout, because nobody can be leading.
///
/// The timeout is for a leader to be heard of. In term zero there has been none: so the first
/// voter, by number, asks for votes as soon as it reaches a majority. If it is not there the others
/// stand after their timeouts, as ever. Who is a majority alone needs to hear of nobody, whatever
/// the term.
struct FirstElection {
  private var reached: [NodeID] = []

  /// Notes that a peer is reached, or no longer.
  mutating func note(_ peer: NodeID, isReachable: Bool) {
    reached.removeAll { $0 == peer }
    if isReachable { reached.append(peer) }
  }

  /// Whether this node should stand now.
  func isDue(at node: RaftNode) -> Bool {
    guard node.role == .follower else { return false }
    let membership = node.membership
    if membership.isQuorum({ $0 == node.id }) { return true }
    let first = membership.voters.first { !membership.isWitness($0) }
    return node.currentTerm == .zero && first == node.id
      && membership.isQuorum { $0 == node.id || reached.contains($0) }
  }
}

import Raft
import RaftExploration
import Testing

/// n3 and n1 were both elected in term 1
@Test func `election-safety holds on a path that once broke it`() throws {
  var bounds = Bounds()
  bounds.nodes = 3
  bounds.spares = 1
  bounds.terms = 1
  bounds.entries = 0
  bounds.crashes = 1
  bounds.losses = 0
  bounds.duplicates = 0
  bounds.inFlight = 1
  bounds.heartbeats = 0
  bounds.snapshots = 0
  bounds.reads = 0
  bounds.timeouts = nil
  bounds.isPreVoteEnabled = false
  bounds.changes.append(
    MembershipChange([.remove(NodeID(3)), .addVoter(NodeID(4))], isJointForced: true))
  let choices: [PathChoice] = [
    // n1's election timer runs out
    PathChoice(action: .campaign, node: NodeID(1)),
    // n1's oldest write becomes durable
    PathChoice(action: .persist, node: NodeID(1)),
    // n2 hears from n1, term 1: vote for me (log ends at 0:0)
    PathChoice(action: .deliver, node: NodeID(2), message: 0x25ec_8ea2_112c_1078),
    // n2's oldest write becomes durable
    PathChoice(action: .persist, node: NodeID(2)),
    // n1 hears from n2, term 1: vote
    PathChoice(action: .deliver, node: NodeID(1), message: 0xfd39_90e7_3e4e_9611),
    // n1 crashes; of 1 writes under way 0 reached its disk
    PathChoice(action: .crash, node: NodeID(1)),
    // n3's election timer runs out
    PathChoice(action: .campaign, node: NodeID(3)),
    // n3's oldest write becomes durable
    PathChoice(action: .persist, node: NodeID(3)),
    // n1 hears from n3, term 1: vote for me (log ends at 0:0)
    PathChoice(action: .deliver, node: NodeID(1), message: 0xc928_da3e_df2e_2a97),
    // n1's oldest write becomes durable
    PathChoice(action: .persist, node: NodeID(1)),
    // n3 hears from n1, term 1: vote
    PathChoice(action: .deliver, node: NodeID(3), message: 0xb47e_3045_f5ec_3808),
  ]
  let explorer = try Explorer(
    bounds,
    reductions: Reductions(isSymmetric: false, isReduced: true),
    healsEvery: 0)
  // A core that no longer goes this way throws, which is no failure of it.
  let steps = (try? explorer.follow(choices)) ?? []
  #expect(steps.allSatisfy { $0.finding == nil })
}

@testable import Raft

/// A membership written anew from the paper's words, with sets and a table of roles, so that
/// nothing is shared with the real one but the meaning.
struct NaiveMembership: Equatable {
  enum Role: Equatable { case voter, witness, learner }

  /// §6: the configuration that is to be, and while it is not reached the one that was.
  var new: [NodeID: Role]
  var old: [NodeID: Role]?

  init(_ membership: Membership) {
    let witnesses = Set(membership.witnesses)
    new = [:]
    for node in membership.voters { new[node] = witnesses.contains(node) ? .witness : .voter }
    for node in membership.learners { new[node] = .learner }
    guard membership.isJoint else { return }
    var before: [NodeID: Role] = [:]
    for node in membership.outgoing { before[node] = witnesses.contains(node) ? .witness : .voter }
    for node in membership.learnersNext { new[node] = .learner }
    old = before
  }

  static func voters(_ roles: [NodeID: Role]) -> Set<NodeID> {
    Set(roles.filter { $0.value != .learner }.keys)
  }

  static func majority(_ set: Set<NodeID>, in roles: [NodeID: Role]) -> Bool {
    let voters = voters(roles)
    return 2 * voters.intersection(set).count > voters.count
  }

  /// "Agreement requires separate majorities from both the old and new configurations."
  func isQuorum(_ set: Set<NodeID>) -> Bool {
    guard Self.majority(set, in: new) else { return false }
    guard let old else { return true }
    return Self.majority(set, in: old)
  }

  /// The roles after a change, or who cannot take part in it as asked.
  static func after(
    _ steps: [MembershipStep], from roles: [NodeID: Role]
  ) -> Result<[NodeID: Role], Refusal> {
    if steps.isEmpty { return .failure(.nothingToDo) }
    var result = roles
    for (position, step) in steps.enumerated() {
      let node = step.node
      let isRepeated = steps[..<position].contains { $0.node == node }
      if node == NodeID(0) || isRepeated { return .failure(.invalidChange(node)) }
      switch (step, roles[node]) {
      case (.addLearner, nil): result[node] = .learner
      case (.addVoter, nil), (.addVoter, .learner): result[node] = .voter
      case (.addWitness, nil): result[node] = .witness
      case (.addLearner, _), (.addVoter, _), (.addWitness, _): return .failure(.alreadyMember(node))
      case (.demote, .voter): result[node] = .learner
      case (.remove, .some): result[node] = nil
      case (.demote, _), (.remove, _): return .failure(.notMember(node))
      }
    }
    return .success(result)
  }

  static func isPossible(_ roles: [NodeID: Role]) -> Bool {
    roles.values.contains(.voter) && roles.count <= 63 && roles[NodeID(0)] == nil
  }
}

/// Random memberships and changes, small enough that every subset of their nodes can be tried.
struct MembershipSamples {
  var source: RandomSource

  init(seed: UInt64) { source = RandomSource(seed: seed) }

  mutating func draw(_ bound: UInt64) -> UInt64 { source.draw(below: bound) }

  /// A membership that is not joint, over some of the nodes 1 to `limit`.
  mutating func simple(below limit: UInt64 = 8) -> Membership {
    var voters: [NodeID] = []
    var learners: [NodeID] = []
    var witnesses: [NodeID] = []
    for number in 1...limit {
      switch draw(6) {
      case 0: break
      case 1: learners.append(NodeID(number))
      case 2:
        voters.append(NodeID(number))
        witnesses.append(NodeID(number))
      default: voters.append(NodeID(number))
      }
    }
    if voters.count == witnesses.count { voters.append(NodeID(limit + 1)) }
    return Membership(
      sortedVoters: voters, outgoing: [], learners: learners, learnersNext: [],
      witnesses: witnesses)
  }

  /// A change of a few nodes; most of its steps can be taken.
  mutating func change(of membership: Membership, below limit: UInt64 = 9) -> MembershipChange {
    var steps: [MembershipStep] = []
    for _ in 0..<(draw(20) == 0 ? 0 : 1 + draw(3)) {
      let node = NodeID(draw(40) == 0 ? 0 : 1 + draw(limit))
      let isMember = membership.contains(node)
      switch draw(5) {
      case 0 where !isMember: steps.append(.addLearner(node))
      case 1 where !isMember: steps.append(.addWitness(node))
      case 2 where isMember && !membership.isLearner(node): steps.append(.demote(node))
      case 3 where isMember: steps.append(.remove(node))
      case 4 where membership.isLearner(node) || !isMember: steps.append(.addVoter(node))
      default:
        guard draw(8) == 0 else { continue }
        let odd: [MembershipStep] = [
          .addLearner(node), .addWitness(node), .demote(node), .remove(node), .addVoter(node),
        ]
        steps.append(odd[Int(draw(5))])
      }
    }
    return MembershipChange(steps, isJointForced: draw(5) == 0)
  }

  mutating func subset(of nodes: [NodeID]) -> Set<NodeID> {
    var chosen: Set<NodeID> = []
    for node in nodes where draw(2) == 0 { chosen.insert(node) }
    return chosen
  }
}

/// Every subset of some nodes with its complement, as questions whether a node is in it.
func everySubset(
  of nodes: [NodeID], _ body: (_ chosen: (NodeID) -> Bool, _ others: (NodeID) -> Bool) -> Void
) {
  for mask in 0..<(1 << nodes.count) {
    func isChosen(_ node: NodeID) -> Bool {
      nodes.firstIndex(of: node).map { mask >> $0 & 1 == 1 } ?? false
    }
    body(isChosen) { !isChosen($0) }
  }
}

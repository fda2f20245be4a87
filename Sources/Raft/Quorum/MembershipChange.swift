// §6 and thesis §4: what an operator asks for, and the membership that follows from it.

/// One wish about one node.
public enum MembershipStep: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Add a node that receives the log and does not vote.
  case addLearner(NodeID)
  /// Make a node a voter: a learner that has caught up, or (unwisely) a new one.
  case addVoter(NodeID)
  /// Add a voter that holds no commands.
  case addWitness(NodeID)
  /// Make a voter a learner.
  case demote(NodeID)
  /// Take a node out.
  case remove(NodeID)

  /// The node that the wish is about.
  public var node: NodeID {
    switch self {
    case .addLearner(let node), .addVoter(let node), .addWitness(let node), .demote(let node),
      .remove(let node):
      node
    }
  }

  /// The wish in words.
  public var description: String {
    switch self {
    case .addLearner(let node): "add learner \(node)"
    case .addVoter(let node): "add voter \(node)"
    case .addWitness(let node): "add witness \(node)"
    case .demote(let node): "demote \(node)"
    case .remove(let node): "remove \(node)"
    }
  }
}

/// A change of the membership, taken as a whole.
public struct MembershipChange: Hashable, Sendable {
  /// The wishes; each node at most once.
  public var steps: [MembershipStep]
  /// The index of the membership that the change was thought of for, as a compare-and-set; `nil` to
  /// change whatever is in force.
  public var basedOn: LogIndex?
  /// Whether to go through a joint configuration even where one voter changes and none is needed.
  public var isJointForced: Bool

  /// A change of one or more nodes.
  public init(_ steps: [MembershipStep], basedOn: LogIndex? = nil, isJointForced: Bool = false) {
    self.steps = steps
    self.basedOn = basedOn
    self.isJointForced = isJointForced
  }
}

extension Membership {
  /// The membership that a change leads to: itself, or the joint configuration on the way to it.
  ///
  /// One voter more or less needs no joint configuration (thesis §4.1); anything else goes through
  /// one (§6), and so does a change of a node between voter and witness.
  ///
  /// - Throws: the refusal that names the step which cannot be taken.
  func applying(_ change: MembershipChange) throws(Refusal) -> Membership {
    guard !change.steps.isEmpty else { throw .nothingToDo }
    var newVoters = voters
    var newLearners = learners
    var newWitnesses = witnesses
    var seen: [NodeID] = []
    for step in change.steps {
      let node = step.node
      guard node.rawValue > 0, !seen.contains(node) else { throw .invalidChange(node) }
      seen.append(node)
      switch step {
      case .addLearner:
        guard !contains(node) else { throw .alreadyMember(node) }
        newLearners.append(node)
      case .addVoter:
        guard !voters.contains(node) else { throw .alreadyMember(node) }
        newLearners.removeAll { $0 == node }
        newVoters.append(node)
      case .addWitness:
        guard !contains(node) else { throw .alreadyMember(node) }
        newVoters.append(node)
        newWitnesses.append(node)
      case .demote:
        guard voters.contains(node), !isWitness(node) else { throw .notMember(node) }
        newVoters.removeAll { $0 == node }
        newLearners.append(node)
      case .remove:
        guard contains(node) else { throw .notMember(node) }
        newVoters.removeAll { $0 == node }
        newLearners.removeAll { $0 == node }
        newWitnesses.removeAll { $0 == node }
      }
    }
    return try successor(
      voters: newVoters.sorted(), learners: newLearners.sorted(),
      witnesses: newWitnesses.sorted(), isJointForced: change.isJointForced)
  }

  private func successor(
    voters newVoters: [NodeID], learners newLearners: [NodeID], witnesses newWitnesses: [NodeID],
    isJointForced: Bool
  ) throws(Refusal) -> Membership {
    let added = newVoters.filter { !voters.contains($0) }
    let removed = voters.filter { !newVoters.contains($0) }
    let isSimple = added.count + removed.count <= 1 && !isJointForced
    let result: Membership
    if isSimple {
      result = Membership(
        sortedVoters: newVoters, outgoing: [], learners: newLearners, learnersNext: [],
        witnesses: newWitnesses)
    } else {
      let waiting = newLearners.filter { voters.contains($0) }
      let allWitnesses = newWitnesses + witnesses.filter { !newWitnesses.contains($0) }
      result = Membership(
        sortedVoters: newVoters, outgoing: voters,
        learners: newLearners.filter { !waiting.contains($0) }, learnersNext: waiting,
        witnesses: allWitnesses.sorted())
    }
    guard result != self else { throw .nothingToDo }
    do { try result.validate() } catch { throw .membership(error) }
    return result
  }
}

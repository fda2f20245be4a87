// Raft treats all nodes alike. So a cluster in which two nodes have changed names does the same
// with the names changed, and a model checker needs to look at one of the two only.

/// A permutation of the nodes 1 to n: other names for them.
public struct NodeRenaming: Hashable, Sendable {
  /// The new number of node k is at k - 1; nodes beyond keep theirs.
  private let images: [UInt64]

  /// The renaming that leaves every node its name.
  public static let identity = NodeRenaming(trusted: [])

  private init(trusted images: [UInt64]) { self.images = images }

  /// The renaming that gives node k the name `images[k - 1]`, or `nil` if two nodes would share one
  /// or a name is not among 1 to n.
  ///
  /// - Complexity: O(n²).
  public init?(_ images: [NodeID]) {
    for (position, image) in images.enumerated() {
      guard image.rawValue >= 1, image.rawValue <= UInt64(images.count),
        !images[..<position].contains(image)
      else { return nil }
    }
    self.images = images.map { $0.rawValue }
  }

  /// The new name of a node.
  ///
  /// - Complexity: O(1).
  public subscript(node: NodeID) -> NodeID {
    guard node.rawValue >= 1, node.rawValue <= UInt64(images.count) else { return node }
    return NodeID(images[Int(truncatingIfNeeded: node.rawValue - 1)])
  }

  /// The membership with the new names.
  ///
  /// - Complexity: O(n log n).
  public func callAsFunction(_ membership: Membership) -> Membership {
    func renamed(_ nodes: [NodeID]) -> [NodeID] { nodes.map { self[$0] }.sorted() }
    return Membership(
      sortedVoters: renamed(membership.voters), outgoing: renamed(membership.outgoing),
      learners: renamed(membership.learners), learnersNext: renamed(membership.learnersNext),
      witnesses: renamed(membership.witnesses))
  }

  /// A change of the membership with the new names.
  ///
  /// - Complexity: O(steps).
  public func callAsFunction(_ change: MembershipChange) -> MembershipChange {
    var renamed = change
    for position in renamed.steps.indices {
      switch change.steps[position] {
      case .addLearner(let node): renamed.steps[position] = .addLearner(self[node])
      case .addVoter(let node): renamed.steps[position] = .addVoter(self[node])
      case .addWitness(let node): renamed.steps[position] = .addWitness(self[node])
      case .demote(let node): renamed.steps[position] = .demote(self[node])
      case .remove(let node): renamed.steps[position] = .remove(self[node])
      }
    }
    return renamed
  }
}

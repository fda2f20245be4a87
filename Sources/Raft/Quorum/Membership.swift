// §6: who votes. A membership is what a log entry of kind `membership` holds; the newest one in a
// node's log is in force there, whether or not it is committed.

/// The nodes of a cluster and what each may do.
///
/// While `outgoing` is not empty the cluster is in a joint configuration: agreement needs a
/// majority of `voters` and a majority of `outgoing`. A copy costs one reference.
public struct Membership: Sendable {
  private final class Lists: Sendable, Hashable {
    let voters: [NodeID]
    let outgoing: [NodeID]
    let learners: [NodeID]
    let learnersNext: [NodeID]
    let witnesses: [NodeID]
    /// How many nodes there are in all. It follows from the lists.
    let count: Int

    init(
      _ voters: [NodeID], _ outgoing: [NodeID], _ learners: [NodeID], _ learnersNext: [NodeID],
      _ witnesses: [NodeID]
    ) {
      self.voters = voters
      self.outgoing = outgoing
      self.learners = learners
      self.learnersNext = learnersNext
      self.witnesses = witnesses
      count = Lists.count(voters, outgoing, learners)
    }

    /// How many nodes these lists name, each counted once.
    private static func count(
      _ voters: [NodeID], _ outgoing: [NodeID], _ learners: [NodeID]
    ) -> Int {
      guard isAscending(voters), isAscending(outgoing), isAscending(learners) else {
        return nodes(voters, outgoing, learners).count
      }
      // Mostly one list says it all; without an array anyway.
      var count = voters.count
      for node in outgoing where !voters.contains(node) { count += 1 }
      for node in learners where !voters.contains(node) && !outgoing.contains(node) { count += 1 }
      return count
    }

    private static func isAscending(_ nodes: [NodeID]) -> Bool {
      var position = 1
      while position < nodes.count {
        if nodes[position] <= nodes[position - 1] { return false }
        position += 1
      }
      return true
    }

    /// The nodes of these lists, sorted, each once.
    static func nodes(
      _ voters: [NodeID], _ outgoing: [NodeID], _ learners: [NodeID]
    ) -> [NodeID] {
      var all = voters + outgoing + learners
      all.sort()
      var unique: [NodeID] = []
      for node in all where unique.last != node { unique.append(node) }
      return unique
    }

    static func == (a: Lists, b: Lists) -> Bool {
      a === b
        || (a.voters == b.voters && a.outgoing == b.outgoing && a.learners == b.learners
          && a.learnersNext == b.learnersNext && a.witnesses == b.witnesses)
    }

    func hash(into hasher: inout Hasher) {
      for list in [voters, outgoing, learners, learnersNext, witnesses] { hasher.combine(list) }
    }
  }

  private let lists: Lists

  /// The voters, sorted. In a joint configuration: those of the new one (C_new).
  public var voters: [NodeID] { lists.voters }
  /// The voters of the configuration that is being left (C_old), sorted; empty otherwise.
  public var outgoing: [NodeID] { lists.outgoing }
  /// The nodes that receive the log but do not vote, sorted.
  public var learners: [NodeID] { lists.learners }
  /// Voters of `outgoing` that become learners when the joint configuration is left, sorted.
  public var learnersNext: [NodeID] { lists.learnersNext }
  /// The voters that vote and acknowledge but hold no commands and never lead, sorted.
  public var witnesses: [NodeID] { lists.witnesses }

  /// A membership of nobody: what a node has that waits to be added to a cluster.
  public static let none = Membership(
    sortedVoters: [], outgoing: [], learners: [], learnersNext: [], witnesses: [])

  init(
    sortedVoters: [NodeID], outgoing: [NodeID], learners: [NodeID], learnersNext: [NodeID],
    witnesses: [NodeID]
  ) {
    lists = Lists(sortedVoters, outgoing, learners, learnersNext, witnesses)
  }

  /// The membership with these nodes, in any order.
  ///
  /// - Parameters:
  ///   - voters: at least one, at most `Membership.maximumNodes` with the learners.
  ///   - learners: none of the voters.
  ///   - witnesses: some of the voters, but not all of them.
  /// - Throws: `MembershipError` that names the node or the count that is wrong.
  public init(
    voters: [NodeID], learners: [NodeID] = [], witnesses: [NodeID] = []
  ) throws(MembershipError) {
    self.init(
      sortedVoters: voters.sorted(), outgoing: [], learners: learners.sorted(), learnersNext: [],
      witnesses: witnesses.sorted())
    try validate()
  }

  /// The most nodes that a membership may name.
  public static let maximumNodes = 63

  /// Whether two majorities are needed.
  public var isJoint: Bool { !outgoing.isEmpty }

  /// Whether the node votes in `voters` or in `outgoing`.
  public func isVoter(_ node: NodeID) -> Bool {
    voters.contains(node) || outgoing.contains(node)
  }

  /// Whether the node only receives the log.
  public func isLearner(_ node: NodeID) -> Bool { learners.contains(node) }

  /// Whether the node votes without holding commands.
  public func isWitness(_ node: NodeID) -> Bool { witnesses.contains(node) }

  /// Whether the node is named at all.
  public func contains(_ node: NodeID) -> Bool { isVoter(node) || isLearner(node) }

  /// Every node, sorted, each once.
  ///
  /// - Complexity: O(n log n).
  public var nodes: [NodeID] { Lists.nodes(voters, outgoing, learners) }

  /// How many nodes are named, each counted once.
  ///
  /// - Complexity: O(1).
  public var count: Int { lists.count }

  /// Whether the nodes of which `isCounted` is true are a majority of the voters, and in a joint
  /// configuration of each of both sets (§6).
  ///
  /// - Complexity: O(voters).
  public func isQuorum(_ isCounted: (NodeID) -> Bool) -> Bool {
    Membership.isMajority(of: voters, isCounted)
      && (outgoing.isEmpty || Membership.isMajority(of: outgoing, isCounted))
  }

  private static func isMajority(of set: [NodeID], _ isCounted: (NodeID) -> Bool) -> Bool {
    var count = 0
    for node in set where isCounted(node) { count += 1 }
    return count > set.count / 2
  }

  /// The joint configuration's successor: `voters` alone, with the learners that waited.
  func leavingJoint() -> Membership {
    let learnersAfter = (learners + learnersNext).sorted()
    let witnessesAfter = witnesses.filter { voters.contains($0) }
    return Membership(
      sortedVoters: voters, outgoing: [], learners: learnersAfter, learnersNext: [],
      witnesses: witnessesAfter)
  }

  /// Checks everything that must hold of a membership, also of one that came from a disk or a peer.
  ///
  /// - Throws: `MembershipError` for the first thing that is wrong.
  /// - Complexity: O(n²) in the nodes, of which there are at most `maximumNodes` in each list.
  public func validate() throws(MembershipError) {
    try Membership.check(voters)
    try Membership.check(outgoing)
    try Membership.check(learners)
    try Membership.check(learnersNext)
    try Membership.check(witnesses)
    // All together, so that leaving a joint configuration never makes a list that is too long.
    let total = count
    guard total <= Membership.maximumNodes else { throw .tooManyNodes(total) }
    if voters.isEmpty { throw .noVoters }
    for node in learners where isVoter(node) { throw .voterAndLearner(node) }
    for node in learnersNext where !outgoing.contains(node) || voters.contains(node) {
      throw .voterAndLearner(node)
    }
    for node in witnesses where !isVoter(node) { throw .witnessNotVoter(node) }
    if !voters.contains(where: { !witnesses.contains($0) }) { throw .onlyWitnesses }
  }

  /// Checks one list by itself.
  private static func check(_ list: [NodeID]) throws(MembershipError) {
    guard list.count <= Membership.maximumNodes else { throw .tooManyNodes(list.count) }
    for position in list.indices {
      guard list[position].rawValue > 0 else { throw .zeroNode }
      guard position == 0 || list[position - 1] < list[position] else {
        throw .namedTwice(list[position])
      }
    }
  }
}

/// What is wrong with a membership.
public enum MembershipError: Error, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// Nobody could ever be elected.
  case noVoters
  /// Every voter is a witness, so nobody would hold the commands.
  case onlyWitnesses
  /// A node has the number zero, which means "no node".
  case zeroNode
  /// A node stands twice in one list, or the list is not sorted.
  case namedTwice(NodeID)
  /// A node cannot both vote and learn.
  case voterAndLearner(NodeID)
  /// A witness is a voter by definition.
  case witnessNotVoter(NodeID)
  /// More nodes than `Membership.maximumNodes`.
  case tooManyNodes(Int)

  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .noVoters: "a membership needs at least one voter"
    case .onlyWitnesses: "at least one voter must not be a witness: nobody would hold commands"
    case .zeroNode: "node 0 means \"no node\"; number nodes from 1"
    case .namedTwice(let node): "\(node) is named twice; name each node once"
    case .voterAndLearner(let node): "\(node) cannot be voter and learner; choose one"
    case .witnessNotVoter(let node): "witness \(node) is not among the voters; add it there"
    case .tooManyNodes(let count):
      "\(count) nodes are too many; at most \(Membership.maximumNodes) fit"
    }
  }
}

extension Membership: CustomStringConvertible {
  /// For example `{n1 n2 n3} learners {n4}`, or `{n1 n2 n4} leaving {n1 n2 n3}`.
  public var description: String {
    var text = Membership.braces(voters)
    if isJoint { text += " leaving " + Membership.braces(outgoing) }
    if !learners.isEmpty { text += " learners " + Membership.braces(learners) }
    if !learnersNext.isEmpty { text += " then learners " + Membership.braces(learnersNext) }
    if !witnesses.isEmpty { text += " witnesses " + Membership.braces(witnesses) }
    return text
  }

  private static func braces(_ nodes: [NodeID]) -> String {
    var text = "{"
    for position in nodes.indices {
      if position > 0 { text += " " }
      text += nodes[position].description
    }
    return text + "}"
  }
}

extension Membership: Hashable {
  /// Two memberships are equal if they give every node the same part.
  public static func == (a: Membership, b: Membership) -> Bool { a.lists == b.lists }

  /// Feeds the lists.
  public func hash(into hasher: inout Hasher) { hasher.combine(lists) }
}

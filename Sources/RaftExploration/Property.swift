// What must always hold, what must be possible after any of it, and what is worth having seen.

import Raft

/// What is checked in every state and at every step that is explored.
public enum Property: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// At most one leader can be elected in a given term (§5.2).
  case electionSafety
  /// If two logs have an entry of the same index and term, they are identical up to it (§5.3).
  case logMatching
  /// A committed entry is in the logs of the leaders of all later terms (§5.4.3).
  case leaderCompleteness
  /// No two nodes have different entries committed or applied at one index (§5.4.3).
  case stateMachineSafety
  /// A leader commits by counting only entries of its own term (§5.4.2).
  case commitsOwnTerm
  /// What is committed is durable on a quorum of the membership in force, of both sets if joint.
  case commitIsDurable
  /// A node knows of no commit that no leader has made.
  case commitIsKnown
  /// A node votes once in a term, also across crashes, as its disk shows.
  case oneVote
  /// What promises durability is said only after the write is durable.
  case durableBeforeSaid
  /// A node applies only what is durable on its own disk, in order, each entry once.
  case appliesDurable
  /// A read sees all that was committed before it was asked.
  case readsAreFresh
  /// A caller is told committed only of what is.
  case answersAreTrue
  /// A node can start from what its own disk holds.
  case restarts
  /// The core's own state and change invariants.
  case nodeInvariants
  /// When faults have ended, an entry commits on every voter. See `Explorer`.
  case eventuallyCommits

  /// The name for people.
  public var title: String {
    switch self {
    case .electionSafety: "Election Safety"
    case .logMatching: "Log Matching"
    case .leaderCompleteness: "Leader Completeness"
    case .stateMachineSafety: "State Machine Safety"
    case .commitsOwnTerm: "commits only its own term by counting"
    case .commitIsDurable: "committed is durable on a quorum"
    case .commitIsKnown: "commits come from leaders"
    case .oneVote: "one durable vote per term"
    case .durableBeforeSaid: "durable before it is said"
    case .appliesDurable: "applies only what is durable"
    case .readsAreFresh: "reads are fresh"
    case .answersAreTrue: "answers are true"
    case .restarts: "restarts from its own disk"
    case .nodeInvariants: "node invariants"
    case .eventuallyCommits: "an entry commits"
    }
  }

  /// The name for files and command lines.
  public var description: String {
    switch self {
    case .electionSafety: "election-safety"
    case .logMatching: "log-matching"
    case .leaderCompleteness: "leader-completeness"
    case .stateMachineSafety: "state-machine-safety"
    case .commitsOwnTerm: "commits-own-term"
    case .commitIsDurable: "commit-is-durable"
    case .commitIsKnown: "commit-is-known"
    case .oneVote: "one-vote"
    case .durableBeforeSaid: "durable-before-said"
    case .appliesDurable: "applies-durable"
    case .readsAreFresh: "reads-are-fresh"
    case .answersAreTrue: "answers-are-true"
    case .restarts: "restarts"
    case .nodeInvariants: "node-invariants"
    case .eventuallyCommits: "eventually-commits"
    }
  }

  /// Whether it must hold always; otherwise, after all faults, in the end.
  public var isAlways: Bool { self != .eventuallyCommits }

  var bit: UInt32 { 1 << UInt32(rawValue) }
}

/// Which properties an exploration checks.
public struct PropertySet: Hashable, Sendable, BitwiseCopyable {
  var bits: UInt32

  /// Every property.
  public static let all = PropertySet(Property.allCases)

  /// These properties.
  public init(_ properties: [Property]) {
    bits = 0
    for property in properties { bits |= property.bit }
  }

  /// Whether the property is one of them.
  public func contains(_ property: Property) -> Bool { bits & property.bit != 0 }
}

/// That a property does not hold, and where it shows.
public struct Finding: Error, Hashable, Sendable, BitwiseCopyable {
  /// The property.
  public var property: Property
  /// The node whose step shows it.
  public var node: NodeID
  /// The term, if one is concerned.
  public var term = Term.zero
  /// The index, if one is concerned.
  public var index = LogIndex.zero
  /// The other node, if one is concerned.
  public var other: NodeID?
  /// For `nodeInvariants`: which one.
  public var state: StateInvariant?
  /// For `nodeInvariants`: which one.
  public var change: ChangeInvariant?

  init(_ property: Property, _ node: NodeID) {
    self.property = property
    self.node = node
  }

  /// What is wrong, in a sentence.
  public var sentence: String {
    let other = other.map(\.description) ?? "another node"
    return switch property {
    case .electionSafety: "\(node) and \(other) were both elected in term \(term)"
    case .logMatching:
      "\(node) and \(other) have the same entry at \(index) of term \(term), but differ before it"
    case .leaderCompleteness: "\(node) leads term \(term) without the committed entry at \(index)"
    case .stateMachineSafety: "\(node) commits another entry at \(index) than was committed before"
    case .commitsOwnTerm: "\(node), leading term \(term), commits an older entry at \(index)"
    case .commitIsDurable:
      "\(node) commits \(index) in term \(term), but it is not durable on a quorum"
    case .commitIsKnown: "\(node) takes \(index) for committed, which no leader has committed"
    case .oneVote: "\(node) votes twice in term \(term)"
    case .durableBeforeSaid:
      "\(node) tells \(other) what its own disk does not hold yet (term \(term), index \(index))"
    case .appliesDurable: "\(node) applies \(index) out of order or before it is on its own disk"
    case .readsAreFresh: "\(node) answers a read at \(index) although more was committed before it"
    case .answersAreTrue: "\(node) says committed of an entry at \(index) that is not"
    case .restarts: "\(node) cannot start from what its own disk holds"
    case .nodeInvariants:
      "\(node): \(state?.description ?? change?.description ?? "an invariant") is broken"
    case .eventuallyCommits: "no entry commits although all faults have ended"
    }
  }
}

/// What is worth having seen: an exploration that never saw it has shown little about it.
public enum Situation: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// A node was elected.
  case leaderElected
  /// A node was elected in another term than the first.
  case laterLeaderElected
  /// Two nodes led at once, in different terms.
  case twoLeadersAtOnce
  /// An entry was committed.
  case entryCommitted
  /// An entry of an older term was committed by one of a newer.
  case olderTermCommitted
  /// A follower deleted entries that its leader does not have.
  case logTruncated
  /// A follower refused entries that do not follow its own.
  case appendRefused
  /// A vote was refused.
  case voteRefused
  /// A leader stepped down because of a newer term.
  case leaderDeposed
  /// A crash lost a write.
  case writeLost
  /// A message had an effect while a copy of it stayed on its way.
  case duplicateHeard
  /// A snapshot was taken.
  case snapshotTaken
  /// A snapshot from a leader was installed.
  case snapshotInstalled
  /// A joint configuration was entered.
  case jointEntered
  /// A joint configuration was left.
  case jointLeft
  /// A node learnt that it is no longer a member.
  case nodeRemoved
  /// A linearizable read was answered.
  case readAnswered
  /// Two nodes were elected in one term: must never be reached.
  case leaderReplacedInTerm

  /// Whether it must not be reached.
  public var isForbidden: Bool { self == .leaderReplacedInTerm }

  /// What was seen, in words.
  public var description: String {
    switch self {
    case .leaderElected: "a leader is elected"
    case .laterLeaderElected: "a leader of a later term is elected"
    case .twoLeadersAtOnce: "two leaders at once, in different terms"
    case .entryCommitted: "an entry commits"
    case .olderTermCommitted: "an entry of an older term commits with one of a newer"
    case .logTruncated: "entries are deleted that the leader does not have"
    case .appendRefused: "entries are refused that do not follow"
    case .voteRefused: "a vote is refused"
    case .leaderDeposed: "a leader is deposed by a newer term"
    case .writeLost: "a crash loses a write"
    case .duplicateHeard: "a message is heard of which a copy is still on its way"
    case .snapshotTaken: "a snapshot is taken"
    case .snapshotInstalled: "a snapshot is installed"
    case .jointEntered: "a joint configuration is entered"
    case .jointLeft: "a joint configuration is left"
    case .nodeRemoved: "a node learns that it is removed"
    case .readAnswered: "a read is answered"
    case .leaderReplacedInTerm: "leader replaced in one term"
    }
  }

  var bit: UInt32 { 1 << UInt32(rawValue) }
}

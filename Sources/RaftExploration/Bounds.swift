// What an exploration covers. Everything is stated here, so that a verdict can be told with it.

import Raft

/// How much may happen in the runs that are explored; every run within these bounds is.
public struct Bounds: Hashable, Sendable {
  /// The voters that the cluster begins with, n1 to this number.
  ///
  /// - Range: 1 to 5.
  public var nodes = 3
  /// Nodes beyond the voters that wait to be added, numbered after them.
  ///
  /// - Range: 0 to 2, and at most 5 with the voters.
  public var spares = 0
  /// The greatest term in which anybody stands for election.
  ///
  /// - Range: 1 to 15.
  public var terms = 2
  /// How many commands are proposed.
  ///
  /// - Range: 0 to 15, as of all that follow.
  public var entries = 1
  /// How many crashes there are, each of them losing any suffix of the writes under way.
  public var crashes = 0
  /// When writes become durable.
  public var disks = DiskBound.any
  /// How many messages are lost. With reductions messages may be lost without a bound.
  public var losses = 0
  /// How many messages come twice, or `nil` for any of them, any number of times, at any time
  /// after it was sent: the network then forgets nothing, and `inFlight` must be `nil`, too.
  public var duplicates: Int? = 0
  /// How many messages may be in flight from one node to one other: 1, or `nil` for any number.
  /// Where it is 1, a message that is on its way is lost when another is sent on the same link.
  /// (With 2 one that is to be lost might push out one that is not, and a loss would no longer be
  /// the same as silence.)
  public var inFlight: Int? = 1
  /// How often a leader's heartbeat timer runs out.
  public var heartbeats = 0
  /// How many snapshots are taken, each with the log compacted up to it.
  public var snapshots = 0
  /// How many linearizable reads are asked of leaders.
  public var reads = 0
  /// How many election timers run out, or `nil` for as many as the terms allow. Needed with
  /// pre-vote, by which a node may ask again and again in one term.
  public var timeouts: Int?
  /// What operators may ask for, each at most once, in any order and at any time.
  ///
  /// - Range: at most 4 changes.
  public var changes: [MembershipChange] = []
  /// Whether nodes ask before they stand (thesis §9.6).
  public var isPreVoteEnabled = false

  /// Bounds with the defaults: three nodes, two terms, one command, and no faults.
  public init() {}

  /// All nodes.
  public var total: Int { nodes + spares }

  /// Whether a message that was sent stays there to be heard.
  var keepsMessages: Bool { duplicates == nil }

  /// The bounds, if all are in range.
  ///
  /// - Throws: `BoundsError` with every problem, not only the first.
  public func validated() throws(BoundsError) -> Bounds {
    var problems: [String] = []
    func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>) {
      if !range.contains(value) {
        problems.append(
          "\(name) is \(value); it must lie in \(range.lowerBound)...\(range.upperBound)")
      }
    }
    require("nodes", nodes, 1...5)
    require("spares", spares, 0...2)
    require("nodes and spares together", nodes + spares, 1...5)
    require("terms", terms, 1...15)
    for (name, value) in counts { require(name, value, 0...15) }
    if let timeouts { require("timeouts", timeouts, 0...15) }
    if duplicates == nil && inFlight != nil {
      problems.append("with any number of duplicates any number of messages must be in flight")
    }
    if let inFlight, inFlight != 1 {
      problems.append("inFlight is \(inFlight); it must be 1, or nil for any number")
    }
    require("the number of changes", changes.count, 0...4)
    for change in changes {
      for step in change.steps
      where step.node.rawValue < 1 || step.node.rawValue > UInt64(total) {
        problems.append("\(step) names a node that is not among n1 to n\(total)")
      }
    }
    if isPreVoteEnabled && timeouts == nil {
      problems.append("with pre-vote a term has no end of elections; set a bound on timeouts")
    }
    guard problems.isEmpty else { throw BoundsError(problems: problems) }
    return self
  }

  private var counts: [(String, Int)] {
    [
      ("entries", entries), ("crashes", crashes), ("losses", losses),
      ("duplicates", duplicates ?? 0), ("heartbeats", heartbeats), ("snapshots", snapshots),
      ("reads", reads),
    ]
  }

  /// The membership at the start.
  var membership: Membership {
    let voters = (1...max(nodes, 1)).map { NodeID(UInt64($0)) }
    do { return try Membership(voters: voters) } catch {
      preconditionFailure("nodes 1 to \(nodes) are no membership: \(error)")
    }
  }

  /// The settings of a node. Time stands still but for a leader's ticks, of which there are at most
  /// 15: so two ticks are the patience after which a leader repeats what was lost, and no other
  /// deadline is ever reached.
  func configuration(of node: NodeID) -> Configuration {
    var configuration = Configuration(id: node, seed: node.rawValue)
    configuration.heartbeatTicks = Ticks(1)
    configuration.electionTimeoutTicks = Ticks(8)
    configuration.isPreVoteEnabled = isPreVoteEnabled
    configuration.isCheckQuorumEnabled = false
    configuration.diskStallTicks = Ticks(1_000_000)
    configuration.retainedEntries = 0
    return configuration
  }

  /// A digest of all bounds, to tell whether a file was written for these.
  public var digest: UInt64 {
    var digest = Digest()
    for (_, value) in counts { digest.combine(UInt64(value)) }
    for value in [
      nodes, spares, terms, timeouts ?? 99, isPreVoteEnabled ? 1 : 0, inFlight ?? 99,
      duplicates == nil ? 1 : 0, Int(disks.rawValue),
    ] {
      digest.combine(UInt64(value))
    }
    for change in changes {
      digest.combine(change.isJointForced ? 1 : 0)
      for step in change.steps { digest.combine(bytes: Array(step.description.utf8)) }
      digest.combine(UInt64(change.steps.count))
    }
    return digest.value
  }
}

extension Bounds: CustomStringConvertible {
  /// All bounds in a line, for example `3 nodes, 2 terms, 1 entry, 0 crashes, ...`.
  public var description: String {
    func counted(_ count: Int, _ name: String, _ names: String) -> String {
      "\(count) \(count == 1 ? name : names)"
    }
    var words = [counted(nodes, "node", "nodes")]
    if spares > 0 { words.append(counted(spares, "spare", "spares")) }
    words.append(counted(terms, "term", "terms"))
    words.append(counted(entries, "entry", "entries"))
    words.append(counted(crashes, "crash", "crashes"))
    words.append(counted(losses, "loss", "losses"))
    words.append(
      duplicates.map { counted($0, "duplicate", "duplicates") } ?? "any number of duplicates")
    words.append(inFlight.map { "\($0) in flight on a link" } ?? "any number in flight")
    words.append(counted(heartbeats, "heartbeat", "heartbeats"))
    words.append(counted(snapshots, "snapshot", "snapshots"))
    words.append(counted(reads, "read", "reads"))
    if let timeouts { words.append(counted(timeouts, "timeout", "timeouts")) }
    words.append(disks.words)
    words.append(isPreVoteEnabled ? "pre-vote" : "no pre-vote")
    for change in changes { words.append("change " + Bounds.words(change)) }
    return words.joined(separator: ", ")
  }

  static func words(_ change: MembershipChange) -> String {
    let steps = change.steps.map(\.description).joined(separator: " and ")
    return "(\(steps)\(change.isJointForced ? ", joint" : ""))"
  }
}

/// When writes become durable, within an exploration.
public enum DiskBound: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// At any time, in order; a crash keeps any prefix of those under way.
  case any
  /// At the end of the step that asks for them. Only a disk that is about to lose writes lags: from
  /// any step of a node on, once for each crash, nothing that it writes becomes durable, until it
  /// crashes and has lost that.
  case prompt

  /// The name for command lines.
  public var description: String { self == .any ? "any" : "prompt" }

  var words: String {
    self == .any ? "disks take any time" : "disks that lag only before a crash"
  }
}

/// Everything that is wrong with bounds.
public struct BoundsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong and what may be, a sentence each; at least one.
  public var problems: [String]

  /// The sentences.
  public var description: String { problems.joined(separator: "; ") }
}

/// What is spared, without a state being missed that matters. `Docs/Concepts/Exploration.md` says
/// why each is sound, and a test compares explorations with and without them.
public struct Reductions: Hashable, Sendable, BitwiseCopyable {
  /// Whether states that differ only in the names of nodes count as one.
  public var isSymmetric = true
  /// Whether steps are left out after which nothing is possible that is not possible without them.
  public var isReduced = true

  /// Both reductions.
  public init(isSymmetric: Bool = true, isReduced: Bool = true) {
    self.isSymmetric = isSymmetric
    self.isReduced = isReduced
  }
}

/// A way in which the host of every node breaks the contract with the core, to see what that costs.
public enum HostFault: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// The host keeps the contract.
  case none
  /// A restarted node is given its log and term, but not its vote.
  case forgetsVote
  /// Writes are said to be durable as soon as they are asked for.
  case saysDurableTooEarly
  /// A restarted node is given no entry after the first.
  case forgetsEntries

  /// The name for command lines.
  public var description: String {
    switch self {
    case .none: "none"
    case .forgetsVote: "forgets-vote"
    case .saysDurableTooEarly: "says-durable-too-early"
    case .forgetsEntries: "forgets-entries"
    }
  }
}

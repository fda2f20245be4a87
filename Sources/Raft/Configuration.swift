// What a host may set. Every limit has a unit and a range, and all mistakes are reported at once.

/// The settings of one node, constant for its life.
public struct Configuration: Hashable, Sendable {
  /// This node. Not zero.
  public var id: NodeID

  /// The seed of the node's randomised timeouts. Give each node and each life another one.
  public var seed: UInt64

  /// How often a leader sends heartbeats (§5.2).
  ///
  /// - Unit: ticks. Range: 1 to a third of `electionTimeoutTicks`. Default: 10.
  public var heartbeatTicks: Ticks = Ticks(10)

  /// How long a follower waits without hearing from a leader before it starts an election (§5.2).
  ///
  /// The wait is drawn uniformly from `electionTimeoutTicks ..< 2 * electionTimeoutTicks` by the
  /// node's own generator: anew when it has run out or a vote was given, not at each heartbeat.
  ///
  /// - Unit: ticks. Range: 3 times `heartbeatTicks` to 1,000,000. Default: 100.
  public var electionTimeoutTicks: Ticks = Ticks(100)

  /// Whether to ask before disturbing anybody with a higher term (thesis §9.6). Default: true.
  public var isPreVoteEnabled = true

  /// Whether a leader that does not hear of a majority for an election timeout steps down, and
  /// voters that hear of a leader refuse to elect another (thesis §6.2, §4.2.3). Default: true.
  public var isCheckQuorumEnabled = true

  /// How eager the node is to lead: each step below 3 adds an election timeout to its wait.
  ///
  /// - Range: 0 to 3. Default: 3, the most eager.
  public var electionPriority: UInt8 = 3

  /// Whether the leader may answer `lease` reads without a round, and under which bound on clock
  /// drift; `nil`, the default, for never (thesis §6.4.1).
  ///
  /// All nodes of a cluster must agree on whether it is `nil`. The bound says by how much the tick
  /// rate of any node may be wrong.
  ///
  /// - Unit: parts per thousand. Range: 0 to 500.
  public var leaseDriftPerMille: UInt64?

  /// How many entries and bytes one message may carry; a single larger entry still goes.
  ///
  /// - Unit: entries; bytes. Range: 1 or more. Defaults: 1,024 and 4 MiB.
  public var maximumEntriesPerMessage: UInt64 = 1_024
  /// The bytes of entries that one message may carry; see `maximumEntriesPerMessage`.
  public var maximumBytesPerMessage: UInt64 = 4 << 20

  /// How much the leader sends to one follower ahead of its acknowledgements.
  ///
  /// - Unit: entries; bytes. Range: 1 or more. Defaults: 8,192 and 16 MiB.
  public var maximumEntriesInFlight: UInt64 = 8_192
  /// The bytes that may be under way to one follower; see `maximumEntriesInFlight`.
  public var maximumBytesInFlight: UInt64 = 16 << 20

  /// How much may stand uncommitted in a leader's log before proposals are refused as `tooBusy`.
  ///
  /// - Unit: entries; bytes. Range: 1 or more. Defaults: 65,536 and 64 MiB.
  public var maximumUncommittedEntries: UInt64 = 65_536
  /// The bytes that may stand uncommitted; see `maximumUncommittedEntries`.
  public var maximumUncommittedBytes: UInt64 = 64 << 20

  /// How many requests the node remembers at once, of each kind, before it refuses as `tooBusy`.
  ///
  /// - Unit: requests. Range: 1 or more. Default: 65,536.
  public var maximumPendingRequests: UInt64 = 65_536

  /// How many entries before a snapshot stay in the log for followers that are a little behind.
  ///
  /// - Unit: entries. Default: 1,024.
  public var retainedEntries: UInt64 = 1_024

  /// How many bytes of applied entries stay in memory; older ones are loaded when somebody needs
  /// them.
  ///
  /// - Unit: bytes. Default: unlimited.
  public var maximumBytesInMemory = UInt64.max

  /// How many bytes of a snapshot one message carries.
  ///
  /// - Unit: bytes. Range: 1 or more. Default: 256 KiB.
  public var snapshotChunkBytes: UInt64 = 256 << 10

  /// How many entries a learner may lack and still be made a voter.
  ///
  /// - Unit: entries. Default: 256.
  public var maximumLearnerLag: UInt64 = 256

  /// How long a leader's storage may leave a write unanswered before the leader steps down.
  ///
  /// - Unit: ticks. Range: 1 or more. Default: 500.
  public var diskStallTicks: Ticks = Ticks(500)

  /// Whether a follower hands proposals to the leader instead of refusing them. Default: false.
  public var isForwardingProposals = false

  /// After how long without work a group stretches its clocks; `nil`, the default, for never.
  ///
  /// - Unit: ticks. Range: 1 or more.
  public var quiescenceTicks: Ticks?

  /// By how much an idle group stretches heartbeats and election timeouts.
  ///
  /// - Range: 2 to 1,000. Default: 16.
  public var quiescenceFactor: UInt64 = 16

  /// Settings with the defaults.
  public init(id: NodeID, seed: UInt64) {
    self.id = id
    self.seed = seed
  }

  /// The settings, if all are in range.
  ///
  /// - Throws: `ConfigurationError` with every problem, not only the first.
  public func validated() throws(ConfigurationError) -> Configuration {
    var problems: [ConfigurationProblem] = []
    func require(_ holds: Bool, _ problem: ConfigurationProblem) {
      if !holds { problems.append(problem) }
    }
    require(id.rawValue > 0, .zeroID)
    require(heartbeatTicks > .zero, .mustBePositive(.heartbeatTicks))
    let (threefold, overflow) = heartbeatTicks.rawValue.multipliedReportingOverflow(by: 3)
    require(
      !overflow && electionTimeoutTicks.rawValue >= threefold,
      .electionTimeoutTooShort(electionTimeoutTicks, heartbeat: heartbeatTicks))
    require(
      electionTimeoutTicks.rawValue <= 1_000_000, .outOfRange(.electionTimeoutTicks, 1...1_000_000))
    require(electionPriority <= 3, .outOfRange(.electionPriority, 0...3))
    if let drift = leaseDriftPerMille {
      require(drift <= 500, .outOfRange(.leaseDriftPerMille, 0...500))
      require(isCheckQuorumEnabled, .leaseNeedsCheckQuorum)
    }
    require(maximumEntriesPerMessage > 0, .mustBePositive(.maximumEntriesPerMessage))
    require(maximumBytesPerMessage > 0, .mustBePositive(.maximumBytesPerMessage))
    require(maximumEntriesInFlight > 0, .mustBePositive(.maximumEntriesInFlight))
    require(maximumBytesInFlight > 0, .mustBePositive(.maximumBytesInFlight))
    require(maximumUncommittedEntries > 0, .mustBePositive(.maximumUncommittedEntries))
    require(maximumUncommittedBytes > 0, .mustBePositive(.maximumUncommittedBytes))
    require(maximumPendingRequests > 0, .mustBePositive(.maximumPendingRequests))
    require(snapshotChunkBytes > 0, .mustBePositive(.snapshotChunkBytes))
    require(diskStallTicks > .zero, .mustBePositive(.diskStallTicks))
    if let quiescenceTicks {
      require(quiescenceTicks > .zero, .mustBePositive(.quiescenceTicks))
    }
    require(
      (2...1_000).contains(quiescenceFactor), .outOfRange(.quiescenceFactor, 2...1_000))
    if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    return self
  }
}

/// The name of a setting in an error.
public enum ConfigurationField: String, Hashable, Sendable {
  /// `Configuration.heartbeatTicks`.
  case heartbeatTicks
  /// `Configuration.electionTimeoutTicks`.
  case electionTimeoutTicks
  /// `Configuration.electionPriority`.
  case electionPriority
  /// `Configuration.leaseDriftPerMille`.
  case leaseDriftPerMille
  /// `Configuration.maximumEntriesPerMessage`.
  case maximumEntriesPerMessage
  /// `Configuration.maximumBytesPerMessage`.
  case maximumBytesPerMessage
  /// `Configuration.maximumEntriesInFlight`.
  case maximumEntriesInFlight
  /// `Configuration.maximumBytesInFlight`.
  case maximumBytesInFlight
  /// `Configuration.maximumUncommittedEntries`.
  case maximumUncommittedEntries
  /// `Configuration.maximumUncommittedBytes`.
  case maximumUncommittedBytes
  /// `Configuration.maximumPendingRequests`.
  case maximumPendingRequests
  /// `Configuration.snapshotChunkBytes`.
  case snapshotChunkBytes
  /// `Configuration.diskStallTicks`.
  case diskStallTicks
  /// `Configuration.quiescenceTicks`.
  case quiescenceTicks
  /// `Configuration.quiescenceFactor`.
  case quiescenceFactor
}

/// One thing that is wrong with settings.
public enum ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
  /// The node has no identity.
  case zeroID
  /// A setting is zero and may not be.
  case mustBePositive(ConfigurationField)
  /// A setting is not in its range.
  case outOfRange(ConfigurationField, ClosedRange<UInt64>)
  /// A single lost heartbeat would start an election.
  case electionTimeoutTooShort(Ticks, heartbeat: Ticks)
  /// A lease is a promise that only check-quorum keeps.
  case leaseNeedsCheckQuorum

  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .zeroID: "id is 0, which means \"no node\"; number nodes from 1"
    case .mustBePositive(let field): "\(field.rawValue) is 0; it must be at least 1"
    case .outOfRange(let field, let range):
      "\(field.rawValue) must lie in \(range.lowerBound)...\(range.upperBound)"
    case .electionTimeoutTooShort(let timeout, let heartbeat):
      "electionTimeoutTicks \(timeout) must be at least 3 times heartbeatTicks \(heartbeat): "
        + "a single lost heartbeat would start an election"
    case .leaseNeedsCheckQuorum:
      "leaseDriftPerMille needs isCheckQuorumEnabled: without it voters do not keep the lease"
    }
  }
}

/// Everything that is wrong with settings.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The problems, in the order of the fields; at least one.
  public var problems: [ConfigurationProblem]

  /// One sentence for each problem.
  public var description: String {
    var text = ""
    for problem in problems { text += (text.isEmpty ? "" : "; ") + problem.description }
    return text
  }
}

// What a node finds again after a crash. Figure 2's persistent state, and the snapshot of §7.

/// Everything that a node's storage held when the node was started.
public struct DurableState: Hashable, Sendable {
  /// The newest hard state.
  public var hardState: HardState
  /// The newest snapshot, or `.none` with the first membership of a new cluster.
  public var snapshot: SnapshotMetadata
  /// Where the log begins: its entries follow this one. At or before the snapshot's position.
  public var logStart: LogPosition
  /// The entries after `logStart`.
  public var entries: Entries
  /// What was stored aside of a snapshot that was not complete, if anything.
  public var partialSnapshot: PartialSnapshot?

  /// The state of a new node of a new cluster. All first nodes must be given the same membership.
  public init(bootstrapping membership: Membership) {
    hardState = HardState()
    snapshot = SnapshotMetadata(
      lastIncluded: LogPosition(term: .zero, index: .zero), membership: membership,
      membershipIndex: .zero)
    logStart = LogPosition(term: .zero, index: .zero)
    entries = .none
  }

  /// The state of a new node that waits to be added to a cluster: it knows of nobody.
  public static let joining = DurableState(bootstrapping: .none)

  /// A state of these parts.
  public init(
    hardState: HardState, snapshot: SnapshotMetadata, logStart: LogPosition, entries: Entries,
    partialSnapshot: PartialSnapshot? = nil
  ) {
    self.hardState = hardState
    self.snapshot = snapshot
    self.logStart = logStart
    self.entries = entries
    self.partialSnapshot = partialSnapshot
  }
}

/// How much of a snapshot from a leader is stored aside.
public struct PartialSnapshot: Hashable, Sendable {
  /// Which snapshot.
  public var metadata: SnapshotMetadata
  /// The bytes from the beginning that are there.
  public var bytesStored: UInt64

  /// The first `bytesStored` bytes of a snapshot.
  public init(metadata: SnapshotMetadata, bytesStored: UInt64) {
    self.metadata = metadata
    self.bytesStored = bytesStored
  }
}

/// Why a node cannot be started from what its storage holds.
public enum RestoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The settings are wrong.
  case configuration(ConfigurationError)
  /// The entries do not follow one another, or do not follow `logStart`.
  case logHasGap(after: LogIndex)
  /// The log begins after the snapshot ends: entries are missing.
  case snapshotBeforeLog(snapshot: LogIndex, logStart: LogIndex)
  /// The log ends before the snapshot does, or disagrees with it on a term.
  case logContradictsSnapshot(at: LogIndex)
  /// An entry is of a later term than the hard state.
  case termBehindLog(Term, LogIndex)
  /// The membership in the snapshot or in an entry is not a possible one, or cannot be read.
  case badMembership(at: LogIndex)

  /// What is wrong and where, in a sentence.
  public var description: String {
    switch self {
    case .configuration(let error): "the settings are wrong: \(error.description)"
    case .logHasGap(let index): "the log has a gap after entry \(index)"
    case .snapshotBeforeLog(let snapshot, let start):
      "the snapshot ends at \(snapshot), the log begins after \(start): entries are missing"
    case .logContradictsSnapshot(let index):
      "the log and the snapshot contradict each other at \(index)"
    case .termBehindLog(let term, let index):
      "entry \(index) is of a later term than the recorded term \(term): a vote may be lost"
    case .badMembership(let index): "the membership at \(index) cannot be read"
    }
  }
}

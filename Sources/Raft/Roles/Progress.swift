// Figure 2, "volatile state on leaders": what the leader knows of each other node.

/// How the leader sends to a follower.
public enum ProgressState: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// One message at a time, until the logs are known to match (§5.3).
  case probe
  /// A stream of messages, not waiting for answers.
  case replicate
  /// A snapshot, because the log no longer has what the follower lacks (§7).
  case snapshot

  /// The state in a word.
  public var description: String {
    switch self {
    case .probe: "probe"
    case .replicate: "replicate"
    case .snapshot: "snapshot"
    }
  }
}

/// What a leader knows of one other node.
///
/// What is under way is derived from `nextIndex` and `matchIndex`, never counted apart, so that no
/// counter can leak.
public struct Progress: Hashable, Sendable, BitwiseCopyable {
  /// The node.
  public let id: NodeID
  /// How the leader sends to it.
  public internal(set) var state = ProgressState.probe
  /// Index of highest log entry known to be replicated on the node, durably.
  public internal(set) var matchIndex = LogIndex.zero
  /// Index of highest log entry known to have arrived at the node, durable or not.
  public internal(set) var receivedIndex = LogIndex.zero
  /// Index of the next log entry to send to the node.
  public internal(set) var nextIndex: LogIndex
  /// The leader's tick at which the node was last heard of.
  public internal(set) var lastHeard: UInt64

  /// The newest read round that the node has confirmed.
  var confirmedRound: UInt64 = 0
  /// The commit index that was last sent.
  var sentCommit = LogIndex.zero
  /// When something was last acknowledged or begun; silence from then on leads to a repetition.
  var movedAt: UInt64
  /// The round that the probe belongs to: an older reply answers a stream that was given up.
  var probeRound: UInt64 = 0
  /// A probe is under way.
  var isProbing = false
  /// Entries or a chunk are being loaded for it.
  var isLoading = false
  /// The snapshot that is being sent, and from which byte on.
  var snapshot = LogPosition(term: .zero, index: .zero)
  var snapshotOffset: UInt64 = 0

  /// Votes in the (new) configuration.
  var isIncoming = false
  /// Votes in the configuration that is being left.
  var isOutgoing = false
  /// Holds no commands.
  var isWitness = false
  /// Is no longer a member, and is told so before it is forgotten.
  var isDeparting = false

  init(_ id: NodeID, nextIndex: LogIndex, now: UInt64) {
    self.id = id
    self.nextIndex = nextIndex
    lastHeard = now
    movedAt = now
  }

  /// Takes in how far the node has come. The newest word counts, also where it takes an older one
  /// back: what was not durable is gone if the node restarted.
  ///
  /// - Returns: whether `matchIndex` has moved.
  @inline(__always)
  mutating func acknowledge(_ reply: AppendEntriesReply, now: UInt64) -> Bool {
    let received = max(reply.receivedIndex, reply.matchIndex)
    if received > receivedIndex {
      movedAt = now
      receivedIndex = received
    } else if reply.round == confirmedRound {
      receivedIndex = received
    }
    if received >= nextIndex { nextIndex = received.next }
    guard reply.matchIndex > matchIndex else { return false }
    matchIndex = reply.matchIndex
    movedAt = now
    return true
  }

  /// Notes that the entries from `nextIndex` through this one are on their way.
  @inline(__always)
  mutating func noteSent(through index: LogIndex, now: UInt64) {
    if nextIndex.previous == matchIndex { movedAt = now }
    nextIndex = index.next
  }

  mutating func becomeProbe(now: UInt64) {
    nextIndex = matchIndex.next
    receivedIndex = matchIndex
    state = .probe
    isProbing = false
    isLoading = false
    movedAt = now
  }

  mutating func becomeReplicate(now: UInt64) {
    state = .replicate
    nextIndex = max(nextIndex, max(matchIndex, receivedIndex).next)
    isProbing = false
    isLoading = false
    movedAt = now
  }

  mutating func becomeSnapshot(_ position: LogPosition, now: UInt64) {
    state = .snapshot
    snapshot = position
    snapshotOffset = 0
    isProbing = false
    isLoading = false
    movedAt = now
  }
}

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

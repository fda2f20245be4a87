// What a host may set beyond the settings of the core and of the journal.

import Raft

/// The settings of one replica.
public struct ReplicaSettings: Hashable, Sendable {
  /// The settings of the core. Proposals are never forwarded: only where a request was asked can
  /// its result be told, so a replica names the leader instead.
  public var core: Configuration

  /// After how many applied entries a snapshot is taken.
  ///
  /// - Unit: entries. - Range: 1 or more. The default is 100,000.
  public var snapshotEntries: UInt64 = 100_000

  /// After how many bytes of applied entries a snapshot is taken, if that comes first.
  ///
  /// - Unit: bytes. - Range: 1 or more. The default is 64 MiB.
  public var snapshotBytes: UInt64 = 64 << 20

  /// How many bytes of a snapshot are in memory at a time while it is written or read back.
  ///
  /// - Unit: bytes. - Range: 1 or more. The default is 256 KiB.
  public var pieceBytes: UInt32 = 256 << 10

  /// How far the stamp of a peer may be ahead of this host's clock before it is refused.
  ///
  /// - Unit: nanoseconds. The default is half a second.
  public var maximumAheadNanoseconds: UInt64 = 500_000_000

  /// How often a full disk is tried again, and a snapshot that failed.
  ///
  /// - Unit: ticks. - Range: 1 or more. The default is 100.
  public var retryTicks: Ticks = Ticks(100)

  /// How long a write waits for more copies than a majority, if its client has no deadline. Then it
  /// is replied to with the copies that there are.
  ///
  /// - Unit: ticks. - Range: 1 or more. The default is 1,000.
  public var copiesTicks: Ticks = Ticks(1_000)

  /// How long a stopping replica waits for the requests that are under way.
  ///
  /// - Unit: ticks. The default is 300.
  public var stopTicks: Ticks = Ticks(300)

  /// How long a leader to whom nobody gives anything waits before it moves the log's time on by
  /// itself, so that holds, sessions and messages expire though no client speaks; `nil`: never.
  ///
  /// It does so only if, by its clock, something waits for that: see `StateMachine.nextDeadline`.
  /// Where nothing does, nothing is written, and an idle cluster stays idle.
  ///
  /// - Unit: ticks. - Range: 1 or more. The default is 100.
  public var idleTimeTicks: Ticks? = Ticks(100)

  /// The usual settings around these of the core.
  public init(core: Configuration) { self.core = core }

  /// The nearest settings that are in range.
  var clamped: ReplicaSettings {
    var result = self
    result.core.isForwardingProposals = false
    result.snapshotEntries = max(snapshotEntries, 1)
    result.snapshotBytes = max(snapshotBytes, 1)
    result.pieceBytes = min(max(pieceBytes, 1), 1 << 30)
    result.retryTicks = max(retryTicks, Ticks(1))
    result.idleTimeTicks = idleTimeTicks.map { max($0, Ticks(1)) }
    result.copiesTicks = max(copiesTicks, Ticks(1))
    return result
  }
}

// What a campaign should have met: a simulator that never reaches the rare situations proves
// little.

/// A situation worth reaching, and named so that one can say which were not.
public enum Situation: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// An uncommitted entry was deleted because the leader has another (§5.3).
  case uncommittedEntryTruncated = 0
  /// A leader stepped down with entries that were not committed.
  case leaderDeposedWithUncommitted
  /// A leader died with entries that were not committed.
  case leaderCrashedWithUncommitted
  /// A vote for another was on the disk, and the node died before it said so.
  case voteDurableThenCrashBeforeReply
  /// A crash lost writes that were asked for and not durable.
  case crashLostUnsyncedWrites
  /// Two candidates stood in one term.
  case candidatesInOneTerm
  /// A candidate found the leader of its term (§5.2).
  case candidateYielded
  /// A candidate or pre-candidate gave up.
  case electionLost
  /// A leader that heard of no majority stepped down (thesis §6.2).
  case quorumLostSteppedDown
  /// A leader whose disk did not answer stepped down.
  case diskStallSteppedDown
  /// A node's storage failed and the node halted.
  case storageFailed
  /// A vote was refused because a leader is alive (thesis §4.2.3).
  case voteRefusedLeaderAlive
  /// A restarted node withheld its vote for the sake of a lease (thesis §6.4.1).
  case votesWithheldAfterRestart
  /// A message of an older term came.
  case staleTermDropped
  /// An answer to something that was over came.
  case staleReplyDropped
  /// A crash left writes on the disk that had not been reported durable.
  case crashKeptUnsyncedWrites
  /// A leader was elected with uncommitted entries of earlier terms (Figure 8).
  case electedWithOlderUncommitted
  /// Entries of an earlier term were committed by one of the leader's own (§5.4.2).
  case olderTermCommittedByNewer
  /// A leader was elected in a joint configuration (§6).
  case electedInJoint
  /// An entry was committed by two majorities (§6).
  case committedInJoint
  /// A joint configuration was left by another leader than entered it.
  case jointLeftByAnother
  /// A membership was in force and then truncated away.
  case membershipRolledBack
  /// A learner became a voter.
  case learnerPromoted
  /// A voter became a learner.
  case voterDemoted
  /// A leader stepped down because it is no longer a voter.
  case leaderRemovedItself
  /// A node that is not in the committed membership asked for votes.
  case removedNodeCampaigned
  /// A change of members was refused because another was in flight.
  case changeRefusedInFlight
  /// A change was refused because the leader's term had committed nothing.
  case changeRefusedEarly
  /// A cluster of one voter committed.
  case singleVoterCommitted
  /// A leader went back from streaming to probing.
  case probeFellBack
  /// A follower's window was full, and some of it was acknowledged later.
  case windowFull
  /// A follower lacked what the leader's log no longer has (§7).
  case snapshotOffered
  /// A snapshot from the leader replaced the log's beginning.
  case snapshotInstalled
  /// A snapshot was installed during a joint configuration.
  case snapshotInJoint
  /// A snapshot came of which the receiver's log holds all, and more that it must keep.
  case snapshotKeptSuffix
  /// A snapshot came of which the receiver had committed all.
  case snapshotBehindLog
  /// A node restarted with a part of a snapshot.
  case restartedDuringSnapshotReceive
  /// The rest of a snapshot was asked for after a restart.
  case snapshotChunkResumed
  /// A leader loaded entries that were no longer in memory.
  case entriesLoadedFromDisk
  /// Leadership was handed over (thesis §3.10).
  case transferCompleted
  /// Leadership was handed over with entries not yet committed.
  case transferUnderLoad
  /// A transfer was given up.
  case transferAborted
  /// A read was answered by the lease, without a round (thesis §6.4.1).
  case leaseReadServed
  /// An answer to an older round came after that to a newer one.
  case readRoundLate
  /// A node that does not lead let a read go on.
  case followerReadServed
  /// A read was refused because no majority confirmed it.
  case readNotConfirmed
  /// A read came before the leader's term had committed an entry.
  case readWaitedForTerm
  /// A command that was asked for again was answered with the result of the first time.
  case duplicateAnswered
  /// A write was committed with fewer copies than asked for.
  case writeConcernNotMet
  /// A caller was told that its accepted write is lost.
  case proposalLost
  /// A caller was told that the fate of its write is unknown.
  case proposalUnknown
  /// A request was refused because too much was uncommitted or pending.
  case tooBusyRefused
  /// A request was refused because leadership was being handed over.
  case refusedInTransfer
  /// An idle group awoke (its clocks had been stretched).
  case quiescedAndWoke
  /// A witness acknowledged entries.
  case witnessAcknowledged
  /// A node was asked to stop, and handed over what it could.
  case stoppedGracefully
  /// A session turned a command down: it was gone, or too much was under way in it.
  case sessionRefused
  /// A replica answered as it was, without asking anybody.
  case staleReadServed
  /// A client gave up before anything had been done.
  case deadlinePassedBefore
  /// A client gave up after its command had been proposed.
  case deadlinePassedAfter
  /// A full disk turned a command down.
  case diskFullRefused
  /// A read was turned down by a replica that was still reading its machine.
  case loadingRefused
  /// A node died while it was reading its journal.
  case crashedInRecovery
  /// A node began with a write that a crash had cut off.
  case tornTailDiscarded
  /// A disk had done a job, and its result came late.
  case diskResultLate
  /// A disk was found to be damaged.
  case disksDamaged
  /// A damaged node was repaired by its peers.
  case rejoined
  /// A clock on the wall was turned back while its node ran.
  case clockJumpedBack
  /// After the faults a majority went on while the others were still gone.
  case minoritySpared

  /// The name in reports.
  public var description: String { Situation.names[Int(rawValue)] }

  /// In the order of the cases.
  private static let names: [String] = [
    "uncommitted-entry-truncated", "leader-deposed-with-uncommitted",
    "leader-crashed-with-uncommitted", "vote-durable-then-crash-before-reply",
    "crash-lost-unsynced-writes", "candidates-in-one-term", "candidate-yielded", "election-lost",
    "quorum-lost-stepped-down", "disk-stall-stepped-down", "storage-failed",
    "vote-refused-leader-alive", "votes-withheld-after-restart", "stale-term-dropped",
    "stale-reply-dropped", "crash-kept-unsynced-writes", "elected-with-older-uncommitted",
    "older-term-committed-by-newer", "elected-in-joint", "committed-in-joint",
    "joint-left-by-another", "membership-rolled-back", "learner-promoted", "voter-demoted",
    "leader-removed-itself", "removed-node-campaigned", "change-refused-in-flight",
    "change-refused-early", "single-voter-committed", "probe-fell-back", "window-full",
    "snapshot-offered", "snapshot-installed", "snapshot-in-joint", "snapshot-kept-suffix",
    "snapshot-behind-log", "restarted-during-snapshot-receive", "snapshot-chunk-resumed",
    "entries-loaded-from-disk", "transfer-completed", "transfer-under-load", "transfer-aborted",
    "lease-read-served", "read-round-late", "follower-read-served", "read-not-confirmed",
    "read-waited-for-term", "duplicate-answered", "write-concern-not-met", "proposal-lost",
    "proposal-unknown", "too-busy-refused", "refused-in-transfer", "quiesced-and-woke",
    "witness-acknowledged", "stopped-gracefully", "session-refused", "stale-read-served",
    "deadline-passed-before", "deadline-passed-after", "disk-full-refused", "loading-refused",
    "crashed-in-recovery", "torn-tail-discarded", "disk-result-late", "disk-damaged",
    "rejoined", "clock-jumped-back", "minority-spared",
  ]
}

/// How often each situation was reached.
public struct SituationCounts: Hashable, Sendable {
  /// One counter for each situation, by its number.
  public private(set) var counters: [UInt32]

  /// Nothing reached.
  public init() { counters = [UInt32](repeating: 0, count: Situation.allCases.count) }

  /// How often this one was reached.
  public subscript(situation: Situation) -> UInt32 { counters[Int(situation.rawValue)] }

  /// Counts one more.
  @inline(__always)
  public mutating func reach(_ situation: Situation) {
    counters[Int(situation.rawValue)] &+= 1
  }

  /// Adds the counts of another run.
  public mutating func add(_ other: SituationCounts) {
    for position in counters.indices { counters[position] &+= other.counters[position] }
  }

  /// How many different situations were reached.
  public var reached: Int {
    var count = 0
    for counter in counters where counter > 0 { count += 1 }
    return count
  }
}

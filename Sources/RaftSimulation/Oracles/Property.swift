// Figure 3 and what it rests on: the properties that hold in every run, each with a name to point
// at.

/// Something that must be true of a cluster after every event.
public enum Property: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// At most one leader can be elected in a given term.
  case electionSafety = 1
  /// A node's disk never holds votes for two candidates of one term, whatever crashes between them.
  case oneVotePerTerm
  /// Terms never go back, commit and applied indexes only by a crash.
  case monotonicity
  /// Two logs with an entry of the same index and term are identical up to it.
  case logMatching
  /// A leader never overwrites or deletes entries in its log; it only appends new entries.
  case leaderAppendOnly
  /// A committed entry is in the log of every later leader.
  case leaderCompleteness
  /// No two nodes apply different entries at one index.
  case stateMachineSafety
  /// A leader commits by counting only entries of its own term.
  case commitOnlyOwnTerm
  /// What is committed lies on the disks of a quorum of the membership in force.
  case commitDurable
  /// Nothing is promised to another node before the promise is on the disk.
  case durableBeforeSaid
  /// Neighbouring memberships share a node in any two majorities, and at most one is uncommitted.
  case membershipOverlap
  /// A node follows the newest membership in its log, and all agree what that is.
  case membershipIsOfTheLog
  /// A snapshot is the machine after the entries it replaces.
  case snapshotIsPrefix
  /// Two machines that have applied the same entries are in the same state.
  case machinesAgree
  /// Entries are applied one after the other, each once.
  case appliedInOrder
  /// A read sees every write that was committed before the read began.
  case readsAreFresh
  /// What was acknowledged to a caller stays.
  case acknowledgedSurvives
  /// A caller hears exactly one answer for each stage of a request, and it is true.
  case oneAnswer
  /// Tickets count up by one in each life of a node.
  case ticketsCount
  /// A node that has halted does nothing more.
  case silentAfterHalt
  /// A node's log in memory is what its storage writes amount to.
  case logIsWhatWasStored
  /// A leader whose disk stands still leaves office.
  case stalledLeaderLeaves
  /// What one node can know of itself holds in each state and between any two.
  case nodeInvariant
  /// What clients saw could have come from one machine that does one thing after the other.
  case linearizability
  /// A command takes effect once, however often its client asked.
  case exactlyOnce
  /// What a machine says of itself that must always hold, holds.
  case machineInvariant
  /// A leader that hands over takes nothing new, waits for nobody for long, and hands over only to
  /// a voter that lacks nothing.
  case handOver

  /// The number by which code, tests and reports cite it, for example `S07`.
  public var id: String { (rawValue < 10 ? "S0" : "S") + "\(rawValue)" }

  /// Its name in words.
  public var description: String { title }
}

/// What kind of run a seed is expanded to.
public enum Scenario: String, Hashable, Sendable, CaseIterable {
  /// A random subset of all faults with random intensities in half of the runs; else one of the
  /// kinds below, those most often that bring about what hardly ever happens by chance.
  case chaos
  /// Nothing goes wrong.
  case calm
  /// Every fault, as often and as bad as it gets.
  case maximum
  /// The leader is cut off again and again.
  case isolateLeader
  /// Two halves that meet in one node only.
  case bridge
  /// Each node hears a different majority.
  case majoritiesRing
  /// The leader sends but does not hear, or hears but cannot send.
  case oneWayLeader
  /// Every node in turn crashes and loses what it had not synced.
  case rollingRestart
  /// Nodes crash between asking for a write and telling of it; mostly a candidate, as soon as it
  /// has asked for votes.
  case crashBetweenWrites
  /// Snapshots of less than their receiver holds, that come more than once, break off, or meet a
  /// crash.
  case snapshotCrash
  /// The members change while the network is divided.
  case changeInPartition
  /// The leader sleeps for longer than its lease.
  case pauseLeader
  /// The leader's storage is slow, then stalls.
  case slowDiskLeader
  /// Messages come again, long after they were of use, or come late while leadership goes to and
  /// fro.
  case staleDuplicates
  /// Everybody crashes at once, more than once.
  case powerCut
  /// Links clog and come free in random order.
  case swizzle
  /// More proposals than can be handled.
  case overload
  /// What a lease counts on is stretched as far as it may be: clocks run apart, answers to the
  /// leader are late, and those who promised not to vote crash and come back at once.
  case leaseEdge
  /// Machines are read back from their snapshots slowly, while more comes and everybody reads.
  case slowRestore
}

/// What to expand a seed to. Whatever is `nil` is drawn.
public struct PlanOptions: Hashable, Sendable {
  /// The kind of run.
  public var scenario: Scenario = .chaos
  /// How many nodes vote, 1 to 9; drawn if `nil`: mostly 3 and 5.
  public var nodes: UInt64?
  /// How many operations clients begin; drawn if `nil`.
  public var operations: UInt64?
  /// How long faults strike. Unit: virtual nanoseconds; drawn if `nil`.
  public var duration: UInt64?
  /// The machine that clients ask; all of them, in a drawn mix, if `nil`.
  public var machine: MachineKind?
  /// Single settings that override what is drawn, by name; see `Plan.set`.
  public var overrides: [Override] = []

  /// One setting by name, as in `faults.loss` or `node.preVote`.
  public struct Override: Hashable, Sendable {
    /// Which setting.
    public var name: String
    /// Its value as a whole number; a switch is 0 or 1, a share is per million.
    public var value: UInt64

    /// A setting and its value.
    public init(_ name: String, _ value: UInt64) {
      self.name = name
      self.value = value
    }
  }

  /// A chaos run with everything drawn.
  public init() {}
}

// What a run found.

import Raft

/// A moment of a run.
public struct RunMoment: Hashable, Sendable, BitwiseCopyable {
  /// The number of the event, from 1.
  public var event: UInt64
  /// Virtual nanoseconds since the start.
  public var time: UInt64

  /// A moment.
  public init(event: UInt64, time: UInt64) {
    self.event = event
    self.time = time
  }
}

/// A property that was found false, and when.
public struct Violation: Sendable {
  /// What the oracle that fired has to say: property, section, sentence, fingerprint.
  public var breach: Breach
  /// The event at which it showed, and its time.
  public var moment: RunMoment

  /// A breach at a moment.
  public init(_ breach: Breach, at moment: RunMoment) {
    self.breach = breach
    self.moment = moment
  }
}

/// How a run ended.
public enum Verdict: Sendable {
  /// All properties held, and all ended well after the healing.
  case passed
  /// A property was false.
  case violated(Violation)
  /// After the healing something did not come to its end within its bound. The reason is a guess in
  /// words: it explains and never excuses.
  case stalled(reason: String)
}

/// How often a property was checked.
public struct PropertyCount: Hashable, Sendable, BitwiseCopyable {
  /// The property.
  public var property: Property
  /// How many steps it was checked at.
  public var steps: UInt64

  /// A count.
  public init(_ property: Property, steps: UInt64) {
    self.property = property
    self.steps = steps
  }
}

/// What happened in a run, counted.
public struct Counters: Hashable, Sendable {
  /// Messages that nodes sent.
  public var messagesSent: UInt64 = 0
  /// Messages that arrived, copies included.
  public var messagesDelivered: UInt64 = 0
  /// Messages lost by chance.
  public var messagesLost: UInt64 = 0
  /// Messages stopped by a partition or a one-way link.
  public var messagesBlocked: UInt64 = 0
  /// Messages that came twice.
  public var messagesDuplicated: UInt64 = 0
  /// Messages held by a clogged link.
  public var messagesHeld: UInt64 = 0
  /// Messages to a node that was down.
  public var messagesToDown: UInt64 = 0
  /// Messages that overtook an earlier one between the same two nodes.
  public var messagesOvertaking: UInt64 = 0
  /// Ticks given.
  public var ticks: UInt64 = 0
  /// Crashes.
  public var crashes: UInt64 = 0
  /// Crashes between two actions of one step.
  public var crashesBetweenActions: UInt64 = 0
  /// Starts after a crash.
  public var restarts: UInt64 = 0
  /// Pauses.
  public var pauses: UInt64 = 0
  /// Jobs of the log that disks were given.
  public var writes: UInt64 = 0
  /// Syncs ended.
  public var syncs: UInt64 = 0
  /// Crashes of nodes that were reading their journals.
  public var crashesInRecovery: UInt64 = 0
  /// Journals that were found to end with a write that a crash had cut off.
  public var tornTails: UInt64 = 0
  /// Replicas that could go on no more because of their disks.
  public var storageFailures: UInt64 = 0
  /// Results of disk jobs that came late, and so perhaps in another order than the jobs.
  public var receiptsDisturbed: UInt64 = 0
  /// Envelopes that a replica put aside.
  public var envelopesRefused: UInt64 = 0
  /// Times that a disk was nearly full.
  public var spaceLow: UInt64 = 0
  /// Times that a disk was found to be damaged.
  public var damages: UInt64 = 0
  /// Times that a damaged node had been repaired by its peers.
  public var rejoined: UInt64 = 0
  /// Snapshots taken.
  public var snapshotsTaken: UInt64 = 0
  /// Snapshots installed from a leader.
  public var snapshotsInstalled: UInt64 = 0
  /// Entries that machines have applied; those that a snapshot brought are not counted.
  public var entriesApplied: UInt64 = 0
  /// Times that a node became leader.
  public var leaders: UInt64 = 0
  /// Elections begun, pre-votes not counted.
  public var elections: UInt64 = 0
  /// Membership changes that were accepted.
  public var membershipChanges: UInt64 = 0
  /// Transfers that succeeded.
  public var transfers: UInt64 = 0
  /// Client operations begun.
  public var operations: UInt64 = 0
  /// Client operations that ended well.
  public var operationsDone: UInt64 = 0
  /// Requests that were asked again.
  public var retries: UInt64 = 0
  /// Requests refused.
  public var refusals: UInt64 = 0
  /// Faults that struck.
  public var faults: UInt64 = 0

  /// All zero.
  public init() {}
}

/// What a run found, in figures.
public struct RunSummary: Sendable {
  /// The seed.
  public var seed: UInt64
  /// How it ended.
  public var verdict: Verdict
  /// How many events there were.
  public var events: UInt64
  /// How many messages were sent.
  public var messages: UInt64
  /// How many ticks were given.
  public var ticks: UInt64
  /// How long it was. Unit: virtual nanoseconds.
  public var virtualTime: UInt64
  /// When the healing began. Unit: virtual nanoseconds.
  public var healTime: UInt64
  /// When there was a leader after the healing; `nil` if none came. Unit: virtual nanoseconds.
  public var leaderTime: UInt64?
  /// When all had caught up; `nil` if they did not. Unit: virtual nanoseconds.
  public var caughtUpTime: UInt64?
  /// The digest of the whole run: equal runs have equal digests.
  public var digest: UInt64
  /// The last draw that the run made. Two runs that differ here had different chances.
  public var lastDraw: UInt64
  /// How often each property was checked.
  public var properties: [PropertyCount]
  /// How often each situation was reached.
  public var situations: SituationCounts
  /// What happened, counted.
  public var counters: Counters
}

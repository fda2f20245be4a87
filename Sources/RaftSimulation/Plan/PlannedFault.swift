// What goes wrong in a run, and when: plain records, so that a plan can be written down, read,
// changed and shrunk.

import Raft

/// What goes wrong. Each case tells which fields of its `PlannedFault` it uses beside `start`.
public enum FaultKind: String, Hashable, Sendable, CaseIterable {
  // Links. `nodes` and `peers` are the two ends; no peers means all other nodes.
  /// Messages from `nodes` to `peers` and back are lost, `amount` of a million.
  case loss
  /// Messages between `nodes` and `peers` take up to `amount` ns longer.
  case delay
  /// Messages between `nodes` and `peers` arrive twice, `amount` of a million; the second up to
  /// `period` ns later.
  case duplication
  /// Messages sent meanwhile between `nodes` and `peers` arrive in any order within `amount` ns.
  case reordering
  /// Nothing gets from `nodes` to `peers`; the other direction works.
  case oneWay
  /// `nodes` and the rest do not hear each other.
  case partition
  /// `nodes` and `peers` do not hear each other; everybody else hears both.
  case partialPartition
  /// `nodes` and `peers` do not hear each other but for the nodes in neither list, which hear all.
  case bridge
  /// `nodes` hear nobody and nobody hears them, not even each other.
  case isolation
  /// Messages between `nodes` and `peers` are held, and delivered when the episode is over.
  case clog
  /// The links between `nodes` and `peers` fail for half of each `period` ns.
  case flapping

  // Processes.
  /// `nodes` crash at the start and are started again at the end. `keeps` tells what of the
  /// unsynced writes survives.
  case crash
  /// `nodes` crash after they have carried out `amount` more actions, in between two of them, and
  /// are started again `duration` ns later.
  case crashBetweenActions
  /// `nodes` crash and start again every `period` ns.
  case restartStorm
  /// All nodes crash at once.
  case powerCut
  /// `nodes` crash. Those that are still gone when all else is healed stay so until the others
  /// have shown that they can go on without them: a majority must be enough. No more are gone by
  /// then than it can spare, the first ones; with `aim` at the leader it is the first.
  case absence
  /// `nodes` do nothing. Their ticks are made up for afterwards if `amount` is 1, else skipped.
  case pause
  /// `nodes` take `amount` ns longer for all that arrives.
  case slowNode
  /// `nodes` get an election timeout at the start.
  case campaign
  /// `nodes` are asked to stop: they hand over what they can and take nothing new. At the end they
  /// are switched off, with all writes done, and started again.
  case stop

  // Storage.
  /// Syncs of `nodes` take `amount` ns longer.
  case slowDisk
  /// Syncs of `nodes` do not end before the episode does.
  case diskStall
  /// No sync of `nodes` succeeds; their processes end, and cannot start again before the end.
  case diskFailure
  /// The disks of `nodes` have room for `amount` more bytes and no more.
  case diskFull
  /// The node whose disk may be damaged crashes, and finds `amount` flipped bits in what it had on
  /// its disk for some time. See `StorageSettings.damagedNode`.
  case bitRot

  // Clocks.
  /// A tick of `nodes` lasts `amount` millionths of what it should.
  case clockRate
  /// The clocks on the wall of `nodes` jump `amount` ns forward, and at the end back.
  case clockJump

  // The state machine and its snapshots.
  /// `nodes` take a snapshot at the start, whatever their threshold says.
  case snapshot
  /// Reading entries and snapshots back takes `nodes` `amount` ns longer.
  case slowRead

  // What operators do. `nodes` are the ones that are changed, not those that are asked: the leader
  // is asked, and asked again until the episode is over or it has agreed.
  /// `nodes` become learners.
  case addLearner
  /// `nodes` become voters; as learners they were already there, or come at once.
  case addVoter
  /// `nodes` become witnesses.
  case addWitness
  /// `nodes`, voters, become learners.
  case demote
  /// `nodes` are taken out.
  case remove
  /// `nodes` are taken out and `peers` become voters, in one joint change.
  case replace
  /// `nodes` are each proposed for removal or addition at once, by separate requests.
  case concurrentChanges
  /// Leadership is handed to `nodes`, or to the best if there are none.
  case transfer

  // What clients do.
  /// `amount` proposals at once.
  case overload
  /// Client number `amount` forgets what it asked, and goes on as a new one.
  case clientCrash
  /// From now on there may be `amount` sessions, and each ends when it is not used for `period`
  /// nanoseconds of the log's time (zero: an hour).
  case limitSessions
}

/// Whom a fault strikes.
public enum FaultAim: String, Hashable, Sendable, CaseIterable {
  /// The nodes that are listed.
  case nodes
  /// The node that leads in the newest term when the episode starts; the first listed if none does.
  case leader
  /// All voters of that moment but the leader, as many as a majority leaves over: what a cluster
  /// must survive.
  case minority
  /// Every node.
  case all
}

/// What of the writes that were not yet synced survives a crash.
public enum UnsyncedWrites: String, Hashable, Sendable, CaseIterable {
  /// None of them.
  case none
  /// What a draw says: nothing, all, the first few and a part of the next, or any sectors.
  case prefix
  /// All of them.
  case all
}

/// One episode: something that goes wrong from a moment on, for a while.
public struct PlannedFault: Hashable, Sendable {
  /// What goes wrong.
  public var kind: FaultKind
  /// When it begins. Unit: virtual nanoseconds since the start of the run.
  public var start: UInt64
  /// How long it lasts. Unit: virtual nanoseconds.
  public var duration: UInt64
  /// Whom it strikes.
  public var aim: FaultAim
  /// The nodes, as `aim` and `kind` say; by number, sorted.
  public var nodes: [UInt64]
  /// The other end, as `kind` says; by number, sorted.
  public var peers: [UInt64]
  /// How much, as `kind` says.
  public var amount: UInt64
  /// How often, as `kind` says. Unit: virtual nanoseconds.
  public var period: UInt64
  /// What a crash leaves of the unsynced writes.
  public var keeps: UnsyncedWrites
  /// A number that stays with the episode: its draws depend on it and on no other episode's.
  public var identity: UInt64

  /// An episode.
  public init(
    _ kind: FaultKind, start: UInt64, duration: UInt64, aim: FaultAim = .nodes,
    nodes: [UInt64] = [], peers: [UInt64] = [], amount: UInt64 = 0, period: UInt64 = 0,
    keeps: UnsyncedWrites = .none, identity: UInt64 = 0
  ) {
    self.kind = kind
    self.start = start
    self.duration = duration
    self.aim = aim
    self.nodes = nodes
    self.peers = peers
    self.amount = amount
    self.period = period
    self.keeps = keeps
    self.identity = identity
  }
}

// One place in the cluster: a node, its machine, its disk and its clock, and which life it lives.

import Raft
import RaftMachines

/// One host with all that is on it.
struct NodeSlot: Sendable {
  let id: NodeID
  var node: RaftNode
  var machine = KeyValue()
  /// The newest entry that the machine has applied.
  var machineIndex = LogIndex.zero
  var disk: Disk
  /// How often the node was started.
  var life: UInt32 = 1
  var isUp = true
  /// Whether operators use the node as a witness and as nothing else.
  let isWitness: Bool
  /// Taken out of the cluster for good by its operator.
  var isRetired = false

  // What faults do to it. The episodes under way decide; see `World.weighFaults`.
  /// Until when it does nothing; 0 if it runs.
  var pausedUntil: UInt64 = 0
  var isMakingUpTicks = false
  /// Ticks of a clock that ran through a pause, to be given after it, and when its next one is due.
  var missedTicks: UInt64 = 0
  var nextTick: UInt64 = 0
  var extraHandling: UInt64 = 0
  var extraSync: UInt64 = 0
  var extraApply: UInt64 = 0
  /// Until when no sync ends; 0 if they do.
  var stalledUntil: UInt64 = 0
  var isNextSyncFailing = false
  var clockRate: UInt64 = 1_000_000
  /// After how many more actions the node crashes; the largest number for never.
  var actionsUntilCrash = UInt64.max
  /// The fault that armed the crash.
  var armedBy: UInt32 = 0

  var clock: ClockSettings
  /// The index of the newest snapshot begun.
  var snapshotBegun = LogIndex.zero
  /// The snapshot that is being written.
  var imageUnderWay: Disk.Image?
  /// When the newest report of applied entries goes out, so that none overtakes another.
  var appliedReport: UInt64 = 0
  /// How many syncs, in all lives: what makes a sync's draws its own.
  var syncs: UInt64 = 0
  /// What the digest last saw of the node.
  var standing: UInt64 = 0
  var reach: UInt64 = 0
  /// Commands whose result somebody waits for, as they were accepted.
  var waiting: [Waiting] = []
  /// A command somebody waits for.
  struct Waiting: BitwiseCopyable {
    var position: LogPosition
    var request: UInt64
  }

  /// How long a tick lasts now. Unit: nanoseconds.
  var tick: UInt64 {
    let own = clock.tick * clock.ratePerMillion / 1_000_000
    return clockRate == 1_000_000 ? own : own * clockRate / 1_000_000
  }
}

// One place in the cluster: a replica, its disk and its clock, and which life it lives.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// One host with all that is on it.
struct NodeSlot: Sendable {
  let id: NodeID
  var replica: Replica<SimulatedMachine>
  var disk: SimulatedDisk
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
  var extraRead: UInt64 = 0
  /// Until when no sync ends; 0 if they do.
  var stalledUntil: UInt64 = 0
  var clockRate: UInt64 = 1_000_000
  /// How far its clock on the wall has jumped ahead.
  var clockAhead: UInt64 = 0
  /// After how many more actions the node crashes; the largest number for never.
  var actionsUntilCrash = UInt64.max
  /// The fault that armed the crash.
  var armedBy: UInt32 = 0

  var clock: ClockSettings
  /// What the disk was given and has not done, by lane; the first of each is being done.
  var lanes = Lanes()
  /// How many jobs, in all lives: what makes a job's draws its own.
  var jobs: UInt64 = 0
  /// The newest write that the core has asked for in this life, and the newest that the disk is
  /// known to hold, whatever the journal says.
  var askedTicket = Ticket.zero
  var diskTicket = Ticket.zero
  /// The newest entry of which the oracles were shown the machine.
  var shownIndex = LogIndex.zero

  /// The core, in its place.
  var node: RaftNode {
    @inline(__always) _read { yield replica.node }
  }

  /// How long a tick lasts now. Unit: nanoseconds.
  var tick: UInt64 {
    let own = clock.tick * clock.ratePerMillion / 1_000_000
    return clockRate == 1_000_000 ? own : own * clockRate / 1_000_000
  }
}

/// The disk's jobs that are not done, lane by lane.
struct Lanes: Sendable {
  /// A job, and for one of the log the newest write in it.
  struct Item: Sendable {
    var job: DiskJob
    var ticket: Ticket
  }

  /// By lane.
  private var items = [[Item]](repeating: [], count: 4)

  /// Puts a job behind those of its lane; says whether it is the only one.
  mutating func append(_ item: Item) -> Bool {
    let lane = Int(item.job.lane.rawValue)
    items[lane].append(item)
    return items[lane].count == 1
  }

  /// Takes the first job of a lane away; says whether there are more.
  mutating func removeFirst(_ lane: DiskLane) -> (item: Item, isMore: Bool) {
    let lane = Int(lane.rawValue)
    // Mostly it is the only one.
    if items[lane].count == 1 { return (items[lane].removeLast(), false) }
    return (items[lane].removeFirst(), true)
  }

  /// All jobs that are not done, for those who watch.
  var waiting: [JobID] { items.joined().map { $0.job.id } }

  /// The jobs that are being done.
  var underWay: [DiskJob] {
    var jobs: [DiskJob] = []
    for lane in items {
      if let item = lane.first { jobs.append(item.job) }
    }
    return jobs
  }
}

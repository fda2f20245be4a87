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
  /// What of the newest segment can be told from what a crash has torn.
  var vouched = VouchedLog()
  /// What this life has taken from each other node.
  var taken: [TakenStream] = []
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

/// How much of the newest segment must be found again or missed, if anything happens to it: a write
/// that was asked for when the journal knew it to be durable is durable as well, and says so.
///
/// It is known from what the disk did, and from what the core was told. One part of the log after
/// the other is followed until it is vouched for.
struct VouchedLog: Hashable, Sendable {
  /// The segment, and which of its bytes, its head included.
  private(set) var segment: UInt64 = 0
  private(set) var bytes: Range<UInt64> = 0..<0

  private var nextSegment: UInt64 = 0
  private var nextBytes: Range<UInt64> = 0..<0
  private var stage = Stage.none
  /// The core must be told of this write, or in the last stage of one after it.
  private var awaited = Ticket.zero

  private enum Stage: UInt8 {
    case none
    case written
    case known
  }

  /// The disk has done these steps of a job that the journal made when the core had asked for
  /// writes through `ticket`.
  @inline(__always)
  mutating func wrote(_ steps: [DiskStep], through ticket: Ticket) {
    // A new segment is written under another name, head and all.
    guard case .write(.segment(let number), let offset, let bytes)? = steps.first else { return }
    guard stage == .none else { return }
    nextSegment = number
    nextBytes = 0..<offset + UInt64(bytes.count)
    awaited = ticket
    stage = .written
  }

  /// The core was told that this write is durable, and has asked for those through `asked`.
  @inline(__always)
  mutating func told(_ ticket: Ticket, asked: Ticket) {
    switch stage {
    case .none: return
    case .written:
      guard ticket >= awaited else { return }
      awaited = asked
      stage = .known
    case .known:
      guard ticket > awaited else { return }
      segment = nextSegment
      bytes = nextBytes
      stage = .none
    }
  }
}

/// Where an envelope stands in what its sender sends to one receiver.
struct StreamPlace: Hashable, Sendable, BitwiseCopyable {
  /// Which life of its sender it comes from, and the how-manyth it is of that life.
  var incarnation: UInt64 = 0
  var number: UInt64 = 0
}

/// What a node has taken in of what another sends it, as seen from outside.
struct TakenStream: Hashable, Sendable, BitwiseCopyable {
  /// That of the newest life with the greatest number.
  private(set) var newest = StreamPlace()
  /// Which of the 64 numbers up to that were taken, the newest lowest.
  private var recent: UInt64 = 0

  /// Notes an envelope; false if none such may be taken any more: a later life was heard of, or it
  /// was taken before. Of what is older than the last 64 nothing is known.
  mutating func take(_ place: StreamPlace) -> Bool {
    if place.incarnation < newest.incarnation { return false }
    if place.incarnation > newest.incarnation {
      newest = place
      recent = 1
      return true
    }
    if place.number > newest.number {
      let step = place.number - newest.number
      recent = step < 64 ? recent << step | 1 : 1
      newest = place
      return true
    }
    let age = newest.number - place.number
    guard age < 64 else { return true }
    if recent & 1 << age != 0 { return false }
    recent |= 1 << age
    return true
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

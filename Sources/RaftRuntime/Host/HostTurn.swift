// The state of a host that belongs to its event loop, as one value. The loop enters it once for
// each thing that happens; a class that touched its parts one by one would pay for each.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// All that a host knows, and what it has to do next.
struct HostTurn<Machine: StateMachine> {
  var driver: ReplicaDriver<Machine>
  var book = RequestBook<Machine>()
  var ticks: TickKeeper
  var work = HostWork<Machine>()
  var disk = DiskFigures()
  /// The requests that are followed.
  var watch = RequestWatch()
  /// How long a tick lasts.
  let tickNanoseconds: UInt64
  /// How far the clock on the wall is off, on purpose. Unit: nanoseconds.
  var wallOffset: Int64 = 0
  /// How this life began.
  let start: IncidentStart

  init(_ driver: ReplicaDriver<Machine>, start: IncidentStart, ticks: TickKeeper) {
    self.driver = driver
    self.start = start
    self.ticks = ticks
    tickNanoseconds = ticks.interval
  }

  /// Gives the ticks that are due. Before anything else that happens: who was stopped must not act
  /// as if no time had passed.
  @specialized(where Machine == ServerMachine)
  mutating func catchUp() {
    let count = ticks.due(at: HostClock.steady)
    guard count > 0 else { return }
    let wall = HostClock.wall(wallOffset)
    for _ in 0..<count { drive(.tick(nanoseconds: wall)) }
  }

  @specialized(where Machine == ServerMachine)
  mutating func receive(_ envelopes: [PeerEnvelope]) {
    catchUp()
    for envelope in envelopes { drive(.receive(envelope)) }
  }

  @specialized(where Machine == ServerMachine)
  mutating func finish(_ list: [(JobID, JobResult)]) {
    catchUp()
    for (job, result) in list { drive(.finished(job, result)) }
  }

  @specialized(where Machine == ServerMachine)
  mutating func give(_ input: ReplicaInput<Machine>) {
    catchUp()
    drive(input)
  }

  @specialized(where Machine == ServerMachine)
  mutating func take(_ requests: [HostRequest<Machine>]) {
    catchUp()
    for request in requests {
      let name = book.add(request.completion)
      let deadline = request.timeout.map { tick(after: $0) }
      if let timeline = request.timeline {
        watch.begin(timeline, last: driver.replica.node.log.lastIndex)
      }
      switch request.wish {
      case .client(let wish): drive(.request(name, wish, deadline: deadline))
      case .admin(let wish): drive(.administer(name, wish, deadline: deadline))
      case .stop: drive(.stop(name))
      }
    }
  }

  /// Gives the replica one input, and looks at what came of it if a request is followed.
  private mutating func drive(_ input: ReplicaInput<Machine>) {
    guard !watch.isEmpty else { return driver.give(input, into: &work) }
    let sent = work.sends.count
    let came = HostClock.steady
    driver.give(input, into: &work)
    watch.look(
      at: driver.replica.node, applied: driver.replica.appliedIndex, sends: work.sends[sent...],
      came: came, now: HostClock.steady)
  }

  /// The tick at which so many nanoseconds have passed.
  private func tick(after nanoseconds: UInt64) -> Ticks {
    let count = nanoseconds / tickNanoseconds + 1
    return Ticks(driver.replica.ticks.rawValue + count)
  }
}

/// What somebody wants of a host, and who is to be told.
struct HostRequest<Machine: StateMachine>: Sendable {
  enum Wish: Sendable {
    case client(ClientRequest<Machine>)
    case admin(AdminRequest)
    case stop
  }

  var wish: Wish
  /// After how many nanoseconds whoever asks gives up.
  var timeout: UInt64?
  /// Where what is seen of it is noted, if somebody follows it.
  var timeline: RequestTimeline?
  var completion: @Sendable (Reply<Machine>) -> Void
}

/// How the disk has been doing.
struct DiskFigures: Sendable {
  /// The durations of the newest jobs of the log, in nanoseconds.
  private var syncs: [UInt64] = []
  private var next = 0
  private static var kept: Int { 1_024 }
  /// How many jobs of the log there were, and how many bytes of all lanes were written.
  private(set) var syncCount: UInt64 = 0
  private(set) var writtenBytes: UInt64 = 0
  private(set) var errors: UInt64 = 0

  mutating func note(
    _ lane: DiskLane, _ duration: UInt64, bytes: Int, isFailed: Bool
  ) {
    writtenBytes += UInt64(bytes)
    if isFailed { errors += 1 }
    guard lane == .log else { return }
    syncCount += 1
    if syncs.count < DiskFigures.kept {
      syncs.append(duration)
    } else {
      syncs[next] = duration
      next = (next + 1) % DiskFigures.kept
    }
  }

  /// The duration that so many of a hundred of the newest jobs of the log did not exceed.
  func syncNanoseconds(percent: Int) -> UInt64? {
    guard !syncs.isEmpty else { return nil }
    let sorted = syncs.sorted()
    return sorted[min(sorted.count - 1, sorted.count * percent / 100)]
  }
}

import Raft
import TestPace
import Testing

@testable import RaftSimulation

/// Each fault shows in the counters of a run that has no other.
@Suite(.computing) struct FaultTests {
  private static let second: UInt64 = 1_000_000_000

  private func plan(_ faults: [PlannedFault], _ change: (inout Plan) -> Void = { _ in }) -> Plan {
    var plan = Plan.still(nodes: 3, seed: 9)
    plan.cluster = ClusterPlan(voters: 3, spares: 1)
    plan.clocks = [ClockSettings](repeating: ClockSettings(), count: 4)
    plan.workload.clients = 3
    plan.workload.operations = 10_000
    plan.workload.pause = 50_000_000
    plan.workload.timeout = 500_000_000
    plan.duration = 2 * FaultTests.second
    plan.faults = faults
    change(&plan)
    return plan
  }

  private func run(
    _ faults: PlannedFault..., change: (inout Plan) -> Void = { _ in }
  ) -> Counters {
    let summary = simulate(plan(faults, change))
    #expect(isPassed(summary), "\(summary.verdict)")
    return summary.counters
  }

  private func fault(
    _ kind: FaultKind, _ nodes: [UInt64] = [1], aim: FaultAim = .nodes,
    for length: UInt64 = 600_000_000
  ) -> PlannedFault {
    PlannedFault(
      kind, start: FaultTests.second / 2, duration: length, aim: aim, nodes: nodes)
  }

  @Test func `nothing goes wrong where no fault is`() {
    let counters = run()
    #expect(counters.messagesLost + counters.messagesBlocked + counters.messagesHeld == 0)
    #expect(counters.crashes + counters.messagesDuplicated + counters.receiptsDisturbed == 0)
    #expect(counters.leaders == 1)
  }

  @Test func `loss and duplication are counted`() {
    var loss = fault(.loss, [1, 2, 3])
    loss.amount = 300_000
    loss.peers = [1, 2, 3]
    #expect(run(loss).messagesLost > 0)
    var duplication = fault(.duplication, [1, 2, 3])
    duplication.amount = 500_000
    duplication.period = FaultTests.second
    duplication.peers = [1, 2, 3]
    let counters = run(duplication)
    #expect(counters.messagesDuplicated > 0)
    #expect(counters.messagesDelivered > counters.messagesSent)
  }

  @Test func `delay and reordering let messages overtake each other`() {
    let calm = run().messagesOvertaking
    for kind in [FaultKind.delay, .reordering] {
      var slow = fault(kind, [1, 2, 3])
      slow.peers = [1, 2, 3]
      slow.amount = 50_000_000
      #expect(run(slow).messagesOvertaking > calm)
    }
  }

  @Test(arguments: [FaultKind.partition, .oneWay, .isolation, .partialPartition, .flapping])
  func `a cut link blocks messages`(kind: FaultKind) {
    var cut = fault(kind, [1], aim: .leader)
    cut.peers = kind == .isolation ? [] : [1, 2, 3]
    cut.period = 200_000_000
    #expect(run(cut).messagesBlocked > 0)
  }

  @Test func `a bridge blocks the two sides and leaves the middle alone`() {
    var bridge = fault(.bridge, [1])
    bridge.peers = [3]
    #expect(run(bridge).messagesBlocked > 0)
  }

  @Test func `a clogged link holds messages and loses none`() {
    var clog = fault(.clog, [1])
    clog.peers = [2, 3]
    let counters = run(clog)
    #expect(counters.messagesHeld > 0)
    #expect(counters.messagesLost + counters.messagesBlocked == 0)
  }

  @Test func `an isolated leader is replaced`() {
    let counters = run(fault(.isolation, aim: .leader, for: 1_200_000_000))
    #expect(counters.leaders >= 2)
  }

  @Test func `crashes, storms and power cuts kill and restart`() {
    #expect(run(fault(.crash)).crashes == 1)
    #expect(run(fault(.powerCut, [], aim: .all)).crashes == 4)
    var storm = fault(.restartStorm)
    storm.period = 100_000_000
    let counters = run(storm)
    #expect(counters.crashes >= 4)
    #expect(counters.restarts == counters.crashes)
  }

  @Test func `a crash loses what was not synced, or keeps it, as the fault says`() {
    var kept: [UnsyncedWrites: UInt32] = [:]
    for keeps in [UnsyncedWrites.none, .all] {
      var lost: UInt32 = 0
      for seed in 1...12 as ClosedRange<UInt64> {
        var crash = fault(.crash, aim: .leader)
        crash.keeps = keeps
        crash.start += seed * 7_000_000
        let summary = simulate(
          plan([crash]) {
            $0.seed = seed
            $0.storage.minimumSync = 20_000_000
            $0.workload.pause = 1_000
          })
        #expect(isPassed(summary))
        lost += summary.situations[.crashLostUnsyncedWrites]
        kept[keeps, default: 0] += summary.situations[.crashKeptUnsyncedWrites]
      }
      // What waits in the process for the sync before it is lost in any case.
      #expect(lost > 0)
    }
    // A crash comes between any two steps of a job: what it has synced and not yet told is kept in
    // any case, too.
    #expect(kept[.none, default: 0] * 2 < kept[.all, default: 0])
  }

  @Test func `a node can crash between any two actions`() {
    for amount in [0, 1, 2, 5] as [UInt64] {
      var crash = fault(.crashBetweenActions, aim: .leader)
      crash.amount = amount
      let counters = run(crash)
      #expect(counters.crashesBetweenActions == 1)
      #expect(counters.restarts == 1)
    }
  }

  @Test func `a pause is felt, and its ticks are made up for or skipped`() {
    let calm = run().ticks
    for isMadeUp in [true, false] {
      var pause = fault(.pause, aim: .leader, for: 1_200_000_000)
      pause.amount = isMadeUp ? 1 : 0
      let counters = run(pause)
      #expect(counters.pauses == 1)
      #expect(counters.leaders >= 2)
      #expect(isMadeUp ? counters.ticks + 40 > calm : counters.ticks + 60 < calm)
    }
  }

  @Test func `slow and stalled disks and machines cost time only`() {
    for kind in [FaultKind.slowDisk, .slowNode, .slowRead] {
      var slow = fault(kind, aim: .leader)
      slow.amount = 30_000_000
      _ = run(slow)
    }
    #expect(run(fault(.diskStall, aim: .leader, for: 1_200_000_000)).leaders >= 2)
  }

  @Test func `a failing disk halts its node until it is started again`() {
    let counters = run(fault(.diskFailure, aim: .leader))
    #expect(counters.storageFailures == 1)
    #expect(counters.crashes == 1 && counters.restarts == 1)
  }

  @Test func `clocks can be slow or fast`() {
    let calm = run().ticks
    var slow = fault(.clockRate, [1, 2, 3, 4], for: 1_200_000_000)
    slow.amount = 2_000_000
    #expect(run(slow).ticks + 150 < calm)
    slow.amount = 500_000
    #expect(run(slow).ticks > calm + 150)
  }

  @Test func `results of the disk may come late, and in another order`() {
    let counters = run {
      $0.storage.lateReceiptPerMillion = 200_000
      $0.storage.receiptDelay = 50_000_000
    }
    #expect(counters.receiptsDisturbed > 0)
  }

  @Test func `snapshots are taken, and sent to who was away`() {
    let counters = run(fault(.isolation, [3], for: 1_200_000_000)) {
      $0.node.snapshotThreshold = 5
      $0.node.retainedEntries = 0
      $0.workload.readsPerMillion = 0
      $0.workload.pause = 20_000_000
    }
    #expect(counters.snapshotsTaken > 0)
    #expect(counters.snapshotsInstalled > 0)
    #expect(run(fault(.snapshot, [2])).snapshotsTaken == 1)
  }

  @Test func `members come, change and go`() {
    #expect(run(fault(.addLearner, [4])).membershipChanges == 1)
    #expect(run(fault(.addVoter, [4])).membershipChanges == 1)
    #expect(run(fault(.addWitness, [4])).membershipChanges == 1)
    #expect(run(fault(.remove, [2])).membershipChanges == 1)
    #expect(run(fault(.remove, aim: .leader)).membershipChanges == 1)
    #expect(run(fault(.demote, [3])).membershipChanges == 1)
    var replace = fault(.replace, [2])
    replace.peers = [4]
    #expect(run(replace).membershipChanges == 1)
    #expect(run(fault(.concurrentChanges, [2, 4])).membershipChanges == 1)
  }

  @Test func `leadership is handed over, also on command of an election`() {
    let counters = run(fault(.transfer, []))
    #expect(counters.transfers == 1)
    #expect(counters.leaders == 2)
    #expect(run(fault(.campaign, [1, 2, 3])) { $0.node.isPreVoteEnabled = false }.elections > 1)
  }

  @Test func `a leader that is asked to stop hands over and is started again`() {
    let summary = simulate(plan([fault(.stop, aim: .leader)]))
    #expect(isPassed(summary), "\(summary.verdict)")
    #expect(summary.situations[.stoppedGracefully] == 1)
    #expect(summary.counters.leaders == 2)
    #expect(summary.counters.crashes == 1)
    #expect(summary.situations[.crashLostUnsyncedWrites] == 0)
  }

  @Test func `a majority goes on while the others are gone, and those come back`() {
    var absence = fault(.absence, aim: .leader)
    absence.nodes = [1, 2, 3]
    absence.duration = 60_000_000_000
    let summary = simulate(plan([absence]))
    #expect(isPassed(summary), "\(summary.verdict)")
    #expect(summary.situations[.minoritySpared] == 1)
    // No more than the leader: of three one can be spared.
    #expect(summary.counters.crashes == 1)
    #expect(summary.counters.restarts == 1)
    #expect(summary.counters.leaders == 2)
  }

  @Test func `an absence that ends before the healing is a crash like others`() {
    let summary = simulate(plan([fault(.absence, [2])]))
    #expect(isPassed(summary), "\(summary.verdict)")
    #expect(summary.situations[.minoritySpared] == 0)
    #expect(summary.counters.restarts == 1)
  }

  @Test func `nobody is missed for long where a majority may not be enough`() {
    var absence = fault(.absence, [2])
    absence.duration = 60_000_000_000
    let witness = plan([absence]) { $0.cluster.witnesses = 1 }
    let changed = plan([absence, fault(.addLearner, [4])])
    let damaged = plan([absence]) { $0.storage.damagedNode = 3 }
    for plan in [witness, changed, damaged] {
      #expect(!plan.canSpareMinority)
      #expect(simulate(plan).situations[.minoritySpared] == 0)
    }
  }

  @Test func `a client finds the only member among strangers`() {
    let plan = plan([]) {
      $0.cluster = ClusterPlan(voters: 1, spares: 8)
      $0.clocks = [ClockSettings](repeating: ClockSettings(), count: 9)
      $0.workload.strayPerMillion = 0
      $0.workload.followerReadsPerMillion = 0
      $0.workload.staleReadsPerMillion = 0
    }
    var world = World(plan)
    while world.step() {}
    #expect(world.verdict.map { if case .passed = $0 { true } else { false } } == true)
    // One more to open a session.
    #expect(world.history.allSatisfy { $0.attempts <= 11 })
    #expect(world.history.count > 20)
  }

  @Test func `clients of which only one may have a session put each other out, and go on`() {
    var limit = fault(.limitSessions, [])
    limit.amount = 1
    var world = World(
      plan([limit]) {
        $0.workload.clients = 4
        $0.workload.clientsPerSession = 1
        $0.workload.sessionlessPerMillion = 0
      })
    while world.step() {}
    let refused = world.history.filter {
      if case .sessionRefused = $0.result { true } else { false }
    }
    #expect(refused.count > 2)
    #expect(world.verdict.map { if case .passed = $0 { true } else { false } } == true)
    let last = refused.last?.number ?? .max
    #expect(world.history.contains { $0.number > last && $0.result.index != nil })
  }

  @Test func `an answer that something is surely not done must stay true`() {
    var world = World(plan([]))
    while world.step() {}
    let done = world.attempts.firstIndex { attempt in
      attempt.place.map { world.oracles.isCommitted($0.index.rawValue, term: $0.term) } ?? false
    }
    world.verdict = nil
    world.checkDenials()
    #expect(world.verdict == nil)
    world.attempts[done ?? 0].isDenied = true
    world.checkDenials()
    guard case .violated(let violation)? = world.verdict else {
      Issue.record("nobody minds that what was denied is done")
      return
    }
    #expect(violation.breach.property == .oneAnswer)
  }

  @Test func `bursts and clients that forget are counted`() {
    var burst = fault(.overload, [])
    burst.amount = 50
    let loaded = simulate(plan([burst]))
    #expect(loaded.counters.messagesSent > 0)
    var world = World(plan([burst]))
    while world.step() {}
    #expect(world.history.filter { $0.client >= 1 << 32 }.count == 50)
    var forgetful = World(
      plan([fault(.clientCrash)]) { $0.workload.pause = 1 })
    while forgetful.step() {}
    #expect(forgetful.history.contains { $0.result == .unknown })
  }
}

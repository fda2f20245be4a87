// How nodes begin, die and begin again.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

extension UnsyncedWrites {
  /// What that means for a disk.
  var keeping: CrashKeeping {
    switch self {
    case .none: .none
    case .prefix: .drawn
    case .all: .all
    }
  }
}

extension World {
  /// The settings of one life of a node.
  private func replicaSettings(_ position: Int, life: UInt32) -> ReplicaSettings {
    var settings = ReplicaSettings(core: configuration(position, life: life))
    let threshold = plan.node.snapshotThreshold
    settings.snapshotEntries = threshold > 0 ? threshold : .max
    settings.snapshotBytes = .max
    settings.pieceBytes = UInt32(plan.storage.pieceBytes)
    settings.retryTicks = Ticks(20)
    settings.copiesTicks = Ticks(plan.node.electionTimeoutTicks * 3)
    settings.stopTicks = Ticks(plan.node.electionTimeoutTicks * 8)
    return settings
  }

  private func configuration(_ position: Int, life: UInt32) -> Configuration {
    let settings = plan.node
    let draw = Draw(plan.seed, .node, UInt64(position), UInt64(life))
    var configuration = Configuration(id: NodeID(UInt64(position + 1)), seed: draw.word)
    configuration.heartbeatTicks = Ticks(settings.heartbeatTicks)
    configuration.electionTimeoutTicks = Ticks(settings.electionTimeoutTicks)
    configuration.isPreVoteEnabled = settings.isPreVoteEnabled
    configuration.isCheckQuorumEnabled = settings.isCheckQuorumEnabled
    configuration.leaseDriftPerMille = settings.leaseDriftPerMille
    if settings.isPriorityMixed {
      configuration.electionPriority = UInt8(3 - min(3, position % 4))
    }
    configuration.maximumEntriesPerMessage = settings.maximumEntriesPerMessage
    configuration.maximumBytesPerMessage = settings.maximumBytesPerMessage
    configuration.maximumEntriesInFlight = settings.maximumEntriesInFlight
    configuration.maximumBytesInFlight = settings.maximumBytesInFlight
    configuration.maximumUncommittedEntries = settings.maximumUncommittedEntries
    configuration.retainedEntries = settings.retainedEntries
    configuration.maximumBytesInMemory = settings.maximumBytesInMemory
    configuration.snapshotChunkBytes = settings.snapshotChunkBytes
    configuration.maximumLearnerLag = settings.maximumLearnerLag
    configuration.diskStallTicks = Ticks(settings.diskStallTicks)
    configuration.quiescenceTicks = settings.quiescenceTicks.map { Ticks($0) }
    configuration.quiescenceFactor = settings.quiescenceFactor
    return configuration
  }

  private var journalSettings: JournalSettings {
    var settings = JournalSettings()
    settings.segmentBytes = plan.storage.segmentBytes
    settings.reserveBytes = 4_096
    settings.frameBytes = 1_024
    settings.indexSpacing = 1_024
    settings.maximumSyncsInFlight = Int(plan.storage.syncsInFlight)
    return settings
  }

  private func identity(_ position: Int) -> JournalIdentity {
    JournalIdentity(
      cluster: ClusterID(high: 0xf1071a, low: plan.seed), node: NodeID(UInt64(position + 1)))
  }

  private func firstMembership(_ position: Int) -> Membership {
    let cluster = plan.cluster
    guard UInt64(position) < cluster.voters + cluster.learners else { return .none }
    let voters = (0..<cluster.voters).map { NodeID($0 + 1) }
    let learners = (0..<cluster.learners).map { NodeID(cluster.voters + $0 + 1) }
    do {
      return try Membership(
        voters: voters, learners: learners, witnesses: voters.suffix(Int(cluster.witnesses)))
    } catch {
      preconditionFailure("the plan's cluster is no membership: adjust ClusterPlan")
    }
  }

  private func isWitness(_ position: Int) -> Bool {
    let cluster = plan.cluster
    let number = UInt64(position + 1)
    if number <= cluster.voters + cluster.learners {
      return number <= cluster.voters && number > cluster.voters - cluster.witnesses
    }
    for fault in plan.faults where fault.kind == .addWitness && fault.nodes.contains(number) {
      return true
    }
    return false
  }

  /// Puts a node into its place for the first time.
  mutating func bootstrap(_ position: Int) {
    var faults = DiskFaults()
    if plan.storage.damagedNode == UInt64(position + 1) { faults.garbageTears = 300_000 }
    var disk = SimulatedDisk(
      seed: Draw(plan.seed, .disk, UInt64(position)).word, faults: faults)
    let clock = position < plan.clocks.count ? plan.clocks[position] : ClockSettings()
    let membership = firstMembership(position)
    let state =
      membership == .none ? DurableState.joining : DurableState(bootstrapping: membership)
    let recovered: RecoveredJournal
    do throws(JournalError) {
      recovered = try Journal.create(
        on: &disk, identity: identity(position), state: state, settings: journalSettings)
    } catch {
      preconditionFailure("the journal of node \(position + 1): \(error.description)")
    }
    do throws(RestoreError) {
      let replica = try Replica<SimulatedMachine>(
        replicaSettings(position, life: 1), recovered: recovered, nanoseconds: Names.epoch,
        machine: firstMachine)
      slots.append(
        NodeSlot(
          id: replica.id, replica: replica, disk: disk, isWitness: isWitness(position),
          clock: clock))
    } catch {
      preconditionFailure("node \(position + 1): \(error.description)")
    }
    forgetTaken(position)
    timers.set(position, to: 1 + clock.offset)
    oracles.started(slots[position].node, from: state)
  }

  /// A new life has heard nobody yet.
  private mutating func forgetTaken(_ position: Int) {
    slots[position].taken = [TakenStream](repeating: TakenStream(), count: plan.cluster.count)
  }

  /// Starts a node again from what its disk holds.
  mutating func restart(_ position: Int) {
    guard !slots[position].isUp, !slots[position].isRetired else { return }
    if healing.absent.contains(position) { return }
    eventCount += 1
    let id = slots[position].id
    crashInRecovery(position)
    guard let recovered = openJournal(position) else { return }
    do throws(RestoreError) {
      slots[position].replica = try Replica(
        replicaSettings(position, life: slots[position].life), recovered: recovered,
        nanoseconds: wallClock(position), machine: firstMachine)
    } catch {
      blame(
        .logIsWhatWasStored, recovered.state.logStart.index,
        "\(id) cannot be started again: \(error.description)")
      return
    }
    counters.restarts += 1
    slots[position].isUp = true
    slots[position].askedTicket = .zero
    slots[position].diskTicket = .zero
    slots[position].shownIndex = .zero
    slots[position].vouched = VouchedLog()
    forgetTaken(position)
    timers.set(position, to: now + 1 + slots[position].tick / 2)
    var state = recovered.state
    // A node that is out begins in a term in which it has not voted.
    if slots[position].replica.isOut {
      state.hardState.currentTerm = slots[position].node.currentTerm
      state.hardState.votedFor = nil
      oracles.damaged(id, state)
    } else {
      // It may have died when its disk said that it is repaired, and before anybody was told.
      oracles.rejoined(id)
    }
    oracles.started(slots[position].node, from: state)
    rolling.combine(now ^ 0x7e57 << 40 ^ UInt64(position))
    rolling.combine(slots[position].node.log.last.index.rawValue)
    if watch.isOn { watchStart(position) }
    // A replica that has a machine to read back asks for it at once.
    give(.tick(nanoseconds: wallClock(position)), to: position)
  }

  /// Opens what the disk holds, and holds it against what it should; `nil` if that cannot be, or
  /// not now.
  private mutating func openJournal(_ position: Int) -> RecoveredJournal? {
    let id = slots[position].id
    do throws(JournalError) {
      let found = try Journal.open(
        on: &slots[position].disk, owner: identity(position), settings: journalSettings)
      switch found {
      case .intact(let recovered):
        if recovered.journal.standing == .member { oracles.recovered(id, recovered.state) }
        if recovered.tail != .clean {
          counters.tornTails += 1
          oracles.situations.reach(.tornTailDiscarded)
        }
        return recovered
      case .damaged(let damaged):
        guard plan.storage.damagedNode == UInt64(position + 1) else {
          blame(
            .logIsWhatWasStored, slots[position].node.log.lastIndex,
            "the journal of \(id) is damaged though nothing damaged its disk: "
              + damaged.report.description)
          return nil
        }
        counters.damages += 1
        return try damaged.openForRepair(on: &slots[position].disk)
      }
    } catch {
      cannotStart(error, position)
      return nil
    }
  }

  /// Flips bits of what a node has had on its disk for some time.
  mutating func rot(_ fault: PlannedFault, _ struck: [Int]) {
    for node in struck {
      crash(node, fault.keeps.keeping)
      for number in 0..<fault.amount {
        slots[node].disk.rot(Draw(plan.seed, .disk, fault.identity, number).word)
      }
      let newest = Draw(plan.seed, .disk, fault.identity, 1 << 40)
      if newest.below(2) == 0 {
        slots[node].disk.rot(slots[node].vouched, newest.again().word)
      }
    }
  }

  /// Now and then a node dies while it reads its journal, and begins once more.
  private mutating func crashInRecovery(_ position: Int) {
    let draw = Draw(plan.seed, .disk, UInt64(position), UInt64(slots[position].life), 1)
    guard draw.below(8) == 0 else { return }
    // What the half-begun life would have found is thrown away with it.
    _ = try? Journal.open(
      on: &slots[position].disk, owner: identity(position), settings: journalSettings)
    slots[position].disk.crash()
    counters.crashesInRecovery += 1
    oracles.situations.reach(.crashedInRecovery)
  }

  private mutating func cannotStart(_ error: JournalError, _ position: Int) {
    if case .disk(let problem) = error, problem.problem == .full {
      // It is tried again until there is room.
      schedule(.restart, in: 50_000_000, node: position)
      return
    }
    if case .disk(let problem) = error, problem.operation == .sync {
      crashAgain(position)
      return
    }
    blame(
      .logIsWhatWasStored, slots[position].node.log.lastIndex,
      "\(slots[position].id) cannot be started again: \(error.description)")
  }

  private mutating func crashAgain(_ position: Int) {
    slots[position].disk.crash()
    schedule(.restart, in: 50_000_000, node: position)
  }

  /// Kills a node. `keeping` says what of its unsynced writes survives.
  mutating func crash(_ position: Int, _ keeping: CrashKeeping) {
    guard slots[position].isUp else { return }
    counters.crashes += 1
    eventCount += 1
    if watch.isOn { watchCrash(position) }
    slots[position].disk.crash(during: slots[position].lanes.underWay, keeping: keeping)
    slots[position].lanes = Lanes()
    slots[position].isUp = false
    slots[position].life += 1
    slots[position].actionsUntilCrash = .max
    slots[position].missedTicks = 0
    timers.set(position, to: .max)
    oracles.crashed(slots[position].id)
    rolling.combine(now ^ 0xdead << 40 ^ UInt64(position))
  }
}

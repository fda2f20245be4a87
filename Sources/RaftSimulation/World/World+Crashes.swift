// How nodes begin, die and begin again.

import Raft
import RaftMachines

extension World {
  /// The settings of one life of a node.
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
    configuration.isForwardingProposals = settings.isForwardingProposals
    configuration.quiescenceTicks = settings.quiescenceTicks.map { Ticks($0) }
    configuration.quiescenceFactor = settings.quiescenceFactor
    return configuration
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
    let disk = Disk(firstMembership(position))
    let state = disk.durableState
    let node: RaftNode
    do { node = try RaftNode(configuration(position, life: 1), restoring: state) } catch {
      preconditionFailure("node \(position + 1) cannot start: \(error.description)")
    }
    let clock = position < plan.clocks.count ? plan.clocks[position] : ClockSettings()
    slots.append(
      NodeSlot(
        id: node.id, node: node, disk: disk, isWitness: isWitness(position), clock: clock))
    timers.set(position, to: 1 + clock.offset)
    oracles.started(slots[position].node, from: state)
  }

  /// Starts a node again from what its disk holds.
  mutating func restart(_ position: Int) {
    guard !slots[position].isUp, !slots[position].isRetired else { return }
    counters.restarts += 1
    eventCount += 1
    let state = slots[position].disk.durableState
    let id = slots[position].id
    do {
      let settings = configuration(position, life: slots[position].life)
      slots[position].node = try RaftNode(settings, restoring: state)
    } catch {
      blame(
        .logIsWhatWasStored, state.logStart.index,
        "\(id) cannot be started again: \(error.description)")
      return
    }
    slots[position].isUp = true
    slots[position].snapshotBegun = state.snapshot.lastIncluded.index
    slots[position].appliedReport = 0
    timers.set(position, to: now + 1 + slots[position].tick / 2)
    oracles.started(slots[position].node, from: state)
    restoreMachine(state.snapshot, position)
    rolling.combine(now ^ 0x7e57 << 40 ^ UInt64(position))
    rolling.combine(slots[position].node.log.last.index.rawValue)
    if watch.isOn { watchStart(position) }
  }

  /// Kills a node. `keeps` says what of its unsynced writes survives, `draw` how many.
  mutating func crash(_ position: Int, keeping keeps: UnsyncedWrites, _ draw: Draw) {
    guard slots[position].isUp else { return }
    counters.crashes += 1
    eventCount += 1
    let pending = slots[position].disk.pending.count
    let kept: Int =
      switch keeps {
      case .none: 0
      case .prefix: Int(draw.below(UInt64(pending) + 1))
      case .all: pending
      }
    counters.writesKept += UInt64(kept)
    counters.writesLost += UInt64(pending - kept)
    let survivor = slots[position].disk.crash(keeping: kept)
    slots[position].isUp = false
    slots[position].life += 1
    slots[position].actionsUntilCrash = .max
    slots[position].isNextSyncFailing = false
    slots[position].imageUnderWay = nil
    slots[position].missedTicks = 0
    slots[position].waiting.removeAll(keepingCapacity: true)
    timers.set(position, to: .max)
    oracles.crashed(slots[position].id, keeping: survivor)
    rolling.combine(now ^ 0xdead << 40 ^ UInt64(position) ^ survivor.rawValue << 8)
    if watch.isOn { watchCrash(position, kept: kept, lost: pending - kept) }
  }
}

// After the last fault: everything is repaired, and then the cluster has so long and no longer to
// come to rest. What is late is a violation of liveness; nothing excuses it.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// How the healing stands.
struct Healing: Sendable {
  var isUnderWay = false
  /// When it began. Unit: virtual nanoseconds.
  var began: UInt64 = 0
  /// Who is still gone. Once the others have shown that they can do without, nobody is.
  var absent: [Int] = []
  /// When the last of them were back, or when it began if there were none.
  var wasWhole: UInt64 = 0
  /// When there was a leader.
  var leaderTime: UInt64?
  /// When all was as it should be.
  var caughtUpTime: UInt64?
}

/// How long the end of a run may take, in virtual nanoseconds after the healing.
public struct LivenessBounds: Hashable, Sendable, BitwiseCopyable {
  /// Until there is a leader.
  public var leader: UInt64
  /// Until every request is answered, every replica holds the same, and no change is half done.
  public var rest: UInt64

  /// The bounds for a plan.
  ///
  /// The unit is the longest wait for an election: twice the election timeout, one more for each
  /// step of priority, all of it stretched while the group is idle. A leader must be there after 12
  /// of these, all else after 40, with two time-outs of a client on top, and the time in which the
  /// largest snapshot goes twice to whom it is sent, chunk by chunk: 10 ms for each, since messages
  /// and syncs take 2 ms at most by then. All of it begins when the clocks of all nodes can be
  /// right: a node whose clock has jumped stays ahead, and unheard if it is far ahead, until true
  /// time has caught up with it.
  ///
  /// - Parameters:
  ///   - plan: the plan of the run.
  ///   - snapshotBytes: the size of the largest snapshot.
  ///   - clocksAhead: how far clocks may be ahead at the healing. Unit: nanoseconds.
  public init(_ plan: Plan, snapshotBytes: UInt64 = 0, clocksAhead: UInt64 = 0) {
    var tick: UInt64 = 0
    for clock in plan.clocks { tick = max(tick, clock.tick) }
    var wait = plan.node.electionTimeoutTicks * 2 * tick
    if plan.node.isPriorityMixed { wait += plan.node.electionTimeoutTicks * 3 * tick }
    if plan.node.quiescenceTicks != nil { wait *= plan.node.quiescenceFactor }
    leader = clocksAhead + wait * 12
    let chunks = snapshotBytes / max(plan.node.snapshotChunkBytes, 1) + 1
    rest = clocksAhead + wait * 40 + plan.workload.timeout * 2 + 2 * chunks * 10_000_000
  }
}

extension Plan {
  /// Whether a majority of the voters can do all that is promised, whoever they are: if nobody's
  /// disk is damaged, all keep commands, and the members do not change.
  var canSpareMinority: Bool {
    cluster.voters >= 3 && cluster.witnesses == 0 && storage.damagedNode == 0
      && !faults.contains { $0.kind.changesMembers }
  }

  /// How far a clock that has jumped may be ahead of true time at this moment: as far as all jumps
  /// together, less the time since the last of them. Unit: nanoseconds.
  func clocksAhead(at moment: UInt64) -> UInt64 {
    var all: UInt64 = 0
    var last: UInt64 = 0
    for fault in faults where fault.kind == .clockJump && fault.start < moment {
      all = min(all + min(fault.amount, 1 << 60), 1 << 60)
      last = max(last, min(fault.start + fault.duration, moment))
    }
    return all - min(all, moment - last)
  }
}

extension World {
  /// Ends all faults, starts all nodes, and lets clients finish.
  mutating func beginHealing() {
    healing.isUnderWay = true
    healing.began = now
    healing.wasWhole = now
    healing.absent = absentees
    eventCount += 1
    rolling.combine(now ^ 0x4ea1 << 40)
    for number in underway where plan.faults[number].kind == .stop { switchOff(number) }
    underway.removeAll()
    partitionSides = nil
    network.lossPerMillion = 0
    network.duplicatePerMillion = 0
    network.slowPerMillion = 0
    network.minimumDelay = min(network.minimumDelay, 1_000_000)
    network.delaySpread = min(network.delaySpread, 1_000_000)
    storage.minimumSync = min(storage.minimumSync, 1_000_000)
    storage.syncSpread = min(storage.syncSpread, 1_000_000)
    storage.receiptDelay = 0
    storage.readDelay = min(storage.readDelay, 1_000_000)
    storage.snapshotDelay = min(storage.snapshotDelay, 1_000_000)
    weighFaults()
    if watch.isOn { watchHeal() }
    for position in slots.indices {
      slots[position].actionsUntilCrash = .max
      slots[position].disk.faults.failingSyncs = 0
      slots[position].disk.faults.capacity = .max
      slots[position].clock.ratePerMillion = 1_000_000
      if slots[position].isUp,
        slots[position].node.isHalted || healing.absent.contains(position)
      {
        crash(position, .drawn)
      }
      restart(position)
    }
    for client in clients.indices where clients[client].operation < 0 {
      clients[client].isDone = false
      setTimer(ofClient: client, in: 1 + UInt64(client))
    }
    scheduleCheck()
  }

  /// Who is gone and stays so for a while: no more than a majority can spare.
  private var absentees: [Int] {
    guard plan.canSpareMinority else { return [] }
    var gone: [Int] = []
    for number in underway where plan.faults[number].kind == .absence {
      for node in struckNodes[number] where !gone.contains(node) && node < plan.cluster.voters {
        gone.append(node)
      }
    }
    return Array(gone.prefix(Int(plan.cluster.voters - 1) / 2))
  }

  /// Whether those who are there can go on without the others: one leads, and has committed all
  /// that it has. Then the others come back. Says what is missing for too long.
  private mutating func checkWithoutAbsentees(_ bounds: LivenessBounds) {
    let elapsed = now - healing.began
    let leader = leaderPosition.map { slots[$0].node }
    if let leader, leader.commitIndex == leader.log.lastIndex {
      oracles.situations.reach(.minoritySpared)
      let back = healing.absent
      healing.absent = []
      healing.wasWhole = now
      for position in back { restart(position) }
      scheduleCheck()
    } else if leader == nil, elapsed > bounds.leader {
      stall(
        "no leader \(elapsed / 1_000_000) ms after all but a minority were healed: "
          + explanation(.noLeader))
    } else if elapsed > bounds.rest {
      stall("nothing is committed \(elapsed / 1_000_000) ms after all but a minority were healed")
    } else {
      scheduleCheck()
    }
  }

  private mutating func scheduleCheck() {
    schedule(.check, in: max(1, slots[0].clock.tick * plan.node.electionTimeoutTicks / 2))
  }

  /// Looks whether the cluster has come to rest, or should have.
  mutating func check() {
    retireStrangers()
    let elapsed = now - healing.wasWhole
    var snapshotBytes: UInt64 = 0
    for slot in slots {
      let newest = slot.node.snapshot.lastIncluded
      snapshotBytes = max(snapshotBytes, slot.replica.journal.snapshotBytes(newest) ?? 0)
    }
    let bounds = LivenessBounds(
      plan, snapshotBytes: snapshotBytes, clocksAhead: plan.clocksAhead(at: healing.began))
    if healing.leaderTime == nil, leaderPosition != nil { healing.leaderTime = now }
    guard healing.absent.isEmpty else {
      checkWithoutAbsentees(bounds)
      return
    }
    if let reason = unrest() {
      if healing.leaderTime == nil, elapsed > bounds.leader {
        stall("no leader \(elapsed / 1_000_000) ms after the healing: \(explanation(reason))")
      } else if elapsed > bounds.rest {
        stall("not at rest \(elapsed / 1_000_000) ms after the healing: \(explanation(reason))")
      } else {
        scheduleCheck()
      }
      return
    }
    healing.caughtUpTime = now
    eventCount += 1
    if watch.isOn { watchRest() }
    oracles.settled(slots.filter { $0.isUp }.map { $0.node })
    for position in slots.indices where slots[position].isUp { checkMachine(position) }
    if oracles.isOn, oracles.breach == nil { checkLinearizability() }
    if oracles.breach == nil, verdict == nil { verdict = .passed }
  }

  private mutating func stall(_ reason: String) {
    eventCount += 1
    verdict = .stalled(reason: reason)
  }

  /// Without pre-vote and check-quorum a removed node that nobody tells may disturb the others for
  /// ever (thesis §4.2.3), so its operator switches it off.
  private mutating func retireStrangers() {
    guard !plan.node.isPreVoteEnabled || !plan.node.isCheckQuorumEnabled else { return }
    guard let leader = leaderPosition else { return }
    let membership = slots[leader].node.membership
    guard !membership.isJoint,
      slots[leader].node.membershipIndex <= slots[leader].node.commitIndex
    else { return }
    for position in slots.indices where membership.contains(slots[position].id) {
      // A request to add it was under way when it was switched off.
      guard slots[position].isRetired else { continue }
      slots[position].isRetired = false
      restart(position)
    }
    for position in slots.indices where !membership.contains(slots[position].id) {
      guard slots[position].isUp else { continue }
      crash(position, .all)
      slots[position].isRetired = true
    }
  }

  // MARK: What is missing

  /// What keeps the cluster from being at rest.
  enum Unrest {
    case noLeader
    case jointMembership
    case clientWaits(Int)
    case uncommitted(Int)
    case behind(Int)
    case notApplied(Int)
    case out(Int)
    case machineDiffers(Int, from: Int)
    case unanswered(request: Int)
    case unansweredByCore(Int, request: UInt64)
  }

  /// The first thing that is not as it should be; `nil` if all is.
  func unrest() -> Unrest? {
    guard let leader = leaderPosition else { return .noLeader }
    let node = slots[leader].node
    guard !node.membership.isJoint, node.membershipIndex <= node.commitIndex else {
      return .jointMembership
    }
    for client in clients.indices
    where clients[client].endedAfterHealing == 0 || clients[client].operation >= 0 {
      return .clientWaits(client)
    }
    guard node.commitIndex == node.log.lastIndex else { return .uncommitted(leader) }
    var model: Int?
    for position in slots.indices where node.membership.contains(slots[position].id) {
      let other = slots[position].node
      guard slots[position].isUp, other.log.last == node.log.last,
        other.commitIndex == node.commitIndex
      else { return .behind(position) }
      guard other.lastApplied == node.commitIndex else { return .notApplied(position) }
      if slots[position].replica.isOut { return .out(position) }
      if other.isWitness { continue }
      if let model, slots[model].replica.machineDigest != slots[position].replica.machineDigest {
        return .machineDiffers(position, from: model)
      }
      model = model ?? position
    }
    for number in attempts.indices where !attempts[number].isAnswered {
      let position = Int(attempts[number].node)
      if slots[position].isUp, slots[position].life == attempts[number].life {
        return .unanswered(request: number + 1)
      }
    }
    // A client that gave up has its reply; the core may still wait for what it was asked for.
    if let (slot, request) = oracles.unanswered {
      return .unansweredByCore(slot, request: request)
    }
    return nil
  }

  /// A guess at why, for a reader.
  func explanation(_ unrest: Unrest) -> String {
    switch unrest {
    case .noLeader:
      var text = "nobody leads;"
      for slot in slots {
        text +=
          " \(slot.id.description) \(slot.isUp ? slot.node.role.description : "down")"
          + " term \(slot.node.currentTerm) last \(slot.node.log.last)"
          + " members at \(slot.node.membershipIndex);"
      }
      return text
    case .jointMembership: return "the membership change is not finished"
    case .clientWaits(let client):
      return "client \(client) still waits for operation \(clients[client].operation + 1)"
    case .uncommitted(let leader):
      return "\(slots[leader].id) leads and cannot commit \(slots[leader].node.log.lastIndex)"
    case .behind(let position):
      return "\(slots[position].id) is behind: last \(slots[position].node.log.last), "
        + "committed \(slots[position].node.commitIndex), isUp \(slots[position].isUp)"
    case .notApplied(let position):
      return "\(slots[position].id) has applied only \(slots[position].node.lastApplied) of "
        + "\(slots[position].node.commitIndex)"
    case .out(let position): return "\(slots[position].id) is not repaired"
    case .machineDiffers(let a, let b):
      return "the machines of \(slots[b].id) and \(slots[a].id) differ"
    case .unansweredByCore(let position, let request):
      return "the core of \(slots[position].id) never answered its request \(request)"
    case .unanswered(let request):
      let node = slots[Int(attempts[request - 1].node)].id
      return "request \(request) of asker \(attempts[request - 1].asker.rawValue) for operation "
        + "\(attempts[request - 1].operation) was never answered by \(node)"
    }
  }
}

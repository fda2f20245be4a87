// Which faults a seed meets. Every family of faults is drawn by itself, and in it every episode, so
// that taking one away moves no other.

import Raft

/// Draws the faults of a plan whose settings are drawn already.
struct FaultDrawing {
  let plan: Plan
  /// An election timeout, by which all lengths are measured. Unit: nanoseconds.
  let unit: UInt64

  /// The families. Never renumber.
  enum Family: UInt64, CaseIterable {
    case loss = 1
    case delay, duplication, reordering
    case oneWay, partition, partialPartition, bridge, isolation, isolateLeader, clog, flapping
    case crash, crashLeader, crashBetween, restartStorm, powerCut, pause, slowNode, campaign
    case slowDisk, diskStall, diskFailure
    case clockRate
    case snapshot, slowRead
    case membership, transfer
    case overload, clientCrash
    case stop
    case diskFull, bitRot
    case clockJump
    case limitSessions
    case absence
  }

  func faults() -> [PlannedFault] {
    var faults: [PlannedFault] = []
    switch plan.scenario {
    case .calm: return []
    case .chaos where plan.isLone: faults = loneRestarts()
    case .chaos:
      for family in Family.allCases where family != .absence {
        let draw = Draw(plan.seed, .family, family.rawValue)
        guard draw.below(2) == 0 else { continue }
        add(family, draw.again().logarithmic(1, 4), &faults)
      }
    case .maximum:
      for family in Family.allCases where family != .absence { add(family, 4, &faults) }
    case .isolateLeader, .bridge, .majoritiesRing, .oneWayLeader, .rollingRestart,
      .crashBetweenWrites, .snapshotCrash, .changeInPartition, .pauseLeader, .slowDiskLeader,
      .staleDuplicates, .powerCut, .swizzle, .overload, .leaseEdge, .slowRestore:
      faults = nemesis(plan.scenario)
    }
    if Draw(plan.seed, .family, Family.absence.rawValue).below(3) == 0 {
      add(.absence, 1, &faults)
    }
    faults.sort { $0.start != $1.start ? $0.start < $1.start : $0.identity < $1.identity }
    return faults
  }

  private func add(_ family: Family, _ count: UInt64, _ faults: inout [PlannedFault]) {
    for number in 0..<count {
      var fault = episode(family, Draw(plan.seed, .episode, family.rawValue, number))
      fault.identity = family.rawValue << 16 | number
      faults.append(fault)
    }
  }

  // MARK: One episode

  private func episode(_ family: Family, _ draw: Draw) -> PlannedFault {
    let start = plan.duration / 20 + draw.below(plan.duration * 17 / 20)
    let length = draw.again()
    let long = length.logarithmic(max(1, unit / 8), unit * 6)
    let dice = length.again().again()
    switch family {
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .isolateLeader, .clog, .flapping:
      return linkEpisode(family, start, long, dice)
    case .crash, .crashLeader, .crashBetween, .restartStorm, .powerCut, .pause, .slowNode,
      .campaign, .stop:
      return processEpisode(family, start, long, dice)
    case .slowDisk, .diskStall, .diskFailure, .diskFull, .bitRot, .clockRate, .clockJump, .snapshot,
      .slowRead:
      return hostEpisode(family, start, long, dice)
    case .membership: return membershipEpisode(start, max(long, unit * 3), dice)
    case .transfer:
      let target = dice.below(3) == 0 ? [] : [someNode(dice.again())]
      return PlannedFault(.transfer, start: start, duration: unit * 2, nodes: target)
    case .overload:
      return PlannedFault(
        .overload, start: start, duration: 0, amount: dice.logarithmic(8, 64))
    case .clientCrash:
      return PlannedFault(.clientCrash, start: start, duration: 0, amount: dice.below(16))
    case .absence: return absence(draw, dice)
    case .limitSessions:
      // The operator asks again for a while where nobody leads.
      var fault = PlannedFault(
        .limitSessions, start: start, duration: unit * 2, amount: dice.between(1, 6))
      fault.period = dice.again().logarithmic(20_000_000, 4_000_000_000)
      return fault
    }
  }

  /// Some are gone for good, as far as the others know: they must go on without them.
  private func absence(_ draw: Draw, _ dice: Draw) -> PlannedFault {
    let before = min(draw.logarithmic(1_000_000, unit * 4), plan.duration / 2)
    var fault = PlannedFault(
      .absence, start: plan.duration - before, duration: before + 1, nodes: someSide(dice))
    if dice.again().below(3) != 0 { fault.aim = .leader }
    fault.keeps = UnsyncedWrites.allCases[Int(dice.again().again().below(3))]
    return fault
  }

  private func linkEpisode(
    _ family: Family, _ start: UInt64, _ long: UInt64, _ dice: Draw
  ) -> PlannedFault {
    let side = someSide(dice)
    let amount = dice.again().again()
    var fault = PlannedFault(.loss, start: start, duration: long, nodes: side)
    switch family {
    case .loss: fault.amount = amount.logarithmic(10_000, 500_000)
    case .delay:
      fault.kind = .delay
      fault.amount = amount.logarithmic(1_000_000, unit)
    case .duplication:
      fault.kind = .duplication
      fault.amount = amount.logarithmic(50_000, 500_000)
      fault.period = amount.again().logarithmic(1_000_000, unit * 4)
    case .reordering:
      fault.kind = .reordering
      fault.amount = amount.logarithmic(5_000_000, unit)
      fault.nodes = allNodes
    case .oneWay: fault.kind = .oneWay
    case .partition: fault.kind = .partition
    case .partialPartition:
      fault.kind = .partialPartition
      let pair = somePair(dice)
      fault.nodes = [pair.0]
      fault.peers = [pair.1]
    case .bridge: makeBridge(&fault, dice)
    case .isolation:
      fault.kind = .isolation
      fault.nodes = [someNode(dice)]
    case .isolateLeader:
      fault.kind = .isolation
      fault.aim = .leader
      fault.nodes = [someNode(dice)]
    case .clog: fault.kind = .clog
    case .flapping:
      fault.kind = .flapping
      fault.period = amount.logarithmic(max(2, unit / 8), unit * 2)
    case .crash, .crashLeader, .crashBetween, .restartStorm, .powerCut, .pause, .slowNode,
      .campaign, .slowDisk, .diskStall, .diskFailure, .diskFull, .bitRot, .clockRate, .clockJump,
      .snapshot, .slowRead, .membership, .transfer, .overload, .clientCrash, .limitSessions, .stop,
      .absence:
      break
    }
    return fault
  }

  private func processEpisode(
    _ family: Family, _ start: UInt64, _ long: UInt64, _ dice: Draw
  ) -> PlannedFault {
    let amount = dice.again().again()
    let keeps = UnsyncedWrites.allCases[Int(amount.again().below(3))]
    let one = [someNode(dice)]
    var fault = PlannedFault(.crash, start: start, duration: long, nodes: one, keeps: keeps)
    switch family {
    case .crash: if dice.again().below(4) == 0 { fault.aim = .minority }
    case .crashLeader: fault.aim = .leader
    case .crashBetween:
      fault.kind = .crashBetweenActions
      fault.amount = amount.below(24)
      if dice.again().below(2) == 0 { fault.aim = .leader }
    case .restartStorm:
      fault.kind = .restartStorm
      fault.period = amount.logarithmic(max(2, unit / 4), unit * 2)
      if dice.again().below(3) == 0 { fault.nodes = someSide(dice) }
    case .powerCut:
      fault.kind = .powerCut
      fault.aim = .all
      fault.duration = min(long, unit)
    case .pause:
      fault.kind = .pause
      if dice.again().below(2) == 0 { fault.aim = .leader }
      let isLeaseUsed = plan.node.leaseDriftPerMille != nil
      fault.amount = isLeaseUsed ? 1 : amount.below(2)
    case .slowNode:
      fault.kind = .slowNode
      fault.amount = amount.logarithmic(1_000_000, unit)
    case .campaign:
      fault.kind = .campaign
      fault.duration = 0
    case .stop:
      fault.kind = .stop
      if dice.again().below(2) == 0 { fault.aim = .leader }
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .isolateLeader, .clog, .flapping, .slowDisk, .diskStall, .diskFailure, .diskFull,
      .bitRot, .clockRate, .clockJump, .snapshot, .slowRead, .membership, .transfer, .overload,
      .clientCrash, .limitSessions, .absence:
      break
    }
    return fault
  }

  private func hostEpisode(
    _ family: Family, _ start: UInt64, _ long: UInt64, _ dice: Draw
  ) -> PlannedFault {
    let amount = dice.again().again()
    var fault = PlannedFault(.slowDisk, start: start, duration: long, nodes: [someNode(dice)])
    if dice.again().below(3) == 0 { fault.aim = .leader }
    switch family {
    case .slowDisk: fault.amount = amount.logarithmic(1_000_000, unit)
    case .diskStall:
      fault.kind = .diskStall
      fault.duration = long * 2
    case .diskFailure:
      fault.kind = .diskFailure
      fault.keeps = UnsyncedWrites.allCases[Int(amount.below(3))]
    case .bitRot:
      fault.kind = .bitRot
      fault.aim = .nodes
      fault.amount = amount.between(1, 6)
    case .diskFull:
      fault.kind = .diskFull
      fault.amount = amount.logarithmic(1, 16_384)
    case .clockJump:
      fault.kind = .clockJump
      fault.amount = amount.logarithmic(1_000_000, 2_000_000_000)
    case .clockRate:
      fault.kind = .clockRate
      let isExtreme = Plan.areClocksExtreme(KnobDraws(seed: plan.seed), plan.scenario)
      let most = plan.node.leaseDriftPerMille.map { $0 * (isExtreme ? 50 : 400) } ?? 500_000
      fault.amount = 1_000_000 - most + amount.below(2 * most + 1)
    case .snapshot:
      fault.kind = .snapshot
      fault.duration = 0
    case .slowRead:
      fault.kind = .slowRead
      fault.amount = amount.logarithmic(1_000_000, unit)
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .isolateLeader, .clog, .flapping, .crash, .crashLeader, .crashBetween,
      .restartStorm, .powerCut, .pause, .slowNode, .campaign, .membership, .transfer, .overload,
      .clientCrash, .limitSessions, .stop, .absence:
      break
    }
    return fault
  }

  private func membershipEpisode(
    _ start: UInt64, _ long: UInt64, _ dice: Draw
  ) -> PlannedFault {
    let spares = spareNodes
    let spare = spares.isEmpty ? someNode(dice) : spares[Int(dice.below(UInt64(spares.count)))]
    let member = 1 + dice.again().below(plan.cluster.voters)
    var fault = PlannedFault(.addLearner, start: start, duration: long, nodes: [spare])
    switch dice.again().again().below(10) {
    case 0, 1: break
    case 2, 3: fault.kind = .addVoter
    case 4:
      fault.kind = .remove
      fault.nodes = [member]
    case 5:
      fault.kind = .remove
      fault.aim = .leader
      fault.nodes = [member]
    case 6:
      fault.kind = .replace
      fault.nodes = [member]
      fault.peers = [spare]
    case 7:
      fault.kind = .demote
      fault.nodes = [member]
    case 8:
      fault.kind = .concurrentChanges
      fault.nodes = [min(member, spare), max(member, spare)]
      if member == spare { fault.nodes = [member] }
    default:
      // Only a node that has been nothing else may become a witness: it keeps no commands.
      let isNew = spare > plan.cluster.voters + plan.cluster.learners
      fault.kind = !spares.isEmpty && isNew ? .addWitness : .addVoter
      fault.nodes = [fault.kind == .addWitness ? spare : member]
    }
    return fault
  }

  // MARK: Who

  /// The nodes of the first membership, witnesses included.
  var allNodes: [UInt64] { (1...UInt64(plan.cluster.count)).map { $0 } }

  var spareNodes: [UInt64] {
    let cluster = plan.cluster
    let first = cluster.voters + 1
    let last = cluster.voters + cluster.learners + cluster.spares
    return first <= last ? (first...last).map { $0 } : []
  }

  func someNode(_ draw: Draw) -> UInt64 { 1 + draw.below(UInt64(plan.cluster.count)) }

  func somePair(_ draw: Draw) -> (UInt64, UInt64) {
    let count = UInt64(plan.cluster.count)
    let first = draw.below(count)
    let second = count > 1 ? (first + 1 + draw.again().below(count - 1)) % count : first
    return (min(first, second) + 1, max(first, second) + 1)
  }

  /// A random part of the nodes, at least one and not all.
  func someSide(_ draw: Draw) -> [UInt64] {
    let count = plan.cluster.count
    var side: [UInt64] = []
    for place in 0..<count where (draw.word >> UInt64(place + 20)) & 1 == 1 {
      side.append(UInt64(place + 1))
    }
    if side.isEmpty || side.count == count { side = [someNode(draw)] }
    return side
  }

  func makeBridge(_ fault: inout PlannedFault, _ draw: Draw) {
    let count = UInt64(plan.cluster.count)
    fault.kind = .bridge
    guard count >= 3 else { return }
    let first = draw.below(count)
    let order = (0..<count).map { ($0 + first) % count + 1 }
    let half = Int((count - 1) / 2)
    fault.nodes = order[1..<1 + half].sorted()
    fault.peers = order[(1 + half)...].sorted()
  }
}

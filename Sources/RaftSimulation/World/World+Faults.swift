// Episodes begin, strike again and end. What is under way is weighed anew each time, so that
// overlapping episodes need not know of each other.

import Raft
import RaftMachines
import RaftReplica

extension World {
  mutating func scheduleFaults() {
    for position in plan.faults.indices {
      let fault = plan.faults[position]
      let time = max(1, fault.start)
      queue.push(
        QueuedEvent(
          time: time, key: UInt64(EventKind.faultStart.rawValue) << 56 | fault.identity,
          slot: UInt32(position), cause: 0, life: 0, kind: .faultStart, node: 0))
    }
    queue.push(
      QueuedEvent(
        time: max(1, plan.duration), key: .max, slot: 0, cause: 0, life: 0, kind: .heal, node: 0))
  }

  // MARK: Whom it strikes

  /// The node that leads in the newest term, if one does.
  var leaderPosition: Int? {
    var best: Int?
    var bestTerm = Term.zero
    for position in slots.indices where slots[position].isUp {
      guard slots[position].node.role == .leader else { continue }
      let term = slots[position].node.currentTerm
      if best == nil || term > bestTerm {
        best = position
        bestTerm = term
      }
    }
    return best
  }

  private func aimed(_ fault: PlannedFault) -> [Int] {
    let listed = fault.nodes.map { Int($0) - 1 }.filter { slots.indices.contains($0) }
    switch fault.aim {
    case .nodes: return listed
    case .leader:
      let leader = leaderPosition.map { [$0] } ?? Array(listed.prefix(1))
      // Of those who are to be absent the leader is only the first.
      if fault.kind != .absence { return leader }
      return leader + listed.filter { !leader.contains($0) }
    case .all: return Array(slots.indices)
    case .minority:
      let leader = leaderPosition
      let voters = slots[leader ?? 0].node.membership.voters
      let others = voters.map { Int($0.rawValue) - 1 }.filter { $0 != leader }
      return Array(others.prefix((voters.count - 1) / 2))
    }
  }

  // MARK: Beginning and end

  mutating func faultStarts(_ number: Int) {
    guard !healing.isUnderWay else { return }
    let fault = plan.faults[number]
    var struck = aimed(fault)
    if fault.kind == .absence { struck = Array(struck.prefix(Int(plan.cluster.voters - 1) / 2)) }
    struckNodes[number] = struck
    underway.append(number)
    counters.faults += 1
    eventCount += 1
    rolling.combine(now ^ fault.identity)
    if watch.isOn { watchFault(number, struck) }
    strike(fault, number, struck)
    weighFaults()
    schedule(.faultEnd, in: fault.duration, slot: UInt32(number), key: fault.identity)
  }

  mutating func faultEnds(_ number: Int) {
    guard let place = underway.firstIndex(of: number) else { return }
    underway.remove(at: place)
    let fault = plan.faults[number]
    switch fault.kind {
    case .crash, .restartStorm, .powerCut, .absence:
      for node in struckNodes[number] { restart(node) }
    case .stop: switchOff(number)
    case .diskFailure:
      for node in struckNodes[number] { slots[node].disk.faults.failingSyncs = 0 }
    case .diskFull:
      for node in struckNodes[number] { slots[node].disk.faults.capacity = .max }
    case .bitRot:
      for node in struckNodes[number] { restart(node) }
    case .clockJump:
      for node in struckNodes[number] where slots[node].isUp {
        if !isAsleep(node) { oracles.situations.reach(.clockJumpedBack) }
      }
    case .crashBetweenActions:
      for node in struckNodes[number] where slots[node].armedBy == UInt32(number) {
        slots[node].actionsUntilCrash = .max
      }
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .clog, .flapping, .pause, .slowNode, .campaign, .slowDisk, .diskStall, .clockRate,
      .snapshot, .slowRead, .addLearner, .addVoter, .addWitness, .demote, .remove, .replace,
      .concurrentChanges, .transfer, .overload, .clientCrash, .limitSessions:
      break
    }
    weighFaults()
  }

  /// Nodes that were asked to stop are done with it, or have had their time.
  mutating func switchOff(_ number: Int) {
    for node in struckNodes[number] {
      crash(node, .all)
      restart(node)
    }
  }

  /// What an episode does at its start and only then.
  private mutating func strike(_ fault: PlannedFault, _ number: Int, _ struck: [Int]) {
    switch fault.kind {
    case .crash, .powerCut, .absence:
      for node in struck {
        crash(node, fault.keeps.keeping)
      }
    case .restartStorm, .flapping: faultBeats(number)
    case .crashBetweenActions:
      for node in struck where slots[node].isUp {
        slots[node].actionsUntilCrash = fault.amount
        slots[node].armedBy = UInt32(number)
      }
    case .campaign:
      for node in struck where slots[node].isUp && !isAsleep(node) { give(.campaign, to: node) }
    case .stop:
      for node in struck where slots[node].isUp {
        submit(.stop(RequestID(newRequest(.operate, number, operation: -1, node))), to: node)
      }
    case .diskFailure:
      for node in struck { slots[node].disk.faults.failingSyncs = 1_000_000 }
    case .bitRot: rot(fault, struck)
    case .diskFull:
      for node in struck {
        slots[node].disk.faults.capacity = slots[node].disk.usedBytes + fault.amount
      }
    case .pause: counters.pauses += UInt64(struck.count)
    case .snapshot: for node in struck where !isAsleep(node) { takeSnapshot(node) }
    case .addLearner, .addVoter, .addWitness, .demote, .remove, .replace, .concurrentChanges,
      .transfer, .limitSessions:
      operatorAsks(number)
    case .overload: overload(fault)
    case .clientCrash: crashClient(Int(fault.amount % UInt64(max(1, clients.count))))
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .clog, .slowNode, .slowDisk, .diskStall, .clockRate, .clockJump, .slowRead:
      break
    }
  }

  /// Strikes again: storms crash and start, flapping links fail and come back.
  mutating func faultBeats(_ number: Int) {
    guard underway.contains(number), !healing.isUnderWay else { return }
    let fault = plan.faults[number]
    let half = max(1_000_000, fault.period / 2)
    if fault.kind == .restartStorm {
      for node in struckNodes[number] {
        if slots[node].isUp {
          crash(node, fault.keeps.keeping)
        } else {
          restart(node)
        }
      }
    } else {
      weighFaults()
    }
    schedule(.faultBeat, in: half, slot: UInt32(number), key: fault.identity)
  }

  /// The crash that was armed for between two actions.
  mutating func crashArmed(_ position: Int) {
    let number = Int(slots[position].armedBy)
    guard plan.faults.indices.contains(number) else { return }
    let fault = plan.faults[number]
    crash(position, fault.keeps.keeping)
    schedule(.restart, in: fault.duration, node: position, key: fault.identity)
  }

  // MARK: What is under way

  /// Sets every link and every node to what the settings and the episodes under way amount to.
  mutating func weighFaults() {
    links.calmDown(network)
    if let sides = partitionSides { part(sides) }
    for node in slots.indices {
      slots[node].pausedUntil = 0
      slots[node].extraHandling = 0
      slots[node].extraSync = 0
      slots[node].extraRead = 0
      slots[node].stalledUntil = 0
      slots[node].clockRate = 1_000_000
      slots[node].clockAhead = 0
    }
    for number in underway {
      let fault = plan.faults[number]
      if fault.kind.isOfLinks {
        weighLinks(fault, struckNodes[number])
      } else {
        for node in struckNodes[number] { weighNode(fault, node) }
      }
    }
    // A clock that ran through a pause is looked at before anything else once the pause is over.
    for node in slots.indices where slots[node].missedTicks > 0 && !isAsleep(node) {
      timers.set(node, to: now)
    }
  }

  private mutating func part(_ sides: [[Int]]) {
    for from in slots.indices {
      let side = sides.first { $0.contains(from) } ?? [from]
      for to in slots.indices where to != from && !side.contains(to) {
        links[links.position(from, to)].isBlocked = true
      }
    }
  }

  private mutating func weighNode(_ fault: PlannedFault, _ node: Int) {
    let end = fault.start + fault.duration
    switch fault.kind {
    case .pause:
      slots[node].pausedUntil = max(slots[node].pausedUntil, end)
      slots[node].isMakingUpTicks = fault.amount == 1
    case .slowNode: slots[node].extraHandling += fault.amount
    case .slowDisk: slots[node].extraSync += fault.amount
    case .diskStall: slots[node].stalledUntil = max(slots[node].stalledUntil, end)
    case .clockRate: slots[node].clockRate = fault.amount
    case .clockJump: slots[node].clockAhead += fault.amount
    case .slowRead: slots[node].extraRead += fault.amount
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .clog, .flapping, .crash, .crashBetweenActions, .restartStorm, .powerCut,
      .absence, .campaign, .diskFailure, .diskFull, .bitRot, .snapshot, .addLearner, .addVoter,
      .addWitness,
      .demote, .remove, .replace, .concurrentChanges, .transfer, .overload, .clientCrash,
      .limitSessions, .stop:
      break
    }
  }

  private mutating func weighLinks(_ fault: PlannedFault, _ struck: [Int]) {
    // Looked up once for each node, and not for each link.
    let isStruck = slots.indices.map { struck.contains($0) }
    let isPeer = slots.indices.map { fault.peers.contains(UInt64($0) + 1) }
    let hasPeers = !fault.peers.isEmpty
    let half = max(1_000_000, fault.period / 2)
    let isFlapDown = ((now - min(now, fault.start)) / half) % 2 == 0
    for from in slots.indices {
      for to in slots.indices where from != to {
        let fromStruck = isStruck[from]
        let toStruck = isStruck[to]
        guard fromStruck || toStruck else { continue }
        let forth = fromStruck && (hasPeers ? isPeer[to] : !toStruck)
        let back = toStruck && (hasPeers ? isPeer[from] : !fromStruck)
        let place = links.position(from, to)
        switch fault.kind {
        case .oneWay: if forth { links[place].isBlocked = true }
        case .partition: if fromStruck != toStruck { links[place].isBlocked = true }
        case .partialPartition, .bridge: if forth || back { links[place].isBlocked = true }
        case .isolation: if fromStruck || toStruck { links[place].isBlocked = true }
        case .flapping: if (forth || back) && isFlapDown { links[place].isBlocked = true }
        case .loss:
          if forth || back { links[place].loss = max(links[place].loss, fault.amount) }
        case .delay, .reordering: if forth || back { links[place].extraDelay += fault.amount }
        case .duplication:
          if forth || back {
            links[place].duplicate = max(links[place].duplicate, fault.amount)
            links[place].duplicateSpread = max(links[place].duplicateSpread, fault.period)
          }
        case .clog:
          if forth || back {
            links[place].heldUntil = max(links[place].heldUntil, fault.start + fault.duration)
          }
        case .crash, .crashBetweenActions, .restartStorm, .powerCut, .absence, .pause, .slowNode,
          .campaign, .slowDisk, .diskStall, .diskFailure, .diskFull, .bitRot, .clockRate,
          .clockJump,
          .snapshot, .slowRead, .addLearner, .addVoter, .addWitness, .demote, .remove, .replace,
          .concurrentChanges, .transfer, .overload, .clientCrash, .limitSessions, .stop:
          break
        }
      }
    }
  }
}

extension FaultKind {
  /// Whether it changes who the members are, or what they keep.
  var changesMembers: Bool {
    switch self {
    case .addLearner, .addVoter, .addWitness, .demote, .remove, .replace, .concurrentChanges: true
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .clog, .flapping, .crash, .crashBetweenActions, .restartStorm, .powerCut,
      .absence, .pause, .slowNode, .campaign, .stop, .slowDisk, .diskStall, .diskFailure,
      .diskFull, .bitRot, .clockRate, .clockJump, .snapshot, .slowRead, .transfer, .overload,
      .clientCrash, .limitSessions:
      false
    }
  }

  /// Whether it strikes links and not nodes.
  var isOfLinks: Bool {
    switch self {
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .clog, .flapping:
      true
    case .crash, .crashBetweenActions, .restartStorm, .powerCut, .absence, .pause, .slowNode,
      .campaign, .slowDisk, .diskStall, .diskFailure, .diskFull, .bitRot, .clockRate, .clockJump,
      .snapshot,
      .slowRead, .addLearner, .addVoter, .addWitness, .demote, .remove, .replace,
      .concurrentChanges, .transfer, .overload, .clientCrash, .limitSessions, .stop:
      false
    }
  }
}

// The runs in which one thing goes wrong again and again.

import Raft

extension FaultDrawing {
  /// The faults of a named nemesis, from the first twentieth of the run to its end, or a little
  /// later.
  func nemesis(_ scenario: Scenario) -> [PlannedFault] {
    var faults: [PlannedFault] = []
    var time = plan.duration / 20
    // What is handed over needs a leader.
    let handsOver: [Scenario] = [
      .leaseEdge, .snapshotCrash, .crashBetweenWrites, .staleDuplicates,
    ]
    if handsOver.contains(scenario) { time += unit * 2 }
    var number: UInt64 = 0
    while time < plan.duration * 9 / 10 && number < 200 {
      let draw = Draw(plan.seed, .episode, 1_000, number)
      let length = unit / 2 + draw.below(unit * 4)
      for var fault in strokes(scenario, time, length, draw, number)
      where fault.start < plan.duration {
        fault.identity = 1_000 << 16 | number << 4 | UInt64(faults.count & 15)
        faults.append(fault)
      }
      time += length + unit / 2 + draw.again().below(unit * 2)
      number += 1
    }
    return faults
  }

  private func strokes(
    _ scenario: Scenario, _ time: UInt64, _ length: UInt64, _ draw: Draw, _ number: UInt64
  ) -> [PlannedFault] {
    let count = UInt64(plan.cluster.count)
    let dice = draw.again().again()
    let keeps = UnsyncedWrites.allCases[Int(dice.below(3))]
    let turn = 1 + number % count
    func fault(
      _ kind: FaultKind, _ nodes: [UInt64], aim: FaultAim = .nodes, _ amount: UInt64 = 0
    ) -> PlannedFault {
      PlannedFault(
        kind, start: time, duration: length, aim: aim, nodes: nodes, amount: amount,
        period: unit * 8, keeps: keeps)
    }
    switch scenario {
    case .isolateLeader: return [fault(.isolation, [turn], aim: .leader)]
    case .bridge:
      var bridge = fault(.bridge, [])
      makeBridge(&bridge, dice)
      return [bridge]
    case .majoritiesRing: return majoritiesRing(time, length)
    case .oneWayLeader: return [oneWayLeader(time, length, dice, number)]
    case .rollingRestart: return [fault(.crash, [turn])]
    case .crashBetweenWrites:
      if plan.isTermForgotten { return number == 0 ? forgottenTerm(time, draw) : [] }
      let aim = dice.again().below(2) == 0 ? FaultAim.leader : .nodes
      return [fault(.crashBetweenActions, [turn], aim: aim, dice.again().again().below(16))]
    case .snapshotCrash: return snapshotCrash(fault(.isolation, [turn]), dice, turn)
    case .changeInPartition:
      var change = fault(.addLearner, spareNodes.isEmpty ? [turn] : [spareNodes[0]])
      let kinds: [FaultKind] = [.addLearner, .addVoter, .remove, .replace, .demote]
      change.kind = kinds[Int(dice.below(5))]
      if change.kind == .remove || change.kind == .demote {
        change.nodes = [1 + dice.again().below(plan.cluster.voters)]
      }
      if change.kind == .replace {
        change.peers = change.nodes
        change.nodes = [1 + dice.again().below(plan.cluster.voters)]
      }
      change.duration = length + unit * 2
      return [fault(.partition, someSide(draw)), change]
    case .pauseLeader: return [fault(.pause, [turn], aim: .leader, 1)]
    case .slowDiskLeader:
      let isStalled = dice.below(2) == 0
      return [fault(isStalled ? .diskStall : .slowDisk, [turn], aim: .leader, unit / 4)]
    case .staleDuplicates:
      if plan.isLeadershipSwung { return leadershipSwings(time, dice) }
      return [fault(.duplication, allNodes, 300_000), fault(.campaign, [turn])]
    case .powerCut: return [fault(.powerCut, [], aim: .all)]
    case .swizzle:
      return (1...count).filter { (dice.word >> $0) & 1 == 1 }.map { node in
        var clog = fault(.clog, [node])
        clog.start += dice.again().below(length)
        clog.duration = length * (1 + node % 3) / 2
        return clog
      }
    case .overload: return [fault(.overload, [], dice.logarithmic(16, 200))]
    case .leaseEdge: return leaseEdge(time, length, dice, number)
    case .slowRestore: return slowRestore(time, length, dice, 1 + number / 4 % count)
    case .calm, .chaos, .maximum: return []
    }
  }

  /// The only voter crashes again and again, and its disk is slow: what it had committed it knows
  /// only when an entry of its new term is on the disk.
  func loneRestarts() -> [PlannedFault] {
    let slow = PlannedFault(
      .slowDisk, start: plan.duration / 20, duration: plan.duration, nodes: [1], amount: unit / 8)
    var faults = [slow]
    var time = plan.duration / 20 + unit * 2
    while time < plan.duration * 9 / 10 && faults.count < 400 {
      faults.append(
        PlannedFault(.crash, start: time, duration: unit / 16, nodes: [1], keeps: .all))
      faults.append(
        PlannedFault(.campaign, start: time + unit / 8, duration: 0, nodes: [1]))
      time += unit * 3 / 2
    }
    for place in faults.indices { faults[place].identity = 1_001 << 16 | UInt64(place) }
    return faults
  }

  /// Each node hears only its neighbours in a ring, enough for a majority, and no two the same.
  private func majoritiesRing(_ time: UInt64, _ length: UInt64) -> [PlannedFault] {
    let voters = plan.cluster.voters
    guard voters >= 5 else {
      return [PlannedFault(.isolation, start: time, duration: length, aim: .leader, nodes: [1])]
    }
    let reach = voters / 4
    return (0..<voters).compactMap { node in
      let far = (reach + 1...voters - reach - 1).map { (node + $0) % voters + 1 }
      guard !far.isEmpty else { return nil }
      return PlannedFault(
        .oneWay, start: time, duration: length, nodes: [node + 1], peers: far.sorted())
    }
  }

  /// The leader cannot send, or cannot hear.
  private func oneWayLeader(
    _ time: UInt64, _ length: UInt64, _ dice: Draw, _ number: UInt64
  ) -> PlannedFault {
    let node = 1 + number % plan.cluster.voters
    if dice.below(2) == 0 {
      return PlannedFault(
        .oneWay, start: time, duration: length, aim: .leader, nodes: [node],
        peers: allNodes)
    }
    return PlannedFault(
      .oneWay, start: time, duration: length, nodes: allNodes.filter { $0 != node }, peers: [node])
  }
}

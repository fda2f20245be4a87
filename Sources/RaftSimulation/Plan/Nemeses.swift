// The runs in which one thing goes wrong again and again.

import Raft

extension FaultDrawing {
  /// The faults of a named nemesis, from the first twentieth of the run to its end.
  func nemesis(_ scenario: Scenario) -> [PlannedFault] {
    var faults: [PlannedFault] = []
    var time = plan.duration / 20
    var number: UInt64 = 0
    while time < plan.duration * 9 / 10 && number < 200 {
      let draw = Draw(plan.seed, .episode, 1_000, number)
      let length = unit / 2 + draw.below(unit * 4)
      for var fault in strokes(scenario, time, length, draw, number) {
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
    case .leaseEdge: return leaseEdge(time, length, dice, turn)
    case .slowRestore: return slowRestore(time, length, dice, 1 + number / 4 % count)
    case .calm, .chaos, .maximum: return []
    }
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

  /// The leader loses its followers in one of the ways that a lease must have reckoned with.
  private func leaseEdge(
    _ time: UInt64, _ length: UInt64, _ dice: Draw, _ turn: UInt64
  ) -> [PlannedFault] {
    let cutOff = PlannedFault(
      .isolation, start: time, duration: unit * 2 + length, aim: .leader, nodes: [turn])
    switch dice.below(5) {
    case 0:
      // Others stand as soon as nobody is loyal to it any more, by clocks that run fast.
      let delay = unit * dice.again().between(700, 1_050) / 1_000
      return [cutOff]
        + [turn % plan.cluster.voters + 1, (turn + 1) % plan.cluster.voters + 1].map {
          PlannedFault(.campaign, start: time + delay, duration: 0, nodes: [$0])
        }
    case 1:
      // It hands over, and its successor is elected without its hearing of it.
      var late = cutOff
      late.start += dice.again().logarithmic(200_000, 20_000_000)
      return [PlannedFault(.transfer, start: time, duration: unit * 2), late]
    case 2:
      // It hears answers late, and then no more: those are of a time long past.
      var late = PlannedFault(
        .slowNode, start: time, duration: unit * 4 + length, aim: .leader, nodes: [turn])
      late.amount = dice.again().between(unit / 3, unit)
      var later = cutOff
      later.start += unit * 2
      return [late, later]
    case 3:
      return forgottenPromises(time, length, dice, turn)
    default:
      return [
        PlannedFault(
          .pause, start: time, duration: unit + length, aim: .leader, nodes: [turn], amount: 1)
      ]
    }
  }

  /// One node misses the leader and stands whenever others, who have heard of it, forget that they
  /// have: they crash, and are asked for their votes as soon as they are back.
  private func forgottenPromises(
    _ time: UInt64, _ length: UInt64, _ dice: Draw, _ turn: UInt64
  ) -> [PlannedFault] {
    let voters = plan.cluster.voters
    let alone = dice.again().below(3) > 0 ? voters : max(1, voters - 1)
    var faults = [
      PlannedFault(
        .partialPartition, start: time, duration: unit * 4 + length, aim: .leader, nodes: [turn],
        peers: [alone])
    ]
    for number in 1...4 as ClosedRange<UInt64> {
      let crash = PlannedFault(
        .crash, start: time + unit * number, duration: unit / 6, aim: .minority, nodes: [turn],
        keeps: .all)
      let back = crash.start + crash.duration
      faults.append(crash)
      faults.append(PlannedFault(.campaign, start: back + 2_000_000, duration: 0, nodes: [alone]))
    }
    return faults
  }

  /// What becomes of snapshots in this run, while or after a node is cut off.
  private func snapshotCrash(
    _ cutOff: PlannedFault, _ dice: Draw, _ turn: UInt64
  ) -> [PlannedFault] {
    let time = cutOff.start
    let length = cutOff.duration
    switch plan.snapshotNemesis {
    case .overtaken: return overtakenSnapshot(time, length, dice, turn)
    case .repeated: return repeatedSnapshot(time, dice, turn)
    case .interrupted: return interruptedSnapshot(time, dice, turn)
    case .crash:
      return [
        cutOff,
        PlannedFault(
          .crashBetweenActions, start: time + length + dice.below(unit), duration: unit,
          nodes: [turn], amount: dice.again().below(12), keeps: cutOff.keeps),
      ]
    }
  }

  /// Nobody hears how much a node stores, and then it is gone for so long that the leader offers it
  /// a snapshot of less than it holds: it must keep what follows.
  private func overtakenSnapshot(
    _ time: UInt64, _ length: UInt64, _ dice: Draw, _ turn: UInt64
  ) -> [PlannedFault] {
    let gap = dice.again().logarithmic(500_000, 8_000_000)
    var faults = (0..<6).map { number in
      PlannedFault(
        .overload, start: time + gap * number, duration: 0, amount: 4 + (dice.word >> number) % 12)
    }
    let moments = dice.again().again()
    let crash = time + gap * 3 + moments.below(gap * 6)
    let mute = PlannedFault(
      .oneWay, start: time, duration: crash + 1 - time, nodes: [turn],
      peers: allNodes.filter { $0 != turn })
    let away = PlannedFault(
      .crash, start: crash, duration: unit / 2 + moments.again().below(length), nodes: [turn],
      keeps: .all)
    let snapshot = PlannedFault(
      .snapshot, start: time + gap + moments.again().again().below(gap * 6), duration: 0,
      aim: .leader, nodes: [turn])
    faults += [mute, away, snapshot]
    if moments.below(2) == 0 {
      // Of its own it has a newer one, and nothing of its log behind that.
      faults.append(
        PlannedFault(.snapshot, start: crash - min(unit / 2, gap * 2), duration: 0, nodes: [turn]))
    }
    return faults
  }

  /// A leader is cut off, and comes back to a snapshot that covers what it was asked for. The
  /// snapshot comes more than once, the last time when the node has a newer one of its own.
  private func repeatedSnapshot(_ time: UInt64, _ dice: Draw, _ turn: UInt64) -> [PlannedFault] {
    let moments = dice.again()
    let away = PlannedFault(
      .isolation, start: time, duration: unit * 3 + moments.below(unit), aim: .leader,
      nodes: [turn])
    let back = away.start + away.duration
    let repeats = PlannedFault(
      .duplication, start: back - unit, duration: unit * 6, nodes: allNodes, amount: 800_000,
      period: moments.again().between(unit, unit * 3))
    let load = [time - min(time, 2_000_000), time + unit * 2, back + unit / 2].map {
      PlannedFault(.overload, start: $0, duration: 0, amount: 4 + moments.again().again().below(12))
    }
    let own = PlannedFault(
      .snapshot, start: back + unit + moments.below(unit), duration: 0, aim: .all, nodes: [])
    return [away, repeats, own] + load + snapshots(time + unit * 2, turn)
  }

  /// A node comes back to a snapshot in small pieces, and before it has them all it is gone again,
  /// or cannot keep one.
  private func interruptedSnapshot(_ time: UInt64, _ dice: Draw, _ turn: UInt64) -> [PlannedFault] {
    let away = PlannedFault(
      .crash, start: time, duration: unit * 2, nodes: [turn], keeps: .all)
    let isFull = dice.below(3) > 0
    let again = PlannedFault(
      isFull ? .diskFull : .crash,
      start: time + unit * 2 + dice.again().logarithmic(2_000_000, unit),
      duration: isFull ? unit : unit / 16 + 1, nodes: [turn],
      amount: isFull ? dice.again().again().again().logarithmic(1, 1_024) : 0, keeps: .all)
    let load = PlannedFault(
      .overload, start: time + unit / 2, duration: 0, amount: 4 + dice.again().again().below(12))
    return [away, again, load] + snapshots(time + unit, turn)
  }

  /// Whoever leads then writes snapshots, one a little later than the other.
  private func snapshots(_ time: UInt64, _ turn: UInt64) -> [PlannedFault] {
    [time, time + unit / 2].map {
      PlannedFault(.snapshot, start: $0, duration: 0, aim: .leader, nodes: [turn])
    }
  }

  /// A node comes back to a snapshot that takes long to read, and perhaps to another before it is
  /// done with the first.
  private func slowRestore(
    _ time: UInt64, _ length: UInt64, _ dice: Draw, _ node: UInt64
  ) -> [PlannedFault] {
    let slow = PlannedFault(
      .slowRead, start: time, duration: length + unit * 3, nodes: [node],
      amount: dice.again().logarithmic(unit / 64 + 1, unit / 2))
    let away = PlannedFault(
      dice.below(2) == 0 ? .crash : .isolation, start: time, duration: min(length, unit * 2),
      nodes: [node], keeps: .all)
    return [slow, away]
  }
}

extension NodeSettings {
  /// What a nemesis needs to get at what it is after.
  mutating func sharpen(for scenario: Scenario, _ knobs: KnobDraws) {
    if scenario == .leaseEdge {
      isCheckQuorumEnabled = true
      // Where clocks run far apart, who does not reckon with it is seen; where they do not, leases
      // are long, and who breaks their promise is.
      let drift = knobs.draw(.leaseDrift)
      leaseDriftPerMille =
        drift.below(3) == 0
        ? drift.again().between(20, 100) : drift.again().between(100, 400)
      quiescenceTicks = nil
    }
    if scenario == .snapshotCrash, Plan.snapshotNemesis(knobs) != .crash {
      // Snapshots only when the plan says so, and no tail that would spare a follower one.
      snapshotThreshold = 0
      retainedEntries = 0
      switch Plan.snapshotNemesis(knobs) {
      case .repeated: snapshotChunkBytes = 1 << 20
      case .interrupted: snapshotChunkBytes = min(snapshotChunkBytes, 128)
      case .overtaken, .crash: break
      }
    }
    if scenario == .slowRestore {
      snapshotThreshold = knobs.between(.snapshotThreshold, 1, 3)
      retainedEntries = knobs.draw(.retained).below(4)
    }
  }
}

extension Plan {
  /// What a run of `snapshotCrash` is about.
  enum SnapshotNemesis {
    /// Snapshots of less than their receiver holds.
    case overtaken
    /// Snapshots that come more than once, and cover what was asked for.
    case repeated
    /// Snapshots whose receiver is gone before it has all of them.
    case interrupted
    /// Snapshots in which somebody crashes.
    case crash
  }

  var snapshotNemesis: SnapshotNemesis { Plan.snapshotNemesis(KnobDraws(seed: seed)) }

  static func snapshotNemesis(_ knobs: KnobDraws) -> SnapshotNemesis {
    switch knobs.draw(.snapshots).again().again().below(8) {
    case 0, 2, 4: .overtaken
    case 1: .repeated
    case 3, 5, 6: .interrupted
    default: .crash
    }
  }

  /// Many clients write and read few keys all the time, also where nobody leads any more: a lease
  /// that lasts too long is seen only if somebody reads by it in its last moments.
  mutating func leaseEdges() {
    workload.leaseReadsPerMillion = max(workload.leaseReadsPerMillion, 700_000)
    workload.readsPerMillion = 500_000
    workload.strayPerMillion = max(workload.strayPerMillion, 300_000)
    workload.clients = max(workload.clients, 4)
    workload.operations = max(workload.operations, 160)
    workload.pause = min(workload.pause, 10_000_000)
    workload.keys = min(workload.keys, 4)
  }

  /// Snapshots are read in many small pieces, and all nodes are asked to read.
  mutating func slowRestores(_ knobs: KnobDraws) {
    storage.pieceBytes = knobs.draw(.piece).logarithmic(64, 512)
    workload.followerReadsPerMillion = 700_000
    workload.leaseReadsPerMillion = min(workload.leaseReadsPerMillion, 300_000)
    workload.staleReadsPerMillion = 0
    workload.readsPerMillion = 850_000
    workload.strayPerMillion = max(workload.strayPerMillion, 200_000)
    workload.clients = max(workload.clients, 4)
    workload.operations = max(workload.operations, 160)
  }
}

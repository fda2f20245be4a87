// What becomes of snapshots on their way.

import Raft

extension FaultDrawing {
  /// What becomes of snapshots in this run, while or after a node is cut off.
  func snapshotCrash(
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
    _ begin: UInt64, _ length: UInt64, _ dice: Draw, _ turn: UInt64
  ) -> [PlannedFault] {
    let leader = turn % plan.cluster.voters + 1
    let handOver = PlannedFault(.transfer, start: begin, duration: unit / 2, nodes: [leader])
    let time = begin + unit / 2
    // In a few of these something is committed.
    let network = plan.network.minimumDelay + plan.network.delaySpread
    let gap = max(
      dice.again().logarithmic(500_000, 8_000_000),
      network + (plan.storage.minimumSync + plan.storage.syncSpread) / 2)
    var faults = (0..<6).map { number in
      PlannedFault(
        .overload, start: time + gap * number, duration: 0, amount: 4 + (dice.word >> number) % 12)
    }
    let moments = dice.again().again()
    let snapshot = PlannedFault(
      .snapshot, start: time + gap + moments.again().again().below(gap * 4), duration: 0,
      aim: .leader, nodes: [leader])
    var crash = time + gap * 3 + moments.below(gap * 6)
    let choices = moments.again().again().again()
    if choices.below(2) == 0 {
      // Of its own it has a newer one, and nothing of its log behind that.
      let own = time + gap * 6 + choices.again().below(unit / 2)
      crash = own + unit / 2
      faults.append(PlannedFault(.snapshot, start: own, duration: 0, nodes: [turn]))
    }
    let mute = PlannedFault(
      .oneWay, start: time, duration: crash + 1 - time, nodes: [turn],
      peers: allNodes.filter { $0 != turn })
    let away = PlannedFault(
      .crash, start: crash, duration: unit / 2 + moments.again().below(length), nodes: [turn],
      keeps: .all)
    return [handOver, mute, away, snapshot] + faults
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
      .snapshot, start: back + unit + moments.again().again().again().below(unit), duration: 0,
      aim: .all, nodes: [])
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
  func slowRestore(
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

// What leases and elections count on, stretched as far as it may be.

import Raft

extension FaultDrawing {
  /// The leader loses its followers in one of the ways that a lease must have reckoned with.
  ///
  /// Where one node's clock is slower than all others, that is the one that leads; else they take
  /// turns.
  func leaseEdge(
    _ begin: UInt64, _ length: UInt64, _ dice: Draw, _ number: UInt64
  ) -> [PlannedFault] {
    let leader = plan.slowestVoter ?? 1 + number % plan.cluster.voters
    let handOver = PlannedFault(.transfer, start: begin, duration: unit, nodes: [leader])
    return [handOver] + losses(begin + unit, length, dice, leader)
  }

  private func losses(
    _ time: UInt64, _ length: UInt64, _ dice: Draw, _ turn: UInt64
  ) -> [PlannedFault] {
    let cutOff = PlannedFault(
      .isolation, start: time, duration: unit * 2 + length, aim: .leader, nodes: [turn])
    switch dice.below(6) {
    case 0, 5:
      // Others stand as soon as nobody is loyal to it any more, by clocks that run fast.
      let fastest = 1_000 - (plan.node.leaseDriftPerMille ?? 0) * 3 / 4
      let delay = unit * fastest / 1_000 + dice.again().below(unit / 8)
      return [cutOff]
        + (1...3 as ClosedRange<UInt64>).map { number in
          PlannedFault(
            .campaign, start: time + delay + unit / 8 * number, duration: 0,
            nodes: [(turn + number / 2) % plan.cluster.voters + 1])
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

  /// One node misses the leader, and others, who have heard of it, forget that they have: they
  /// crash, and as soon as they are back there is an election.
  private func forgottenPromises(
    _ time: UInt64, _ length: UInt64, _ dice: Draw, _ turn: UInt64
  ) -> [PlannedFault] {
    let voters = plan.cluster.voters
    // The minority that crashes are the first ones, so this one is not among them.
    let alone = turn == voters ? max(1, voters - 1) : voters
    let crash = PlannedFault(
      .crash, start: time + unit + dice.again().below(unit),
      duration: dice.again().again().logarithmic(1_000_000, unit / 6), aim: .minority,
      nodes: [turn], keeps: .all)
    let back = crash.start + crash.duration
    let apart = PlannedFault(
      .partialPartition, start: time, duration: crash.start - time, aim: .leader, nodes: [turn],
      peers: [alone])
    // The leader must not hear from those who have forgotten it that somebody else leads.
    let cutOff = PlannedFault(
      .isolation, start: crash.start, duration: unit + length, aim: .leader, nodes: [turn])
    // Who was apart may lack entries, so one of those who were not stands as well.
    let forgetful: UInt64 = turn == 1 ? min(2, voters) : 1
    return [apart, cutOff, crash]
      + [(2_000_000, forgetful), (unit / 8, alone), (unit / 4, forgetful)].map {
        PlannedFault(.campaign, start: back + $0.0, duration: 0, nodes: [$0.1])
      }
  }

  /// A leader is cut off with entries that nobody else has, and meanwhile terms begin in which
  /// nobody leads: the candidate is gone as soon as it has asked for votes, each time, and in the
  /// end for good, where the run is long enough for it. The two that are left must find together:
  /// one has the entries, the other the term.
  func forgottenTerm(_ begin: UInt64, _ draw: Draw) -> [PlannedFault] {
    let owner = 1 + draw.below(3)
    let candidate = owner % 3 + 1
    let alone = begin + unit
    let moment = draw.again().between(2, 10)
    var faults = [
      PlannedFault(.transfer, start: begin, duration: unit, nodes: [owner]),
      PlannedFault(.isolation, start: alone, duration: plan.duration, nodes: [owner]),
      PlannedFault(.overload, start: alone + 1, duration: 0, amount: 4),
    ]
    var time = alone + unit + unit / 16
    for _ in 0..<3 {
      faults.append(PlannedFault(.campaign, start: time, duration: 0, nodes: [candidate]))
      faults.append(
        PlannedFault(
          .crashBetweenActions, start: time, duration: unit / 8, nodes: [candidate],
          amount: moment, keeps: .all))
      time += unit / 2
    }
    faults.append(
      PlannedFault(
        .absence, start: time - unit / 4, duration: plan.duration, nodes: [candidate],
        keeps: .all))
    return faults
  }
}

extension FaultDrawing {
  /// Two nodes lead in turn while messages to a third come late and in any order: what it answers
  /// to an earlier term of a leader reaches the same leader in a later one. With fewer voters it is
  /// one of the two.
  func leadershipSwings(_ time: UInt64, _ dice: Draw) -> [PlannedFault] {
    let voters = plan.cluster.voters
    let first = 1 + dice.again().below(voters)
    let second = first % voters + 1
    let late = second % voters + 1
    let every = unit / 4 + dice.again().again().below(unit / 4)
    let reordering = PlannedFault(
      .reordering, start: time, duration: every * 10, nodes: [late], amount: unit)
    return [reordering]
      + (0..<10).map { number in
        PlannedFault(
          .transfer, start: time + every * number, duration: every,
          nodes: [number % 2 == 0 ? first : second])
      }
  }
}

extension Plan {
  /// Whether this run of `staleDuplicates` is about answers to an earlier term of the same leader.
  var isLeadershipSwung: Bool { Plan.isLeadershipSwung(KnobDraws(seed: seed), scenario) }

  static func isLeadershipSwung(_ knobs: KnobDraws, _ scenario: Scenario) -> Bool {
    scenario == .staleDuplicates && knobs.draw(.scenario).again().again().below(4) > 0
  }

  /// The voter that may lead and whose clock is slower than those of all others, if there is one.
  var slowestVoter: UInt64? {
    let voters = clocks.prefix(Int(cluster.voters - cluster.witnesses))
    guard let slowest = voters.map({ $0.ratePerMillion }).max() else { return nil }
    let slow = voters.indices.filter { clocks[$0].ratePerMillion == slowest }
    return slow.count == 1 ? UInt64(slow[0] + 1) : nil
  }

  /// Whether this run of `crashBetweenWrites` is about terms in which nobody leads.
  var isTermForgotten: Bool { Plan.isTermForgotten(KnobDraws(seed: seed), scenario, cluster) }

  static func isTermForgotten(
    _ knobs: KnobDraws, _ scenario: Scenario, _ cluster: ClusterPlan
  ) -> Bool {
    isAboutTerms(knobs, scenario) && cluster.voters == 3 && cluster.witnesses == 0
  }

  /// Whether it would be, with three voters that may all lead.
  static func isAboutTerms(_ knobs: KnobDraws, _ scenario: Scenario) -> Bool {
    scenario == .crashBetweenWrites && knobs.draw(.scenario).again().again().below(3) > 0
  }
}

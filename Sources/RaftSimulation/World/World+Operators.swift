// What operators do: they ask the leader to change the members or to hand over, and ask again while
// it says "not now".

import Raft
import RaftMachines
import RaftReplica

extension World {
  /// Asks for what the fault is about.
  mutating func operatorAsks(_ number: Int) {
    guard underway.contains(number), !healing.isUnderWay else { return }
    let fault = plan.faults[number]
    guard let leader = leaderPosition, !isAsleep(leader) else {
      askLater(number)
      return
    }
    let listed = struckNodes[number].map { NodeID(UInt64($0 + 1)) }
    if fault.kind == .transfer {
      let request = newRequest(.operate, number, operation: -1, leader)
      let target = listed.first { $0 != slots[leader].id }
      submit(
        .administer(RequestID(request), .transferLeadership(to: target), deadline: nil), to: leader)
      return
    }
    if fault.kind == .limitSessions {
      let request = newRequest(.operate, number, operation: -1, leader)
      submit(
        .administer(RequestID(request), .limitSessions(fault.sessionLimits), deadline: nil),
        to: leader)
      return
    }
    let draw = Draw(plan.seed, .episode, fault.identity, 77)
    let other = (leader + 1) % slots.count
    // Now and then another node than the leader is asked; it must say no.
    let stray = Draw(plan.seed, .episode, fault.identity, now)
    let isStray = stray.below(6) == 0 && slots[other].isUp && !isAsleep(other)
    let asked = isStray ? other : leader
    for steps in steps(fault, listed, leader) where slots[asked].isUp {
      var change = MembershipChange(steps, isJointForced: draw.below(4) == 0)
      if draw.again().below(4) == 0 { change.basedOn = slots[leader].node.membershipIndex }
      let request = newRequest(.operate, number, operation: -1, asked)
      submit(
        .administer(RequestID(request), .changeMembership(change), deadline: nil), to: asked)
    }
  }

  /// The changes to ask for, each by itself.
  private func steps(
    _ fault: PlannedFault, _ listed: [NodeID], _ leader: Int
  ) -> [[MembershipStep]] {
    switch fault.kind {
    case .addLearner: return [listed.map { adding($0, .addLearner($0)) }]
    case .addVoter: return [listed.map { adding($0, .addVoter($0)) }]
    case .addWitness: return [listed.map { .addWitness($0) }]
    case .demote: return [listed.map { .demote($0) }]
    case .remove: return [listed.map { .remove($0) }]
    case .replace:
      let added = fault.peers.map { NodeID($0) }
      return [listed.map { .remove($0) } + added.map { adding($0, .addVoter($0)) }]
    case .concurrentChanges:
      return listed.map { node in
        let isMember = slots[leader].node.membership.contains(node)
        return [isMember ? .remove(node) : adding(node, .addLearner(node))]
      }
    case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition, .bridge,
      .isolation, .clog, .flapping, .crash, .crashBetweenActions, .restartStorm, .powerCut,
      .absence, .pause, .slowNode, .campaign, .slowDisk, .diskStall, .diskFailure, .diskFull,
      .bitRot, .clockRate,
      .clockJump, .snapshot, .slowRead, .transfer, .overload, .clientCrash, .limitSessions, .stop:
      return []
    }
  }

  /// Who was a witness has no commands, and comes back as nothing else.
  private func adding(_ node: NodeID, _ step: MembershipStep) -> MembershipStep {
    slots[Int(node.rawValue) - 1].isWitness ? .addWitness(node) : step
  }

  private mutating func askLater(_ number: Int) {
    // Of changes at once all but one are refused, and that is what they are for.
    if plan.faults[number].kind == .concurrentChanges, leaderPosition != nil { return }
    let identity = plan.faults[number].identity
    let draw = Draw(plan.seed, .episode, identity, now)
    let delay = slots[0].clock.tick * (2 + draw.below(8))
    schedule(.operatorRetry, in: delay, slot: UInt32(number), key: identity)
  }

  /// What the leader says to it.
  mutating func operatorHears(_ reply: Reply<SimulatedMachine>, _ number: Int) {
    guard number >= 0 else { return }
    switch reply {
    case .membershipChanged: counters.membershipChanges += 1
    case .transferred: counters.transfers += 1
    case .unknown, .transferFailed, .notLeader, .tooBusy, .unavailable: askLater(number)
    case .notPossible(let refusal):
      switch refusal {
      case .notLeader, .tooBusy, .transferring, .changeInFlight, .termNotEstablished,
        .membershipMoved, .learnerBehind, .halted, .stopping, .notConfirmed:
        askLater(number)
      case .tooLarge, .nothingToDo, .alreadyMember, .notMember, .invalidChange, .membership,
        .cannotLead:
        break
      }
    case .applied, .sessionOpened, .noted, .answer, .refused, .badRequest, .snapshotTaken,
      .snapshotFailed, .stopped:
      break
    }
  }
}

extension PlannedFault {
  /// The limits that `limitSessions` sets. How many commands may be under way stays what it is:
  /// what is refused for that is not done, and done when it is asked for once more, so that a
  /// client's first entry would not be the one that counts.
  fileprivate var sessionLimits: SessionLimits {
    var limits = SessionLimits()
    limits.sessions = UInt32(truncatingIfNeeded: min(max(1, amount), 65_536))
    if period > 0 { limits.idleNanoseconds = period }
    return limits
  }
}

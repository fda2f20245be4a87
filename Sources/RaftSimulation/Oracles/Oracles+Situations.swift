// When a situation counts as reached. Nothing here says that anything is wrong.

import Raft
import RaftMachines
import RaftReplica

extension Oracles {
  /// What a client was told.
  mutating func count(_ reply: Reply<SimulatedMachine>) {
    switch reply {
    case .applied(let applied): if applied.isDuplicate { situations.reach(.duplicateAnswered) }
    case .answer(_, let freshness):
      if freshness.ticks != .zero { situations.reach(.staleReadServed) }
    case .refused: situations.reach(.sessionRefused)
    case .unavailable(.deadlinePassed): situations.reach(.deadlinePassedBefore)
    case .unavailable(.diskFull): situations.reach(.diskFullRefused)
    case .unavailable(.loading): situations.reach(.loadingRefused)
    case .unknown(.deadlinePassed, _): situations.reach(.deadlinePassedAfter)
    case .sessionOpened, .noted, .badRequest, .notLeader, .tooBusy, .unavailable, .unknown,
      .membershipChanged, .notPossible, .transferred, .transferFailed, .snapshotTaken,
      .snapshotFailed, .stopped:
      break
    }
  }

  mutating func countElection<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    if node.membership.isJoint { situations.reach(.electedInJoint) }
    // The no-operation of the new term stands at the end; older ones stand before it.
    let issued = views[slot].issued
    let before = issued.lastTerm == node.currentTerm.rawValue ? issued.lastIndex - 1 : 0
    if before > ledger.committedIndex { situations.reach(.electedWithOlderUncommitted) }
  }

  mutating func countMembership(_ slot: Int, _ membership: Membership, _ index: UInt64) {
    let before = views[slot].membership
    if index < views[slot].membershipIndex { situations.reach(.membershipRolledBack) }
    guard before != .none else { return }
    for voter in membership.voters where before.isLearner(voter) {
      situations.reach(.learnerPromoted)
    }
    for learner in membership.learners where before.isVoter(learner) {
      situations.reach(.voterDemoted)
    }
    let entered = views[slot].membershipIndex
    if before.isJoint, !membership.isJoint, index > entered, entered > 0 {
      let enteredTerm = views[slot].issued.term(at: entered)
      let leftTerm = views[slot].issued.term(at: index)
      let author = leaders[enteredTerm] & 0xffff
      if author != 0, author != leaders[leftTerm] & 0xffff {
        situations.reach(.jointLeftByAnother)
      }
    }
  }

  /// What changed between two steps of a node.
  @inline(__always)
  mutating func countChanges<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    if views[slot].role == .leader, node.role != .leader {
      if views[slot].issued.lastIndex > ledger.committedIndex {
        situations.reach(.leaderDeposedWithUncommitted)
      }
    }
  }

  // The parts of a message one by one: as a whole it would be copied, with its entries.
  @inline(__always)
  mutating func countReceipt(
    _ slot: Int, _ body: Message.Body, _ sender: NodeID, _ term: Term
  ) {
    switch body {
    case .appendEntriesReply(let reply):
      guard views[slot].role == .leader, term.rawValue == views[slot].currentTerm,
        let peer = self.slot(of: sender)
      else { return }
      let sent = views[peer].newestRound
      if reply.round < sent { situations.reach(.readRoundLate) }
      views[peer].newestRound = max(sent, reply.round)
      if reply.success, views[slot].membership.isWitness(sender) {
        situations.reach(.witnessAcknowledged)
      }
    case .installSnapshot(let chunk):
      let index = chunk.lastIncluded.index.rawValue
      let log = views[slot].issued
      if index <= views[slot].commitIndex {
        situations.reach(.snapshotBehindLog)
      } else if log.lastIndex > index, log.holds(index, term: chunk.lastIncluded.term.rawValue) {
        situations.reach(.snapshotKeptSuffix)
      }
    case .installSnapshotReply(let reply):
      if reply.nextOffset > 0, let peer = self.slot(of: sender),
        views[peer].hasPartialSnapshot
      {
        views[peer].hasPartialSnapshot = false
        situations.reach(.snapshotChunkResumed)
      }
    case .requestPreVote, .requestPreVoteReply, .requestVote, .requestVoteReply, .appendEntries,
      .timeoutNow, .readIndex, .readIndexReply, .forwardedProposal, .forwardedProposalReply:
      break
    }
  }

  mutating func countRead<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ record: RequestRecord, _ read: ActionBuffer.ReadyRead,
    _ input: inout CoreInput
  ) {
    if node.role != .leader {
      situations.reach(.followerReadServed)
    } else if record.kind == .leaseRead, node.membership.voters.count > 1,
      case .other(.read(let request, _)) = input, request == read.request
    {
      situations.reach(.leaseReadServed)
    }
  }

  mutating func countOutcome<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ record: RequestRecord, _ outcome: Outcome
  ) {
    switch outcome {
    case .accepted:
      break
    case .committed(_, let copies):
      if copies < record.copies { situations.reach(.writeConcernNotMet) }
    case .lost:
      situations.reach(.proposalLost)
    case .unknown:
      situations.reach(.proposalUnknown)
    case .refused(let refusal):
      count(refusal)
    case .transferred(let target, _):
      situations.reach(.transferCompleted)
      if let place = self.slot(of: target),
        views[place].issued.lastIndex > ledger.committedIndex + 1
      {
        situations.reach(.transferUnderLoad)
      }
    case .transferFailed:
      break
    case .stopped:
      situations.reach(.stoppedGracefully)
    }
  }

  private mutating func count(_ refusal: Refusal) {
    switch refusal {
    case .tooBusy: situations.reach(.tooBusyRefused)
    case .transferring: situations.reach(.refusedInTransfer)
    case .changeInFlight: situations.reach(.changeRefusedInFlight)
    case .termNotEstablished: situations.reach(.changeRefusedEarly)
    case .notConfirmed: situations.reach(.readNotConfirmed)
    case .notLeader, .tooLarge, .stopping, .halted, .nothingToDo, .membershipMoved,
      .alreadyMember, .notMember, .invalidChange, .learnerBehind, .membership, .cannotLead:
      break
    }
  }

  mutating func count<Node: ObservedNode>(_ event: Event, _ slot: Int, _ node: inout Node) {
    switch event {
    case .electionStarted(let term, let isPreVote, _):
      countCandidate(slot, term.rawValue, isPreVote: isPreVote)
    case .steppedDown(_, let reason):
      count(reason)
    case .logTruncated:
      situations.reach(.uncommittedEntryTruncated)
    case .progressChanged(let peer, let state):
      countProgress(slot, peer, state)
    case .snapshotOffered:
      situations.reach(.snapshotOffered)
    case .snapshotInstalled:
      situations.reach(.snapshotInstalled)
      if node.membership.isJoint { situations.reach(.snapshotInJoint) }
    case .transferAborted:
      situations.reach(.transferAborted)
    case .quiescenceChanged(let isQuiescent):
      if !isQuiescent { situations.reach(.quiescedAndWoke) }
    case .dropped(_, let reason):
      count(reason)
    case .halted:
      situations.reach(.storageFailed)
    case .termAdvanced, .roleChanged, .voteCast, .becameLeader, .leaderChanged,
      .membershipChanged, .removedFromMembership, .committed, .logCompacted, .transferStarted:
      break
    }
  }

  private mutating func countCandidate(_ slot: Int, _ term: UInt64, isPreVote: Bool) {
    let number = UInt64(slot + 1)
    if !isPreVote {
      let other = candidates[term]
      if other != 0, other != number { situations.reach(.candidatesInOneTerm) }
      candidates[term] = number
    }
    let newest = ledger.committedMembership(through: ledger.committedIndex)
    let term = ledger.commitment(newest).term
    if let inForce = ledger.configuration(newest, term: term),
      !inForce.membership.contains(NodeID(number))
    {
      situations.reach(.removedNodeCampaigned)
    }
  }

  /// Looks now and then whether what is under way to a follower fills its window.
  mutating func countWindows(_ node: RaftNode) {
    let limit = node.configuration.maximumEntriesInFlight
    for peer in node.progress where peer.state == .replicate {
      guard let place = self.slot(of: peer.id) else { continue }
      let isFull = peer.matchIndex.distance(to: peer.nextIndex) > limit
      if views[place].isWindowFull, !isFull { situations.reach(.windowFull) }
      views[place].isWindowFull = isFull
    }
  }

  private mutating func countProgress(_ slot: Int, _ peer: NodeID, _ state: ProgressState) {
    guard let place = self.slot(of: peer) else { return }
    if state == .probe, views[place].isStreamedTo { situations.reach(.probeFellBack) }
    views[place].isStreamedTo = state == .replicate
  }

  private mutating func count(_ reason: StepDownReason) {
    switch reason {
    case .leaderFound: situations.reach(.candidateYielded)
    case .quorumLost: situations.reach(.quorumLostSteppedDown)
    case .diskStalled: situations.reach(.diskStallSteppedDown)
    case .removed: situations.reach(.leaderRemovedItself)
    case .electionLost: situations.reach(.electionLost)
    case .newerTerm: break
    }
  }

  private mutating func count(_ reason: DropReason) {
    switch reason {
    case .staleTerm: situations.reach(.staleTermDropped)
    case .staleReply: situations.reach(.staleReplyDropped)
    case .leaderIsAlive: situations.reach(.voteRefusedLeaderAlive)
    case .votesWithheld: situations.reach(.votesWithheldAfterRestart)
    case .malformed, .misaddressed, .notForThisRole, .unexpected, .halted, .queueFull: break
    }
  }
}

// What is worth telling becomes lines in the log and counts. Each change is told once; the names of
// events are part of the interface.
#if Server

import Logging
import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// What a host has counted, and what it has already said.
struct HostNotices: Sendable {
  var counters = HostCounters()
  /// When it was last said of a peer that its clock is far off, by the steady clock.
  private var clocksTold: [(node: NodeID, time: UInt64)] = []
  /// How long nothing is said of it again. Unit: nanoseconds.
  private static let clockSilence: UInt64 = 10_000_000_000

  /// Whether it is to be said that a peer's clock is far off.
  mutating func tellsClock(of node: NodeID, at now: UInt64) -> Bool {
    guard let place = clocksTold.firstIndex(where: { $0.node == node }) else {
      clocksTold.append((node, now))
      return true
    }
    guard now - min(now, clocksTold[place].time) >= HostNotices.clockSilence else { return false }
    clocksTold[place].time = now
    return true
  }
}

extension ReplicaHost {
  private func say(
    _ level: Logger.Level, _ event: String, _ sentence: @autoclosure () -> String,
    _ details: @autoclosure () -> Logger.Metadata = [:]
  ) {
    guard logger.logLevel <= level else { return }
    var metadata = details()
    metadata["event"] = "\(event)"
    logger.log(level: level, "\(sentence())", metadata: metadata)
  }

  func noteStarting(_ tail: LogTail) {
    let identity = turn.driver.replica.journal.identity
    say(.info, "node.started", "\(identity); \(tail)", ["life": "\(identity.incarnation)"])
  }

  func noteStopping() { say(.info, "node.stopping", "\(settings.node) stops") }
  func noteEnded() { say(.info, "node.stopped", "\(settings.node) has ended") }

  func notePeer(_ node: NodeID, _ isReachable: Bool) {
    if isReachable {
      say(.info, "raft.peer.reachable", "\(node) is reached", ["peer": "\(node)"])
    } else {
      say(.warning, "raft.peer.unreachable", "\(node) is not reached", ["peer": "\(node)"])
    }
  }

  /// Counts an event, and says it if it is worth a line.
  func notice(_ event: ReplicaEvent) {
    hooks.event?(event)
    switch event {
    case .core(let event): notice(event)
    case .envelopeRefused(let node, let refusal):
      notices.counters.dropped += 1
      say(.debug, "raft.message.refused", "a message of \(node) was put aside: \(refusal)")
      guard case .stamp(.tooFarAhead(let ahead, let limit)) = refusal,
        notices.tellsClock(of: node, at: HostClock.steady)
      else { return }
      say(
        .warning, "clock.offset_large",
        "the clock of \(node) is \(ahead / 1_000_000) ms ahead of the one here, and at most"
          + " \(limit / 1_000_000) ms are believed: its messages are put aside until one of them"
          + " is set right", ["peer": "\(node)"])
    case .snapshotBegun(let position):
      say(.debug, "raft.snapshot.begun", "a snapshot through \(position) is begun")
    case .snapshotTaken(let position):
      notices.counters.snapshotsTaken += 1
      say(.info, "raft.snapshot.taken", "a snapshot through \(position) is durable")
    case .snapshotFailed(let position, let error):
      notices.counters.snapshotsFailed += 1
      say(
        .warning, "raft.snapshot.failed", "the snapshot through \(position) failed: \(error)")
    case .machineRestored(let position):
      say(.info, "raft.snapshot.restored", "the machine was read from the snapshot of \(position)")
    case .unreadable(let problem):
      notices.counters.unreadable += 1
      say(.error, "storage.corruption", "\(problem)")
    case .spaceLow: say(.error, "storage.full", "the disk is nearly full: no commands are taken")
    case .spaceBack: say(.info, "storage.space", "there is space again")
    case .rejoined: say(.info, "node.rejoined", "the journal is repaired: the node votes again")
    case .failed: break
    }
  }

  private func notice(_ event: Event) {
    switch event {
    case .committed(let from, let through):
      notices.counters.entriesCommitted += from.distance(to: through)
    case .termAdvanced(let from, let to):
      say(.info, "raft.term.advanced", "term \(from) became \(to)", ["term": "\(to)"])
    case .roleChanged(let from, let to, let term):
      notices.counters.roleChanges += 1
      say(.info, "raft.role.changed", "\(from) became \(to) in term \(term)", ["term": "\(term)"])
    case .electionStarted(let term, let isPreVote, let isTransfer):
      notices.counters.electionsStarted += 1
      let manner = isPreVote ? "asks whether it could win" : "stands in"
      say(
        .info, "raft.election.started",
        "\(settings.node) \(manner) term \(term)\(isTransfer ? ", as the leader asked" : "")",
        ["term": "\(term)"])
    case .becameLeader(let term, let votes):
      notices.counters.electionsWon += 1
      let names = votes.map { $0.description }.joined(separator: ", ")
      say(
        .info, "raft.leader.elected",
        "\(settings.node) became leader of term \(term) with votes of \(names)",
        ["term": "\(term)"])
    case .steppedDown(let term, let reason): noticeStepDown(term, reason)
    case .leaderChanged(let term, let leader):
      notices.counters.leaderChanges += 1
      say(
        .info, "raft.leader.changed",
        leader.map { "\($0) leads term \(term)" } ?? "no leader of term \(term) is known",
        ["term": "\(term)"])
    case .logTruncated(let from, let through):
      notices.counters.truncations += 1
      say(
        .info, "raft.log.truncated", "entries \(from) to \(through) were not the leader's",
        ["from": "\(from)", "to": "\(through)"])
    case .membershipChanged(let index, let membership):
      let names = membership.nodes.map { $0.description }.joined(separator: ", ")
      say(.info, "raft.membership.changed", "from entry \(index) on the members are \(names)")
    case .removedFromMembership(let index):
      say(.warning, "raft.membership.removed", "this node is no member from entry \(index) on")
    case .snapshotInstalled(let position):
      notices.counters.snapshotsInstalled += 1
      say(.info, "raft.snapshot.installed", "a snapshot through \(position) took the log's place")
    case .transferStarted(let node):
      say(.info, "raft.leader.transferring", "leadership is handed over to \(node)")
    case .transferAborted(let node):
      say(.warning, "raft.leader.transfer_aborted", "\(node) did not take leadership over")
    case .dropped:
      notices.counters.dropped += 1
    case .halted: say(.error, "storage.failed", "storage failed; the node does nothing more")
    case .voteCast, .progressChanged, .snapshotOffered, .logCompacted, .quiescenceChanged: break
    }
  }

  private func noticeStepDown(_ term: Term, _ reason: StepDownReason) {
    let words =
      switch reason {
      case .newerTerm: "there is a newer term"
      case .leaderFound: "another node leads"
      case .quorumLost: "a majority was not heard of"
      case .diskStalled: "the own disk did not answer"
      case .removed: "this node votes no more"
      case .electionLost: "the election was lost"
      }
    let event =
      switch reason {
      case .quorumLost: "raft.quorum.lost"
      case .electionLost: "raft.election.lost"
      case .newerTerm, .leaderFound, .diskStalled, .removed: "raft.leader.stepped_down"
      }
    let level: Logger.Level = reason == .quorumLost || reason == .diskStalled ? .warning : .info
    say(
      level, event, "\(settings.node) no longer leads or stands in term \(term): \(words)",
      ["term": "\(term)", "reason": "\(words)"])
  }
}

#endif

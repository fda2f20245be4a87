#if Server
// From what a replica replies to what a client is told.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

extension Ruling {
  /// What a reply says, apart from the machine's own result.
  ///
  /// - Parameters:
  ///   - tickMilliseconds: how long a tick of the replica is.
  ///   - address: where a node can be asked, on the surface that answers.
  init(
    _ reply: Reply<ServerMachine>, tickMilliseconds: UInt64, address: (NodeID) -> String?
  ) {
    switch reply {
    case .applied(let applied):
      self.init(applied.isDuplicate ? .duplicate : .ok)
      index = applied.index.rawValue
      guard let missing = applied.underAcknowledged else { return }
      outcome = .underAcknowledged
      detail =
        "committed, but \(missing.copies) of the \(missing.asked) copies asked for are there"
      copies = UnderCount(held: missing.copies, asked: missing.asked)
    case .sessionOpened(let session):
      self.init(.ok)
      index = session.rawValue
    case .noted(let index), .membershipChanged(let index), .snapshotTaken(let index):
      self.init(.ok)
      self.index = index.rawValue
    case .answer(_, let freshness):
      self.init(.ok)
      index = freshness.index.rawValue
    case .refused(let refusal, let index):
      self.init(.refused, reason: Ruling.word(refusal), refusal.description)
      self.index = index.rawValue
    case .badRequest(let error):
      self.init(.badRequest, reason: "malformed", error.description)
    case .notLeader(let node):
      self.init(.notLeader, "\(node.description) leads; nothing was done here")
      leader = LeaderHint(node: node.description, address: address(node))
    case .tooBusy(let ticks):
      self.init(.tooBusy, reason: "tooMuchUnderWay", "too much is under way; nothing was done")
      retryAfterMilliseconds =
        ticks.rawValue.multipliedReportingOverflow(by: tickMilliseconds)
        .partialValue
    case .unavailable(let reason):
      self.init(
        .unavailable, reason: Ruling.word(reason), reason.description + "; nothing was done")
    case .unknown(let reason, let position):
      self.init(
        .unknown, reason: Ruling.word(reason),
        reason.description + "; it may or may not have been done")
      index = position?.index.rawValue
    case .notPossible(let refusal): self.init(refusal, address: address)
    case .transferred(let node, _):
      self.init(.ok, "\(node.description) leads")
      leader = LeaderHint(node: node.description, address: address(node))
    case .transferFailed:
      self.init(.refused, reason: "transferFailed", "leadership stayed where it was")
    case .snapshotFailed(let error):
      self.init(.unavailable, reason: "snapshotFailed", error.description)
    case .stopped: self.init(.ok)
    }
  }

  private static func word(_ refusal: SessionRefusal) -> String {
    switch refusal {
    case .sessionExpired: "sessionExpired"
    case .unknownSession: "unknownSession"
    case .alreadyAcknowledged: "alreadyAcknowledged"
    case .tooManyUnderWay: "tooManyUnderWay"
    case .tooManyResultBytes: "tooManyResultBytes"
    }
  }

  private static func word(_ reason: Unavailability) -> String {
    switch reason {
    case .noLeader: "noLeader"
    case .transferring: "transferring"
    case .stopping: "stopping"
    case .halted: "halted"
    case .deadlinePassed: "deadlinePassed"
    case .notConfirmed: "notConfirmed"
    case .lost: "lost"
    case .diskFull: "diskFull"
    case .loading: "loading"
    case .outUntilRepaired: "outUntilRepaired"
    case .witness: "witness"
    }
  }

  private static func word(_ reason: Uncertainty) -> String {
    switch reason {
    case .deadlinePassed: "deadlinePassed"
    case .leadershipLost: "leadershipLost"
    case .compacted: "compacted"
    case .halted: "halted"
    case .stopped: "stopped"
    }
  }

  /// What of an operator's wish is not possible, and what to do.
  private init(_ refusal: Refusal, address: (NodeID) -> String?) {
    switch refusal {
    case .notLeader(let node):
      guard let node else {
        self.init(.unavailable, reason: "noLeader", "no leader is known; nothing was done")
        return
      }
      self.init(.notLeader, "\(node.description) leads; nothing was done here")
      leader = LeaderHint(node: node.description, address: address(node))
    case .tooBusy:
      self.init(.tooBusy, reason: "tooMuchUnderWay", "too much is under way; nothing was done")
      retryAfterMilliseconds = 100
    case .tooLarge(let limit):
      self.init(.badRequest, reason: "tooLarge", "a request has at most \(limit) bytes")
    case .transferring:
      self.init(.unavailable, reason: "transferring", "leadership is being handed over")
    case .stopping: self.init(.unavailable, reason: "stopping", "this node is stopping")
    case .halted:
      self.init(.unavailable, reason: "halted", "the storage of this node failed")
    case .nothingToDo: self.init(.refused, reason: "nothingToDo", "there is nothing to change")
    case .changeInFlight(let index):
      self.init(
        .refused, reason: "changeInFlight",
        "another change of the members, at entry \(index.description), is not finished yet")
    case .termNotEstablished:
      self.init(
        .unavailable, reason: "termNotEstablished",
        "the leader is new and has committed nothing yet; ask again in a moment")
    case .membershipMoved(let index):
      self.init(
        .refused, reason: "membershipMoved",
        "the members were changed at entry \(index.description); look at them again")
    case .alreadyMember(let node):
      self.init(.refused, reason: "alreadyMember", "\(node.description) is a member already")
    case .notMember(let node):
      self.init(
        .refused, reason: "notMember", "\(node.description) is no member of that kind")
    case .invalidChange(let node):
      self.init(
        .badRequest, reason: "invalidChange", "\(node.description) is named twice or is n0")
    case .learnerBehind(let node, let entries):
      self.init(
        .refused, reason: "learnerBehind",
        "\(node.description) still lacks \(entries) entries; ask again when it has caught up")
    case .membership(let error):
      self.init(.refused, reason: "membership", error.description)
    case .cannotLead(let node):
      self.init(
        .refused, reason: "cannotLead",
        "\(node.description) cannot lead: it is no voter, or leads already")
    case .notConfirmed:
      self.init(.unavailable, reason: "notConfirmed", "no majority confirmed the read in time")
    }
  }
}
#endif

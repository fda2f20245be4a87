// §8: what a client is told. One reply for each request, and each says what may be concluded.

import Raft
import RaftJournal
import RaftMachines

/// A command that was applied.
public struct Applied: Hashable, Sendable {
  /// Where it took effect; for a duplicate the entry of the first time.
  public var index: LogIndex
  /// Its result, encoded by the machine.
  public var result: [UInt8]
  /// It had been applied before, and this is the result of then.
  public var isDuplicate: Bool
  /// How many nodes are known to hold the entry, if fewer than were asked for.
  public var underAcknowledged: UnderAcknowledged?

  /// A command's result.
  public init(
    index: LogIndex, result: [UInt8], isDuplicate: Bool = false,
    underAcknowledged: UnderAcknowledged? = nil
  ) {
    self.index = index
    self.result = result
    self.isDuplicate = isDuplicate
    self.underAcknowledged = underAcknowledged
  }
}

/// Fewer copies than asked for. The write is committed all the same, and stays.
public struct UnderAcknowledged: Hashable, Sendable, BitwiseCopyable {
  /// How many nodes are known to hold the entry.
  public var copies: UInt32
  /// How many were asked for.
  public var asked: UInt32

  /// So many of so many.
  public init(copies: UInt32, asked: UInt32) {
    self.copies = copies
    self.asked = asked
  }
}

/// How old an answer may be.
public struct Freshness: Hashable, Sendable, BitwiseCopyable {
  /// The newest entry that the answer takes in.
  public var index: LogIndex
  /// For how many ticks this replica has not known itself to be level with a leader; zero if the
  /// read was confirmed, `nil` if it never was level in this life.
  public var ticks: Ticks?
  /// The same by the clocks of that leader and of this host, from when the leader spoke: it counts
  /// the way of the message, and is as wrong as the clocks are apart. `nil` while this replica
  /// leads, and after that until it hears of another leader.
  public var nanoseconds: UInt64?

  /// As old as that.
  package init(index: LogIndex, ticks: Ticks?, nanoseconds: UInt64?) {
    self.index = index
    self.ticks = ticks
    self.nanoseconds = nanoseconds
  }
}

/// Why nothing was done, though nothing is wrong with the request.
public enum Unavailability: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// No leader is known.
  case noLeader
  /// Leadership is being handed over.
  case transferring
  /// This replica is stopping.
  case stopping
  /// This replica's storage failed; it will not come back in this life.
  case halted
  /// The deadline had passed before anything was proposed.
  case deadlinePassed
  /// A read could not be confirmed by a majority in time.
  case notConfirmed
  /// Another entry was committed in the request's place.
  case lost
  /// The disk of this replica is nearly full.
  case diskFull
  /// The machine is being read from a snapshot.
  case loading
  /// The journal was damaged, and the peers have not yet repaired it.
  case outUntilRepaired
  /// This node holds no commands, so it has no machine.
  case witness

  /// The reason in a sentence.
  public var description: String {
    switch self {
    case .noLeader: "no leader is known"
    case .transferring: "leadership is being handed over"
    case .stopping: "this replica is stopping"
    case .halted: "the storage of this replica failed"
    case .deadlinePassed: "the deadline passed before anything was proposed"
    case .notConfirmed: "no majority confirmed the read in time"
    case .lost: "another entry was committed in its place"
    case .diskFull: "the disk of this replica is nearly full"
    case .loading: "the machine is being read from a snapshot"
    case .outUntilRepaired: "the journal was damaged and is not repaired yet"
    case .witness: "this node holds no commands"
    }
  }
}

/// Why nobody can say what became of a request. It may still be done, now or later: only a retry
/// that can be recognised as one is safe.
public enum Uncertainty: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The deadline passed after it was proposed.
  case deadlinePassed
  /// The leadership was lost, and the fate not learnt in time.
  case leadershipLost
  /// It may be in a snapshot, which does not tell.
  case compacted
  /// The storage of this replica failed.
  case halted
  /// This replica stopped first.
  case stopped

  /// The reason in a sentence.
  public var description: String {
    switch self {
    case .deadlinePassed: "the deadline passed after it was proposed"
    case .leadershipLost: "the leadership was lost"
    case .compacted: "a snapshot has taken the place of the entry"
    case .halted: "the storage of this replica failed"
    case .stopped: "this replica stopped"
    }
  }
}

/// What a client or operator is told, once.
public enum Reply<Machine: StateMachine>: Sendable {
  /// A command was applied, now or before.
  case applied(Applied)
  /// The session is open.
  case sessionOpened(SessionID)
  /// It was done, and there is nothing to return: a session closed or kept, limits set, the log's
  /// time moved.
  case noted(at: LogIndex)
  /// The answer to a query.
  case answer(Machine.Answer, Freshness)
  /// The session says no: expired, or too much under way.
  case refused(SessionRefusal, at: LogIndex)
  /// The command cannot be decoded. Nothing was done.
  case badRequest(MachineDecodingError)
  /// This replica does not lead; ask there. Nothing was done.
  case notLeader(NodeID)
  /// Too much is under way. Nothing was done; ask here again after so many ticks.
  case tooBusy(after: Ticks)
  /// Nothing was done.
  case unavailable(Unavailability)
  /// It may have been done or not, at this place of the log if that is known.
  case unknown(Uncertainty, LogPosition?)
  /// The other members are in force, and committed.
  case membershipChanged(at: LogIndex)
  /// What the operator wants is not possible now; the reason says what to do.
  case notPossible(Refusal)
  /// Another node leads.
  case transferred(to: NodeID, term: Term)
  /// Leadership stayed, or went elsewhere unseen.
  case transferFailed
  /// A snapshot through this entry is durable.
  case snapshotTaken(through: LogIndex)
  /// The snapshot could not be kept.
  case snapshotFailed(DiskError)
  /// The replica has handed over what it could. The host may end.
  case stopped
}

/// The rows of the outcome table: what every surface shows of a reply, and what a client may do.
public enum OutcomeKind: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// Committed and applied, or answered.
  case ok
  /// Done before; the original result.
  case duplicate
  /// Decided: no.
  case refused
  /// Malformed; nothing was proposed.
  case badRequest
  /// Not proposed here.
  case notLeader
  /// Not proposed; slow down.
  case tooBusy
  /// Surely not done.
  case unavailable
  /// Proposed; the fate is not known.
  case unknown
  /// Committed, with fewer copies than asked for.
  case underAcknowledged

  /// The name in the table.
  public var description: String {
    switch self {
    case .ok: "ok"
    case .duplicate: "duplicate"
    case .refused: "refused"
    case .badRequest: "badRequest"
    case .notLeader: "notLeader"
    case .tooBusy: "tooBusy"
    case .unavailable: "unavailable"
    case .unknown: "unknown"
    case .underAcknowledged: "underAcknowledged"
    }
  }

  /// Whether the same request, sent again, does no harm: by a client without a session, too.
  public var isSafeToRepeat: Bool {
    switch self {
    case .notLeader, .tooBusy, .unavailable: true
    case .ok, .duplicate, .refused, .badRequest, .unknown, .underAcknowledged: false
    }
  }
}

extension Reply {
  /// The row of the outcome table that the reply belongs to.
  public var kind: OutcomeKind {
    switch self {
    case .applied(let applied):
      if applied.underAcknowledged != nil { return .underAcknowledged }
      return applied.isDuplicate ? .duplicate : .ok
    case .sessionOpened, .noted, .answer, .membershipChanged, .transferred, .snapshotTaken,
      .stopped:
      return .ok
    case .refused, .notPossible, .transferFailed: return .refused
    case .badRequest: return .badRequest
    case .notLeader: return .notLeader
    case .tooBusy: return .tooBusy
    case .unavailable, .snapshotFailed: return .unavailable
    case .unknown: return .unknown
    }
  }
}

// Who asks, and each single time of asking.

import Raft
import RaftMachines
import RaftReplica

/// One client: one operation under way at a time, asked again until it is answered or given up.
struct Client: Sendable {
  /// Its number; a client that crashes goes on under a new one.
  var number: UInt64
  /// Whether it asks in sessions, so that it may ask again whatever it was told.
  var hasSessions = true
  /// Its session, once it has one. Of clients that share one, the first has it for all of them.
  var session: SessionID?
  /// The number of the newest command in that session.
  var sequence: UInt64 = 0
  /// Which command of which session it has under way, if it is one of a session.
  var place: SessionPosition?
  /// The position of its operation in the history; -1 if it has none.
  var operation = -1
  /// The request that it waits for; 0 if it waits before asking again.
  var request: UInt64 = 0
  /// The node that it last heard to lead; -1 if it knows of none.
  var leader = -1
  /// How many operations it began: what makes an operation's draws its own.
  var begun: UInt64 = 0
  /// How far it is in the plan's list of operations, if there is one.
  var planned = 0
  /// How often it asked in all.
  var asked: UInt64 = 0
  /// How often it asked a node of which it knew nothing.
  var tour: UInt64 = 0
  /// How many operations it has ended since the healing began.
  var endedAfterHealing: UInt64 = 0
  /// Whether it has nothing more to do.
  var isDone = false
}

/// One time of asking: what a request's number stands for.
struct Attempt: Sendable, BitwiseCopyable {
  /// Who asks.
  enum Asker: UInt8 {
    /// A client, by its position.
    case client
    /// An operator, for a fault by its position in the plan; -1 for none.
    case operate
    /// Nobody waits: a burst of load, or the caller of an interactive run.
    case nobody
  }

  var asker: Asker
  var who: Int32
  /// The position of the operation in the history; -1 if it is none.
  var operation: Int32
  var node: UInt8
  var life: UInt32
  var isAnswered = false
  /// Whether the answer was that it is surely not done.
  var isDenied = false
  /// Where the log took it, if it did.
  var place: LogPosition?
}

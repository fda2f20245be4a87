// Who asks, and each single time of asking.

import Raft

/// One client: one operation under way at a time, asked again until it is answered or given up.
struct Client: Sendable {
  /// Its number; a client that crashes goes on under a new one.
  var number: UInt64
  /// The position of its operation in the history; -1 if it has none.
  var operation = -1
  /// The request that it waits for; 0 if it waits before asking again.
  var request: UInt64 = 0
  /// The node that it last heard to lead; -1 if it knows of none.
  var leader = -1
  /// How many operations it began: what makes an operation's draws its own.
  var begun: UInt64 = 0
  /// How often it asked in all.
  var asked: UInt64 = 0
  /// How often it asked a node of which it knew nothing.
  var tour: UInt64 = 0
  /// How many operations it has ended since the healing began.
  var endedAfterHealing: UInt64 = 0
  /// What it knows to be committed and applied: no later read may be older.
  var seen = LogIndex.zero
  /// Whether it has nothing more to do.
  var isDone = false
}

/// One time of asking: what a request's number stands for.
struct Attempt: Sendable, BitwiseCopyable {
  /// Who asks.
  enum Asker: UInt8 {
    /// A client, by its position.
    case client
    /// An operator, for a fault by its position in the plan.
    case operate
    /// Nobody waits: a burst of load, or the caller of an interactive run.
    case nobody
  }

  var asker: Asker
  var who: UInt32
  /// The position of the operation in the history; -1 if it is none.
  var operation: Int32
  var node: UInt8
  var life: UInt32
  var isAnswered = false
  /// What the machine said of the last command, once this node has applied it.
  var isApplied = false
  var isMismatch = false
  /// Where it was committed, once the node has said so.
  var committed: LogPosition?
  /// The last that was said of it.
  var outcome: Outcome?
}

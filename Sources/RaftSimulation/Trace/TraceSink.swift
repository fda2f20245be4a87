// What a run tells to those who watch. Nobody watching costs nothing: no sentence is built.

import Raft

/// What kind of event a record tells of.
public enum TraceKind: String, Hashable, Sendable, CaseIterable {
  /// A tick of a node's clock.
  case tick
  /// A message arrived.
  case deliver
  /// A disk has done a job.
  case disk
  /// A client or an operator asked.
  case request
  /// A node was started.
  case start
  /// A node crashed.
  case crash
  /// A fault began or ended.
  case fault
  /// Everything was healed.
  case heal
  /// The end state was looked at.
  case check
}

/// The state of a node as a table shows it.
public struct NodeGlance: Hashable, Sendable, BitwiseCopyable {
  /// The role.
  public var role: RoleName
  /// Whether the node was up.
  public var isUp: Bool
  /// Whether the node is a learner in the membership that it has in force.
  public var isLearner: Bool
  /// Latest term server has seen.
  public var term: Term
  /// Who got its vote in that term.
  public var votedFor: NodeID?
  /// The newest committed entry that it knows of.
  public var commitIndex: LogIndex
  /// The newest applied entry.
  public var lastApplied: LogIndex
  /// The last entry of the log.
  public var last: LogPosition

  /// One letter for the role: `L` leader, `F` follower, `P` pre-candidate, `C` candidate, `N`
  /// learner, `#` crashed.
  public var letter: String {
    guard isUp else { return "#" }
    switch role {
    case .leader: return "L"
    case .candidate: return "C"
    case .preCandidate: return "P"
    case .follower: return isLearner ? "N" : "F"
    }
  }
}

/// One event of a run, in words and figures.
public struct TraceRecord: Hashable, Sendable {
  /// The number of the event, from 1.
  public var event: UInt64
  /// Virtual nanoseconds since the start.
  public var time: UInt64
  /// The node that it happened to, if to one.
  public var node: NodeID?
  /// What kind it is.
  public var kind: TraceKind
  /// The number of the event that led to it; 0 for the start of the run.
  public var cause: UInt64
  /// What happened, in words.
  public var text: String
  /// The node before.
  public var before: NodeGlance?
  /// The node after.
  public var after: NodeGlance?
  /// The digest of the run up to and including this event.
  public var digest: UInt64
  /// The details, in the order in which they came about.
  public var marks: [TraceMark] = []
}

/// Takes the records of a run as they come.
public protocol TraceSink {
  /// Whether records are wanted at all. If not, none is made.
  static var isRecording: Bool { get }
  /// Takes one record.
  mutating func record(_ record: TraceRecord)
}

/// Nobody watches.
public struct NoTrace: TraceSink {
  /// No.
  public static var isRecording: Bool { false }
  /// Does nothing.
  public mutating func record(_ record: TraceRecord) {}
  /// Nobody.
  public init() {}
}

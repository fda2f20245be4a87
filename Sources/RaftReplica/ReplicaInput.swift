// What can happen to a replica. There is no other way in.

import Raft
import RaftJournal
import RaftMachines

/// How many copies of a write the client waits for (write concern).
public enum CopiesWanted: Hashable, Sendable, BitwiseCopyable {
  /// A majority of the voters, as every commit has.
  case majority
  /// So many nodes that hold commands.
  case atLeast(UInt32)
  /// Every member that holds commands.
  case all
}

/// How fresh the answer to a query must be.
public enum ReadKind: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Not older than any write that was completed before; from the leader, which asks a majority
  /// (thesis §6.4).
  case linearizable = 0
  /// The same, from the leader, by its lease where it holds one and else by a majority (thesis
  /// §6.4.1).
  case lease = 1
  /// The same, from this replica, whoever leads: the leader says how far it must have come.
  case follower = 2
  /// From this replica as it is, with its age.
  case stale = 3

  /// The kind in a word.
  public var description: String {
    switch self {
    case .linearizable: "linearizable"
    case .lease: "lease"
    case .follower: "follower"
    case .stale: "stale"
    }
  }
}

/// What a client wants.
public enum ClientRequest<Machine: StateMachine>: Sendable {
  /// A session, in which a command that is retried takes effect once.
  case openSession
  /// A command, encoded; in a session, or without one, when a retry would be another command.
  case command([UInt8], in: SessionPosition?, copies: CopiesWanted)
  /// Keeps a session alive and says which results the client has.
  case keepSession(SessionID, acknowledgedThrough: UInt64)
  /// The end of a session: its results are forgotten.
  case closeSession(SessionID)
  /// A question that changes nothing.
  case query(Machine.Query, ReadKind)
  /// Moves the log's time on, so that what expires by then is expired.
  case passTime
}

/// What an operator wants.
public enum AdminRequest: Hashable, Sendable {
  /// Other members (§6): learners added, promoted, voters removed, several at once.
  case changeMembership(MembershipChange)
  /// Another leader: this one, or the best there is (thesis §3.10).
  case transferLeadership(to: NodeID?)
  /// Other limits of sessions, on all replicas.
  case limitSessions(SessionLimits)
  /// A snapshot now.
  case takeSnapshot
}

/// What happens to a replica: the one parameter of `Replica.step`.
public enum ReplicaInput<Machine: StateMachine>: Sendable {
  /// A tick has passed, and the host's clock reads so many nanoseconds since the beginning of 1970.
  /// It may go back; nothing but time stamps suffers.
  case tick(nanoseconds: UInt64)
  /// An envelope arrived from a peer. It may be late, come twice, or never.
  case receive(PeerEnvelope)
  /// A client wants something, and gives up when `Replica.ticks` is at `deadline`.
  ///
  /// The host names its requests; a name is free again after its reply.
  case request(RequestID, ClientRequest<Machine>, deadline: Ticks?)
  /// An operator wants something; the deadline is as for a client.
  case administer(RequestID, AdminRequest, deadline: Ticks?)
  /// What became of a job that the disk was given.
  case finished(JobID, JobResult)
  /// The transport lost its connection to a peer.
  case peerUnreachable(NodeID)
  /// The transport has a connection to a peer again.
  case peerReachable(NodeID)
  /// The host wants this node to stand for election now, without waiting for its timer. A leader
  /// goes on leading.
  case campaign
  /// The host wants to stop: hand over what can be, answer what is under way, take nothing more.
  case stop(RequestID)
}

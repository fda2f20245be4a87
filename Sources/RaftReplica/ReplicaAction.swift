// What a replica wants done, and what it has to tell.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

/// What the host is to do. See `Replica` for the host's three duties.
public enum ReplicaAction<Machine: StateMachine>: Sendable {
  /// Send this to a peer: at once, in any order, twice or never.
  case send(PeerEnvelope)
  /// Have this carried out by `Disk.perform`, jobs of one lane in their order, and give the result
  /// back by `finished`.
  case disk(DiskJob)
  /// The one reply to a request.
  indirect case reply(RequestID, Reply<Machine>)
  /// Something worth logging, counting or drawing. Only `failed` asks for an act: end the process.
  case observe(ReplicaEvent)
}

/// What happened in a replica, for logs, counters and alerts.
public enum ReplicaEvent: Hashable, Sendable {
  /// What happened in the core.
  case core(Event)
  /// An envelope was put aside.
  case envelopeRefused(from: NodeID, EnvelopeRefusal)
  /// A snapshot of the own machine was begun.
  case snapshotBegun(LogPosition)
  /// It is durable.
  case snapshotTaken(LogPosition)
  /// It could not be kept; it is tried again later.
  case snapshotFailed(LogPosition, DiskError)
  /// The machine was read from a snapshot.
  case machineRestored(LogPosition)
  /// Something on the disk cannot be read. What needed it goes on without it, if it can.
  case unreadable(ReadProblem)
  /// The disk is nearly full: no commands are taken.
  case spaceLow
  /// There is space again.
  case spaceBack
  /// The peers have repaired what was damaged: the node votes again.
  case rejoined
  /// Nothing more can be promised. The process must end; a new life begins with what the disk has.
  case failed(ReplicaFailure)
}

/// Why a replica can go on no more.
public enum ReplicaFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The log can no longer be made durable.
  case disk(DiskError)
  /// The snapshot in force cannot be read back.
  case snapshotUnreadable(LogPosition, ReadProblem)
  /// The snapshot in force has its checksums, and is no state of this machine.
  case snapshotMalformed(LogPosition, MachineDecodingError)

  /// What happened and what to do, in a sentence.
  public var description: String {
    switch self {
    case .disk(let error):
      "\(error.description); nothing more can be promised, the process must end"
    case .snapshotUnreadable(let position, let problem):
      "the snapshot through \(position.description) cannot be read: \(problem.description);"
        + " keep the files, and let the node be repaired by its peers"
    case .snapshotMalformed(let position, let error):
      "the snapshot through \(position.description) is not one of this machine:"
        + " \(error.description); start the program that wrote it, or a newer one"
    }
  }
}

/// Why an envelope was not looked at further.
public enum EnvelopeRefusal: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// It is for another cluster.
  case otherCluster
  /// It is for another node, or its sender is not who it says.
  case misaddressed
  /// It came before, or is too old to tell.
  case repeated
  /// It is from an earlier life of its sender.
  case earlierLife
  /// Its clock stamp cannot be true.
  case stamp(ClockError)
  /// It asks for something that this node must not do before its journal is repaired.
  case outUntilRepaired

  /// The reason in a few words.
  public var description: String {
    switch self {
    case .otherCluster: "it is for another cluster"
    case .misaddressed: "it is for another node"
    case .repeated: "it came before"
    case .earlierLife: "it is from an earlier life of its sender"
    case .stamp(let error): error.description
    case .outUntilRepaired: "this node is out until it is repaired"
    }
  }
}

// How a host drives its replica: one input, and what is to be done about it, sorted by who does it.
// Nothing here knows a socket, a file or a clock, so a test drives it as the real host does.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// What came of inputs, sorted by who is to carry it out. Emptied and used again by its host.
///
/// Among the four lists there is no order that matters: every send is safe at once, jobs stand in
/// the order in which each lane wants them, and a reply says nothing that is not durable.
public struct HostWork<Machine: StateMachine>: Sendable {
  /// For the transport.
  public var sends: [PeerEnvelope] = []
  /// For the disk.
  public var jobs: [DiskJob] = []
  /// For those who asked.
  public var replies: [(name: RequestID, reply: Reply<Machine>)] = []
  /// For logs and counters; `failed` ends the process.
  public var events: [ReplicaEvent] = []

  /// Nothing to do.
  public init() {}

  /// Whether there is nothing to do.
  public var isEmpty: Bool {
    sends.isEmpty && jobs.isEmpty && replies.isEmpty && events.isEmpty
  }
}

/// A replica and the record of what it was given: all of a host that could be simulated.
///
/// It holds no protocol logic. Copying it is a checkpoint.
public struct ReplicaDriver<Machine: StateMachine>: Sendable {
  /// The replica, to be looked at.
  public var replica: Replica<Machine> { _read { yield state } }
  /// The newest inputs.
  public private(set) var inputs: InputRing<Machine>

  private var state: Replica<Machine>
  private var actions: [ReplicaAction<Machine>] = []

  /// A driver of this replica, which was given nothing yet, that remembers so many inputs.
  public init(_ replica: Replica<Machine>, remembering count: Int) {
    state = replica
    inputs = InputRing(capacity: count)
  }

  /// Gives the replica one input, and adds what is to be done.
  public mutating func give(_ input: ReplicaInput<Machine>, into work: inout HostWork<Machine>) {
    inputs.append(input)
    state.step(input, into: &actions)
    guard !actions.isEmpty else { return }
    for place in actions.indices {
      // Taken out, not copied; what stays in its place is nothing.
      var action = ReplicaAction<Machine>.observe(.spaceBack)
      swap(&action, &actions[place])
      switch consume action {
      case .send(let envelope): work.sends.append(envelope)
      case .disk(let job): work.jobs.append(job)
      case .reply(let name, let reply): work.replies.append((name, reply))
      case .observe(let event): work.events.append(event)
      }
    }
    actions.removeAll(keepingCapacity: true)
  }
}

// The core, its journal, the sessions and the machine as one machine: thesis §5 and §6 put
// together with Figure 2. What the simulator torments is what a real host runs.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

/// One replica of a state machine: a value without I/O.
///
/// A host gives inputs to `step(_:into:)` and does what the actions say. Its whole duty:
///
/// 1. It has each disk job carried out by `Disk.perform`, jobs of one lane in their order, and
///    gives each result back, once.
/// 2. It sends what is to be sent, or not, and gives a tick from time to time.
/// 3. It ends the process at `ReplicaEvent.failed`.
///
/// Copying a replica is a checkpoint: two copies that are given the same inputs do the same.
/// Replicas are compared by `digest()`: what a replica is to do next is all that matters of it, not
/// how it holds that in memory.
///
/// Invariants: a request gets exactly one reply; nothing is replied as applied before it is
/// committed, durable on a majority, and applied here; the machine holds exactly the entries
/// through `machine.applied`.
public struct Replica<Machine: StateMachine>: Sendable {
  @usableFromInline var engine: ReplicaEngine
  @usableFromInline var state: ReplicatedMachine<Machine>
  /// The machine that is being read from a snapshot.
  @usableFromInline var reader: SnapshotReader<ReplicatedMachine<Machine>>?
  /// The snapshot that is being written.
  @usableFromInline var writer: SnapshotWriter<ReplicatedMachine<Machine>>?
  @usableFromInline var queries = QueryTable<Machine.Query>()
  @usableFromInline var replies = Replies()

  /// Starts a replica from what its journal held.
  ///
  /// If there is a snapshot, its machine is read back by the first jobs.
  ///
  /// - Parameters:
  ///   - settings: what the host has set.
  ///   - recovered: the journal, and what it held.
  ///   - nanoseconds: the host's clock, since the beginning of 1970.
  ///   - machine: the machine before the first command, the same on every replica and in every
  ///     life of it.
  /// - Throws: `RestoreError` if settings and journal do not go together.
  @inlinable
  public init(
    _ settings: ReplicaSettings, recovered: RecoveredJournal, nanoseconds: UInt64,
    machine: Machine = Machine()
  ) throws(RestoreError) {
    state = ReplicatedMachine(machine)
    engine = try ReplicaEngine(settings, recovered: recovered, nanoseconds: nanoseconds)
  }

  /// Gives the replica one input and appends what its host should do.
  ///
  /// Pure: the same state and input always give the same result.
  ///
  /// - Complexity: O(what is asked for + bytes that come of it), amortised.
  @inlinable
  public mutating func step(
    _ input: consuming ReplicaInput<Machine>, into actions: inout [ReplicaAction<Machine>]
  ) {
    begin(input, into: &actions)
    while advance(into: &actions) {}
  }

  // MARK: Step by step

  /// Takes one input in. What follows from it is done by `advance`.
  @inlinable
  package mutating func begin(
    _ input: consuming ReplicaInput<Machine>, into actions: inout [ReplicaAction<Machine>]
  ) {
    engine.begin()
    switch input {
    case .tick(let nanoseconds): begin(tick: nanoseconds)
    case .receive(let envelope): begin(receiving: envelope)
    case .request(let name, let request, let deadline):
      take(name, request, deadline, &actions)
    case .administer(let name, let request, let deadline):
      engine.administer(name, request, deadline)
    case .finished(let job, let result): engine.finished(job, result)
    case .peerUnreachable(let peer): engine.coreInputs.append(.other(.peerUnreachable(peer)))
    case .peerReachable(let peer): engine.coreInputs.append(.other(.peerReachable(peer)))
    case .campaign: engine.campaign()
    case .stop(let name): engine.stop(name)
    }
  }

  /// Takes `ReplicaInput.tick` in.
  @inlinable
  package mutating func begin(tick nanoseconds: UInt64) {
    engine.begin()
    if engine.tick(nanoseconds) { engine.noteDeadline(state.nextDeadline) }
  }

  /// Takes `ReplicaInput.receive` in.
  @inlinable
  package mutating func begin(receiving envelope: __owned PeerEnvelope) {
    engine.begin()
    engine.receive(envelope)
  }

  /// Goes on until the core has made one step, and returns true; or until nothing more follows from
  /// the input, and returns false.
  ///
  /// Between two calls `lookAtStep` shows what the core was told and what it wants.
  @inlinable
  package mutating func advance(into actions: inout [ReplicaAction<Machine>]) -> Bool {
    while true {
      switch engine.advance() {
      case .stepped: return true
      case .apply: apply()
      case .beginWriting: writer = SnapshotWriter(state)
      case .write(let count):
        let piece = writer?.next(Int(count)) ?? []
        if piece.isEmpty { writer = nil }
        engine.written(piece)
      case .read(let isFirst, let isLast): read(isFirst, isLast)
      case .answer(let core, let name):
        if let query = queries.take(core) {
          actions.append(.reply(name, .answer(state.query(query), engine.confirmed)))
        }
      case .done:
        if writer != nil, engine.taking == nil { writer = nil }
        if reader != nil, engine.loading == nil { reader = nil }
        deliver(&actions)
        return false
      }
    }
  }

  /// Shows the step that the core has just made, in its place.
  @inlinable
  package mutating func lookAtStep(
    _ body: (
      _ node: inout RaftNode, _ input: inout CoreInput, _ actions: inout ActionBuffer
    ) -> Void
  ) {
    body(&engine.node, &engine.coreInputs.first, &engine.coreActions)
  }

  /// Whether events of the core are told.
  @inlinable
  package mutating func observe(_ isObserving: Bool) {
    engine.coreActions.isObserving = isObserving
  }

  // MARK: The machine

  @inlinable
  mutating func take(
    _ name: RequestID, _ request: ClientRequest<Machine>, _ deadline: Ticks?,
    _ actions: inout [ReplicaAction<Machine>]
  ) {
    switch request {
    case .openSession: engine.take(name, .openSession, .majority, deadline)
    case .command(let command, let position, let copies):
      // What no replica could decode must not reach the log.
      do throws(MachineDecodingError) { _ = try Machine.decode(command[...]) } catch {
        engine.refuse(name, error, deadline)
        return
      }
      let inLog: Request = position.map { .inSession($0, command: command) } ?? .command(command)
      engine.take(name, inLog, copies, deadline)
    case .keepSession(let session, let acknowledged):
      engine.take(
        name, .keepSession(session, acknowledgedThrough: acknowledged), .majority, deadline)
    case .closeSession(let session):
      engine.take(name, .closeSession(session), .majority, deadline)
    case .passTime: engine.take(name, .time, .majority, deadline)
    case .query(let query, let kind):
      switch engine.read(name, kind, deadline) {
      case .refused: return
      case .now(let freshness):
        actions.append(.reply(name, .answer(state.query(query), freshness)))
      case .later(let core): queries.add(core, query)
      }
    }
  }

  @inlinable
  mutating func apply() {
    var entries = Entries.none
    swap(&entries, &engine.applying)
    for position in 0..<entries.runCount {
      let run = entries.run(position)
      replies.removeAll()
      state.apply(run, into: &replies)
      engine.applied(run, replies)
    }
    engine.applied(entries)
  }

  @inlinable
  mutating func read(_ isFirst: Bool, _ isLast: Bool) {
    var piece: [UInt8] = []
    swap(&piece, &engine.piece)
    if isFirst { reader = SnapshotReader(into: ReplicatedMachine(state.machine.beginning)) }
    do throws(MachineDecodingError) {
      // What is read must have one owner, or it would be copied.
      guard var reader, let index = engine.loadingIndex else { return }
      self.reader = nil
      try reader.read(piece[...])
      guard isLast else {
        self.reader = reader
        engine.pieceIsRead()
        return
      }
      let restored = try reader.finish()
      guard restored.applied == index else { throw .inconsistent }
      state = restored
      engine.restored(restored.stamps.stamp(at: index))
    } catch {
      engine.snapshotIsMalformed(error)
    }
  }

  /// Hands on what the engine has for the host.
  @inlinable
  mutating func deliver(_ actions: inout [ReplicaAction<Machine>]) {
    if !engine.forgottenQueries.isEmpty {
      for core in engine.forgottenQueries { _ = queries.take(core) }
      engine.forgottenQueries.removeAll(keepingCapacity: true)
    }
    // Taken apart, not copied.
    engine.output.drain { (action: consuming EngineAction) in
      switch consume action {
      case .send(let envelope): actions.append(.send(envelope))
      case .disk(let job): actions.append(.disk(job))
      case .reply(let name, let reply): actions.append(.reply(name, Reply(reply)))
      case .observe(let event): actions.append(.observe(event))
      }
    }
  }
}

extension Reply {
  /// The same reply, for this machine.
  @inlinable
  init(_ reply: Reply<NoMachine>) {
    switch reply {
    case .applied(let applied): self = .applied(applied)
    case .sessionOpened(let session): self = .sessionOpened(session)
    case .noted(let index): self = .noted(at: index)
    case .answer: preconditionFailure("there is no answer without a machine")
    case .refused(let refusal, let index): self = .refused(refusal, at: index)
    case .badRequest(let error): self = .badRequest(error)
    case .notLeader(let leader): self = .notLeader(leader)
    case .tooBusy(let after): self = .tooBusy(after: after)
    case .unavailable(let reason): self = .unavailable(reason)
    case .unknown(let reason, let position): self = .unknown(reason, position)
    case .membershipChanged(let index): self = .membershipChanged(at: index)
    case .notPossible(let refusal): self = .notPossible(refusal)
    case .transferred(let node, let term): self = .transferred(to: node, term: term)
    case .transferFailed: self = .transferFailed
    case .snapshotTaken(let index): self = .snapshotTaken(through: index)
    case .snapshotFailed(let error): self = .snapshotFailed(error)
    case .stopped: self = .stopped
    }
  }
}

// What passes between the engine of a replica and what holds its machine.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

/// Why the engine pauses: the machine is wanted, or somebody may want to look.
@usableFromInline
enum EnginePause: Sendable {
  /// The core has made a step. What it was given is the first of `coreInputs`, what it wants is in
  /// `coreActions`; both until the engine goes on.
  case stepped
  /// Apply these entries, run by run.
  case apply(Entries)
  /// Begin to write a snapshot of the machine as it is.
  case beginWriting
  /// Give the next piece of the snapshot, at most so many bytes; an empty one at the end.
  case write(UInt32)
  /// Take in this piece of a snapshot, to become another machine.
  case read([UInt8], isFirst: Bool, isLast: Bool)
  /// Answer the question of this request, which has this name with the host.
  case answer(RequestID, RequestID, Freshness)
  /// There is nothing more to do.
  case done
}

/// A reply that comes without the machine.
@usableFromInline
typealias EngineReply = Reply<NoMachine>

/// What the host is to do, or to hear, as far as the machine has no part in it.
@usableFromInline
enum EngineAction: Sendable {
  case send(PeerEnvelope)
  case disk(DiskJob)
  case reply(RequestID, EngineReply)
  case observe(ReplicaEvent)
}

/// The machine of whoever has none: it is never asked, so no reply holds an answer of it.
@usableFromInline
struct NoMachine: StateMachine {
  @usableFromInline
  init() {}

  @usableFromInline
  init(from reader: inout ByteReader) throws(MachineDecodingError) {}

  @usableFromInline
  func write(into writer: inout ByteWriter) {}

  @usableFromInline
  mutating func apply(_ command: UInt8, at moment: Moment) -> UInt8 { command }
}

/// What a leader said of the log, until the core has looked at it.
struct Heard: Hashable, Sendable, BitwiseCopyable {
  var term: Term
  var commitIndex: LogIndex
  var nanoseconds: UInt64
}

/// What the core is to be told, first in, first out.
@usableFromInline
struct InputQueue: Sendable {
  private var inputs: [Input] = []
  private var head = 0
  /// The core has been told the first one.
  @usableFromInline var isStepped = false

  init() {}

  var isEmpty: Bool { head == inputs.count }

  @usableFromInline
  var first: Input {
    // Where it is: it may hold a message.
    _read { yield inputs[head] }
  }

  @usableFromInline
  mutating func append(_ input: consuming Input) { inputs.append(input) }

  mutating func removeFirst() {
    isStepped = false
    head += 1
    if head == inputs.count {
      inputs.removeAll(keepingCapacity: true)
      head = 0
    }
  }
}

/// The questions that wait, by the names under which the core knows them, which ascend.
@usableFromInline
struct QueryTable<Query: Sendable>: Sendable {
  @usableFromInline var waiting: [(core: RequestID, query: Query)] = []

  @inlinable
  init() {}

  @inlinable
  mutating func add(_ core: RequestID, _ query: Query) { waiting.append((core, query)) }

  /// Takes a question away, if it is there. Mostly it is among the first.
  @inlinable
  mutating func take(_ core: RequestID) -> Query? {
    guard let place = waiting.firstIndex(where: { $0.core == core }) else { return nil }
    return waiting.remove(at: place).query
  }
}

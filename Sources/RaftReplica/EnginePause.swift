// What passes between the engine of a replica and what holds its machine.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

/// Why the engine pauses: the machine is wanted, or somebody may want to look. What there is much
/// of stands in the engine, so that a pause is small.
@usableFromInline
enum EnginePause: Sendable, BitwiseCopyable {
  /// The core has made a step. What it was given is the first of `coreInputs`, what it wants is in
  /// `coreActions`; both until the engine goes on.
  case stepped
  /// Apply the entries in `applying`, run by run.
  case apply
  /// Begin to write a snapshot of the machine as it is.
  case beginWriting
  /// Give the next piece of the snapshot, at most so many bytes; an empty one at the end.
  case write(UInt32)
  /// Take in the piece of a snapshot in `piece`, to become another machine.
  case read(isFirst: Bool, isLast: Bool)
  /// Answer the question of this request, which has this name with the host, from the machine as it
  /// is.
  case answer(RequestID, RequestID)
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

/// What the core is told.
///
/// An `Input` of the core in a form that is cheap to keep and to look at: a message stays in the
/// envelope in which it came.
@usableFromInline
package enum CoreInput: Sendable {
  /// `Input.tick`.
  case tick
  /// `Input.receive`, of the message in this envelope.
  case receive(PeerEnvelope)
  /// `Input.persisted`.
  case persisted(Ticket)
  /// `Input.applied`.
  case applied(LogIndex)
  /// Any other.
  indirect case other(Input)

  /// The same in this form; a message that came in no envelope is an `other`.
  package init(_ input: Input) {
    switch input {
    case .tick: self = .tick
    case .persisted(let ticket): self = .persisted(ticket)
    case .applied(let index): self = .applied(index)
    case .receive, .propose, .read, .changeMembership, .transferLeadership, .storageFailed,
      .entriesLoaded, .entriesNotLoaded, .snapshotTaken, .snapshotChunkLoaded,
      .snapshotChunkNotLoaded, .snapshotChunkStored, .snapshotChunkNotStored, .peerUnreachable,
      .peerReachable, .peerRestarted, .campaign, .stop:
      self = .other(input)
    }
  }

  /// As the core knows it.
  @usableFromInline
  package var input: Input {
    switch self {
    case .tick: .tick
    case .receive(let envelope): .receive(envelope.message)
    case .persisted(let ticket): .persisted(ticket)
    case .applied(let index): .applied(through: index)
    case .other(let input): input
    }
  }
}

/// What the core is to be told, first in, first out.
@usableFromInline
struct InputQueue: Sendable {
  /// The first one; without meaning if there is none. It stands by itself, since mostly there is
  /// one at a time.
  @usableFromInline var first = CoreInput.tick
  /// The others, from `head` on.
  private var rest: [CoreInput] = []
  private var head = 0
  private var count = 0
  /// The core has been told the first one.
  @usableFromInline var isStepped = false

  init() {}

  var isEmpty: Bool { count == 0 }

  @usableFromInline
  mutating func append(_ input: consuming CoreInput) {
    if count == 0 { first = input } else { rest.append(input) }
    count += 1
  }

  mutating func removeFirst() {
    isStepped = false
    count -= 1
    if count == 0 {
      first = .tick
      return
    }
    first = rest[head]
    head += 1
    if head == rest.count {
      while !rest.isEmpty { rest.removeLast() }
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

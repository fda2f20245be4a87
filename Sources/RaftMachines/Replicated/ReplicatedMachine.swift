// A machine as a replica holds it: with the sessions of its clients and the log's time. What is in
// here is the same on every replica, and goes into its snapshots.

import Raft
import RaftClocks

/// What became of an entry's request.
public enum Verdict: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The command was applied; its result was written.
  case applied
  /// The command was applied before, at an earlier entry; its result of then was written again.
  case duplicate(of: LogIndex)
  /// The session is open.
  case sessionOpened(SessionID)
  /// The session is closed, or was not there.
  case sessionClosed
  /// The log's time went on, or a limit was set.
  case noted
  /// The command was not applied.
  case refused(SessionRefusal)
  /// The payload is no request, or its command is none. Nothing was done, on no replica.
  case malformed(MachineDecodingError)

  /// What happened, in a few words.
  public var description: String {
    switch self {
    case .applied: "applied"
    case .duplicate(let index): "applied before, at entry \(index.description)"
    case .sessionOpened(let session): "opened session \(session.description)"
    case .sessionClosed: "closed the session"
    case .noted: "noted"
    case .refused(let refusal): "refused: \(refusal.description)"
    case .malformed(let error): "malformed: \(error.description)"
    }
  }
}

/// A machine with the sessions of its clients, the log's time, and the stamps of its entries.
///
/// Invariants: `applied` only grows, and so does `time`; a request in a session takes effect at
/// most once.
public struct ReplicatedMachine<Machine: StateMachine>: Hashable, Sendable {
  @usableFromInline var held: Machine
  @usableFromInline var book = LogBook()

  /// The machine.
  @inlinable public var machine: Machine { _read { yield held } }
  /// Who has asked for what, and what the answer was.
  public var sessions: Sessions { book.sessions }
  /// The stamps of the newest entries.
  public var stamps: StampHistory { book.stamps }
  /// The newest entry that was applied.
  @inlinable public var applied: LogIndex { book.applied }
  /// The log's time at that entry.
  @inlinable public var time: LogTime { book.time }

  /// A machine to which nothing was applied.
  @inlinable public init(_ machine: Machine = Machine()) { held = machine }

  /// A digest of all of it, the same on every replica at the same entry.
  @inlinable public var digest: UInt64 { book.digest(of: held.digest) }

  /// The log's time at which something changes though nobody commands it, in the machine or among
  /// the sessions; `nil` if nothing waits for time.
  @inlinable public var nextDeadline: LogTime? {
    guard let session = book.nextDeadline else { return held.nextDeadline }
    return held.nextDeadline.map { min($0, session) } ?? session
  }

  /// How two entries stand to each other; see `StampHistory.causality(of:and:)`.
  public func causality(of a: LogIndex, and b: LogIndex) -> Causality? {
    book.stamps.causality(of: a, and: b)
  }

  /// Answers a question about the present state.
  @inlinable
  public func query(_ query: Machine.Query) -> Machine.Answer { held.query(query) }

  /// Applies the payload of one entry, and writes the result of its command if it has one.
  ///
  /// - Precondition: `index` is larger than that of every entry applied before.
  @discardableResult
  @inlinable
  public mutating func apply(
    _ payload: ArraySlice<UInt8>, at index: LogIndex, into result: inout ByteWriter
  ) -> Verdict {
    do throws(MachineDecodingError) {
      let opened = try book.open(
        payload, at: index, keeping: Machine.stampsKept, from: held.stampsFrom, into: &result)
      switch opened.task {
      case .apply(let command):
        try held.apply(encoded: command, at: opened.moment, into: &result)
        return .applied
      case .applyOnce(let command, let slot, let sequence):
        let start = result.count
        try held.apply(encoded: command, at: opened.moment, into: &result)
        book.remember(slot, sequence, at: index, result, from: start)
        return .applied
      case .pass:
        held.pass(opened.moment)
        return .noted
      case .none(let verdict): return verdict
      }
    } catch {
      return .malformed(error)
    }
  }

  /// Says that entries which carry no request were passed: those of the protocol itself.
  @inlinable
  public mutating func skip(through index: LogIndex) { book.applied = max(book.applied, index) }
}

/// What became of the requests of a run of entries. Emptied and used again, it allocates nothing.
public struct Replies: Sendable {
  /// What became of one request.
  public struct Reply: Hashable, Sendable, BitwiseCopyable {
    /// The entry of the request.
    public var index: LogIndex
    /// What became of it.
    public var verdict: Verdict
    /// Where in `results` the result of the command lies; empty if there is none.
    public var start: Int
    /// Behind the result's last byte.
    public var end: Int

    @inlinable
    init(_ index: LogIndex, _ verdict: Verdict, _ start: Int, _ end: Int) {
      self.index = index
      self.verdict = verdict
      self.start = start
      self.end = end
    }
  }

  /// One for each entry that carried a request, in their order.
  @inlinable public var list: [Reply] { _read { yield replies } }

  @usableFromInline var replies: [Reply] = []
  @usableFromInline var writer = ByteWriter()

  /// No replies.
  @inlinable public init() {}

  /// The encoded result of a reply, sharing memory.
  @inlinable
  public func result(_ reply: Reply) -> ArraySlice<UInt8> { writer.bytes[reply.start..<reply.end] }

  /// Forgets all, and keeps the memory.
  @inlinable
  public mutating func removeAll() {
    while !replies.isEmpty { replies.removeLast() }
    writer.removeAll()
  }

  @inlinable
  @inline(__always)
  mutating func add(_ index: LogIndex, _ body: (inout ByteWriter) -> Verdict) {
    let start = writer.count
    let verdict = body(&writer)
    replies.append(Reply(index, verdict, start, writer.count))
  }
}

extension ReplicatedMachine {
  /// Applies a run of entries, and adds what became of them to `replies`.
  ///
  /// - Precondition: the payloads are there, and the run begins after `applied`.
  @inlinable
  public mutating func apply(_ run: EntryRun, into replies: inout Replies) {
    guard run.kind == .command else { return skip(through: run.lastIndex) }
    let first = run.firstIndex.rawValue
    for offset in 0..<run.count {
      let index = LogIndex(first + UInt64(offset))
      let payload = run.payload(offset)
      replies.add(index) { apply(payload, at: index, into: &$0) }
    }
  }

  /// Applies entries, and adds what became of them to `replies`.
  ///
  /// - Precondition: as for a run.
  @inlinable
  public mutating func apply(_ entries: Entries, into replies: inout Replies) {
    for position in 0..<entries.runCount { apply(entries.run(position), into: &replies) }
  }
}

extension ReplicatedMachine: SnapshotParts {
  /// Writes the log's time, the sessions, the stamps, and the machine's own parts.
  @inlinable
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    if book.writePart(at: &cursor, into: &writer) { return }
    if cursor.write(held, into: &writer) { cursor.isAtEnd = true }
  }

  /// Takes in the next part.
  @inlinable
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    if let part = try book.read(part: part) { try held.read(part: part) }
  }

  /// Lets the machine build what is not written.
  @inlinable
  public mutating func finishReading() throws(MachineDecodingError) {
    try held.finishReading()
  }
}

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
  /// The machine.
  public private(set) var machine: Machine
  /// Who has asked for what, and what the answer was.
  public private(set) var sessions = Sessions()
  /// The stamps of the newest entries.
  public private(set) var stamps = StampHistory()
  /// The newest entry that was applied.
  public private(set) var applied = LogIndex.zero
  /// The log's time at that entry.
  public private(set) var time = LogTime.zero

  /// A machine to which nothing was applied.
  public init(_ machine: Machine = Machine()) { self.machine = machine }

  /// A digest of all of it, the same on every replica at the same entry.
  public var digest: UInt64 {
    var digest = Digest(machine.digest)
    digest.combine(sessions.digest)
    digest.combine(stamps.digest)
    digest.combine(time.nanoseconds)
    digest.combine(applied.rawValue)
    return digest.value
  }

  /// The log's time at which something changes though nobody commands it, in the machine or among
  /// the sessions; `nil` if nothing waits for time.
  public var nextDeadline: LogTime? {
    guard let session = sessions.nextDeadline else { return machine.nextDeadline }
    return machine.nextDeadline.map { min($0, session) } ?? session
  }

  /// How two entries stand to each other; see `StampHistory.causality(of:and:)`.
  public func causality(of a: LogIndex, and b: LogIndex) -> Causality? {
    stamps.causality(of: a, and: b)
  }

  /// Answers a question about the present state.
  public func query(_ query: Machine.Query) -> Machine.Answer { machine.query(query) }

  /// Applies the payload of one entry, and writes the result of its command if it has one.
  ///
  /// - Precondition: `index` is larger than that of every entry applied before.
  @discardableResult
  public mutating func apply(
    _ payload: ArraySlice<UInt8>, at index: LogIndex, into result: inout ByteWriter
  ) -> Verdict {
    precondition(index > applied, "entry \(index) is applied after entry \(applied)")
    applied = index
    do throws(MachineDecodingError) {
      var reader = ByteReader(payload)
      let stamp = try EncodedStamp(openingEnvelope: &reader)
      let request = try RequestParts(from: &reader)
      time = max(time, LogTime(nanoseconds: stamp.hybrid.nanoseconds))
      if Machine.stampsKept > 0 {
        stamps.append(stamp, at: index, keeping: Machine.stampsKept, from: machine.stampsFrom)
      }
      sessions.expire(at: time)
      let moment = Moment(index: index, time: time, lamport: stamp.lamport, hybrid: stamp.hybrid)
      return try perform(request, at: moment, into: &result)
    } catch {
      return .malformed(error)
    }
  }

  private mutating func perform(
    _ request: RequestParts, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) -> Verdict {
    switch request {
    case .command(let command):
      try machine.apply(encoded: command, at: moment, into: &result)
      return .applied
    case .inSession(let position, let command):
      switch sessions.look(position, at: moment) {
      case .refused(let refusal): return .refused(refusal)
      case .known(let index, let known):
        result.write(bytes: known)
        return .duplicate(of: index)
      case .new(let slot):
        let start = result.count
        try machine.apply(encoded: command, at: moment, into: &result)
        sessions.remember(slot, position.sequence, at: moment.index, result.bytes[start...])
        return .applied
      }
    case .openSession: return .sessionOpened(sessions.open(at: moment))
    case .closeSession(let id):
      _ = sessions.close(id)
      return .sessionClosed
    case .time:
      machine.pass(moment)
      return .noted
    case .limitSessions(let limits):
      sessions.limit(limits)
      return .noted
    case .keepSession(let id, let acknowledged):
      if let refusal = sessions.keep(id, acknowledgedThrough: acknowledged, at: moment) {
        return .refused(refusal)
      }
      return .noted
    }
  }

  /// Says that entries which carry no request were passed: those of the protocol itself.
  public mutating func skip(through index: LogIndex) { applied = max(applied, index) }
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
  }

  /// One for each entry that carried a request, in their order.
  public private(set) var list: [Reply] = []
  private var writer = ByteWriter()

  /// No replies.
  public init() {}

  /// The encoded result of a reply, sharing memory.
  public func result(_ reply: Reply) -> ArraySlice<UInt8> { writer.bytes[reply.start..<reply.end] }

  /// Forgets all, and keeps the memory.
  public mutating func removeAll() {
    list.removeAll(keepingCapacity: true)
    writer.removeAll()
  }

  @inline(__always)
  mutating func add(_ index: LogIndex, _ body: (inout ByteWriter) -> Verdict) {
    let start = writer.count
    let verdict = body(&writer)
    list.append(Reply(index: index, verdict: verdict, start: start, end: writer.count))
  }
}

extension ReplicatedMachine {
  /// Applies a run of entries, and adds what became of them to `replies`.
  ///
  /// - Precondition: the payloads are there, and the run begins after `applied`.
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
  public mutating func apply(_ entries: Entries, into replies: inout Replies) {
    for position in 0..<entries.runCount { apply(entries.run(position), into: &replies) }
  }
}

extension ReplicatedMachine: SnapshotParts {
  static var version: UInt8 { 1 }

  /// Which table a part belongs to: its first byte.
  private enum Section: UInt8 {
    case head = 0
    case sessions = 1
    case stamps = 2
    case machine = 3
  }

  /// Writes the log's time, the sessions, the stamps, and the machine's own parts.
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    writer.write(UInt8(truncatingIfNeeded: cursor.section))
    switch cursor.section {
    case 0:
      writer.write(ReplicatedMachine.version)
      writer.write(applied.rawValue)
      writer.write(time.nanoseconds)
      cursor.nextSection()
    case 1:
      (cursor.position == 0).write(into: &writer)
      if sessions.writePart(at: &cursor, into: &writer) { cursor.nextSection() }
    case 2:
      (cursor.position == 0).write(into: &writer)
      if stamps.writePart(at: &cursor, into: &writer) { cursor.nextSection() }
    default:
      if cursor.write(machine, into: &writer) { cursor.isAtEnd = true }
    }
  }

  /// Takes in the next part.
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    var reader = ByteReader(part)
    let code: UInt8 = try reader.read()
    guard let section = Section(rawValue: code) else { throw .unknownKind(code) }
    switch section {
    case .head:
      try reader.readVersion(newest: ReplicatedMachine.version)
      applied = LogIndex(try reader.read())
      time = LogTime(nanoseconds: try reader.read())
      try reader.finish()
    case .sessions:
      let isFirst = try Bool(from: &reader)
      try sessions.read(part: &reader, isFirst: isFirst)
    case .stamps:
      let isFirst = try Bool(from: &reader)
      try stamps.read(part: &reader, isFirst: isFirst)
    case .machine: try machine.read(part: reader.rest)
    }
  }

  /// Lets the machine build what is not written.
  public mutating func finishReading() throws(MachineDecodingError) {
    try machine.finishReading()
  }
}

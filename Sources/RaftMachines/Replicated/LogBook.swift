// What a replica holds beside its machine. Nothing here depends on what the machine is, so it is
// compiled once, and what stands around it is compiled for each machine.

import Raft
import RaftClocks

/// The sessions of all clients, the stamps of the entries, and the log's time.
@usableFromInline
struct LogBook: Hashable, Sendable {
  var sessions = Sessions()
  var stamps = StampHistory()
  /// The newest entry that was applied.
  @usableFromInline var applied = LogIndex.zero
  /// The log's time at that entry.
  @usableFromInline var time = LogTime.zero

  /// What the machine is to do for an entry.
  @usableFromInline
  enum Work {
    /// Apply this command.
    case apply(ArraySlice<UInt8>)
    /// Apply this command, then `remember` its result.
    case applyOnce(ArraySlice<UInt8>, slot: Int, sequence: UInt64)
    /// See the time go on.
    case pass
    /// Nothing; that is what became of the entry.
    case none(Verdict)
  }

  /// An entry that was opened.
  @usableFromInline
  struct Opened {
    @usableFromInline var task: Work
    @usableFromInline var moment: Moment
  }

  @usableFromInline
  init() {}

  /// The digest of all, with that of the machine.
  @usableFromInline
  func digest(of machine: UInt64) -> UInt64 {
    var digest = Digest(machine)
    digest.combine(sessions.digest)
    digest.combine(stamps.digest)
    digest.combine(time.nanoseconds)
    digest.combine(applied.rawValue)
    return digest.value
  }

  /// When the session that is idle longest is closed if it stays so; `nil` if never.
  @usableFromInline var nextDeadline: LogTime? { sessions.nextDeadline }

  /// Takes in the payload of the next entry; writes its result, if that is known already.
  ///
  /// - Parameters:
  ///   - limit: how many stamps are kept; none for 0.
  ///   - oldest: stamps of entries before this one are not wanted.
  /// - Throws: `MachineDecodingError` if the payload is no request.
  /// - Precondition: `index` is larger than that of every entry before.
  @usableFromInline
  mutating func open(
    _ payload: ArraySlice<UInt8>, at index: LogIndex, keeping limit: UInt64,
    from oldest: LogIndex, into result: inout ByteWriter
  ) throws(MachineDecodingError) -> Opened {
    precondition(index > applied, "entry \(index) is applied after entry \(applied)")
    applied = index
    var reader = ByteReader(payload)
    let stamp = try EncodedStamp(openingEnvelope: &reader)
    let request = try RequestParts(from: &reader)
    time = max(time, LogTime(nanoseconds: stamp.hybrid.nanoseconds))
    if limit > 0 { stamps.append(stamp, at: index, keeping: limit, from: oldest) }
    sessions.expire(at: time)
    let moment = Moment(index: index, time: time, lamport: stamp.lamport, hybrid: stamp.hybrid)
    return Opened(task: task(for: request, at: moment, into: &result), moment: moment)
  }

  private mutating func task(
    for request: RequestParts, at moment: Moment, into result: inout ByteWriter
  ) -> Work {
    switch request {
    case .command(let command): return .apply(command)
    case .inSession(let position, let command):
      switch sessions.look(position, at: moment) {
      case .refused(let refusal): return .none(.refused(refusal))
      case .known(let index, let known):
        result.write(bytes: known)
        return .none(.duplicate(of: index))
      case .new(let slot):
        return .applyOnce(command, slot: slot, sequence: position.sequence)
      }
    case .openSession: return .none(.sessionOpened(sessions.open(at: moment)))
    case .closeSession(let id):
      _ = sessions.close(id)
      return .none(.sessionClosed)
    case .time: return .pass
    case .limitSessions(let limits):
      sessions.limit(limits)
      return .none(.noted)
    case .keepSession(let id, let acknowledged):
      if let refusal = sessions.keep(id, acknowledgedThrough: acknowledged, at: moment) {
        return .none(.refused(refusal))
      }
      return .none(.noted)
    }
  }

  /// Keeps what a request of a session returned: all from there on.
  @usableFromInline
  mutating func remember(
    _ slot: Int, _ sequence: UInt64, at index: LogIndex, _ result: ByteWriter, from start: Int
  ) {
    sessions.remember(slot, sequence, at: index, result.bytes[start...])
  }
}

extension LogBook {
  private static var version: UInt8 { 1 }

  /// Which table a part belongs to: its first byte.
  private enum Section: UInt8 {
    case head = 0
    case sessions = 1
    case stamps = 2
    case machine = 3
  }

  /// Writes the part at the cursor: the log's time, the sessions, or the stamps.
  ///
  /// - Returns: false once it is the machine's turn; then only the byte that says so is written.
  @usableFromInline
  func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) -> Bool {
    writer.write(UInt8(truncatingIfNeeded: cursor.section))
    switch cursor.section {
    case 0:
      writer.write(LogBook.version)
      writer.write(applied.rawValue)
      writer.write(time.nanoseconds)
      cursor.nextSection()
    case 1:
      (cursor.position == 0).write(into: &writer)
      if sessions.writePart(at: &cursor, into: &writer) { cursor.nextSection() }
    case 2:
      (cursor.position == 0).write(into: &writer)
      if stamps.writePart(at: &cursor, into: &writer) { cursor.nextSection() }
    default: return false
    }
    return true
  }

  /// Takes in the next part, or returns it if it is one of the machine's.
  @usableFromInline
  mutating func read(
    part: ArraySlice<UInt8>
  ) throws(MachineDecodingError) -> ArraySlice<UInt8>? {
    var reader = ByteReader(part)
    let code: UInt8 = try reader.read()
    guard let section = Section(rawValue: code) else { throw .unknownKind(code) }
    switch section {
    case .head:
      try reader.readVersion(newest: LogBook.version)
      applied = LogIndex(try reader.read())
      time = LogTime(nanoseconds: try reader.read())
      try reader.finish()
    case .sessions:
      let isFirst = try Bool(from: &reader)
      try sessions.read(part: &reader, isFirst: isFirst)
    case .stamps:
      let isFirst = try Bool(from: &reader)
      try stamps.read(part: &reader, isFirst: isFirst)
    case .machine: return reader.rest
    }
    return nil
  }
}

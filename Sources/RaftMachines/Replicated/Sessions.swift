// Thesis §6.3: a command that is retried takes effect once. The replicas remember for each session
// what its requests returned, as part of the state: through leader changes, restarts and snapshots.

import Raft

/// Why a request in a session was not applied.
public enum SessionRefusal: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The session is gone: closed, idle for too long, or put out by newer ones. The request was not
  /// applied *now*; whether an earlier copy of it was, nobody knows any more. A client that must
  /// know opens a session and reads.
  case sessionExpired = 0
  /// No session of this number was ever opened.
  case unknownSession = 1
  /// The client has said before that it has this result. A late copy of the request; nobody waits.
  case alreadyAcknowledged = 2
  /// Too many requests of the session are without an acknowledgement. To be sent again, after the
  /// results of earlier ones were acknowledged.
  case tooManyUnderWay = 3
  /// Too many bytes of results are without an acknowledgement. To be sent again as above.
  case tooManyResultBytes = 4

  /// What is wrong, in a few words.
  public var description: String {
    switch self {
    case .sessionExpired: "the session has expired"
    case .unknownSession: "there is no such session"
    case .alreadyAcknowledged: "the result was acknowledged before"
    case .tooManyUnderWay: "too many requests of the session are under way"
    case .tooManyResultBytes: "too many results of the session are not acknowledged"
    }
  }
}

/// What a request of a session meets.
enum SessionFinding {
  /// It is new: apply it, then `remember` its result. The slot is that of its session.
  case new(slot: Int)
  /// It was applied before: where, and what it returned.
  case known(LogIndex, result: [UInt8])
  case refused(SessionRefusal)
}

/// The sessions of all clients.
///
/// Invariants: sessions are listed by the time of their newest request; a session's results have
/// rising numbers, all beyond what it acknowledged.
public struct Sessions: Sendable {
  struct Outcome: Hashable, Sendable {
    var sequence: UInt64
    var index: UInt64
    var result: [UInt8]

    var digest: UInt64 {
      var digest = Digest(sequence)
      digest.combine(index)
      digest.combine(bytes: result)
      return digest.value
    }
  }

  struct Session: Sendable {
    var id: UInt64
    var newestRequest: LogTime
    var acknowledgedThrough: UInt64 = 0
    /// Sorted by sequence.
    var outcomes: [Outcome] = []
    var resultBytes: UInt64 = 0
    /// The sum of the outcomes' digests.
    var outcomeDigest: UInt64 = 0
    /// Neighbours in the list by `newestRequest`; `none` at its ends.
    var older = Sessions.none
    var newer = Sessions.none

    var digest: UInt64 {
      var digest = Digest(id)
      digest.combine(newestRequest.nanoseconds)
      digest.combine(acknowledgedThrough)
      digest.combine(outcomeDigest)
      return digest.value
    }
  }

  static let none = UInt32.max

  /// The limits in force.
  public internal(set) var limits = SessionLimits()
  private var slots: [Session] = []
  private var free: [UInt32] = []
  private var table = SlotTable()
  private let hash = TableHash()
  private var oldest = Sessions.none
  private var newest = Sessions.none
  /// The sum of the sessions' digests.
  private var sum: UInt64 = 0

  /// No sessions.
  public init() {}

  /// How many sessions there are.
  public var count: Int { table.count }

  /// Whether a session is there.
  public func contains(_ id: SessionID) -> Bool { slot(of: id) != nil }

  /// How many results are kept for a session; `nil` if there is no such session.
  public func resultsKept(for id: SessionID) -> Int? {
    slot(of: id).map { slots[$0].outcomes.count }
  }

  /// A digest of all sessions, kept as they change.
  var digest: UInt64 {
    var digest = Digest(sum)
    digest.combine(UInt64(count))
    digest.combine(UInt64(limits.sessions))
    digest.combine(limits.idleNanoseconds)
    digest.combine(UInt64(limits.requestsUnderWay))
    digest.combine(limits.resultBytes)
    return digest.value
  }

  private func slot(of id: SessionID) -> Int? {
    table.find(hash(id.rawValue)) { slots[$0].id == id.rawValue }
  }

  // MARK: Requests

  /// Why there is no session of this number that could be meant.
  private func absence(of id: SessionID, at moment: Moment) -> SessionRefusal {
    // Numbers of sessions are indexes, so one that is yet to come was never given out.
    id.rawValue > 0 && id < SessionID(moment.index.rawValue) ? .sessionExpired : .unknownSession
  }

  /// Keeps a session alive, and forgets the results that its client has; says why not, if it
  /// cannot.
  mutating func keep(
    _ id: SessionID, acknowledgedThrough: UInt64, at moment: Moment
  ) -> SessionRefusal? {
    guard let slot = slot(of: id) else { return absence(of: id, at: moment) }
    sum &-= slots[slot].digest
    touch(slot, moment.time)
    acknowledge(slot, through: acknowledgedThrough)
    sum &+= slots[slot].digest
    return nil
  }

  /// Looks up a request, and takes in its acknowledgement.
  mutating func look(
    _ position: SessionPosition, at moment: Moment
  ) -> SessionFinding {
    guard let slot = slot(of: position.session) else {
      return .refused(absence(of: position.session, at: moment))
    }
    sum &-= slots[slot].digest
    touch(slot, moment.time)
    // Nobody can have the result of a request that it is only sending now.
    acknowledge(slot, through: min(position.acknowledgedThrough, position.sequence - 1))
    sum &+= slots[slot].digest
    if position.sequence <= slots[slot].acknowledgedThrough {
      return .refused(.alreadyAcknowledged)
    }
    let place = place(of: position.sequence, slot)
    if place < slots[slot].outcomes.count,
      slots[slot].outcomes[place].sequence == position.sequence
    {
      let outcome = slots[slot].outcomes[place]
      return .known(LogIndex(outcome.index), result: outcome.result)
    }
    let ahead = position.sequence - slots[slot].acknowledgedThrough
    if ahead > UInt64(limits.requestsUnderWay) { return .refused(.tooManyUnderWay) }
    if slots[slot].resultBytes >= limits.resultBytes { return .refused(.tooManyResultBytes) }
    return .new(slot: slot)
  }

  /// Keeps what a new request returned.
  mutating func remember(
    _ slot: Int, _ sequence: UInt64, at index: LogIndex, _ result: ArraySlice<UInt8>
  ) {
    let outcome = Outcome(sequence: sequence, index: index.rawValue, result: Array(result))
    sum &-= slots[slot].digest
    let place = place(of: sequence, slot)
    slots[slot].outcomes.insert(outcome, at: place)
    slots[slot].resultBytes += UInt64(result.count)
    slots[slot].outcomeDigest &+= outcome.digest
    sum &+= slots[slot].digest
  }

  /// The first outcome of this number or a larger one. Most are asked for at the end.
  private func place(of sequence: UInt64, _ slot: Int) -> Int {
    let count = slots[slot].outcomes.count
    if count == 0 || slots[slot].outcomes[count - 1].sequence < sequence { return count }
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if slots[slot].outcomes[middle].sequence < sequence {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private mutating func acknowledge(_ slot: Int, through sequence: UInt64) {
    guard sequence > slots[slot].acknowledgedThrough else { return }
    slots[slot].acknowledgedThrough = sequence
    var gone = 0
    while gone < slots[slot].outcomes.count, slots[slot].outcomes[gone].sequence <= sequence {
      slots[slot].resultBytes -= UInt64(slots[slot].outcomes[gone].result.count)
      slots[slot].outcomeDigest &-= slots[slot].outcomes[gone].digest
      gone += 1
    }
    if gone > 0 { slots[slot].outcomes.removeFirst(gone) }
  }

  // MARK: Coming and going

  /// Opens the session of this entry; too many of them put out the one that was idle longest.
  mutating func open(at moment: Moment) -> SessionID {
    let id = SessionID(moment.index.rawValue)
    makeRoom()
    add(Session(id: id.rawValue, newestRequest: moment.time))
    return id
  }

  private mutating func makeRoom() {
    while count > 0, UInt64(count) >= UInt64(limits.sessions) { remove(Int(oldest)) }
  }

  mutating func close(_ id: SessionID) -> Bool {
    guard let slot = slot(of: id) else { return false }
    remove(slot)
    return true
  }

  mutating func limit(_ limits: SessionLimits) {
    self.limits = limits
    while UInt64(count) > UInt64(limits.sessions) { remove(Int(oldest)) }
  }

  /// When the session that is idle longest is closed if it stays so; `nil` if never.
  var nextDeadline: LogTime? {
    guard oldest != Sessions.none else { return nil }
    let end = slots[Int(oldest)].newestRequest.advanced(by: limits.idleNanoseconds)
    return end < .never ? end.advanced(by: 1) : nil
  }

  /// Closes what has been idle for too long.
  mutating func expire(at time: LogTime) {
    while oldest != Sessions.none,
      slots[Int(oldest)].newestRequest.advanced(by: limits.idleNanoseconds) < time
    {
      remove(Int(oldest))
    }
  }

  private mutating func add(_ session: Session) {
    let slot: Int
    if let reused = free.popLast() {
      slot = Int(reused)
      slots[slot] = session
    } else {
      slot = slots.count
      slots.append(session)
    }
    table.insert(hash(session.id), position: slot)
    linkAsNewest(slot)
    sum &+= slots[slot].digest
  }

  private mutating func remove(_ slot: Int) {
    sum &-= slots[slot].digest
    unlink(slot)
    table.remove(hash(slots[slot].id), position: slot)
    slots[slot] = Session(id: 0, newestRequest: .zero)
    // Slots are counted in 32 bits, as the table counts them.
    free.append(UInt32(slot))
  }

  private mutating func touch(_ slot: Int, _ time: LogTime) {
    slots[slot].newestRequest = time
    guard newest != UInt32(slot) else { return }
    unlink(slot)
    linkAsNewest(slot)
  }

  private mutating func linkAsNewest(_ slot: Int) {
    slots[slot].older = newest
    slots[slot].newer = Sessions.none
    if newest == Sessions.none {
      oldest = UInt32(slot)
    } else {
      slots[Int(newest)].newer = UInt32(slot)
    }
    newest = UInt32(slot)
  }

  private mutating func unlink(_ slot: Int) {
    let older = slots[slot].older
    let newer = slots[slot].newer
    if older == Sessions.none { oldest = newer } else { slots[Int(older)].newer = newer }
    if newer == Sessions.none { newest = older } else { slots[Int(newer)].older = older }
  }
}

extension Sessions: Hashable {
  /// Equal sessions hold the same, wherever it lies in memory.
  public static func == (a: Sessions, b: Sessions) -> Bool {
    guard a.count == b.count, a.limits == b.limits, a.sum == b.sum else { return false }
    var mine = a.oldest
    var theirs = b.oldest
    while mine != none, theirs != none {
      let left = a.slots[Int(mine)]
      let right = b.slots[Int(theirs)]
      guard left.id == right.id, left.newestRequest == right.newestRequest,
        left.acknowledgedThrough == right.acknowledgedThrough, left.outcomes == right.outcomes
      else { return false }
      mine = left.newer
      theirs = right.newer
    }
    return mine == none && theirs == none
  }

  /// Feeds the digest.
  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

extension Sessions {
  /// Writes the sessions from the one idle longest on, as many as fit into a part.
  ///
  /// - Returns: whether all are written.
  func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) -> Bool {
    // The position is a slot plus one; 0 stands before the first.
    var slot = oldest
    if cursor.position == 0 {
      limits.write(into: &writer)
    } else {
      slot = slots[cursor.position - 1].newer
    }
    let start = writer.count
    while slot != Sessions.none, writer.count - start < SnapshotCursor.partBytes {
      write(slots[Int(slot)], into: &writer)
      cursor.position = Int(slot) + 1
      slot = slots[Int(slot)].newer
    }
    return slot == Sessions.none
  }

  private func write(_ session: Session, into writer: inout ByteWriter) {
    writer.write(session.id)
    writer.write(session.newestRequest.nanoseconds)
    writer.write(session.acknowledgedThrough)
    writer.write(count: session.outcomes.count)
    for outcome in session.outcomes {
      writer.write(outcome.sequence)
      writer.write(outcome.index)
      writer.write(string: outcome.result)
    }
  }

  mutating func read(
    part reader: inout ByteReader, isFirst: Bool
  ) throws(MachineDecodingError) {
    if isFirst { limits = try SessionLimits(from: &reader) }
    while !reader.isAtEnd {
      var session = Session(
        id: try reader.read(), newestRequest: LogTime(nanoseconds: try reader.read()))
      session.acknowledgedThrough = try reader.read()
      var previous = session.acknowledgedThrough
      for _ in 0..<(try reader.readCount(of: 20)) {
        let outcome = Outcome(
          sequence: try reader.read(), index: try reader.read(),
          result: Array(try reader.readString()))
        guard outcome.sequence > previous, outcome.sequence < UInt64.max >> 1 else {
          throw .disordered
        }
        previous = outcome.sequence
        session.outcomes.append(outcome)
        session.resultBytes += UInt64(outcome.result.count)
        session.outcomeDigest &+= outcome.digest
      }
      guard session.id > 0, slot(of: SessionID(session.id)) == nil else { throw .disordered }
      if newest != Sessions.none, slots[Int(newest)].newestRequest > session.newestRequest {
        throw .disordered
      }
      add(session)
    }
    guard UInt64(count) <= UInt64(limits.sessions) else { throw .inconsistent }
  }
}

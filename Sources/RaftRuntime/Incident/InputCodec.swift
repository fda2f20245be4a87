// Inputs of a replica as bytes. All numbers are little-endian; a first byte says which input it is.
//
// A question to the machine is written without what it asks: what is asked changes nothing, and
// only the machine's own program could read it. Everything else is whole.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// Writes and reads inputs.
enum InputCodec {
  private enum Kind: UInt8 {
    case tick = 0
    case receive = 1
    case request = 2
    case administer = 3
    case finished = 4
    case peerUnreachable = 5
    case peerReachable = 6
    case campaign = 7
    case stop = 8
  }

  // MARK: Writing

  static func write<Machine: StateMachine>(
    _ input: ReplicaInput<Machine>, into writer: inout ByteWriter
  ) {
    func begin(_ kind: Kind) { writer.write(kind.rawValue) }
    switch input {
    case .tick(let nanoseconds):
      begin(.tick)
      writer.write(nanoseconds)
    case .receive(let envelope):
      begin(.receive)
      writer.write(string: envelope.encoded())
    case .request(let name, let request, let deadline):
      begin(.request)
      writer.write(name.rawValue)
      write(deadline?.rawValue, into: &writer)
      write(request, into: &writer)
    case .administer(let name, let request, let deadline):
      begin(.administer)
      writer.write(name.rawValue)
      write(deadline?.rawValue, into: &writer)
      write(request, into: &writer)
    case .finished(let job, let result):
      begin(.finished)
      writer.write(job.rawValue)
      write(result, into: &writer)
    case .peerUnreachable(let node):
      begin(.peerUnreachable)
      writer.write(node.rawValue)
    case .peerReachable(let node):
      begin(.peerReachable)
      writer.write(node.rawValue)
    case .campaign: begin(.campaign)
    case .stop(let name):
      begin(.stop)
      writer.write(name.rawValue)
    }
  }

  /// A number that may be missing: a byte that says whether it is there, then the number.
  static func write(_ number: UInt64?, into writer: inout ByteWriter) {
    writer.write(UInt8(number == nil ? 0 : 1))
    if let number { writer.write(number) }
  }

  private static func write<Machine: StateMachine>(
    _ request: ClientRequest<Machine>, into writer: inout ByteWriter
  ) {
    switch request {
    case .openSession: writer.write(UInt8(0))
    case .command(let command, let position, let copies):
      writer.write(UInt8(1))
      writer.write(string: command)
      write(position?.session.rawValue, into: &writer)
      writer.write(position?.sequence ?? 0)
      writer.write(position?.acknowledgedThrough ?? 0)
      switch copies {
      case .majority: writer.write(UInt64(0))
      case .all: writer.write(UInt64.max)
      case .atLeast(let count): writer.write(UInt64(1) << 32 | UInt64(count))
      }
    case .keepSession(let session, let acknowledged):
      writer.write(UInt8(2))
      writer.write(session.rawValue)
      writer.write(acknowledged)
    case .closeSession(let session):
      writer.write(UInt8(3))
      writer.write(session.rawValue)
    case .query(_, let kind):
      writer.write(UInt8(4))
      writer.write(kind.rawValue)
    case .passTime: writer.write(UInt8(5))
    }
  }

  private static func write(_ request: AdminRequest, into writer: inout ByteWriter) {
    switch request {
    case .changeMembership(let change):
      writer.write(UInt8(0))
      writer.write(count: change.steps.count)
      for step in change.steps {
        writer.write(code(step))
        writer.write(step.node.rawValue)
      }
      write(change.basedOn?.rawValue, into: &writer)
      writer.write(UInt8(change.isJointForced ? 1 : 0))
    case .transferLeadership(let node):
      writer.write(UInt8(1))
      write(node?.rawValue, into: &writer)
    case .limitSessions(let limits):
      writer.write(UInt8(2))
      writer.write(limits.sessions)
      writer.write(limits.idleNanoseconds)
      writer.write(limits.requestsUnderWay)
      writer.write(limits.resultBytes)
    case .takeSnapshot: writer.write(UInt8(3))
    }
  }

  private static func code(_ step: MembershipStep) -> UInt8 {
    switch step {
    case .addLearner: 0
    case .addVoter: 1
    case .addWitness: 2
    case .demote: 3
    case .remove: 4
    }
  }

  static func write(_ result: JobResult, into writer: inout ByteWriter) {
    switch result {
    case .done(let read):
      writer.write(UInt8(0))
      writer.write(count: read.count)
      for bytes in read { writer.write(string: bytes) }
    case .failed(let step, let error):
      writer.write(UInt8(1))
      writer.write(UInt64(step))
      write(error, into: &writer)
    }
  }

  static func write(_ error: DiskError, into writer: inout ByteWriter) {
    writer.write(error.operation.rawValue)
    writer.write(string: error.file.map { Array($0.text.utf8) } ?? [])
    switch error.problem {
    case .full: writer.write(UInt8(0))
    case .notFound: writer.write(UInt8(1))
    case .unreadable: writer.write(UInt8(2))
    case .heldByAnother: writer.write(UInt8(3))
    case .system(let number):
      writer.write(UInt8(4))
      writer.write(number)
    }
  }

  // MARK: Reading

  /// Takes an input from the front of bytes. Its machine has the questions of `Unasked`.
  static func read<Machine: StateMachine>(
    from reader: inout ByteReader
  ) throws(MachineDecodingError) -> ReplicaInput<Machine> where Machine.Query == UnaskedQuery {
    let code: UInt8 = try reader.read()
    guard let kind = Kind(rawValue: code) else { throw .unknownKind(code) }
    switch kind {
    case .tick: return .tick(nanoseconds: try reader.read())
    case .receive:
      let bytes = try reader.readString()
      do throws(EnvelopeError) { return .receive(try PeerEnvelope.decode(bytes)) } catch {
        throw .inconsistent
      }
    case .request:
      let name = RequestID(try reader.read())
      let deadline = try readOptional(from: &reader).map { Ticks($0) }
      return .request(name, try readRequest(from: &reader), deadline: deadline)
    case .administer:
      let name = RequestID(try reader.read())
      let deadline = try readOptional(from: &reader).map { Ticks($0) }
      return .administer(name, try readAdminRequest(from: &reader), deadline: deadline)
    case .finished:
      let job = JobID(try reader.read())
      return .finished(job, try readResult(from: &reader))
    case .peerUnreachable: return .peerUnreachable(NodeID(try reader.read()))
    case .peerReachable: return .peerReachable(NodeID(try reader.read()))
    case .campaign: return .campaign
    case .stop: return .stop(RequestID(try reader.read()))
    }
  }

  static func readOptional(from reader: inout ByteReader) throws(MachineDecodingError) -> UInt64? {
    guard try readFlag(from: &reader) else { return nil }
    return try reader.read(UInt64.self)
  }

  static func readFlag(from reader: inout ByteReader) throws(MachineDecodingError) -> Bool {
    let flag: UInt8 = try reader.read()
    guard flag <= 1 else { throw .outOfRange }
    return flag == 1
  }

  private static func readRequest<Machine: StateMachine>(
    from reader: inout ByteReader
  ) throws(MachineDecodingError) -> ClientRequest<Machine> where Machine.Query == UnaskedQuery {
    let code: UInt8 = try reader.read()
    switch code {
    case 0: return .openSession
    case 1:
      let command = Array(try reader.readString())
      let session = try readOptional(from: &reader)
      let sequence: UInt64 = try reader.read()
      let acknowledged: UInt64 = try reader.read()
      let position = session.map {
        SessionPosition(
          session: SessionID($0), sequence: sequence, acknowledgedThrough: acknowledged)
      }
      let word: UInt64 = try reader.read()
      let copies: CopiesWanted =
        switch word {
        case 0: .majority
        case .max: .all
        default: .atLeast(UInt32(truncatingIfNeeded: word))
        }
      return .command(command, in: position, copies: copies)
    case 2:
      let session = SessionID(try reader.read())
      return .keepSession(session, acknowledgedThrough: try reader.read())
    case 3: return .closeSession(SessionID(try reader.read()))
    case 4:
      let code: UInt8 = try reader.read()
      guard let kind = ReadKind(rawValue: code) else { throw .outOfRange }
      return .query(UnaskedQuery(), kind)
    case 5: return .passTime
    default: throw .unknownKind(code)
    }
  }

  private static func readAdminRequest(
    from reader: inout ByteReader
  ) throws(MachineDecodingError) -> AdminRequest {
    let code: UInt8 = try reader.read()
    switch code {
    case 0:
      var steps: [MembershipStep] = []
      for _ in 0..<(try reader.readCount(of: 9)) { steps.append(try readStep(from: &reader)) }
      let basedOn = try readOptional(from: &reader).map { LogIndex($0) }
      return .changeMembership(
        MembershipChange(steps, basedOn: basedOn, isJointForced: try readFlag(from: &reader)))
    case 1: return .transferLeadership(to: try readOptional(from: &reader).map { NodeID($0) })
    case 2:
      var limits = SessionLimits()
      limits.sessions = try reader.read()
      limits.idleNanoseconds = try reader.read()
      limits.requestsUnderWay = try reader.read()
      limits.resultBytes = try reader.read()
      return .limitSessions(limits)
    case 3: return .takeSnapshot
    default: throw .unknownKind(code)
    }
  }

  private static func readStep(
    from reader: inout ByteReader
  ) throws(MachineDecodingError) -> MembershipStep {
    let code: UInt8 = try reader.read()
    let node = NodeID(try reader.read())
    switch code {
    case 0: return .addLearner(node)
    case 1: return .addVoter(node)
    case 2: return .addWitness(node)
    case 3: return .demote(node)
    case 4: return .remove(node)
    default: throw .unknownKind(code)
    }
  }

  static func readResult(from reader: inout ByteReader) throws(MachineDecodingError) -> JobResult {
    let code: UInt8 = try reader.read()
    switch code {
    case 0:
      var read: [[UInt8]] = []
      for _ in 0..<(try reader.readCount(of: 4)) { read.append(Array(try reader.readString())) }
      return .done(read: read)
    case 1:
      let step: UInt64 = try reader.read()
      guard let step = Int(exactly: step) else { throw .outOfRange }
      return .failed(step: step, try readError(from: &reader))
    default: throw .unknownKind(code)
    }
  }

  static func readError(from reader: inout ByteReader) throws(MachineDecodingError) -> DiskError {
    let code: UInt8 = try reader.read()
    guard let operation = DiskOperation(rawValue: code) else { throw .outOfRange }
    let text = Array(try reader.readString())
    var file: FileName?
    if !text.isEmpty {
      file = FileName(utf8: text)
      guard file != nil else { throw .outOfRange }
    }
    let kind: UInt8 = try reader.read()
    switch kind {
    case 0: return DiskError(operation, file, .full)
    case 1: return DiskError(operation, file, .notFound)
    case 2: return DiskError(operation, file, .unreadable)
    case 3: return DiskError(operation, file, .heldByAnother)
    case 4: return DiskError(operation, file, .system(try reader.read()))
    default: throw .unknownKind(kind)
    }
  }
}

/// A question of which only is known that it was asked.
public struct UnaskedQuery: Hashable, Sendable {}

/// A machine whose questions are not known: what an incident is replayed with.
///
/// Commands, snapshots and digests are those of the machine; questions are answered with nothing.
public struct Unasked<Machine: StateMachine>: StateMachine {
  /// The machine.
  public private(set) var machine: Machine

  /// Around this machine.
  public init(_ machine: Machine) { self.machine = machine }
  /// Around a machine before its first command.
  public init() { machine = Machine() }
  /// Reads the machine.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    machine = try Machine(from: &reader)
  }

  /// Writes the machine.
  public func write(into writer: inout ByteWriter) { machine.write(into: &writer) }
  /// That of the machine.
  public var beginning: Unasked { Unasked(machine.beginning) }

  /// Applies the command.
  public mutating func apply(_ command: Machine.Command, at moment: Moment) -> Machine.Result {
    machine.apply(command, at: moment)
  }

  /// Applies the command from its bytes.
  public mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    try machine.apply(encoded: command, at: moment, into: &result)
  }

  /// Lets time pass.
  public mutating func pass(_ moment: Moment) { machine.pass(moment) }
  /// That of the machine.
  public var nextDeadline: LogTime? { machine.nextDeadline }
  /// Nothing.
  public func query(_ query: UnaskedQuery) -> UnaskedQuery { query }
  /// That of the machine.
  public var brokenInvariant: String? { machine.brokenInvariant }
  /// That of the machine.
  public static var stampsKept: UInt64 { Machine.stampsKept }
  /// That of the machine.
  public var stampsFrom: LogIndex { machine.stampsFrom }

  /// Writes a part of the machine.
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    machine.writePart(at: &cursor, into: &writer)
  }
  /// Reads a part of the machine.
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    try machine.read(part: part)
  }
  /// Ends the reading.
  public mutating func finishReading() throws(MachineDecodingError) { try machine.finishReading() }
  /// That of the machine.
  public var digest: UInt64 { machine.digest }
}

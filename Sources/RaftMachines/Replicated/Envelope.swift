// What the payload of an entry is: who asks, when, and for what.
//
//     envelope  version(1) stamp request
//     request   0 command                                        without a session
//               1 session:8 sequence:8 acknowledged:8 command    in a session
//               2                                                open a session
//               3 session:8                                      close it
//               4                                                nothing: only the stamp counts
//               5 sessions:4 idle:8 requests:4 bytes:8           limits of sessions from now on
//               6 session:8 acknowledged:8                       keep it alive
//
// Numbers are little-endian; `stamp` is that of RaftClocks; `command` is the machine's own.

import Raft
import RaftClocks

/// The number of a session: the index of the entry that opened it, so that no two are the same.
public struct SessionID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The index; 1 or more.
  public let rawValue: UInt64

  /// The session with this number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders sessions as they were opened.
  @inlinable public static func < (a: SessionID, b: SessionID) -> Bool {
    a.rawValue < b.rawValue
  }

  /// `s` and the number, for example `s12`.
  public var description: String { "s\(rawValue)" }
}

/// Which request of a session a command is (thesis §6.3).
public struct SessionPosition: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The session.
  public var session: SessionID
  /// The number of the request in its session: 1 for the first, then counting up. A retry carries
  /// the number of what it retries.
  public var sequence: UInt64
  /// The client has the results of all requests through this number, and will not ask for them
  /// again.
  public var acknowledgedThrough: UInt64

  /// A position of these parts.
  public init(session: SessionID, sequence: UInt64, acknowledgedThrough: UInt64 = 0) {
    self.session = session
    self.sequence = sequence
    self.acknowledgedThrough = acknowledgedThrough
  }

  /// For example `s12/3`.
  public var description: String { "\(session.description)/\(sequence)" }
}

/// What a client wants of the replicated machine.
public enum Request: Hashable, Sendable {
  /// Applies a command. A retry of it is another command.
  case command([UInt8])
  /// Applies a command once, however often it is asked for.
  case inSession(SessionPosition, command: [UInt8])
  /// Opens a session.
  case openSession
  /// Closes a session: its results are forgotten.
  case closeSession(SessionID)
  /// Moves the log's time on: what expires by then is expired.
  case time
  /// Sets the limits of sessions on all replicas.
  case limitSessions(SessionLimits)
  /// Keeps a session alive without a command, and says through which number the client has the
  /// results.
  case keepSession(SessionID, acknowledgedThrough: UInt64)
}

extension Request: BinaryValue {
  enum Kind: UInt8 {
    case command = 0
    case inSession = 1
    case openSession = 2
    case closeSession = 3
    case time = 4
    case limitSessions = 5
    case keepSession = 6
  }

  /// Writes the kind and its fields. A command ends the request, so nothing may follow it.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .command(let command):
      writer.write(Kind.command.rawValue)
      writer.write(bytes: command)
    case .inSession(let position, let command):
      writer.write(Kind.inSession.rawValue)
      writer.write(position.session.rawValue)
      writer.write(position.sequence)
      writer.write(position.acknowledgedThrough)
      writer.write(bytes: command)
    case .openSession: writer.write(Kind.openSession.rawValue)
    case .closeSession(let session):
      writer.write(Kind.closeSession.rawValue)
      writer.write(session.rawValue)
    case .time: writer.write(Kind.time.rawValue)
    case .limitSessions(let limits):
      writer.write(Kind.limitSessions.rawValue)
      limits.write(into: &writer)
    case .keepSession(let session, let acknowledged):
      writer.write(Kind.keepSession.rawValue)
      writer.write(session.rawValue)
      writer.write(acknowledged)
    }
  }

  /// Reads a request through the end of the bytes.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    switch try RequestParts(from: &reader) {
    case .command(let command): self = .command(Array(command))
    case .inSession(let position, let command):
      self = .inSession(position, command: Array(command))
    case .openSession: self = .openSession
    case .closeSession(let session): self = .closeSession(session)
    case .time: self = .time
    case .limitSessions(let limits): self = .limitSessions(limits)
    case .keepSession(let session, let acknowledged):
      self = .keepSession(session, acknowledgedThrough: acknowledged)
    }
  }
}

/// A request whose command is left where it stands.
enum RequestParts {
  case command(ArraySlice<UInt8>)
  case inSession(SessionPosition, command: ArraySlice<UInt8>)
  case openSession
  case closeSession(SessionID)
  case time
  case limitSessions(SessionLimits)
  case keepSession(SessionID, acknowledgedThrough: UInt64)

  @inline(__always)
  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let code: UInt8 = try reader.read()
    guard let kind = Request.Kind(rawValue: code) else { throw .unknownKind(code) }
    switch kind {
    case .command: self = .command(try reader.read(bytes: reader.remaining))
    case .inSession:
      let session = SessionID(try reader.read())
      let sequence: UInt64 = try reader.read()
      let acknowledged: UInt64 = try reader.read()
      // A client cannot have the result of what it is just asking for.
      guard sequence > 0, acknowledged < UInt64.max >> 1, sequence < UInt64.max >> 1 else {
        throw .outOfRange
      }
      let position = SessionPosition(
        session: session, sequence: sequence, acknowledgedThrough: acknowledged)
      self = .inSession(position, command: try reader.read(bytes: reader.remaining))
    case .openSession:
      try reader.finish()
      self = .openSession
    case .closeSession:
      self = .closeSession(SessionID(try reader.read()))
      try reader.finish()
    case .time:
      try reader.finish()
      self = .time
    case .limitSessions:
      self = .limitSessions(try SessionLimits(from: &reader))
      try reader.finish()
    case .keepSession:
      let session = SessionID(try reader.read())
      let acknowledged: UInt64 = try reader.read()
      guard acknowledged < UInt64.max >> 1 else { throw .outOfRange }
      try reader.finish()
      self = .keepSession(session, acknowledgedThrough: acknowledged)
    }
  }
}

/// A request as it stands in the log: with the clock stamp of the leader that put it there.
public struct Envelope: Hashable, Sendable {
  /// The version that is written.
  public static let version: UInt8 = 1

  /// When the leader took the request in.
  public var stamp: ClockStamp
  /// What is asked for.
  public var request: Request

  /// An envelope of these two.
  public init(stamp: ClockStamp, request: Request) {
    self.stamp = stamp
    self.request = request
  }

  /// The payload of an entry.
  public func encoded() -> [UInt8] {
    Envelope.seal(request.encoded()[...], stamp: stamp)
  }

  /// The payload of an entry, from a request that is encoded already.
  public static func seal(_ request: ArraySlice<UInt8>, stamp: ClockStamp) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(23 + 16 * stamp.vector.components.count + request.count)
    bytes.append(version)
    stamp.encode(into: &bytes)
    bytes.append(contentsOf: request)
    return bytes
  }

  /// The envelope that the payload of an entry is.
  ///
  /// - Throws: `MachineDecodingError` if it is none.
  public static func decode(
    _ payload: ArraySlice<UInt8>
  ) throws(MachineDecodingError) -> Envelope {
    var reader = ByteReader(payload)
    let encoded = try EncodedStamp(openingEnvelope: &reader)
    let request = try Request(encoded: reader.rest)
    do throws(ClockError) {
      return Envelope(stamp: try encoded.stamp(), request: request)
    } catch {
      throw MachineDecodingError(error)
    }
  }
}

extension MachineDecodingError {
  /// What is wrong with a stamp, as what is wrong with the bytes that it stands in.
  init(_ error: ClockError) {
    switch error {
    case .wrongLength: self = .truncated
    case .unknownVersion(let version): self = .unknownVersion(version)
    case .disordered: self = .disordered
    case .absurdCounter, .tooManyComponents, .tooFarAhead: self = .outOfRange
    }
  }
}

extension EncodedStamp {
  /// Takes the version and the stamp from the front of a payload.
  @inline(__always)
  init(openingEnvelope reader: inout ByteReader) throws(MachineDecodingError) {
    try reader.readVersion(newest: Envelope.version)
    do throws(ClockError) {
      self = try EncodedStamp(frontOf: reader.rest)
    } catch {
      throw MachineDecodingError(error)
    }
    _ = try reader.read(bytes: size)
  }
}

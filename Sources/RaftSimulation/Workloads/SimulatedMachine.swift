// One log for all our machines: so that each run tries all of them, and what one of them does to
// the log the others feel. Beside them there is room for one machine of somebody else's.

import Raft
import RaftClocks
import RaftMachines
import RaftReplica

/// What every simulated replica hosts: all our machines in one log, and a guest if there is one.
///
/// Without a guest it is, byte for byte, a `Composite` of its first and its second part.
public struct SimulatedMachine: StateMachine {
  /// The machines behind the key-value store: the ledger, the topics, the clock.
  public typealias Others = Composite<RaftMachines.Ledger, Composite<Topics, LogClock>>

  /// A command for one of the parts.
  public enum Command: Sendable {
    /// For the key-value store.
    case first(KeyValue.Command)
    /// For one of the others.
    case second(Others.Command)
    /// For the guest, as it encodes it.
    case guest([UInt8])
  }

  /// A result of one of the parts.
  public enum Result: Sendable {
    /// Of the key-value store.
    case first(KeyValue.Result)
    /// Of one of the others.
    case second(Others.Result)
    /// Of the guest, as it encodes it.
    case guest([UInt8])
  }

  /// A question to one of the parts.
  public enum Query: Sendable {
    /// To the key-value store.
    case first(KeyValue.Query)
    /// To one of the others.
    case second(Others.Query)
    /// To the guest.
    case guest(GuestQuery)
  }

  /// An answer of one of the parts.
  public enum Answer: Sendable {
    /// Of the key-value store.
    case first(KeyValue.Answer)
    /// Of one of the others.
    case second(Others.Answer)
    /// Of the guest.
    case guest(GuestAnswer)
  }

  /// The key-value store.
  public var first = KeyValue()
  /// The others.
  public var second = Others()
  /// The machine of somebody else's, if there is one.
  public internal(set) var guest = Guest()

  /// All as they begin, and no guest.
  public init() {}

  init(guest: Guest) { self.guest = guest }

  /// All as they began, with the same guest.
  public var beginning: SimulatedMachine { SimulatedMachine(guest: guest.beginning) }

  /// Applies a command to the machine that it is for.
  ///
  /// A guest to which these bytes are no command answers nothing.
  public mutating func apply(_ command: Command, at moment: RaftMachines.Moment) -> Result {
    switch command {
    case .first(let command): return .first(first.apply(command, at: moment))
    case .second(let command): return .second(second.apply(command, at: moment))
    case .guest(let command):
      var result = ByteWriter()
      do throws(MachineDecodingError) {
        try guest.apply(command[...], at: moment, into: &result)
      } catch {
        return .guest([])
      }
      return .guest(result.bytes)
    }
  }

  /// Applies a command to the machine that it is for, as it stands in the log.
  public mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: RaftMachines.Moment,
    into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    guard let tag = command.first else { throw .truncated }
    let start = result.count
    result.write(tag)
    do throws(MachineDecodingError) {
      switch tag {
      case 0: try first.apply(encoded: command.dropFirst(), at: moment, into: &result)
      case 1: try second.apply(encoded: command.dropFirst(), at: moment, into: &result)
      case 2: try guest.apply(command.dropFirst(), at: moment, into: &result)
      default: throw .unknownKind(tag)
      }
    } catch {
      result.truncate(to: start)
      throw error
    }
  }

  /// All see the time go on.
  public mutating func pass(_ moment: RaftMachines.Moment) {
    first.pass(moment)
    second.pass(moment)
    guest.pass(moment)
  }

  /// The earliest of all.
  public var nextDeadline: LogTime? {
    var next = first.nextDeadline ?? .never
    if let deadline = second.nextDeadline { next = min(next, deadline) }
    if let deadline = guest.nextDeadline { next = min(next, deadline) }
    return next == .never ? nil : next
  }

  /// Asks the machine that the question is for.
  public func query(_ query: Query) -> Answer {
    switch query {
    case .first(let query): .first(first.query(query))
    case .second(let query): .second(second.query(query))
    case .guest(let query): .guest(guest.query(query))
    }
  }

  /// A digest of all.
  public var digest: UInt64 {
    var digest = Digest(first.digest)
    digest.combine(second.digest)
    if guest.isThere { digest.combine(guest.digest) }
    return digest.value
  }

  /// What is broken in one of them.
  public var brokenInvariant: String? {
    first.brokenInvariant ?? second.brokenInvariant ?? guest.brokenInvariant
  }

  /// As many as the ledger wants: all.
  public static var stampsKept: UInt64 { max(KeyValue.stampsKept, Others.stampsKept) }

  /// As far back as the ledger wants them.
  public var stampsFrom: LogIndex { second.stampsFrom }

  /// Writes all but the guest, which only its own type could read back.
  public func write(into writer: inout ByteWriter) {
    first.write(into: &writer)
    second.write(into: &writer)
  }

  /// Reads all but the guest.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    first = try KeyValue(from: &reader)
    second = try Others(from: &reader)
  }

  /// Writes the parts of one after the other, each after a byte that tells whose it is.
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    writer.write(UInt8(truncatingIfNeeded: cursor.section))
    switch cursor.section {
    case 0: if cursor.write(first, into: &writer) { cursor.nextSection() }
    case 1:
      guard cursor.write(second, into: &writer) else { return }
      if guest.isThere { cursor.nextSection() } else { cursor.isAtEnd = true }
    default: if cursor.write(guest, into: &writer) { cursor.isAtEnd = true }
    }
  }

  /// Takes in the next part of one of them.
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    guard let tag = part.first else { throw .truncated }
    switch tag {
    case 0: try first.read(part: part.dropFirst())
    case 1: try second.read(part: part.dropFirst())
    case 2: try guest.read(part: part.dropFirst())
    default: throw .unknownKind(tag)
    }
  }

  /// All build what is not written.
  public mutating func finishReading() throws(MachineDecodingError) {
    try first.finishReading()
    try second.finishReading()
    try guest.finishReading()
  }
}

extension SimulatedMachine.Command: BinaryValue {
  /// Writes the tag and the command.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .first(let command):
      writer.write(UInt8(0))
      command.write(into: &writer)
    case .second(let command):
      writer.write(UInt8(1))
      command.write(into: &writer)
    case .guest(let bytes):
      writer.write(UInt8(2))
      writer.write(bytes: bytes)
    }
  }

  /// Reads the tag and the command.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .first(try KeyValue.Command(from: &reader))
    case 1: self = .second(try SimulatedMachine.Others.Command(from: &reader))
    case 2: self = .guest(Array(try reader.read(bytes: reader.remaining)))
    case let tag: throw .unknownKind(tag)
    }
  }
}

extension SimulatedMachine.Result: BinaryValue {
  /// Writes the tag and the result.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .first(let result):
      writer.write(UInt8(0))
      result.write(into: &writer)
    case .second(let result):
      writer.write(UInt8(1))
      result.write(into: &writer)
    case .guest(let bytes):
      writer.write(UInt8(2))
      writer.write(bytes: bytes)
    }
  }

  /// Reads the tag and the result.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .first(try KeyValue.Result(from: &reader))
    case 1: self = .second(try SimulatedMachine.Others.Result(from: &reader))
    case 2: self = .guest(Array(try reader.read(bytes: reader.remaining)))
    case let tag: throw .unknownKind(tag)
    }
  }
}

/// What a client asks a replica for.
enum ClientAsk: Sendable {
  /// A command, encoded.
  case command([UInt8])
  /// A question, and how fresh the answer must be.
  case query(SimulatedMachine.Query, ReadKind)
}

// One log for all our machines: so that each run tries all of them, and what one of them does to
// the log the others feel. Beside them there is room for one machine of somebody else's.

import Raft
import RaftClocks
import RaftMachines
import RaftReplica

/// What every simulated replica hosts: all our machines in one log, and a guest if there is one.
///
/// Without a guest it is, byte for byte, what `Ours` is.
public struct SimulatedMachine: StateMachine {
  /// Our machines: the key-value store, and behind it the others.
  public typealias Ours = Composite<KeyValue, Others>
  /// The machines behind the key-value store: the ledger, the topics, the clock.
  public typealias Others = Composite<RaftMachines.Ledger, Composite<Topics, LogClock>>

  /// A command for one of the machines.
  public enum Command: Sendable {
    /// For one of ours.
    case ours(Ours.Command)
    /// For the guest, as it encodes it.
    case guest([UInt8])
  }

  /// A result of one of the machines.
  public enum Result: Sendable {
    /// Of one of ours.
    case ours(Ours.Result)
    /// Of the guest, as it encodes it.
    case guest([UInt8])
  }

  /// A question to one of the machines.
  public enum Query: Sendable {
    /// To one of ours.
    case ours(Ours.Query)
    /// To the guest.
    case guest(GuestQuery)
  }

  /// An answer of one of the machines.
  public enum Answer: Sendable {
    /// Of one of ours.
    case ours(Ours.Answer)
    /// Of the guest.
    case guest(GuestAnswer)
  }

  /// Our machines.
  public var ours = Ours()
  /// The machine of somebody else's, if there is one.
  public internal(set) var guest = Guest()
  /// Which entries it has executed, where somebody has to know.
  var executed = ExecutedEntries()

  /// The byte before what is the guest's; `Composite` has those before.
  static var guestTag: UInt8 { 2 }

  /// All as they begin, and no guest.
  public init() {}

  init(guest: Guest, executed: ExecutedEntries) {
    self.guest = guest
    self.executed = executed
  }

  /// All as they began, with the same guest.
  public var beginning: SimulatedMachine {
    SimulatedMachine(guest: guest.beginning, executed: executed.beginning)
  }

  /// Applies a command to the machine that it is for.
  ///
  /// A guest to which these bytes are no command answers nothing.
  public mutating func apply(_ command: Command, at moment: RaftMachines.Moment) -> Result {
    switch command {
    case .ours(let command): return .ours(ours.apply(command, at: moment))
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
    executed.note(moment.index)
    guard command.first == SimulatedMachine.guestTag else {
      return try ours.apply(encoded: command, at: moment, into: &result)
    }
    let start = result.count
    result.write(SimulatedMachine.guestTag)
    do throws(MachineDecodingError) {
      try guest.apply(command.dropFirst(), at: moment, into: &result)
    } catch {
      result.truncate(to: start)
      throw error
    }
  }

  /// All see the time go on.
  public mutating func pass(_ moment: RaftMachines.Moment) {
    ours.pass(moment)
    guest.pass(moment)
  }

  /// The earliest of all.
  public var nextDeadline: LogTime? {
    guard let deadline = guest.nextDeadline else { return ours.nextDeadline }
    return ours.nextDeadline.map { min($0, deadline) } ?? deadline
  }

  /// Asks the machine that the question is for.
  public func query(_ query: Query) -> Answer {
    switch query {
    case .ours(let query): .ours(ours.query(query))
    case .guest(let query): .guest(guest.query(query))
    }
  }

  /// A digest of all.
  public var digest: UInt64 {
    guard guest.isThere else { return ours.digest }
    var digest = Digest(ours.digest)
    digest.combine(guest.digest)
    return digest.value
  }

  /// What is broken in one of them.
  public var brokenInvariant: String? { ours.brokenInvariant ?? guest.brokenInvariant }

  /// As many as the ledger wants: all.
  public static var stampsKept: UInt64 { Ours.stampsKept }

  /// As far back as the ledger wants them.
  public var stampsFrom: LogIndex { ours.stampsFrom }

  /// Writes all but the guest, which only its own type could read back.
  public func write(into writer: inout ByteWriter) { ours.write(into: &writer) }

  /// Reads all but the guest.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    ours = try Ours(from: &reader)
  }

  /// Writes the parts of one after the other, each after a byte that tells whose it is.
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    if cursor.section < UInt32(SimulatedMachine.guestTag) {
      ours.writePart(at: &cursor, into: &writer)
      guard cursor.isAtEnd, guest.isThere else { return }
      cursor.isAtEnd = false
      cursor.nextSection()
    } else {
      writer.write(SimulatedMachine.guestTag)
      if cursor.write(guest, into: &writer) { cursor.isAtEnd = true }
    }
  }

  /// Takes in the next part of one of them.
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    if part.first == SimulatedMachine.guestTag {
      try guest.read(part: part.dropFirst())
    } else {
      try ours.read(part: part)
    }
  }

  /// All build what is not written.
  public mutating func finishReading() throws(MachineDecodingError) {
    try ours.finishReading()
    try guest.finishReading()
  }
}

/// The entries whose commands reached a machine, unlike those that its host has refused.
///
/// No part of the machine's state: equal machines may have come there on different ways.
struct ExecutedEntries: Hashable, Sendable {
  /// Rising; `nil` where nobody wants to know.
  private(set) var indexes: [UInt64]?

  /// None yet, and none ever unless they are kept.
  init(areKept: Bool = false) { indexes = areKept ? [] : nil }

  var beginning: ExecutedEntries { ExecutedEntries(areKept: indexes != nil) }

  @inline(__always)
  mutating func note(_ index: LogIndex) {
    if indexes != nil { indexes?.append(index.rawValue) }
  }

  static func == (a: ExecutedEntries, b: ExecutedEntries) -> Bool { true }
  func hash(into hasher: inout Hasher) {}
}

extension SimulatedMachine.Command: BinaryValue {
  /// Writes the tag and the command.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .ours(let command): command.write(into: &writer)
    case .guest(let bytes):
      writer.write(SimulatedMachine.guestTag)
      writer.write(bytes: bytes)
    }
  }

  /// Reads the tag and the command.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    if let bytes = try reader.readGuest() {
      self = .guest(bytes)
    } else {
      self = .ours(try SimulatedMachine.Ours.Command(from: &reader))
    }
  }
}

extension SimulatedMachine.Result: BinaryValue {
  /// Writes the tag and the result.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .ours(let result): result.write(into: &writer)
    case .guest(let bytes):
      writer.write(SimulatedMachine.guestTag)
      writer.write(bytes: bytes)
    }
  }

  /// Reads the tag and the result.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    if let bytes = try reader.readGuest() {
      self = .guest(bytes)
    } else {
      self = .ours(try SimulatedMachine.Ours.Result(from: &reader))
    }
  }
}

extension ByteReader {
  /// All the bytes behind the guest's tag; `nil` if another tag stands here, which is not taken.
  fileprivate mutating func readGuest() throws(MachineDecodingError) -> [UInt8]? {
    guard rest.first == SimulatedMachine.guestTag else { return nil }
    try skip(1)
    return Array(try read(bytes: remaining))
  }
}

/// What a client asks a replica for.
enum ClientAsk: Sendable {
  /// A command, encoded.
  case command([UInt8])
  /// A question, and how fresh the answer must be.
  case query(SimulatedMachine.Query, ReadKind)
}

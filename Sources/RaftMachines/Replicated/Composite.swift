// Several machines in one replica: one log, one order, one snapshot.

import Raft

/// Two machines that live in one log; for more, one of the two is a composite itself.
///
/// A command is one byte that tells for which of the two it is, and that machine's own encoding.
/// Which machine gets a command is decided by types: nothing is looked up.
///
///     command, result   0 first | 1 second
public struct Composite<First: StateMachine, Second: StateMachine>: StateMachine {
  /// A command for one of the two.
  public enum Command: Sendable {
    /// For the first.
    case first(First.Command)
    /// For the second.
    case second(Second.Command)
  }

  /// A result of one of the two.
  public enum Result: Sendable {
    /// Of the first.
    case first(First.Result)
    /// Of the second.
    case second(Second.Result)
  }

  /// A question to one of the two.
  public enum Query: Sendable {
    /// To the first.
    case first(First.Query)
    /// To the second.
    case second(Second.Query)
  }

  /// An answer of one of the two.
  public enum Answer: Sendable {
    /// Of the first.
    case first(First.Answer)
    /// Of the second.
    case second(Second.Answer)
  }

  /// The first machine.
  public var first: First
  /// The second machine.
  public var second: Second

  /// Both as they begin.
  @inlinable public init() { self.init(First(), Second()) }

  /// These two.
  @inlinable
  public init(_ first: First, _ second: Second) {
    self.first = first
    self.second = second
  }

  /// Both as they began.
  @inlinable public var beginning: Composite { Composite(first.beginning, second.beginning) }

  /// Applies a command to the machine that it is for.
  @inlinable
  public mutating func apply(_ command: Command, at moment: Moment) -> Result {
    switch command {
    case .first(let command): .first(first.apply(command, at: moment))
    case .second(let command): .second(second.apply(command, at: moment))
    }
  }

  /// Applies a command to the machine that it is for, as it stands in the log.
  @inlinable
  public mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    guard let tag = command.first else { throw .truncated }
    let start = result.count
    result.write(tag)
    do throws(MachineDecodingError) {
      switch tag {
      case 0: try first.apply(encoded: command.dropFirst(), at: moment, into: &result)
      case 1: try second.apply(encoded: command.dropFirst(), at: moment, into: &result)
      default: throw .unknownKind(tag)
      }
    } catch {
      result.truncate(to: start)
      throw error
    }
  }

  /// Both see the time go on.
  @inlinable
  public mutating func pass(_ moment: Moment) {
    first.pass(moment)
    second.pass(moment)
  }

  /// The earlier of the two.
  @inlinable public var nextDeadline: LogTime? {
    guard let deadline = first.nextDeadline else { return second.nextDeadline }
    return second.nextDeadline.map { min($0, deadline) } ?? deadline
  }

  /// Asks the machine that the question is for.
  @inlinable
  public func query(_ query: Query) -> Answer {
    switch query {
    case .first(let query): .first(first.query(query))
    case .second(let query): .second(second.query(query))
    }
  }

  /// A digest of both.
  @inlinable public var digest: UInt64 {
    var digest = Digest(first.digest)
    digest.combine(second.digest)
    return digest.value
  }

  /// What is broken in the first, or else in the second.
  @inlinable public var brokenInvariant: String? { first.brokenInvariant ?? second.brokenInvariant }

  /// As many as the one that keeps more.
  @inlinable public static var stampsKept: UInt64 { max(First.stampsKept, Second.stampsKept) }

  /// As far back as the one goes that keeps more; of two alike, the one that goes back further.
  @inlinable public var stampsFrom: LogIndex {
    if First.stampsKept > Second.stampsKept { return first.stampsFrom }
    if First.stampsKept < Second.stampsKept { return second.stampsFrom }
    return min(first.stampsFrom, second.stampsFrom)
  }

  /// Writes both, one after the other.
  @inlinable
  public func write(into writer: inout ByteWriter) {
    first.write(into: &writer)
    second.write(into: &writer)
  }

  /// Reads both.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    first = try First(from: &reader)
    second = try Second(from: &reader)
  }

  /// Writes the parts of the first, then those of the second, each after a byte that tells whose
  /// it is.
  @inlinable
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    if cursor.section == 0 {
      writer.write(UInt8(0))
      if cursor.write(first, into: &writer) { cursor.nextSection() }
    } else {
      writer.write(UInt8(1))
      if cursor.write(second, into: &writer) { cursor.isAtEnd = true }
    }
  }

  /// Takes in the next part of one of them.
  @inlinable
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    guard let tag = part.first else { throw .truncated }
    switch tag {
    case 0: try first.read(part: part.dropFirst())
    case 1: try second.read(part: part.dropFirst())
    default: throw .unknownKind(tag)
    }
  }

  /// Both build what is not written.
  @inlinable
  public mutating func finishReading() throws(MachineDecodingError) {
    try first.finishReading()
    try second.finishReading()
  }
}

extension Composite.Command: BinaryValue {
  /// Writes the tag and the command.
  @inlinable
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .first(let command):
      writer.write(UInt8(0))
      command.write(into: &writer)
    case .second(let command):
      writer.write(UInt8(1))
      command.write(into: &writer)
    }
  }

  /// Reads the tag and the command.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .first(try First.Command(from: &reader))
    case 1: self = .second(try Second.Command(from: &reader))
    case let tag: throw .unknownKind(tag)
    }
  }
}

extension Composite.Result: BinaryValue {
  /// Writes the tag and the result.
  @inlinable
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .first(let result):
      writer.write(UInt8(0))
      result.write(into: &writer)
    case .second(let result):
      writer.write(UInt8(1))
      result.write(into: &writer)
    }
  }

  /// Reads the tag and the result.
  @inlinable
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .first(try First.Result(from: &reader))
    case 1: self = .second(try Second.Result(from: &reader))
    case let tag: throw .unknownKind(tag)
    }
  }
}

// A clock that all replicas read alike, and that no failure turns back.

import Raft
import RaftClocks

/// A replicated clock: each reading is later than every reading before it, whoever asked.
///
/// A reading is the log's time at its entry, or one nanosecond after the last reading if the log's
/// time has not gone on. So readings order events of different clients, and stay as close to the
/// time on the wall as the leaders' clocks are.
public struct LogClock: StateMachine {
  /// What can be asked for in the order of the log.
  public enum Command: Hashable, Sendable {
    /// A new reading.
    case read
    /// So many new readings, the first of which is returned and which lie a nanosecond apart; at
    /// most 2^32 - 1.
    case reserve(UInt32)
  }

  /// The newest reading.
  public private(set) var latest = LogTime.zero

  /// A clock that was never read.
  public init() {}

  /// Returns a reading later than all before.
  public mutating func apply(_ command: Command, at moment: Moment) -> LogTime {
    let first = max(moment.time, latest.advanced(by: 1))
    switch command {
    case .read: latest = first
    case .reserve(let count): latest = first.advanced(by: UInt64(max(count, 1)) - 1)
    }
    return first
  }

  /// The clock needs no question but this: what was the newest reading?
  public enum Query: Hashable, Sendable {
    /// The newest reading.
    case latest
  }

  /// Returns the newest reading.
  public func query(_ query: Query) -> LogTime { latest }

  /// A digest of what `write(into:)` writes, without writing it.
  public var digest: UInt64 {
    var digest = Digest()
    digest.combine(9)
    digest.combine(latest.nanoseconds << 8 | 1)
    digest.combine(latest.nanoseconds >> 56)
    return digest.value
  }

  /// Writes the version and the newest reading.
  public func write(into writer: inout ByteWriter) {
    writer.write(UInt8(1))
    latest.write(into: &writer)
  }

  /// Reads the version and the newest reading.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    try reader.readVersion(newest: 1)
    latest = try LogTime(from: &reader)
  }
}

extension LogClock.Command: BinaryValue {
  /// Writes the version, the kind, and how many.
  public func write(into writer: inout ByteWriter) {
    writer.write(UInt8(1))
    switch self {
    case .read: writer.write(UInt8(0))
    case .reserve(let count):
      writer.write(UInt8(1))
      writer.write(count)
    }
  }

  /// Reads what `write(into:)` writes.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    try reader.readVersion(newest: 1)
    switch try reader.read(UInt8.self) {
    case 0: self = .read
    case 1: self = .reserve(try reader.read())
    case let kind: throw .unknownKind(kind)
    }
  }
}

extension LogTime: BinaryValue {
  /// Writes the nanoseconds.
  public func write(into writer: inout ByteWriter) { writer.write(nanoseconds) }

  /// Reads the nanoseconds.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init(nanoseconds: try reader.read())
  }
}

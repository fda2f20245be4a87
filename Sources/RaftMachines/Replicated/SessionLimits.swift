// How much of the past is kept for clients who ask again. Replicated: all replicas must forget at
// the same entry.

/// The limits of sessions.
public struct SessionLimits: Hashable, Sendable, BitwiseCopyable {
  /// How many sessions there may be; opening one more closes the one that was idle longest.
  ///
  /// - Range: 1 or more. The default is 65,536.
  public var sessions: UInt32 = 65_536

  /// How long a session lives without a request.
  ///
  /// - Unit: nanoseconds of the log's time. The default is an hour.
  public var idleNanoseconds: UInt64 = 3_600_000_000_000

  /// How many requests of one session may be without an acknowledgement: the largest sequence
  /// accepted is that of the newest acknowledgement plus this.
  ///
  /// - Range: 1 or more. The default is 256.
  public var requestsUnderWay: UInt32 = 256

  /// How many bytes of results are kept for one session; while it has as many, it may ask for
  /// nothing new before it acknowledges.
  ///
  /// - Range: 1 or more. The default is 4 MiB. One result may go beyond.
  public var resultBytes: UInt64 = 4 << 20

  /// The defaults.
  public init() {}
}

extension SessionLimits: BinaryValue {
  /// Writes the four numbers.
  public func write(into writer: inout ByteWriter) {
    writer.write(sessions)
    writer.write(idleNanoseconds)
    writer.write(requestsUnderWay)
    writer.write(resultBytes)
  }

  /// Reads the four numbers.
  ///
  /// - Throws: `.outOfRange` if one that must not be zero is.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    sessions = try reader.read()
    idleNanoseconds = try reader.read()
    requestsUnderWay = try reader.read()
    resultBytes = try reader.read()
    guard sessions > 0, requestsUnderWay > 0, resultBytes > 0 else { throw .outOfRange }
  }
}

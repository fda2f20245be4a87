// Single operations of clients, so that a plan can leave out some and keep the others as they were.

/// One operation that a client is to begin.
public struct PlannedOperation: Hashable, Sendable, BitwiseCopyable {
  /// The client, from 0.
  public var client: UInt64
  /// Which of the client's operations it is, from 0: what it asks for depends on the seed, on the
  /// client and on this number alone, whatever was left out before it.
  public var number: UInt64
  /// When it begins at the earliest: a client has one operation under way at a time.
  /// Unit: virtual nanoseconds since the start of the run.
  public var start: UInt64

  /// An operation.
  public init(client: UInt64, number: UInt64, start: UInt64) {
    self.client = client
    self.number = number
    self.start = start
  }
}

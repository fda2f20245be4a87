// §2: the replicated state machine. What a cluster agrees on is the order of commands; what they
// mean is said here.

import Raft
import RaftClocks

/// A deterministic machine that a cluster replicates (§2).
///
/// The same commands in the same order must lead to the same state and the same results on every
/// replica: no clock, no randomness, no order of a hash table. What a machine may know of time is
/// in the `Moment` that each command comes with.
///
/// A machine of one's own says what its commands and results are, applies one, and writes and reads
/// its state:
///
/// ```swift
/// struct Counter: StateMachine {
///   var total: Int64 = 0
///
///   mutating func apply(_ step: Int64, at moment: Moment) -> Int64 {
///     total += step
///     return total
///   }
///
///   init() {}
///   init(from reader: inout ByteReader) throws(MachineDecodingError) { total = try reader.read() }
///   func write(into writer: inout ByteWriter) { writer.write(total) }
/// }
/// ```
///
/// Machines that are large or fast do more: they keep their `digest` as they change, write their
/// snapshot in parts (`SnapshotParts`), and apply a command from its bytes without decoding it.
public protocol StateMachine: Hashable, SnapshotParts, BinaryValue {
  /// What changes the machine. It travels in the log, encoded.
  associatedtype Command: BinaryValue
  /// What a command returns. It is kept, encoded, for clients who ask again.
  associatedtype Result: BinaryValue
  /// What asks the machine without changing it. It never enters the log.
  associatedtype Query: Sendable = Never
  /// What a query returns.
  associatedtype Answer: Sendable = Never

  /// The machine before the first command.
  init()

  /// The machine as it was before its first command: what a replica begins with when it reads this
  /// machine from a snapshot.
  ///
  /// Unless a machine says otherwise, `init()` makes it. Others, which begin with something that is
  /// in no command (a table of fees, a limit), say it here.
  var beginning: Self { get }

  /// Applies one command at its place in the log.
  ///
  /// Whatever the command, it must not trap: it came from outside. What cannot be done is a result.
  mutating func apply(_ command: Command, at moment: Moment) -> Result

  /// Applies one command as it stands in the log, and writes its result.
  ///
  /// Unless a machine has something faster, this decodes, applies, and encodes the result.
  ///
  /// - Throws: `MachineDecodingError` if the bytes are no command. Then nothing has changed, and
  ///   nothing was written; all replicas see the same bytes and do the same.
  mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError)

  /// The log's time went on without a command: what expires by then may expire now.
  ///
  /// Unless a machine says otherwise, nothing happens; the next command brings the time, too.
  mutating func pass(_ moment: Moment)

  /// The log's time at which `pass` would next do something; `nil` if nothing waits for time.
  ///
  /// A leader that has nothing else to do looks at it, and moves the log's time on when its clock
  /// is there: so a hold expires though nobody asks. It may be too early, if `pass` then moves it
  /// on; unless a machine says otherwise, there is none.
  var nextDeadline: LogTime? { get }

  /// Answers a question about the present state.
  func query(_ query: Query) -> Answer

  /// What is broken, if one of the machine's own invariants does not hold: a sentence for people.
  ///
  /// The simulator asks after every step. Unless a machine says more, nothing ever is.
  var brokenInvariant: String? { get }

  /// Of how many of the newest entries the logical times are kept, so that their causal order can
  /// be asked for. Unless a machine says otherwise, 1,024.
  static var stampsKept: UInt64 { get }

  /// Of entries before this one no logical times are wanted any more. Unless a machine says
  /// otherwise, all that are kept are wanted.
  var stampsFrom: LogIndex { get }
}

extension StateMachine {
  /// Decodes, applies, and encodes the result.
  @inlinable
  public mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    let command = try Command(encoded: command)
    apply(command, at: moment).write(into: &result)
  }

  /// What `init()` makes.
  @inlinable public var beginning: Self { Self() }

  /// Nothing happens.
  @inlinable
  public mutating func pass(_ moment: Moment) {}

  /// Nothing waits for time.
  @inlinable public var nextDeadline: LogTime? { nil }

  /// Nothing is ever broken.
  @inlinable public var brokenInvariant: String? { nil }

  /// 1,024.
  @inlinable public static var stampsKept: UInt64 { 1_024 }

  /// The beginning.
  @inlinable public var stampsFrom: LogIndex { .zero }

  /// The bytes of a command, beginning with the version of the encoding if it has one.
  @inlinable
  public static func encode(_ command: Command) -> [UInt8] { command.encoded() }

  /// The command that these bytes hold.
  @inlinable
  public static func decode(
    _ bytes: ArraySlice<UInt8>
  ) throws(MachineDecodingError) -> Command {
    try Command(encoded: bytes)
  }
}

extension StateMachine where Query == Never, Answer == Never {
  /// There is nothing to ask.
  @inlinable
  public func query(_ query: Never) -> Never {}
}

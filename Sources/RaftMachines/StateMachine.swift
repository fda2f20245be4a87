// §2: the replicated state machine. What a cluster agrees on is the order of commands; what they
// mean is said here.

import Raft

/// Why a command or a snapshot could not be read.
public enum MachineDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The bytes end before the value does.
  case truncated
  /// The bytes go on after the value.
  case trailingBytes
  /// The version is not one that this code reads.
  case unknownVersion(UInt8)
  /// The version is known, the kind of command is not.
  case unknownKind(UInt8)
  /// The parts of a snapshot are not in their order.
  case disordered

  /// What is wrong, in a few words.
  public var description: String {
    switch self {
    case .truncated: "the bytes end too early"
    case .trailingBytes: "there are bytes after the end"
    case .unknownVersion(let version): "version \(version) is unknown"
    case .unknownKind(let kind): "kind \(kind) is unknown"
    case .disordered: "the parts are not in order"
    }
  }
}

/// A deterministic machine that a cluster replicates (§2).
///
/// The same commands in the same order must lead to the same state and the same results on every
/// replica: no clock, no randomness, no order of a hash table.
public protocol StateMachine: Hashable, Sendable {
  /// What changes the machine. It travels in the log, encoded.
  associatedtype Command: Sendable
  /// What a command returns.
  associatedtype Result: Sendable
  /// What asks the machine without changing it. It never enters the log.
  associatedtype Query: Sendable
  /// What a query returns.
  associatedtype Answer: Sendable

  /// The machine before the first command.
  init()

  /// Applies one command. `index` is the place of its entry in the log.
  mutating func apply(_ command: Command, at index: LogIndex) -> Result

  /// Answers a question about the present state.
  func query(_ query: Query) -> Answer

  /// The whole state as bytes, the same bytes for the same state.
  ///
  /// - Complexity: O(state).
  func snapshot() -> [UInt8]

  /// Replaces the state by the one that a snapshot holds; on an error the state is as before.
  mutating func restore(_ snapshot: [UInt8]) throws(MachineDecodingError)

  /// A digest of the state that is the same in every process.
  var digest: UInt64 { get }

  /// The bytes of a command, beginning with the version of the encoding.
  static func encode(_ command: Command) -> [UInt8]

  /// The command that these bytes hold.
  static func decode(_ bytes: ArraySlice<UInt8>) throws(MachineDecodingError) -> Command
}

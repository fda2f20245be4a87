// §2: a machine of somebody else's in a simulated replica. The world is compiled for our machines
// alone, and stays as fast; a guest comes in behind one pointer, in bytes.

import Raft
import RaftMachines

/// A machine of any type, as a part of ``SimulatedMachine``; or none.
///
/// It is a value: what is behind the pointer is copied before it changes if anybody else has it,
/// so a copy of a world has a guest of its own.
public struct Guest: Sendable {
  var box: GuestBox?

  /// No guest.
  init() {}

  init(_ box: GuestBox) { self.box = box }

  /// Whether there is one.
  public var isThere: Bool { box != nil }

  /// The guest as it began.
  var beginning: Guest {
    guard let box else { return Guest() }
    return Guest(box.beginning)
  }

  /// The machine in the box.
  ///
  /// - Precondition: the guest is of this type.
  func machine<Machine: StateMachine>(_ type: Machine.Type) -> Machine? {
    guard let box else { return nil }
    return unsafeDowncast(box, to: TypedGuest<Machine>.self).machine
  }

  /// Makes sure that nobody else has what is in the box.
  private mutating func own() {
    if box != nil, !isKnownUniquelyReferenced(&box) { box = box?.copy() }
  }

  mutating func apply(
    _ command: ArraySlice<UInt8>, at moment: RaftMachines.Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    own()
    guard let box else { throw .unknownKind(2) }
    try box.apply(command, at: moment, into: &result)
  }

  mutating func pass(_ moment: RaftMachines.Moment) {
    guard box != nil else { return }
    own()
    box?.pass(moment)
  }

  var nextDeadline: LogTime? {
    guard let box else { return nil }
    return box.nextDeadline
  }

  func query(_ query: GuestQuery) -> GuestAnswer {
    guard let box else { preconditionFailure("a question to a guest that is not there") }
    return box.query(query)
  }

  /// What a rule of the guest's or the simulation itself has found to be wrong with it.
  var brokenInvariant: String? { box?.finding?.sentence }
}

extension Guest: Hashable {
  /// Whether both are in the same state, as far as they write it.
  public static func == (a: Guest, b: Guest) -> Bool {
    guard let first = a.box, let second = b.box else { return a.isThere == b.isThere }
    return first.digest == second.digest
  }

  /// Feeds the digest.
  public func hash(into hasher: inout Hasher) { hasher.combine(box?.digest) }
}

extension Guest: SnapshotParts {
  /// Writes the next part of the guest.
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    guard let box else {
      cursor.isAtEnd = true
      return
    }
    box.writePart(at: &cursor, into: &writer)
  }

  /// Takes in the next part of the guest.
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    own()
    guard let box else { throw .unknownKind(2) }
    try box.read(part: part)
  }

  /// Lets the guest build what is not written.
  public mutating func finishReading() throws(MachineDecodingError) {
    guard box != nil else { return }
    own()
    try box?.finishReading()
  }

  /// A digest of the guest's state and of all results that it gave; 0 for no guest.
  public var digest: UInt64 { box?.digest ?? 0 }
}

/// A question to a guest. Only a simulation of the guest's own type can make one.
public struct GuestQuery: Sendable {
  let box: GuestBox.Question
}

/// An answer of a guest. Only a simulation of the guest's own type can read it.
public struct GuestAnswer: Sendable {
  let box: GuestBox.Answer
}

/// What is wrong with a guest, and where that was seen.
struct GuestFinding: Sendable {
  /// What kind of thing.
  enum Kind: Hashable, Sendable, BitwiseCopyable {
    /// A property that its author has named.
    case rule
    /// What the machine says of itself.
    case invariant
    /// A snapshot does not give the machine back.
    case snapshot
  }

  var kind: Kind
  /// The name of the property.
  var name: String
  /// The entry after which it was seen.
  var index: LogIndex
  /// What was seen, in one sentence without the name of the node.
  var sentence: String
}

/// What one command did to a guest: by it two nodes are compared.
struct GuestStep: Sendable {
  var index: LogIndex
  /// The command, encoded.
  var command: [UInt8]
  /// The digest of the machine after it, and of all results through this one.
  var digest: UInt64
}

/// A machine behind a pointer. It is changed by its only owner alone, which is `Guest`.
///
/// A class, because that is the one thing in Embedded Swift which is of some type that its holder
/// does not know.
class GuestBox: @unchecked Sendable {
  /// A question of some type.
  class Question: @unchecked Sendable {}
  /// An answer of some type.
  class Answer: @unchecked Sendable {}

  /// The first thing that was wrong, if any was.
  var finding: GuestFinding?
  /// The newest commands.
  var steps: [GuestStep] = []

  var beginning: GuestBox { missing() }
  func copy() -> GuestBox { missing() }
  func apply(
    _ command: ArraySlice<UInt8>, at moment: RaftMachines.Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) { missing() }
  func pass(_ moment: RaftMachines.Moment) { missing() }
  var nextDeadline: LogTime? { missing() }
  func query(_ query: GuestQuery) -> GuestAnswer { missing() }
  var digest: UInt64 { missing() }
  func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) { missing() }
  func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) { missing() }
  func finishReading() throws(MachineDecodingError) { missing() }
  /// The state, in words.
  var words: String { missing() }
  /// A command, in words.
  func words(command: [UInt8]) -> String { missing() }

  private func missing() -> Never {
    preconditionFailure("a box without a type: every guest is a TypedGuest")
  }
}

// What a concurrent object would do if nobody ran at the same time: the specification that a
// history is held against (Herlihy and Wing 1990).

/// What an operation with its result means in a state.
public enum Effect: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// The result is not the one that the object would give in this state.
  case impossible
  /// The same, and growth cannot change that, only an operation that sets a value; see
  /// ``Provision``.
  case hopeless
  /// The result is right and the state stays as it is.
  case unchanged
  /// The same, and whatever comes later, no answer becomes impossible because the operation is
  /// placed here and not there.
  case idle
  /// The result is right and the state becomes another one.
  case changed

  /// Of all that leave the state as it is: whether the result is right.
  @inlinable
  var isRight: Bool { self == .unchanged || self == .idle }
}

/// What an operation leaves behind for others to find: with it the search sees early that an
/// answer can no longer come about.
public enum Provision: Hashable, Sendable, BitwiseCopyable {
  /// With this result it changes nothing, in any state: a read, or a write that was refused. Such
  /// an operation is placed as soon as its result is right.
  case nothing
  /// After it something has exactly this value, whatever was there before.
  case value(UInt64)
  /// It makes another value out of the one that it finds.
  case growth
}

/// How an operation that makes a value out of another one can have made this one.
public enum Origin: Hashable, Sendable, BitwiseCopyable {
  /// It cannot.
  case impossible
  /// Out of exactly this value.
  case value(UInt64)
  /// Out of something; nothing follows.
  case unclear
}

/// A sequential specification: a state, operations, and which results are right.
///
/// Only ``initial``, ``step(_:_:_:)`` and ``digest(of:)`` must be written. The other members make
/// the search faster; each has a default that is right for every model.
///
/// A result of `nil` stands for an outcome that is not known: the step is then what the operation
/// does in this state, whatever it is.
public protocol SequentialModel: Sendable {
  /// The state between two operations.
  associatedtype State: Equatable & Sendable
  /// What is asked for.
  associatedtype Operation: Hashable & Sendable
  /// What is answered.
  associatedtype Result: Hashable & Sendable

  /// The state before the first operation.
  var initial: State { get }

  /// Takes one step. Returns false if the result is not right here; the state is then not used.
  ///
  /// The same state, operation and result always lead to the same state. With a result of `nil` it
  /// returns true. (It may note something in the model that does not change what it means.)
  mutating func step(_ state: inout State, _ operation: Operation, _ result: Result?) -> Bool

  /// What the step would do. The default takes the step on a copy.
  mutating func effect(
    of operation: Operation, _ result: Result?, in state: State
  ) -> Effect

  /// A number that equal states share and others seldom do. Not for an adversary.
  func digest(of state: State) -> UInt64

  /// About how many bytes a state takes that is kept, with what it refers to. The default is the
  /// size of the type; a model whose states hold collections counts those, too. A check may only
  /// take so many, see ``CheckLimits/bytes``.
  ///
  /// - Parameter state: the state; equal states have the same number, on every machine.
  /// - Complexity: O(1), as it is asked for after each step.
  func bytes(of state: State) -> Int

  /// Parts that do not concern each other: for each operation the number of its part, any number.
  /// Each part is checked by itself, which is far faster (Horn and Kroening 2015). `nil`, the
  /// default, if there is only one.
  ///
  /// A history is linearizable if and only if each of its parts is; so the parts must be objects of
  /// their own, each with the initial state.
  func parts(of operations: [Operation]) -> [UInt64]?

  /// What the operation touches, as a set of 64. Two operations with nothing in common can change
  /// places in any state without a difference in either result or in the state. The default says
  /// that everything touches everything.
  func cells(of operation: Operation) -> UInt64

  /// The value that must have been provided before this result is possible; `nil`, the default, if
  /// there is no such thing. An operation whose value was not provided and that is not possible at
  /// first is possible only after an operation that provides it.
  func required(by operation: Operation, _ result: Result?) -> UInt64?

  /// What the operation leaves behind. The default is growth, of which nothing follows.
  func provided(by operation: Operation, _ result: Result?) -> Provision

  /// Whether growth alone can make the second value out of the first. The default is true. A result
  /// that is ``Effect/hopeless`` can become right only after an operation that provides a value
  /// from which its own can grow.
  func canGrow(_ value: UInt64, into required: UInt64) -> Bool

  /// Out of which value a growing operation makes this one, which is needed somewhere; see
  /// ``Provision/growth``. The default is that it is unclear. From it follows which values must
  /// come about on the way to one that is needed, and which operation must not be wasted elsewhere.
  mutating func origin(of value: UInt64, by operation: Operation) -> Origin

  /// Says about which operations with which results a search will ask, before it begins. The model
  /// may from then on take states for one that none of these tells apart, now or after any of the
  /// others. The default does nothing.
  mutating func prepare(for operations: [Operation], _ results: [Result?])

  /// The operation and its result for a reader, for example `put x 1`.
  func describe(_ operation: Operation, _ result: Result?) -> String

  /// A state for a reader.
  func describe(_ state: State) -> String
}

extension SequentialModel {
  /// Takes the step on a copy and compares.
  public mutating func effect(
    of operation: Operation, _ result: Result?, in state: State
  ) -> Effect {
    var copy = state
    guard step(&copy, operation, result) else { return .impossible }
    return copy == state ? .unchanged : .changed
  }

  /// The size of the type, without what a state refers to.
  public func bytes(of state: State) -> Int { MemoryLayout<State>.stride }

  /// One part.
  public func parts(of operations: [Operation]) -> [UInt64]? { nil }

  /// Everything.
  public func cells(of operation: Operation) -> UInt64 { .max }

  /// Nothing that is known.
  public func required(by operation: Operation, _ result: Result?) -> UInt64? { nil }

  /// True.
  public func canGrow(_ value: UInt64, into required: UInt64) -> Bool { true }

  /// Growth.
  public func provided(by operation: Operation, _ result: Result?) -> Provision { .growth }

  /// Unclear.
  public mutating func origin(of value: UInt64, by operation: Operation) -> Origin { .unclear }

  /// Nothing.
  public mutating func prepare(for operations: [Operation], _ results: [Result?]) {}
}

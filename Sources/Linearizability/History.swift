// What clients saw: when each operation was called, when it returned, and with what.

/// One operation of one client.
public struct Record<Operation: Hashable & Sendable, Result: Hashable & Sendable>: Sendable {
  /// Who called. It is for readers only: two operations of one client may overlap.
  public var client: UInt64
  /// When the operation was called, on one clock for the whole history; only the order counts.
  public var call: UInt64
  /// When the client had the answer; `nil` if it never came. An operation that returned at the time
  /// at which another was called overlaps it.
  public var returned: UInt64?
  /// What was asked for.
  public var operation: Operation
  /// What was answered. `nil` if that is not known: the operation may have taken effect at any time
  /// after its call, may do so after the end of the history, or never.
  public var result: Result?
  /// Where the operation stands in an order that is said to explain the history, for example the
  /// index of its log entry; `nil` if it has no place there. See ``certify(_:_:)``.
  public var position: UInt64?

  /// An operation as it was seen.
  public init(
    client: UInt64, call: UInt64, returned: UInt64?, _ operation: Operation, _ result: Result?,
    position: UInt64? = nil
  ) {
    self.client = client
    self.call = call
    self.returned = returned
    self.operation = operation
    self.result = result
    self.position = position
  }

  /// When it must have taken effect: `.max` if nothing says so.
  @inlinable
  var deadline: UInt64 { result == nil ? .max : returned ?? .max }
}

/// What is wrong with a note in a history.
public enum HistoryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No operation has this number.
  case unknownOperation(Int)
  /// The operation was already said to have ended.
  case endedTwice(Int)
  /// The operation would end before its call.
  case endsBeforeItsCall(Int, call: UInt64, end: UInt64)

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .unknownOperation(let number):
      "there is no operation \(number); pass the number that call(…) returned"
    case .endedTwice(let number):
      "operation \(number) has ended already; an operation ends once"
    case .endsBeforeItsCall(let number, let call, let end):
      "operation \(number) was called at \(call) and cannot end at \(end); use one clock for all"
    }
  }
}

/// A history under way: a test calls ``call(_:_:at:)`` before it asks, and says afterwards what it
/// was told.
///
/// ```swift
/// var history = History<RegisterModel>()
/// let write = history.call(1, .write("3"), at: 10)
/// try history.returned(write, .done, at: 14)
/// ```
public struct History<Model: SequentialModel>: Sendable {
  /// One operation of one client.
  public typealias Entry = Record<Model.Operation, Model.Result>

  /// The operations in the order in which they were noted.
  public private(set) var records: [Entry]

  /// A history, empty at first.
  public init(_ records: [Entry] = []) { self.records = records }

  /// Notes that a client asks for something. `time` is on one clock for the whole history.
  ///
  /// - Returns: the number of the operation, for saying later how it ended.
  public mutating func call(_ client: UInt64, _ operation: Model.Operation, at time: UInt64) -> Int
  {
    records.append(Entry(client: client, call: time, returned: nil, operation, nil))
    return records.count - 1
  }

  /// Notes what the client was answered, and when.
  public mutating func returned(
    _ number: Int, _ result: Model.Result, at time: UInt64
  ) throws(HistoryError) {
    try end(number, at: time)
    records[number].result = result
  }

  /// Notes that the client cannot learn what became of the operation: a time-out, a lost
  /// connection, its own crash. An operation that never ends means the same.
  public mutating func lost(_ number: Int, at time: UInt64) throws(HistoryError) {
    try end(number, at: time)
  }

  /// Notes where the operation stands in the order that is said to explain the history.
  public mutating func place(_ number: Int, at position: UInt64) throws(HistoryError) {
    guard records.indices.contains(number) else { throw .unknownOperation(number) }
    records[number].position = position
  }

  /// Takes an operation away that surely had no effect, by its number; the numbers of later ones
  /// become smaller by one. For an operation that was refused.
  public mutating func remove(_ number: Int) throws(HistoryError) {
    guard records.indices.contains(number) else { throw .unknownOperation(number) }
    records.remove(at: number)
  }

  private mutating func end(_ number: Int, at time: UInt64) throws(HistoryError) {
    guard records.indices.contains(number) else { throw .unknownOperation(number) }
    guard records[number].returned == nil else { throw .endedTwice(number) }
    guard time >= records[number].call else {
      throw .endsBeforeItsCall(number, call: records[number].call, end: time)
    }
    records[number].returned = time
  }
}

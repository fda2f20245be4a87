// A proof that came with the history: the order of a log. To check one costs next to nothing.

/// Why an order proves nothing.
public enum CertificateFault: Hashable, Sendable {
  /// This operation of known outcome has no position.
  case missing(Int)
  /// The first operation comes after the second, which was called only after it had returned.
  case realTime(Int, after: Int)
  /// The result of this operation is not right at its place.
  case result(Int)

  /// The operation at which it shows, as a position in the history.
  public var operation: Int {
    switch self {
    case .missing(let number), .realTime(let number, _), .result(let number): number
    }
  }
}

/// Whether the positions of the records prove the history linearizable: in their order, within each
/// part, no operation comes after one that was called only when it had returned, and every result
/// is right. Operations at the same position are taken by their calls. Those of unknown outcome
/// without a position are left out.
///
/// - Returns: a fault, `nil` if the positions are a proof. A fault is no proof of the contrary;
///   ``check(_:_:_:)`` says what is true.
/// - Complexity: O(records), beside the model's steps.
@_specialize(where Model == RegisterModel)
@_specialize(where Model == KeyValueModel)
@_specialize(where Model == KeyValueMapModel)
@_specialize(where Model == LedgerModel)
@_specialize(where Model == TopicsModel)
@inlinable
public func certify<Model: SequentialModel>(
  _ records: [Record<Model.Operation, Model.Result>], _ model: Model
) -> CertificateFault? {
  var proof = Proof(PartNumbers(records, model), model)
  proof.replay(records, positioned(records), isStoppedByFault: true)
  return proof.fault
}

/// The numbers of the parts of all records, parts by their first record.
@usableFromInline struct PartNumbers {
  /// By record; empty if there is one part only.
  @usableFromInline var numbers: [Int32] = []
  @usableFromInline var count = 1

  @inlinable
  subscript(record: Int) -> Int { numbers.isEmpty ? 0 : Int(numbers[record]) }

  @inlinable
  init<Model: SequentialModel>(
    _ records: [Record<Model.Operation, Model.Result>], _ model: Model
  ) {
    guard let keys = model.parts(of: records.map { $0.operation }), keys.count == records.count
    else { return }
    numbers.reserveCapacity(records.count)
    var table = NumberTable()
    for key in keys { numbers.append(table.number(of: key)) }
    count = table.count
  }

  /// The records of each part.
  @inlinable
  func members(of count: Int) -> [[Int]] {
    guard !numbers.isEmpty else { return count == 0 ? [] : [Array(0..<count)] }
    var members = [[Int]](repeating: [], count: self.count)
    for record in 0..<count { members[Int(numbers[record])].append(record) }
    return members
  }
}

/// The replay of an order, part by part.
@usableFromInline struct Proof<Model: SequentialModel> {
  @usableFromInline var model: Model
  @usableFromInline let parts: PartNumbers
  @usableFromInline var states: [Model.State]
  /// By part: the latest call so far, and whose it was.
  @usableFromInline var latest: [UInt64]
  @usableFromInline var holders: [Int]
  /// By part: whether it is broken.
  @usableFromInline var isBroken: [Bool]
  /// The first fault.
  @usableFromInline var fault: CertificateFault?

  @inlinable
  init(_ parts: PartNumbers, _ model: Model) {
    self.model = model
    self.parts = parts
    states = [Model.State](repeating: model.initial, count: parts.count)
    latest = [UInt64](repeating: 0, count: parts.count)
    holders = [Int](repeating: -1, count: parts.count)
    isBroken = [Bool](repeating: false, count: parts.count)
  }

  @inlinable
  mutating func replay(
    _ records: [Record<Model.Operation, Model.Result>], _ order: [Int32], isStoppedByFault: Bool
  ) {
    if order.count < records.count { findMissing(records) }
    if isStoppedByFault, fault != nil { return }
    for number in order {
      let record = Int(number)
      let part = parts[record]
      guard !isBroken[part] else { continue }
      let call = records[record].call
      if call >= latest[part] {
        latest[part] = call
        holders[part] = record
      } else if records[record].deadline < latest[part] {
        note(.realTime(record, after: holders[part]), part)
      }
      let isRight = model.step(
        &states[part], records[record].operation, records[record].result)
      if !isRight { note(.result(record), part) }
      if isStoppedByFault, fault != nil { return }
    }
  }

  @inlinable
  mutating func findMissing(_ records: [Record<Model.Operation, Model.Result>]) {
    for number in records.indices
    where records[number].position == nil && records[number].result != nil {
      note(.missing(number), parts[number])
    }
  }

  @inlinable
  mutating func note(_ fault: CertificateFault, _ part: Int) {
    isBroken[part] = true
    if self.fault == nil { self.fault = fault }
  }
}

/// The records that have a position, by their positions, then by their calls.
///
/// - Complexity: O(records), if few share a position.
@inlinable
func positioned<Operation, Result>(_ records: [Record<Operation, Result>]) -> [Int32] {
  var order: [Int32] = []
  order.reserveCapacity(records.count)
  var smallest = UInt64.max
  var largest: UInt64 = 0
  var isSorted = true
  var before: (position: UInt64, call: UInt64) = (0, 0)
  for number in records.indices {
    guard let position = records[number].position else { continue }
    order.append(Int32(truncatingIfNeeded: number))
    smallest = min(smallest, position)
    largest = max(largest, position)
    let call = records[number].call
    isSorted =
      isSorted
      && (before.position < position || before.position == position && before.call <= call)
    before = (position, call)
  }
  guard !isSorted else { return order }
  sort(&order, bits: 64 - (largest - smallest).leadingZeroBitCount) { number in
    (records[Int(number)].position ?? smallest) - smallest
  }
  // Those that share a position are few.
  for place in order.indices.dropFirst() {
    var place = place
    while place > 0, isBefore(records, order[place], order[place - 1]) {
      order.swapAt(place, place - 1)
      place -= 1
    }
  }
  return order
}

@inlinable
func isBefore<Operation, Result>(
  _ records: [Record<Operation, Result>], _ a: Int32, _ b: Int32
) -> Bool {
  let (first, second) = (records[Int(a)], records[Int(b)])
  return first.position == second.position && first.call < second.call
}

/// Sorts numbers by a key of so many bits, eleven bits at a time; equal ones keep their order.
@inlinable
func sort(_ order: inout [Int32], bits: Int, by key: (Int32) -> UInt64) {
  var other = order
  for shift in stride(from: 0, to: bits, by: 11) {
    var starts = [Int](repeating: 0, count: 2049)
    for number in order { starts[Int((key(number) >> UInt64(shift)) & 2047) + 1] += 1 }
    for digit in 1..<2049 { starts[digit] += starts[digit - 1] }
    for number in order {
      let digit = Int((key(number) >> UInt64(shift)) & 2047)
      other[starts[digit]] = number
      starts[digit] += 1
    }
    swap(&order, &other)
  }
}

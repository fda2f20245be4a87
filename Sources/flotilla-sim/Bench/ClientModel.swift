// A model as a user of the library writes it, in another module than the search: to measure whether
// the search is made for it as it is for our own.

import Linearizability

/// A register of numbers, with what makes the search fast and nothing else.
struct ClientRegister: SequentialModel {
  enum Operation: Hashable {
    case read
    case write(UInt64)
  }

  var initial: UInt64 { 0 }

  func step(_ state: inout UInt64, _ operation: Operation, _ result: UInt64?) -> Bool {
    switch operation {
    case .read: return result == nil || result == state
    case .write(let value):
      state = value
      return true
    }
  }

  func digest(of state: UInt64) -> UInt64 { state &* 0x9e37_79b9_7f4a_7c15 }

  func required(by operation: Operation, _ result: UInt64?) -> UInt64? {
    operation == .read ? result : nil
  }

  func provided(by operation: Operation, _ result: UInt64?) -> Provision {
    switch operation {
    case .read: .nothing
    case .write(let value): .value(value)
    }
  }

  func describe(_ operation: Operation, _ result: UInt64?) -> String { "\(operation)" }
  func describe(_ state: UInt64) -> String { "\(state)" }

  /// The same history of a register as its own operations; what was never written reads as 0.
  static func records(
    _ records: [History<KeyValueModel>.Entry]
  ) -> [History<ClientRegister>.Entry] {
    records.map { record in
      var operation = Operation.read
      if case .put(_, let value) = record.operation { operation = .write(value.rawValue + 1) }
      var result = record.result == nil ? nil : UInt64(0)
      if case .value(let value) = record.result, value != .absent { result = value.rawValue + 1 }
      return History<ClientRegister>.Entry(
        client: record.client, call: record.call, returned: record.returned, operation, result)
    }
  }
}

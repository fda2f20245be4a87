import TestPace
import Testing

@testable import Linearizability

@Suite(.computing) struct `A history` {
  @Test func `is filled call by call`() throws {
    var model = KeyValueModel()
    var history = History<KeyValueModel>()
    let put = history.call(1, model.put("x", "1"), at: 10)
    let get = history.call(2, model.get("x"), at: 11)
    let lost = history.call(3, model.delete("x"), at: 12)
    let refused = history.call(4, model.delete("x"), at: 13)
    try history.returned(get, model.value(nil), at: 14)
    try history.returned(put, .done, at: 15)
    try history.lost(lost, at: 20)
    try history.place(put, at: 7)
    try history.remove(refused)
    #expect(history.records.count == 3)
    #expect(history.records[put].position == 7)
    #expect(history.records[lost].result == nil && history.records[lost].returned == 20)
    #expect(check(history, model).verdict.isLinearizable)
  }

  @Test func `refuses what cannot be`() throws {
    var history = History<RegisterModel>()
    let read = history.call(1, .read, at: 10)
    #expect(throws: HistoryError.unknownOperation(5)) { try history.lost(5, at: 11) }
    #expect(throws: HistoryError.unknownOperation(-1)) { try history.place(-1, at: 11) }
    #expect(throws: HistoryError.unknownOperation(1)) { try history.remove(1) }
    #expect(throws: HistoryError.endsBeforeItsCall(read, call: 10, end: 9)) {
      try history.returned(read, .value(.absent), at: 9)
    }
    try history.returned(read, .value(.absent), at: 10)
    #expect(throws: HistoryError.endedTwice(read)) { try history.lost(read, at: 12) }
    #expect(
      HistoryError.endsBeforeItsCall(0, call: 10, end: 9).description
        == "operation 0 was called at 10 and cannot end at 9; use one clock for all")
  }

  @Test func `a record that returned before its call does no harm`() {
    let records = [
      History<RegisterModel>.Entry(client: 1, call: 9, returned: 3, .write(Symbol(1)), .done),
      History<RegisterModel>.Entry(client: 1, call: 5, returned: 6, .read, .value(Symbol(1))),
    ]
    if case .undecided = check(records, RegisterModel()).verdict { Issue.record("gave up") }
  }
}

@Suite(.computing) struct Models {
  @Test func `a model of one's own is a few lines`() {
    /// A counter that only counts up.
    struct CounterModel: SequentialModel {
      var initial: Int { 0 }

      mutating func step(_ state: inout Int, _ operation: Bool, _ result: Int?) -> Bool {
        if operation { state += 1 }
        return result == nil || result == state
      }

      func digest(of state: Int) -> UInt64 { UInt64(state) }
      func describe(_ operation: Bool, _ result: Int?) -> String { operation ? "add" : "read" }
      func describe(_ state: Int) -> String { "\(state)" }
    }
    var history = History<CounterModel>()
    let first = history.call(1, true, at: 0)
    let second = history.call(2, true, at: 1)
    let read = history.call(3, false, at: 2)
    #expect(throws: Never.self) {
      try history.returned(first, 2, at: 5)
      try history.returned(second, 1, at: 6)
      try history.returned(read, 1, at: 7)
    }
    #expect(check(history, CounterModel()).verdict == .linearizable(order: [1, 2, 0]))
  }

  @Test func `operations and states are described`() {
    var store = KeyValueModel()
    let calls: [(KeyValueModel.Operation, KeyValueModel.Result?, String)] = [
      (store.put("x", "1"), .done, "put x \"1\""),
      (store.get("x"), store.value("1"), "get x = \"1\""),
      (store.get("x"), store.value(nil), "get x = nothing"),
      (store.append("x", "2"), nil, "append x \"2\""), (store.delete("x"), .done, "delete x"),
      (
        store.compareAndSet("x", from: nil, to: "2"), .swapped(false),
        "cas x nothing to \"2\" failed"
      ),
    ]
    for (operation, result, text) in calls { #expect(store.describe(operation, result) == text) }
    var ledger = LedgerModel()
    let transfer = ledger.transfer("a", "b", 5)
    #expect(ledger.describe(transfer, .refused) == "transfer a to b 5 refused")
    #expect(ledger.describe(ledger.open("a", balance: 5), .done) == "open a with 5")
    #expect(ledger.describe(ledger.balance("a"), .balance(3)) == "balance a = 3")
    var topics = TopicsModel()
    let publish = topics.publish("t", "m")
    #expect(topics.describe(publish, .offset(3)) == "publish t \"m\" at 3")
    let read = topics.read("t", from: 1, limit: 2)
    let seen = topics.messages(["m"])
    #expect(topics.describe(read, seen) == "read t from 1 limit 2 = [\"m\"]")
    var register = RegisterModel()
    let write = register.write("3")
    #expect(register.describe(write, .done) == "write 3")
    #expect(register.describe(.read, register.value("3")) == "read 3")
  }

  @Test func `transfers keep the sum and the limits`() {
    var model = LedgerModel()
    var state = model.initial
    let steps: [(LedgerModel.Operation, LedgerModel.Result)] = [
      (model.open("a", balance: 10), .done), (model.open("a"), .refused),
      (model.open("b", balance: 0, limit: -5), .done), (model.open("c", balance: -1), .refused),
      (model.transfer("a", "b", 10), .done), (model.transfer("a", "b", 1), .refused),
      (model.transfer("b", "a", 15), .done), (model.transfer("b", "a", 1), .refused),
      (model.transfer("a", "a", 1), .refused), (model.transfer("a", "x", 1), .refused),
      (model.transfer("a", "b", 0), .refused), (model.balance("a"), .balance(15)),
      (model.balance("b"), .balance(-5)), (model.balance("x"), .balance(nil)),
      (model.transfer("a", "b", .max), .refused),
    ]
    for (operation, result) in steps {
      #expect(model.step(&state, operation, result), "\(model.describe(operation, result))")
    }
    #expect(model.describe(state) == "a 15, b -5")
  }
}

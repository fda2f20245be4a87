import Linearizability
import TestPace
import Testing

// begin Docs/HowTo/CheckYourHistory.md
struct CounterModel: SequentialModel {
  var initial: Int { 0 }

  mutating func step(_ state: inout Int, _ isAdd: Bool, _ result: Int?) -> Bool {
    if isAdd { state += 1 }
    return result == nil || result == state
  }

  func digest(of state: Int) -> UInt64 { UInt64(state) }
  func describe(_ isAdd: Bool, _ result: Int?) -> String { isAdd ? "add" : "read" }
  func describe(_ state: Int) -> String { "\(state)" }
}
// end

@Suite(.computing) struct CheckYourHistoryTwins {
  @Test func `a history is filled and checked`() throws {
    let printed = Printed()
    func print(_ items: Any...) { printed.add(items) }

    // begin Docs/HowTo/CheckYourHistory.md
    var model = KeyValueModel()
    var history = History<KeyValueModel>()

    let put = history.call(1, model.put("x", "1"), at: 10)
    let lost = history.call(2, model.put("x", "2"), at: 11)
    let get = history.call(3, model.get("x"), at: 12)
    try history.returned(put, .done, at: 13)
    try history.returned(get, model.value("2"), at: 15)
    try history.lost(lost, at: 1_011)

    let checked = check(history, model)
    print(checked.verdict)
    // end
    printed.check()
  }

  @Test func `a model of one's own is checked`() throws {
    var history = History<CounterModel>()
    let first = history.call(1, true, at: 0)
    let second = history.call(2, true, at: 1)
    try history.returned(first, 2, at: 5)
    try history.returned(second, 1, at: 6)
    #expect(check(history, CounterModel()).verdict == .linearizable(order: [1, 0]))
  }
}

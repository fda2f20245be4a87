import TestPace
import Testing

@testable import Linearizability

/// Histories that are linearizable in one way only, and that a shortcut taken too far would lose.
@Suite(.computing) struct `Shortcuts lose no solution` {
  private typealias Entry = History<KeyValueModel>.Entry

  private func expectLinearizable(_ records: [Entry], _ model: KeyValueModel) {
    #expect(Naive.isFoundByShortcuts(records, model))
    #expect(Naive.isFoundByShortcuts(records, KeyValueMapModel(model)))
    for isWhole in [false, true] {
      let checked =
        isWhole ? check(records, KeyValueMapModel(model)) : check(records, model)
      guard case .linearizable(let order) = checked.verdict else {
        Issue.record("\(checked.verdict)")
        continue
      }
      #expect(Naive.fault(in: order, of: records, model) == nil)
    }
  }

  @Test func `a write that nobody reads can make a comparison fail`() {
    var model = KeyValueModel()
    let records = [
      Entry(client: 1, call: 0, returned: 1, model.put("k", "x"), .done),
      Entry(client: 2, call: 2, returned: 20, model.put("k", "y"), .done),
      Entry(client: 1, call: 5, returned: 6, model.put("k", "a"), .done),
      Entry(client: 1, call: 7, returned: 8, model.get("k"), model.value("a")),
      Entry(
        client: 1, call: 9, returned: 10, model.compareAndSet("k", from: "a", to: "b"),
        .swapped(false)),
    ]
    expectLinearizable(records, model)
  }

  @Test func `so it can in a register`() {
    let symbols = (0..<4 as Range<UInt64>).map { Symbol($0) }
    let records: [History<RegisterModel>.Entry] = [
      Record(client: 1, call: 0, returned: 1, .write(symbols[0]), .done),
      Record(client: 2, call: 2, returned: 20, .write(symbols[1]), .done),
      Record(client: 1, call: 5, returned: 6, .write(symbols[2]), .done),
      Record(client: 1, call: 7, returned: 8, .read, .value(symbols[2])),
      Record(
        client: 1, call: 9, returned: 10, .compareAndSet(from: symbols[2], to: symbols[3]),
        .swapped(false)),
    ]
    #expect(Naive.isFoundByShortcuts(records, RegisterModel()))
  }

  @Test func `what could have been added can have been written as a whole`() {
    var model = KeyValueModel()
    let records = [
      Entry(client: 1, call: 0, returned: 1, model.put("k", "c"), .done),
      Entry(client: 2, call: 0, returned: 20, model.append("k", "b"), .done),
      Entry(client: 1, call: 2, returned: 3, model.append("k", "a"), .done),
      Entry(client: 1, call: 4, returned: 5, model.put("k", "ab"), .done),
      Entry(client: 1, call: 6, returned: 7, model.get("k"), model.value("ab")),
    ]
    expectLinearizable(records, model)
  }

  @Test func `the same text can be added twice, and in parts of other length`() {
    var model = KeyValueModel()
    let records = [
      Entry(client: 1, call: 0, returned: 9, model.append("k", "a"), .done),
      Entry(client: 2, call: 0, returned: 9, model.append("k", "aa"), .done),
      Entry(client: 3, call: 0, returned: 9, model.append("k", "a"), .done),
      Entry(client: 4, call: 1, returned: 2, model.get("k"), model.value("aaa")),
      Entry(client: 4, call: 3, returned: 4, model.get("k"), model.value("aaaa")),
    ]
    expectLinearizable(records, model)
  }
}

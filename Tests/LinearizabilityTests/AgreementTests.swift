import Raft
import TestPace
import Testing

@testable import Linearizability

/// Counts of what a sweep over random histories met.
private struct Met {
  var linearizable = 0
  var violated = 0
  var unknownPlaced = 0
}

/// Compares the checker with the definition on random histories of a model.
private func compare<Model: Drawable>(_ model: Model, _ count: Int, seed: UInt64) -> Met {
  var random = RandomSource(seed: seed)
  var met = Met()
  for number in 0..<count {
    var shape = Shape()
    shape.operations = 3 + random.below(5)
    shape.clients = 2 + random.below(4)
    shape.unknownPercent = [0, 30, 70][random.below(3)]
    shape.liePercent = [0, 15, 50][random.below(3)]
    var model = model
    let records = Drawing.history(&model, shape, &random)
    let expected = Naive.isLinearizable(records, model)
    #expect(
      Naive.isFoundByShortcuts(records, model) == expected, "history \(number) of seed \(seed)")
    switch check(records, model).verdict {
    case .linearizable(let order):
      met.linearizable += 1
      met.unknownPlaced += order.contains { records[$0].result == nil } ? 1 : 0
      let fault = Naive.fault(in: order, of: records, model)
      #expect(expected && fault == nil, "history \(number) of seed \(seed): \(fault ?? "is none")")
    case .violated(let counterexample):
      met.violated += 1
      #expect(!expected, "history \(number) of seed \(seed) is linearizable")
      let fault = Naive.fault(in: counterexample.order, of: records, model, isPartial: true)
      #expect(fault == nil, "history \(number) of seed \(seed): \(fault ?? "")")
      #expect(!counterexample.order.contains(counterexample.stuck))
      #expect(counterexample.part.contains(counterexample.stuck))
      #expect(records[counterexample.stuck].result != nil)
    case .undecided(let reason): Issue.record("history \(number) of seed \(seed): \(reason)")
    }
  }
  return met
}

@Suite(.computing) struct `The checker agrees with the definition` {
  private func expectAll(_ met: Met) {
    // A sweep in which one side is hardly met says nothing.
    #expect(met.linearizable > 100)
    #expect(met.violated > 100)
    #expect(met.unknownPlaced > 10)
  }

  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func `on registers`(seed: UInt64) { expectAll(compare(RegisterModel.make(), 1_500, seed: seed)) }

  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func `on stores by key`(seed: UInt64) {
    expectAll(compare(KeyValueModel.make(), 1_500, seed: seed))
  }

  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func `on stores as a whole`(seed: UInt64) {
    expectAll(compare(KeyValueMapModel.make(), 1_500, seed: seed))
  }

  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func `on stores with lists`(seed: UInt64) {
    expectAll(compare(KeyValueListModel.make(), 1_500, seed: seed))
  }

  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func `on ledgers`(seed: UInt64) { expectAll(compare(LedgerModel.make(), 700, seed: seed)) }

  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func `on topics`(seed: UInt64) { expectAll(compare(TopicsModel.make(), 700, seed: seed)) }
}

import Raft
import TestPace
import Testing

@testable import Linearizability

private typealias Entry = History<RegisterModel>.Entry

private func entry(
  _ call: UInt64, _ returned: UInt64?, _ operation: RegisterModel.Operation,
  _ result: RegisterModel.Result?, _ position: UInt64?
) -> Entry {
  Entry(client: 1, call: call, returned: returned, operation, result, position: position)
}

@Suite(.computing) struct `An order that comes with the history` {
  private let one = RegisterModel.Operation.write(Symbol(1))
  private let two = RegisterModel.Operation.write(Symbol(2))

  @Test func `is a proof if it respects time and every result is right`() {
    let records = [
      entry(0, 10, one, .done, 4), entry(0, 12, two, .done, 2),
      entry(1, 2, .read, .value(.absent), 1), entry(13, 14, .read, .value(Symbol(1)), 5),
    ]
    #expect(certify(records, RegisterModel()) == nil)
    let checked = check(records, RegisterModel())
    #expect(checked.certified == 1 && checked.steps == 0)
    #expect(checked.verdict == .linearizable(order: [2, 1, 0, 3]))
  }

  @Test func `is none if it puts an operation before one that had returned`() {
    let records = [entry(0, 1, one, .done, 2), entry(2, 3, two, .done, 1)]
    #expect(certify(records, RegisterModel()) == .realTime(0, after: 1))
    // Another order explains it.
    #expect(check(records, RegisterModel()).verdict == .linearizable(order: [0, 1]))
  }

  @Test func `is none if a result is not right at its place`() {
    let records = [
      entry(0, 9, one, .done, 1), entry(0, 9, two, .done, 2),
      entry(3, 5, .read, .value(Symbol(1)), 3),
    ]
    #expect(certify(records, RegisterModel()) == .result(2))
    guard case .linearizable = check(records, RegisterModel()).verdict else {
      Issue.record("the read may come between the writes")
      return
    }
  }

  @Test func `must place every operation whose outcome is known, and no other`() {
    var records = [entry(0, 1, one, .done, 1), entry(2, 3, .read, .value(Symbol(1)), nil)]
    #expect(certify(records, RegisterModel()) == .missing(1))
    records[1].position = 2
    records.append(entry(0, nil, two, nil, nil))
    #expect(certify(records, RegisterModel()) == nil)
  }

  @Test func `may place what was never answered`() {
    let records = [
      entry(0, 1, one, .done, 1), entry(0, nil, two, nil, 7),
      entry(2, 3, .read, .value(Symbol(2)), 7),
    ]
    #expect(certify(records, RegisterModel()) == nil)
  }

  @Test func `at one place goes by the calls`() {
    let records = [
      entry(5, 6, .read, .value(.absent), 3), entry(1, 2, .read, .value(.absent), 3),
      entry(3, 4, .read, .value(.absent), 3),
    ]
    #expect(certify(records, RegisterModel()) == nil)
    #expect(check(records, RegisterModel()).verdict == .linearizable(order: [1, 2, 0]))
  }

  @Test func `is checked part by part`() {
    var model = KeyValueModel()
    let records: [History<KeyValueModel>.Entry] = [
      Record(client: 1, call: 0, returned: 1, model.put("x", "1"), .done, position: 1),
      Record(client: 1, call: 2, returned: 3, model.put("y", "1"), .done, position: 3),
      // Another key, a position before: no matter.
      Record(client: 1, call: 4, returned: 5, model.get("x"), model.value("1"), position: 2),
      Record(client: 1, call: 6, returned: 7, model.get("y"), model.value(nil), position: 9),
    ]
    #expect(certify(records, model) == .result(3))
    let checked = check(records, model)
    #expect(checked.certified == 1 && checked.parts == 2)
    guard case .violated(let found) = checked.verdict else {
      Issue.record("\(checked.verdict)")
      return
    }
    #expect(found.stuck == 3 && found.part == [1, 3])
  }

  @Test func `agrees with a search on thousands of drawn histories, in whatever order they stand`()
  {
    var random = RandomSource(seed: 11)
    var proofs = 0
    for _ in 0..<400 {
      var shape = Shape()
      shape.operations = 2 + random.below(12)
      shape.liePercent = random.below(2) * 10
      var records = Drawing.history(KeyValueModel.make(), shape, &random)
      // Any order at all: positions drawn at random are seldom a proof, those by returns often.
      for number in records.indices {
        records[number].position =
          random.happens(90)
          ? (records[number].returned ?? 500) * 100 + UInt64(random.below(3)) : nil
      }
      for number in records.indices.reversed() {
        records.swapAt(number, random.below(number + 1))
      }
      let bare = records.map { record in
        var record = record
        record.position = nil
        return record
      }
      let isLinearizable = check(bare, KeyValueModel.make()).verdict.isLinearizable
      #expect(check(records, KeyValueModel.make()).verdict.isLinearizable == isLinearizable)
      if certify(records, KeyValueModel.make()) == nil {
        proofs += 1
        #expect(isLinearizable)
        #expect(check(records, KeyValueModel.make()).steps == 0)
      }
    }
    #expect(proofs > 40)
  }

  @Test func `is sorted by any positions`() {
    var random = RandomSource(seed: 12)
    for spread in [4, 1_000, 1 << 40] as [UInt64] {
      let records = (0..<300).map { number in
        entry(random.draw(below: 9), nil, .read, nil, random.draw(below: spread) + (1 << 50))
      }
      let order = positioned(records).map(Int.init)
      let expected = records.indices.sorted {
        let (a, b) = (records[$0], records[$1])
        return (a.position ?? 0, a.call, $0) < (b.position ?? 0, b.call, $1)
      }
      #expect(order == expected)
    }
  }
}

extension CheckVerdict {
  var isLinearizable: Bool {
    if case .linearizable = self { true } else { false }
  }
}

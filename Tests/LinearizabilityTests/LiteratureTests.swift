import TestPace
import Testing

@testable import Linearizability

/// A history of a register in a few lines: each line is `client call return operation result`, with
/// `-` for a return that never came and `?` for a result that is not known.
private func register(_ text: String) -> [Record<RegisterModel.Operation, RegisterModel.Result>] {
  text.split(separator: "\n").map { line in
    let words = line.split(separator: " ").map(String.init)
    let operation: RegisterModel.Operation
    let result: RegisterModel.Result
    switch words[3] {
    case "w":
      operation = .write(symbol(words[4]))
      result = .done
    case "cas":
      operation = .compareAndSet(from: symbol(words[4]), to: symbol(words[5]))
      result = .swapped(words[6] == "ok")
    default:
      operation = .read
      result = .value(symbol(words[4]))
    }
    let isUnknown = words.last == "?" || words[2] == "-"
    return Record(
      client: UInt64(words[0]) ?? 0, call: UInt64(words[1]) ?? 0, returned: UInt64(words[2]),
      operation, isUnknown ? nil : result)
  }
}

private func symbol(_ word: String) -> Symbol {
  word == "nothing" ? .absent : Symbol(UInt64(word) ?? 0)
}

private func isLinearizable(_ text: String) -> Bool {
  let records = register(text)
  let model = RegisterModel()
  let expected = Naive.isLinearizable(records, model)
  switch check(records, model).verdict {
  case .linearizable:
    #expect(expected)
    return true
  case .violated:
    #expect(!expected)
    return false
  case .undecided(let reason):
    Issue.record("\(reason)")
    return false
  }
}

@Suite(.computing) struct `Histories from the literature` {
  // Herlihy and Wing 1990, section 1.2: histories H1 to H4 are of a queue. These are their
  // counterparts on a register.
  @Test func `an overlapping write may come before or after a read`() {
    #expect(isLinearizable("1 0 10 w 1\n2 5 20 w 2\n3 12 15 r 1\n3 21 25 r 2"))
    #expect(isLinearizable("1 0 10 w 1\n2 5 20 w 2\n3 12 15 r 2\n3 21 25 r 2"))
    #expect(isLinearizable("1 0 10 w 1\n2 5 20 w 2\n3 12 15 r 2\n3 21 25 r 1") == false)
  }

  @Test func `a read cannot see what is overwritten`() {
    #expect(!isLinearizable("1 0 1 w 1\n1 2 3 w 2\n2 4 5 r 1"))
  }

  @Test func `a read cannot see what is not yet written`() {
    #expect(!isLinearizable("2 0 1 r 1\n1 2 3 w 1"))
    #expect(isLinearizable("2 0 2 r 1\n1 2 3 w 1"))
  }

  @Test func `a stale read is one that goes back behind another client's`() {
    // Both overlap the write. Once one has seen it, the next may not miss it.
    #expect(isLinearizable("1 0 20 w 1\n2 1 3 r nothing\n3 4 6 r 1"))
    #expect(!isLinearizable("1 0 20 w 1\n2 1 3 r 1\n3 4 6 r nothing"))
  }

  @Test func `an update is lost where two comparisons both succeed`() {
    #expect(!isLinearizable("1 0 1 w 0\n1 2 9 cas 0 1 ok\n2 3 8 cas 0 2 ok"))
    #expect(isLinearizable("1 0 1 w 0\n1 2 9 cas 0 1 ok\n2 3 8 cas 0 2 no"))
    #expect(isLinearizable("1 0 1 w 0\n1 2 9 cas 0 1 ok\n2 3 8 cas 1 2 ok"))
  }

  @Test func `an operation of unknown outcome may happen late or never`() {
    #expect(isLinearizable("1 0 - w 1\n2 1 2 r nothing\n2 100 101 r 1"))
    #expect(isLinearizable("1 0 - w 1\n2 1 2 r nothing\n2 100 101 r nothing"))
    #expect(isLinearizable("1 0 5 w 1 ?\n2 1 2 r nothing\n2 100 101 r 1"))
    // But it happens once.
    #expect(!isLinearizable("1 0 - w 1\n2 1 2 r 1\n2 3 4 w 2\n2 5 6 r 1"))
    // And not before its call.
    #expect(!isLinearizable("2 0 1 r 1\n1 2 - w 1"))
  }

  @Test func `two of unknown outcome can explain what one cannot`() {
    #expect(isLinearizable("1 0 - w 1\n2 0 - cas 1 2 ?\n3 5 6 r 2"))
    #expect(isLinearizable("1 0 - w 1\n2 0 - cas 1 2 ?\n4 0 - cas 2 3 ?\n3 5 6 r 3"))
    #expect(!isLinearizable("1 0 - w 1\n2 0 - cas 2 3 ?\n3 5 6 r 3"))
  }

  @Test func `what happens at one time overlaps`() {
    #expect(isLinearizable("1 0 5 w 1\n2 5 6 r nothing\n2 7 8 r 1"))
  }

  @Test func `a result that is known must be explained even if its return is not`() {
    let records = [
      Record<RegisterModel.Operation, RegisterModel.Result>(
        client: 1, call: 0, returned: nil, .read, .value(Symbol(7)))
    ]
    guard case .violated(let found) = check(records, RegisterModel()).verdict else {
      Issue.record("a read of what nobody wrote was placed")
      return
    }
    #expect(found.stuck == 0 && found.order.isEmpty && found.state == "nothing")
  }

  @Test func `the longest order and the operation that fits nowhere are told`() {
    let records = register("1 0 1 w 1\n1 2 3 w 2\n2 4 5 r 2\n2 6 7 r 1\n2 8 9 r 2")
    guard case .violated(let found) = check(records, RegisterModel()).verdict else {
      Issue.record("a stale read was placed")
      return
    }
    #expect(found.order == [0, 1, 2])
    #expect(found.stuck == 3)
    #expect(found.state == "2")
    #expect(found.part == [0, 1, 2, 3, 4])
  }

  @Test func `an empty history is linearizable`() {
    let checked = check(History<KeyValueModel>(), KeyValueModel())
    #expect(checked.verdict == .linearizable(order: []))
    #expect(checked.parts == 0)
  }

  @Test func `a witness over several keys respects the time between them`() {
    var model = KeyValueModel()
    var history = History<KeyValueModel>()
    for number in 0..<40 as Range<UInt64> {
      let put = history.call(1, model.put("k\(number % 7)", "v\(number)"), at: number * 10)
      #expect(throws: Never.self) { try history.returned(put, .done, at: number * 10 + 5) }
    }
    #expect(check(history, model).verdict == .linearizable(order: Array(0..<40)))
  }
}
